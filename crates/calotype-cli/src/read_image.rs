//! Reading images of any supported format as 8-bit RGB, by their content.

use std::fs;
use std::io::{self, Cursor, Read};
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use crate::failure::Failure;
use crate::output::is_pipe;

/// The formats that `encode` and `eval` read.
const READABLE: [ImageFormat; 6] =
    [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Tiff, ImageFormat::Bmp, ImageFormat::Pnm];

/// An image as the codec takes it.
pub struct Picture {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// 8-bit RGB, `width * height * 3` bytes in rows from the top.
    pub rgb: Vec<u8>,
    /// What of the original a `.calo` file does not keep, one line each.
    pub notes: Vec<String>,
}

/// The whole of a file or of standard input.
///
/// # Errors
/// Io.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::io(path, "read", error);
    if is_pipe(path) {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map_err(failed)?;
        return Ok(bytes);
    }
    fs::read(path).map_err(failed)
}

/// Decodes an image file held in memory; `path` is for messages only.
///
/// # Errors
/// Malformed if it is no image or a damaged one, unsupported for other formats and images above `max_pixels`.
pub fn decode_image(bytes: &[u8], path: &Path, max_pixels: u64) -> Result<Picture, Failure> {
    if bytes.is_empty() {
        return Err(Failure::malformed(path, "is empty; give an image"));
    }
    let refused = |error| image_failure(path, error);
    let mut reader = ImageReader::new(Cursor::new(bytes));
    reader.set_format(format_of(bytes, path)?);
    reader.limits(limits(max_pixels));
    let mut decoder = reader.into_decoder().map_err(refused)?;
    check_size(decoder.dimensions(), path, max_pixels)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let has_profile = decoder.icc_profile().is_ok_and(|profile| profile.is_some());
    let mut image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    image.apply_orientation(orientation);
    Ok(picture(image, has_profile))
}

fn format_of(bytes: &[u8], path: &Path) -> Result<ImageFormat, Failure> {
    let readable = "give PNG, JPEG, WebP, TIFF, BMP or PNM";
    if bytes.starts_with(b"CALO") {
        return Err(Failure::malformed(path, "is a .calo file already; decode it with `calotype decode`"));
    }
    match image::guess_format(bytes) {
        Ok(format) if READABLE.contains(&format) => Ok(format),
        Ok(format) => Err(Failure::unsupported(path, format!("is {}, which calotype does not read; {readable}", name(format)))),
        Err(_) => Err(Failure::malformed(path, format!("is not an image that calotype knows; {readable}"))),
    }
}

fn name(format: ImageFormat) -> String {
    format.extensions_str().first().map_or_else(|| format!("{format:?}"), |ending| ending.to_uppercase())
}

/// Room for 16-bit RGBA and as much again inside the decoder.
fn limits(max_pixels: u64) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(max_pixels.saturating_mul(16).saturating_add(1 << 20));
    limits
}

fn check_size((width, height): (u32, u32), path: &Path, max_pixels: u64) -> Result<(), Failure> {
    if u64::from(width) * u64::from(height) <= max_pixels {
        return Ok(());
    }
    let what = format!("is {width}x{height}, over the limit of {max_pixels} pixels; raise it with --max-pixels");
    Err(Failure::unsupported(path, what))
}

fn image_failure(path: &Path, error: ImageError) -> Failure {
    match error {
        ImageError::Unsupported(what) => Failure::unsupported(path, format!("{what}; convert it to PNG first")),
        ImageError::Limits(what) => Failure::unsupported(path, format!("{what}; raise the limit with --max-pixels")),
        other => Failure::malformed(path, format!("is a damaged image: {other}")),
    }
}

fn picture(image: DynamicImage, has_profile: bool) -> Picture {
    let mut notes = Vec::new();
    if has_transparency(&image) {
        notes.push("its transparency is not kept".to_string());
    }
    if has_profile {
        notes.push("its colour profile is not kept".to_string());
    }
    let rgb = image.into_rgb8();
    let (width, height) = rgb.dimensions();
    Picture { width, height, rgb: rgb.into_raw(), notes }
}

fn has_transparency(image: &DynamicImage) -> bool {
    match image {
        DynamicImage::ImageRgba8(pixels) => pixels.pixels().any(|pixel| pixel.0[3] != u8::MAX),
        DynamicImage::ImageLumaA8(pixels) => pixels.pixels().any(|pixel| pixel.0[1] != u8::MAX),
        other => other.color().has_alpha(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgba, RgbaImage};

    fn png(image: DynamicImage) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn transparency_is_noted_only_where_there_is_some() {
        let opaque = RgbaImage::from_pixel(3, 2, Rgba([9, 8, 7, 255]));
        let mut clear = opaque.clone();
        clear.put_pixel(1, 1, Rgba([9, 8, 7, 254]));
        for (image, notes) in [(opaque, 0), (clear, 1)] {
            let picture = decode_image(&png(image.into()), Path::new("x"), 100).unwrap();
            assert_eq!(picture.notes.len(), notes);
            assert_eq!(picture.rgb, [9, 8, 7].repeat(6));
        }
    }

    #[test]
    fn sixteen_bits_and_grey_become_eight_bit_rgb() {
        let grey = image::ImageBuffer::from_pixel(2, 1, image::Luma([0x8080_u16]));
        let picture = decode_image(&png(DynamicImage::ImageLuma16(grey)), Path::new("x"), 100).unwrap();
        assert_eq!(picture.rgb, [0x80; 6]);
    }

    #[test]
    fn refusals_have_the_right_code() {
        let image = png(RgbaImage::new(11, 10).into());
        let code = |bytes: &[u8]| decode_image(bytes, Path::new("x"), 100).err().map(|failure| failure.code);
        assert_eq!(code(&image), Some(3));
        assert_eq!(code(b""), Some(1));
        assert_eq!(code(b"some text"), Some(1));
        assert_eq!(code(b"GIF89a"), Some(3));
        assert_eq!(code(b"CALO"), Some(1));
        assert_eq!(code(b"P6 100000 100000 255\n"), Some(3));
        assert_eq!(code(b"P6 2 2 255\n123"), Some(1));
    }
}
