//! What can go wrong, by whose fault it is.

use std::io;
use std::path::PathBuf;

/// An error of a function that the caller gave: the caller knows its type.
pub type Foreign = Box<dyn std::error::Error + Send + Sync>;

/// Why an evaluation or a benchmark stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Our codec refused a picture or its own file.
    #[error("{}: {error}", path.display())]
    Codec {
        /// The picture.
        path: PathBuf,
        /// What it said.
        error: calotype::Error,
    },
    /// Our codec could not be set up.
    #[error(transparent)]
    Engine(#[from] calotype::Error),
    /// A function that the caller gave failed.
    #[error(transparent)]
    Foreign(Foreign),
    /// Reading or writing failed.
    #[error("{}: cannot {task}: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// `read`, `write`, `create`.
        task: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// A file of curves or results is not one.
    #[error("{}: {what}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A codec to compare with is not installed.
    #[error("{codec}: {tool} is not on the path")]
    MissingTool {
        /// The codec.
        codec: String,
        /// The program.
        tool: String,
    },
    /// A name that does not exist.
    #[error("\"{name}\" is unknown; give one of {known}")]
    UnknownName {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// Another codec's tool did not do its work.
    #[error("{tool}: {what}")]
    Tool {
        /// The program.
        tool: PathBuf,
        /// Its exit status with the last line that it said, or what is wrong with its output.
        what: String,
    },
}

impl Error {
    /// Makes an [`Error::Io`] of what the system said of `path`.
    pub(crate) fn io(path: impl Into<PathBuf>, task: &'static str) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |error| Error::Io { path, task, error }
    }
}
