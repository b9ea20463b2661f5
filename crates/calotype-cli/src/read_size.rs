//! The size of a picture by the first bytes of its file alone, where headers may name any: decoders refuse some in words of their own.

use image::ImageFormat;

/// What PNG's numbers of 32 bits go up to.
const LARGEST_PNG: u32 = i32::MAX as u32;
/// What the decoder reads.
const LARGEST_BMP: u32 = 65_535;
/// Headers of text are shorter.
const PNM_HEADER_BYTES: usize = 4096;

/// Pixels in a row, and rows.
pub fn size(bytes: &[u8], format: ImageFormat) -> Option<(u32, u32)> {
    match format {
        ImageFormat::Png => Some((u32::from_be_bytes(word(bytes, 16)?), u32::from_be_bytes(word(bytes, 20)?))),
        ImageFormat::Bmp => bmp(bytes),
        ImageFormat::Pnm => pnm(&bytes[..bytes.len().min(PNM_HEADER_BYTES)]),
        _ => None,
    }
}

/// The largest side that a file of this format has or its decoder reads, where that is less than 32 bits hold.
pub fn largest_side(format: ImageFormat) -> u32 {
    match format {
        ImageFormat::Png => LARGEST_PNG,
        ImageFormat::Bmp => LARGEST_BMP,
        _ => u32::MAX,
    }
}

fn word(bytes: &[u8], at: usize) -> Option<[u8; 4]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// The first version has numbers of 16 bits; in others rows from the top have a negative number.
fn bmp(bytes: &[u8]) -> Option<(u32, u32)> {
    let [a, b, c, d] = word(bytes, 18)?;
    if u32::from_le_bytes(word(bytes, 14)?) == 12 {
        return Some((u16::from_le_bytes([a, b]).into(), u16::from_le_bytes([c, d]).into()));
    }
    let width = u32::try_from(i32::from_le_bytes([a, b, c, d])).ok()?;
    Some((width, i32::from_le_bytes(word(bytes, 22)?).unsigned_abs()))
}

/// The two numbers after the magic, or after their names.
fn pnm(header: &[u8]) -> Option<(u32, u32)> {
    let text = String::from_utf8_lossy(header);
    let mut words = text.lines().filter_map(|line| line.split('#').next()).flat_map(str::split_whitespace);
    let magic = words.next()?;
    if magic != "P7" {
        return Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?));
    }
    let words: Vec<&str> = words.collect();
    let after = |name: &str| words.iter().position(|word| *word == name).and_then(|at| words.get(at + 1)?.parse().ok());
    Some((after("WIDTH")?, after("HEIGHT")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first bytes of a file, and its size.
    type Row<'a> = (&'a [u8], ImageFormat, Option<(u32, u32)>);

    #[test]
    fn sizes_are_read() {
        let bmp = |header: u32, size: &[u8]| [&[0; 14][..], &header.to_le_bytes(), size].concat();
        let rows: [Row<'_>; 9] = [
            (b"P6 # a comment\n12 # 7\n34 255\n", ImageFormat::Pnm, Some((12, 34))),
            (b"P7\nHEIGHT 2\nWIDTH 4294967295\nDEPTH 3\n", ImageFormat::Pnm, Some((u32::MAX, 2))),
            (b"P5 -5 5 255\n", ImageFormat::Pnm, None),
            (b"P5 4294967296 5 255\n", ImageFormat::Pnm, None),
            (b"P5 7", ImageFormat::Pnm, None),
            (b"\x89PNG\r\n\x1a\n\0\0\0\x0DIHDR\x7F\xFF\xFF\xFF\0\0\x01\0", ImageFormat::Png, Some((i32::MAX as u32, 256))),
            (&bmp(12, &[7, 0, 0, 1]), ImageFormat::Bmp, Some((7, 256))),
            (&bmp(40, &[0, 0, 1, 0, 0xFE, 0xFF, 0xFF, 0xFF]), ImageFormat::Bmp, Some((65_536, 2))),
            (&bmp(40, &[0xFE, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0]), ImageFormat::Bmp, None),
        ];
        for (bytes, format, expected) in rows {
            assert_eq!(size(bytes, format), expected, "{}", bytes.escape_ascii());
        }
    }
}
