//! Picture files as programs write them, put together byte by byte.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::{ExtendedColorType, ImageEncoder};
use tiff::encoder::colortype::{Gray8, Gray16, RGB8, RGB16, RGBA8};
use tiff::encoder::{DirectoryEncoder, TiffEncoder, TiffKind, TiffKindBig, TiffKindStandard};
use tiff::tags::Tag;

use crate::harness::crc32;
use crate::makers::segment;

pub const WIDTH: u32 = 24;
pub const HEIGHT: u32 = 16;

/// Channels and depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    channels: u8,
    depth: u8,
}

impl Kind {
    pub const GREY: Kind = Kind { channels: 1, depth: 8 };
    pub const GREY_ALPHA: Kind = Kind { channels: 2, depth: 8 };
    pub const RGB: Kind = Kind { channels: 3, depth: 8 };
    pub const RGBA: Kind = Kind { channels: 4, depth: 8 };
    pub const GREY_16: Kind = Kind { channels: 1, depth: 16 };
    pub const RGB_16: Kind = Kind { channels: 3, depth: 16 };
    pub const RGBA_16: Kind = Kind { channels: 4, depth: 16 };

    pub fn is_deep(self) -> bool {
        self.depth == 16
    }

    pub fn is_grey(self) -> bool {
        self.channels < 3
    }

    fn pixel_bytes(self) -> usize {
        usize::from(self.channels) * usize::from(self.depth / 8)
    }

    /// Smooth bytes.
    fn bytes(self) -> Vec<u8> {
        let row = WIDTH as usize * self.pixel_bytes();
        (0..row * HEIGHT as usize).map(|at| (at / row * 8 + at % row) as u8).collect()
    }
}

pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A chunk of a PNG.
pub fn chunk(name: &[u8; 4], bytes: &[u8]) -> Vec<u8> {
    let body = [name, bytes].concat();
    [&(bytes.len() as u32).to_be_bytes()[..], &body, &crc32(&body).to_be_bytes()].concat()
}

/// A PNG with chunks before and after its pixels.
pub fn png(kind: Kind, before: &[u8], after: &[u8]) -> Vec<u8> {
    let colour = [0, 4, 2, 6][usize::from(kind.channels) - 1];
    let header = [&WIDTH.to_be_bytes()[..], &HEIGHT.to_be_bytes(), &[kind.depth, colour, 0, 0, 0]].concat();
    let rows: Vec<u8> = kind.bytes().chunks(WIDTH as usize * kind.pixel_bytes()).flat_map(|row| [&[0], row].concat()).collect();
    let pixels = chunk(b"IDAT", &zlib(&rows));
    [b"\x89PNG\r\n\x1a\n", &chunk(b"IHDR", &header)[..], before, &pixels, after, &chunk(b"IEND", &[])].concat()
}

/// As ImageMagick writes profiles into texts.
pub fn raw_profile(name: &str, bytes: &[u8]) -> Vec<u8> {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let lines: Vec<&str> = digits.as_bytes().chunks(72).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("\n{name}\n{:8}\n{}\n", bytes.len(), lines.join("\n")).into_bytes()
}

pub fn exif_segment(exif: &[u8]) -> Vec<u8> {
    segment(0xE1, &[b"Exif\0\0", exif].concat())
}

/// A JPEG with segments at its beginning.
pub fn jpeg(kind: Kind, segments: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let colour = if kind.is_grey() { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 95).write_image(&kind.bytes(), WIDTH, HEIGHT, colour).unwrap();
    [&bytes[..2], &segments.concat(), &bytes[2..]].concat()
}

/// A WebP with these chunks.
pub fn webp(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = image_webp::WebPEncoder::new(&mut bytes);
    for (name, chunk) in chunks {
        match *name {
            b"ICCP" => encoder.set_icc_profile(chunk.clone()),
            b"EXIF" => encoder.set_exif_metadata(chunk.clone()),
            _ => encoder.set_xmp_metadata(chunk.clone()),
        }
    }
    encoder.encode(&Kind::RGB.bytes(), WIDTH, HEIGHT, image_webp::ColorType::Rgb8).unwrap();
    bytes
}

/// Tags to be added to a TIFF.
pub struct Tags(Vec<(u16, Value)>);

enum Value {
    Short(u16),
    Long(u32),
    Bytes(Vec<u8>),
}

impl Tags {
    pub fn short(&mut self, tag: u16, value: u16) {
        self.0.push((tag, Value::Short(value)));
    }

    pub fn long(&mut self, tag: u16, value: u32) {
        self.0.push((tag, Value::Long(value)));
    }

    pub fn bytes(&mut self, tag: u16, value: &[u8]) {
        self.0.push((tag, Value::Bytes(value.to_vec())));
    }

    fn write<W: Write + std::io::Seek, K: TiffKind>(&self, directory: &mut DirectoryEncoder<'_, W, K>) {
        for (tag, value) in &self.0 {
            let tag = Tag::from_u16_exhaustive(*tag);
            match value {
                Value::Short(value) => directory.write_tag(tag, *value),
                Value::Long(value) => directory.write_tag(tag, *value),
                Value::Bytes(bytes) => directory.write_tag(tag, &bytes[..]),
            }
            .unwrap();
        }
    }
}

/// A TIFF or BigTIFF with tags.
pub fn tiff(kind: Kind, big: bool, add: impl Fn(&mut Tags)) -> Vec<u8> {
    let mut tags = Tags(Vec::new());
    add(&mut tags);
    let mut file = Cursor::new(Vec::new());
    if big {
        write_tiff::<TiffKindBig>(TiffEncoder::new_big(&mut file).unwrap(), kind, &tags);
    } else {
        write_tiff::<TiffKindStandard>(TiffEncoder::new(&mut file).unwrap(), kind, &tags);
    }
    file.into_inner()
}

fn write_tiff<K: TiffKind>(mut encoder: TiffEncoder<&mut Cursor<Vec<u8>>, K>, kind: Kind, tags: &Tags) {
    let bytes = kind.bytes();
    let deep: Vec<u16> = bytes.as_chunks().0.iter().map(|sample| u16::from_be_bytes(*sample)).collect();
    macro_rules! write {
        ($colour:ty, $samples:expr) => {{
            let mut image = encoder.new_image::<$colour>(WIDTH, HEIGHT).unwrap();
            tags.write(image.encoder());
            image.write_data($samples).unwrap();
        }};
    }
    match (kind.channels, kind.depth) {
        (1, 8) => write!(Gray8, &bytes),
        (3, 8) => write!(RGB8, &bytes),
        (4, 8) => write!(RGBA8, &bytes),
        (1, _) => write!(Gray16, &deep),
        (3, _) => write!(RGB16, &deep),
        other => panic!("no TIFF of {other:?} here"),
    }
}

/// Exif with an orientation alone.
#[derive(Clone, Copy, Debug)]
pub struct Exif {
    pub orientation: u8,
    /// The type: BYTE, SHORT or LONG.
    pub kind: u16,
    pub big_endian: bool,
}

impl Exif {
    pub fn asking(orientation: u8) -> Exif {
        Exif { orientation, kind: 3, big_endian: false }
    }

    pub fn upright() -> Exif {
        Exif::asking(1)
    }

    fn u16(&self, value: u16) -> [u8; 2] {
        if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn u32(&self, value: u32) -> [u8; 4] {
        if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn entry(&self) -> Vec<u8> {
        let value = match self.kind {
            1 => vec![self.orientation, 0, 0, 0],
            3 => [self.u16(self.orientation.into()), [0, 0]].concat(),
            _ => self.u32(self.orientation.into()).to_vec(),
        };
        [&self.u16(274)[..], &self.u16(self.kind), &self.u32(1), &value].concat()
    }

    pub fn bytes(&self) -> Vec<u8> {
        let head: &[u8] = if self.big_endian { b"MM\0*" } else { b"II*\0" };
        [head, &self.u32(8), &self.u16(1), &self.entry(), &self.u32(0)].concat()
    }
}

/// Exif with a description of so many bytes.
pub fn with_comment(exif: &Exif, bytes: usize) -> Vec<u8> {
    let description = [&exif.u16(270)[..], &exif.u16(2), &exif.u32(bytes as u32), &exif.u32(38)].concat();
    let head: &[u8] = b"II*\0";
    [head, &exif.u32(8), &exif.u16(2), &description, &exif.entry(), &exif.u32(0), &vec![b'x'; bytes]].concat()
}

/// Little-endian Exif of one directory, with a second one that has a thumbnail.
pub fn with_thumbnail(exif: &[u8]) -> Vec<u8> {
    let begin = exif.len() as u32;
    let entry = |tag: u16, value: u32| [&tag.to_le_bytes()[..], &4_u16.to_le_bytes(), &1_u32.to_le_bytes(), &value.to_le_bytes()].concat();
    let picture = b"\xFF\xD8 a small picture \xFF\xD9";
    let second = [&2_u16.to_le_bytes()[..], &entry(0x0201, begin + 30), &entry(0x0202, picture.len() as u32), &[0; 4], picture].concat();
    [&exif[..exif.len() - 4], &begin.to_le_bytes(), &second].concat()
}

/// The same little-endian Exif without its directory of places: its entry, the last of the first directory, goes, and what it points to, at the end.
pub fn without_gps(exif: &[u8]) -> Vec<u8> {
    let word = |at: usize| u32::from_le_bytes(exif[at..at + 4].try_into().unwrap()) as usize;
    let count = usize::from(exif[8]);
    let (entry, gps) = (10 + (count - 1) * 12, word(10 + (count - 1) * 12 + 8));
    assert_eq!(exif[entry..entry + 2], [0x25, 0x88]);
    let mut without = exif[..gps].to_vec();
    without[8] -= 1;
    without[entry..entry + 16].fill(0);
    without
}

const NAMESPACES: &str = "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'";
const OF_PROPERTIES: &str = "xmlns:tiff='http://ns.adobe.com/tiff/1.0/' xmlns:exif='http://ns.adobe.com/exif/1.0/' \
xmlns:xmpNote='http://ns.adobe.com/xmp/note/' xmlns:dc='http://purl.org/dc/elements/1.1/'";

/// An XMP packet with properties as attributes and as elements.
pub fn xmp(attributes: &str, elements: &str) -> String {
    packet(&format!("<rdf:Description rdf:about='' {OF_PROPERTIES}{attributes}>{elements}</rdf:Description>"))
}

/// The same whose attributes have been written anew.
pub fn xmp_as_written(attributes: &str, elements: &str) -> String {
    let properties = OF_PROPERTIES.replace('\'', "\"");
    packet(&format!("<rdf:Description rdf:about=\"\" {properties}{attributes}>{elements}</rdf:Description>"))
}

fn packet(inside: &str) -> String {
    format!(
        "<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF {NAMESPACES}>{inside}</rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
    )
}

/// An extended XMP, which has no packet around it.
pub fn bare_xmp(elements: &str) -> String {
    format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF {NAMESPACES}><rdf:Description {OF_PROPERTIES}>{elements}</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
}

/// A packet without properties, joined with an extended XMP.
pub fn joined(elements: &str) -> String {
    let outer = format!("xmlns:x=\"adobe:ns:meta/\" {}", NAMESPACES.replace('\'', "\""));
    let properties = OF_PROPERTIES.replace('\'', "\"");
    packet(&format!(
        "<rdf:Description rdf:about=\"\" {properties}></rdf:Description><rdf:Description {OF_PROPERTIES} {outer}>{elements}</rdf:Description>"
    ))
}

/// A `.calo` file of one tile without sections, with one more (docs/FORMAT.md section 3).
pub fn with_section(file: &[u8], tag: &[u8; 4], section: &[u8]) -> Vec<u8> {
    assert_eq!(file[27], 0);
    let entry = [&tag[..], &(section.len() as u32).to_le_bytes(), &crc32(section).to_le_bytes()].concat();
    let mut head = [&file[..28], &entry, &file[28..40]].concat();
    head[27] = 1;
    let crc = crc32(&head).to_le_bytes();
    [&head[..], &crc, section, &file[44..]].concat()
}
