//! JPEG XL: metadata in boxes of the container, some of them compressed, and the file without these boxes.

use std::borrow::Cow;

use brotli_decompressor::Decompressor;

use super::found::{Found, Inflated};
use super::note::{damaged, too_long};

/// The boxes that make the pixels; a bare codestream has none.
const OF_PIXELS: [&[u8; 4]; 5] = [b"JXL ", b"ftyp", b"jxll", b"jxlc", b"jxlp"];
/// A box that begins with the name of another, which is compressed in it.
const COMPRESSED: &[u8; 4] = b"brob";
const CODESTREAM: [u8; 2] = [0xFF, 0x0A];
/// Begins brotli streams of windows above 16 MiB, which RFC 7932 does not have: up to 1 GiB of memory would be taken for one.
const LARGE_WINDOW: u8 = 0x11;

/// A box of a container.
struct Part<'a> {
    name: &'a [u8; 4],
    whole: &'a [u8],
    contents: &'a [u8],
    /// Whether the file ends before it.
    cut: bool,
}

/// The boxes from the first; none of a bare codestream.
fn parts(jxl: &[u8]) -> impl Iterator<Item = Part<'_>> {
    let mut rest = if jxl.starts_with(&CODESTREAM) { &[] } else { jxl };
    std::iter::from_fn(move || {
        let (length, name) = (u32::from_be_bytes(*rest.first_chunk()?), rest.get(4..8)?.first_chunk()?);
        let (head, length) = match length {
            // To the end.
            0 => (8, rest.len()),
            1 => (16, usize::try_from(u64::from_be_bytes(*rest.get(8..16)?.first_chunk()?)).ok()?),
            length => (8, length as usize),
        };
        let (whole, after) = rest.split_at(length.min(rest.len()));
        rest = after;
        Some(Part { name, whole, contents: whole.get(head..)?, cut: whole.len() < length })
    })
}

/// The file without metadata, for a decoder that would inflate them without limit.
pub fn pixel_boxes(jxl: &[u8]) -> Cow<'_, [u8]> {
    if parts(jxl).all(|part| OF_PIXELS.contains(&part.name)) {
        return Cow::Borrowed(jxl);
    }
    let kept: Vec<&[u8]> = parts(jxl).filter(|part| OF_PIXELS.contains(&part.name)).map(|part| part.whole).collect();
    Cow::Owned(kept.concat())
}

/// All metadata but the profile, which is compressed together with the pixels.
pub fn find(jxl: &[u8], found: &mut Found) {
    parts(jxl).for_each(|part| read(&part, found));
}

fn read(part: &Part<'_>, found: &mut Found) {
    let compressed = (part.name == COMPRESSED).then(|| part.contents.split_first_chunk()).flatten();
    let (name, stream) = compressed.unwrap_or((part.name, part.contents));
    let what = match name {
        b"Exif" => "Exif",
        b"xml " => "XMP",
        _ => return,
    };
    let inflated = match compressed {
        _ if part.cut => Inflated::Damaged,
        Some(_) if stream.first().is_some_and(|byte| byte & 0x7F == LARGE_WINDOW) => Inflated::Damaged,
        Some(_) => Inflated::of(Decompressor::new(stream, 4096)),
        None => Inflated::of(stream),
    };
    match inflated {
        Inflated::TooLong => found.note(too_long(what)),
        Inflated::Damaged => found.note(damaged(what)),
        Inflated::Whole(xmp) if what == "XMP" => found.add_xmp(xmp),
        Inflated::Whole(contents) => match exif(&contents) {
            Some(exif) => found.add_exif(exif.to_vec()),
            None => found.note(damaged(what)),
        },
    }
}

/// What lies behind so many bytes as the first four say.
fn exif(contents: &[u8]) -> Option<&[u8]> {
    let (offset, rest) = contents.split_first_chunk()?;
    rest.get(u32::from_be_bytes(*offset) as usize..)
}
