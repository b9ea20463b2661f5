//! WebP: metadata in chunks of the RIFF file, wherever they are.

use std::io::{Read, SeekFrom};

use super::found::{Found, take};
use super::note::{MOST_BYTES, damaged, too_long};
use crate::exif::ReadSeek;

/// `RIFF`, a length, `WEBP`.
const HEADER_BYTES: u64 = 12;
const FRAME_BYTES: u64 = 8;

/// All metadata, whatever the flags of the first chunk say.
pub fn find(webp: &mut impl ReadSeek) -> Found {
    let mut found = Found::default();
    let (mut at, mut head) = (HEADER_BYTES, [0; FRAME_BYTES as usize]);
    while webp.seek(SeekFrom::Start(at)).is_ok() && webp.read_exact(&mut head).is_ok() {
        let [name @ .., a, b, c, d] = head;
        let length = u64::from(u32::from_le_bytes([a, b, c, d]));
        read(webp, &name, length, &mut found);
        at += FRAME_BYTES + length.next_multiple_of(2);
    }
    found
}

fn read(webp: &mut impl Read, name: &[u8; 4], length: u64, found: &mut Found) {
    let what = match name {
        b"ICCP" => "ICC profile",
        b"EXIF" => "Exif",
        b"XMP " => "XMP",
        _ => return,
    };
    match (name, take(webp, length)) {
        (_, None) if length > MOST_BYTES => found.note(too_long(what)),
        (_, None) => found.note(damaged(what)),
        (b"ICCP", icc) => found.metadata.icc = found.metadata.icc.take().or(icc),
        (b"EXIF", Some(exif)) => found.add_exif(exif),
        (_, Some(xmp)) => found.add_xmp(xmp),
    }
}
