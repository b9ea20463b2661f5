//! Writing decoded pictures in the format that the output's ending names.

use std::io::Cursor;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageFormat, ImageResult};

use crate::failure::Failure;
use crate::output::{self, Existing, is_pipe};

/// Quality of JPEG outputs.
const JPEG_QUALITY: u8 = 95;

/// Endings and what they mean.
const ENDINGS: [(&str, ImageFormat); 10] = [
    ("png", ImageFormat::Png),
    ("ppm", ImageFormat::Pnm),
    ("pnm", ImageFormat::Pnm),
    ("jpg", ImageFormat::Jpeg),
    ("jpeg", ImageFormat::Jpeg),
    ("jpe", ImageFormat::Jpeg),
    ("webp", ImageFormat::WebP),
    ("tif", ImageFormat::Tiff),
    ("tiff", ImageFormat::Tiff),
    ("bmp", ImageFormat::Bmp),
];

/// 8-bit RGB pixels, `width * height * 3` bytes in rows from the top.
pub struct Pixels<'a> {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// The rows.
    pub rgb: &'a [u8],
}

/// The image format that a file name's ending stands for.
pub fn format_by_ending(path: &Path) -> Option<ImageFormat> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, format)| *format)
}

/// The format that `decode` shall write to `path`; a pipe carries PNM.
///
/// # Errors
/// Usage for an ending that is not known.
pub fn output_format(path: &Path) -> Result<ImageFormat, Failure> {
    if is_pipe(path) {
        return Ok(ImageFormat::Pnm);
    }
    format_by_ending(path).ok_or_else(|| {
        let known = ENDINGS.map(|(ending, _)| format!(".{ending}")).join(" ");
        Failure::usage(format!("{}: the output's ending names no known image format; use one of {known}", path.display()))
    })
}

/// Writes `pixels` as `format` to `path`.
///
/// # Errors
/// Io; usage where the format cannot hold a picture of this size.
pub fn write_image(path: &Path, format: ImageFormat, pixels: &Pixels<'_>, existing: Existing) -> Result<(), Failure> {
    if format == ImageFormat::Pnm {
        let header = format!("P6\n{} {}\n255\n", pixels.width, pixels.height);
        return output::write(path, &[header.as_bytes(), pixels.rgb], existing);
    }
    let bytes =
        encode_image(format, pixels).map_err(|error| Failure::usage(format!("{}: {error}; choose another format", path.display())))?;
    output::write(path, &[&bytes], existing)
}

/// One image file in memory.
///
/// # Errors
/// Where the format cannot hold the picture, e.g. a JPEG of more than 65,535 columns.
pub fn encode_image(format: ImageFormat, pixels: &Pixels<'_>) -> ImageResult<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    let (rgb, width, height, colour) = (pixels.rgb, pixels.width, pixels.height, ExtendedColorType::Rgb8);
    match format {
        ImageFormat::Jpeg => JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).write_image(rgb, width, height, colour)?,
        ImageFormat::Png => {
            PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive)
                .write_image(rgb, width, height, colour)?;
        }
        _ => image::write_buffer_with_format(&mut bytes, rgb, width, height, colour, format)?,
    }
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_read_without_regard_to_case() {
        assert_eq!(format_by_ending(Path::new("a.b/C.PNG")), Some(ImageFormat::Png));
        assert_eq!(format_by_ending(Path::new("png")), None);
        let refused = output_format(Path::new("x.gif")).unwrap_err();
        assert_eq!(refused.code, 2);
        assert!(refused.message.contains(".webp"));
    }

    #[test]
    fn exact_formats_come_back_as_they_were() {
        let rgb: Vec<u8> = (0..5 * 3 * 3).map(|i| (i * 37 % 251) as u8).collect();
        for (_, format) in ENDINGS.iter().filter(|(_, format)| ![ImageFormat::Jpeg, ImageFormat::Pnm].contains(format)) {
            let bytes = encode_image(*format, &Pixels { width: 5, height: 3, rgb: &rgb }).unwrap();
            let back = crate::read_image::decode_image(&bytes, Path::new("x"), 100).unwrap();
            assert_eq!((back.width, back.height), (5, 3));
            assert_eq!(back.rgb, rgb, "{format:?}");
        }
    }
}
