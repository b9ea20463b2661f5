//! The alpha section: a stream for each tile behind an index of their lengths (FORMAT.md section 3.1).

use crate::layout::{ALPHA_ENTRY_BYTES, section};
use crate::{Error, Fault, Misuse, Section, SectionRef};

/// The section of one alpha stream for each tile, in raster order.
///
/// # Errors
/// [`Error::Unwritable`] for a stream of 4 GiB or more.
pub fn alpha_section(streams: &[Vec<u8>]) -> Result<Section, Error> {
    let mut bytes = Vec::with_capacity(streams.iter().map(|stream| stream.len() + ALPHA_ENTRY_BYTES).sum());
    for stream in streams {
        let length = u32::try_from(stream.len()).map_err(|_| Error::Unwritable { what: Misuse::Length(stream.len()) })?;
        bytes.extend(length.to_le_bytes());
    }
    streams.iter().for_each(|stream| bytes.extend(stream));
    Ok(Section { tag: section::ALPHA, bytes })
}

/// The alpha streams of a picture of `tiles` tiles; they refer to the section's bytes.
///
/// # Errors
/// [`Error::Malformed`] if the lengths do not add up to the section's.
pub fn alpha_streams(section: SectionRef<'_>, tiles: usize) -> Result<Vec<&[u8]>, Error> {
    let wrong = |expected: u64| {
        let what = Fault::SectionLength { tag: section.tag, bytes: section.bytes.len(), expected };
        Error::malformed(section.offset, what)
    };
    let index_bytes = tiles.saturating_mul(ALPHA_ENTRY_BYTES);
    let (index, mut rest) = section.bytes.split_at_checked(index_bytes).ok_or_else(|| wrong(index_bytes as u64))?;
    let lengths = || index.as_chunks::<ALPHA_ENTRY_BYTES>().0.iter().map(|length| u32::from_le_bytes(*length));
    let expected = lengths().map(u64::from).sum::<u64>() + index_bytes as u64;
    if expected != section.bytes.len() as u64 {
        return Err(wrong(expected));
    }
    let mut streams = Vec::with_capacity(tiles);
    for length in lengths() {
        let (stream, after) = rest.split_at(length as usize);
        streams.push(stream);
        rest = after;
    }
    Ok(streams)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_come_back() {
        let streams = [b"abc".to_vec(), vec![], b"d".to_vec()];
        let section = alpha_section(&streams).unwrap();
        let read = |bytes: &[u8], tiles| {
            let section = SectionRef { tag: section::ALPHA, offset: 77, bytes };
            alpha_streams(section, tiles).map(|streams| streams.iter().map(|stream| stream.to_vec()).collect::<Vec<_>>())
        };
        assert_eq!(read(&section.bytes, 3).unwrap(), streams);
        let wrong = |bytes: &[u8], tiles| match read(bytes, tiles) {
            Err(Error::Malformed { offset: 77, what: Fault::SectionLength { expected, .. } }) => expected,
            other => panic!("{other:?}"),
        };
        assert_eq!(wrong(&section.bytes[..15], 3), 16);
        assert_eq!(wrong(&section.bytes[..11], 3), 12);
        assert_eq!(wrong(&[&section.bytes[..], b"x"].concat(), 3), 16);
        assert_eq!(wrong(&section.bytes, usize::MAX), u64::MAX);
    }
}
