//! What a user does not want to give away with a picture.

use calotype::Metadata;
use clap::ValueEnum;
use image::metadata::Orientation;

use super::{asked_orientation, edit_xmp, xmp};
use crate::exif;

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
    /// Takes it away; notes say what else had to go.
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
        }
        if asked != Orientation::NoTransforms && metadata.exif.is_none() {
            metadata.exif = Some(exif::of_orientation(asked.to_exif()));
        }
    }
}
