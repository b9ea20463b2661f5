//! What reading an image whole and row by row have in common.

use std::io::{self, BufRead, Seek};

use image::{ColorType, ImageFormat};

use crate::exif::ReadSeek;
use crate::metadata::{self, Company, Found, PixelChunks, Turn};

/// How an image is read.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Larger images are refused.
    pub max_pixels: u64,
    /// What becomes of an orientation.
    pub turn: Turn,
    /// Which frame, from 1; without it the first, with a note if there are more.
    pub frame: Option<u32>,
    /// Whether a broken image is read as far as it goes.
    pub salvage: bool,
}

impl Reading {
    /// The first frame of a whole image, turned.
    pub fn plain(max_pixels: u64) -> Reading {
        Reading { max_pixels, turn: Turn::Apply, frame: None, salvage: false }
    }
}

/// What to say of a picture that was read as far as it goes.
pub fn broken_note(what: String) -> String {
    format!("is damaged ({what}); what could be read of it is encoded, the rest is filled in")
}

/// What comes with pixels of this kind in a file of this format.
pub fn company_of(file: &mut impl ReadSeek, format: ImageFormat, colour: ColorType, turn: Turn) -> Company {
    company(metadata::find(file, format), colour, turn)
}

/// What was found, as it goes with pixels of this kind.
pub fn company(found: Found, colour: ColorType, turn: Turn) -> Company {
    let mut company = metadata::company(found, !colour.has_color(), turn);
    company.notes.splice(0..0, notes_of(colour));
    company
}

/// What a decoder of pixels reads of a file: of a PNG no metadata.
///
/// # Errors
/// Those of seeking.
pub fn pixels_of<'a>(file: impl BufRead + Seek + 'a, format: ImageFormat) -> io::Result<Box<dyn Input + 'a>> {
    Ok(if format == ImageFormat::Png { Box::new(PixelChunks::new(file)?) } else { Box::new(file) })
}

/// An image file, or one in memory.
pub trait Input: BufRead + Seek {}
impl<T: BufRead + Seek> Input for T {}

/// What decoding changes of the pixels of a kind, one line each.
fn notes_of(colour: ColorType) -> Vec<String> {
    let mut notes = Vec::new();
    if matches!(colour, ColorType::Rgb32F | ColorType::Rgba32F) {
        notes.push("its floating point is cut to 0 to 1 in 16 bits".to_string());
    }
    if colour.bytes_per_pixel() > colour.channel_count() {
        notes.push("its colours are coded with the model's precision of 8 bits, and decoded to 16 again (alpha is exact)".to_string());
    }
    notes
}
