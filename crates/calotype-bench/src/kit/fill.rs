//! Laying a kit's pictures, and what must come of them, into its folder.

use std::fs;
use std::path::Path;

use calotype::{Codec, DecodeOptions, Decoder, RgbImage};

use super::cases::{Case, Share};
use crate::error::Error;
use crate::test_picture::test_picture;

/// Draws the pictures into the folder `kit`, and encodes and decodes each with `codec`, whose word counts.
///
/// # Errors
/// [`Error::Io`], [`Error::Engine`].
pub fn fill(kit: &Path, codec: &Codec) -> Result<(), Error> {
    for folder in ["pictures", "expected"] {
        let folder = kit.join(folder);
        fs::create_dir_all(&folder).map_err(Error::io(&folder, "create"))?;
    }
    Case::of(Share::All).iter().try_for_each(|case| fill_case(kit, codec, case))
}

fn fill_case(kit: &Path, codec: &Codec, case: &Case) -> Result<(), Error> {
    let picture = test_picture(&[], case.width, case.height);
    write(&case.picture(kit), &picture.ppm())?;
    let file = codec.encode(&RgbImage::new(picture.width, picture.height, &picture.rgb)?, &case.options()?)?.bytes;
    write(&case.expected_file(kit), &file)?;
    let rgb = Decoder::new(&file, &DecodeOptions::default())?.decode(codec)?.rgb;
    write(&case.expected_picture(kit), &crate::picture::Picture { rgb, ..picture }.ppm())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    fs::write(path, bytes).map_err(Error::io(path, "write"))
}
