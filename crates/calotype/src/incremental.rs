//! A file that arrives piece by piece.

use crate::decode::{DecodeOptions, Decoder};
use crate::error::{Error, Malformation};

/// Takes the bytes of a file as they come, and decodes what has come at any time.
///
/// ```
/// use calotype::{Codec, DecodeOptions, EncodeOptions, Incremental, RgbImage};
///
/// let codec = Codec::new(None)?;
/// let file = codec.encode(&RgbImage::new(40, 30, &[200; 3600])?, &EncodeOptions::default())?.bytes;
/// let mut incremental = Incremental::new(DecodeOptions::default());
/// for piece in file.chunks(10) {
///     incremental.push(piece)?;
///     if let Some(decoder) = incremental.decoder()? {
///         let image = decoder.decode(&codec)?;
///         assert_eq!(image.width, 40);
///     }
/// }
/// assert!(incremental.is_complete());
/// # Ok::<(), calotype::Error>(())
/// ```
pub struct Incremental {
    options: DecodeOptions,
    bytes: Vec<u8>,
    /// Bytes without which there is nothing new to be known.
    needed: u64,
    /// The file's length, once it is known.
    length: Option<u64>,
}

impl Incremental {
    /// Nothing yet.
    pub fn new(options: DecodeOptions) -> Incremental {
        Incremental { options, bytes: Vec::new(), needed: 0, length: None }
    }

    /// Takes the next bytes of the file.
    ///
    /// # Errors
    /// As [`Decoder::new`], as soon as the bytes show it; after an error there is no use in going on.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.bytes.extend(bytes);
        if (self.bytes.len() as u64) < self.needed {
            return Ok(());
        }
        match Decoder::partial(&self.bytes, &self.options) {
            Ok(decoder) => {
                let length = self.bytes.len() as u64 + decoder.missing_bytes();
                (self.length, self.needed) = (Some(length), length);
                Ok(())
            }
            Err(error) => self.wait(error),
        }
    }

    /// Too few bytes are no error here.
    fn wait(&mut self, error: Error) -> Result<(), Error> {
        match error {
            Error::Malformed { what: Malformation::Container(calotype_format::Fault::Truncated { needed }), .. } => self.needed = needed,
            Error::Malformed { what: Malformation::NotCalo, .. } if calotype_format::layout::MAGIC.starts_with(&self.bytes) => {}
            error => return Err(error),
        }
        Ok(())
    }

    /// A decoder of what has come; `None` while that are not even header and index.
    ///
    /// # Errors
    /// [`Error::Malformed`] if a tile that is complete is damaged.
    pub fn decoder(&self) -> Result<Option<Decoder<'_>>, Error> {
        self.length.map(|_| Decoder::partial(&self.bytes, &self.options)).transpose()
    }

    /// Whether the whole file is there.
    pub fn is_complete(&self) -> bool {
        self.length == Some(self.bytes.len() as u64)
    }
}
