//! What is measured, and what the caller does meanwhile.

use std::path::{Path, PathBuf};

use calotype::{EncodeOptions, Encoded, Image};

use crate::command_codec::CommandCodec;
use crate::error::{Error, Foreign};
use crate::journal::Journal;
use crate::picture::Picture;

/// What to measure.
pub struct Plan<'a> {
    /// Picture files.
    pub files: Vec<PathBuf>,
    /// Our qualities, ascending.
    pub qualities: Vec<f64>,
    /// Our options but for the quality.
    pub options: EncodeOptions,
    /// The other codecs.
    pub peers: Vec<CommandCodec>,
    /// What earlier runs measured.
    pub journal: Journal,
    /// What our times depend on besides the machine: engine and threads, in words.
    pub engine: String,
    /// Functions of the caller.
    pub hooks: Hooks<'a>,
}

/// Takes one of our files.
pub type Keep<'a> = dyn Fn(&Kept<'_>) -> Result<(), Foreign> + Sync + 'a;

/// What the caller does.
#[derive(Clone, Copy)]
pub struct Hooks<'a> {
    /// Reads a picture file.
    pub read: &'a (dyn Fn(&Path) -> Result<Picture, Foreign> + Sync),
    /// Takes each of our files with its decoded picture; nothing is taken from an earlier run then.
    pub keep: Option<&'a Keep<'a>>,
    /// Learns how far the work is.
    pub progress: &'a (dyn Fn(&Progress<'_>) + Sync),
}

/// One of our files.
pub struct Kept<'a> {
    /// The picture's name.
    pub name: &'a str,
    /// Of the file.
    pub quality: f64,
    /// The file.
    pub encoded: &'a Encoded,
    /// What it decodes to.
    pub decoded: &'a Image,
}

/// How far the work is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Steps done.
    pub done: usize,
    /// Steps in all.
    pub of: usize,
    /// The picture at work.
    pub what: &'a str,
}

impl Plan<'_> {
    /// Reads a picture through the caller.
    pub(crate) fn read(&self, path: &Path) -> Result<Picture, Error> {
        (self.hooks.read)(path).map_err(Error::Foreign)
    }
}
