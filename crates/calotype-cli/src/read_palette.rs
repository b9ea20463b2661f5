//! TIFF whose samples are numbers in a table of colours: its decoder knows no such table, but reads the same samples as grey.

use std::io::{self, Read, Seek, SeekFrom};

use crate::refusal::Refusal;

const PHOTOMETRIC: u64 = 262;
/// The type of a tag whose value is of 16 bits.
const SHORT: u64 = 3;
const INDEXED: u16 = 3;
const GREY: u8 = 1;
/// A directory of more tags is none.
const MOST_TAGS: u64 = 1 << 16;

/// What the first directory of a TIFF says of the meaning of its samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Photometric {
    /// 1 grey, 2 RGB, 3 a table of colours, and so on.
    pub number: u16,
    /// Where the low byte of the number is in the file.
    at: u64,
}

impl Photometric {
    /// That of a TIFF or BigTIFF.
    pub fn of(tiff: &mut (impl Read + Seek)) -> Option<Photometric> {
        let mut head = [0; 16];
        tiff.seek(SeekFrom::Start(0)).ok()?;
        tiff.read_exact(&mut head[..8]).ok()?;
        let big_endian = head.starts_with(b"MM");
        let number = |bytes: &[u8]| {
            let join = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
            if big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) }
        };
        // Bytes of the number of tags, of a tag, and where in it its value is.
        let (place, count_bytes, tag_bytes, value) = match number(&head[2..4]) {
            42 => (number(&head[4..8]), 2, 12, 8),
            43 => {
                tiff.read_exact(&mut head[8..]).ok()?;
                (number(&head[8..]), 8, 20, 12)
            }
            _ => return None,
        };
        tiff.seek(SeekFrom::Start(place)).ok()?;
        let mut count = vec![0; count_bytes];
        tiff.read_exact(&mut count).ok()?;
        let count = Some(number(&count)).filter(|count| *count <= MOST_TAGS)?;
        let mut tags = vec![0; count as usize * tag_bytes];
        tiff.read_exact(&mut tags).ok()?;
        let found = tags.chunks_exact(tag_bytes).position(|tag| (number(&tag[..2]), number(&tag[2..4])) == (PHOTOMETRIC, SHORT))?;
        let begin = found * tag_bytes + value;
        let at = place + (count_bytes + begin + usize::from(big_endian)) as u64;
        Some(Photometric { number: number(&tags[begin..begin + 2]) as u16, at })
    }
}

/// A TIFF that calls numbers in a table grey.
pub struct Indexed<R> {
    tiff: R,
    at: u64,
    /// The byte that says what the samples are, if they are such numbers.
    said_at: Option<u64>,
}

impl<R: Read + Seek> Indexed<R> {
    /// From its beginning; as it is where `photometric` is another one.
    ///
    /// # Errors
    /// Those of seeking.
    pub fn new(mut tiff: R, photometric: Option<Photometric>) -> io::Result<Indexed<R>> {
        tiff.rewind()?;
        let said_at = photometric.filter(|photometric| photometric.number == INDEXED).map(|photometric| photometric.at);
        Ok(Indexed { tiff, at: 0, said_at })
    }

    /// Whether its samples are numbers in a table.
    pub fn is_indexed(&self) -> bool {
        self.said_at.is_some()
    }
}

impl<R: Read> Read for Indexed<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.tiff.read(bytes)?;
        let said = self.said_at.and_then(|said_at| said_at.checked_sub(self.at)).and_then(|place| usize::try_from(place).ok());
        if let Some(byte) = said.and_then(|place| bytes[..read].get_mut(place)) {
            *byte = GREY;
        }
        self.at += read as u64;
        Ok(read)
    }
}

impl<R: Seek> Seek for Indexed<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.tiff.seek(to)?;
        Ok(self.at)
    }
}

/// A table of colours.
pub struct Palette {
    colours: Vec<[u8; 3]>,
    /// Whether its numbers of 16 bits say more than 8 can.
    cut: bool,
}

impl Palette {
    /// Of the numbers of a tag: all reds, then all greens, then all blues.
    ///
    /// # Errors
    /// Damaged if they are not as many as samples of so many bits can name.
    pub fn new(numbers: &[u16], bits: u16) -> Result<Palette, Refusal> {
        let count = 1 << bits;
        if numbers.len() != 3 * count {
            return Err(Refusal::damaged(format!("its table of colours has {} numbers instead of {}", numbers.len(), 3 * count)));
        }
        // Some programs write numbers of 8 bits; libtiff's tools find that out so, too.
        let shallow = numbers.iter().all(|&number| number < 256);
        let byte = |at: usize| if shallow { numbers[at] as u8 } else { (numbers[at] >> 8) as u8 };
        let colours = (0..count).map(|at| [at, at + count, at + 2 * count].map(byte)).collect();
        // 255 is written as 255 * 257 by some, as 255 * 256 by others.
        let cut = !shallow && numbers.iter().any(|number| ![0, number >> 8].contains(&(number & 255)));
        Ok(Palette { colours, cut })
    }

    /// What is lost of it.
    pub fn note(&self) -> Option<String> {
        self.cut.then(|| "its table of colours of 16 bits is cut to 8".to_string())
    }

    /// RGB of a row of samples of 1, 2, 4 or 8 bits, the first in the high bits of a byte.
    pub fn paint(&self, samples: &[u8], bits: u8, rgb: &mut [u8]) {
        let (bits, mask) = (usize::from(bits), 255 >> (8 - bits));
        for (pixel, to) in rgb.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let low = 8 - bits - pixel * bits % 8;
            *to = self.colours[usize::from(samples[pixel * bits / 8] >> low & mask)];
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Headers and directories of two tags, the second of which says 3.
    fn tiffs() -> [(Vec<u8>, u64); 4] {
        let classic = |words: fn(u16) -> [u8; 2], longs: fn(u32) -> [u8; 4], mark: &[u8; 2]| {
            let value = |value| [words(value), [0; 2]].concat();
            let tag = |number, at| [&words(number)[..], &words(3), &longs(1), &value(at)].concat();
            [&mark[..], &words(42), &longs(10), &[0; 2], &words(2), &tag(256, 9), &tag(262, 3)].concat()
        };
        let big = |words: fn(u16) -> [u8; 2], longs: fn(u64) -> [u8; 8], mark: &[u8; 2]| {
            let value = |value| [&words(value)[..], &[0; 6]].concat();
            let tag = |number, at| [&words(number)[..], &words(3), &longs(1), &value(at)].concat();
            [&mark[..], &words(43), &words(8), &words(0), &longs(18), &[0; 2], &longs(2), &tag(256, 9), &tag(262, 3)].concat()
        };
        [
            (classic(u16::to_le_bytes, u32::to_le_bytes, b"II"), 10 + 2 + 12 + 8),
            (classic(u16::to_be_bytes, u32::to_be_bytes, b"MM"), 10 + 2 + 12 + 9),
            (big(u16::to_le_bytes, u64::to_le_bytes, b"II"), 18 + 8 + 20 + 12),
            (big(u16::to_be_bytes, u64::to_be_bytes, b"MM"), 18 + 8 + 20 + 13),
        ]
    }

    #[test]
    fn a_table_is_found_in_every_order_of_bytes() {
        for (tiff, at) in tiffs() {
            let mut input = Cursor::new(&tiff);
            assert_eq!(Photometric::of(&mut input), Some(Photometric { number: 3, at }));
            let mut bytes = Vec::new();
            Indexed::new(input, Some(Photometric { number: 3, at })).unwrap().read_to_end(&mut bytes).unwrap();
            let mut expected = tiff.clone();
            expected[at as usize] = 1;
            assert_eq!(bytes, expected);
            let mut indexed = Indexed::new(Cursor::new(&tiff), Some(Photometric { number: 3, at })).unwrap();
            indexed.seek(SeekFrom::Start(at - 1)).unwrap();
            let mut byte = [0; 1];
            indexed.read_exact(&mut byte).unwrap();
            assert_eq!(byte[0], tiff[at as usize - 1]);
            indexed.read_exact(&mut byte).unwrap();
            assert_eq!(byte, [1]);
            for length in 0..tiff.len() {
                assert_eq!(Photometric::of(&mut Cursor::new(&tiff[..length])), None, "{length}");
            }
        }
    }
}
