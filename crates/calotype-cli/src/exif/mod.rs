//! Exif and TIFF share one structure: directories of tags. This reads the directories of one and writes them into the other.
//!
//! Elsewhere Exif is carried byte by byte; a TIFF file keeps its tags among those of its pixels, so they have to be taken out and put in.

mod edit;

use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};

pub use edit::{drop_gps, drop_thumbnail, orientation, set_orientation};

use crate::metadata::{MOST_BYTES, damaged, too_long};

/// Tags of the first directory that describe the picture, not its pixels: what Exif and TIFF files exchange.
const DESCRIPTIVE: [u16; 21] =
    [269, 270, 271, 272, 274, 282, 283, 285, 296, 305, 306, 315, 316, 33432, EXIF, GPS, 40091, 40092, 40093, 40094, 40095];
/// Tags that point to a directory.
const POINTERS: [u16; 3] = [EXIF, GPS, INTEROPERABILITY];
const EXIF: u16 = 0x8769;
const GPS: u16 = 0x8825;
const INTEROPERABILITY: u16 = 0xA005;
const RESOLUTION_UNIT: u16 = 296;
/// Without a unit (1) they say nothing.
const RESOLUTION: [u16; 3] = [282, 283, RESOLUTION_UNIT];
const XMP: u16 = 700;
const ICC: u16 = 34675;
const IPTC: u16 = 33723;
const BYTE: u16 = 1;
const LONG: u16 = 4;
const UNDEFINED: u16 = 7;
/// Directories within directories: Exif, then Interoperability.
const DEEPEST: u32 = 3;
const HEADER_BYTES: usize = 8;
/// Where a file says where its first directory begins.
const FIRST_DIRECTORY: u64 = 4;
const ENTRY_BYTES: usize = 12;
const BIG_ENTRY_BYTES: u64 = 20;
/// Values up to this length stand in the entry itself.
const INLINE_BYTES: usize = 4;

/// A directory, its entries in ascending order of tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Directory(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    tag: u16,
    kind: u16,
    count: u32,
    value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    /// Little endian.
    Bytes(Vec<u8>),
    Directory(Directory),
    /// More bytes than are taken.
    TooLong,
    /// More bytes than the file has.
    Cut,
}

/// Whether these bytes begin as a TIFF structure.
pub fn is_tiff(bytes: &[u8]) -> bool {
    bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*")
}

/// What a TIFF file says beside its pixels.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TiffParts {
    /// Its descriptive tags.
    pub exif: Option<Vec<u8>>,
    /// Its ICC profile, of whichever type the tag is.
    pub icc: Option<Vec<u8>>,
    /// Its XMP, of whichever type the tag is.
    pub xmp: Option<Vec<u8>>,
    /// Whether it has IPTC.
    pub iptc: bool,
    /// What is left out, one line each.
    pub notes: Vec<String>,
}

/// What a TIFF or BigTIFF file says; nothing if it is damaged.
pub fn parts_of_tiff(tiff: &mut impl ReadSeek) -> TiffParts {
    let Some(mut directory) = Reader::read(tiff, MOST_BYTES) else { return TiffParts::default() };
    let mut parts = TiffParts { iptc: directory.take(IPTC).is_some(), ..TiffParts::default() };
    for (tag, part, what) in [(ICC, &mut parts.icc, "ICC profile"), (XMP, &mut parts.xmp, "XMP")] {
        match directory.take(tag) {
            Some(Value::Bytes(bytes)) => *part = Some(bytes).filter(|bytes| !bytes.is_empty()),
            Some(Value::TooLong) => parts.notes.push(too_long(what)),
            Some(Value::Cut) => parts.notes.push(damaged(what)),
            _ => {}
        }
    }
    let unitless = directory.0.iter().any(|entry| entry.tag == RESOLUTION_UNIT && entry.value == Value::Bytes(vec![1, 0]));
    directory.0.retain(|entry| DESCRIPTIVE.contains(&entry.tag) && !(unitless && RESOLUTION.contains(&entry.tag)));
    if directory.drop_missing() {
        parts.notes.push("some of its Exif is damaged and left out".to_string());
    }
    parts.exif = (!directory.0.is_empty()).then(|| directory.file());
    parts
}

/// What a TIFF file carries beside its pixels.
pub struct Extras<'a> {
    pub exif: Option<&'a [u8]>,
    pub icc: Option<&'a [u8]>,
    pub xmp: Option<&'a [u8]>,
}

/// Gives a little-endian TIFF file these extras, in a directory at its end that replaces the first; `false` if it has no room for them.
///
/// # Errors
/// Those of reading and writing.
pub fn add_to_tiff(tiff: &mut (impl ReadSeek + Write), extras: &Extras<'_>) -> io::Result<bool> {
    let mut begin = [0; 4];
    tiff.rewind()?;
    tiff.read_exact(&mut begin)?;
    let is_small = is_tiff(&begin);
    let Some(mut directory) = Reader::read(tiff, u64::MAX).filter(|_| is_small) else { return Ok(false) };
    let described = extras.exif.and_then(|exif| Reader::read(&mut Cursor::new(exif), u64::MAX)).unwrap_or_default().0;
    described.into_iter().filter(|entry| DESCRIPTIVE.contains(&entry.tag)).for_each(|entry| directory.set(entry));
    let bytes = |tag, kind, value: &[u8]| Entry { tag, kind, count: value.len() as u32, value: Value::Bytes(value.to_vec()) };
    extras.icc.into_iter().for_each(|icc| directory.set(bytes(ICC, UNDEFINED, icc)));
    extras.xmp.into_iter().for_each(|xmp| directory.set(bytes(XMP, BYTE, xmp)));
    let end = tiff.seek(SeekFrom::End(0))?.next_multiple_of(2);
    let Ok(begin) = u32::try_from(end) else { return Ok(false) };
    let mut tail = Tail { begin, bytes: Vec::new() };
    directory.append(&mut tail);
    if end + tail.bytes.len() as u64 > u32::MAX.into() {
        return Ok(false);
    }
    tiff.seek(SeekFrom::Start(end))?;
    tiff.write_all(&tail.bytes)?;
    tiff.seek(SeekFrom::Start(FIRST_DIRECTORY))?;
    tiff.write_all(&begin.to_le_bytes())?;
    Ok(true)
}

/// What is written at the end of a file, from byte `begin` on.
struct Tail {
    begin: u32,
    bytes: Vec<u8>,
}

impl Tail {
    /// Where the next byte will lie in the file.
    fn next(&self) -> u32 {
        self.begin.wrapping_add(self.bytes.len() as u32)
    }
}

impl Directory {
    /// Takes the value of a tag out.
    fn take(&mut self, tag: u16) -> Option<Value> {
        let place = self.0.binary_search_by_key(&tag, |entry| entry.tag).ok()?;
        Some(self.0.remove(place).value)
    }

    /// Leaves out what was not taken; says whether there was something.
    fn drop_missing(&mut self) -> bool {
        let entries = self.0.len();
        self.0.retain(|entry| !matches!(entry.value, Value::TooLong | Value::Cut));
        let inside = self.0.iter_mut().map(|entry| match &mut entry.value {
            Value::Directory(directory) => directory.drop_missing(),
            _ => false,
        });
        inside.fold(false, |any, dropped| any | dropped) | (self.0.len() < entries)
    }

    /// Adds an entry, or replaces the one of the same tag.
    fn set(&mut self, entry: Entry) {
        match self.0.binary_search_by_key(&entry.tag, |entry| entry.tag) {
            Ok(place) => self.0[place] = entry,
            Err(place) => self.0.insert(place, entry),
        }
    }

    /// A little-endian TIFF file of this directory alone.
    fn file(&self) -> Vec<u8> {
        let mut tail = Tail { begin: HEADER_BYTES as u32, bytes: Vec::new() };
        self.append(&mut tail);
        [b"II*\0\x08\0\0\0", &tail.bytes[..]].concat()
    }

    /// Writes the directory at the end of a little-endian file, then its values and directories.
    fn append(&self, file: &mut Tail) {
        file.bytes.extend((self.0.len() as u16).to_le_bytes());
        let entries = file.bytes.len();
        file.bytes.resize(entries + self.0.len() * ENTRY_BYTES + 4, 0);
        for (number, entry) in self.0.iter().enumerate() {
            let inline = entry.append_value(file);
            let place = &mut file.bytes[entries + number * ENTRY_BYTES..][..ENTRY_BYTES];
            place[..2].copy_from_slice(&entry.tag.to_le_bytes());
            place[2..4].copy_from_slice(&entry.kind.to_le_bytes());
            place[4..8].copy_from_slice(&entry.count.to_le_bytes());
            place[8..].copy_from_slice(&inline);
        }
    }
}

impl Entry {
    /// Writes the value at the end of the file, unless it is short; returns what stands in the entry.
    fn append_value(&self, file: &mut Tail) -> [u8; INLINE_BYTES] {
        let begin = file.next().to_le_bytes();
        match &self.value {
            Value::Directory(directory) => directory.append(file),
            Value::TooLong | Value::Cut => {}
            Value::Bytes(bytes) if bytes.len() <= INLINE_BYTES => {
                return std::array::from_fn(|at| bytes.get(at).copied().unwrap_or(0));
            }
            Value::Bytes(bytes) => {
                file.bytes.extend(bytes);
                file.bytes.resize(file.bytes.len().next_multiple_of(2), 0);
            }
        }
        begin
    }
}

/// What directories are read from.
pub trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// A file of directories.
struct Reader<'a> {
    file: &'a mut dyn ReadSeek,
    length: u64,
    big_endian: bool,
    /// A BigTIFF: its numbers of entries, offsets and counts are longer.
    big: bool,
    /// Values of more bytes are not taken.
    most_bytes: u64,
    /// Bytes of entries and values that may still be taken: a file that points to the same ones again and again must not grow without limit.
    budget: u64,
}

impl Reader<'_> {
    /// The first directory of a TIFF structure.
    fn read(file: &mut impl ReadSeek, most_bytes: u64) -> Option<Directory> {
        let length = file.seek(SeekFrom::End(0)).ok()?;
        let mut reader = Reader { file, length, big_endian: false, big: false, most_bytes, budget: length };
        (reader.big_endian, reader.big) = match &reader.get(0, 4)?[..] {
            b"II*\0" => (false, false),
            b"MM\0*" => (true, false),
            b"II+\0" => (false, true),
            b"MM\0+" => (true, true),
            _ => return None,
        };
        let first = reader.offset(if reader.big { 8 } else { FIRST_DIRECTORY })?;
        reader.directory(first, DEEPEST)
    }

    fn get(&mut self, at: u64, length: u64) -> Option<Vec<u8>> {
        if at.checked_add(length)? > self.length {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        self.file.seek(SeekFrom::Start(at)).ok()?;
        self.file.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    fn directory(&mut self, begin: u64, depth: u32) -> Option<Directory> {
        let (count, head, entry_bytes) =
            if self.big { (self.offset(begin)?, 8, BIG_ENTRY_BYTES) } else { (self.u16(begin)?.into(), 2, ENTRY_BYTES as u64) };
        self.budget = self.budget.checked_sub(count.checked_mul(entry_bytes)?)?;
        let mut directory = Directory::default();
        for number in 0..count {
            // What cannot be read is left out: cameras write odd things.
            if let Some(entry) = self.entry(begin.checked_add(head + number * entry_bytes)?, depth) {
                directory.set(entry);
            }
        }
        Some(directory)
    }

    fn entry(&mut self, at: u64, depth: u32) -> Option<Entry> {
        let (tag, kind, count) = (self.u16(at)?, self.u16(at + 2)?, self.offset(at + 4)?);
        let (place, inline) = if self.big { (at + 12, 8) } else { (at + 8, INLINE_BYTES as u64) };
        if POINTERS.contains(&tag) {
            let offset = self.offset(place)?;
            let directory = self.directory(offset, depth.checked_sub(1)?)?;
            return Some(Entry { tag, kind: LONG, count: 1, value: Value::Directory(directory) });
        }
        let unit = unit_bytes(kind)?;
        let length = (unit as u64).checked_mul(count)?;
        let begin = if length <= inline { place } else { self.offset(place)? };
        let count = u32::try_from(count).ok()?;
        if begin.saturating_add(length) > self.length {
            return Some(Entry { tag, kind, count, value: Value::Cut });
        }
        if length > self.most_bytes {
            return Some(Entry { tag, kind, count, value: Value::TooLong });
        }
        self.budget = self.budget.checked_sub(length)?;
        let mut bytes = self.get(begin, length)?;
        if self.big_endian {
            // Fractions are two numbers.
            let number = if matches!(kind, 5 | 10) { 4 } else { unit };
            bytes.chunks_exact_mut(number).for_each(<[u8]>::reverse);
        }
        Some(Entry { tag, kind, count, value: Value::Bytes(bytes) })
    }

    fn u16(&mut self, at: u64) -> Option<u16> {
        let bytes = self.get(at, 2)?.try_into().ok()?;
        Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    /// A number of 4 bytes, or of 8 in a BigTIFF.
    fn offset(&mut self, at: u64) -> Option<u64> {
        let mut bytes = self.get(at, if self.big { 8 } else { 4 })?;
        if self.big_endian {
            bytes.reverse();
        }
        Some(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }
}

/// Bytes of one element of a TIFF type.
fn unit_bytes(kind: u16) -> Option<usize> {
    match kind {
        1 | 2 | 6 | 7 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 11 => Some(4),
        5 | 10 | 12 => Some(8),
        _ => None,
    }
}

/// Exif that says nothing but an orientation, 1 to 8.
pub fn of_orientation(orientation: u8) -> Vec<u8> {
    let value = Value::Bytes(u16::from(orientation).to_le_bytes().to_vec());
    Directory(vec![Entry { tag: 274, kind: 3, count: 1, value }]).file()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::metadata::Orientation;

    fn text(tag: u16, text: &str) -> Entry {
        Entry { tag, kind: 2, count: text.len() as u32, value: Value::Bytes(text.into()) }
    }

    fn sample() -> Directory {
        let exif = Directory(vec![text(0x9003, "2026:11:20 12:00:00\0")]);
        let pointer = Entry { tag: EXIF, kind: LONG, count: 1, value: Value::Directory(exif) };
        Directory(vec![text(271, "Box\0"), text(305, "longer than four\0"), pointer])
    }

    fn read(file: &[u8]) -> Option<Directory> {
        Reader::read(&mut Cursor::new(file), MOST_BYTES)
    }

    fn exif(file: &[u8]) -> Option<Vec<u8>> {
        parts_of_tiff(&mut Cursor::new(file)).exif
    }

    #[test]
    fn directories_come_back() {
        assert_eq!(read(&sample().file()), Some(sample()));
        assert_eq!(exif(&sample().file()), Some(sample().file()));
        assert_eq!(exif(&Directory(vec![text(9999, "no\0")]).file()), None);
    }

    #[test]
    fn big_endian_is_turned() {
        let big = b"MM\0*\0\0\0\x08\0\x02\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\x01\x1a\0\x05\0\0\0\x01\0\0\0\x26\0\0\0\0\0\0\0\x48\0\0\0\x01";
        let directory = read(big).unwrap();
        assert_eq!(directory.0[0].value, Value::Bytes(vec![6, 0]));
        assert_eq!(directory.0[1].value, Value::Bytes(vec![72, 0, 0, 0, 1, 0, 0, 0]));
        assert_eq!(Orientation::from_exif_chunk(&exif(big).unwrap()), Some(Orientation::Rotate90));
        assert_eq!(Orientation::from_exif_chunk(&of_orientation(6)), Some(Orientation::Rotate90));
    }

    #[test]
    fn no_file_makes_it_loop_or_grow() {
        // The Exif directory is the first directory again.
        let mut looped = sample().file();
        let place = looped.windows(2).position(|pair| pair == EXIF.to_le_bytes()).unwrap();
        looped[place + 8..place + 12].copy_from_slice(&8_u32.to_le_bytes());
        assert!(read(&looped).is_some());
        let many = Directory((0..500).map(|tag| text(tag, &"x".repeat(1000))).collect());
        let mut repeated = many.file();
        for number in 0..500 {
            repeated[10 + number * 12 + 8..][..4].copy_from_slice(&(8 + 2 + 6000 + 4_u32).to_le_bytes());
        }
        let kept = read(&repeated[..20_000]).unwrap();
        // Its 500 entries take 6,000 bytes of its 20,000.
        assert_eq!(kept.0.len(), 14);
        for length in 0..looped.len() {
            let _ = read(&looped[..length]);
        }
    }

    #[test]
    fn a_tiff_takes_extras() {
        let mut tiff = Cursor::new(Directory(vec![text(256, "w\0"), text(305, "this program\0")]).file());
        let extras = Extras { exif: Some(&sample().file()), icc: Some(b"profile"), xmp: None };
        assert!(add_to_tiff(&mut tiff, &extras).unwrap());
        let tags: Vec<u16> = read(tiff.get_ref()).unwrap().0.iter().map(|entry| entry.tag).collect();
        assert_eq!(tags, [256, 271, 305, EXIF, ICC]);
        assert!(!add_to_tiff(&mut Cursor::new(b"II+\0 a BigTIFF".to_vec()), &extras).unwrap());
    }
}
