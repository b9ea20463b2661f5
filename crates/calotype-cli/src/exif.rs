//! Exif and TIFF share one structure: directories of tags. This reads the directories of one and writes them into the other.
//!
//! Elsewhere Exif is carried byte by byte; a TIFF file keeps its tags among those of its pixels, so they have to be taken out and put in.

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
const BYTE: u16 = 1;
const LONG: u16 = 4;
const UNDEFINED: u16 = 7;
/// Directories within directories: Exif, then Interoperability.
const DEEPEST: u32 = 3;
const HEADER_BYTES: usize = 8;
const ENTRY_BYTES: usize = 12;
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
}

/// The Exif of a TIFF file: its descriptive tags. `None` if it has none or is damaged.
pub fn of_tiff(tiff: &[u8]) -> Option<Vec<u8>> {
    let mut directory = Reader::read(tiff)?;
    let unitless = directory.0.iter().any(|entry| entry.tag == RESOLUTION_UNIT && entry.value == Value::Bytes(vec![1, 0]));
    directory.0.retain(|entry| DESCRIPTIVE.contains(&entry.tag) && !(unitless && RESOLUTION.contains(&entry.tag)));
    (!directory.0.is_empty()).then(|| {
        let mut file = b"II*\0\x08\0\0\0".to_vec();
        directory.append(&mut file);
        file
    })
}

/// The ICC profile of a TIFF file, of whichever type its tag is.
pub fn icc_of_tiff(tiff: &[u8]) -> Option<Vec<u8>> {
    bytes_of_tiff(tiff, ICC)
}

/// The XMP of a TIFF file, of whichever type its tag is.
pub fn xmp_of_tiff(tiff: &[u8]) -> Option<Vec<u8>> {
    bytes_of_tiff(tiff, XMP)
}

fn bytes_of_tiff(tiff: &[u8], tag: u16) -> Option<Vec<u8>> {
    let entry = Reader::read(tiff)?.0.into_iter().find(|entry| entry.tag == tag)?;
    if let Value::Bytes(bytes) = entry.value { Some(bytes) } else { None }
}

/// What a TIFF file carries beside its pixels.
pub struct Extras<'a> {
    pub exif: Option<&'a [u8]>,
    pub icc: Option<&'a [u8]>,
    pub xmp: Option<&'a [u8]>,
}

/// A little-endian TIFF file with these extras, as a directory at its end that replaces the first; `None` if it is no such file.
pub fn into_tiff(mut tiff: Vec<u8>, extras: &Extras<'_>) -> Option<Vec<u8>> {
    if !tiff.starts_with(b"II*\0") {
        return None;
    }
    let mut directory = Reader::read(&tiff)?;
    let described = extras.exif.and_then(Reader::read).unwrap_or_default().0;
    described.into_iter().filter(|entry| DESCRIPTIVE.contains(&entry.tag)).for_each(|entry| directory.set(entry));
    let bytes = |tag, kind, value: &[u8]| Entry { tag, kind, count: value.len() as u32, value: Value::Bytes(value.to_vec()) };
    extras.icc.into_iter().for_each(|icc| directory.set(bytes(ICC, UNDEFINED, icc)));
    extras.xmp.into_iter().for_each(|xmp| directory.set(bytes(XMP, BYTE, xmp)));
    if tiff.len() % 2 == 1 {
        tiff.push(0);
    }
    let begin = u32::try_from(tiff.len()).ok()?;
    directory.append(&mut tiff);
    tiff[4..HEADER_BYTES].copy_from_slice(&begin.to_le_bytes());
    Some(tiff)
}

impl Directory {
    /// Adds an entry, or replaces the one of the same tag.
    fn set(&mut self, entry: Entry) {
        match self.0.binary_search_by_key(&entry.tag, |entry| entry.tag) {
            Ok(place) => self.0[place] = entry,
            Err(place) => self.0.insert(place, entry),
        }
    }

    /// Writes the directory at the end of a little-endian file, then its values and directories.
    fn append(&self, file: &mut Vec<u8>) {
        file.extend((self.0.len() as u16).to_le_bytes());
        let entries = file.len();
        file.resize(entries + self.0.len() * ENTRY_BYTES + 4, 0);
        for (number, entry) in self.0.iter().enumerate() {
            let inline = entry.append_value(file);
            let place = &mut file[entries + number * ENTRY_BYTES..][..ENTRY_BYTES];
            place[..2].copy_from_slice(&entry.tag.to_le_bytes());
            place[2..4].copy_from_slice(&entry.kind.to_le_bytes());
            place[4..8].copy_from_slice(&entry.count.to_le_bytes());
            place[8..].copy_from_slice(&inline);
        }
    }
}

impl Entry {
    /// Writes the value at the end of the file, unless it is short; returns what stands in the entry.
    fn append_value(&self, file: &mut Vec<u8>) -> [u8; INLINE_BYTES] {
        let begin = (file.len() as u32).to_le_bytes();
        match &self.value {
            Value::Directory(directory) => directory.append(file),
            Value::Bytes(bytes) if bytes.len() <= INLINE_BYTES => {
                return std::array::from_fn(|at| bytes.get(at).copied().unwrap_or(0));
            }
            Value::Bytes(bytes) => {
                file.extend(bytes);
                file.resize(file.len().next_multiple_of(2), 0);
            }
        }
        begin
    }
}

/// A file of directories.
struct Reader<'a> {
    file: &'a [u8],
    big_endian: bool,
    /// Bytes of entries and values that may still be taken: a file that points to the same ones again and again must not grow without limit.
    budget: usize,
}

impl Reader<'_> {
    /// The first directory of a TIFF structure.
    fn read(file: &[u8]) -> Option<Directory> {
        let big_endian = match file.get(..4)? {
            b"II*\0" => false,
            b"MM\0*" => true,
            _ => return None,
        };
        let mut reader = Reader { file, big_endian, budget: file.len() };
        let first = reader.u32(4)?;
        reader.directory(first, DEEPEST)
    }

    fn directory(&mut self, offset: u32, depth: u32) -> Option<Directory> {
        let begin = offset as usize;
        let count = usize::from(self.u16(begin)?);
        self.budget = self.budget.checked_sub(count * ENTRY_BYTES)?;
        let mut directory = Directory::default();
        for number in 0..count {
            // What cannot be read is left out: cameras write odd things.
            if let Some(entry) = self.entry(begin.saturating_add(2 + number * ENTRY_BYTES), depth) {
                directory.set(entry);
            }
        }
        Some(directory)
    }

    fn entry(&mut self, at: usize, depth: u32) -> Option<Entry> {
        at.checked_add(ENTRY_BYTES)?;
        let (tag, kind, count) = (self.u16(at)?, self.u16(at + 2)?, self.u32(at + 4)?);
        if POINTERS.contains(&tag) {
            let offset = self.u32(at + 8)?;
            let directory = self.directory(offset, depth.checked_sub(1)?)?;
            return Some(Entry { tag, kind: LONG, count: 1, value: Value::Directory(directory) });
        }
        let unit = unit_bytes(kind)?;
        let length = unit.checked_mul(count as usize)?;
        let begin = if length <= INLINE_BYTES { at + 8 } else { self.u32(at + 8)? as usize };
        let mut bytes = self.file.get(begin..begin.checked_add(length)?)?.to_vec();
        self.budget = self.budget.checked_sub(length)?;
        if self.big_endian {
            // Fractions are two numbers.
            let number = if matches!(kind, 5 | 10) { 4 } else { unit };
            bytes.chunks_exact_mut(number).for_each(<[u8]>::reverse);
        }
        Some(Entry { tag, kind, count, value: Value::Bytes(bytes) })
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = self.file.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u16::from_be_bytes(*bytes) } else { u16::from_le_bytes(*bytes) })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = self.file.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) })
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
    let mut file = b"II*\0\x08\0\0\0".to_vec();
    Directory(vec![Entry { tag: 274, kind: 3, count: 1, value }]).append(&mut file);
    file
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

    fn file(directory: &Directory) -> Vec<u8> {
        let mut file = b"II*\0\x08\0\0\0".to_vec();
        directory.append(&mut file);
        file
    }

    #[test]
    fn directories_come_back() {
        assert_eq!(Reader::read(&file(&sample())), Some(sample()));
        assert_eq!(of_tiff(&file(&sample())), Some(file(&sample())));
        assert_eq!(of_tiff(&file(&Directory(vec![text(9999, "no\0")]))), None);
    }

    #[test]
    fn big_endian_is_turned() {
        let big = b"MM\0*\0\0\0\x08\0\x02\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\x01\x1a\0\x05\0\0\0\x01\0\0\0\x26\0\0\0\0\0\0\0\x48\0\0\0\x01";
        let directory = Reader::read(big).unwrap();
        assert_eq!(directory.0[0].value, Value::Bytes(vec![6, 0]));
        assert_eq!(directory.0[1].value, Value::Bytes(vec![72, 0, 0, 0, 1, 0, 0, 0]));
        assert_eq!(Orientation::from_exif_chunk(&of_tiff(big).unwrap()), Some(Orientation::Rotate90));
        assert_eq!(Orientation::from_exif_chunk(&of_orientation(6)), Some(Orientation::Rotate90));
    }

    #[test]
    fn no_file_makes_it_loop_or_grow() {
        // The Exif directory is the first directory again.
        let mut looped = file(&sample());
        let place = looped.windows(2).position(|pair| pair == EXIF.to_le_bytes()).unwrap();
        looped[place + 8..place + 12].copy_from_slice(&8_u32.to_le_bytes());
        assert!(Reader::read(&looped).is_some());
        let many = Directory((0..500).map(|tag| text(tag, &"x".repeat(1000))).collect());
        let mut repeated = file(&many);
        for number in 0..500 {
            repeated[10 + number * 12 + 8..][..4].copy_from_slice(&(8 + 2 + 6000 + 4_u32).to_le_bytes());
        }
        let read = Reader::read(&repeated[..20_000]).unwrap();
        // Its 500 entries take 6,000 bytes of its 20,000.
        assert_eq!(read.0.len(), 14);
        for length in 0..looped.len() {
            let _ = Reader::read(&looped[..length]);
        }
    }

    #[test]
    fn a_tiff_takes_extras() {
        let tiff = file(&Directory(vec![text(256, "w\0"), text(305, "this program\0")]));
        let extras = Extras { exif: Some(&file(&sample())), icc: Some(b"profile"), xmp: None };
        let tags: Vec<u16> = Reader::read(&into_tiff(tiff, &extras).unwrap()).unwrap().0.iter().map(|entry| entry.tag).collect();
        assert_eq!(tags, [256, 271, 305, EXIF, ICC]);
    }
}
