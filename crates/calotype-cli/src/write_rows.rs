//! Writing pictures band by band: PNG, PNM and TIFF of 8-bit grey or RGB.

use std::io::{self, Seek, Write};

use calotype::{Band, Shape};
use image::ImageFormat;
use tiff::encoder::colortype::{self, ColorType};
use tiff::encoder::{ImageEncoder, TiffEncoder, TiffKind};

use crate::failure::Failure;

/// Rows of a TIFF's strip.
const STRIP_ROWS: u32 = 64;
/// Bytes of a PNG's IDAT chunk.
const IDAT_BYTES: usize = 1 << 20;
/// A TIFF of 4 GiB or more is a BigTIFF; so much less is left for what is not pixels.
const LARGEST_TIFF: u64 = (1 << 32) - (1 << 26);

/// Whether this format is written in bands.
pub fn in_bands(format: ImageFormat) -> bool {
    matches!(format, ImageFormat::Png | ImageFormat::Pnm | ImageFormat::Tiff)
}

/// Why a picture has not been written.
#[derive(Debug)]
pub enum Stopped {
    /// There was no band.
    Band(Failure),
    /// It could not be written.
    Write(io::Error),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Stopped {
        Stopped::Band(failure)
    }
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Stopped {
        Stopped::Write(error)
    }
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

/// Writes the bands of a picture, RGB from the top, as they come.
///
/// # Errors
/// Those of the bands and of writing.
pub fn write_rows(
    sink: &mut (impl Write + Seek),
    format: ImageFormat,
    shape: Shape,
    bands: impl Iterator<Item = Result<Band, Failure>>,
) -> Result<(), Stopped> {
    let bands = bands.map(|band| band.map(|band| samples(band.rgb, shape)));
    match (format, shape.grey) {
        (ImageFormat::Png, _) => png(sink, shape, bands),
        (ImageFormat::Tiff, false) => tiff::<colortype::RGB8>(sink, shape, bands),
        (ImageFormat::Tiff, true) => tiff::<colortype::Gray8>(sink, shape, bands),
        _ => pnm(sink, shape, bands),
    }
}

/// The samples to write.
fn samples(mut rgb: Vec<u8>, shape: Shape) -> Vec<u8> {
    if shape.grey {
        let pixels = rgb.len() / 3;
        (0..pixels).for_each(|pixel| rgb[pixel] = rgb[3 * pixel]);
        rgb.truncate(pixels);
    }
    rgb
}

fn pnm(sink: &mut impl Write, shape: Shape, bands: impl Iterator<Item = Result<Vec<u8>, Failure>>) -> Result<(), Stopped> {
    let magic = if shape.grey { "P5" } else { "P6" };
    write!(sink, "{magic}\n{} {}\n255\n", shape.width, shape.height)?;
    for band in bands {
        sink.write_all(&band?)?;
    }
    Ok(())
}

fn png(sink: &mut impl Write, shape: Shape, bands: impl Iterator<Item = Result<Vec<u8>, Failure>>) -> Result<(), Stopped> {
    let mut encoder = png::Encoder::new(sink, shape.width, shape.height);
    encoder.set_color(if shape.grey { png::ColorType::Grayscale } else { png::ColorType::Rgb });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.set_filter(png::Filter::Adaptive);
    let mut writer = encoder.write_header()?;
    let mut stream = writer.stream_writer_with_size(IDAT_BYTES)?;
    for band in bands {
        stream.write_all(&band?)?;
    }
    stream.finish()?;
    Ok(writer.finish()?)
}

fn tiff<C: ColorType<Inner = u8>>(
    sink: &mut (impl Write + Seek),
    shape: Shape,
    bands: impl Iterator<Item = Result<Vec<u8>, Failure>>,
) -> Result<(), Stopped> {
    let bytes = u64::from(shape.width) * u64::from(shape.height) * if shape.grey { 1 } else { 3 };
    if bytes < LARGEST_TIFF {
        strips(TiffEncoder::new(sink)?.new_image::<C>(shape.width, shape.height)?, bands)
    } else {
        strips(TiffEncoder::new_big(sink)?.new_image::<C>(shape.width, shape.height)?, bands)
    }
}

/// Bands cut into strips; what is less than a strip waits for the next band.
fn strips<W: Write + Seek, C: ColorType<Inner = u8>, K: TiffKind>(
    mut image: ImageEncoder<'_, W, C, K>,
    bands: impl Iterator<Item = Result<Vec<u8>, Failure>>,
) -> Result<(), Stopped> {
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
    use crate::read_rows::RowSource;

    /// A picture in bands of 1, 2, 3 rows and so on.
    fn bands(rgb: &[u8], width: usize) -> Vec<Result<Band, Failure>> {
        let (mut rest, mut bands) = (rgb, Vec::new());
        while !rest.is_empty() {
            let (band, later) = rest.split_at(rest.len().min(3 * width * (bands.len() + 1)));
            bands.push(Ok(Band { height: (band.len() / (3 * width)) as u32, rgb: band.to_vec() }));
            rest = later;
        }
        bands
    }

    #[test]
    fn rows_come_back_from_every_format() {
        for (width, height, grey) in [(5, 150, false), (1, 1, false), (7, 64, true), (300, 129, true)] {
            let shape = Shape { width, height, grey };
            let value = |i: u32| (i / if grey { 3 } else { 1 } * 37 % 251) as u8;
            let rgb: Vec<u8> = (0..width * height * 3).map(value).collect();
            for format in [ImageFormat::Png, ImageFormat::Pnm, ImageFormat::Tiff] {
                let mut file = Cursor::new(Vec::new());
                write_rows(&mut file, format, shape, bands(&rgb, width as usize).into_iter()).unwrap();
                let file = file.into_inner();
                let mut source = RowSource::open(Path::new("-"), &file).expect("plain pixels");
                assert_eq!(source.shape, shape);
                let mut back = vec![0; rgb.len()];
                let (top, bottom) = back.split_at_mut(3 * width as usize);
                source.fill(top).unwrap();
                source.fill(bottom).unwrap();
                assert!(back == rgb, "{format:?} {shape:?}");
                let whole = image::load_from_memory(&file).unwrap();
                assert_eq!(whole.color().channel_count(), if grey { 1 } else { 3 });
                assert!(whole.into_rgb8().into_raw() == rgb, "{format:?} {shape:?}, the image crate's");
                let mut cut = RowSource::open(Path::new("-"), &file[..file.len() - 9]);
                let refused = cut.as_mut().is_none_or(|source| source.fill(&mut back).is_err());
                assert!(refused || format == ImageFormat::Png, "{format:?} {shape:?}, cut");
            }
        }
    }

    #[test]
    fn a_missing_band_stops_the_writing() {
        let shape = Shape { width: 2, height: 2, grey: false };
        let failed = || [Ok(Band { height: 1, rgb: vec![0; 6] }), Err(Failure::usage("no more"))].into_iter();
        for format in [ImageFormat::Png, ImageFormat::Pnm, ImageFormat::Tiff] {
            let stopped = write_rows(&mut Cursor::new(Vec::new()), format, shape, failed());
            assert!(matches!(stopped, Err(Stopped::Band(Failure { code: 2, .. }))), "{format:?}");
        }
    }
}
