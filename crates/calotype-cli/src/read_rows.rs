//! Reading images row by row: PNG, TIFF and PNM, of any kind that they store row by row. Others are read as a whole.

use std::fs::File;
use std::io::{BufReader, Cursor};
use std::path::Path;

use calotype::{Channels, Metadata, Picture, Samples, Shape};
use image::codecs::pnm::{PnmDecoder, PnmSubtype, SampleEncoding};
use image::metadata::Orientation;
use image::{ImageDecoder, ImageFormat};

use crate::failure::Failure;
use crate::frames::Frames;
use crate::kind::Kind;
use crate::metadata::{Company, damage_of_png};
use crate::output::is_pipe;
use crate::pixels;
use crate::read_size;
use crate::read_tiff::{self, TiffRows};
use crate::reading::{Input, Reading, broken_note, company_of, pixels_of};
use crate::refusal::{BREAKS_OFF, Refusal};

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
    /// Whether grey rows take the place of those that cannot be read.
    salvage: bool,
    /// Whether a row has been read.
    read: bool,
    /// What is wrong with the rows that are grey.
    broken: Option<String>,
    /// What is wrong with rows that can be read.
    damage: Option<String>,
}

enum Rows<'a> {
    Png(Box<png::Reader<Box<dyn Input + 'a>>>),
    Pnm(Box<dyn Input + 'a>),
    Tiff(Box<TiffRows<Box<dyn Input + 'a>>>),
}

/// Rows with their kind, and bytes that are held for them.
struct Opened<'a> {
    shape: Shape,
    rows: Rows<'a>,
    held_bytes: u64,
    notes: Vec<String>,
}

impl<'a> RowSource<'a> {
    /// Opens the image file `path`, or, if that is a pipe, what has come from it.
    ///
    /// # Errors
    /// Why it must be read as a whole; that also tells if it cannot be read at all.
    pub fn open(path: &'a Path, piped: &'a [u8], reading: &Reading) -> Result<RowSource<'a>, Remedy> {
        let input = || input(path, piped).ok_or(ANOTHER_FORMAT);
        if reading.frame.is_some_and(|frame| frame > 1) {
            return Err("store that frame as a file of its own");
        }
        let begin = input()?.fill_buf().map_err(|_| ANOTHER_FORMAT)?.first_chunk().copied();
        let (format, opened) = match begin.ok_or(ANOTHER_FORMAT)? {
            [0x89, b'P', b'N', b'G'] => (ImageFormat::Png, pixels_of(input()?, ImageFormat::Png).ok().and_then(png_rows)),
            [b'P', b'5' | b'6', ..] => (ImageFormat::Pnm, pnm_rows(input()?)),
            [b'I', b'I', ..] | [b'M', b'M', ..] => (ImageFormat::Tiff, tiff_rows(input()?)),
            _ => return Err(ANOTHER_FORMAT),
        };
        let damage = if format == ImageFormat::Png { damage_of_png(&mut input()?) } else { None };
        if damage.is_some() && !reading.salvage {
            return Err("get the file again: it is damaged");
        }
        let opened = opened.filter(|opened| opened.shape.pixels() > 0);
        let Opened { shape, rows, held_bytes, notes: mut all_notes } =
            opened.ok_or("store it as a plain PNG or TIFF: not interlaced, in strips or tiles")?;
        let Company { metadata, orientation, notes } = company_of(&mut input()?, format, pixels::color_type(shape), reading.turn);
        if orientation != Orientation::NoTransforms {
            return Err(WITHOUT_TURNING);
        }
        if reading.frame.is_none() {
            all_notes.extend(Frames::of(&mut input()?, Kind::Image(format)).note());
        }
        all_notes.extend(notes);
        Ok(RowSource {
            shape,
            metadata,
            notes: all_notes,
            held_bytes,
            rows,
            path,
            salvage: reading.salvage,
            read: false,
            broken: None,
            damage,
        })
    }

    /// Reads the next rows, so many.
    ///
    /// # Errors
    /// If the file is damaged or ends too early, malformed; rows that are salvaged are grey from there on.
    pub fn next(&mut self, rows: u32) -> Result<Picture, Failure> {
        let Shape { width, channels, depth, .. } = self.shape;
        let row = width as usize * self.shape.pixel_bytes();
        let mut bytes = vec![0; row * rows as usize];
        for row in bytes.chunks_exact_mut(row) {
            self.fill(row).map_err(|refusal| match refusal {
                Refusal::Damaged(_) if self.read => refusal.of_part(self.path),
                _ => refusal.of(self.path),
            })?;
        }
        let deep = |bytes: &[u8]| bytes.as_chunks().0.iter().map(|sample| u16::from_be_bytes(*sample)).collect();
        let samples = if depth == 8 { Samples::U8(bytes) } else { Samples::U16(deep(&bytes)) };
        Picture::new(width, rows, channels, samples).map_err(|error| Failure::codec(self.path, &error))
    }

    /// The next row, or a grey one, where that is asked for and there is one before it.
    fn fill(&mut self, row: &mut [u8]) -> Result<(), Refusal> {
        if self.broken.is_none() {
            match self.rows.fill(row) {
                Ok(()) => {
                    self.read = true;
                    return Ok(());
                }
                Err(Refusal::Damaged(what)) if self.salvage && self.read => self.broken = Some(what),
                Err(refusal) => return Err(refusal),
            }
        }
        pixels::make_grey(row, self.shape);
        Ok(())
    }

    /// What is lost, now that the rows have been read.
    pub fn notes_of_all(&self) -> Vec<String> {
        self.notes.iter().cloned().chain(self.broken.clone().or(self.damage.clone()).map(broken_note)).collect()
    }
}

fn input<'a>(path: &'a Path, piped: &'a [u8]) -> Option<Box<dyn Input + 'a>> {
    let file = || File::open(path).ok().filter(|file| file.metadata().is_ok_and(|metadata| metadata.is_file()));
    if is_pipe(path) { Some(Box::new(Cursor::new(piped))) } else { Some(Box::new(BufReader::new(file()?))) }
}

impl Rows<'_> {
    /// The bytes of the next row, 16 bits the high byte first.
    fn fill(&mut self, row: &mut [u8]) -> Result<(), Refusal> {
        match self {
            Rows::Png(reader) => {
                let next = reader.next_row().map_err(Refusal::of_decoder)?.ok_or_else(|| Refusal::damaged(BREAKS_OFF))?;
                row.copy_from_slice(next.data().get(..row.len()).ok_or_else(|| Refusal::damaged("its rows are too short"))?);
                Ok(())
            }
            Rows::Pnm(reader) => reader.read_exact(row).map_err(Refusal::of_decoder),
            Rows::Tiff(tiff) => tiff.read(row),
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
    let possible = info.width.max(info.height) <= read_size::largest_side(ImageFormat::Png);
    let in_rows = info.animation_control.is_none() && !info.interlaced && possible;
    in_rows.then(|| Opened { shape, rows: Rows::Png(Box::new(reader)), held_bytes: 0, notes: Vec::new() })
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
    Some(Opened { shape: Shape { width, height, channels, depth }, rows: Rows::Pnm(input), held_bytes: 0, notes: Vec::new() })
}

fn tiff_rows<'a>(input: Box<dyn Input + 'a>) -> Option<Opened<'a>> {
    let read_tiff::Tiff { facts, rows } = read_tiff::open(input).ok()?;
    let rows = rows?;
    Some(Opened { shape: rows.shape, held_bytes: rows.held_bytes(), rows: Rows::Tiff(Box::new(rows)), notes: facts.notes })
}
