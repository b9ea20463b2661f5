//! The reader: limits first, then the header CRC, then the bodies.

use crate::layout::*;
use crate::write::tile_crc;
use crate::{Error, Fault, Feature, Header};

/// A section of a file (FORMAT.md section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionRef<'a> {
    /// Four ASCII letters.
    pub tag: [u8; 4],
    /// Where the section begins in the file.
    pub offset: usize,
    /// The section's bytes.
    pub bytes: &'a [u8],
}

/// The coded streams of one tile (FORMAT.md section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileRef<'a> {
    /// Hyper-latents.
    pub z: &'a [u8],
    /// Latents: the parts of their stream, one after the other; in a file of one tile the first is all.
    pub y: [&'a [u8]; Y_PARTS],
    /// How much of them is there.
    pub held: Held,
}

/// What a prefix of a file holds of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Not even the z stream.
    Nothing,
    /// The z stream, and the y stream up to some byte.
    Scales,
    /// All, with the right CRC.
    Whole,
}

/// A file taken apart, all checksums verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File<'a> {
    /// The header.
    pub header: Header,
    /// Sections in the order of the file: the ones that version 1 defines, and unknown ancillary ones.
    pub sections: Vec<SectionRef<'a>>,
    /// Tiles in raster order, as many as [`Header::tiles`].
    pub tiles: Vec<TileRef<'a>>,
    /// Length of the whole file in bytes, which a prefix does not have.
    pub length: u64,
}

impl<'a> File<'a> {
    /// The section of this tag, if the file has it.
    pub fn section(&self, tag: [u8; 4]) -> Option<SectionRef<'a>> {
        self.sections.iter().copied().find(|section| section.tag == tag)
    }

    /// Takes the whole file `bytes` apart. Allocates only after the checks: a slice for each section and
    /// nine for a tile, so less than four times the file's length.
    ///
    /// # Errors
    /// [`Error::NotCalo`]; [`Error::Unsupported`] for versions, flags, depth and critical sections; [`Error::TooManyPixels`]
    /// for more than `max_pixels`; [`Error::Malformed`] for anything else, bytes after the end included.
    pub fn parse(bytes: &'a [u8], max_pixels: u64) -> Result<File<'a>, Error> {
        let file = File::parse_prefix(bytes, max_pixels)?;
        if file.length > bytes.len() as u64 {
            return Err(Error::malformed(bytes.len(), Fault::Truncated { needed: file.length }));
        }
        Ok(file)
    }

    /// As [`File::parse`], of a file that may end anywhere after its sections.
    ///
    /// # Errors
    /// As [`File::parse`]; [`Fault::Truncated`] tells how many bytes the next step needs.
    pub fn parse_prefix(bytes: &'a [u8], max_pixels: u64) -> Result<File<'a>, Error> {
        File::parse_unless(bytes, max_pixels, &mut Err)
    }

    /// As [`File::parse_prefix`], of a damaged file: tiles whose CRC does not fit are held as if nothing of them were there, sections are left out,
    /// bytes after the end passed over. Gives these faults, too, and at which bytes they are, in the order of the file.
    ///
    /// # Errors
    /// As [`File::parse_prefix`], if header, section table or tile index are damaged.
    pub fn parse_damaged(bytes: &'a [u8], max_pixels: u64) -> Result<(File<'a>, Vec<(u64, Fault)>), Error> {
        let mut faults = Vec::new();
        let file = File::parse_unless(bytes, max_pixels, &mut |error| match error {
            Error::Malformed { offset, what } => {
                faults.push((offset, what));
                Ok(())
            }
            error => Err(error),
        })?;
        Ok((file, faults))
    }

    /// Goes on after faults of streams, sections and length that `bearable` bears.
    fn parse_unless(bytes: &'a [u8], max_pixels: u64, bearable: Bearable<'_>) -> Result<File<'a>, Error> {
        let (header, section_count) = Header::with_section_count(bytes)?;
        if header.pixels() > max_pixels {
            return Err(Error::TooManyPixels { width: header.width, height: header.height, limit: max_pixels });
        }
        let mut reader = Reader { file: bytes, at: HEADER_BYTES };
        let entry_bytes = tile_entry_bytes(header.tile_count());
        let section_table = reader.take(u64::from(section_count) * SECTION_ENTRY_BYTES as u64)?;
        let tile_index = reader.take(header.tile_count().saturating_mul(entry_bytes as u64))?;
        reader.check_header_crc()?;
        check_tags(section_table)?;
        let entries: Vec<TileEntry> = tile_index.chunks_exact(entry_bytes).map(TileEntry::parse).collect();
        let length = reader.length(section_table, &entries);
        reader.check_end(length).or_else(&mut *bearable)?;
        let sections = reader.sections(section_table, bearable)?;
        let tiles = reader.tiles(&entries, bearable)?;
        Ok(File { header, sections, tiles, length })
    }
}

/// Whether reading goes on after a fault.
type Bearable<'b> = &'b mut dyn FnMut(Error) -> Result<(), Error>;

/// An entry of the tile index.
struct TileEntry {
    z_bytes: u32,
    crc: u32,
    y_bytes: [u32; Y_PARTS],
}

impl TileEntry {
    /// Of one part or of [`Y_PARTS`].
    fn parse(entry: &[u8]) -> TileEntry {
        let mut y_bytes = [0; Y_PARTS];
        let stored = entry[TILE_Y_BYTES.offset..].as_chunks().0;
        y_bytes.iter_mut().zip(stored).for_each(|(bytes, stored)| *bytes = u32::from_le_bytes(*stored));
        TileEntry { z_bytes: TILE_Z_BYTES.take_u32(entry), crc: TILE_CRC.take_u32(entry), y_bytes }
    }

    fn y_length(&self) -> u64 {
        self.y_bytes.iter().copied().map(u64::from).sum()
    }
}

/// Refuses tags that are not letters or not the only one of their kind, and unknown critical sections.
fn check_tags(section_table: &[u8]) -> Result<(), Error> {
    let tags: Vec<[u8; 4]> = section_table.chunks_exact(SECTION_ENTRY_BYTES).map(|entry| SECTION_TAG.take(entry)).collect();
    for (number, &tag) in tags.iter().enumerate() {
        let fault = |what| Err(Error::malformed(HEADER_BYTES + number * SECTION_ENTRY_BYTES, what));
        if !tag.iter().all(u8::is_ascii_alphabetic) {
            return fault(Fault::SectionTag(tag));
        }
        if tags[..number].contains(&tag) {
            return fault(Fault::RepeatedSection(tag));
        }
        if tag[0].is_ascii_uppercase() && !section::ALL.contains(&tag) {
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

    /// The file's length by its index. (At most 2^55 lengths of 32 bits, and memory for them: no overflow.)
    fn length(&self, section_table: &[u8], entries: &[TileEntry]) -> u64 {
        let sections = section_table.chunks_exact(SECTION_ENTRY_BYTES).map(|entry| u64::from(SECTION_LENGTH.take_u32(entry)));
        let tiles = entries.iter().map(|entry| u64::from(entry.z_bytes) + entry.y_length());
        (self.at as u64).saturating_add(sections.chain(tiles).sum())
    }

    /// No file goes on after its end.
    fn check_end(&self, end: u64) -> Result<(), Error> {
        match (self.file.len() as u64).checked_sub(end) {
            Some(bytes @ 1..) => Err(Error::Malformed { offset: end, what: Fault::TrailingBytes { bytes } }),
            _ => Ok(()),
        }
    }

    fn sections(&mut self, section_table: &[u8], bearable: Bearable<'_>) -> Result<Vec<SectionRef<'a>>, Error> {
        let mut sections = Vec::with_capacity(section_table.len() / SECTION_ENTRY_BYTES);
        for (section, entry) in section_table.chunks_exact(SECTION_ENTRY_BYTES).enumerate() {
            let offset = self.at;
            let bytes = self.take(u64::from(SECTION_LENGTH.take_u32(entry)))?;
            let (stored, computed) = (SECTION_CRC.take_u32(entry), crc32fast::hash(bytes));
            if stored == computed {
                sections.push(SectionRef { tag: SECTION_TAG.take(entry), offset, bytes });
            } else {
                bearable(Error::malformed(offset, Fault::SectionCrc { section, stored, computed }))?;
            }
        }
        Ok(sections)
    }

    /// All z streams, then all first parts of y streams, and so on, as far as they are there.
    fn tiles(&mut self, entries: &[TileEntry], bearable: Bearable<'_>) -> Result<Vec<TileRef<'a>>, Error> {
        let mut tiles: Vec<TileRef<'a>> = Vec::with_capacity(entries.len());
        for entry in entries {
            let z = self.take_some(entry.z_bytes);
            let held = if z.len() < entry.z_bytes as usize { Held::Nothing } else { Held::Scales };
            tiles.push(TileRef { z, y: [&[]; Y_PARTS], held });
        }
        for part in 0..Y_PARTS {
            entries.iter().zip(&mut tiles).for_each(|(entry, tile)| tile.y[part] = self.take_some(entry.y_bytes[part]));
        }
        for (number, (entry, tile)) in entries.iter().zip(&mut tiles).enumerate() {
            if let Err(error) = self.check_tile(number, entry, tile) {
                bearable(error)?;
                *tile = TileRef { z: &[], y: [&[]; Y_PARTS], held: Held::Nothing };
            }
        }
        Ok(tiles)
    }

    /// The next bytes, or those of them that are there.
    fn take_some(&mut self, length: u32) -> &'a [u8] {
        let rest = &self.file[self.at..];
        let part = &rest[..rest.len().min(length as usize)];
        self.at += part.len();
        part
    }

    /// The CRC of a tile that is all there.
    fn check_tile(&self, tile: usize, entry: &TileEntry, streams: &mut TileRef<'a>) -> Result<(), Error> {
        let y_length: usize = streams.y.iter().map(|part| part.len()).sum();
        if streams.held == Held::Nothing || (y_length as u64) < entry.y_length() {
            return Ok(());
        }
        let computed = tile_crc(streams.z, streams.y);
        if entry.crc != computed {
            let offset = self.offset_of(streams.y[0]);
            return Err(Error::malformed(offset, Fault::TileCrc { tile, stored: entry.crc, computed }));
        }
        streams.held = Held::Whole;
        Ok(())
    }

    /// Where a part of the file begins.
    fn offset_of(&self, part: &[u8]) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.file.as_ptr() as usize)
    }
}
