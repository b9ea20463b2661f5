//! TIFF: what its tags say of the samples, and its rows, in strips or tiles.

use std::io::{self, BufRead, Seek, SeekFrom};

use calotype::{Channels, Shape};
use image::{ColorType, ImageDecoder, ImageResult};
use tiff::TiffError;
use tiff::decoder::{ChunkType, Decoder, DecodingResult, Limits};
use tiff::tags::Tag;

use crate::kind::raw_file;
use crate::pixels::{self, straight};
use crate::refusal::Refusal;

/// Compressions that are read: none, CCITT group 4, LZW, JPEG, Deflate by two numbers, PackBits.
const READ_COMPRESSIONS: [u16; 7] = [1, 4, 5, 7, 8, 32946, 32773];
/// Names of others.
const COMPRESSIONS: [(u16, &str); 11] = [
    (2, "CCITT RLE compression"),
    (3, "CCITT group 3 compression"),
    (6, "old-style JPEG compression"),
    (34676, "SGI LogLuv compression"),
    (34677, "SGI LogLuv compression"),
    (34712, "JPEG 2000 compression"),
    (34887, "LERC compression"),
    (34925, "LZMA compression"),
    (50000, "zstd compression"),
    (50001, "WebP compression"),
    (50002, "JPEG XL compression"),
];

/// Kinds of samples beside the colours.
const PREMULTIPLIED: u16 = 1;
const STRAIGHT: u16 = 2;
/// A colour filter's samples, and what is made of them before it is a picture.
const RAW_PHOTOMETRICS: [u16; 2] = [32803, 34892];
const PHOTOMETRIC: u32 = 262;
const DNG_VERSION: Tag = Tag::Unknown(50706);
/// In `NewSubfileType`: a smaller copy of another page.
const REDUCED: u32 = 1;

/// What a page's tags say of its samples.
pub struct Facts {
    /// Whether colours are multiplied by alpha.
    pub premultiplied: bool,
    /// What is lost, one line each.
    pub notes: Vec<String>,
}

/// A TIFF page whose rows are read from the top.
pub struct TiffRows<R: BufRead + Seek> {
    decoder: Decoder<R>,
    /// Size and kind of the rows: 32 bits become 16.
    pub shape: Shape,
    premultiplied: bool,
    /// Samples of a pixel as they are decoded.
    stored: usize,
    /// The next chunk.
    chunk: u32,
    /// Rows of the last chunks; 16 bits the high byte first.
    bytes: Vec<u8>,
    /// Bytes of them that have been read.
    used: usize,
}

/// A TIFF page, and its rows where it has samples that lie together.
pub struct Tiff<R: BufRead + Seek> {
    /// What its tags say.
    pub facts: Facts,
    /// Its rows.
    pub rows: Option<TiffRows<R>>,
}

/// Opens the first page.
///
/// # Errors
/// Unsupported for camera raw files, compressions and samples that no reader here knows.
pub fn open<R: BufRead + Seek>(mut input: R) -> Result<Tiff<R>, Refusal> {
    // The decoder does not open these.
    if photometric(&mut input).is_some_and(|number| RAW_PHOTOMETRICS.contains(&number)) {
        return Err(raw_file());
    }
    input.rewind().map_err(Refusal::damaged)?;
    let mut decoder = Decoder::new(input).map_err(refusal)?.with_limits(Limits::unlimited());
    refuse_raw(&mut decoder)?;
    let compression = number(&mut decoder, Tag::Compression)?.unwrap_or(1);
    if !READ_COMPRESSIONS.contains(&compression) {
        let known = COMPRESSIONS.iter().find(|(code, _)| *code == compression).map(|(_, name)| name.to_string());
        return Err(Refusal::uses(known.unwrap_or_else(|| format!("compression {compression}"))));
    }
    let (samples, bits): (u16, u16) =
        (number(&mut decoder, Tag::SamplesPerPixel)?.unwrap_or(1), number(&mut decoder, Tag::BitsPerSample)?.unwrap_or(1));
    let extra = numbers(&mut decoder, Tag::ExtraSamples)?;
    let integers = numbers(&mut decoder, Tag::SampleFormat)?.iter().all(|&format| format == 1);
    let colours = samples.saturating_sub(extra.len() as u16);
    let alpha = extra.first().is_some_and(|kind| [PREMULTIPLIED, STRAIGHT].contains(kind));
    let premultiplied = extra.first() == Some(&PREMULTIPLIED);
    let kept = usize::from(colours) + usize::from(alpha);
    let mut notes: Vec<String> = left_out(kept, samples.into()).into_iter().collect();
    if bits == 32 && integers {
        notes.push("its samples of 32 bits are cut to 16".to_string());
    }
    let rows = if integers { rows(decoder, alpha, premultiplied)? } else { None };
    if rows.is_none() && bits == 32 && integers {
        return Err(Refusal::uses("whole numbers of 32 bits in an unusual order or colour"));
    }
    Ok(Tiff { facts: Facts { premultiplied, notes }, rows })
}

/// Raw files of cameras may be TIFFs whose first page is a thumbnail, or a DNG's.
fn refuse_raw<R: BufRead + Seek>(decoder: &mut Decoder<R>) -> Result<(), Refusal> {
    let reduced = number::<u32, _>(decoder, Tag::NewSubfileType)?.is_some_and(|kind| kind & REDUCED != 0);
    let has = |decoder: &mut Decoder<R>, tag| decoder.find_tag(tag).is_ok_and(|value| value.is_some());
    let raw = has(decoder, DNG_VERSION) || reduced && has(decoder, Tag::SubIfd) && has(decoder, Tag::Make);
    if raw { Err(raw_file()) } else { Ok(()) }
}

/// What the first directory says of the meaning of samples; of a BigTIFF nothing.
fn photometric(input: &mut (impl BufRead + Seek)) -> Option<u16> {
    let mut head = [0; 8];
    input.seek(SeekFrom::Start(0)).ok()?;
    input.read_exact(&mut head).ok()?;
    let big = match &head[..4] {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let number = |bytes: &[u8]| {
        bytes.iter().enumerate().fold(0, |sum: u32, (at, &byte)| sum | u32::from(byte) << (8 * if big { bytes.len() - 1 - at } else { at }))
    };
    input.seek(SeekFrom::Start(number(&head[4..]).into())).ok()?;
    let mut count = [0; 2];
    input.read_exact(&mut count).ok()?;
    let mut entries = vec![0; 12 * number(&count) as usize];
    input.read_exact(&mut entries).ok()?;
    let entry = entries.as_chunks::<12>().0.iter().find(|entry| number(&entry[..2]) == PHOTOMETRIC)?;
    Some(number(&entry[8..10]) as u16)
}

/// A note for samples that are neither colours nor alpha.
fn left_out(kept: usize, samples: usize) -> Option<String> {
    match samples.saturating_sub(kept) {
        0 => None,
        1 => Some(format!("sample {samples} of its pixels, which it does not call alpha, is left out")),
        _ => Some(format!("samples {} to {samples} of its pixels, which it does not call alpha, are left out", kept + 1)),
    }
}

/// The rows of whole numbers, if the page stores them so.
fn rows<R: BufRead + Seek>(mut decoder: Decoder<R>, alpha: bool, premultiplied: bool) -> Result<Option<TiffRows<R>>, Refusal> {
    use tiff::ColorType::{Gray, Multiband, RGB, RGBA};
    let planar = number::<u16, _>(&mut decoder, Tag::PlanarConfiguration)?.is_some_and(|planar| planar != 1);
    let (channels, bits, stored) = match decoder.colortype() {
        Ok(Gray(bits)) => (Channels::Grey, bits, 1),
        // So grey with other samples is called.
        Ok(Multiband { bit_depth, num_samples }) => {
            (if alpha { Channels::GreyAlpha } else { Channels::Grey }, bit_depth, usize::from(num_samples))
        }
        Ok(RGB(bits)) => (Channels::Rgb, bits, 3),
        Ok(RGBA(bits)) => (Channels::Rgba, bits, 4),
        _ => return Ok(None),
    };
    if planar || ![8, 16, 32].contains(&bits) {
        return Ok(None);
    }
    let (width, height) = decoder.dimensions().map_err(refusal)?;
    let shape = Shape { width, height, channels, depth: bits.min(16) };
    Ok(Some(TiffRows { decoder, shape, premultiplied, stored, chunk: 0, bytes: Vec::new(), used: 0 }))
}

fn numbers<R: BufRead + Seek>(decoder: &mut Decoder<R>, tag: Tag) -> Result<Vec<u16>, Refusal> {
    Ok(decoder.find_tag_unsigned_vec(tag).map_err(refusal)?.unwrap_or_default())
}

/// The first number of a tag.
fn number<N: TryFrom<u64>, R: BufRead + Seek>(decoder: &mut Decoder<R>, tag: Tag) -> Result<Option<N>, Refusal> {
    Ok(decoder.find_tag_unsigned_vec(tag).map_err(refusal)?.and_then(|numbers| numbers.into_iter().next()))
}

/// What an error of the decoder says of the file.
pub fn refusal(error: TiffError) -> Refusal {
    match error {
        TiffError::UnsupportedError(what) => Refusal::uses(format!("what its decoder does not know ({what})")),
        error => Refusal::damaged(error),
    }
}

fn sizes() -> TiffError {
    io::Error::new(io::ErrorKind::InvalidData, "its strips or tiles do not fit").into()
}

impl<R: BufRead + Seek> TiffRows<R> {
    /// Bytes that are held while it is read: chunks stored and decoded, and a row of them put together.
    pub fn held_bytes(&self) -> u64 {
        let (columns, rows) = self.decoder.chunk_dimensions();
        let chunk = u64::from(columns.max(self.shape.width)).saturating_mul(u64::from(rows.min(self.shape.height)));
        chunk.saturating_mul(3 * (self.stored.max(self.shape.channels.count()) * 4) as u64)
    }

    /// The bytes of the next row, 16 bits the high byte first.
    ///
    /// # Errors
    /// Damaged, or unsupported.
    pub fn read(&mut self, row: &mut [u8]) -> Result<(), Refusal> {
        if self.used == self.bytes.len() {
            self.next_chunks(row.len()).map_err(refusal)?;
        }
        let next = self.bytes.get(self.used..self.used + row.len()).ok_or_else(|| refusal(sizes()))?;
        row.copy_from_slice(next);
        self.used += row.len();
        if self.premultiplied {
            divide(row, self.shape);
        }
        Ok(())
    }

    /// A strip, or a row of tiles; `row` bytes each row.
    fn next_chunks(&mut self, row: usize) -> tiff::TiffResult<()> {
        let across = match self.decoder.get_chunk_type() {
            ChunkType::Strip => 1,
            ChunkType::Tile => self.shape.width.div_ceil(self.decoder.chunk_dimensions().0),
        };
        self.used = 0;
        let mut left = 0;
        for chunk in self.chunk..self.chunk + across {
            let (columns, rows) = self.decoder.chunk_data_dimensions(chunk);
            let bytes = match self.decoder.read_chunk(chunk)? {
                DecodingResult::U8(samples) if self.stored == self.shape.channels.count() => samples,
                DecodingResult::U8(samples) => self.kept(&samples, |sample| [sample]),
                DecodingResult::U16(samples) => self.kept(&samples, u16::to_be_bytes),
                DecodingResult::U32(samples) => self.kept(&samples, |sample| sixteen_bits(sample).to_be_bytes()),
                _ => return Err(sizes()),
            };
            let length = columns as usize * self.shape.pixel_bytes();
            self.bytes.resize(rows as usize * row, 0);
            for (to, from) in self.bytes.chunks_exact_mut(row).zip(bytes.chunks_exact(length.max(1))) {
                to.get_mut(left..left + length).ok_or_else(sizes)?.copy_from_slice(from);
            }
            left += length;
        }
        self.chunk += across;
        if left == row { Ok(()) } else { Err(sizes()) }
    }

    /// The bytes of colours and alpha.
    fn kept<S: Copy, const N: usize>(&self, samples: &[S], bytes: impl Fn(S) -> [u8; N]) -> Vec<u8> {
        let count = self.shape.channels.count();
        samples.chunks_exact(self.stored).flat_map(|pixel| &pixel[..count]).flat_map(|&sample| bytes(sample)).collect()
    }
}

/// The nearest of 16 bits.
fn sixteen_bits(sample: u32) -> u16 {
    ((u64::from(sample) * 65_535 + (1 << 31)) / u64::from(u32::MAX)) as u16
}

/// Divides the colours of a row by its alpha.
fn divide(row: &mut [u8], shape: Shape) {
    let count = shape.channels.count();
    if shape.depth == 8 {
        for pixel in row.chunks_exact_mut(count) {
            let alpha = pixel[count - 1].into();
            pixel[..count - 1].iter_mut().for_each(|colour| *colour = straight((*colour).into(), alpha, 255) as u8);
        }
        return;
    }
    for pixel in row.as_chunks_mut::<2>().0.chunks_exact_mut(count) {
        let alpha = u16::from_be_bytes(pixel[count - 1]).into();
        let divided = |colour| (straight(u16::from_be_bytes(colour).into(), alpha, 65_535) as u16).to_be_bytes();
        pixel[..count - 1].iter_mut().for_each(|colour| *colour = divided(*colour));
    }
}

impl<R: BufRead + Seek> ImageDecoder for TiffRows<R> {
    fn dimensions(&self) -> (u32, u32) {
        (self.shape.width, self.shape.height)
    }

    fn color_type(&self) -> ColorType {
        pixels::color_type(self.shape)
    }

    fn read_image(mut self, buf: &mut [u8]) -> ImageResult<()> {
        let row = self.shape.width as usize * self.shape.pixel_bytes();
        for row in buf.chunks_exact_mut(row) {
            self.read(row)?;
            if self.shape.depth == 16 {
                row.as_chunks_mut().0.iter_mut().for_each(|sample| *sample = u16::from_be_bytes(*sample).to_ne_bytes());
            }
        }
        Ok(())
    }

    fn read_image_boxed(self: Box<Self>, buf: &mut [u8]) -> ImageResult<()> {
        (*self).read_image(buf)
    }
}
