//! A file that arrives piece by piece.

use crate::decode::{DecodeOptions, Decoder};
use crate::error::{Error, Malformation};
use crate::symbol_cache::SymbolCache;

/// Takes the bytes of a file as they come, and decodes what has come at any time.
///
/// Symbols that have been decoded for one picture are kept for the next, where [`DecodeOptions::max_memory`] has room for them beside the decoding
/// (about 3 bytes a pixel): all pictures of a file together take the entropy decoding of one. The network runs for each picture that is asked for.
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
    /// The file's length, and what has been decoded of it, once its index is there.
    index: Option<(u64, SymbolCache)>,
}

impl Incremental {
    /// Nothing yet.
    pub fn new(options: DecodeOptions) -> Incremental {
        Incremental { options, bytes: Vec::new(), needed: 0, index: None }
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
                let (length, kept) = (self.bytes.len() as u64 + decoder.missing_bytes(), decoder.new_cache());
                self.needed = length;
                self.index.get_or_insert((length, kept));
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
        let Some((_, kept)) = &self.index else { return Ok(None) };
        Decoder::partial(&self.bytes, &self.options).map(|decoder| Some(decoder.keeping(kept)))
    }

    /// Whether the whole file is there.
    pub fn is_complete(&self) -> bool {
        self.index.as_ref().is_some_and(|(length, _)| *length == self.bytes.len() as u64)
    }

    /// Symbols that entropy decoding has gone through for all pictures so far.
    pub fn decoded_symbols(&self) -> u64 {
        self.index.as_ref().map_or(0, |(_, kept)| kept.taken())
    }
}
