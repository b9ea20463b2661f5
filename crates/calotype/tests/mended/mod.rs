//! Checksums made to fit, so that mutations of a `.calo` file get past them; the fuzz targets use it, too.

use calotype_format::Header;

const HEADER_BYTES: usize = 28;
const ENTRY_BYTES: usize = 12;

/// The file with every CRC made to fit, as far as its structure reaches.
pub fn mended(bytes: &[u8]) -> Vec<u8> {
    let mut file = bytes.to_vec();
    let _ = mend(&mut file);
    file
}

/// `None` where the structure ends early.
fn mend(file: &mut [u8]) -> Option<()> {
    let header = Header::parse(file).ok()?;
    let sections = usize::from(file[HEADER_BYTES - 1]);
    let tiles = usize::try_from(header.tile_count()).ok().filter(|tiles| *tiles < file.len())?;
    let parts = if tiles == 1 { 1 } else { 8 };
    let tile_bytes = 8 + 4 * parts;
    let bodies = HEADER_BYTES + sections * ENTRY_BYTES + tiles * tile_bytes + 4;
    let entry = |number: usize| HEADER_BYTES + number * ENTRY_BYTES;
    let u32_at = |file: &[u8], at: usize| Some(u32::from_le_bytes(*file.get(at..)?.first_chunk()?) as usize);
    let mut at = bodies;
    for section in 0..sections {
        let end = at.checked_add(u32_at(file, entry(section) + 4)?)?;
        let crc = crc32fast::hash(file.get(at..end)?);
        file[entry(section) + 8..][..4].copy_from_slice(&crc.to_le_bytes());
        at = end;
    }
    // All z streams, then the first parts of all y streams, the second ones, ...
    let mut crcs = vec![crc32fast::Hasher::new(); tiles];
    for field in std::iter::once(0).chain((0..parts).map(|part| 8 + 4 * part)) {
        for (tile, crc) in crcs.iter_mut().enumerate() {
            let end = at.checked_add(u32_at(file, entry(sections) + tile * tile_bytes + field)?)?;
            crc.update(file.get(at..end)?);
            at = end;
        }
    }
    for (tile, crc) in crcs.into_iter().enumerate() {
        file[entry(sections) + tile * tile_bytes + 4..][..4].copy_from_slice(&crc.finalize().to_le_bytes());
    }
    let crc = crc32fast::hash(file.get(..bodies - 4)?);
    file.get_mut(bodies - 4..bodies)?.copy_from_slice(&crc.to_le_bytes());
    Some(())
}
