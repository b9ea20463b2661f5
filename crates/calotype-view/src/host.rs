//! What the viewer asks of the program around it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use calotype::gpu::AdapterFacts;
use calotype::{Codec, DecodeOptions, EngineChoice, Metadata, Picture, Quality};

use crate::error::{Error, Foreign};
use crate::files::is_calo;

/// Pixels that are decoded together: few, so that the first ones come soon.
const BAND_PX: u64 = 1 << 20;

/// The program around the viewer.
pub trait Host: Send + Sync {
    /// The GPU that the codec takes, if it takes one.
    fn adapter(&self) -> Option<AdapterFacts>;

    /// The codec for both ways, on the user's engine or on `instead`.
    ///
    /// # Errors
    /// There is no such engine or model.
    fn codec(&self, instead: Option<EngineChoice>) -> Result<Codec, Foreign>;

    /// The bytes of a file that is a `.calo` file or a picture of another kind; its beginning is looked at before the rest is read.
    ///
    /// # Errors
    /// It cannot be read, begins as no such file does, or is too long.
    fn read(&self, path: &Path, is_calo: bool) -> Result<Vec<u8>, Foreign>;

    /// Reads a picture that is not a `.calo` file, turned as it is to be seen.
    ///
    /// # Errors
    /// It is damaged, too large, or of an unknown kind.
    fn read_picture(&self, path: &Path, bytes: &[u8]) -> Result<(Picture, Metadata), Foreign>;

    /// Writes a whole file or nothing; one that exists only if it may be replaced.
    ///
    /// # Errors
    /// It exists already or cannot be written.
    fn write(&self, path: &Path, bytes: &[u8], replace: bool) -> Result<(), Foreign>;

    /// The host's error for what the codec says of a file.
    fn explain(&self, path: &Path, error: &calotype::Error) -> Foreign;

    /// What the viewer accepts.
    fn limits(&self) -> DecodeOptions;

    /// Where other codecs' tools may be found.
    fn tool_folders(&self) -> Vec<PathBuf>;

    /// A line on what happens, for those who want to know.
    fn log(&self, line: &str);
}

/// The host and its codec, which is loaded once, where it is first needed.
pub struct Shared {
    /// The host.
    pub host: Arc<dyn Host>,
    /// The codec's engine, where it is not the user's choice.
    engine: Option<EngineChoice>,
    codec: OnceLock<Result<Codec, Foreign>>,
}

impl Shared {
    /// Nothing is loaded yet.
    pub fn new(host: Arc<dyn Host>, engine: Option<EngineChoice>) -> Shared {
        Shared { host, engine, codec: OnceLock::new() }
    }

    /// Whether codec and window use the same device.
    pub fn is_on_device(&self) -> bool {
        matches!(self.engine, Some(EngineChoice::Shared(_)))
    }

    /// Whether that device has failed, and the window with it.
    pub fn has_failed(&self) -> bool {
        let codec = self.codec.get().and_then(|codec| codec.as_ref().ok()).filter(|_| self.is_on_device());
        codec.is_some_and(|codec| codec.gpu().is_none_or(|gpu| !gpu.is_usable()))
    }

    /// The codec.
    ///
    /// # Errors
    /// As [`Host::codec`].
    pub fn codec(&self) -> Result<&Codec, Error> {
        let codec = || self.host.codec(self.engine.clone()).map(|codec| codec.with_band(BAND_PX));
        self.codec.get_or_init(codec).as_ref().map_err(|error| Error::Host(Arc::clone(error)))
    }

    /// The lowest and the highest quality of the codec's model, if it is loaded.
    pub fn qualities(&self) -> Option<[Quality; 2]> {
        self.codec.get()?.as_ref().ok()?.qualities().ok()
    }

    /// What the codec says of a file.
    pub fn explained(&self, path: &Path, error: &calotype::Error) -> Error {
        Error::Host(self.host.explain(path, error))
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// It cannot be read, or the host refuses it.
    pub fn read(&self, path: &Path) -> Result<Vec<u8>, Error> {
        let failed = |error| Error::Read { path: path.to_owned(), error: Arc::new(error) };
        // What can be read only once is not looked at before.
        if !path.is_file() {
            return std::fs::read(path).map_err(failed);
        }
        let mut begin = Vec::new();
        File::open(path).and_then(|file| file.take(4).read_to_end(&mut begin)).map_err(failed)?;
        self.host.read(path, is_calo(path, &begin)).map_err(Error::Host)
    }
}

#[cfg(test)]
pub mod tests {
    use calotype::{Channels, Samples};

    use super::*;

    /// A program that reads PNG and has a codec.
    pub struct Program;

    /// What it says of a file.
    #[derive(Debug, thiserror::Error)]
    #[error("{}: {what}", path.display())]
    struct Said<E: std::error::Error + 'static> {
        path: PathBuf,
        what: E,
    }

    fn said(path: &Path, what: impl std::error::Error + Send + Sync + 'static) -> Foreign {
        Arc::new(Said { path: path.to_owned(), what })
    }

    impl Host for Program {
        fn adapter(&self) -> Option<AdapterFacts> {
            None
        }

        fn codec(&self, _: Option<EngineChoice>) -> Result<Codec, Foreign> {
            Codec::new(EngineChoice::Cpu(None)).map_err(|error| Arc::new(error) as Foreign)
        }

        fn read(&self, path: &Path, _: bool) -> Result<Vec<u8>, Foreign> {
            std::fs::read(path).map_err(|error| said(path, error))
        }

        fn read_picture(&self, path: &Path, bytes: &[u8]) -> Result<(Picture, Metadata), Foreign> {
            let image = image::load_from_memory(bytes).map_err(|error| said(path, error))?.into_rgb8();
            let picture = Picture::new(image.width(), image.height(), Channels::Rgb, Samples::U8(image.into_raw()));
            Ok((picture.map_err(|error| said(path, error))?, Metadata::default()))
        }

        fn write(&self, path: &Path, bytes: &[u8], _: bool) -> Result<(), Foreign> {
            std::fs::write(path, bytes).map_err(|error| said(path, error))
        }

        fn explain(&self, path: &Path, error: &calotype::Error) -> Foreign {
            said(path, std::io::Error::other(error.to_string()))
        }

        fn limits(&self) -> DecodeOptions {
            DecodeOptions::default()
        }

        fn tool_folders(&self) -> Vec<PathBuf> {
            Vec::new()
        }

        fn log(&self, _: &str) {}
    }
}
