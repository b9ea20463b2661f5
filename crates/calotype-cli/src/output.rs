//! Writing results: whole files or nothing, pipes, and the lines on standard output.

use std::borrow::Cow;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;
use tempfile::NamedTempFile;

use crate::failure::{Failure, shown};
use crate::inherited::stdout_was_closed;
use crate::unfinished;

/// Whether the path stands for a pipe.
pub fn is_pipe(path: &Path) -> bool {
    path == Path::new("-")
}

/// Whether what is written to this path goes to standard output.
pub fn is_stdout(path: &Path) -> bool {
    STDOUT_NAMES.iter().any(|name| path == Path::new(name))
}

/// Whether the output is an ordinary file, in which one can go back.
pub fn is_file(path: &Path) -> bool {
    !is_stdout(path) && !is_direct(path)
}

/// Names of standard output.
const STDOUT_NAMES: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
/// Folders of files that are open already.
const OPEN_FILES: [&str; 2] = ["/dev/fd", "/proc/self/fd"];
/// A chain of more symbolic links is a circle.
const MOST_LINKS: usize = 40;

/// Whether an existing output may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Stop before any work is done.
    Refuse,
    /// `-y`
    Replace,
    /// `--resume`: stop before any work is done, but be content with one that has appeared meanwhile.
    Keep,
}

impl Existing {
    /// From the flags `-y` and `--resume`.
    pub fn from_flags(overwrite: bool, resume: bool) -> Existing {
        if resume { Existing::Keep } else { Existing::from_flag(overwrite) }
    }

    /// The flags `-y` and `--resume`.
    pub fn as_flags(self) -> (bool, bool) {
        (self == Existing::Replace, self == Existing::Keep)
    }

    /// From the flag `-y`.
    pub fn from_flag(overwrite: bool) -> Existing {
        if overwrite { Existing::Replace } else { Existing::Refuse }
    }
}

/// How an output is written.
#[derive(Clone, Copy, Debug)]
pub struct Writing {
    existing: Existing,
    /// The time of its last change, if that is not now.
    time: Option<SystemTime>,
}

impl From<Existing> for Writing {
    fn from(existing: Existing) -> Writing {
        Writing { existing, time: None }
    }
}

impl Writing {
    /// With `keep_time` an output has the time of its input.
    ///
    /// # Errors
    /// Io; usage for a pipe, which has no time.
    pub fn of(input: &Path, existing: Existing, keep_time: bool) -> Result<Writing, Failure> {
        if !keep_time {
            return Ok(existing.into());
        }
        if is_pipe(input) {
            return Err(Failure::usage("--keep-time: a pipe has no time; give a file"));
        }
        let time = fs::metadata(input).and_then(|metadata| metadata.modified()).map_err(|error| Failure::io(input, "read", error))?;
        Ok(Writing { existing, time: Some(time) })
    }
}

/// What helps where an output is in the way.
#[derive(Clone, Copy, Debug)]
pub struct Remedies<'a> {
    /// It is a folder.
    pub folder: &'a str,
    /// It exists already.
    pub exists: &'a str,
}

/// Finds out before the work whether the output that `flag` names can be written at all.
///
/// # Errors
/// Usage if the output exists and may not be replaced, or is a folder; io if its folder does not exist, or standard output is closed.
pub fn check(flag: &str, path: &Path, existing: Existing) -> Result<(), Failure> {
    let (folder, exists) = (format!("name a file with {flag}"), format!("give -y to overwrite it, or another {flag}"));
    match is_stdout(path) {
        true if stdout_was_closed() => Err(closed_stdout(path, flag)),
        true => Ok(()),
        false => check_file(path, existing, Remedies { folder: &folder, exists: &exists }),
    }
}

/// Creates a folder, and those that it lies in, where there are none.
///
/// # Errors
/// Usage if a file has its name; io.
pub fn create_folder(path: &Path) -> Result<(), Failure> {
    use io::ErrorKind::{AlreadyExists, NotADirectory};
    fs::create_dir_all(path).map_err(|error| match error.kind() {
        AlreadyExists | NotADirectory => Failure::usage(format!("{}: a file is where this folder would be; name another", path.display())),
        _ => Failure::io(path, "create", error),
    })
}

/// Refuses to write the input's own file, under this name or another.
///
/// # Errors
/// Usage.
pub fn check_apart(output: &Path, input: &Path) -> Result<(), Failure> {
    let same = !is_stdout(output) && FileId::of(output).is_some_and(|id| FileId::of(input) == Some(id));
    if same { Err(Failure::usage(format!("{}: is the input itself; give another -o", output.display()))) } else { Ok(()) }
}

/// Which file it is, whatever its names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileId(#[cfg(unix)] (u64, u64), #[cfg(not(unix))] std::path::PathBuf);

impl FileId {
    /// Of an ordinary file that exists.
    pub fn of(path: &Path) -> Option<FileId> {
        let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            Some(FileId((metadata.dev(), metadata.ino())))
        }
        #[cfg(not(unix))]
        {
            drop(metadata);
            fs::canonicalize(path).ok().map(FileId)
        }
    }
}

/// The same for a file, where other things help than on the command line.
///
/// # Errors
/// As [`check`].
pub fn check_file(path: &Path, existing: Existing, remedies: Remedies<'_>) -> Result<(), Failure> {
    if path.is_dir() {
        return Err(Failure::usage(format!("{}: is a folder; {}", path.display(), remedies.folder)));
    }
    if is_direct(path) {
        return Ok(());
    }
    if existing != Existing::Replace && path.exists() {
        return Err(Failure::usage(format!("{}: exists already; {}", path.display(), remedies.exists)));
    }
    let place = followed(path)?;
    let folder = folder_of(&place);
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

/// The file that a symbolic link names in the end; it need not exist.
fn followed(path: &Path) -> Result<PathBuf, Failure> {
    let mut place = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&place) {
            Ok(target) => place = place.with_file_name(target),
            Err(_) => return Ok(place),
        }
    }
    Err(Failure::io(path, "write", io::Error::other("its symbolic links go in a circle; name another file")))
}

/// Whether it is written as it comes: a pipe, a device, or a file that is open already. Renaming onto one would replace it by a file.
fn is_direct(path: &Path) -> bool {
    let special = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
    special || OPEN_FILES.iter().any(|folder| path.starts_with(folder))
}

/// Writes the whole of `parts` to a pipe, a device, or a file that appears under its name only when complete.
///
/// # Errors
/// Io, or usage if the file appeared meanwhile; nothing is left behind then.
pub fn write(path: &Path, parts: &[&[u8]], writing: impl Into<Writing>) -> Result<(), Failure> {
    let mut sink = Sink::create(path, writing)?;
    for part in parts {
        if let Err(error) = sink.write_all(part) {
            return Err(sink.failure(error));
        }
    }
    sink.commit()
}

/// A pipe, a device, or a file that appears under its name only when it is complete.
pub struct Sink<'a> {
    path: &'a Path,
    writing: Writing,
    target: Target,
    /// Nobody reads it any more.
    is_broken: bool,
}

enum Target {
    Pipe(io::Stdout),
    Device(fs::File),
    /// With the name that it will have.
    File(NamedTempFile, PathBuf),
}

impl<'a> Sink<'a> {
    /// Opens it.
    ///
    /// # Errors
    /// Io.
    pub fn create(path: &'a Path, writing: impl Into<Writing>) -> Result<Sink<'a>, Failure> {
        let failed = |error| Failure::io(path, "write", error);
        let target = if is_stdout(path) {
            Target::Pipe(io::stdout())
        } else if is_direct(path) {
            Target::Device(fs::OpenOptions::new().write(true).open(path).map_err(failed)?)
        } else {
            let place = followed(path)?;
            Target::File(unfinished::create(folder_of(&place)).map_err(failed)?, place)
        };
        Ok(Sink { path, writing: writing.into(), target, is_broken: false })
    }

    /// Why writing failed.
    pub fn failure(&self, error: io::Error) -> Failure {
        if self.is_broken { Failure::nobody_reads() } else { Failure::io(self.path, "write", error) }
    }

    /// What was written is all.
    ///
    /// # Errors
    /// As [`write()`]; without this call nothing is left behind.
    pub fn commit(mut self) -> Result<(), Failure> {
        if let Err(error) = self.flush() {
            return Err(self.failure(error));
        }
        let (path, Writing { existing, time }) = (self.path, self.writing);
        let Target::File(file, place) = self.target else { return Ok(()) };
        let failed = |error| Failure::io(path, "write", error);
        finish(&file, &place, time).map_err(failed)?;
        if existing == Existing::Replace {
            return file.persist(place).map(drop).map_err(|error| failed(error.error));
        }
        match file.persist_noclobber(place).map_err(|error| error.error) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && existing == Existing::Keep => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Failure::usage(format!("{}: exists already; give -y to overwrite it, or another name", path.display())))
            }
            done => done.map(drop).map_err(failed),
        }
    }

    fn noticed<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        self.is_broken |= matches!(&done, Err(error) if error.kind() == io::ErrorKind::BrokenPipe);
        done
    }
}

/// Before it has its name: the owner and the mode of the file that it replaces, its time, and its data on the disk.
fn finish(file: &NamedTempFile, place: &Path, time: Option<SystemTime>) -> io::Result<()> {
    if let Ok(replaced) = fs::metadata(place) {
        take_over(file, &replaced)?;
    }
    if let Some(time) = time {
        file.as_file().set_modified(time)?;
    }
    file.as_file().sync_all()
}

#[cfg(unix)]
fn take_over(file: &NamedTempFile, replaced: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let made = file.as_file().metadata()?;
    if (made.uid(), made.gid()) != (replaced.uid(), replaced.gid()) {
        // Only root may give files away; a group of one's own may have it.
        let _ = fchown(file.as_file(), Some(replaced.uid()), Some(replaced.gid()))
            .or_else(|_| fchown(file.as_file(), None, Some(replaced.gid())));
    }
    file.as_file().set_permissions(replaced.permissions())
}

#[cfg(not(unix))]
fn take_over(_: &NamedTempFile, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

fn closed_stdout(path: &Path, flag: &str) -> Failure {
    let what = format!("standard output is closed, or /dev/null open for both ways; give {flag} a name");
    Failure::io(path, "write", io::Error::other(what))
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.target {
            Target::Pipe(stdout) => stdout.write(bytes),
            Target::Device(device) => device.write(bytes),
            Target::File(file, _) => file.as_file_mut().write(bytes),
        };
        self.noticed(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = match &mut self.target {
            Target::Pipe(stdout) => stdout.flush(),
            Target::Device(device) => device.flush(),
            Target::File(file, _) => file.as_file_mut().flush(),
        };
        self.noticed(flushed)
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

/// A line as it may go to a terminal: characters that would steer it, or turn the direction of writing, as `\u{1b}`. Names of files and texts in
/// files hold what they will.
pub fn visible(line: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    if !line.contains(steers) {
        return line.into();
    }
    line.chars().map(|c| if steers(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// Prints one line on standard output.
///
/// # Errors
/// Io if nobody reads it.
pub fn print(line: &str) -> Result<(), Failure> {
    print_as_it_is(&visible(line))
}

fn print_as_it_is(line: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::nobody_reads(),
        _ => Failure::io(Path::new("-"), "write", error),
    })
}

/// Prints one JSON object on standard output.
///
/// # Errors
/// Io if nobody reads it.
pub fn print_json(object: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(object).map_err(|error| Failure::io(Path::new("-"), "write", error.into()))?;
    // JSON has its own ways for such characters.
    print_as_it_is(&text)
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

/// Says on standard error what there is to note of a file.
pub fn say_notes(path: &Path, notes: &[String]) {
    notes.iter().for_each(|note| say(&format!("calotype: note: {}: {note}", shown(path))));
}

/// Says one line on standard error; a closed standard error is no reason to stop.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", visible(line));
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(visible("a\u{1b}[31m\n\t\r\u{7}\u{7f}\u{9b}\u{202e}b"), r"a\u{1b}[31m\n\t\r\u{7}\u{7f}\u{9b}\u{202e}b");
        assert_eq!(visible("schöne 写真.png"), "schöne 写真.png");
    }
}
