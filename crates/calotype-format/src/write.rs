//! The writer.

use crate::layout::{HEADER_CRC_BYTES, Y_PARTS, y_parts};
use crate::{Error, Header, Misuse};

/// A section to write (FORMAT.md section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Four ASCII letters; a lower-case first letter says that a reader may skip the section.
    pub tag: [u8; 4],
    /// Less than 4 GiB.
    pub bytes: Vec<u8>,
}

/// The coded streams of one tile (FORMAT.md section 6), each less than 4 GiB.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TileStreams {
    /// Hyper-latents.
    pub z: Vec<u8>,
    /// Latents: the parts of their stream.
    pub y: [Vec<u8>; Y_PARTS],
}

/// The file of a header, its sections and the streams of its tiles in raster order.
///
/// # Errors
/// [`Error::Unwritable`] for a header out of range, a wrong number of tiles, more than 255 sections, a tag that is
/// not four letters or not unique, or a part of 4 GiB or more.
pub fn write(header: &Header, sections: &[Section], tiles: &[TileStreams]) -> Result<Vec<u8>, Error> {
    index(header, sections, tiles).map(|index| with_bodies(index, sections, tiles)).map_err(|what| Error::Unwritable { what })
}

/// Header, section table, tile index.
fn index(header: &Header, sections: &[Section], tiles: &[TileStreams]) -> Result<Vec<u8>, Misuse> {
    header.check()?;
    if header.tile_count() != tiles.len() as u64 {
        return Err(Misuse::TileCount { expected: header.tile_count(), got: tiles.len() });
    }
    let section_count = u8::try_from(sections.len()).map_err(|_| Misuse::SectionCount(sections.len()))?;
    check_unique(sections)?;
    let mut index = header.to_bytes(section_count).to_vec();
    for section in sections {
        index.extend(section_entry(section)?.as_flattened());
    }
    for tile in tiles {
        index.extend(length(&[&tile.z])?);
        index.extend(tile_crc(&tile.z, tile.y.iter().map(Vec::as_slice)).to_le_bytes());
        for parts in tile.y.chunks(Y_PARTS / y_parts(tiles.len() as u64)) {
            index.extend(length(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())?);
        }
    }
    Ok(index)
}

fn check_unique(sections: &[Section]) -> Result<(), Misuse> {
    let repeated = |number: &usize| sections[..*number].iter().any(|earlier| earlier.tag == sections[*number].tag);
    match (0..sections.len()).find(repeated) {
        Some(number) => Err(Misuse::RepeatedSection(sections[number].tag)),
        None => Ok(()),
    }
}

fn section_entry(section: &Section) -> Result<[[u8; 4]; 3], Misuse> {
    if !section.tag.iter().all(u8::is_ascii_alphabetic) {
        return Err(Misuse::SectionTag(section.tag));
    }
    Ok([section.tag, length(&[&section.bytes])?, crc32fast::hash(&section.bytes).to_le_bytes()])
}

/// The length of some parts together.
fn length(parts: &[&[u8]]) -> Result<[u8; 4], Misuse> {
    let bytes = parts.iter().map(|part| part.len()).sum();
    u32::try_from(bytes).map(u32::to_le_bytes).map_err(|_| Misuse::Length(bytes))
}

/// CRC-32 of the z stream followed by the y stream.
pub(crate) fn tile_crc<'a>(z: &[u8], y: impl IntoIterator<Item = &'a [u8]>) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(z);
    y.into_iter().for_each(|part| crc.update(part));
    crc.finalize()
}

/// Appends the header CRC, the sections, all z streams, all first parts of y streams, all second parts, and so on.
fn with_bodies(index: Vec<u8>, sections: &[Section], tiles: &[TileStreams]) -> Vec<u8> {
    let bodies = || {
        let sections = sections.iter().map(|section| &section.bytes);
        let parts = (0..Y_PARTS).flat_map(|part| tiles.iter().map(move |tile| &tile.y[part]));
        sections.chain(tiles.iter().map(|tile| &tile.z)).chain(parts)
    };
    let mut file = index;
    file.reserve_exact(HEADER_CRC_BYTES + bodies().map(Vec::len).sum::<usize>());
    file.extend(crc32fast::hash(&file).to_le_bytes());
    bodies().for_each(|body| file.extend(body));
    file
}
