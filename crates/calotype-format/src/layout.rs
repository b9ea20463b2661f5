//! Offsets, sizes and values of FORMAT.md's tables, in bytes; a test compares them with the document.

/// First four bytes of a file.
pub const MAGIC: [u8; 4] = *b"CALO";
/// The version of the container that this crate reads and writes.
pub const FORMAT_VERSION: u8 = 1;
/// The version of MODEL.md's arithmetic that files of this version need.
pub const SEMANTICS_VERSION: u8 = 2;
/// Bits per channel that the output may have.
pub const DEPTHS: [u8; 2] = [8, 16];
/// Largest quality Q.
pub const LARGEST_FINENESS: u16 = 16_128;
/// Smallest log2 of a tile's side in pixels.
pub const SMALLEST_TILE_LOG2: u8 = 6;
/// Largest log2 of a tile's side in pixels.
pub const LARGEST_TILE_LOG2: u8 = 16;
/// Flag: written by a model that was never released.
pub const FLAG_DEVELOPMENT: u8 = 1 << 0;
/// Flag: reserved for animations.
pub const FLAG_ANIMATION: u8 = 1 << 1;
/// Flag: the output has one channel.
pub const FLAG_GREY: u8 = 1 << 2;
/// Flag: a thin picture is coded in strips.
pub const FLAG_FOLDED: u8 = 1 << 3;
/// The flags that a file of this version may have.
pub const FLAGS: u8 = FLAG_DEVELOPMENT | FLAG_GREY | FLAG_FOLDED;

/// A picture folds whose shorter side is less than this, in pixels.
pub const FOLD_BELOW: u32 = 16;
/// A picture folds whose longer side is more than this, in pixels.
pub const FOLD_ABOVE: u32 = 64;
/// Pixels that the strips of a folded picture have across at most.
pub const FOLDED_SIDE: u32 = 64;

/// A field: where it begins within its structure, and its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// First byte.
    pub offset: usize,
    /// Length.
    pub bytes: usize,
}

const fn field(offset: usize, bytes: usize) -> Field {
    Field { offset, bytes }
}

/// [`MAGIC`].
pub const HEADER_MAGIC: Field = field(0, 4);
/// [`FORMAT_VERSION`].
pub const HEADER_FORMAT_VERSION: Field = field(4, 1);
/// [`SEMANTICS_VERSION`].
pub const HEADER_SEMANTICS_VERSION: Field = field(5, 1);
/// Flags.
pub const HEADER_FLAGS: Field = field(6, 1);
/// [`DEPTH`].
pub const HEADER_DEPTH: Field = field(7, 1);
/// Width in pixels.
pub const HEADER_WIDTH: Field = field(8, 4);
/// Height in pixels.
pub const HEADER_HEIGHT: Field = field(12, 4);
/// Model id.
pub const HEADER_MODEL_ID: Field = field(16, 8);
/// Quality Q.
pub const HEADER_FINENESS: Field = field(24, 2);
/// log2 of the tile's side.
pub const HEADER_TILE_LOG2: Field = field(26, 1);
/// Entries in the section table.
pub const HEADER_SECTION_COUNT: Field = field(27, 1);
/// Length of the header.
pub const HEADER_BYTES: usize = 28;

/// Four ASCII letters.
pub const SECTION_TAG: Field = field(0, 4);
/// Length of the section.
pub const SECTION_LENGTH: Field = field(4, 4);
/// CRC-32 of the section.
pub const SECTION_CRC: Field = field(8, 4);
/// Length of an entry of the section table.
pub const SECTION_ENTRY_BYTES: usize = 12;

/// Length of the tile's z stream.
pub const TILE_Z_BYTES: Field = field(0, 4);
/// CRC-32 of both streams.
pub const TILE_CRC: Field = field(4, 4);
/// Length of the first part of the tile's y stream; those of the others follow.
pub const TILE_Y_BYTES: Field = field(8, 4);
/// Parts of a y stream in a file of several tiles; in a file of one tile it is whole.
pub const Y_PARTS: usize = 8;

/// Length of an entry of the tile index in a file of so many tiles.
pub const fn tile_entry_bytes(tiles: u64) -> usize {
    TILE_Y_BYTES.offset + TILE_Y_BYTES.bytes * y_parts(tiles)
}

/// Parts of a y stream in a file of so many tiles.
pub const fn y_parts(tiles: u64) -> usize {
    if tiles == 1 { 1 } else { Y_PARTS }
}

/// Sections that version 1 defines, by their tags.
pub mod section {
    /// Critical: alpha, exact.
    pub const ALPHA: [u8; 4] = *b"ALPH";
    /// An ICC profile.
    pub const ICC: [u8; 4] = *b"iccp";
    /// Code points of the colour space.
    pub const CICP: [u8; 4] = *b"cicp";
    /// Exif, from its byte order mark.
    pub const EXIF: [u8; 4] = *b"exif";
    /// An XMP packet.
    pub const XMP: [u8; 4] = *b"xmpp";
    /// All of them, in the order of the document's table.
    pub const ALL: [[u8; 4]; 5] = [ALPHA, ICC, CICP, EXIF, XMP];
}

/// Length of a [`section::CICP`] section.
pub const CICP_BYTES: usize = 4;
/// Length of each entry of the index of a [`section::ALPHA`] section.
pub const ALPHA_ENTRY_BYTES: usize = 4;

/// Length of the header CRC.
pub const HEADER_CRC_BYTES: usize = 4;

impl Field {
    /// The field's bytes within `structure`, which holds the whole structure.
    ///
    /// # Panics
    /// If `N` is not the field's length or the structure is shorter: errors of the program, not of its input.
    pub(crate) fn take<const N: usize>(self, structure: &[u8]) -> [u8; N] {
        assert_eq!(self.bytes, N);
        structure[self.offset..][..N].try_into().unwrap_or([0; N])
    }

    /// The field as a u32.
    pub(crate) fn take_u32(self, structure: &[u8]) -> u32 {
        u32::from_le_bytes(self.take(structure))
    }
}
