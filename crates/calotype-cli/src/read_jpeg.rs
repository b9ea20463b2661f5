//! JPEG: what its header says, and its pixels (docs/DECISIONS.md, which JPEG reader).

use std::io::Cursor;
use std::ops::Range;

use image::{ColorType, DynamicImage, ImageBuffer};
use jpeg_decoder::{ColorTransform, Decoder};

use crate::refusal::{BREAKS_OFF, Refusal};

/// Codes of segments.
const APP0: u8 = 0xE0;
const APP14: u8 = 0xEE;
const SOS: u8 = 0xDA;
const DRI: u8 = 0xDD;
const EOI: u8 = 0xD9;
/// A progressive frame.
const SOF2: u8 = 0xC2;

/// A JPEG whose header has been read.
pub struct Jpeg<'a> {
    bytes: &'a [u8],
    frame: Frame,
    transform: ColorTransform,
    /// CMYK is stored inverted.
    adobe: bool,
    /// MCUs between restart markers, 0 for none.
    restart: u16,
}

/// What a frame header says.
struct Frame {
    code: u8,
    width: u16,
    height: u16,
    components: Vec<Component>,
}

/// A colour.
struct Component {
    id: u8,
    /// Across and down.
    sampling: [u8; 2],
}

/// The segments up to the header of the first scan: their codes, and where what they hold lies.
pub fn segments(jpeg: &[u8]) -> impl Iterator<Item = (u8, Range<usize>)> {
    let mut at = 2;
    std::iter::from_fn(move || {
        // Any number of fill bytes, and rubbish, which other readers pass over, too.
        while !matches!(jpeg.get(at..at + 2)?, [0xFF, 1..=0xFE]) {
            at += 1;
        }
        let (code, length) = (jpeg[at + 1], jpeg.get(at + 2..at + 4)?);
        let (begin, end) = (at + 4, at + 2 + usize::from(u16::from_be_bytes([length[0], length[1]])));
        at = if code == SOS { jpeg.len() } else { end };
        (begin <= end && end <= jpeg.len()).then_some((code, begin..end))
    })
}

impl<'a> Jpeg<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// Unsupported for what the decoder does not get right, damaged if there is no header.
    pub fn open(bytes: &'a [u8]) -> Result<Jpeg<'a>, Refusal> {
        let (mut frame, mut jfif, mut adobe, mut restart) = (None, false, None, 0);
        for (code, place) in segments(bytes) {
            let payload = &bytes[place];
            match code {
                // Huffman tables, a reserved code and arithmetic conditioning lie among the frames.
                0xC4 | 0xC8 | 0xCC => {}
                0xC0..=0xCF | 0xF7 => frame = Some(Frame::parse(code, payload)?),
                APP0 if payload.starts_with(b"JFIF\0") => jfif = true,
                APP14 if payload.starts_with(b"Adobe") => adobe = payload.get(11).copied(),
                DRI => restart = payload.first_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes)),
                SOS => {
                    let frame: Frame = frame.ok_or_else(|| Refusal::damaged("a scan comes before its size"))?;
                    frame.check_sampling(payload.first().copied().unwrap_or(0))?;
                    return Ok(Jpeg { bytes, transform: frame.transform(jfif, adobe), adobe: adobe.is_some(), frame, restart });
                }
                _ => {}
            }
        }
        Err(Refusal::damaged("it ends in its header"))
    }

    /// Pixels in a row, and rows.
    pub fn dimensions(&self) -> (u32, u32) {
        (self.frame.width.into(), self.frame.height.into())
    }

    /// The kind of its pixels.
    pub fn color_type(&self) -> ColorType {
        if self.frame.components.len() == 1 { ColorType::L8 } else { ColorType::Rgb8 }
    }

    /// Whether its colours are those of four inks.
    pub fn is_cmyk(&self) -> bool {
        self.frame.components.len() == 4
    }

    /// Bytes of its pixels.
    pub fn pixel_bytes(&self) -> u64 {
        let (width, height) = self.dimensions();
        u64::from(width) * u64::from(height) * u64::from(self.color_type().bytes_per_pixel())
    }

    /// Bytes that the decoder takes beside the pixels: samples of all colours, and coefficients where these come bit by bit.
    pub fn inside_bytes(&self) -> u64 {
        let samples = self.frame.blocks() as u64 * 64 * self.frame.components.len() as u64;
        samples * if self.frame.code == SOF2 { 3 } else { 1 }
    }

    /// Its pixels.
    ///
    /// # Errors
    /// Where it breaks off or is damaged.
    pub fn image(&self) -> Result<DynamicImage, Refusal> {
        self.decode(self.bytes).map_err(|(refusal, _)| refusal).and_then(|samples| self.arranged(samples))
    }

    /// Its pixels, grey where it is damaged or has broken off, and what is wrong there, if anything is.
    ///
    /// # Errors
    /// If nothing can be read.
    pub fn salvaged(&self) -> Result<(DynamicImage, Option<String>), Refusal> {
        match self.decode(self.bytes) {
            Ok(samples) => Ok((self.arranged(samples)?, None)),
            Err((Refusal::Damaged(what), read)) => {
                let samples = self.decode(&self.ended(&self.bytes[..read])).map_err(|_| Refusal::damaged(&what))?;
                Ok((self.arranged(samples)?, Some(what)))
            }
            Err((refusal, _)) => Err(refusal),
        }
    }

    /// The samples as they are decoded, or why not, and after how many bytes.
    fn decode(&self, bytes: &[u8]) -> Result<Vec<u8>, (Refusal, usize)> {
        let mut file = Cursor::new(bytes);
        let mut decoder = Decoder::new(&mut file);
        decoder.set_color_transform(self.transform);
        decoder.decode().map_err(|error| (refusal(error), file.position() as usize))
    }

    /// The beginning of a file with the markers after which a decoder takes the rest as grey.
    fn ended(&self, begin: &[u8]) -> Vec<u8> {
        let mut bytes = begin.to_vec();
        bytes.truncate(bytes.iter().rposition(|&byte| byte != 0xFF).map_or(0, |last| last + 1));
        if self.restart > 0 {
            let last = bytes.windows(2).rev().find(|pair| matches!(pair, [0xFF, 0xD0..=0xD7]));
            let next = last.map_or(0, |pair| usize::from(pair[1] & 7) + 1);
            let intervals = self.frame.blocks() / usize::from(self.restart);
            (next..=next + intervals).for_each(|number| bytes.extend([0xFF, 0xD0 | (number % 8) as u8]));
        }
        bytes.extend([0xFF, EOI]);
        bytes
    }

    fn arranged(&self, samples: Vec<u8>) -> Result<DynamicImage, Refusal> {
        let (width, height) = self.dimensions();
        let image = match self.frame.components.len() {
            1 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLuma8),
            3 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgb8),
            _ => ImageBuffer::from_raw(width, height, rgb_of_cmyk(&samples, self.adobe)).map(DynamicImage::ImageRgb8),
        };
        image.ok_or_else(|| Refusal::damaged("it has fewer rows than it says"))
    }
}

impl Frame {
    fn parse(code: u8, payload: &[u8]) -> Result<Frame, Refusal> {
        match code {
            0xC0..=SOF2 => {}
            0xC3 => return Err(Refusal::uses("lossless JPEG coding")),
            0xC9..=0xCB => return Err(Refusal::uses("arithmetic coding")),
            0xF7 => return Err(Refusal::uses("JPEG-LS coding")),
            _ => return Err(Refusal::uses("hierarchical JPEG coding")),
        }
        let &[bits, h1, h0, w1, w0, _, ..] = payload else { return Err(Refusal::damaged("its frame header is too short")) };
        let frame = Frame {
            code,
            width: u16::from_be_bytes([w1, w0]),
            height: u16::from_be_bytes([h1, h0]),
            components: payload[6..].chunks_exact(3).map(|c| Component { id: c[0], sampling: [c[1] >> 4, c[1] & 15] }).collect(),
        };
        match frame.components.len() {
            _ if bits != 8 => Err(Refusal::uses(format!("{bits} bits a sample"))),
            _ if frame.height == 0 => Err(Refusal::uses("a height that comes after its pixels")),
            1 | 3 | 4 => Ok(frame),
            0 => Err(Refusal::damaged("it has no colours")),
            count => Err(Refusal::uses(format!("{count} colours"))),
        }
    }

    /// Refuses what jpeg-decoder 0.3.2 reads wrongly: scans of one colour whose samples are neither the most nor the fewest.
    fn check_sampling(&self, scan_components: u8) -> Result<(), Refusal> {
        let interleaved = self.code != SOF2 && usize::from(scan_components) == self.components.len();
        let wrong = (0..2).any(|axis| {
            let most = self.components.iter().map(|component| component.sampling[axis]).max().unwrap_or(1);
            self.components.iter().any(|component| !interleaved && ![1, most].contains(&component.sampling[axis]))
        });
        if wrong { Err(Refusal::uses("an unusual sampling of colours in scans of their own")) } else { Ok(()) }
    }

    /// What the samples mean, as libjpeg finds out.
    fn transform(&self, jfif: bool, adobe: Option<u8>) -> ColorTransform {
        let ids: Vec<u8> = self.components.iter().map(|component| component.id).collect();
        match (ids.len(), adobe) {
            (1, _) => ColorTransform::Grayscale,
            (3, _) if jfif => ColorTransform::YCbCr,
            (3, Some(0)) => ColorTransform::RGB,
            (3, None) if ids == *b"RGB" => ColorTransform::RGB,
            (3, _) => ColorTransform::YCbCr,
            (_, None | Some(0)) => ColorTransform::CMYK,
            _ => ColorTransform::YCCK,
        }
    }

    fn blocks(&self) -> usize {
        usize::from(self.width).div_ceil(8) * usize::from(self.height).div_ceil(8)
    }
}

/// RGB of CMYK, which the decoder has inverted as if Adobe had written it.
fn rgb_of_cmyk(cmyk: &[u8], adobe: bool) -> Vec<u8> {
    let light = |ink: u8| u32::from(if adobe { 255 - ink } else { ink });
    let pixel = |[c, m, y, k]: &[u8; 4]| [c, m, y].map(|ink| ((light(*ink) * light(*k) + 127) / 255) as u8);
    cmyk.as_chunks().0.iter().flat_map(pixel).collect()
}

fn refusal(error: jpeg_decoder::Error) -> Refusal {
    match error {
        jpeg_decoder::Error::Unsupported(_) => Refusal::uses("a kind of JPEG coding that its decoder does not know"),
        jpeg_decoder::Error::Io(_) => Refusal::damaged(BREAKS_OFF),
        error => Refusal::of_decoder(error),
    }
}
