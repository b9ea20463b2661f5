//! Changes of Exif where it stands: nothing moves, so that what points into it from outside its directories, as makers' notes do, stays right.

use super::{ENTRY_BYTES, GPS, HEADER_BYTES, LONG, POINTERS, is_tiff, unit_bytes};

const ORIENTATION: u16 = 274;
const SHORT: u16 = 3;
const BYTE: u16 = 1;
/// The thumbnail: where it begins, and its bytes.
const THUMBNAIL: [u16; 2] = [0x0201, 0x0202];
const STRIPS: [u16; 2] = [273, 279];
/// Further directories of a picture.
const SUB_DIRECTORIES: u16 = 0x014A;
/// Most directories that are looked at, and most pointers to places that are taken out of each.
const MOST_DIRECTORIES: usize = 64;

/// Exif whose numbers are read in its own byte order.
#[derive(Clone, Copy)]
struct View<'a> {
    exif: &'a [u8],
    big_endian: bool,
}

impl<'a> View<'a> {
    fn new(exif: &'a [u8]) -> Option<View<'a>> {
        is_tiff(exif).then(|| View { exif, big_endian: exif.starts_with(b"MM") })
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = *self.exif.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = *self.exif.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// Where the first directory begins.
    fn first(&self) -> Option<usize> {
        Some(self.u32(4)? as usize)
    }

    /// The entries of a directory, as far as they are there.
    fn entries(&self, directory: usize) -> Vec<Entry> {
        let count = usize::from(self.u16(directory).unwrap_or(0));
        let entry = |number: usize| {
            let at = directory + 2 + number * ENTRY_BYTES;
            self.exif.get(at..at + ENTRY_BYTES)?;
            Some(Entry { at, tag: self.u16(at)?, kind: self.u16(at + 2)?, count: self.u32(at + 4)? })
        };
        (0..count).map_while(entry).collect()
    }

    /// Where a directory says where the next one is.
    fn next_at(&self, directory: usize) -> Option<usize> {
        let at = directory + 2 + usize::from(self.u16(directory)?) * ENTRY_BYTES;
        self.exif.get(at..at + 4).map(|_| at)
    }

    /// Where the directories are that can be reached, the first in front; one over the most if there are more.
    fn directories(&self) -> Vec<usize> {
        let mut found: Vec<usize> = self.first().into_iter().collect();
        let mut looked_at = 0;
        while let Some(&directory) = found.get(looked_at).filter(|_| looked_at < MOST_DIRECTORIES) {
            looked_at += 1;
            let next = self.next_at(directory).and_then(|at| self.u32(at)).map(|at| at as usize);
            let entries = self.entries(directory);
            let inner = entries.iter().filter(|entry| entry.tag == SUB_DIRECTORIES || POINTERS.contains(&entry.tag));
            for at in inner.flat_map(|entry| self.pointers(entry)).chain(next).filter(|&at| at > 0) {
                if found.len() > MOST_DIRECTORIES {
                    return found;
                }
                if !found.contains(&at) {
                    found.push(at);
                }
            }
        }
        found
    }

    /// What an entry points to: one directory, or a list of them.
    fn pointers(&self, entry: &Entry) -> Vec<usize> {
        if entry.count <= 1 {
            return self.number(entry).into_iter().map(|at| at as usize).collect();
        }
        let list = self.u32(entry.at + 8).unwrap_or(0) as usize;
        (0..MOST_DIRECTORIES.min(entry.count as usize)).map_while(|i| self.u32(list + 4 * i)).map(|at| at as usize).collect()
    }

    /// The number of the first entry in a directory that points to places.
    fn gps(&self, directory: usize) -> Option<usize> {
        self.entries(directory).iter().position(|entry| entry.tag == GPS)
    }

    /// The value of an entry that is one whole number.
    fn number(&self, entry: &Entry) -> Option<u32> {
        match entry.kind {
            BYTE | 6 => self.exif.get(entry.at + 8).map(|&byte| byte.into()),
            SHORT | 8 => self.u16(entry.at + 8).map(u32::from),
            LONG | 9 => self.u32(entry.at + 8),
            _ => None,
        }
    }
}

/// Exif that is changed.
struct Place<'a> {
    exif: &'a mut Vec<u8>,
    big_endian: bool,
}

/// An entry of a directory.
#[derive(Clone, Copy)]
struct Entry {
    /// Where it stands.
    at: usize,
    tag: u16,
    kind: u16,
    count: u32,
}

/// How the picture is to be turned, 1 to 8, of whichever whole number its type is.
pub fn orientation(exif: &[u8]) -> Option<u8> {
    let view = View::new(exif)?;
    let entry = view.entries(view.first()?).into_iter().find(|entry| entry.tag == ORIENTATION)?;
    let value = view.number(&entry)?;
    u8::try_from(value).ok().filter(|value| (1..=8).contains(value))
}

/// Makes Exif ask for this orientation.
pub fn set_orientation(exif: &mut Vec<u8>, orientation: u8) {
    if let Some(mut place) = Place::new(exif) {
        place.set_orientation(orientation.into());
    }
}

/// Takes the second directory away, and the small picture that it describes.
pub fn drop_thumbnail(exif: &mut Vec<u8>) {
    if let Some(mut place) = Place::new(exif) {
        place.drop_thumbnail();
    }
}

/// Takes the directories of places away, whichever directory points to them.
pub fn drop_gps(exif: &mut Vec<u8>) {
    if let Some(mut place) = Place::new(exif) {
        place.drop_gps();
    }
}

impl<'a> Place<'a> {
    fn new(exif: &'a mut Vec<u8>) -> Option<Place<'a>> {
        let big_endian = View::new(exif)?.big_endian;
        Some(Place { exif, big_endian })
    }

    fn view(&self) -> View<'_> {
        View { exif: self.exif, big_endian: self.big_endian }
    }

    fn put_u16(&mut self, at: usize, value: u16) {
        let bytes = if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        self.exif[at..at + 2].copy_from_slice(&bytes);
    }

    fn put_u32(&mut self, at: usize, value: u32) {
        let bytes = if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        self.exif[at..at + 4].copy_from_slice(&bytes);
    }

    fn set_orientation(&mut self, orientation: u16) {
        let Some(first) = self.view().first() else { return };
        let entries = self.view().entries(first);
        let mut is_set = false;
        for entry in entries.iter().filter(|entry| entry.tag == ORIENTATION) {
            self.put_u16(entry.at + 2, SHORT);
            self.put_u32(entry.at + 4, 1);
            self.put_u32(entry.at + 8, 0);
            self.put_u16(entry.at + 8, orientation);
            is_set = true;
        }
        if !is_set && orientation != 1 {
            self.move_first_with(first, &entries, orientation);
        }
    }

    /// A copy of the first directory at the end, with an orientation.
    fn move_first_with(&mut self, first: usize, entries: &[Entry], orientation: u16) {
        let next = self.view().next_at(first).and_then(|at| self.view().u32(at)).unwrap_or(0);
        let before = entries.iter().take_while(|entry| entry.tag < ORIENTATION).count();
        let mut places: Vec<Option<usize>> = entries.iter().map(|entry| Some(entry.at)).collect();
        places.insert(before, None);
        let begin = self.exif.len().next_multiple_of(2);
        self.exif.resize(begin + 2 + places.len() * ENTRY_BYTES + 4, 0);
        self.put_u16(begin, places.len() as u16);
        for (number, place) in places.iter().enumerate() {
            let at = begin + 2 + number * ENTRY_BYTES;
            match place {
                Some(from) => self.exif.copy_within(*from..from + ENTRY_BYTES, at),
                None => {
                    self.put_u16(at, ORIENTATION);
                    self.put_u16(at + 2, SHORT);
                    self.put_u32(at + 4, 1);
                    self.put_u16(at + 8, orientation);
                }
            }
        }
        self.put_u32(begin + 2 + places.len() * ENTRY_BYTES, next);
        self.put_u32(4, begin as u32);
    }

    fn drop_thumbnail(&mut self) {
        let Some((first, next_at)) = self.view().first().and_then(|first| Some((first, self.view().next_at(first)?))) else { return };
        let second = self.view().u32(next_at).unwrap_or(0) as usize;
        if second == 0 {
            return;
        }
        self.put_u32(next_at, 0);
        let entries = self.view().entries(second);
        let number = |tag| entries.iter().find(|entry| entry.tag == tag).and_then(|entry| self.view().number(entry));
        let pictures = [THUMBNAIL, STRIPS].map(|[begin, bytes]| Some((number(begin)? as usize, number(bytes)? as usize)));
        pictures.into_iter().flatten().for_each(|(begin, bytes)| self.erase(first, begin, bytes));
        self.erase_directory(first, second);
        self.cut();
    }

    fn drop_gps(&mut self) {
        let mut found = false;
        for directory in self.view().directories() {
            for _ in 0..MOST_DIRECTORIES {
                let Some(number) = self.view().gps(directory) else { break };
                self.drop_pointer(directory, number);
                found = true;
            }
        }
        if found {
            self.cut();
        }
    }

    /// Takes an entry out of its directory, and erases what it points to.
    fn drop_pointer(&mut self, directory: usize, number: usize) {
        let entries = self.view().entries(directory);
        let pointers = self.view().pointers(&entries[number]);
        // The entries after it, and the pointer to the next directory, move up.
        let (at, end) = (entries[number].at, self.view().next_at(directory).map_or(self.exif.len(), |next| next + 4));
        self.exif.copy_within(at + ENTRY_BYTES..end, at);
        self.exif[end - ENTRY_BYTES..end].fill(0);
        self.put_u16(directory, entries.len() as u16 - 1);
        let first = self.view().first().unwrap_or(0);
        pointers.into_iter().for_each(|places| self.erase_directory(first, places));
    }

    /// Erases a directory and its values.
    fn erase_directory(&mut self, first: usize, directory: usize) {
        let entries = self.view().entries(directory);
        for entry in &entries {
            let bytes = unit_bytes(entry.kind).unwrap_or(0).saturating_mul(entry.count as usize);
            if bytes > 4 {
                let begin = self.view().u32(entry.at + 8).unwrap_or(0) as usize;
                self.erase(first, begin, bytes);
            }
        }
        self.erase(first, directory, 2 + entries.len() * ENTRY_BYTES + 4);
    }

    /// Writes zeros over bytes, unless they are of the header or of the first directory.
    fn erase(&mut self, first: usize, begin: usize, bytes: usize) {
        let end = begin.saturating_add(bytes).min(self.exif.len());
        let kept_end = self.view().next_at(first).map_or(self.exif.len(), |next| next + 4);
        if begin < end && begin >= HEADER_BYTES && (end <= first || begin >= kept_end) {
            self.exif[begin..end].fill(0);
        }
    }

    /// Zeros at the end that nothing points to are of no use; where one is pointed to, so is a length that says so.
    fn cut(&mut self) {
        let used = self.used_bytes();
        let zeros = self.exif.iter().rev().take_while(|byte| **byte == 0).count();
        let end = (self.exif.len() - zeros).max(used);
        self.exif.truncate(end);
    }

    /// Where what the directories hold ends.
    fn used_bytes(&self) -> usize {
        let (directories, mut end) = (self.view().directories(), HEADER_BYTES);
        if directories.len() > MOST_DIRECTORIES {
            return self.exif.len();
        }
        for directory in directories {
            end = end.max(self.view().next_at(directory).map_or(self.exif.len(), |next| next + 4));
            for entry in self.view().entries(directory) {
                let value = self.view().u32(entry.at + 8).unwrap_or(0) as usize;
                let bytes = unit_bytes(entry.kind).unwrap_or(0).saturating_mul(entry.count as usize);
                if bytes > 4 {
                    end = end.max(value.saturating_add(bytes));
                }
            }
        }
        end.min(self.exif.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two directories; the first with an orientation of this type and value, the second with a thumbnail of three bytes.
    fn exif(kind: u16, value: u32, big_endian: bool) -> Vec<u8> {
        let u16 = |value: u16| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let u32 = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let inline = match kind {
            BYTE => [value as u8, 0, 0, 0],
            SHORT => [u16(value as u16), [0, 0]].concat().try_into().unwrap(),
            _ => u32(value),
        };
        let entry = |tag, kind, value: [u8; 4]| [&u16(tag)[..], &u16(kind), &u32(1), &value].concat();
        let head = if big_endian { b"MM\0*" } else { b"II*\0" };
        let first = [&u16(1)[..], &entry(ORIENTATION, kind, inline), &u32(26)].concat();
        let second = [&u16(2)[..], &entry(0x0201, LONG, u32(56)), &entry(0x0202, LONG, u32(3)), &u32(0)].concat();
        [head, &u32(8)[..], &first, &second, b"jpg"].concat()
    }

    #[test]
    fn orientations_of_every_type_are_read_and_set() {
        for (kind, big_endian) in [BYTE, SHORT, LONG].into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
            let mut file = exif(kind, 6, big_endian);
            assert_eq!(orientation(&file), Some(6), "{kind} {big_endian}");
            set_orientation(&mut file, 1);
            assert_eq!(file, exif(SHORT, 1, big_endian));
        }
        assert_eq!([0, 9].map(|value| orientation(&exif(SHORT, value, false))), [None, None]);
    }

    #[test]
    fn a_missing_orientation_is_added() {
        for big_endian in [false, true] {
            let mut file = exif(SHORT, 6, big_endian);
            let at = if big_endian { 11 } else { 10 };
            file[at] ^= 1;
            assert_eq!(orientation(&file), None);
            set_orientation(&mut file, 8);
            assert_eq!(orientation(&file), Some(8));
            assert!(file.ends_with(&if big_endian { 26_u32.to_be_bytes() } else { 26_u32.to_le_bytes() }), "the next directory is kept");
        }
    }

    #[test]
    fn thumbnails_go() {
        let mut file = exif(SHORT, 6, false);
        drop_thumbnail(&mut file);
        let mut wanted = exif(SHORT, 6, false)[..26].to_vec();
        wanted[22..].fill(0);
        assert_eq!(file, wanted);
    }

    /// A directory at `at`; values of more than 4 bytes are not known here.
    fn directory(entries: &[(u16, u16, u32, u32)], next: u32) -> Vec<u8> {
        let entry = |&(tag, kind, count, value): &(u16, u16, u32, u32)| {
            [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat()
        };
        let entries: Vec<u8> = entries.iter().flat_map(entry).collect();
        [&((entries.len() / ENTRY_BYTES) as u16).to_le_bytes()[..], &entries, &next.to_le_bytes()].concat()
    }

    const EXIF_AT: usize = 100;
    const SECOND: usize = 140;
    const LISTED: [usize; 2] = [180, 220];

    /// A pointer to places in the first directory (twice), in Exif's own, in the second, and in both of a list.
    fn placed() -> Vec<u8> {
        const PLACE: (u16, u16, u32, u32) = (1, 2, 2, 0x4E);
        let places = [260, 280, 300, 320, 340, 360];
        let mut file = vec![0; 378];
        let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, b"II*\0\x08\0\0\0");
        let gps = |number: usize| (GPS, if number == 1 { SHORT } else { LONG }, 1, places[number]);
        let (list, own) = ((SUB_DIRECTORIES, LONG, 2, 90), (super::super::EXIF, LONG, 1, EXIF_AT as u32));
        put(8, &directory(&[(ORIENTATION, SHORT, 1, 6), list, own, gps(0), gps(1)], SECOND as u32));
        put(90, LISTED.map(|at| (at as u32).to_le_bytes()).as_flattened());
        put(EXIF_AT, &directory(&[(0x9003, SHORT, 1, 7), gps(2)], 0));
        put(SECOND, &directory(&[gps(3)], 0));
        put(LISTED[0], &directory(&[gps(4)], 0));
        put(LISTED[1], &directory(&[gps(5), (256, SHORT, 1, 9)], 0));
        places.iter().for_each(|&at| put(at as usize, &directory(&[PLACE], 0)));
        file
    }

    #[test]
    fn places_go_whichever_directory_points_to_them() {
        let mut file = placed();
        drop_gps(&mut file);
        let view = View::new(&file).unwrap();
        assert!(view.directories().into_iter().all(|directory| view.gps(directory).is_none()));
        assert_eq!(view.directories(), [8, LISTED[0], LISTED[1], EXIF_AT, SECOND]);
        assert!(file.iter().skip(260).all(|&byte| byte == 0), "what was pointed to is erased");
        assert_eq!((orientation(&file), file[EXIF_AT + 10], file[LISTED[1] + 10]), (Some(6), 7, 9), "the rest is kept");
    }

    /// A directory full of lists of directories: no more are looked at than there may be.
    #[test]
    fn directories_beyond_number_cost_little() {
        let list = |i: u32| (SUB_DIRECTORIES, LONG, 64, 8 + i);
        let file = [b"II*\0\x08\0\0\0".to_vec(), directory(&(0..60_000).map(list).collect::<Vec<_>>(), 8)].concat();
        assert_eq!(View::new(&file).unwrap().directories().len(), MOST_DIRECTORIES + 1);
    }

    #[test]
    fn nothing_makes_it_fail() {
        let wholes = [exif(LONG, 6, true), placed()];
        let mut state = 1_u32;
        for round in 0..40_000 {
            let whole = &wholes[round % 2];
            let mut file = whole[..whole.len() - round % 30].to_vec();
            for _ in 0..3 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (state >> 8) as usize % file.len();
                file[at] = (state >> 24) as u8;
            }
            set_orientation(&mut file, (round % 8) as u8 + 1);
            drop_gps(&mut file);
            drop_thumbnail(&mut file);
            let _ = orientation(&file);
        }
    }
}
