//! JPEG: metadata in segments before the pixels.

use std::io::{Read, SeekFrom};

use calotype::Metadata;

use super::found::{EXIF_NAME, Found, IPTC, take};
use super::note::{COMMENT, MOST_BYTES, damaged, too_long};
use super::xmp;
use crate::exif::{self, ReadSeek};

const XMP_NAME: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const EXTENSION_NAME: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
const ICC_NAME: &[u8] = b"ICC_PROFILE\0";
const PHOTOSHOP_NAME: &[u8] = b"Photoshop 3.0\0";
/// What is in a block of Photoshop's: IPTC.
const IPTC_BLOCK: &[u8] = b"8BIM\x04\x04";
/// The GUID, the length of all, the offset of this part.
const EXTENSION_HEAD: usize = 40;

/// A part of an ICC profile: its number, how many there are, its bytes.
type ProfilePart = (u8, u8, Vec<u8>);

/// A part of an extended XMP.
struct Extension {
    guid: Vec<u8>,
    length: u32,
    offset: u32,
    bytes: Vec<u8>,
}

/// What the segments hold until it is put together.
#[derive(Default)]
struct Parts {
    profile: Vec<ProfilePart>,
    extensions: Vec<Extension>,
    found: Found,
    /// Bytes of the segments that were taken.
    taken_bytes: u64,
}

/// All metadata up to the first scan.
pub fn find(jpeg: &mut impl ReadSeek) -> Found {
    let mut parts = Parts::default();
    if jpeg.seek(SeekFrom::Start(2)).is_ok() {
        while let Some((marker, segment)) = next(jpeg) {
            parts.add(marker, segment);
        }
    }
    parts.settle()
}

/// The next marker and its segment; `None` at the first scan, and where the file is broken.
fn next(jpeg: &mut impl Read) -> Option<(u8, Vec<u8>)> {
    let (mut last, mut marker) = (0, 0);
    // Any number of fill bytes, and rubbish, which decoders pass over, too.
    while last != 0xFF || matches!(marker, 0x00 | 0xFF) {
        let mut byte = [0];
        jpeg.read_exact(&mut byte).ok()?;
        (last, marker) = (marker, byte[0]);
    }
    if matches!(marker, 0x01 | 0xD0..=0xD7) {
        return Some((marker, Vec::new()));
    }
    (!matches!(marker, 0xD8..=0xDA)).then_some(())?;
    let mut length = [0; 2];
    jpeg.read_exact(&mut length).ok()?;
    Some((marker, take(jpeg, u64::from(u16::from_be_bytes(length)).checked_sub(2)?)?))
}

impl Parts {
    fn add(&mut self, marker: u8, segment: Vec<u8>) {
        self.taken_bytes += segment.len() as u64;
        if self.taken_bytes > MOST_BYTES {
            return self.found.note(too_long("metadata"));
        }
        let after = |name: &[u8]| segment.strip_prefix(name).map(<[u8]>::to_vec);
        match marker {
            0xE1 => {
                if let Some(exif) = after(EXIF_NAME) {
                    self.add_exif(exif);
                } else if let Some(xmp) = after(XMP_NAME) {
                    self.found.add_xmp(xmp);
                } else if let Some(extension) = after(EXTENSION_NAME) {
                    self.extensions.extend(Extension::parse(&extension));
                }
            }
            0xE2 => {
                if let Some([number, of, bytes @ ..]) = after(ICC_NAME).as_deref() {
                    self.profile.push((*number, *of, bytes.to_vec()));
                }
            }
            0xED if segment.starts_with(PHOTOSHOP_NAME) && segment.windows(IPTC_BLOCK.len()).any(|block| block == IPTC_BLOCK) => {
                self.found.note(IPTC);
            }
            0xFE => self.found.note(COMMENT),
            _ => {}
        }
    }

    /// A segment that does not begin as Exif goes on with the one before, which was too long for one.
    fn add_exif(&mut self, exif: Vec<u8>) {
        match &mut self.found.metadata.exif {
            Some(begun) if !exif::is_tiff(&exif) => begun.extend(exif),
            _ => self.found.add_exif(exif),
        }
    }

    fn settle(mut self) -> Found {
        if !self.profile.is_empty() {
            match profile(self.profile) {
                Some(icc) => self.found.metadata.icc = Some(icc),
                None => self.found.note(damaged("ICC profile")),
            }
        }
        join_extension(&mut self.found, &self.extensions);
        self.found
    }
}

/// The parts in order, if all are there once.
fn profile(mut parts: Vec<ProfilePart>) -> Option<Vec<u8>> {
    parts.sort_by_key(|(number, _, _)| *number);
    let right = parts.iter().zip(1..).all(|((number, of, _), place)| usize::from(*number) == place && usize::from(*of) == parts.len());
    right.then(|| parts.into_iter().flat_map(|(_, _, bytes)| bytes).collect())
}

impl Extension {
    fn parse(segment: &[u8]) -> Option<Extension> {
        let (head, bytes) = segment.split_at_checked(EXTENSION_HEAD)?;
        let word = |at: usize| Some(u32::from_be_bytes(head[at..at + 4].try_into().ok()?));
        Some(Extension { guid: head[..32].to_vec(), length: word(32)?, offset: word(36)?, bytes: bytes.to_vec() })
    }
}

/// Puts the extension that the XMP names into it; without all of it the XMP names none any more.
fn join_extension(found: &mut Found, parts: &[Extension]) {
    let Metadata { xmp: Some(main), .. } = &found.metadata else { return };
    let Some(guid) = xmp::extension(main) else { return };
    let joined = extended(parts, guid.as_bytes()).and_then(|extension| xmp::joined(main, &extension));
    if joined.is_none() {
        let alone = xmp::without_extension(main);
        found.metadata.xmp = alone;
        return found.note(damaged("extended XMP"));
    }
    found.metadata.xmp = joined;
}

/// The parts of this GUID without gaps from the first byte to the last.
fn extended(parts: &[Extension], guid: &[u8]) -> Option<Vec<u8>> {
    let mut parts: Vec<&Extension> = parts.iter().filter(|part| part.guid.eq_ignore_ascii_case(guid)).collect();
    parts.sort_by_key(|part| part.offset);
    let length = parts.first()?.length;
    let mut whole = Vec::new();
    for part in parts {
        if part.length != length || part.offset as usize != whole.len() {
            return None;
        }
        whole.extend(&part.bytes);
    }
    (whole.len() == length as usize).then_some(whole)
}
