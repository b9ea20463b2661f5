//! TIFF: what its tags say of the samples, and its rows, in strips or tiles.

use std::io::{BufRead, ErrorKind, Seek};
use std::ops::Range;

use calotype::{Channels, Shape};
use image::{ColorType, ImageDecoder, ImageResult};
use tiff::decoder::{ChunkType, Decoder, DecodingResult, Limits};
use tiff::tags::Tag;
use tiff::{TiffError, TiffFormatError, TiffUnsupportedError};

use crate::kind::raw_file;
use crate::pixels::{self, straight};
use crate::read_palette::{Indexed, Palette, Photometric};
use crate::refusal::{BREAKS_OFF, Refusal, UNDECODABLE};

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
/// Other meanings of samples that are not read.
const UNREAD_PHOTOMETRICS: [(u16, &str); 4] =
    [(4, "a mask of transparency"), (8, "CIE Lab colours"), (9, "CIE Lab colours"), (10, "CIE Lab colours")];
const JPEG_COMPRESSION: u16 = 7;
/// A format of samples.
const FLOATING_POINT: u16 = 3;
const DNG_VERSION: Tag = Tag::Unknown(50706);
/// In `NewSubfileType`: a smaller copy of another page.
const REDUCED: u32 = 1;
const SIZES: &str = "its strips or tiles do not fit its size";

/// What a page's tags say of its samples.
pub struct Facts {
    /// Whether colours are multiplied by alpha.
    pub premultiplied: bool,
    /// What is lost, one line each.
    pub notes: Vec<String>,
}

/// A TIFF page whose rows are read from the top.
pub struct TiffRows<R: BufRead + Seek> {
    decoder: Decoder<Indexed<R>>,
    /// Size and kind of the rows: 32 bits become 16.
    pub shape: Shape,
    premultiplied: bool,
    palette: Option<Palette>,
    /// Samples of a pixel as they are decoded.
    stored: usize,
    /// Bits of such a sample.
    bits: u8,
    /// Whether a chunk is decoded apart before its samples are taken.
    jpeg: bool,
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
    let photometric = Photometric::of(&mut input);
    // The decoder does not open these.
    if photometric.is_some_and(|photometric| RAW_PHOTOMETRICS.contains(&photometric.number)) {
        return Err(raw_file());
    }
    let mut decoder = Decoder::new(Indexed::new(input, photometric).map_err(Refusal::of_decoder)?).map_err(refusal)?;
    decoder = decoder.with_limits(Limits::unlimited());
    refuse_raw(&mut decoder)?;
    let unread = UNREAD_PHOTOMETRICS.into_iter().find(|(number, _)| photometric.is_some_and(|photometric| photometric.number == *number));
    if let Some((_, what)) = unread {
        return Err(Refusal::uses(what));
    }
    let compression = number(&mut decoder, Tag::Compression)?.unwrap_or(1);
    if !READ_COMPRESSIONS.contains(&compression) {
        let known = COMPRESSIONS.iter().find(|(code, _)| *code == compression).map(|(_, name)| name.to_string());
        return Err(Refusal::uses(known.unwrap_or_else(|| format!("compression {compression}"))));
    }
    let (samples, bits): (u16, u16) =
        (number(&mut decoder, Tag::SamplesPerPixel)?.unwrap_or(1), number(&mut decoder, Tag::BitsPerSample)?.unwrap_or(1));
    let extra = numbers(&mut decoder, Tag::ExtraSamples)?;
    let formats = numbers(&mut decoder, Tag::SampleFormat)?;
    let integers = formats.iter().all(|&format| format == 1);
    let colours = samples.saturating_sub(extra.len() as u16);
    let alpha = extra.first().is_some_and(|kind| [PREMULTIPLIED, STRAIGHT].contains(kind));
    let premultiplied = extra.first() == Some(&PREMULTIPLIED);
    let kept = usize::from(colours) + usize::from(alpha);
    let mut notes: Vec<String> = left_out(kept, samples.into()).into_iter().collect();
    if bits == 32 && integers {
        notes.push("its samples of 32 bits are cut to 16".to_string());
    }
    if formats.first() == Some(&FLOATING_POINT) && colours == 1 {
        return Err(Refusal::uses("grey of floating point"));
    }
    let palette = if decoder.inner().is_indexed() { Some(palette(&mut decoder, samples, bits)?) } else { None };
    notes.extend(palette.as_ref().and_then(Palette::note));
    let rows = if integers { rows(decoder, alpha, premultiplied, palette)? } else { None };
    if rows.is_none() && bits == 32 && integers {
        return Err(Refusal::uses("whole numbers of 32 bits in an unusual order or colour"));
    }
    Ok(Tiff { facts: Facts { premultiplied, notes }, rows })
}

/// Raw files of cameras may be TIFFs whose first page is a thumbnail, or a DNG's.
fn refuse_raw<R: BufRead + Seek>(decoder: &mut Decoder<Indexed<R>>) -> Result<(), Refusal> {
    let reduced = number::<u32, _>(decoder, Tag::NewSubfileType)?.is_some_and(|kind| kind & REDUCED != 0);
    let has = |decoder: &mut Decoder<Indexed<R>>, tag| decoder.find_tag(tag).is_ok_and(|value| value.is_some());
    let raw = has(decoder, DNG_VERSION) || reduced && has(decoder, Tag::SubIfd) && has(decoder, Tag::Make);
    if raw { Err(raw_file()) } else { Ok(()) }
}

/// The colours that the samples are numbers of.
fn palette<R: BufRead + Seek>(decoder: &mut Decoder<Indexed<R>>, samples: u16, bits: u16) -> Result<Palette, Refusal> {
    match (samples, bits) {
        (1, 1 | 2 | 4 | 8) => Palette::new(&numbers(decoder, Tag::ColorMap)?, bits),
        (1, _) => Err(Refusal::uses(format!("a table of colours for samples of {bits} bits"))),
        _ => Err(Refusal::uses("a table of colours with alpha or other samples beside it")),
    }
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
fn rows<R: BufRead + Seek>(
    mut decoder: Decoder<Indexed<R>>,
    alpha: bool,
    premultiplied: bool,
    palette: Option<Palette>,
) -> Result<Option<TiffRows<R>>, Refusal> {
    use tiff::ColorType::{Gray, Multiband, RGB, RGBA};
    let planar = number::<u16, _>(&mut decoder, Tag::PlanarConfiguration)?.is_some_and(|planar| planar != 1);
    let jpeg = number(&mut decoder, Tag::Compression)? == Some(JPEG_COMPRESSION);
    let (channels, bits, stored) = match decoder.colortype() {
        Ok(Gray(bits)) if palette.is_some() => (Channels::Rgb, bits, 1),
        Ok(Gray(bits)) => (Channels::Grey, bits, 1),
        // So grey with other samples is called.
        Ok(Multiband { bit_depth, num_samples }) => {
            (if alpha { Channels::GreyAlpha } else { Channels::Grey }, bit_depth, usize::from(num_samples))
        }
        Ok(RGB(bits)) => (Channels::Rgb, bits, 3),
        Ok(RGBA(bits)) => (Channels::Rgba, bits, 4),
        _ => return Ok(None),
    };
    if palette.is_none() && (planar || ![8, 16, 32].contains(&bits)) {
        return Ok(None);
    }
    let (width, height) = decoder.dimensions().map_err(refusal)?;
    let shape = Shape { width, height, channels, depth: if palette.is_some() { 8 } else { bits.min(16) } };
    Ok(Some(TiffRows { decoder, shape, premultiplied, palette, stored, bits, jpeg, chunk: 0, bytes: Vec::new(), used: 0 }))
}

fn numbers<R: BufRead + Seek>(decoder: &mut Decoder<Indexed<R>>, tag: Tag) -> Result<Vec<u16>, Refusal> {
    Ok(decoder.find_tag_unsigned_vec(tag).map_err(refusal)?.unwrap_or_default())
}

/// The first number of a tag.
fn number<N: TryFrom<u64>, R: BufRead + Seek>(decoder: &mut Decoder<Indexed<R>>, tag: Tag) -> Result<Option<N>, Refusal> {
    Ok(decoder.find_tag_unsigned_vec(tag).map_err(refusal)?.and_then(|numbers| numbers.into_iter().next()))
}

/// What an error of the decoder says of the file.
pub fn refusal(error: TiffError) -> Refusal {
    match error {
        TiffError::UnsupportedError(what) => Refusal::uses(unsupported(&what)),
        TiffError::FormatError(what) => Refusal::damaged(malformed(&what)),
        TiffError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => Refusal::damaged(BREAKS_OFF),
        TiffError::IoError(error) => Refusal::of_decoder(error),
        _ => Refusal::damaged(SIZES),
    }
}

fn unsupported(what: &TiffUnsupportedError) -> &'static str {
    use TiffUnsupportedError as U;
    match what {
        U::FloatingPointPredictor(_) | U::HorizontalPredictor(_) => "differences of samples of an unusual kind",
        U::InconsistentBitsPerSample(_) | U::UnsupportedSampleFormat(_) => "samples of several kinds in a pixel",
        U::InterpretationWithBits(..) | U::UnknownInterpretation | U::UnsupportedInterpretation(_) => {
            "colours of a kind that its decoder does not know"
        }
        U::ChromaSubsampling => "YCbCr with fewer samples of colour than of light, not compressed as JPEG",
        U::MisalignedTileBoundaries => "tiles whose rows do not end with a byte",
        _ => "samples of a kind that its decoder does not know",
    }
}

fn malformed(what: &TiffFormatError) -> String {
    use TiffFormatError as F;
    match what {
        F::InvalidDimensions(width, height) => format!("it says that it is {width}x{height} pixels large"),
        F::RequiredTagNotFound(tag) => format!("its tag {} is missing", tag.to_u16()),
        F::InvalidTagValueType(tag) | F::InvalidCountForTag(tag, _) => format!("its tag {} is damaged", tag.to_u16()),
        F::InvalidTag | F::InvalidTypeForTag => "one of its tags is damaged".to_string(),
        F::StripTileTagConflict => "it has neither all tags of strips nor all of tiles".to_string(),
        F::InconsistentSizesEncountered => SIZES.to_string(),
        F::CompressedDataCorrupt(_) => UNDECODABLE.to_string(),
        _ => "its header is damaged".to_string(),
    }
}

fn sizes() -> TiffError {
    TiffFormatError::InconsistentSizesEncountered.into()
}

impl<R: BufRead + Seek> TiffRows<R> {
    /// Bytes that are held while it is read: a chunk as it is decoded, and rows of chunks put together.
    pub fn held_bytes(&self) -> u64 {
        let Shape { width, height, .. } = self.shape;
        let (columns, rows) = self.decoder.chunk_dimensions();
        let chunk_px = u64::from(columns).saturating_mul(rows.min(height).into());
        let decoded = chunk_px.saturating_mul(self.stored as u64 * u64::from(self.bits)).div_ceil(8);
        let rows_px = u64::from(width) * u64::from(rows.min(height));
        let together = if self.is_taken_whole() { 0 } else { rows_px.saturating_mul(self.shape.pixel_bytes() as u64) };
        (if self.jpeg { 2 * decoded } else { decoded }).saturating_add(together)
    }

    /// Whether a chunk is rows as they are wanted.
    fn is_taken_whole(&self) -> bool {
        let plain = self.palette.is_none() && self.bits == 8 && self.stored == self.shape.channels.count();
        plain && self.chunks_across() == 1 && self.decoder.chunk_dimensions().0 == self.shape.width
    }

    fn chunks_across(&self) -> u32 {
        match self.decoder.get_chunk_type() {
            ChunkType::Strip => 1,
            ChunkType::Tile => self.shape.width.div_ceil(self.decoder.chunk_dimensions().0),
        }
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
        let whole = self.is_taken_whole();
        self.used = 0;
        if whole {
            // Not beside the next ones.
            self.bytes = Vec::new();
        }
        let mut left = 0;
        for chunk in self.chunk..self.chunk + self.chunks_across() {
            let (columns, rows) = self.decoder.chunk_data_dimensions(chunk);
            match self.decoder.read_chunk(chunk)? {
                DecodingResult::U8(samples) if whole => self.bytes = samples,
                samples => {
                    self.bytes.resize(rows as usize * row, 0);
                    self.put(&samples, columns as usize, left..left + columns as usize * self.shape.pixel_bytes(), row)?;
                }
            }
            left += columns as usize * self.shape.pixel_bytes();
        }
        self.chunk += self.chunks_across();
        if left == row { Ok(()) } else { Err(sizes()) }
    }

    /// Puts a chunk of so many columns where it belongs in each row of `row` bytes.
    fn put(&mut self, samples: &DecodingResult, columns: usize, place: Range<usize>, row: usize) -> tiff::TiffResult<()> {
        let (stored, count) = (self.stored, self.shape.channels.count());
        let places = self.bytes.chunks_exact_mut(row).map(|row| row.get_mut(place.clone()));
        let row_samples = (columns * stored).max(1);
        match (samples, &self.palette) {
            (DecodingResult::U8(numbers), Some(palette)) => {
                let row_bytes = (columns * usize::from(self.bits)).div_ceil(8).max(1);
                for (to, from) in places.zip(numbers.chunks_exact(row_bytes)) {
                    palette.paint(from, self.bits, to.ok_or_else(sizes)?);
                }
            }
            (DecodingResult::U8(samples), None) => {
                places
                    .zip(samples.chunks_exact(row_samples))
                    .try_for_each(|(to, from)| keep(from, stored, count, to, |sample| [sample]))?;
            }
            (DecodingResult::U16(samples), None) => {
                places.zip(samples.chunks_exact(row_samples)).try_for_each(|(to, from)| keep(from, stored, count, to, u16::to_be_bytes))?;
            }
            (DecodingResult::U32(samples), None) => {
                let bytes = |sample| sixteen_bits(sample).to_be_bytes();
                places.zip(samples.chunks_exact(row_samples)).try_for_each(|(to, from)| keep(from, stored, count, to, bytes))?;
            }
            _ => return Err(sizes()),
        }
        Ok(())
    }
}

/// The bytes of the colours and of alpha of a row: `count` of the `stored` samples of each pixel.
fn keep<S: Copy, const N: usize>(
    samples: &[S],
    stored: usize,
    count: usize,
    row: Option<&mut [u8]>,
    bytes: impl Fn(S) -> [u8; N],
) -> tiff::TiffResult<()> {
    let kept = samples.chunks_exact(stored).flat_map(|pixel| &pixel[..count]);
    row.ok_or_else(sizes)?.as_chunks_mut().0.iter_mut().zip(kept).for_each(|(to, &sample)| *to = bytes(sample));
    Ok(())
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
