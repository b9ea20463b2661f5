//! Errors, sorted by whose fault it is (FORMAT.md section 7).

use thiserror::Error;

/// Why a file could not be read, or not be written.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The file does not begin with the magic.
    #[error("not a .calo file")]
    NotCalo,
    /// The file asks for something that this version does not know.
    #[error("unsupported {feature}")]
    Unsupported {
        /// What it asks for.
        feature: Feature,
    },
    /// The picture has more pixels than the caller allows.
    #[error("{width} x {height} pixels are more than the limit of {limit}")]
    TooManyPixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The caller's limit.
        limit: u64,
    },
    /// The file is damaged.
    #[error("malformed file at byte {offset}: {what}")]
    Malformed {
        /// Bytes from the beginning of the file.
        offset: u64,
        /// What is wrong there.
        what: Fault,
    },
    /// Usage: what [`write()`](crate::write()) was given does not make a file.
    #[error("cannot write this file: {what}")]
    Unwritable {
        /// What does not fit.
        what: Misuse,
    },
}

/// Something that this version of the reader does not know.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Feature {
    /// A later container.
    #[error("format version {0}")]
    FormatVersion(u8),
    /// Other arithmetic.
    #[error("semantics version {0}")]
    SemanticsVersion(u8),
    /// Reserved flags are set; the value is the flags' byte.
    #[error("flags {0:#04x}")]
    Flags(u8),
    /// An output of other than 8 or 16 bits.
    #[error("depth of {0} bits")]
    Depth(u8),
    /// A critical section that is not known.
    #[error("critical section {}", .0.escape_ascii())]
    Section([u8; 4]),
}

/// What is malformed in a file.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The file is shorter than it says.
    #[error("the file ends here but should have {needed} bytes")]
    Truncated {
        /// Bytes that the file needs at least, as far as it was read.
        needed: u64,
    },
    /// The file goes on after its end.
    #[error("{bytes} byte{} after the end of the file", if *.bytes == 1 { "" } else { "s" })]
    TrailingBytes {
        /// How many.
        bytes: u64,
    },
    /// Width or height is 0.
    #[error("{width} x {height} pixels")]
    Empty {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The flag `folded` where the picture is not thin.
    #[error("{width} x {height} pixels are not folded")]
    Fold {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// A fineness beyond 16128.
    #[error("fineness {0} is beyond 16128")]
    Fineness(u16),
    /// log2 of the tile's side not in 6..=16.
    #[error("log2 of the tile side is {0}, not 6 to 16")]
    TileLog2(u8),
    /// A section's tag is not made of ASCII letters.
    #[error("section tag \"{}\" is not four letters", .0.escape_ascii())]
    SectionTag([u8; 4]),
    /// A tag that an earlier section has.
    #[error("a second section {}", .0.escape_ascii())]
    RepeatedSection([u8; 4]),
    /// A section whose length does not fit its contents.
    #[error("section {} of {bytes} bytes should have {expected}", .tag.escape_ascii())]
    SectionLength {
        /// Its tag.
        tag: [u8; 4],
        /// Its length.
        bytes: usize,
        /// What its contents ask for.
        expected: u64,
    },
    /// The header CRC does not fit.
    #[error("CRC of header and index is {computed:08x}, the file says {stored:08x}")]
    HeaderCrc {
        /// As stored in the file.
        stored: u32,
        /// Of the file's bytes.
        computed: u32,
    },
    /// A section's CRC does not fit.
    #[error("CRC of section {section} is {computed:08x}, the file says {stored:08x}")]
    SectionCrc {
        /// Number of the section.
        section: usize,
        /// As stored in the file.
        stored: u32,
        /// Of the file's bytes.
        computed: u32,
    },
    /// A tile's CRC does not fit.
    #[error("CRC of tile {tile} is {computed:08x}, the file says {stored:08x}")]
    TileCrc {
        /// Number of the tile in raster order.
        tile: usize,
        /// As stored in the file.
        stored: u32,
        /// Of the file's bytes.
        computed: u32,
    },
}

/// What [`write()`](crate::write()) was given and cannot put into a file.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// Width or height is 0.
    #[error("{width} x {height} pixels")]
    Empty {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The flag `folded` where the picture is not thin.
    #[error("{width} x {height} pixels are not folded")]
    Fold {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// A fineness beyond 16128.
    #[error("fineness {0} is beyond 16128")]
    Fineness(u16),
    /// log2 of the tile's side not in 6..=16.
    #[error("log2 of the tile side is {0}, not 6 to 16")]
    TileLog2(u8),
    /// A depth that is neither 8 nor 16.
    #[error("depth of {0} bits, not 8 or 16")]
    Depth(u8),
    /// Not one pair of streams per tile.
    #[error("{got} tiles where the header asks for {expected}")]
    TileCount {
        /// Tiles of the picture.
        expected: u64,
        /// Tiles given.
        got: usize,
    },
    /// More than 255 sections.
    #[error("{0} sections are more than 255")]
    SectionCount(usize),
    /// A section's tag is not made of ASCII letters.
    #[error("section tag \"{}\" is not four letters", .0.escape_ascii())]
    SectionTag([u8; 4]),
    /// Two sections of this tag.
    #[error("two sections {}", .0.escape_ascii())]
    RepeatedSection([u8; 4]),
    /// A stream or section of 4 GiB or more.
    #[error("a part of {0} bytes is longer than 4294967295")]
    Length(usize),
}

impl Error {
    pub(crate) fn malformed(offset: usize, what: Fault) -> Error {
        Error::Malformed { offset: offset as u64, what }
    }

    pub(crate) fn unsupported(feature: Feature) -> Error {
        Error::Unsupported { feature }
    }
}

impl Feature {
    /// Who reads such a file.
    pub fn reader(self) -> &'static str {
        match self {
            Feature::SemanticsVersion(1) => "Calotype 0.1 reads this file",
            _ => "a newer calotype may read this file",
        }
    }
}
