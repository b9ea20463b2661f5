//! What kind of file it is, by its first bytes.

use std::path::Path;

use image::ImageFormat;

use crate::failure::Failure;
use crate::refusal::Refusal;

/// Bytes that tell.
pub const FIRST_BYTES: usize = 64;

const READABLE: &str = "give PNG, JPEG, JPEG XL, WebP, GIF, TIFF, BMP or PNM";
const DEVELOP: &str = "develop it first, e.g. with darktable-cli or RawTherapee";
const HEIC: &str = "convert it first, e.g. with heif-convert of libheif";
const AVIF: &str = "convert it first, e.g. with avifdec of libavif";
const JPEG_2000: &str = "convert it first, e.g. with opj_decompress of OpenJPEG";
const MAGICK: &str = "convert it first, e.g. with magick of ImageMagick";

/// A file that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By the `image` crate, or by readers of ours.
    Image(ImageFormat),
    /// By jxl-oxide.
    Jxl,
}

/// Why a file is not read.
pub enum NotRead {
    /// It is a `.calo` file.
    Calo,
    /// It is not known at all.
    Unknown,
    /// It is another format.
    Other(Refusal),
}

impl Kind {
    /// That of a file that begins with `bytes`, some of which are [`FIRST_BYTES`].
    ///
    /// # Errors
    /// Why it is not read.
    pub fn of(bytes: &[u8]) -> Result<Kind, NotRead> {
        if bytes.starts_with(b"CALO") {
            return Err(NotRead::Calo);
        }
        if bytes.starts_with(&[0xFF, 0x0A]) || bytes.starts_with(b"\0\0\0\x0CJXL \r\n\x87\n") {
            return Ok(Kind::Jxl);
        }
        if let Some(refusal) = unread(bytes) {
            return Err(NotRead::Other(refusal));
        }
        // The guess does not know BigTIFF, which the decoder reads.
        if bytes.starts_with(b"II+\0") || bytes.starts_with(b"MM\0+") {
            return Ok(Kind::Image(ImageFormat::Tiff));
        }
        use ImageFormat::{Bmp, Gif, Jpeg, Png, Pnm, Tiff, WebP};
        match image::guess_format(bytes) {
            Ok(format @ (Bmp | Gif | Jpeg | Png | Pnm | Tiff | WebP)) => Ok(Kind::Image(format)),
            Ok(format) => Err(NotRead::Other(Refusal::is(name(format), READABLE))),
            Err(_) => Err(NotRead::Unknown),
        }
    }
}

/// What to give instead.
pub fn readable() -> &'static str {
    READABLE
}

fn name(format: ImageFormat) -> String {
    format.extensions_str().first().map_or_else(|| format!("{format:?}"), |ending| ending.to_uppercase())
}

/// Formats that people bring, and what converts them.
fn unread(bytes: &[u8]) -> Option<Refusal> {
    if let Some(refusal) = brand(bytes) {
        return Some(refusal);
    }
    let raw = [&b"FUJIFILMCCD-RAW"[..], b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM"];
    let is_raw = raw.iter().any(|magic| bytes.starts_with(magic))
        || bytes.starts_with(b"II") && (bytes.get(8..10) == Some(b"CR") || bytes.get(6..14) == Some(b"HEAPCCDR"));
    if is_raw {
        return Some(raw_file());
    }
    let others = [
        (&b"\0\0\0\x0CjP  "[..], "JPEG 2000", JPEG_2000),
        (b"\xFF\x4F\xFF\x51", "JPEG 2000", JPEG_2000),
        (b"8BPS", "PSD", MAGICK),
        (b"%PDF", "PDF", MAGICK),
    ];
    others.into_iter().find(|(magic, ..)| bytes.starts_with(magic)).map(|(_, name, remedy)| Refusal::is(name, remedy))
}

/// A camera's raw file.
pub fn raw_file() -> Refusal {
    Refusal::is("a camera's raw file", DEVELOP)
}

/// A file of boxes says in its first one which formats it obeys, the most important first.
fn brand(bytes: &[u8]) -> Option<Refusal> {
    let length = u32::from_be_bytes(*bytes.first_chunk()?) as usize;
    let brands = bytes.get(4..length.min(bytes.len()))?.strip_prefix(b"ftyp")?;
    brands.as_chunks::<4>().0.iter().find_map(|brand| match brand {
        b"avif" | b"avis" => Some(Refusal::is("AVIF", AVIF)),
        b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" => Some(Refusal::is("HEIC", HEIC)),
        b"crx " => Some(raw_file()),
        _ => None,
    })
}

/// What kind of file this is, by its first bytes.
///
/// # Errors
/// Malformed for what is no image, unsupported for other formats.
pub fn kind_of(bytes: &[u8], path: &Path) -> Result<Kind, Failure> {
    if bytes.is_empty() {
        return Err(Failure::malformed(path, "is empty; give an image"));
    }
    Kind::of(bytes).map_err(|not_read| match not_read {
        NotRead::Calo => Failure::malformed(path, "is a .calo file already; decode it with `calotype decode`"),
        NotRead::Unknown => Failure::malformed(path, format!("is not an image that calotype knows; {}", readable())),
        NotRead::Other(refusal) => refusal.of(path),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(bytes: &[u8]) -> String {
        match Kind::of(bytes) {
            Ok(kind) => format!("{kind:?}"),
            Err(NotRead::Calo) => "calo".to_string(),
            Err(NotRead::Unknown) => "unknown".to_string(),
            Err(NotRead::Other(refusal)) => refusal.to_string(),
        }
    }

    #[test]
    fn first_bytes_tell() {
        let table: [(&[u8], &str); 16] = [
            (b"\xFF\x0A\x00", "Jxl"),
            (b"\0\0\0\x0CJXL \r\n\x87\n", "Jxl"),
            (b"GIF89a", "Image(Gif)"),
            (b"II+\0\x08\0\0\0", "Image(Tiff)"),
            (b"MM\0+\0\x08\0\0", "Image(Tiff)"),
            (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "is AVIF"),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "is HEIC"),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "is AVIF"),
            (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", "is a camera's raw file"),
            (b"II*\0\x10\0\0\0CR\x02\0", "is a camera's raw file"),
            (b"FUJIFILMCCD-RAW 0201", "is a camera's raw file"),
            (b"\0\0\0\x0CjP  \r\n\x87\n", "is JPEG 2000"),
            (b"8BPS\0\x01", "is PSD"),
            (b"CALO", "calo"),
            (b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "unknown"),
            (b"", "unknown"),
        ];
        for (bytes, expected) in table {
            assert_eq!(what(bytes), expected, "{}", bytes.escape_ascii());
        }
    }
}
