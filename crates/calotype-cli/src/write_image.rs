//! Writing decoded pictures with their metadata, in the format that the output's ending names.

use std::ffi::OsStr;
use std::io::Cursor;
use std::path::Path;

use calotype::{Channels, Metadata, Picture, Shape};
use image::codecs::jpeg::JpegEncoder;
use image::error::UnsupportedError;
use image::{DynamicImage, ImageEncoder, ImageError, ImageFormat};

use crate::failure::Failure;
use crate::output::{self, Writing, is_stdout};
use crate::pixels;
use crate::write_rows::{Stopped, in_bands, is_big_tiff, write_rows};

/// Why a format does not hold a picture, in its encoder's words.
#[derive(Debug, thiserror::Error)]
pub enum Unwritten {
    /// In PNG, PNM and TIFF.
    #[error(transparent)]
    Rows(#[from] Stopped),
    /// In JPEG and BMP.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// In JPEG: its metadata.
    #[error(transparent)]
    Metadata(#[from] UnsupportedError),
    /// In WebP.
    #[error(transparent)]
    WebP(#[from] image_webp::EncodingError),
}

/// Quality of JPEG outputs.
const JPEG_QUALITY: u8 = 95;
/// What a JPEG segment holds beside its length and the name of what is in it.
const JPEG_SEGMENT: usize = 65_533;
const JPEG_EXIF_NAME: &[u8] = b"Exif\0\0";
const JPEG_XMP_NAME: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// Endings and what they mean.
const ENDINGS: [(&str, ImageFormat); 11] = [
    ("png", ImageFormat::Png),
    ("ppm", ImageFormat::Pnm),
    ("pgm", ImageFormat::Pnm),
    ("pnm", ImageFormat::Pnm),
    ("jpg", ImageFormat::Jpeg),
    ("jpeg", ImageFormat::Jpeg),
    ("jpe", ImageFormat::Jpeg),
    ("webp", ImageFormat::WebP),
    ("tif", ImageFormat::Tiff),
    ("tiff", ImageFormat::Tiff),
    ("bmp", ImageFormat::Bmp),
];

/// The image format that a file name's ending stands for.
pub fn format_by_ending(path: &Path) -> Option<ImageFormat> {
    format_of(path.extension()?.to_str()?)
}

fn format_of(ending: &str) -> Option<ImageFormat> {
    let ending = ending.to_ascii_lowercase();
    ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, format)| *format)
}

/// The format that `decode` shall write to `path`: the named one, or by the path's ending; a pipe carries PNM.
///
/// # Errors
/// Usage for an ending that is not known.
pub fn output_format(path: &Path, named: Option<&str>) -> Result<ImageFormat, Failure> {
    if let Some(ending) = named {
        let known = ENDINGS.map(|(ending, _)| ending).join(", ");
        return format_of(ending).ok_or_else(|| Failure::usage(format!("--format {ending}: not an image format; give one of {known}")));
    }
    if is_stdout(path) {
        return Ok(ImageFormat::Pnm);
    }
    format_by_ending(path).ok_or_else(|| {
        let known = ENDINGS.map(|(ending, _)| format!(".{ending}")).join(" ");
        Failure::usage(format!("{}: the output's ending names no known image format; use one of {known}", path.display()))
    })
}

/// The shape of a picture that is written under the ending of a PGM, which is grey, or of a PPM, which has colours.
pub fn as_named(path: &Path, named: Option<&str>, shape: Shape, notes: &mut Vec<String>) -> Shape {
    let of_path = path.extension().and_then(OsStr::to_str);
    let ending = named.or(of_path).unwrap_or_default().to_ascii_lowercase();
    let channels = match (ending.as_str(), shape.channels) {
        ("pgm", Channels::Rgb) => Channels::Grey,
        ("pgm", Channels::Rgba) => Channels::GreyAlpha,
        ("ppm", Channels::Grey) => Channels::Rgb,
        ("ppm", Channels::GreyAlpha) => Channels::Rgba,
        (_, channels) => channels,
    };
    if channels.is_grey() && !shape.channels.is_grey() {
        notes.push("its colours are left out, for a PGM is grey; a PPM keeps them".to_string());
    }
    Shape { channels, ..shape }
}

/// Whether files of this format hold Exif, ICC profiles and XMP.
pub fn holds_metadata(format: ImageFormat) -> bool {
    matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP | ImageFormat::Tiff)
}

/// Writes a picture as `format` to `path`. Returns what the format could not hold, one line each.
///
/// # Errors
/// Io; usage where the format cannot hold a picture of this size.
pub fn write_image(
    path: &Path,
    format: ImageFormat,
    picture: Picture,
    metadata: Metadata,
    writing: impl Into<Writing>,
) -> Result<Vec<String>, Failure> {
    let (bytes, notes) = encode_image(format, picture, metadata)
        .map_err(|error| Failure::usage(format!("{}: {error}; choose another format", path.display())))?;
    output::write(path, &[&bytes], writing)?;
    Ok(notes)
}

/// One image file in memory, and what it could not hold.
///
/// # Errors
/// Where the format cannot hold the picture, e.g. a JPEG of more than 65,535 columns.
pub fn encode_image(format: ImageFormat, picture: Picture, mut metadata: Metadata) -> Result<(Vec<u8>, Vec<String>), Unwritten> {
    let (shape, notes) = fit(format, picture.shape(), &mut metadata);
    if in_bands(format) {
        let mut file = Cursor::new(Vec::new());
        write_rows(&mut file, format, shape, &metadata, std::iter::once(Ok(picture)))?;
        return Ok((file.into_inner(), notes));
    }
    let image = pixels::into_image(pixels::fitted(picture, shape));
    let bytes = match format {
        ImageFormat::Jpeg => jpeg(&image, metadata),
        ImageFormat::WebP => webp(&image, metadata),
        _ => plain(&image, format),
    };
    Ok((bytes?, notes))
}

/// What a format makes of a picture of a shape, what it could not hold, one line each, and takes the metadata away that it does not hold.
pub fn fit(format: ImageFormat, shape: Shape, metadata: &mut Metadata) -> (Shape, Vec<String>) {
    let mut notes = Vec::new();
    let fitting = fitting_kind(format, shape, &mut notes);
    if shape.channels.is_grey() && !fitting.channels.is_grey() && metadata.icc.take().is_some() {
        notes.push("its ICC profile is left out, for grey becomes RGB".to_string());
    }
    leave_out(format, fitting, metadata, &mut notes);
    (fitting, notes)
}

/// Channels and depth that the format has.
fn fitting_kind(format: ImageFormat, shape: Shape, notes: &mut Vec<String>) -> Shape {
    use ImageFormat::{Bmp, Jpeg, Png, Pnm, Tiff, WebP};
    let (alpha, deep) = (shape.channels.has_alpha(), shape.depth == 16);
    let keeps_alpha = alpha && !matches!(format, Jpeg | Pnm);
    let keeps_depth = deep && matches!(format, Png | Tiff | Pnm);
    let keeps_grey = shape.channels.is_grey() && format != WebP && !(keeps_alpha && matches!(format, Tiff | Bmp));
    if alpha && !keeps_alpha {
        notes.push("its transparency is left out".to_string());
    }
    if deep && !keeps_depth {
        notes.push("its 16 bits are written as 8".to_string());
    }
    let channels = match (keeps_grey, keeps_alpha) {
        (true, false) => Channels::Grey,
        (true, true) => Channels::GreyAlpha,
        (false, false) => Channels::Rgb,
        (false, true) => Channels::Rgba,
    };
    Shape { channels, depth: if keeps_depth { 16 } else { 8 }, ..shape }
}

/// Takes away what the format does not hold, with a note for each.
fn leave_out(format: ImageFormat, shape: Shape, metadata: &mut Metadata, notes: &mut Vec<String>) {
    let mut note = |what: &str| notes.push(format!("its {what} left out"));
    let fits_jpeg = |bytes: &Option<Vec<u8>>, name: &[u8]| bytes.as_ref().is_none_or(|bytes| bytes.len() + name.len() <= JPEG_SEGMENT);
    let any = holds_metadata(format) && !(format == ImageFormat::Tiff && is_big_tiff(shape));
    let jpeg = format == ImageFormat::Jpeg;
    let text = metadata.xmp.as_deref().is_none_or(|xmp| std::str::from_utf8(xmp).is_ok());
    if metadata.cicp.is_some() && format != ImageFormat::Png {
        metadata.cicp = None;
        note("CICP colour space is");
    }
    if metadata.icc.is_some() && !any {
        metadata.icc = None;
        note("ICC profile is");
    }
    if metadata.exif.is_some() && (!any || jpeg && !fits_jpeg(&metadata.exif, JPEG_EXIF_NAME)) {
        metadata.exif = None;
        note("Exif is");
    }
    if metadata.xmp.is_some() && (!any || !text || jpeg && !fits_jpeg(&metadata.xmp, JPEG_XMP_NAME)) {
        metadata.xmp = None;
        note("XMP is");
    }
}

fn jpeg(image: &DynamicImage, metadata: Metadata) -> Result<Vec<u8>, Unwritten> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
    if let Some(icc) = metadata.icc {
        encoder.set_icc_profile(icc)?;
    }
    if let Some(exif) = metadata.exif {
        encoder.set_exif_metadata(exif)?;
    }
    encoder.write_image(image.as_bytes(), image.width(), image.height(), image.color().into())?;
    Ok(match metadata.xmp {
        Some(xmp) => with_xmp(&bytes, &xmp),
        None => bytes,
    })
}

/// A JPEG with XMP in a segment after the first, which is JFIF's and has to be the first.
fn with_xmp(jpeg: &[u8], xmp: &[u8]) -> Vec<u8> {
    let length = (2 + JPEG_XMP_NAME.len() + xmp.len()) as u16;
    let (before, after) = jpeg.split_at(4 + usize::from(u16::from_be_bytes([jpeg[4], jpeg[5]])) - 2 + 2);
    [before, &[0xFF, 0xE1], &length.to_be_bytes(), JPEG_XMP_NAME, xmp, after].concat()
}

fn webp(image: &DynamicImage, metadata: Metadata) -> Result<Vec<u8>, Unwritten> {
    let mut bytes = Vec::new();
    let mut encoder = image_webp::WebPEncoder::new(&mut bytes);
    metadata.icc.into_iter().for_each(|icc| encoder.set_icc_profile(icc));
    metadata.exif.into_iter().for_each(|exif| encoder.set_exif_metadata(exif));
    metadata.xmp.into_iter().for_each(|xmp| encoder.set_xmp_metadata(xmp));
    let colour = if image.color().has_alpha() { image_webp::ColorType::Rgba8 } else { image_webp::ColorType::Rgb8 };
    encoder.encode(image.as_bytes(), image.width(), image.height(), colour)?;
    Ok(bytes)
}

fn plain(image: &DynamicImage, format: ImageFormat) -> Result<Vec<u8>, Unwritten> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format)?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_image::decode_image;
    use crate::reading::Reading;
    use calotype::Samples;

    const KINDS: [Channels; 4] = [Channels::Grey, Channels::GreyAlpha, Channels::Rgb, Channels::Rgba];

    fn picture(channels: Channels, deep: bool) -> Picture {
        let sample = |i: usize| (i * 3701 % 65_521) as u16;
        let samples = (0..5 * 3 * channels.count()).map(sample);
        let samples = if deep { Samples::U16(samples.collect()) } else { Samples::U8(samples.map(|sample| sample as u8).collect()) };
        Picture::new(5, 3, channels, samples).unwrap()
    }

    #[test]
    fn endings_are_read_without_regard_to_case() {
        assert_eq!(format_by_ending(Path::new("a.b/C.PNG")), Some(ImageFormat::Png));
        assert_eq!(format_by_ending(Path::new("png")), None);
        let refused = output_format(Path::new("x.gif"), None).unwrap_err();
        assert_eq!(refused.code, 2);
        assert!(refused.message.contains(".webp"));
    }

    /// Each lossless format gives back what it holds, and says what it does not.
    #[test]
    fn exact_formats_come_back_as_they_were() {
        let formats = ENDINGS.iter().map(|(_, format)| *format).filter(|format| *format != ImageFormat::Jpeg);
        for (format, channels, deep) in formats.flat_map(|format| KINDS.map(|kind| [(format, kind, false), (format, kind, true)])).flatten()
        {
            let original = picture(channels, deep);
            let (bytes, notes) = encode_image(format, original.clone(), Metadata::default()).unwrap();
            let back = decode_image(&bytes, Path::new("x"), &Reading::plain(64 * 64)).unwrap().picture;
            let cut = deep && !matches!(format, ImageFormat::Png | ImageFormat::Tiff | ImageFormat::Pnm);
            let opaque = channels.has_alpha() && format == ImageFormat::Pnm;
            assert_eq!(notes.len(), usize::from(cut) + usize::from(opaque), "{format:?} {channels:?} {deep}: {notes:?}");
            assert_eq!(back.rgb8(), original.rgb8(), "{format:?} {channels:?} {deep}");
            if format == ImageFormat::Png {
                assert_eq!(back, original);
            }
        }
    }

    #[test]
    fn a_format_without_metadata_says_so() {
        let metadata = Metadata { icc: Some(vec![1]), cicp: Some([1; 4]), exif: Some(vec![2]), xmp: Some(vec![3]) };
        let notes = |format| encode_image(format, picture(Channels::Rgb, false), metadata.clone()).unwrap().1.len();
        assert_eq!([ImageFormat::Bmp, ImageFormat::Jpeg, ImageFormat::Png].map(notes), [4, 1, 0]);
    }

    #[test]
    fn what_is_too_long_for_a_segment_is_left_out() {
        let metadata = |length| Metadata { exif: Some(vec![0; length]), xmp: Some(vec![b' '; length]), ..Metadata::default() };
        let notes = |length| encode_image(ImageFormat::Jpeg, picture(Channels::Rgb, false), metadata(length)).unwrap().1.len();
        assert_eq!([65_500, 65_527, 65_528].map(notes), [0, 1, 2]);
    }
}
