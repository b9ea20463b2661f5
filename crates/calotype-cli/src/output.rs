//! Writing results: whole files or nothing, pipes, and the lines on standard output.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::Serialize;
use tempfile::NamedTempFile;

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

/// What helps where an output is in the way.
#[derive(Clone, Copy, Debug)]
pub struct Remedies {
    /// It is a folder.
    pub folder: &'static str,
    /// It exists already.
    pub exists: &'static str,
}

/// On the command line.
const FLAGS: Remedies = Remedies { folder: "name a file with -o", exists: "give -y to overwrite it, or another -o" };

/// Finds out before the work whether the output can be written at all.
///
/// # Errors
/// Usage if the output exists and may not be replaced, or is a folder; io if its folder does not exist.
pub fn check(path: &Path, existing: Existing) -> Result<(), Failure> {
    if is_pipe(path) { Ok(()) } else { check_file(path, existing, FLAGS) }
}

/// The same for a file, where other things help than on the command line.
///
/// # Errors
/// As [`check`].
pub fn check_file(path: &Path, existing: Existing, remedies: Remedies) -> Result<(), Failure> {
    if path.is_dir() {
        return Err(Failure::usage(format!("{}: is a folder; {}", path.display(), remedies.folder)));
    }
    if existing == Existing::Refuse && fs::symlink_metadata(path).is_ok() {
        return Err(Failure::usage(format!("{}: exists already; {}", path.display(), remedies.exists)));
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
    let mut sink = Sink::create(path, existing)?;
    parts.iter().try_for_each(|part| sink.write_all(part)).map_err(|error| Failure::io(path, "write", error))?;
    sink.commit()
}

/// A pipe, a device, or a file that appears under its name only when it is complete.
pub struct Sink<'a> {
    path: &'a Path,
    target: Target,
}

enum Target {
    Pipe(io::Stdout),
    Device(fs::File),
    File(NamedTempFile, Existing),
}

impl<'a> Sink<'a> {
    /// Opens it.
    ///
    /// # Errors
    /// Io.
    pub fn create(path: &'a Path, existing: Existing) -> Result<Sink<'a>, Failure> {
        let target = if is_pipe(path) {
            Ok(Target::Pipe(io::stdout()))
        } else if is_device(path) {
            fs::OpenOptions::new().write(true).open(path).map(Target::Device)
        } else {
            unfinished::create(folder_of(path)).map(|file| Target::File(file, existing))
        };
        Ok(Sink { path, target: target.map_err(|error| Failure::io(path, "write", error))? })
    }

    /// What was written is all.
    ///
    /// # Errors
    /// As [`write()`]; without this call nothing is left behind.
    pub fn commit(mut self) -> Result<(), Failure> {
        let path = self.path;
        let failed = |error| Failure::io(path, "write", error);
        self.flush().map_err(failed)?;
        match self.target {
            Target::File(file, Existing::Replace) => file.persist(path).map(drop).map_err(|error| failed(error.error)),
            Target::File(file, Existing::Refuse) => file.persist_noclobber(path).map(drop).map_err(|error| failed(error.error)),
            Target::Pipe(_) | Target::Device(_) => Ok(()),
        }
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.target {
            Target::Pipe(stdout) => stdout.write(bytes),
            Target::Device(device) => device.write(bytes),
            Target::File(file, _) => file.as_file_mut().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Pipe(stdout) => stdout.flush(),
            Target::Device(device) => device.flush(),
            Target::File(file, _) => file.as_file_mut().flush(),
        }
    }
}

/// What was written, of a file.
impl Read for Sink<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match &mut self.target {
            Target::Pipe(_) | Target::Device(_) => Err(io::ErrorKind::Unsupported.into()),
            Target::File(file, _) => file.as_file_mut().read(bytes),
        }
    }
}

/// Of a file; a pipe cannot.
impl Seek for Sink<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.target {
            Target::Pipe(_) => Err(io::ErrorKind::NotSeekable.into()),
            Target::Device(device) => device.seek(to),
            Target::File(file, _) => file.as_file_mut().seek(to),
        }
    }
}

/// Renaming onto a device would replace it by a file.
fn is_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
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

/// A file that is made and what there is to say of it.
pub struct Done<R> {
    /// With `--json`.
    pub report: Option<R>,
    /// Without it.
    pub line: String,
    /// Pixels it took.
    pub pixels: u64,
}

impl<R: Serialize> Done<R> {
    /// Says it of the only file.
    ///
    /// # Errors
    /// As [`print_json`].
    pub fn say(&self) -> Result<(), Failure> {
        match &self.report {
            Some(report) => print_json(report),
            None => {
                say(&self.line);
                Ok(())
            }
        }
    }

    /// Says it of one of many files, which have one line together. Returns its pixels.
    ///
    /// # Errors
    /// As [`print_json`].
    pub fn say_among_many(&self) -> Result<u64, Failure> {
        self.report.as_ref().map_or(Ok(()), print_json)?;
        Ok(self.pixels)
    }
}

/// Says one line on standard error; a closed standard error is no reason to stop.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
