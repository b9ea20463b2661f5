//! What a user does not want to give away with a picture.

use calotype::Metadata;
use clap::ValueEnum;
use image::metadata::Orientation;

use super::note::is_on;
use super::{asked_orientation, edit_xmp, xmp};
use crate::exif;

/// What of Exif, of XMP and of all others notes speak of.
const EXIF_PARTS: [&str; 3] = ["Exif", "raw profile exif", "raw profile app1"];
const XMP_PARTS: [&str; 3] = ["XMP", "extended XMP", "raw profile xmp"];
const OTHER_PARTS: [&str; 5] = ["comment", "IPTC", "text", "raw profile iptc", "raw profile 8bim"];

/// `--strip`: what is left out. Colour profiles stay, and how the picture is to be turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Strip {
    /// Exif and XMP
    All,
    /// Where it was taken: GPS in Exif and XMP, and places by name in XMP
    Gps,
    /// Exif
    Exif,
    /// XMP
    Xmp,
}

impl Strip {
    /// Takes it away; notes say what else had to go, and no more what is unwanted.
    pub fn apply(strips: &[Strip], metadata: &mut Metadata, notes: &mut Vec<String>) {
        let asked = asked_orientation(metadata);
        for strip in strips {
            if matches!(strip, Strip::All | Strip::Exif) {
                metadata.exif = None;
            }
            if matches!(strip, Strip::All | Strip::Xmp) {
                metadata.xmp = None;
            }
            if *strip == Strip::Gps {
                metadata.exif.as_mut().into_iter().for_each(exif::drop_gps);
                edit_xmp(metadata, notes, xmp::without_places);
            }
            notes.retain(|note| !strip.takes(note));
        }
        if asked != Orientation::NoTransforms && metadata.exif.is_none() {
            metadata.exif = Some(exif::of_orientation(asked.to_exif()));
        }
    }

    /// Whether a note is on what this takes away.
    fn takes(self, note: &str) -> bool {
        let of = |parts: &[&str]| parts.iter().any(|part| is_on(note, part));
        match self {
            Strip::All => of(&EXIF_PARTS) || of(&XMP_PARTS) || of(&OTHER_PARTS),
            Strip::Exif => of(&EXIF_PARTS),
            Strip::Xmp => of(&XMP_PARTS),
            Strip::Gps => false,
        }
    }
}
