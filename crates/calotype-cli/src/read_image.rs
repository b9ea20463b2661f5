//! Reading images of any supported format with their metadata, by their content.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use calotype::{DecodeOptions, Decoder, Error, Fault, Malformation, Metadata, Picture, about, exact};
use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::failure::Failure;
use crate::flags;
use crate::frames::{self, Frames};
use crate::kind::{FIRST_BYTES, Kind, kind_of};
use crate::metadata::{self, Company, Turn};
use crate::output::is_pipe;
use crate::pixels;
use crate::read_bmp;
use crate::read_jpeg::Jpeg;
use crate::read_jxl::Jxl;
use crate::read_rows::RowSource;
use crate::read_size;
use crate::read_tiff;
use crate::reading::{Reading, broken_note, company, company_of, pixels_of};
use crate::refusal::Refusal;

/// What jxl-oxide 0.12 takes for each pixel beside those it gives: planes of floating point. 24 to 29 were measured of lossy pictures with and without
/// alpha and of transcoded JPEGs, 11 to 14 of lossless ones.
const JXL_BYTES_PER_PX: u64 = 32;

/// A pipe may have no end: no more bytes after a file's end are counted.
const MOST_AFTER_END: u64 = 16 << 20;

/// An image as the codec takes it.
pub struct Source {
    /// The pixels.
    pub picture: Picture,
    /// What comes with them.
    pub metadata: Metadata,
    /// What of the original a `.calo` file does not keep, one line each.
    pub notes: Vec<String>,
}

/// The whole of a file or of standard input.
///
/// # Errors
/// Io.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    input(path)?.read_to_end(&mut bytes).map_err(|error| Failure::io(path, "read", error))?;
    Ok(bytes)
}

/// The whole of an image file or of standard input, if its first bytes are those of an image that is read, and if it is not too long.
///
/// # Errors
/// As [`decode_image`], before the rest is read; unsupported for more than `max_bytes`; io.
pub fn read_image_bytes(path: &Path, max_bytes: u64) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::io(path, "read", error);
    let mut input = input(path)?;
    let mut bytes = Vec::new();
    input.by_ref().take(FIRST_BYTES as u64).read_to_end(&mut bytes).map_err(failed)?;
    kind_of(&bytes, path)?;
    let too_long =
        |what: String| Failure::unsupported(path, format!("{what}, over the limit of {}; raise it with --max-memory", exact(max_bytes)));
    if let Some(length) = length_of(path).filter(|length| *length > max_bytes) {
        return Err(too_long(format!("is {} long", about(length))));
    }
    input.take((max_bytes + 1).saturating_sub(bytes.len() as u64)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > max_bytes { Err(too_long("is longer".to_string())) } else { Ok(bytes) }
}

/// What becomes of bytes after the end of a `.calo` file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterEnd {
    /// The file is damaged.
    Refused,
    /// Some of them are read, so that there is something to note.
    PassedOver,
}

/// The whole of a `.calo` file or of standard input, if its header can be read.
///
/// # Errors
/// Of the codec, before the rest is read; io.
pub fn read_calo(path: &Path, options: &DecodeOptions, after_end: AfterEnd) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::io(path, "read", error);
    let (mut input, mut bytes) = (input(path)?, Vec::new());
    let mut needed = FIRST_BYTES as u64;
    loop {
        let read = input.by_ref().take(needed.saturating_sub(bytes.len() as u64)).read_to_end(&mut bytes).map_err(failed)?;
        match Decoder::salvage(&bytes, options) {
            // The file's length, and a byte that must not be there.
            Ok(decoder) if (bytes.len() as u64) <= decoder.info().bytes as u64 => needed = decoder.info().bytes as u64 + 1,
            // Nothing can be shown without all that comes before the pixels.
            Err(error @ Error::Malformed { what: Malformation::Container(Fault::Truncated { .. }), .. }) if read == 0 => {
                return Err(Failure::malformed(path, format!("{error}; get the rest")));
            }
            Err(Error::Malformed { what: Malformation::Container(Fault::Truncated { needed: more }), .. }) => needed = more,
            Err(error) => return Err(Failure::codec(path, &error)),
            Ok(decoder) if after_end == AfterEnd::Refused => {
                let end = decoder.info().bytes as u64;
                let length = length_of(path).map_or_else(|| length_of_pipe(bytes.len() as u64, input), Ok).map_err(failed)?;
                return Err(goes_on(path, end, length));
            }
            Ok(_) => return Ok(bytes),
        }
        if read == 0 {
            return Ok(bytes);
        }
    }
}

/// Bytes of a pipe of which so many have been read, as far as it is worth reading on.
fn length_of_pipe(read: u64, rest: impl Read) -> io::Result<u64> {
    Ok(read + io::copy(&mut rest.take(MOST_AFTER_END), &mut io::sink())?)
}

/// What to say of a file of `length` bytes that should have `end`.
fn goes_on(path: &Path, end: u64, length: u64) -> Failure {
    let bytes = length.saturating_sub(end);
    if bytes < MOST_AFTER_END || length_of(path).is_some() {
        return Failure::codec(path, &Error::Malformed { offset: end, what: Malformation::Container(Fault::TrailingBytes { bytes }) });
    }
    let most = exact(MOST_AFTER_END);
    Failure::malformed(path, format!("damaged .calo file, byte {end}: at least {most} after the end of the file; get the file again"))
}

/// The file, or standard input.
fn input(path: &Path) -> Result<Box<dyn Read>, Failure> {
    if is_pipe(path) {
        return Ok(Box::new(io::stdin().lock()));
    }
    Ok(Box::new(File::open(path).map_err(|error| Failure::io(path, "read", error))?))
}

/// That of a file, as long as it is one.
fn length_of(path: &Path) -> Option<u64> {
    path.metadata().ok().filter(|metadata| !is_pipe(path) && metadata.is_file()).map(|metadata| metadata.len())
}

/// Decodes an image file held in memory; `path` is for messages only.
///
/// # Errors
/// Malformed if it is no image or a damaged one, unsupported for other formats and images above `max_pixels`.
pub fn decode_image(bytes: &[u8], path: &Path, reading: &Reading) -> Result<Source, Failure> {
    let kind = kind_of(bytes, path)?;
    let Opened { mut reader, frames, premultiplied, notes: mut all_notes, .. } = Opened::of(bytes, kind, path, reading)?;
    let Company { metadata, orientation, notes } = reader.company(bytes, kind, reading.turn);
    let converted = reader.is_cmyk().then(|| metadata::converted("CMYK")).filter(|note| !notes.contains(note));
    all_notes.extend(notes);
    all_notes.extend(converted);
    let animated = matches!(frames, Frames::Played(2..)) && kind != Kind::Jxl;
    let image = match reading.frame {
        Some(frame @ 2..) if animated => frames::played(bytes, kind, frame).map(|image| (image, None)),
        _ => reader.image(reading.salvage),
    };
    let image = image.and_then(|(image, broken)| match damage_of(bytes, kind) {
        Some(what) if !reading.salvage => Err(Refusal::Damaged(what)),
        damage => Ok((image, broken.or(damage))),
    });
    let (mut image, broken) = image.map_err(|refusal| match (&refusal, reading.frame) {
        (Refusal::Damaged(_), None | Some(1)) if !reading.salvage && is_salvageable(bytes, kind, reading) => refusal.of_part(path),
        _ => refusal.of(path),
    })?;
    all_notes.extend(broken.map(broken_note));
    if premultiplied {
        pixels::divide(&mut image);
    }
    // Decoders of animations make alpha always.
    if animated || kind == Kind::Image(ImageFormat::Gif) {
        image = pixels::without_full_alpha(image);
    }
    image.apply_orientation(orientation);
    let picture = pixels::from_image(image).map_err(|error| Failure::codec(path, &error))?;
    Ok(Source { picture, metadata, notes: all_notes })
}

/// What is damaged in an image although it can be decoded.
fn damage_of(bytes: &[u8], kind: Kind) -> Option<String> {
    if kind == Kind::Image(ImageFormat::Png) { metadata::damage_of_png(&mut Cursor::new(bytes)) } else { None }
}

/// Whether `--salvage` makes something of a damaged image. Where that is one of another command, it goes row by row.
fn is_salvageable(bytes: &[u8], kind: Kind, reading: &Reading) -> bool {
    let salvaging = Reading { salvage: true, ..*reading };
    let has_row = || RowSource::open(Path::new("-"), bytes, &salvaging).is_ok_and(|mut rows| rows.next(1).is_ok());
    let whole = Opened::unchecked(bytes, kind, reading).and_then(|opened| opened.reader.image(true));
    whole.is_ok() || !flags::has("salvage") && has_row()
}

/// Bytes that decoding an image takes.
pub struct Need {
    /// Of its pixels.
    pub pixels: u64,
    /// Inside the decoder.
    pub inside: u64,
}

/// What decoding an image file held in memory takes.
///
/// # Errors
/// As [`decode_image`].
pub fn need(bytes: &[u8], path: &Path, reading: &Reading) -> Result<Need, Failure> {
    let kind = kind_of(bytes, path)?;
    Opened::of(bytes, kind, path, reading).map(|opened| match opened.reader {
        Reader::Jpeg(jpeg) => Need { pixels: jpeg.pixel_bytes(), inside: jpeg.inside_bytes() },
        Reader::Other(decoder) => {
            let (width, height) = decoder.dimensions();
            let pixels = decoder.total_bytes();
            let inside = if kind == Kind::Jxl { u64::from(width) * u64::from(height) * JXL_BYTES_PER_PX } else { pixels };
            Need { pixels, inside: opened.inside.unwrap_or(inside) }
        }
    })
}

/// An image whose header has been read.
struct Opened<'a> {
    reader: Reader<'a>,
    frames: Frames,
    premultiplied: bool,
    notes: Vec<String>,
    /// Bytes that the decoder takes beside the pixels, where it knows.
    inside: Option<u64>,
}

/// What reads the pixels.
enum Reader<'a> {
    Jpeg(Jpeg<'a>),
    Other(Box<dyn ImageDecoder + 'a>),
}

impl<'a> Opened<'a> {
    fn of(bytes: &'a [u8], kind: Kind, path: &Path, reading: &Reading) -> Result<Opened<'a>, Failure> {
        if let Kind::Image(format) = kind {
            check_header(bytes, format, path, reading.max_pixels)?;
        }
        let mut opened = Opened::unchecked(bytes, kind, reading).map_err(|refusal| refusal.of(path))?;
        let size = match &opened.reader {
            Reader::Jpeg(jpeg) => jpeg.dimensions(),
            Reader::Other(decoder) => decoder.dimensions(),
        };
        check_size(size, path, reading.max_pixels)?;
        if reading.frame.is_none() {
            opened.notes.extend(opened.frames.note());
        }
        Ok(opened)
    }

    fn unchecked(bytes: &'a [u8], kind: Kind, reading: &Reading) -> Result<Opened<'a>, Refusal> {
        let frames = Frames::of(&mut Cursor::new(bytes), kind);
        let by_image = |bytes: Cow<'a, [u8]>, format| {
            let pixels = pixels_of(Cursor::new(bytes), format).map_err(Refusal::of_decoder)?;
            let mut reader = ImageReader::with_format(pixels, format);
            reader.limits(limits(reading.max_pixels));
            Ok(Reader::Other(Box::new(reader.into_decoder().map_err(Refusal::from_image)?)))
        };
        let (mut premultiplied, mut notes, mut inside) = (false, Vec::new(), None);
        let reader = match kind {
            Kind::Jxl => {
                let frame = reading.frame.map_or(0, |frame| frame as usize - 1);
                let jxl = Jxl::open(bytes, frame, reading.max_pixels.saturating_mul(JXL_BYTES_PER_PX))?;
                premultiplied = jxl.is_premultiplied();
                Reader::Other(Box::new(jxl))
            }
            Kind::Image(ImageFormat::Jpeg) => Reader::Jpeg(Jpeg::open(bytes)?),
            Kind::Image(ImageFormat::Tiff) => {
                let tiff = read_tiff::open(Cursor::new(bytes))?;
                notes = tiff.facts.notes;
                // Rows are divided as they are read.
                premultiplied = tiff.facts.premultiplied && tiff.rows.is_none();
                match tiff.rows {
                    Some(rows) => {
                        inside = Some(rows.held_bytes());
                        Reader::Other(Box::new(rows))
                    }
                    None => by_image(bytes.into(), ImageFormat::Tiff)?,
                }
            }
            Kind::Image(ImageFormat::Bmp) => by_image(read_bmp::with_alpha(bytes), ImageFormat::Bmp)?,
            Kind::Image(format) => by_image(bytes.into(), format)?,
        };
        Ok(Opened { reader, frames, premultiplied, notes, inside })
    }
}

impl Reader<'_> {
    /// What comes with the pixels. Metadata are looked for in the file itself, unless only the decoder knows where they are.
    fn company(&mut self, bytes: &[u8], kind: Kind, turn: Turn) -> Company {
        match (self, kind) {
            (Reader::Jpeg(jpeg), _) => company_of(&mut Cursor::new(bytes), ImageFormat::Jpeg, jpeg.color_type(), turn),
            (Reader::Other(decoder), Kind::Image(format)) if format != ImageFormat::Gif => {
                company_of(&mut Cursor::new(bytes), format, decoder.color_type(), turn)
            }
            (Reader::Other(decoder), Kind::Jxl) => company(metadata::of_jxl(bytes, decoder), decoder.color_type(), turn),
            (Reader::Other(decoder), Kind::Image(_)) => company(metadata::of_gif(bytes, decoder), decoder.color_type(), turn),
        }
    }

    /// Whether decoding makes RGB of CMYK.
    fn is_cmyk(&self) -> bool {
        match self {
            Reader::Jpeg(jpeg) => jpeg.is_cmyk(),
            Reader::Other(decoder) => matches!(decoder.original_color_type(), ExtendedColorType::Cmyk8 | ExtendedColorType::Cmyk16),
        }
    }

    /// The pixels, and what was wrong with them, if `salvage` allows that something is.
    fn image(self, salvage: bool) -> Result<(DynamicImage, Option<String>), Refusal> {
        match (self, salvage) {
            (Reader::Jpeg(jpeg), false) => jpeg.image().map(|image| (image, None)),
            (Reader::Jpeg(jpeg), true) => jpeg.salvaged(),
            (Reader::Other(decoder), false) => DynamicImage::from_decoder(decoder).map(|image| (image, None)).map_err(Refusal::from_image),
            (Reader::Other(decoder), true) => pixels::salvaged(decoder),
        }
    }
}

/// Room for 16-bit RGBA and as much again inside the decoder.
fn limits(max_pixels: u64) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(max_pixels.saturating_mul(16).saturating_add(1 << 20));
    limits
}

/// Refuses what the first bytes already say is too large.
fn check_header(bytes: &[u8], format: ImageFormat, path: &Path, max_pixels: u64) -> Result<(), Failure> {
    let Some((width, height)) = read_size::size(bytes, format) else { return Ok(()) };
    let most = read_size::largest_side(format);
    if width.max(height) > most && format == ImageFormat::Png {
        let what = format!("its header says {width}x{height} pixels, and a PNG has at most {most} on a side");
        return Err(Refusal::damaged(what).of(path));
    }
    check_size((width, height), path, max_pixels)?;
    if width.max(height) > most {
        return Err(Refusal::uses(format!("{width}x{height} pixels, a side of more than {most}")).of(path));
    }
    Ok(())
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
        decode_image(bytes, Path::new("x"), &Reading::plain(64 * 64))
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
        let image = png(RgbaImage::new(65, 16).into());
        let code = |bytes: &[u8]| read(bytes).err().map(|failure| failure.code);
        assert_eq!(code(&image), Some(3));
        assert_eq!(code(b""), Some(1));
        assert_eq!(code(b"some text"), Some(1));
        assert_eq!(code(b"GIF89a"), Some(1));
        assert_eq!(code(b"CALO"), Some(1));
        assert_eq!(code(b"P6 100000 100000 255\n"), Some(3));
        assert_eq!(code(b"P6 2 2 255\n123"), Some(1));
    }
}
