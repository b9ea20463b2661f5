//! Files that are being written: gone when a signal ends the program.
//!
//! They have hidden names of their own (`.calotype-...`) and take their output's name when they are complete, so that a program that is
//! killed without warning leaves at most such a file behind, and never half an output.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use tempfile::NamedTempFile;

use crate::failure::Failure;

/// Names of all temporary files of this run; those that are complete or given up are no longer there.
static NAMES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Makes a temporary file that a signal removes.
///
/// # Errors
/// Those of `make`.
pub fn create(make: impl FnOnce() -> io::Result<NamedTempFile>) -> io::Result<NamedTempFile> {
    // Held until the name is noted: no signal comes between.
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let file = make()?;
    names.push(file.path().to_owned());
    Ok(file)
}

/// From now on Ctrl-C, and on Unix SIGTERM and SIGHUP, remove what is unfinished and end the program.
///
/// # Errors
/// Io if the system refuses.
pub fn remove_on_signals() -> Result<(), Failure> {
    wait_for_signals().map_err(|error| Failure { code: 5, message: format!("cannot wait for signals: {error}") })
}

#[cfg(unix)]
fn wait_for_signals() -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            end(128 + signal);
        }
    });
    Ok(())
}

#[cfg(windows)]
fn wait_for_signals() -> io::Result<()> {
    ctrlc::set_handler(|| end(130)).map_err(io::Error::other)
}

#[cfg(not(any(unix, windows)))]
fn wait_for_signals() -> io::Result<()> {
    Ok(())
}

/// Ends the program with the code that a shell reports for the signal.
#[cfg(any(unix, windows))]
fn end(code: i32) -> ! {
    // Never unlocked: nothing new is begun.
    let names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    for name in names.iter() {
        let _ = fs::remove_file(name);
    }
    std::process::exit(code)
}
