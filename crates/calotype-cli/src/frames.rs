//! Pictures of a file beyond its first: pages, frames of animations, pictures one after the other.

use std::io::{BufRead, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::pnm::{PnmDecoder, PnmSubtype, SampleEncoding};
use image::codecs::webp::WebPDecoder;
use image::{AnimationDecoder, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageResult};
use tiff::decoder::Decoder as TiffDecoder;
use tiff::tags::Tag;

use crate::failure::{Failure, shown};
use crate::kind::{Kind, kind_of};
use crate::metadata::PixelChunks;
use crate::read_jpeg;
use crate::read_jxl::Jxl;
use crate::refusal::Refusal;

/// More pages than these are not counted: a file that is made of them would take forever.
const MOST: usize = 65_536;

/// Where the pictures of a file are.
pub enum Frames {
    /// Pages, or pictures one after the other, beginning at these bytes.
    At(Vec<u64>),
    /// This many frames that are drawn one upon the other.
    Played(u64),
}

impl Frames {
    /// Those of a file of this kind, as far as they can be counted; the first one at least.
    pub fn of(input: &mut (impl BufRead + Seek), kind: Kind) -> Frames {
        let found = match kind {
            Kind::Image(ImageFormat::Tiff) => pages(input).map(Frames::At),
            Kind::Image(ImageFormat::Pnm) => pnm_places(input).map(Frames::At),
            Kind::Image(ImageFormat::Jpeg) => mpo_places(input).map(Frames::At),
            Kind::Image(ImageFormat::Png) => png_frames(input).map(Frames::Played),
            Kind::Image(ImageFormat::Gif) => gif_frames(input).map(Frames::Played),
            Kind::Image(ImageFormat::WebP) => webp_frames(input).map(Frames::Played),
            Kind::Jxl => jxl_frames(input).map(Frames::Played),
            _ => None,
        };
        found.unwrap_or(Frames::Played(1))
    }

    /// How many.
    pub fn count(&self) -> u64 {
        match self {
            Frames::At(places) => places.len() as u64,
            Frames::Played(count) => *count,
        }
    }

    /// What to say where only the first is read.
    pub fn note(&self) -> Option<String> {
        let count = self.count();
        (count > 1).then(|| format!("its first of {count} frames is encoded; --frame N takes another"))
    }
}

/// The file with its picture `frame` (from 1) as its first, where its pictures are apart.
///
/// # Errors
/// Usage if there are fewer.
pub fn chosen(mut bytes: Vec<u8>, frame: u32, path: &Path) -> Result<Vec<u8>, Failure> {
    let kind = kind_of(&bytes, path)?;
    let frames = Frames::of(&mut Cursor::new(&bytes[..]), kind);
    let count = frames.count();
    if u64::from(frame) > count {
        return Err(Failure::usage(format!("--frame {frame}: {} has {count}; give 1 to {count}", shown(path))));
    }
    match (frames, kind) {
        (Frames::At(places), Kind::Image(ImageFormat::Tiff)) => point_to(&mut bytes, places[frame as usize - 1]),
        (Frames::At(places), _) => drop(bytes.drain(..places[frame as usize - 1] as usize)),
        (Frames::Played(_), _) => {}
    }
    Ok(bytes)
}

/// Frame `frame` (from 1) of an animation, with all that was drawn before it.
///
/// # Errors
/// Damaged, or unsupported.
pub fn played(bytes: &[u8], kind: Kind, frame: u32) -> Result<DynamicImage, Refusal> {
    let input = Cursor::new(bytes);
    let nth = |frames: image::Frames<'_>| frames.into_iter().nth(frame as usize - 1);
    let found: ImageResult<_> = match kind {
        Kind::Image(ImageFormat::Png) => {
            let pixels = PixelChunks::new(input).map_err(ImageError::IoError);
            pixels.and_then(PngDecoder::new).and_then(PngDecoder::apng).map(|apng| nth(apng.into_frames()))
        }
        Kind::Image(ImageFormat::WebP) => WebPDecoder::new(input).map(|webp| nth(webp.into_frames())),
        _ => GifDecoder::new(input).map(|gif| nth(gif.into_frames())),
    };
    let frame = found.map_err(Refusal::from_image)?.ok_or_else(|| Refusal::damaged("it has fewer frames than it says"))?;
    Ok(frame.map_err(Refusal::from_image)?.into_buffer().into())
}

/// The directories of a TIFF, without those of smaller copies.
fn pages(input: &mut (impl BufRead + Seek)) -> Option<Vec<u64>> {
    let mut decoder = TiffDecoder::new(input).ok()?;
    let mut places = Vec::new();
    loop {
        let copy = decoder.find_tag_unsigned::<u32>(Tag::NewSubfileType).ok().flatten().is_some_and(|kind| kind & 1 != 0);
        if !copy || places.is_empty() {
            places.push(decoder.ifd_pointer()?.0);
        }
        if places.len() == MOST || !decoder.more_images() || decoder.next_image().is_err() {
            return Some(places);
        }
    }
}

/// Makes the directory at `place` the first one.
fn point_to(tiff: &mut [u8], place: u64) {
    let big = tiff.starts_with(b"MM");
    let is_big_tiff = matches!(tiff, [_, _, 43, 0, ..] | [_, _, 0, 43, ..]);
    let pointer = if is_big_tiff { 8..16 } else { 4..8 };
    let bytes = match (big, is_big_tiff) {
        (true, true) => place.to_be_bytes().to_vec(),
        (false, true) => place.to_le_bytes().to_vec(),
        (true, false) => (place as u32).to_be_bytes().to_vec(),
        (false, false) => (place as u32).to_le_bytes().to_vec(),
    };
    tiff[pointer].copy_from_slice(&bytes);
}

/// Binary pictures may follow each other.
fn pnm_places(input: &mut (impl BufRead + Seek)) -> Option<Vec<u64>> {
    let length = input.seek(SeekFrom::End(0)).ok()?;
    let mut places = vec![0];
    while places.len() < MOST {
        let begin = *places.last()?;
        input.seek(SeekFrom::Start(begin)).ok()?;
        let Some(bytes) = pnm_bytes(input) else { break };
        let next = input.stream_position().ok()?.saturating_add(bytes);
        if next + 2 > length {
            break;
        }
        input.seek(SeekFrom::Start(next)).ok()?;
        let mut magic = [0; 2];
        input.read_exact(&mut magic).ok()?;
        if !matches!(magic, [b'P', b'4'..=b'7']) {
            break;
        }
        places.push(next);
    }
    Some(places)
}

/// Bytes of the pixels behind a header, which is read; `None` for text.
fn pnm_bytes(input: &mut (impl BufRead + Seek)) -> Option<u64> {
    let decoder = PnmDecoder::new(input).ok()?;
    let (width, height) = decoder.dimensions();
    let (_, header) = decoder.into_inner();
    let [width, height] = [width, height].map(u64::from);
    let depth = if header.maximal_sample() > 255 { 2 } else { 1 };
    let samples = match header.subtype() {
        PnmSubtype::Bitmap(SampleEncoding::Binary) => return width.div_ceil(8).checked_mul(height),
        PnmSubtype::Graymap(SampleEncoding::Binary) => 1,
        PnmSubtype::Pixmap(SampleEncoding::Binary) => 3,
        PnmSubtype::ArbitraryMap => u64::from(header.as_arbitrary()?.depth),
        _ => return None,
    };
    width.checked_mul(height)?.checked_mul(samples * depth)
}

/// Where the pictures of a JPEG are that has a list of them (CIPA DC-007), without smaller copies of the first.
fn mpo_places(input: &mut (impl BufRead + Seek)) -> Option<Vec<u64>> {
    let mut head = Vec::new();
    input.seek(SeekFrom::Start(0)).ok()?;
    input.take(1 << 20).read_to_end(&mut head).ok()?;
    let (_, place) = read_jpeg::segments(&head).find(|(code, place)| *code == 0xE2 && head[place.clone()].starts_with(b"MPF\0"))?;
    let begin = place.start + 4;
    let list = &head[begin..place.end];
    let big = list.starts_with(b"MM");
    let u32_at =
        |at: usize| list.get(at..)?.first_chunk().map(|&bytes| if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) });
    let u16_at =
        |at: usize| list.get(at..)?.first_chunk().map(|&bytes| if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) });
    let directory = u32_at(4)? as usize;
    let tags = (0..usize::from(u16_at(directory)?)).map(|number| directory + 2 + 12 * number);
    let entry = tags.into_iter().find(|&at| u16_at(at) == Some(0xB002))?;
    let (bytes, entries) = (u32_at(entry + 4)? as usize, u32_at(entry + 8)? as usize);
    let mut places = vec![0];
    for at in (1..bytes / 16).map(|number| entries + 16 * number) {
        let (kind, offset) = (u32_at(at)?, u32_at(at + 8)?);
        // Kinds that begin with 1 are previews.
        if kind >> 16 & 0xFF != 1 && offset != 0 {
            places.push(begin as u64 + u64::from(offset));
        }
    }
    let length = input.seek(SeekFrom::End(0)).ok()?;
    places.retain(|&place| place + 2 <= length);
    Some(places)
}

/// The number in the chunk acTL, which stands before the pixels.
fn png_frames(input: &mut (impl BufRead + Seek)) -> Option<u64> {
    input.seek(SeekFrom::Start(8)).ok()?;
    loop {
        let mut head = [0; 8];
        input.read_exact(&mut head).ok()?;
        match &head[4..] {
            b"acTL" => {
                input.read_exact(&mut head).ok()?;
                return Some(u32::from_be_bytes(*head.first_chunk()?).into());
            }
            b"IDAT" => return None,
            _ => drop(input.seek_relative(i64::from(u32::from_be_bytes(*head.first_chunk()?)) + 4).ok()?),
        }
    }
}

fn gif_frames(input: &mut (impl BufRead + Seek)) -> Option<u64> {
    input.seek(SeekFrom::Start(0)).ok()?;
    let mut options = gif::DecodeOptions::new();
    options.skip_frame_decoding(true);
    let mut decoder = options.read_info(input).ok()?;
    let mut count = 0;
    while let Ok(Some(_)) = decoder.next_frame_info() {
        count += 1;
    }
    Some(count)
}

fn webp_frames(input: &mut (impl BufRead + Seek)) -> Option<u64> {
    input.seek(SeekFrom::Start(0)).ok()?;
    let decoder = image_webp::WebPDecoder::new(input).ok()?;
    Some(decoder.num_frames().into())
}

fn jxl_frames(input: &mut (impl BufRead + Seek)) -> Option<u64> {
    let mut bytes = Vec::new();
    input.seek(SeekFrom::Start(0)).ok()?;
    input.read_to_end(&mut bytes).ok()?;
    Jxl::open(&bytes, 0, u64::MAX).ok().map(|jxl| jxl.frames())
}
