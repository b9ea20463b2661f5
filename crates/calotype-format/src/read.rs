//! The reader: limits first, then the header CRC, then the bodies.

use crate::layout::*;
use crate::write::tile_crc;
use crate::{Error, Fault, Feature, Header};

/// A section of a file (FORMAT.md section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionRef<'a> {
    /// Four ASCII letters.
    pub tag: [u8; 4],
    /// The section's bytes.
    pub bytes: &'a [u8],
}

/// The coded streams of one tile (FORMAT.md section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileRef<'a> {
    /// Hyper-latents.
    pub z: &'a [u8],
    /// Latents.
    pub y: &'a [u8],
}

/// A file taken apart, all checksums verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File<'a> {
    /// The header.
    pub header: Header,
    /// Sections in the order of the file; in version 1 all of them are unknown ancillary ones.
    pub sections: Vec<SectionRef<'a>>,
    /// Tiles in raster order, as many as [`Header::tiles`].
    pub tiles: Vec<TileRef<'a>>,
}

impl File<'_> {
    /// Takes the whole file `bytes` apart. Allocates only after the checks: a slice for each section and
    /// each pair for a tile, so less than three times the file's length.
    ///
    /// # Errors
    /// [`Error::NotCalo`]; [`Error::Unsupported`] for versions, flags, depth and critical sections; [`Error::TooManyPixels`]
    /// for more than `max_pixels`; [`Error::Malformed`] for anything else, bytes after the end included.
    pub fn parse(bytes: &[u8], max_pixels: u64) -> Result<File<'_>, Error> {
        let (header, section_count) = Header::with_section_count(bytes)?;
        if header.pixels() > max_pixels {
            return Err(Error::TooManyPixels { width: header.width, height: header.height, limit: max_pixels });
        }
        let mut reader = Reader { file: bytes, at: HEADER_BYTES };
        let section_table = reader.take(u64::from(section_count) * SECTION_ENTRY_BYTES as u64)?;
        let tile_index = reader.take(header.tile_count().saturating_mul(TILE_ENTRY_BYTES as u64))?;
        reader.check_header_crc()?;
        check_tags(section_table)?;
        reader.check_length(section_table, tile_index)?;
        let sections = reader.sections(section_table)?;
        let tiles = reader.tiles(tile_index)?;
        Ok(File { header, sections, tiles })
    }
}

/// Refuses tags that are not letters, and critical sections: version 1 knows none.
fn check_tags(section_table: &[u8]) -> Result<(), Error> {
    for (number, entry) in section_table.chunks_exact(SECTION_ENTRY_BYTES).enumerate() {
        let tag: [u8; 4] = SECTION_TAG.take(entry);
        if !tag.iter().all(u8::is_ascii_alphabetic) {
            return Err(Error::malformed(HEADER_BYTES + number * SECTION_ENTRY_BYTES, Fault::SectionTag(tag)));
        }
        if tag[0].is_ascii_uppercase() {
            return Err(Error::unsupported(Feature::Section(tag)));
        }
    }
    Ok(())
}

/// A file and the byte up to which it has been read.
struct Reader<'a> {
    file: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: u64) -> Result<&'a [u8], Error> {
        let truncated = Error::malformed(self.file.len(), Fault::Truncated { needed: (self.at as u64).saturating_add(length) });
        let length = usize::try_from(length).map_err(|_| truncated)?;
        let part = self.file[self.at..].get(..length).ok_or(truncated)?;
        self.at += length;
        Ok(part)
    }

    fn check_header_crc(&mut self) -> Result<(), Error> {
        let (offset, computed) = (self.at, crc32fast::hash(&self.file[..self.at]));
        let crc = self.take(HEADER_CRC_BYTES as u64)?;
        match u32::from_le_bytes([crc[0], crc[1], crc[2], crc[3]]) {
            stored if stored != computed => Err(Error::malformed(offset, Fault::HeaderCrc { stored, computed })),
            _ => Ok(()),
        }
    }

    /// The lengths in the index add up to what is left of the file. (At most 2^52 lengths of 32 bits: no overflow.)
    fn check_length(&self, section_table: &[u8], tile_index: &[u8]) -> Result<(), Error> {
        let sections = section_table.chunks_exact(SECTION_ENTRY_BYTES).map(|entry| u64::from(SECTION_LENGTH.take_u32(entry)));
        let tiles = tile_index
            .chunks_exact(TILE_ENTRY_BYTES)
            .map(|entry| u64::from(TILE_Z_BYTES.take_u32(entry)) + u64::from(TILE_Y_BYTES.take_u32(entry)));
        let end = (self.at as u64).saturating_add(sections.chain(tiles).sum());
        let got = self.file.len() as u64;
        match end.cmp(&got) {
            std::cmp::Ordering::Greater => Err(Error::malformed(self.file.len(), Fault::Truncated { needed: end })),
            std::cmp::Ordering::Less => Err(Error::Malformed { offset: end, what: Fault::TrailingBytes { bytes: got - end } }),
            std::cmp::Ordering::Equal => Ok(()),
        }
    }

    fn sections(&mut self, section_table: &[u8]) -> Result<Vec<SectionRef<'a>>, Error> {
        let mut sections = Vec::with_capacity(section_table.len() / SECTION_ENTRY_BYTES);
        for (section, entry) in section_table.chunks_exact(SECTION_ENTRY_BYTES).enumerate() {
            let offset = self.at;
            let bytes = self.take(u64::from(SECTION_LENGTH.take_u32(entry)))?;
            let (stored, computed) = (SECTION_CRC.take_u32(entry), crc32fast::hash(bytes));
            if stored != computed {
                return Err(Error::malformed(offset, Fault::SectionCrc { section, stored, computed }));
            }
            sections.push(SectionRef { tag: SECTION_TAG.take(entry), bytes });
        }
        Ok(sections)
    }

    /// All z streams, then all y streams.
    fn tiles(&mut self, tile_index: &[u8]) -> Result<Vec<TileRef<'a>>, Error> {
        let entries = || tile_index.chunks_exact(TILE_ENTRY_BYTES).enumerate();
        let mut tiles = Vec::with_capacity(tile_index.len() / TILE_ENTRY_BYTES);
        for (_, entry) in entries() {
            tiles.push(TileRef { z: self.take(u64::from(TILE_Z_BYTES.take_u32(entry)))?, y: &[] });
        }
        for (tile, entry) in entries() {
            let offset = self.at;
            tiles[tile].y = self.take(u64::from(TILE_Y_BYTES.take_u32(entry)))?;
            let (stored, computed) = (TILE_CRC.take_u32(entry), tile_crc(tiles[tile].z, tiles[tile].y));
            if stored != computed {
                return Err(Error::malformed(offset, Fault::TileCrc { tile, stored, computed }));
            }
        }
        Ok(tiles)
    }
}
