//! One engine against the files of a kit.

use std::fs;
use std::path::Path;

use calotype::{Codec, DecodeOptions, Decoder, RgbImage};
use serde::{Deserialize, Serialize};

use super::cases::{Case, Share};
use super::difference;
use crate::error::Error;
use crate::picture::Picture;

/// What an engine made of one case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The case's name.
    pub case: String,
    /// What ran: `gpu` with its adapter, `cpu` with its instruction set.
    pub engine: String,
    /// The first difference from the kit's files, or what the engine complained of; `None` if all is equal.
    pub difference: Option<String>,
}

/// Encodes the kit's pictures, decodes the kit's files, and tells `done` of each case.
///
/// # Errors
/// [`Error::Io`] for a kit that is not whole, [`Error::Engine`] for an engine that refuses a picture or a file.
pub fn compare(kit: &Path, codec: &Codec, share: Share, mut done: impl FnMut(Comparison)) -> Result<(), Error> {
    for case in Case::of(share) {
        let difference = first_difference(kit, codec, &case)?;
        let ran = codec.engine();
        // An engine that failed half-way has been replaced by the CPU: equal files, but not by the engine in question.
        let difference = codec.take_warnings().into_iter().next().or(difference);
        done(Comparison { case: case.name(), engine: format!("{} {}", ran.engine, ran.adapter), difference });
    }
    Ok(())
}

fn first_difference(kit: &Path, codec: &Codec, case: &Case) -> Result<Option<String>, Error> {
    let picture = read_picture(&case.picture(kit))?;
    let file = codec.encode(&RgbImage::new(picture.width, picture.height, &picture.rgb)?, &case.options()?)?.bytes;
    let expected_file = read(&case.expected_file(kit))?;
    if let Some(difference) = difference::of_files(&file, &expected_file) {
        return Ok(Some(difference));
    }
    let rgb = Decoder::new(&expected_file, &DecodeOptions::default())?.decode(codec)?.rgb;
    Ok(difference::of_pixels(&rgb, &read_picture(&case.expected_picture(kit))?.rgb, case.width))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(Error::io(path, "read"))
}

fn read_picture(path: &Path) -> Result<Picture, Error> {
    let malformed = |error: image::ImageError| Error::Malformed { path: path.to_owned(), what: error.to_string() };
    let image = image::load_from_memory(&read(path)?).map_err(malformed)?.into_rgb8();
    let name = path.display().to_string();
    Ok(Picture { name, width: image.width(), height: image.height(), rgb: image.into_raw(), whole: None })
}
