//! What the program says and returns when it cannot do its task.

use std::fmt::Display;
use std::io;
use std::path::Path;

use calotype::{Error, Fault, Malformation, Usage, about, padded_pixels};
use calotype_bench as bench;

use crate::flags;

/// A failed task: the line for standard error and the exit code.
#[derive(Debug)]
pub struct Failure {
    /// 1 malformed input, 2 usage, 3 unsupported or limits, 4 engine, 5 input or output.
    pub code: u8,
    /// One line that names the file or flag and the remedy.
    pub message: String,
}

/// The signal that ends a program which writes to a pipe that nobody reads.
const SIGPIPE: u8 = 13;

/// Bytes that processors of today can name; of a picture with more pixels nothing is ever written.
const ADDRESSES: u64 = 1 << 47;
const NO_MACHINE: &str = "no machine has memory for that, so no limit helps";

/// How a file is called in messages: `-` is a pipe.
pub fn shown(path: &Path) -> String {
    if path == Path::new("-") { "the pipe".to_string() } else { path.display().to_string() }
}

impl Failure {
    /// The input is not what it should be.
    pub fn malformed(path: &Path, what: impl Display) -> Failure {
        Failure { code: 1, message: format!("{}: {what}", shown(path)) }
    }

    /// The command line asks for something that does not exist.
    pub fn usage(message: impl Display) -> Failure {
        Failure { code: 2, message: message.to_string() }
    }

    /// The input is fine, but this program does not read it, or not at this size.
    pub fn unsupported(path: &Path, what: impl Display) -> Failure {
        Failure { code: 3, message: format!("{}: {what}", shown(path)) }
    }

    /// Nobody reads on, as `head` does not: the end, with the code that a shell reports for it, in silence.
    pub fn nobody_reads() -> Failure {
        Failure { code: 128 + SIGPIPE, message: String::new() }
    }

    /// Whether there is nothing to say.
    pub fn is_silent(&self) -> bool {
        self.message.is_empty()
    }

    /// Reading or writing failed.
    pub fn io(path: &Path, task: &str, error: io::Error) -> Failure {
        if error.kind() == io::ErrorKind::OutOfMemory {
            return Failure::no_memory(path);
        }
        Failure { code: 5, message: format!("{}: cannot {task}: {error}{}", shown(path), remedy_of_io(task, &error)) }
    }

    /// There is no memory for the bytes of a file.
    fn no_memory(path: &Path) -> Failure {
        let bytes = path.metadata().ok().filter(|metadata| metadata.is_file()).map(|metadata| metadata.len());
        let needed = bytes.map_or_else(String::new, |bytes| format!("about {} of ", about(bytes)));
        Failure::unsupported(path, format!("it needs {needed}memory to be read, more than there is; make some free"))
    }

    /// The codec refused `path`.
    pub fn codec(path: &Path, error: &Error) -> Failure {
        Failure { code: exit_code(error), message: format!("{}: {error}{}", shown(path), remedy(error)) }
    }

    /// The codec failed before any file was read.
    pub fn engine(error: &Error) -> Failure {
        Failure { code: exit_code(error), message: error.to_string() }
    }
}

impl Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<bench::Error> for Failure {
    fn from(error: bench::Error) -> Failure {
        let message = error.to_string();
        match error {
            bench::Error::Codec { path, error } => Failure::codec(&path, &error),
            bench::Error::Engine(error) => Failure::engine(&error),
            bench::Error::Foreign(error) => {
                error.downcast::<Failure>().map_or_else(|error| Failure { code: 5, message: error.to_string() }, |f| *f)
            }
            bench::Error::Malformed { .. } => Failure { code: 1, message },
            bench::Error::UnknownName { .. } => Failure { code: 2, message },
            _ => Failure { code: 5, message },
        }
    }
}

fn exit_code(error: &Error) -> u8 {
    match error {
        Error::Malformed { .. } => 1,
        Error::Usage(_) => 2,
        Error::Unsupported(_) | Error::Limits { .. } | Error::Memory { .. } | Error::NoMemory { .. } => 3,
        _ => 4,
    }
}

fn remedy(error: &Error) -> String {
    match error {
        Error::Malformed { what: Malformation::NotCalo, .. } => "; give a file that `calotype encode` wrote".to_string(),
        Error::Malformed { what: Malformation::Container(Fault::Truncated { .. }), .. } => {
            match ["partial", "salvage"].map(flags::is_given) {
                [false, false] => format!("; get the rest, or see what is there with {}", flags::named("partial", "decode")),
                _ => "; get the rest".to_string(),
            }
        }
        Error::Malformed { what: Malformation::Container(Fault::TileCrc { .. } | Fault::SectionCrc { .. }), .. }
            if !flags::is_given("salvage") =>
        {
            format!("; get the file again, or see the rest with {}", flags::named("salvage", "decode"))
        }
        Error::Malformed { what: Malformation::Container(Fault::TrailingBytes { .. }), .. } => {
            format!("; get the file again, or pass over them with {}", flags::named("salvage", "decode"))
        }
        Error::Malformed { .. } => "; get the file again".to_string(),
        Error::Limits { width, height, .. } if padded_pixels(*width, *height) > ADDRESSES => format!("; {NO_MACHINE}"),
        Error::Memory { needed, .. } if *needed > ADDRESSES => format!("; {NO_MACHINE}{}", take_a_part()),
        Error::Limits { .. } => format!("; raise it with {}", flags::named("max-pixels", "encode")),
        Error::Memory { .. } => format!("; raise it with {}{}", flags::named("max-memory", "encode"), take_a_part()),
        Error::NoMemory { .. } => format!("; make some free{}", take_a_part()),
        Error::Usage(Usage::Region { width, height, .. }) => {
            format!("; give --region X,Y,W,H of at least 1x1 with X + W up to {width} and Y + H up to {height}")
        }
        _ => String::new(),
    }
}

fn take_a_part() -> &'static str {
    if flags::has("region") { ", or take a part of the picture with --region" } else { "" }
}

/// Linux' and other systems' number for symbolic links in a circle.
const LINKS_IN_A_CIRCLE: i32 = if cfg!(target_os = "linux") { 40 } else { 62 };

/// What helps where the system refuses; what this program says itself has its remedy already.
fn remedy_of_io(task: &str, error: &io::Error) -> &'static str {
    use io::ErrorKind::{NotFound, PermissionDenied, ReadOnlyFilesystem, StorageFull};
    let Some(number) = error.raw_os_error() else { return "" };
    match error.kind() {
        NotFound => "; check the name",
        PermissionDenied if ["write", "create"].contains(&task) => "; change the permissions of its folder, or name another place",
        PermissionDenied => "; change its permissions, or name another",
        StorageFull => "; make room there, or name another place",
        ReadOnlyFilesystem => "; name another place",
        _ if cfg!(unix) && number == LINKS_IN_A_CIRCLE => "; its symbolic links lead to no file; name the file itself",
        _ => "",
    }
}
