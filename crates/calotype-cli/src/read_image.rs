//! Reading images of any supported format with their metadata, by their content.

use std::fs;
use std::io::{self, BufRead, Cursor, Read, Seek};
use std::path::Path;

use calotype::{Metadata, Picture};
use clap::ValueEnum;
use image::{ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use crate::exif::ReadSeek;
use crate::failure::Failure;
use crate::metadata::{self, Company, PixelChunks};
use crate::output::is_pipe;
use crate::pixels;

/// The formats that `encode` and `eval` read.
const READABLE: [ImageFormat; 6] =
    [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Tiff, ImageFormat::Bmp, ImageFormat::Pnm];

/// An image as the codec takes it.
pub struct Source {
    /// The pixels.
    pub picture: Picture,
    /// What comes with them.
    pub metadata: Metadata,
    /// What of the original a `.calo` file does not keep, one line each.
    pub notes: Vec<String>,
}

/// What becomes of an orientation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Turn {
    /// Turn the pixels
    Apply,
    /// Leave them as they are stored, and say in Exif how to turn them
    Keep,
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
pub fn decode_image(bytes: &[u8], path: &Path, max_pixels: u64, turn: Turn) -> Result<Source, Failure> {
    let refused = |error| image_failure(path, error);
    let (decoder, format) = decoder_of(bytes, path, max_pixels)?;
    let Company { metadata, orientation, notes } = company_of(&mut Cursor::new(bytes), format, decoder.color_type(), turn);
    let mut image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    image.apply_orientation(orientation);
    let picture = pixels::from_image(image).map_err(|error| Failure::codec(path, &error))?;
    Ok(Source { picture, metadata, notes })
}

/// Bytes of the pixels of an image file held in memory.
///
/// # Errors
/// As [`decode_image`].
pub fn pixel_bytes(bytes: &[u8], path: &Path, max_pixels: u64) -> Result<u64, Failure> {
    decoder_of(bytes, path, max_pixels).map(|(decoder, _)| decoder.total_bytes())
}

fn decoder_of<'a>(bytes: &'a [u8], path: &Path, max_pixels: u64) -> Result<(impl ImageDecoder + use<'a>, ImageFormat), Failure> {
    if bytes.is_empty() {
        return Err(Failure::malformed(path, "is empty; give an image"));
    }
    let format = format_of(bytes, path)?;
    let pixels = pixels_of(Cursor::new(bytes), format).map_err(|error| Failure::io(path, "read", error))?;
    let mut reader = ImageReader::with_format(pixels, format);
    reader.limits(limits(max_pixels));
    let decoder = reader.into_decoder().map_err(|error| image_failure(path, error))?;
    check_size(decoder.dimensions(), path, max_pixels)?;
    Ok((decoder, format))
}

/// What decoding changes of the pixels of a kind, one line each.
pub fn notes_of(colour: ColorType) -> Vec<String> {
    let mut notes = Vec::new();
    if matches!(colour, ColorType::Rgb32F | ColorType::Rgba32F) {
        notes.push("its floating point is cut to 0 to 1 in 16 bits".to_string());
    }
    if colour.bytes_per_pixel() > colour.channel_count() {
        notes.push("its colours are coded with the model's precision of 8 bits, and decoded to 16 again (alpha is exact)".to_string());
    }
    notes
}

/// What comes with pixels of this kind.
pub fn company_of(file: &mut impl ReadSeek, format: ImageFormat, colour: ColorType, turn: Turn) -> Company {
    let mut company = metadata::company(metadata::find(file, format), !colour.has_color(), turn);
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

fn format_of(bytes: &[u8], path: &Path) -> Result<ImageFormat, Failure> {
    let readable = "give PNG, JPEG, WebP, TIFF, BMP or PNM";
    if bytes.starts_with(b"CALO") {
        return Err(Failure::malformed(path, "is a .calo file already; decode it with `calotype decode`"));
    }
    // The guess does not know BigTIFF, which the decoder reads.
    let is_big_tiff = bytes.starts_with(b"II+\0") || bytes.starts_with(b"MM\0+");
    match if is_big_tiff { Ok(ImageFormat::Tiff) } else { image::guess_format(bytes) } {
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

/// Refuses images without pixels and those of more than `max_pixels`, as the network sees them.
///
/// # Errors
/// Malformed, limits.
pub fn check_size((width, height): (u32, u32), path: &Path, max_pixels: u64) -> Result<(), Failure> {
    if width == 0 || height == 0 {
        return Err(Failure::malformed(path, format!("is {width}x{height}, an image without pixels; give one that has some")));
    }
    let error = calotype::Error::Limits { width, height, max_pixels };
    if calotype::padded_pixels(width, height) > max_pixels { Err(Failure::codec(path, &error)) } else { Ok(()) }
}

fn image_failure(path: &Path, error: ImageError) -> Failure {
    match error {
        ImageError::Unsupported(what) => Failure::unsupported(path, format!("{what}; convert it to PNG first")),
        ImageError::Limits(what) => Failure::unsupported(path, format!("{what}; raise the limit with --max-pixels")),
        other => Failure::malformed(path, format!("is a damaged image: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calotype::{Channels, Samples};
    use image::{Rgba, RgbaImage};

    fn png(image: DynamicImage) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    fn read(bytes: &[u8]) -> Result<Source, Failure> {
        decode_image(bytes, Path::new("x"), 64 * 64, Turn::Apply)
    }

    #[test]
    fn channels_and_depth_are_kept() {
        let grey = image::ImageBuffer::from_pixel(2, 1, image::Luma([0x8081_u16]));
        let source = read(&png(DynamicImage::ImageLuma16(grey))).unwrap();
        assert_eq!(source.picture.samples(), &Samples::U16(vec![0x8081; 2]));
        assert_eq!((source.picture.channels(), source.notes.len()), (Channels::Grey, 1));
        let clear = read(&png(RgbaImage::from_pixel(3, 2, Rgba([9, 8, 7, 254])).into())).unwrap();
        assert_eq!(clear.picture.samples(), &Samples::U8([9, 8, 7, 254].repeat(6)));
        assert_eq!((clear.picture.channels(), clear.notes.len()), (Channels::Rgba, 0));
    }

    #[test]
    fn refusals_have_the_right_code() {
        let image = png(RgbaImage::new(65, 10).into());
        let code = |bytes: &[u8]| read(bytes).err().map(|failure| failure.code);
        assert_eq!(code(&image), Some(3));
        assert_eq!(code(b""), Some(1));
        assert_eq!(code(b"some text"), Some(1));
        assert_eq!(code(b"GIF89a"), Some(3));
        assert_eq!(code(b"CALO"), Some(1));
        assert_eq!(code(b"P6 100000 100000 255\n"), Some(3));
        assert_eq!(code(b"P6 2 2 255\n123"), Some(1));
    }
}
