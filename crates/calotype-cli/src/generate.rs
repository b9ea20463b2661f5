//! `calotype generate`: completions and manual pages, made of the grammar that the program parses with.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::args::{Cli, GenerateArgs};
use crate::failure::Failure;
use crate::output::{self, Existing};

/// Runs the command.
///
/// # Errors
/// Io; usage if files are there already and may not be replaced.
pub fn run(args: &GenerateArgs) -> Result<(), Failure> {
    output::create_folder(&args.folder)?;
    completions(&args.folder, args.overwrite)?;
    let mut command = Cli::command();
    command.build();
    manual(&args.folder, "calotype", &command, args.overwrite)?;
    command.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help").try_for_each(|subcommand| {
        let name = format!("calotype-{}", subcommand.get_name());
        manual(&args.folder, &name, subcommand, args.overwrite)
    })
}

fn completions(folder: &Path, overwrite: bool) -> Result<(), Failure> {
    let files =
        [(Shell::Bash, "calotype.bash"), (Shell::Zsh, "_calotype"), (Shell::Fish, "calotype.fish"), (Shell::PowerShell, "_calotype.ps1")];
    files.into_iter().try_for_each(|(shell, name)| {
        let mut text = Vec::new();
        generate(shell, &mut Cli::command(), "calotype", &mut text);
        output::write(&folder.join(name), &[&text], Existing::from_flag(overwrite))
    })
}

fn manual(folder: &Path, name: &str, command: &clap::Command, overwrite: bool) -> Result<(), Failure> {
    let path = folder.join(format!("{name}.1"));
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).title(name).render(&mut page).map_err(|error| Failure::io(&path, "write", error))?;
    output::write(&path, &[&page], Existing::from_flag(overwrite))
}
