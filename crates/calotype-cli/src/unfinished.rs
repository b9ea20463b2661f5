//! Files that are being written: gone when a signal ends the program, and at the next run where it was killed without warning.
//!
//! They have hidden names of their own (`.calotype-XXXXXX.part`) and take their output's name when they are complete. Each is locked as long as the
//! program that writes it lives; so one that can be locked belongs to nobody any more.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::{Builder, NamedTempFile};

use crate::failure::Failure;
#[cfg(unix)]
use crate::inherited::is_ignored;

const PREFIX: &str = ".calotype-";
const SUFFIX: &str = ".part";
const RANDOM_CHARACTERS: usize = 6;

/// Names of all temporary files of this run; those that are complete or given up are no longer there.
static NAMES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
/// Folders where this run has looked for what others left behind.
static CLEANED: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);

/// Makes a temporary file in a folder that a signal removes; removes those of programs that are gone.
///
/// # Errors
/// Io.
pub fn create(folder: &Path) -> io::Result<NamedTempFile> {
    clean(folder);
    // Held until the name is noted: no signal comes between.
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let file = named(folder)?;
        // Another run may have taken it for left behind before it was locked.
        if !matches!(file.as_file().try_lock(), Err(TryLockError::WouldBlock)) && file.path().exists() {
            names.push(file.path().to_owned());
            return Ok(file);
        }
    }
}

fn named(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX).rand_bytes(RANDOM_CHARACTERS);
    // Opened here, an ordinary file, so that the user's umask decides who reads it. (The builder's own files would name themselves in errors.)
    builder.make_in(folder, |path| File::options().read(true).write(true).create_new(true).open(path))
}

/// Removes what killed programs left in a folder, once in a run. Nothing depends on it: what cannot be removed stays.
fn clean(folder: &Path) {
    let mut cleaned = CLEANED.lock().unwrap_or_else(PoisonError::into_inner);
    if cleaned.get_or_insert_default().insert(folder.to_owned()) {
        let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        paths.filter(|path| is_ours(path)).for_each(|path| remove_if_left(&path));
    }
}

fn is_ours(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let random = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    random.is_some_and(|random| random.len() == RANDOM_CHARACTERS && random.chars().all(|c| c.is_ascii_alphanumeric())) && path.is_file()
}

fn remove_if_left(path: &Path) {
    // Windows locks only what is open for reading or writing.
    if let Ok(file) = File::options().read(true).write(true).open(path)
        && file.try_lock().is_ok()
    {
        let _ = fs::remove_file(path);
    }
}

/// From now on Ctrl-C, and on Unix SIGTERM and SIGHUP, remove what is unfinished and end the program, unless they are to be ignored.
///
/// # Errors
/// Io if the system refuses.
pub fn remove_on_signals() -> Result<(), Failure> {
    wait_for_signals().map_err(|error| Failure { code: 5, message: format!("cannot wait for signals: {error}") })
}

#[cfg(unix)]
fn wait_for_signals() -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let heard = [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|signal| !is_ignored(*signal));
    let mut signals = signal_hook::iterator::Signals::new(heard)?;
    let wait = move || {
        if let Some(signal) = signals.forever().next() {
            end(128 + signal);
        }
    };
    std::thread::Builder::new().spawn(wait).map(drop)
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
