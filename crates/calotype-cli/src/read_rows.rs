//! Reading images row by row: PNG, PNM and TIFF of 8-bit grey or RGB that bring nothing else along. Others are read as a whole.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Seek};
use std::path::Path;

use calotype::Shape;
use image::ImageDecoder;
use image::codecs::pnm::{PnmDecoder, PnmSubtype, SampleEncoding};
use tiff::ColorType;
use tiff::decoder::{ChunkType, DecodingResult};
use tiff::tags::Tag;

use crate::failure::Failure;
use crate::output::is_pipe;

/// Pixels of a strip or tile of a TIFF that is read in rows.
const LARGEST_CHUNK_PX: u64 = 64 << 20;
/// Tags of a TIFF that say how its pixels are stored, and its resolution; others are metadata, which is read with the whole picture.
const STRUCTURE: [u16; 23] =
    [254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 282, 283, 284, 296, 317, 322, 323, 324, 325, 338, 339];

/// An image file, or one in memory.
trait Input: BufRead + Seek {}
impl Input for BufReader<File> {}
impl Input for Cursor<&[u8]> {}

/// An image whose rows are read from the top.
pub struct RowSource<'a> {
    /// Its size, and whether it has one channel.
    pub shape: Shape,
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
    /// The next chunk.
    chunk: u32,
    /// Rows of the last chunks.
    samples: Vec<u8>,
    /// Samples of them that have been read.
    used: usize,
}

impl<'a> RowSource<'a> {
    /// Opens the image file `path`, or, if that is a pipe, what has come from it.
    /// `None` if it must be read as a whole, or cannot be read at all, as that will tell.
    pub fn open(path: &'a Path, piped: &'a [u8]) -> Option<RowSource<'a>> {
        let input = || -> Option<Box<dyn Input + 'a>> {
            let file = || File::open(path).ok().filter(|file| file.metadata().is_ok_and(|metadata| metadata.is_file()));
            if is_pipe(path) { Some(Box::new(Cursor::new(piped))) } else { Some(Box::new(BufReader::new(file()?))) }
        };
        match input()?.fill_buf().ok()? {
            [0x89, b'P', b'N', b'G', ..] => png_rows(input()?, path),
            [b'P', b'5' | b'6', ..] => pnm_rows(input()?, path),
            [b'I', b'I', ..] | [b'M', b'M', ..] => tiff_rows(input()?, path),
            _ => None,
        }
    }

    /// Reads the next rows as 8-bit RGB.
    ///
    /// # Errors
    /// Malformed if the file is damaged or ends too early.
    pub fn fill(&mut self, rows: &mut [u8]) -> Result<(), Failure> {
        rows.chunks_exact_mut(3 * self.shape.width as usize).try_for_each(|row| self.fill_row(row))
    }

    fn fill_row(&mut self, row: &mut [u8]) -> Result<(), Failure> {
        let damaged = |error: String| Failure::malformed(self.path, format!("is a damaged image: {error}"));
        let samples = if self.shape.grey { row.len() / 3 } else { row.len() };
        match &mut self.rows {
            Rows::Png(reader) => {
                let next = reader.next_row().map_err(|error| damaged(error.to_string()))?;
                let next = next.ok_or_else(|| damaged("it ends too early".to_string()))?;
                row[..samples].copy_from_slice(&next.data()[..samples]);
            }
            Rows::Pnm(reader) => reader.read_exact(&mut row[..samples]).map_err(|error| damaged(error.to_string()))?,
            Rows::Tiff(tiff) => tiff.read(&mut row[..samples]).map_err(|error| damaged(error.to_string()))?,
        }
        if self.shape.grey {
            (0..samples).rev().for_each(|x| {
                let value = row[x];
                row[3 * x..][..3].fill(value);
            });
        }
        Ok(())
    }
}

fn png_rows<'a>(input: Box<dyn Input + 'a>, path: &'a Path) -> Option<RowSource<'a>> {
    let mut decoder = png::Decoder::new(input);
    decoder.set_transformations(png::Transformations::EXPAND);
    let reader = decoder.read_info().ok()?;
    let info = reader.info();
    let plain = info.icc_profile.is_none()
        && info.exif_metadata.is_none()
        && info.coding_independent_code_points.is_none()
        && info.utf8_text.is_empty()
        && info.animation_control.is_none()
        && !info.interlaced;
    let (width, height) = (info.width, info.height);
    let grey = match reader.output_color_type() {
        (png::ColorType::Grayscale, png::BitDepth::Eight) => true,
        (png::ColorType::Rgb, png::BitDepth::Eight) => false,
        _ => return None,
    };
    plain.then(|| RowSource { shape: Shape { width, height, grey }, rows: Rows::Png(Box::new(reader)), path })
}

fn pnm_rows<'a>(input: Box<dyn Input + 'a>, path: &'a Path) -> Option<RowSource<'a>> {
    let decoder = PnmDecoder::new(input).ok()?;
    let (width, height) = decoder.dimensions();
    let (input, header) = decoder.into_inner();
    let grey = match header.subtype() {
        PnmSubtype::Graymap(SampleEncoding::Binary) => true,
        PnmSubtype::Pixmap(SampleEncoding::Binary) => false,
        _ => return None,
    };
    (header.maximal_sample() == 255).then(|| RowSource { shape: Shape { width, height, grey }, rows: Rows::Pnm(input), path })
}

fn tiff_rows<'a>(input: Box<dyn Input + 'a>, path: &'a Path) -> Option<RowSource<'a>> {
    let mut decoder = tiff::decoder::Decoder::new(input).ok()?.with_limits(tiff::decoder::Limits::unlimited());
    let (width, height) = decoder.dimensions().ok()?;
    let grey = match decoder.colortype().ok()? {
        ColorType::Gray(8) => true,
        ColorType::RGB(8) => false,
        _ => return None,
    };
    let planar = decoder.find_tag_unsigned::<u32>(Tag::PlanarConfiguration).ok()?.is_some_and(|planar| planar != 1);
    let signed =
        decoder.find_tag_unsigned_vec::<u32>(Tag::SampleFormat).ok()?.is_some_and(|formats| formats.iter().any(|&format| format != 1));
    let brings = decoder.tag_iter().any(|tag| tag.is_err() || tag.is_ok_and(|(tag, _)| !STRUCTURE.contains(&tag.to_u16())));
    let (columns, rows) = decoder.chunk_dimensions();
    if planar || signed || brings || u64::from(columns) * u64::from(rows.min(height)) > LARGEST_CHUNK_PX {
        return None;
    }
    let rows = Rows::Tiff(Box::new(TiffRows { decoder, chunk: 0, samples: Vec::new(), used: 0 }));
    Some(RowSource { shape: Shape { width, height, grey }, rows, path })
}

fn sizes() -> tiff::TiffError {
    io::Error::new(io::ErrorKind::InvalidData, "its strips or tiles do not fit").into()
}

impl TiffRows<'_> {
    fn read(&mut self, row: &mut [u8]) -> tiff::TiffResult<()> {
        if self.used == self.samples.len() {
            self.next_chunks(row.len())?;
        }
        row.copy_from_slice(&self.samples[self.used..][..row.len()]);
        self.used += row.len();
        Ok(())
    }

    /// A strip, or a row of tiles.
    fn next_chunks(&mut self, row: usize) -> tiff::TiffResult<()> {
        let (width, _) = self.decoder.dimensions()?;
        let across = match self.decoder.get_chunk_type() {
            ChunkType::Strip => 1,
            ChunkType::Tile => width.div_ceil(self.decoder.chunk_dimensions().0),
        };
        self.used = 0;
        let mut left = 0;
        for chunk in self.chunk..self.chunk + across {
            let (_, rows) = self.decoder.chunk_data_dimensions(chunk);
            let DecodingResult::U8(samples) = self.decoder.read_chunk(chunk)? else {
                return Err(sizes());
            };
            let length = samples.len() / rows.max(1) as usize;
            self.samples.resize(rows as usize * row, 0);
            for (to, from) in self.samples.chunks_exact_mut(row).zip(samples.chunks_exact(length.max(1))) {
                let to = to.get_mut(left..left + length).ok_or_else(sizes)?;
                to.copy_from_slice(from);
            }
            left += length;
        }
        self.chunk += across;
        if left == row { Ok(()) } else { Err(sizes()) }
    }
}
