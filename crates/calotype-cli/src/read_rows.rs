//! Reading images row by row: PNG, TIFF and PNM, of any kind that they store row by row. Others are read as a whole.

use std::fs::File;
use std::io::{self, BufReader, Cursor};
use std::path::Path;

use calotype::{Channels, Metadata, Picture, Samples, Shape};
use image::codecs::pnm::{PnmDecoder, PnmSubtype, SampleEncoding};
use image::metadata::Orientation;
use image::{ImageDecoder, ImageFormat, ImageReader};
use tiff::decoder::{ChunkType, DecodingResult};
use tiff::tags::Tag;

use crate::failure::Failure;
use crate::metadata::Company;
use crate::output::is_pipe;
use crate::read_image::{Input, Turn, company_of, pixels_of};

/// Why an image is not read row by row: what to do about it.
pub type Remedy = &'static str;
const ANOTHER_FORMAT: Remedy = "store it as a PNG or TIFF, which is read row by row";
const WITHOUT_TURNING: Remedy = "leave it as it is stored with --orientation keep";

/// An image whose rows are read from the top.
pub struct RowSource<'a> {
    /// Size and kind.
    pub shape: Shape,
    /// What comes with it.
    pub metadata: Metadata,
    /// As in [`Source`](crate::read_image::Source).
    pub notes: Vec<String>,
    /// Bytes that are held of it beside the rows that are asked for.
    pub held_bytes: u64,
    rows: Rows<'a>,
    path: &'a Path,
}

enum Rows<'a> {
    Png(Box<png::Reader<Box<dyn Input + 'a>>>),
    Pnm(Box<dyn Input + 'a>),
    Tiff(Box<TiffRows<'a>>),
}

/// A TIFF in strips or tiles.
struct TiffRows<'a> {
    decoder: tiff::decoder::Decoder<Box<dyn Input + 'a>>,
    pixel_bytes: usize,
    /// The next chunk.
    chunk: u32,
    /// Rows of the last chunks; 16 bits the high byte first.
    bytes: Vec<u8>,
    /// Bytes of them that have been read.
    used: usize,
}

/// Rows with their kind, and bytes that are held for them.
struct Opened<'a> {
    shape: Shape,
    rows: Rows<'a>,
    held_bytes: u64,
}

impl<'a> RowSource<'a> {
    /// Opens the image file `path`, or, if that is a pipe, what has come from it.
    ///
    /// # Errors
    /// Why it must be read as a whole; that also tells if it cannot be read at all.
    pub fn open(path: &'a Path, piped: &'a [u8], turn: Turn) -> Result<RowSource<'a>, Remedy> {
        let input = || input(path, piped).ok_or(ANOTHER_FORMAT);
        let begin = input()?.fill_buf().map_err(|_| ANOTHER_FORMAT)?.first_chunk().copied();
        let (format, opened) = match begin.ok_or(ANOTHER_FORMAT)? {
            [0x89, b'P', b'N', b'G'] => (ImageFormat::Png, pixels_of(input()?, ImageFormat::Png).ok().and_then(png_rows)),
            [b'P', b'5' | b'6', ..] => (ImageFormat::Pnm, pnm_rows(input()?)),
            [b'I', b'I', ..] | [b'M', b'M', ..] => (ImageFormat::Tiff, tiff_rows(input()?)),
            _ => return Err(ANOTHER_FORMAT),
        };
        let opened = opened.filter(|opened| opened.shape.pixels() > 0);
        let Opened { shape, rows, held_bytes } = opened.ok_or("store it as a plain PNG or TIFF: not interlaced, in strips or tiles")?;
        let pixels = pixels_of(input()?, format).map_err(|_| ANOTHER_FORMAT)?;
        let decoder = ImageReader::with_format(pixels, format).into_decoder().map_err(|_| ANOTHER_FORMAT)?;
        let Company { metadata, orientation, notes } = company_of(&mut input()?, format, decoder.color_type(), turn);
        if orientation != Orientation::NoTransforms {
            return Err(WITHOUT_TURNING);
        }
        Ok(RowSource { shape, metadata, notes, held_bytes, rows, path })
    }

    /// Reads the next rows, so many.
    ///
    /// # Errors
    /// Malformed if the file is damaged or ends too early.
    pub fn next(&mut self, rows: u32) -> Result<Picture, Failure> {
        let Shape { width, channels, depth, .. } = self.shape;
        let row = width as usize * self.shape.pixel_bytes();
        let mut bytes = vec![0; row * rows as usize];
        let filled = bytes.chunks_exact_mut(row).try_for_each(|row| self.rows.fill(row));
        filled.map_err(|error| Failure::malformed(self.path, format!("is a damaged image: {error}")))?;
        let deep = |bytes: &[u8]| bytes.as_chunks().0.iter().map(|sample| u16::from_be_bytes(*sample)).collect();
        let samples = if depth == 8 { Samples::U8(bytes) } else { Samples::U16(deep(&bytes)) };
        Picture::new(width, rows, channels, samples).map_err(|error| Failure::codec(self.path, &error))
    }
}

fn input<'a>(path: &'a Path, piped: &'a [u8]) -> Option<Box<dyn Input + 'a>> {
    let file = || File::open(path).ok().filter(|file| file.metadata().is_ok_and(|metadata| metadata.is_file()));
    if is_pipe(path) { Some(Box::new(Cursor::new(piped))) } else { Some(Box::new(BufReader::new(file()?))) }
}

impl Rows<'_> {
    /// The bytes of the next row, 16 bits the high byte first.
    fn fill(&mut self, row: &mut [u8]) -> Result<(), String> {
        match self {
            Rows::Png(reader) => {
                let next = reader.next_row().map_err(|error| error.to_string())?.ok_or("it ends too early")?;
                row.copy_from_slice(next.data().get(..row.len()).ok_or("its rows are too short")?);
                Ok(())
            }
            Rows::Pnm(reader) => reader.read_exact(row).map_err(|error| error.to_string()),
            Rows::Tiff(tiff) => tiff.read(row).map_err(|error| error.to_string()),
        }
    }
}

fn png_rows<'a>(input: Box<dyn Input + 'a>) -> Option<Opened<'a>> {
    let mut decoder = png::Decoder::new(input);
    decoder.set_transformations(png::Transformations::EXPAND);
    let reader = decoder.read_info().ok()?;
    let (colour, depth) = reader.output_color_type();
    let channels = match colour {
        png::ColorType::Grayscale => Channels::Grey,
        png::ColorType::GrayscaleAlpha => Channels::GreyAlpha,
        png::ColorType::Rgb => Channels::Rgb,
        png::ColorType::Rgba => Channels::Rgba,
        png::ColorType::Indexed => return None,
    };
    let depth = if depth == png::BitDepth::Sixteen { 16 } else { 8 };
    let info = reader.info();
    let shape = Shape { width: info.width, height: info.height, channels, depth };
    let in_rows = info.animation_control.is_none() && !info.interlaced;
    in_rows.then(|| Opened { shape, rows: Rows::Png(Box::new(reader)), held_bytes: 0 })
}

fn pnm_rows<'a>(input: Box<dyn Input + 'a>) -> Option<Opened<'a>> {
    let decoder = PnmDecoder::new(input).ok()?;
    let (width, height) = decoder.dimensions();
    let (input, header) = decoder.into_inner();
    let channels = match header.subtype() {
        PnmSubtype::Graymap(SampleEncoding::Binary) => Channels::Grey,
        PnmSubtype::Pixmap(SampleEncoding::Binary) => Channels::Rgb,
        _ => return None,
    };
    let depth = match header.maximal_sample() {
        255 => 8,
        65_535 => 16,
        _ => return None,
    };
    Some(Opened { shape: Shape { width, height, channels, depth }, rows: Rows::Pnm(input), held_bytes: 0 })
}

fn tiff_rows<'a>(input: Box<dyn Input + 'a>) -> Option<Opened<'a>> {
    use tiff::ColorType::{Gray, GrayA, RGB, RGBA};
    let mut decoder = tiff::decoder::Decoder::new(input).ok()?.with_limits(tiff::decoder::Limits::unlimited());
    let (width, height) = decoder.dimensions().ok()?;
    let (channels, depth) = match decoder.colortype().ok()? {
        Gray(depth @ (8 | 16)) => (Channels::Grey, depth),
        GrayA(depth @ (8 | 16)) => (Channels::GreyAlpha, depth),
        RGB(depth @ (8 | 16)) => (Channels::Rgb, depth),
        RGBA(depth @ (8 | 16)) => (Channels::Rgba, depth),
        _ => return None,
    };
    let shape = Shape { width, height, channels, depth };
    let planar = decoder.find_tag_unsigned::<u32>(Tag::PlanarConfiguration).ok()?.is_some_and(|planar| planar != 1);
    let signed =
        decoder.find_tag_unsigned_vec::<u32>(Tag::SampleFormat).ok()?.is_some_and(|formats| formats.iter().any(|&format| format != 1));
    // Chunks are held stored and decoded, and a row of them put together.
    let (columns, rows) = decoder.chunk_dimensions();
    let held_bytes = u64::from(columns.max(width)).saturating_mul(3 * u64::from(rows.min(height)) * shape.pixel_bytes() as u64);
    let rows = TiffRows { decoder, pixel_bytes: shape.pixel_bytes(), chunk: 0, bytes: Vec::new(), used: 0 };
    (!planar && !signed).then(|| Opened { shape, rows: Rows::Tiff(Box::new(rows)), held_bytes })
}

fn sizes() -> tiff::TiffError {
    io::Error::new(io::ErrorKind::InvalidData, "its strips or tiles do not fit").into()
}

impl TiffRows<'_> {
    fn read(&mut self, row: &mut [u8]) -> tiff::TiffResult<()> {
        if self.used == self.bytes.len() {
            self.next_chunks(row.len())?;
        }
        let next = self.bytes.get(self.used..self.used + row.len()).ok_or_else(sizes)?;
        row.copy_from_slice(next);
        self.used += row.len();
        Ok(())
    }

    /// A strip, or a row of tiles; `row` bytes each row.
    fn next_chunks(&mut self, row: usize) -> tiff::TiffResult<()> {
        let (width, _) = self.decoder.dimensions()?;
        let across = match self.decoder.get_chunk_type() {
            ChunkType::Strip => 1,
            ChunkType::Tile => width.div_ceil(self.decoder.chunk_dimensions().0),
        };
        self.used = 0;
        let mut left = 0;
        for chunk in self.chunk..self.chunk + across {
            let (columns, rows) = self.decoder.chunk_data_dimensions(chunk);
            let bytes = match self.decoder.read_chunk(chunk)? {
                DecodingResult::U8(samples) => samples,
                DecodingResult::U16(samples) => samples.into_iter().flat_map(u16::to_be_bytes).collect(),
                _ => return Err(sizes()),
            };
            let length = columns as usize * self.pixel_bytes;
            self.bytes.resize(rows as usize * row, 0);
            for (to, from) in self.bytes.chunks_exact_mut(row).zip(bytes.chunks_exact(length.max(1))) {
                to.get_mut(left..left + length).ok_or_else(sizes)?.copy_from_slice(from);
            }
            left += length;
        }
        self.chunk += across;
        if left == row { Ok(()) } else { Err(sizes()) }
    }
}
