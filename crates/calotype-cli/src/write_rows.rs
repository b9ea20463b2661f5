//! Writing pictures band by band: PNG, PNM and TIFF.

use std::borrow::Cow;
use std::io::{self, Read, Seek, Write};

use calotype::{Channels, Metadata, Picture, Samples, Shape};
use image::ImageFormat;
use tiff::encoder::colortype::{ColorType, Gray8, Gray16, RGB8, RGB16, RGBA8, RGBA16};
use tiff::encoder::{ImageEncoder, TiffEncoder, TiffKind, TiffValue};

use crate::exif::{self, Extras};
use crate::failure::Failure;
use crate::pixels::fitted;

/// Rows of a TIFF's strip.
const STRIP_ROWS: u32 = 64;
/// Bytes of a PNG's IDAT chunk.
const IDAT_BYTES: usize = 1 << 20;
/// A TIFF of 4 GiB or more is a BigTIFF; so much less is left for what is not pixels.
const LARGEST_TIFF: u64 = (1 << 32) - (1 << 26);
const PNG_XMP_NAME: &str = "XML:com.adobe.xmp";

/// Whether this format is written in bands.
pub fn in_bands(format: ImageFormat) -> bool {
    matches!(format, ImageFormat::Png | ImageFormat::Pnm | ImageFormat::Tiff)
}

/// Whether a TIFF of this picture is a BigTIFF.
pub fn is_big_tiff(shape: Shape) -> bool {
    shape.pixels() * shape.pixel_bytes() as u64 >= LARGEST_TIFF
}

/// Why a picture has not been written.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// There was no band.
    #[error(transparent)]
    Band(#[from] Failure),
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] io::Error),
}

impl From<png::EncodingError> for Stopped {
    fn from(error: png::EncodingError) -> Stopped {
        Stopped::Write(error.into())
    }
}

impl From<tiff::TiffError> for Stopped {
    fn from(error: tiff::TiffError) -> Stopped {
        Stopped::Write(if let tiff::TiffError::IoError(error) = error { error } else { io::Error::other(error) })
    }
}

/// Writes the bands of a picture from the top, as they come, with what [`fit`](crate::write_image::fit) says of its kind and its metadata.
///
/// # Errors
/// Those of the bands and of writing.
pub fn write_rows(
    sink: &mut (impl Read + Write + Seek),
    format: ImageFormat,
    shape: Shape,
    metadata: &Metadata,
    bands: impl Iterator<Item = Result<Picture, Failure>>,
) -> Result<(), Stopped> {
    let bands = bands.map(|band| band.map(|band| fitted(band, shape).into_samples()));
    match format {
        ImageFormat::Png => png(sink, shape, metadata, bands),
        ImageFormat::Tiff => tiff(sink, shape, metadata, bands),
        _ => pnm(sink, shape, bands),
    }
}

/// 16 bits the high byte first.
fn bytes(samples: Samples) -> Vec<u8> {
    match samples {
        Samples::U8(samples) => samples,
        Samples::U16(samples) => samples.into_iter().flat_map(u16::to_be_bytes).collect(),
    }
}

fn pnm(sink: &mut impl Write, shape: Shape, bands: impl Iterator<Item = Result<Samples, Failure>>) -> Result<(), Stopped> {
    let magic = if shape.channels.is_grey() { "P5" } else { "P6" };
    let largest = if shape.depth == 8 { u16::from(u8::MAX) } else { u16::MAX };
    write!(sink, "{magic}\n{} {}\n{largest}\n", shape.width, shape.height)?;
    for band in bands {
        sink.write_all(&bytes(band?))?;
    }
    Ok(())
}

fn png(
    sink: &mut impl Write,
    shape: Shape,
    metadata: &Metadata,
    bands: impl Iterator<Item = Result<Samples, Failure>>,
) -> Result<(), Stopped> {
    let mut encoder = png::Encoder::with_info(sink, png_info(shape, metadata))?;
    encoder.set_compression(png::Compression::Fast);
    encoder.set_filter(png::Filter::Adaptive);
    if let Some(xmp) = metadata.xmp.as_deref().and_then(|xmp| std::str::from_utf8(xmp).ok()) {
        encoder.add_itxt_chunk(PNG_XMP_NAME.to_string(), xmp.to_string())?;
    }
    let mut writer = encoder.write_header()?;
    if let Some(cicp) = metadata.cicp {
        writer.write_chunk(png::chunk::ChunkType(*b"cICP"), &cicp)?;
    }
    let mut stream = writer.stream_writer_with_size(IDAT_BYTES)?;
    for band in bands {
        stream.write_all(&bytes(band?))?;
    }
    stream.finish()?;
    Ok(writer.finish()?)
}

fn png_info(shape: Shape, metadata: &Metadata) -> png::Info<'_> {
    let mut info = png::Info::with_size(shape.width, shape.height);
    info.color_type = match shape.channels {
        Channels::Grey => png::ColorType::Grayscale,
        Channels::GreyAlpha => png::ColorType::GrayscaleAlpha,
        Channels::Rgb => png::ColorType::Rgb,
        Channels::Rgba => png::ColorType::Rgba,
    };
    info.bit_depth = if shape.depth == 16 { png::BitDepth::Sixteen } else { png::BitDepth::Eight };
    info.icc_profile = metadata.icc.as_deref().map(Cow::Borrowed);
    info.exif_metadata = metadata.exif.as_deref().map(Cow::Borrowed);
    info
}

/// A TIFF has no grey with alpha: that comes as RGB with alpha.
fn tiff(
    sink: &mut (impl Read + Write + Seek),
    shape: Shape,
    metadata: &Metadata,
    bands: impl Iterator<Item = Result<Samples, Failure>>,
) -> Result<(), Stopped> {
    match (shape.channels, shape.depth) {
        (Channels::Grey, 8) => tiff_of::<Gray8>(sink, shape, bands.map(shallow)),
        (Channels::Rgb, 8) => tiff_of::<RGB8>(sink, shape, bands.map(shallow)),
        (_, 8) => tiff_of::<RGBA8>(sink, shape, bands.map(shallow)),
        (Channels::Grey, _) => tiff_of::<Gray16>(sink, shape, bands.map(deep)),
        (Channels::Rgb, _) => tiff_of::<RGB16>(sink, shape, bands.map(deep)),
        (_, _) => tiff_of::<RGBA16>(sink, shape, bands.map(deep)),
    }?;
    let extras = Extras { exif: metadata.exif.as_deref(), icc: metadata.icc.as_deref(), xmp: metadata.xmp.as_deref() };
    let none = extras.exif.or(extras.icc).or(extras.xmp).is_none();
    if none || exif::add_to_tiff(sink, &extras)? {
        Ok(())
    } else {
        Err(io::Error::other("its metadata does not fit into this TIFF").into())
    }
}

fn shallow(band: Result<Samples, Failure>) -> Result<Vec<u8>, Failure> {
    band.map(bytes)
}

fn deep(band: Result<Samples, Failure>) -> Result<Vec<u16>, Failure> {
    band.map(|samples| match samples {
        Samples::U8(samples) => samples.into_iter().map(|sample| u16::from(sample) * 257).collect(),
        Samples::U16(samples) => samples,
    })
}

fn tiff_of<C: ColorType>(
    sink: &mut (impl Write + Seek),
    shape: Shape,
    bands: impl Iterator<Item = Result<Vec<C::Inner>, Failure>>,
) -> Result<(), Stopped>
where
    C::Inner: Clone,
    [C::Inner]: TiffValue,
{
    if is_big_tiff(shape) {
        strips(TiffEncoder::new_big(sink)?.new_image::<C>(shape.width, shape.height)?, bands)
    } else {
        strips(TiffEncoder::new(sink)?.new_image::<C>(shape.width, shape.height)?, bands)
    }
}

/// Bands cut into strips; what is less than a strip waits for the next band.
fn strips<W: Write + Seek, C: ColorType, K: TiffKind>(
    mut image: ImageEncoder<'_, W, C, K>,
    bands: impl Iterator<Item = Result<Vec<C::Inner>, Failure>>,
) -> Result<(), Stopped>
where
    C::Inner: Clone,
    [C::Inner]: TiffValue,
{
    image.rows_per_strip(STRIP_ROWS)?;
    let mut waiting = Vec::new();
    for band in bands {
        waiting.extend(band?);
        let mut rest = &waiting[..];
        while let Some((strip, later)) =
            rest.split_at_checked(image.next_strip_sample_count() as usize).filter(|(strip, _)| !strip.is_empty())
        {
            image.write_strip(strip)?;
            rest = later;
        }
        waiting = rest.to_vec();
    }
    Ok(image.finish()?)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::path::Path;

    use super::*;
    use crate::read_image::decode_image;
    use crate::read_rows::RowSource;
    use crate::reading::Reading;

    fn picture(width: u32, height: u32, channels: Channels, depth: u8) -> Picture {
        let samples = (0..width * height * channels.count() as u32).map(|i| (i * 7919 % 65_521) as u16);
        let samples = if depth == 8 { Samples::U8(samples.map(|sample| sample as u8).collect()) } else { Samples::U16(samples.collect()) };
        Picture::new(width, height, channels, samples).unwrap()
    }

    /// In bands of 1, 2, 3 rows and so on.
    fn bands(picture: &Picture) -> impl Iterator<Item = Result<Picture, Failure>> {
        let heights = (1..).scan(0, |top, height| Some(std::mem::replace(top, *top + height)..*top));
        let rows = |rows: std::ops::Range<u32>| picture.rows(rows.start..rows.end.min(picture.height())).ok().map(Ok);
        heights.map_while(rows)
    }

    fn metadata(grey: bool) -> Metadata {
        let icc = if grey { moxcms::ColorProfile::new_gray_with_gamma(2.2) } else { moxcms::ColorProfile::new_display_p3() };
        let icc = icc.encode().unwrap();
        Metadata { icc: Some(icc), cicp: None, exif: Some(exif::of_orientation(1)), xmp: Some(b"<x/>".to_vec()) }
    }

    #[test]
    fn rows_come_back_from_every_format() {
        let (eight, sixteen) = (
            [Channels::Grey, Channels::Rgb, Channels::Rgba].map(|channels| (channels, 8)),
            [Channels::Grey, Channels::Rgb, Channels::Rgba].map(|channels| (channels, 16)),
        );
        for ((channels, depth), (width, height)) in
            eight.into_iter().chain(sixteen).zip([(5, 150), (1, 1), (7, 64), (300, 129), (3, 200), (64, 65)])
        {
            let picture = picture(width, height, channels, depth);
            for format in [ImageFormat::Png, ImageFormat::Pnm, ImageFormat::Tiff] {
                if format == ImageFormat::Pnm && channels.has_alpha() {
                    continue;
                }
                let metadata = if format == ImageFormat::Pnm { Metadata::default() } else { metadata(channels.is_grey()) };
                let mut file = Cursor::new(Vec::new());
                write_rows(&mut file, format, picture.shape(), &metadata, bands(&picture)).unwrap();
                let (file, what) = (file.into_inner(), format!("{format:?} {:?}", picture.shape()));
                let mut source = RowSource::open(Path::new("-"), &file, &Reading::plain(100_000)).expect("rows");
                assert_eq!((source.shape, &source.metadata), (picture.shape(), &metadata), "{what}");
                let top = source.next(1).unwrap();
                let parts = [Ok(top)].into_iter().chain((height > 1).then(|| Ok(source.next(height - 1).unwrap())));
                assert!(Picture::stacked(parts).unwrap() == picture, "{what}");
                let whole = decode_image(&file, Path::new("x"), &Reading::plain(100_000)).unwrap();
                assert!(whole.picture == picture && whole.metadata == metadata && whole.notes == source.notes, "{what}, as a whole");
                let cut = RowSource::open(Path::new("-"), &file[..file.len() * 2 / 3], &Reading::plain(100_000));
                // A TIFF's metadata is at its end.
                let noticed = cut.map_or(true, |mut source| source.next(height).is_err() || source.notes.len() > whole.notes.len());
                assert!(noticed || file.len() < 1000, "{what}, cut");
            }
        }
    }

    #[test]
    fn a_missing_band_stops_the_writing() {
        let picture = picture(2, 2, Channels::Rgb, 8);
        let failed = || [picture.rows(0..1).map_err(|_| Failure::usage("")), Err(Failure::usage("no more"))].into_iter();
        for format in [ImageFormat::Png, ImageFormat::Pnm, ImageFormat::Tiff] {
            let stopped = write_rows(&mut Cursor::new(Vec::new()), format, picture.shape(), &Metadata::default(), failed());
            assert!(matches!(stopped, Err(Stopped::Band(Failure { code: 2, .. }))), "{format:?}");
        }
    }
}
