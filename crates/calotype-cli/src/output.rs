//! Writing results: whole files or nothing, pipes, and the lines on standard output.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use tempfile::{Builder, NamedTempFile};

use crate::failure::Failure;
use crate::unfinished;

/// Whether the path stands for a pipe.
pub fn is_pipe(path: &Path) -> bool {
    path == Path::new("-")
}

/// Whether an existing output may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Stop before any work is done.
    Refuse,
    /// `-y`
    Replace,
}

impl Existing {
    /// From the flag `-y`.
    pub fn from_flag(overwrite: bool) -> Existing {
        if overwrite { Existing::Replace } else { Existing::Refuse }
    }
}

/// Finds out before the work whether the output can be written at all.
///
/// # Errors
/// Usage if the output exists and may not be replaced, or is a folder; io if its folder does not exist.
pub fn check(path: &Path, existing: Existing) -> Result<(), Failure> {
    if is_pipe(path) {
        return Ok(());
    }
    if path.is_dir() {
        return Err(Failure::usage(format!("{}: is a folder; name a file with -o", path.display())));
    }
    if existing == Existing::Refuse && fs::symlink_metadata(path).is_ok() {
        return Err(Failure::usage(format!("{}: exists already; give -y to overwrite it, or another -o", path.display())));
    }
    let folder = folder_of(path);
    if folder.is_dir() { Ok(()) } else { Err(missing_folder(path, folder)) }
}

fn missing_folder(path: &Path, folder: &Path) -> Failure {
    let reason = format!("there is no folder {}; create it first", folder.display());
    Failure::io(path, "write", io::Error::new(io::ErrorKind::NotFound, reason))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Writes the whole of `parts` to a pipe, a device, or a file that appears under its name only when complete.
///
/// # Errors
/// Io, or usage if the file appeared meanwhile; nothing is left behind then.
pub fn write(path: &Path, parts: &[&[u8]], existing: Existing) -> Result<(), Failure> {
    let written = if is_pipe(path) {
        write_parts(&mut io::stdout().lock(), parts)
    } else if is_device(path) {
        fs::OpenOptions::new().write(true).open(path).and_then(|mut device| write_parts(&mut device, parts))
    } else {
        return write_file(path, parts, existing);
    };
    written.map_err(|error| Failure::io(path, "write", error))
}

/// Renaming onto a device would replace it by a file.
fn is_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

fn write_file(path: &Path, parts: &[&[u8]], existing: Existing) -> Result<(), Failure> {
    let failed = |error| Failure::io(path, "write", error);
    let mut file = temporary(folder_of(path)).map_err(failed)?;
    write_parts(file.as_file_mut(), parts).map_err(failed)?;
    match existing {
        Existing::Replace => file.persist(path),
        Existing::Refuse => file.persist_noclobber(path),
    }
    .map(drop)
    .map_err(|error| failed(error.error))
}

fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".calotype-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A result is an ordinary file: the user's umask decides who reads it.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    unfinished::create(|| builder.tempfile_in(folder))
}

fn write_parts(sink: &mut impl Write, parts: &[&[u8]]) -> io::Result<()> {
    for part in parts {
        sink.write_all(part)?;
    }
    sink.flush()
}

/// Prints one line on standard output.
///
/// # Errors
/// Io if nobody reads it.
pub fn print(line: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(|error| Failure::io(Path::new("-"), "write", error))
}

/// Prints one JSON object on standard output.
///
/// # Errors
/// Io if nobody reads it.
pub fn print_json(object: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(object).map_err(|error| Failure::io(Path::new("-"), "write", error.into()))?;
    print(&text)
}

/// Says one line on standard error; a closed standard error is no reason to stop.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
