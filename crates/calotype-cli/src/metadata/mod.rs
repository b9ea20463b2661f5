//! What comes with the pixels of a picture file: colour space, Exif, XMP. Found where each format keeps it, checked, and made fit for a `.calo` file.

mod found;
mod gif;
mod icc;
mod jpeg;
mod jxl;
mod note;
mod png;
mod strip;
mod webp;
mod xmp;

use calotype::Metadata;
use clap::ValueEnum;
use image::metadata::Orientation;
use image::{ImageDecoder, ImageFormat};

pub use found::Found;
pub use jxl::pixel_boxes;
pub use note::{MOST_BYTES, converted, damaged, too_long};
pub use png::{PixelChunks, damage as damage_of_png};
pub use strip::Strip;

use crate::exif::{self, ReadSeek};
use found::{IPTC, without_name};

/// Metadata lies in memory as it was read, as a section, in the file, and as it is written.
const COPIES: u64 = 4;

/// What becomes of an orientation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Turn {
    /// Turn the pixels
    Apply,
    /// Leave them as they are stored, and say in Exif how to turn them
    Keep,
}

/// What comes with the pixels of an image, as the `.calo` file shall say it.
pub struct Company {
    /// As it shall be in the `.calo` file.
    pub metadata: Metadata,
    /// How the pixels must be turned for it.
    pub orientation: Orientation,
    /// What is lost, one line each.
    pub notes: Vec<String>,
}

/// Looks for metadata where files of this format keep it; in others there is none.
pub fn find(file: &mut impl ReadSeek, format: ImageFormat) -> Found {
    match format {
        ImageFormat::Png => png::find(file),
        ImageFormat::Jpeg => jpeg::find(file),
        ImageFormat::WebP => webp::find(file),
        ImageFormat::Tiff => of_tiff(file),
        _ => Found::default(),
    }
}

/// What a decoder found, of formats that only it looks into.
fn of_decoder(decoder: &mut impl ImageDecoder) -> Found {
    let mut found = Found::default();
    let parts = [("ICC profile", decoder.icc_profile()), ("Exif", decoder.exif_metadata()), ("XMP", decoder.xmp_metadata())];
    for (what, part) in parts {
        match part {
            Ok(Some(bytes)) if bytes.len() as u64 > MOST_BYTES => found.note(too_long(what)),
            Ok(Some(bytes)) if bytes.is_empty() => {}
            Ok(Some(bytes)) if what == "Exif" => found.add_exif(bytes),
            Ok(Some(bytes)) if what == "XMP" => found.add_xmp(bytes),
            Ok(icc) => found.metadata.icc = found.metadata.icc.take().or(icc),
            Err(_) => found.note(damaged(what)),
        }
    }
    found
}

/// What a GIF carries.
pub fn of_gif(gif: &[u8], decoder: &mut impl ImageDecoder) -> Found {
    let mut found = of_decoder(decoder);
    if gif::has_comment(gif) {
        found.note(note::COMMENT);
    }
    found
}

/// What a JPEG XL file carries, whose profile only the decoder knows, and whose pixels it has turned already by what their header says.
pub fn of_jxl(jxl: &[u8], decoder: &mut impl ImageDecoder) -> Found {
    let mut found = of_decoder(decoder);
    jxl::find(jxl, &mut found);
    say_orientation(&mut found.metadata, Turn::Apply, &mut found.notes);
    found
}

fn of_tiff(file: &mut impl ReadSeek) -> Found {
    let parts = exif::parts_of_tiff(file);
    let metadata = Metadata { icc: parts.icc, cicp: None, exif: parts.exif, xmp: parts.xmp };
    let mut found = Found { metadata, notes: Vec::new() };
    parts.notes.into_iter().for_each(|note| found.note(note));
    if parts.iptc {
        found.note(IPTC);
    }
    found
}

/// Checks what was found with pixels that are grey or not, and turns it as `turn` says.
pub fn company(found: Found, grey: bool, turn: Turn) -> Company {
    let (mut metadata, mut notes) = checked(found.metadata, grey);
    notes.splice(0..0, found.notes);
    let orientation = say_orientation(&mut metadata, turn, &mut notes);
    Company { metadata, orientation, notes }
}

/// Leaves out what is damaged or does not fit the pixels, with a note for each.
pub fn checked(mut metadata: Metadata, grey: bool) -> (Metadata, Vec<String>) {
    let mut notes = Vec::new();
    if let Some([_, _, matrix, range]) = metadata.cicp.filter(|[_, _, matrix, range]| (*matrix, *range) != (0, 1)) {
        metadata.cicp = None;
        let what = if matrix == 0 { format!("range {range}") } else { format!("matrix {matrix}") };
        notes.push(format!("its CICP colour space is left out, for it has {what}, which RGB of full range cannot have"));
    }
    if let Some(Err(unfit)) = metadata.icc.as_deref().map(|icc| icc::check(icc, grey)) {
        metadata.icc = None;
        notes.push(unfit.to_string());
    }
    if let Some(exif) = metadata.exif.take() {
        metadata.exif = without_name(exif);
        if metadata.exif.is_none() {
            notes.push(damaged("Exif"));
        }
    }
    (metadata, notes)
}

/// How the picture is to be turned, as Exif says, or XMP where Exif says nothing.
pub fn asked_orientation(metadata: &Metadata) -> Orientation {
    let exif = metadata.exif.as_deref().and_then(exif::orientation);
    let asked = exif.or_else(|| metadata.xmp.as_deref().and_then(xmp::orientation));
    asked.and_then(Orientation::from_exif).unwrap_or(Orientation::NoTransforms)
}

/// Makes sure that Exif, and nothing else, says how to turn what is left to turn; returns how to turn the pixels before.
pub fn say_orientation(metadata: &mut Metadata, turn: Turn, notes: &mut Vec<String>) -> Orientation {
    let asked = asked_orientation(metadata);
    if asked == Orientation::NoTransforms {
        return asked;
    }
    match turn {
        Turn::Apply => {
            if let Some(exif) = &mut metadata.exif {
                exif::set_orientation(exif, 1);
                exif::drop_thumbnail(exif);
            }
            edit_xmp(metadata, notes, |xmp| xmp::with_orientation(xmp, 1));
            asked
        }
        Turn::Keep => {
            match &mut metadata.exif {
                Some(exif) => exif::set_orientation(exif, asked.to_exif()),
                None => metadata.exif = Some(exif::of_orientation(asked.to_exif())),
            }
            Orientation::NoTransforms
        }
    }
}

/// Changes the XMP; leaves it out where it cannot be read.
fn edit_xmp(metadata: &mut Metadata, notes: &mut Vec<String>, edit: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    let Some(xmp) = metadata.xmp.take() else { return };
    metadata.xmp = edit(&xmp);
    if metadata.xmp.is_none() {
        notes.push(damaged("XMP"));
    }
}

/// Bytes of memory that this metadata takes from reading to writing.
pub fn held_bytes(metadata: &Metadata) -> u64 {
    let bytes = |part: &Option<Vec<u8>>| part.as_ref().map_or(0, |part| part.len() as u64);
    COPIES * (bytes(&metadata.icc) + bytes(&metadata.exif) + bytes(&metadata.xmp))
}
