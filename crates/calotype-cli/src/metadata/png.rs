//! PNG: metadata in chunks before and after the pixels, and the rows of a file without them.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use flate2::read::ZlibDecoder;

use super::found::{Found, IPTC, Inflated, take};
use super::icc::{self, Chromaticities};
use super::note::{MOST_BYTES, damaged, too_long};
use crate::exif::ReadSeek;
use crate::refusal::BREAKS_OFF;

const SIGNATURE_BYTES: u64 = 8;
/// Length and type before the contents of a chunk, and its CRC after them.
const FRAME_BYTES: u64 = 12;
/// The chunks that make the pixels; animations included.
const OF_PIXELS: [&[u8; 4]; 8] = [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT"];
const XMP_KEYWORD: &str = "XML:com.adobe.xmp";
const RAW_PROFILE: &str = "Raw profile type ";
const JPEG_XMP_NAME: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// What says what the colours mean, from the strongest: PNG, third edition, section 4.3.
#[derive(Default)]
struct Colour {
    profile: bool,
    srgb: bool,
    gamma: Option<u32>,
    chromaticities: Option<Chromaticities>,
    grey: bool,
}

/// Where a chunk is.
struct Chunk {
    name: [u8; 4],
    length: u64,
}

/// The next chunk's frame, if there is one.
fn next(png: &mut impl Read) -> Option<Chunk> {
    let mut head = [0; 8];
    png.read_exact(&mut head).ok()?;
    let [a, b, c, d, name @ ..] = head;
    Some(Chunk { name, length: u32::from_be_bytes([a, b, c, d]).into() })
}

/// What the checksums of the chunks that make the first picture say is damaged, if anything. A decoder of rows is content with the last row, and
/// looks no further: neither at the checksum of the chunk that it comes from, nor at zlib's.
pub fn damage(png: &mut impl ReadSeek) -> Option<String> {
    const CHECKED: [&[u8; 4]; 4] = [b"IHDR", b"PLTE", b"tRNS", b"IDAT"];
    let mut at = SIGNATURE_BYTES;
    while png.seek(SeekFrom::Start(at)).is_ok()
        && let Some(chunk) = next(png)
        && &chunk.name != b"IEND"
    {
        if CHECKED.contains(&&chunk.name) {
            match checksums(png, &chunk) {
                Some([computed, said]) if computed == said => {}
                Some(_) => return Some(format!("its chunk {} is damaged", chunk.name.escape_ascii())),
                None => return Some(BREAKS_OFF.to_owned()),
            }
        }
        at += FRAME_BYTES + chunk.length;
    }
    None
}

/// That of a chunk's name and bytes, and the one behind them, unless the file ends before.
fn checksums(png: &mut impl Read, chunk: &Chunk) -> Option<[u32; 2]> {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&chunk.name);
    let (mut left, mut bytes) = (chunk.length, [0; 1 << 13]);
    while left > 0 {
        let part = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        png.read_exact(&mut bytes[..part]).ok()?;
        hasher.update(&bytes[..part]);
        left -= part as u64;
    }
    let mut said = [0; 4];
    png.read_exact(&mut said).ok()?;
    Some([hasher.finalize(), u32::from_be_bytes(said)])
}

/// All metadata, from the signature to the end.
pub fn find(png: &mut impl ReadSeek) -> Found {
    let (mut found, mut colour) = (Found::default(), Colour::default());
    let mut at = SIGNATURE_BYTES;
    while png.seek(SeekFrom::Start(at)).is_ok()
        && let Some(chunk) = next(png)
        && &chunk.name != b"IEND"
    {
        read(png, &chunk, &mut found, &mut colour);
        at += FRAME_BYTES + chunk.length;
    }
    colour.settle(&mut found);
    found
}

/// Takes what a chunk says.
fn read(png: &mut impl ReadSeek, chunk: &Chunk, found: &mut Found, colour: &mut Colour) {
    match &chunk.name {
        b"iCCP" => {
            colour.profile = true;
            add_profile(png, chunk.length, found);
        }
        b"IHDR" | b"cICP" | b"sRGB" | b"gAMA" | b"cHRM" => {
            if let Some(bytes) = whole(png, chunk) {
                colour.read(&chunk.name, &bytes, found);
            }
        }
        b"eXIf" | b"zxIf" => add(png, chunk, "Exif", found, Found::add_exif),
        b"iTXt" => add(png, chunk, "text", found, |found, bytes| add_text(&bytes, international, found)),
        b"zTXt" => add(png, chunk, "text", found, |found, bytes| add_text(&bytes, compressed, found)),
        b"tEXt" => add(png, chunk, "text", found, |found, bytes| add_text(&bytes, plain, found)),
        b"mDCV" | b"cLLI" => found.note("its data of the mastering display is left out"),
        _ => {}
    }
}

/// Takes a chunk, or says why not.
fn add(png: &mut impl ReadSeek, chunk: &Chunk, what: &str, found: &mut Found, take: impl Fn(&mut Found, Vec<u8>)) {
    if chunk.length > MOST_BYTES {
        return found.note(too_long(what));
    }
    match whole(png, chunk) {
        Some(bytes) => take(found, bytes),
        None => found.note(damaged(what)),
    }
}

/// A chunk's contents, if its CRC is right.
fn whole(png: &mut impl Read, chunk: &Chunk) -> Option<Vec<u8>> {
    let bytes = take(png, chunk.length)?;
    let mut hash = crc32fast::Hasher::new();
    hash.update(&chunk.name);
    hash.update(&bytes);
    (take(png, 4)? == hash.finalize().to_be_bytes()).then_some(bytes)
}

fn inflated(stream: impl Read) -> Inflated {
    Inflated::of(ZlibDecoder::new(stream))
}

/// Its name of 1 to 79 bytes, 0, the method 0, a zlib stream.
fn add_profile(png: &mut impl ReadSeek, length: u64, found: &mut Found) {
    let mut chunk = io::BufReader::new(png.take(length));
    let named = chunk.by_ref().take(80).skip_until(0).is_ok();
    let mut method = [1];
    let method = chunk.read_exact(&mut method).is_ok() && method == [0];
    match if named && method { inflated(chunk) } else { Inflated::Damaged } {
        Inflated::Whole(profile) if found.metadata.icc.is_none() => found.metadata.icc = Some(profile),
        Inflated::Whole(_) => found.note("its second ICC profile is left out"),
        Inflated::TooLong => found.note(too_long("ICC profile")),
        Inflated::Damaged => found.note(damaged("ICC profile")),
    }
}

impl Colour {
    fn read(&mut self, name: &[u8; 4], bytes: &[u8], found: &mut Found) {
        let words: Vec<u32> = bytes.as_chunks().0.iter().map(|word| u32::from_be_bytes(*word)).collect();
        match (name, bytes, &words[..]) {
            (b"IHDR", [.., kind, _, _, _], _) => self.grey = kind & 2 == 0,
            (b"cICP", &[primaries, transfer, matrix, range], _) => found.metadata.cicp = Some([primaries, transfer, matrix, range]),
            (b"sRGB", _, _) => self.srgb = true,
            (b"gAMA", _, &[gamma]) => self.gamma = Some(gamma),
            (b"cHRM", _, &[wx, wy, rx, ry, gx, gy, bx, by]) => {
                self.chromaticities = Some(Chromaticities { white: [wx, wy], red: [rx, ry], green: [gx, gy], blue: [bx, by] });
            }
            _ => found.note(damaged(&name.escape_ascii().to_string())),
        }
    }

    /// Gamma and chromaticities count where nothing stronger is said. A cICP that is left out later says nothing.
    fn settle(self, found: &mut Found) {
        let stronger = self.profile || self.srgb || found.metadata.cicp.is_some_and(|cicp| cicp[2..] == [0, 1]);
        if stronger || self.gamma.is_none() && self.chromaticities.is_none() {
            return;
        }
        match icc::of_gamma(self.gamma, self.chromaticities.filter(|_| !self.grey), self.grey) {
            Ok(profile) => found.metadata.icc = profile,
            Err(chunk) => found.note(damaged(&chunk.to_string())),
        }
    }
}

/// Keyword and text of a chunk.
type Text = (String, Inflated);

/// A string that ends with 0, and what follows.
fn string(bytes: &[u8]) -> Option<(String, &[u8])> {
    let end = bytes.iter().position(|&byte| byte == 0)?;
    // Keywords are Latin-1; those that matter are ASCII.
    Some((bytes[..end].iter().copied().map(char::from).collect(), &bytes[end + 1..]))
}

fn plain(bytes: &[u8]) -> Option<Text> {
    let (keyword, text) = string(bytes)?;
    Some((keyword, Inflated::Whole(text.to_vec())))
}

fn compressed(bytes: &[u8]) -> Option<Text> {
    let (keyword, rest) = string(bytes)?;
    let (0, stream) = rest.split_first()? else { return None };
    Some((keyword, inflated(stream)))
}

fn international(bytes: &[u8]) -> Option<Text> {
    let (keyword, rest) = string(bytes)?;
    let (&[is_compressed, method], rest) = rest.split_first_chunk()?;
    let (_language, rest) = string(rest)?;
    let (_translated, text) = string(rest)?;
    match (is_compressed, method) {
        (0, _) => Some((keyword, Inflated::Whole(text.to_vec()))),
        (1, 0) => Some((keyword, inflated(text))),
        _ => None,
    }
}

/// XMP under its keyword; profiles as ImageMagick and exiftool store them in texts; other texts have no place in a `.calo` file.
fn add_text(bytes: &[u8], parse: fn(&[u8]) -> Option<Text>, found: &mut Found) {
    let Some((keyword, text)) = parse(bytes) else { return found.note(damaged("text")) };
    let profile = keyword.strip_prefix(RAW_PROFILE);
    let what = match profile {
        Some(name) => format!("raw profile {name}"),
        None if keyword == XMP_KEYWORD => "XMP".to_string(),
        None if is_noteworthy(&keyword) => return found.note(format!("its text {keyword:?} is left out")),
        None => return,
    };
    match (text, profile) {
        (Inflated::TooLong, _) => found.note(too_long(&what)),
        (Inflated::Damaged, _) => found.note(damaged(&what)),
        (Inflated::Whole(text), None) => found.add_xmp(text),
        (Inflated::Whole(text), Some(name)) => match raw_profile(&text) {
            Some(profile) => add_raw_profile(name, profile, found),
            None => found.note(damaged(&what)),
        },
    }
}

/// What programs write of themselves is not missed.
fn is_noteworthy(keyword: &str) -> bool {
    !["Software", "Creation Time"].contains(&keyword) && !keyword.starts_with("date:") && !keyword.starts_with("png:")
}

/// A line feed, the name, the length, then hexadecimal digits in lines.
fn raw_profile(text: &[u8]) -> Option<Vec<u8>> {
    let text = str::from_utf8(text).ok()?.trim_start();
    let (_name, rest) = text.split_once('\n')?;
    let (length, digits) = rest.trim_start().split_once('\n')?;
    let digits: Vec<u8> = digits.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes: Vec<u8> =
        digits.as_chunks::<2>().0.iter().map(|&[high, low]| Some((digit(high)? << 4 | digit(low)?) as u8)).collect::<Option<_>>()?;
    (bytes.len() == length.trim().parse::<usize>().ok()?).then_some(bytes)
}

/// By its name and its beginning: an `APP1` is either Exif or XMP.
fn add_raw_profile(name: &str, profile: Vec<u8>, found: &mut Found) {
    match (name.to_ascii_lowercase().as_str(), profile.strip_prefix(JPEG_XMP_NAME)) {
        ("exif" | "app1" | "xmp", Some(xmp)) => found.add_xmp(xmp.to_vec()),
        ("exif" | "app1", None) => found.add_exif(profile),
        ("xmp", None) => found.add_xmp(profile),
        ("icc" | "icm", _) if found.metadata.icc.is_none() => found.metadata.icc = Some(profile),
        ("iptc" | "8bim", _) => found.note(IPTC),
        _ => found.note(format!("its raw profile {name} is left out")),
    }
}

/// The chunks of a PNG that make its pixels, as if the file had no others: what a decoder of pixels reads, so that no metadata is inflated twice
/// or stops it.
pub struct PixelChunks<R> {
    png: R,
    /// Parts of the file: begin and length.
    parts: Vec<(u64, u64)>,
    /// The part that is being read, and how much of it has been.
    part: usize,
    used: u64,
}

impl<R: BufRead + Seek> PixelChunks<R> {
    /// Looks where they are.
    ///
    /// # Errors
    /// Those of seeking.
    pub fn new(mut png: R) -> io::Result<PixelChunks<R>> {
        let parts = parts(&mut png)?;
        let mut chunks = PixelChunks { png, parts, part: 0, used: 0 };
        chunks.rewind()?;
        Ok(chunks)
    }

    /// To the byte that is next.
    fn settle(&mut self) -> io::Result<()> {
        match self.parts.get(self.part) {
            Some((begin, _)) => self.png.seek(SeekFrom::Start(begin + self.used)).map(drop),
            None => Ok(()),
        }
    }

    fn position(&self) -> u64 {
        self.parts[..self.part].iter().map(|(_, length)| length).sum::<u64>() + self.used
    }
}

/// Neighbours are one part; a broken file goes on to its end, for the decoder to find out.
fn parts<R: BufRead + Seek>(png: &mut R) -> io::Result<Vec<(u64, u64)>> {
    let end = png.seek(SeekFrom::End(0))?;
    let mut parts = vec![(0, SIGNATURE_BYTES.min(end))];
    let mut at = SIGNATURE_BYTES;
    while at < end {
        png.seek(SeekFrom::Start(at))?;
        let (is_of_pixels, length) = match next(png) {
            // The case of the first letter: critical ones are for the decoder to judge.
            Some(chunk) => (OF_PIXELS.contains(&&chunk.name) || chunk.name[0] & 32 == 0, FRAME_BYTES + chunk.length),
            None => (true, end - at),
        };
        let length = length.min(end - at);
        match parts.last_mut() {
            Some(last) if is_of_pixels && last.0 + last.1 == at => last.1 += length,
            _ if is_of_pixels => parts.push((at, length)),
            _ => {}
        }
        at += length;
    }
    Ok(parts)
}

impl<R: BufRead + Seek> Read for PixelChunks<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let length = ready.len().min(bytes.len());
        bytes[..length].copy_from_slice(&ready[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl<R: BufRead + Seek> BufRead for PixelChunks<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while let Some((_, length)) = self.parts.get(self.part)
            && self.used == *length
        {
            (self.part, self.used) = (self.part + 1, 0);
            self.settle()?;
        }
        let Some((_, length)) = self.parts.get(self.part) else { return Ok(&[]) };
        let left = length - self.used;
        let ready = self.png.fill_buf()?;
        Ok(&ready[..ready.len().min(usize::try_from(left).unwrap_or(usize::MAX))])
    }

    fn consume(&mut self, bytes: usize) {
        self.png.consume(bytes);
        self.used += bytes as u64;
    }
}

impl<R: BufRead + Seek> Seek for PixelChunks<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let length: u64 = self.parts.iter().map(|(_, length)| length).sum();
        let wanted = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(from) => length.checked_add_signed(from),
            SeekFrom::Current(from) => self.position().checked_add_signed(from),
        };
        let wanted = wanted.ok_or(io::ErrorKind::InvalidInput)?;
        let mut left = wanted;
        self.part = self
            .parts
            .iter()
            .position(|(_, length)| {
                let here = left < *length;
                left -= if here { 0 } else { *length };
                here
            })
            .unwrap_or(self.parts.len());
        self.used = left;
        self.settle()?;
        Ok(wanted)
    }
}
