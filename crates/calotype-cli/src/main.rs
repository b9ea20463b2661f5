//! The calotype command line: encode, decode, info, devices, models, eval, bench, view.

#![forbid(unsafe_code)]

mod amount;
mod args;
mod bad_value;
mod batch;
mod bench;
mod decode;
mod encode;
mod engine;
mod eval;
mod exif;
mod failure;
mod flags;
mod frames;
mod generate;
mod info;
mod inherited;
mod kind;
mod kit;
mod list;
mod metadata;
mod output;
mod pixels;
mod progress;
mod quality;
mod read_bmp;
mod read_image;
mod read_jpeg;
mod read_jxl;
mod read_palette;
mod read_rows;
mod read_size;
mod read_tiff;
mod reading;
mod refusal;
mod target;
mod turned;
mod unfinished;
#[cfg(feature = "view")]
mod view;
mod write_image;
mod write_rows;

use std::process::ExitCode;

use clap::FromArgMatches;
use etcetera::base_strategy::{BaseStrategy, choose_base_strategy};

use args::{Cli, Command};
use failure::Failure;

fn main() -> ExitCode {
    let matches = args::grammar().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    flags::note(&matches);
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_silent() {
                output::say(&format!("calotype: {}", failure.message));
            }
            ExitCode::from(failure.code)
        }
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    unfinished::remove_on_signals()?;
    engine::set_threads(cli.threads)?;
    let choice = engine::chosen(cli)?;
    // Without a home nothing is remembered.
    if let Ok(strategy) = choose_base_strategy() {
        calotype::remember_in(strategy.cache_dir().join("calotype"));
    }
    match &cli.command {
        Command::Encode(args) => encode::run(args, &choice),
        Command::Decode(args) => decode::run(args, &choice),
        Command::Info(args) => info::run(args),
        Command::Devices(args) => list::devices(args, &choice),
        Command::Models(args) => list::models(args),
        Command::Generate(args) => generate::run(args),
        Command::Eval(args) => eval::run(args, &choice),
        Command::Bench(args) => bench::run(args, &choice),
        Command::Kit(args) => kit::run(args, &choice),
        #[cfg(feature = "view")]
        Command::View(args) => view::run(args, &choice),
    }
}
