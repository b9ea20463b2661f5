//! Flags as remedies: a message names only those that the running command has, and no switch that was given already.

use std::collections::HashSet;
use std::sync::OnceLock;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory};

use crate::args::Cli;

/// Those of the running command; in tests of functions all.
static FLAGS: OnceLock<Flags> = OnceLock::new();

#[derive(Default)]
struct Flags {
    /// Long names that it has.
    has: HashSet<String>,
    /// Those of them that the command line gives.
    given: HashSet<String>,
}

/// Notes the flags of the command that was parsed.
pub fn note(matches: &ArgMatches) {
    let Some((name, matches)) = matches.subcommand() else { return };
    let grammar = Cli::command();
    let mut flags = Flags::default();
    for argument in grammar.find_subcommand(name).into_iter().flat_map(clap::Command::get_arguments) {
        let Some(long) = argument.get_long() else { continue };
        flags.has.insert(long.to_string());
        if matches.value_source(argument.get_id().as_str()) == Some(ValueSource::CommandLine) {
            flags.given.insert(long.to_string());
        }
    }
    FLAGS.get_or_init(|| flags);
}

/// Whether the running command has `--NAME`.
pub fn has(name: &str) -> bool {
    FLAGS.get().is_none_or(|flags| flags.has.contains(name))
}

/// Whether the command line gives `--NAME`.
pub fn is_given(name: &str) -> bool {
    FLAGS.get().is_some_and(|flags| flags.given.contains(name))
}

/// `--NAME`, with the command `of` where the running one does not have it.
pub fn named(name: &str, of: &str) -> String {
    if has(name) { format!("--{name}") } else { format!("`calotype {of} --{name}`") }
}
