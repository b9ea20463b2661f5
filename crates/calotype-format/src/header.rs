//! The header (FORMAT.md sections 1 and 2).

use crate::layout::*;
use crate::{Error, Fault, Feature, Fold, Misuse};

/// What a file says about itself before its index: FORMAT.md section 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The model that wrote the file was never released.
    pub development: bool,
    /// The output has one channel (FORMAT.md section 2).
    pub grey: bool,
    /// The picture is thin and coded in strips (FORMAT.md section 2.1).
    pub folded: bool,
    /// Bits per channel of the output, 8 or 16.
    pub depth: u8,
    /// Pixels, at least 1.
    pub width: u32,
    /// Pixels, at least 1.
    pub height: u32,
    /// Id of the decoder part of the model (MODEL.md section 8).
    pub model_id: [u8; 8],
    /// Q in 0..=16128 (MODEL.md section 3).
    pub fineness: u16,
    /// log2 of the tile's side in pixels, 6..=16.
    pub tile_log2: u8,
}

impl Header {
    /// Reads the header from the first 28 bytes of a file; more may follow, and no CRC is checked.
    ///
    /// # Errors
    /// [`Error::NotCalo`], [`Error::Unsupported`], [`Error::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Header, Error> {
        Header::with_section_count(bytes).map(|(header, _)| header)
    }

    /// Pixels of the picture; cannot overflow.
    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// How the picture is folded, if it is.
    pub fn fold(&self) -> Option<Fold> {
        if self.folded { Fold::of(self.width, self.height) } else { None }
    }

    /// (width, height) of what is coded: the picture, or the folded picture. Tiles lie in it.
    pub fn coded_extent(&self) -> (u32, u32) {
        self.fold().map_or((self.width, self.height), |fold| fold.extent())
    }

    pub(crate) fn with_section_count(bytes: &[u8]) -> Result<(Header, u8), Error> {
        if !bytes.starts_with(&MAGIC) {
            return Err(Error::NotCalo);
        }
        let Some(head) = bytes.get(..HEADER_BYTES) else {
            return Err(Error::malformed(bytes.len(), Fault::Truncated { needed: HEADER_BYTES as u64 }));
        };
        let [flags, depth] = check_supported(head)?;
        let header = Header {
            development: flags & FLAG_DEVELOPMENT != 0,
            grey: flags & FLAG_GREY != 0,
            folded: flags & FLAG_FOLDED != 0,
            depth,
            width: HEADER_WIDTH.take_u32(head),
            height: HEADER_HEIGHT.take_u32(head),
            model_id: HEADER_MODEL_ID.take(head),
            fineness: u16::from_le_bytes(HEADER_FINENESS.take(head)),
            tile_log2: HEADER_TILE_LOG2.take::<1>(head)[0],
        };
        header.check().map_err(fault_of)?;
        let [section_count] = HEADER_SECTION_COUNT.take(head);
        Ok((header, section_count))
    }

    /// The ranges of FORMAT.md section 1.
    pub(crate) fn check(&self) -> Result<(), Misuse> {
        if self.width == 0 || self.height == 0 {
            return Err(Misuse::Empty { width: self.width, height: self.height });
        }
        if self.fineness > LARGEST_FINENESS {
            return Err(Misuse::Fineness(self.fineness));
        }
        if !(SMALLEST_TILE_LOG2..=LARGEST_TILE_LOG2).contains(&self.tile_log2) {
            return Err(Misuse::TileLog2(self.tile_log2));
        }
        if !DEPTHS.contains(&self.depth) {
            return Err(Misuse::Depth(self.depth));
        }
        if self.folded && self.fold().is_none() {
            return Err(Misuse::Fold { width: self.width, height: self.height });
        }
        Ok(())
    }

    /// The 28 bytes of the header.
    pub(crate) fn to_bytes(self, section_count: u8) -> [u8; HEADER_BYTES] {
        let mut head = [0; HEADER_BYTES];
        let mut put = |field: Field, value: &[u8]| head[field.offset..][..field.bytes].copy_from_slice(value);
        put(HEADER_MAGIC, &MAGIC);
        put(HEADER_FORMAT_VERSION, &[FORMAT_VERSION]);
        put(HEADER_SEMANTICS_VERSION, &[SEMANTICS_VERSION]);
        put(HEADER_FLAGS, &[self.flags()]);
        put(HEADER_DEPTH, &[self.depth]);
        put(HEADER_WIDTH, &self.width.to_le_bytes());
        put(HEADER_HEIGHT, &self.height.to_le_bytes());
        put(HEADER_MODEL_ID, &self.model_id);
        put(HEADER_FINENESS, &self.fineness.to_le_bytes());
        put(HEADER_TILE_LOG2, &[self.tile_log2]);
        put(HEADER_SECTION_COUNT, &[section_count]);
        head
    }

    fn flags(self) -> u8 {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        flag(self.development, FLAG_DEVELOPMENT) | flag(self.grey, FLAG_GREY) | flag(self.folded, FLAG_FOLDED)
    }
}

/// Versions, flags and depth; returns the last two.
fn check_supported(head: &[u8]) -> Result<[u8; 2], Error> {
    let ([format_version], [semantics_version]) = (HEADER_FORMAT_VERSION.take(head), HEADER_SEMANTICS_VERSION.take(head));
    let ([flags], [depth]) = (HEADER_FLAGS.take(head), HEADER_DEPTH.take(head));
    if format_version != FORMAT_VERSION {
        return Err(Error::unsupported(Feature::FormatVersion(format_version)));
    }
    if semantics_version != SEMANTICS_VERSION {
        return Err(Error::unsupported(Feature::SemanticsVersion(semantics_version)));
    }
    if flags & !FLAGS != 0 {
        return Err(Error::unsupported(Feature::Flags(flags)));
    }
    if !DEPTHS.contains(&depth) {
        return Err(Error::unsupported(Feature::Depth(depth)));
    }
    Ok([flags, depth])
}

/// The same finding in a file that was read.
fn fault_of(misuse: Misuse) -> Error {
    match misuse {
        Misuse::Fineness(fineness) => Error::malformed(HEADER_FINENESS.offset, Fault::Fineness(fineness)),
        Misuse::TileLog2(log2) => Error::malformed(HEADER_TILE_LOG2.offset, Fault::TileLog2(log2)),
        Misuse::Fold { width, height } => Error::malformed(HEADER_FLAGS.offset, Fault::Fold { width, height }),
        Misuse::Empty { width, height } => Error::malformed(HEADER_WIDTH.offset, Fault::Empty { width, height }),
        what => Error::Unwritable { what },
    }
}
