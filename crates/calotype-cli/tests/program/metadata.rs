//! Metadata for tests: real profiles, Exif and XMP, and what exiftool reads in outputs.

use std::borrow::Cow;
use std::process::Command;

use image::DynamicImage;
use serde_json::{Map, Value};

use crate::harness::Desk;
use crate::pictures::with_metadata;

/// What a file carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    pub icc: Option<Vec<u8>>,
    pub cicp: Option<[u8; 4]>,
    pub exif: Option<Vec<u8>>,
    pub xmp: Option<Vec<u8>>,
}

const XMP: &str = "<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>\
<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/'>\
<dc:format>latent</dc:format></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>";

/// Everything but cICP.
pub fn whole() -> Metadata {
    let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    Metadata { icc: Some(icc), cicp: None, exif: Some(exif(1)), xmp: Some(XMP.into()) }
}

pub fn grey_profile() -> Vec<u8> {
    moxcms::ColorProfile::new_gray_with_gamma(2.2).encode().unwrap()
}

/// A directory of (tag, type, count, value), its long values placed after it.
fn directory(begin: usize, entries: &[(u16, u16, u32, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = (entries.len() as u16).to_le_bytes().to_vec();
    let mut values = Vec::new();
    let behind = begin + 2 + entries.len() * 12 + 4;
    for (tag, kind, count, value) in entries {
        bytes.extend([tag.to_le_bytes(), kind.to_le_bytes()].as_flattened());
        bytes.extend(count.to_le_bytes());
        if value.len() <= 4 {
            bytes.extend((0..4).map(|i| value.get(i).copied().unwrap_or(0)));
        } else {
            bytes.extend(((behind + values.len()) as u32).to_le_bytes());
            values.extend(value);
            values.resize(values.len().next_multiple_of(2), 0);
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(values);
    bytes
}

/// Exif of a camera with a clock and a receiver: three directories.
pub fn exif(orientation: u8) -> Vec<u8> {
    let text = |tag, text: &str| (tag, 2, text.len() as u32 + 1, [text.as_bytes(), b"\0"].concat());
    let fractions = |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let place = |offset: usize| (offset as u32).to_le_bytes().to_vec();
    let first = |exif: usize, gps: usize| {
        let orientation = (0x0112, 3, 1, vec![orientation, 0]);
        directory(
            8,
            &[text(0x010F, "Talbot"), text(0x0110, "Mousetrap"), orientation, (0x8769, 4, 1, place(exif)), (0x8825, 4, 1, place(gps))],
        )
    };
    let exif_at = 8 + first(0, 0).len();
    let exif = directory(exif_at, &[(0x829D, 5, 1, fractions(&[28, 10])), text(0x9003, "2026:11:20 12:34:56")]);
    let gps_at = exif_at + exif.len();
    let gps = directory(
        gps_at,
        &[text(1, "N"), (2, 5, 3, fractions(&[51, 1, 24, 1, 30, 1])), text(3, "W"), (4, 5, 3, fractions(&[2, 1, 7, 1, 0, 1]))],
    );
    [b"II*\0\x08\0\0\0".to_vec(), first(exif_at, gps_at), exif, gps].concat()
}

/// A PNG of 8 or 16 bits with metadata.
pub fn png(image: &DynamicImage, metadata: &Metadata) -> Vec<u8> {
    let mut info = png::Info::with_size(image.width(), image.height());
    info.color_type = if image.color().has_color() { png::ColorType::Rgb } else { png::ColorType::Grayscale };
    let deep = image.color().bytes_per_pixel() > image.color().channel_count();
    info.bit_depth = if deep { png::BitDepth::Sixteen } else { png::BitDepth::Eight };
    info.icc_profile = metadata.icc.as_deref().map(Cow::Borrowed);
    info.exif_metadata = metadata.exif.as_deref().map(Cow::Borrowed);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::with_info(&mut bytes, info).unwrap();
    if let Some(xmp) = &metadata.xmp {
        encoder.add_itxt_chunk("XML:com.adobe.xmp".into(), String::from_utf8(xmp.clone()).unwrap()).unwrap();
    }
    let samples: Vec<u8> = match image {
        DynamicImage::ImageRgb16(pixels) => pixels.iter().flat_map(|sample| sample.to_be_bytes()).collect(),
        _ => image.as_bytes().to_vec(),
    };
    let mut writer = encoder.write_header().unwrap();
    if let Some(cicp) = metadata.cicp {
        writer.write_chunk(png::chunk::ChunkType(*b"cICP"), &cicp).unwrap();
    }
    writer.write_image_data(&samples).unwrap();
    drop(writer);
    bytes
}

/// What a PNG carries.
pub fn of_png(bytes: &[u8]) -> Metadata {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    let info = reader.info();
    let code_points = |points: &png::CodingIndependentCodePoints| {
        [points.color_primaries, points.transfer_function, points.matrix_coefficients, points.is_video_full_range_image.into()]
    };
    Metadata {
        icc: info.icc_profile.as_ref().map(|icc| icc.to_vec()),
        cicp: info.coding_independent_code_points.as_ref().map(code_points),
        exif: info.exif_metadata.as_ref().map(|exif| exif.to_vec()),
        xmp: info.utf8_text.iter().find(|text| text.keyword == "XML:com.adobe.xmp").map(|text| text.get_text().unwrap().into_bytes()),
    }
}

/// What exiftool reads of these groups; `None` where there is no exiftool.
fn exiftool(desk: &Desk, file: &str) -> Option<Map<String, Value>> {
    let groups = ["-EXIF:all", "-GPS:all", "-ICC_Profile:all", "-XMP:all"];
    let output = match Command::new("exiftool").args(["-json", "-G0", "-n"]).args(groups).arg(desk.path(file)).output() {
        Ok(output) => output,
        Err(_) if std::env::var_os("CALOTYPE_REQUIRE_EXIFTOOL").is_none() => return None,
        Err(error) => panic!("exiftool: {error}"),
    };
    let all: Vec<Map<String, Value>> = serde_json::from_slice(&output.stdout).unwrap();
    let mut tags = all.into_iter().next().unwrap();
    // Of the file, and of the TIFF format itself.
    let own = ["SourceFile", "XMP:XMPToolkit", "EXIF:ImageWidth", "EXIF:ImageHeight", "EXIF:BitsPerSample", "EXIF:Compression"];
    let structure = ["EXIF:PhotometricInterpretation", "EXIF:SamplesPerPixel", "EXIF:StripOffsets", "EXIF:RowsPerStrip"];
    let strips =
        ["EXIF:StripByteCounts", "EXIF:SampleFormat", "EXIF:XResolution", "EXIF:YResolution", "EXIF:ResolutionUnit", "EXIF:Predictor"];
    for tag in own.into_iter().chain(structure).chain(strips).chain(["EXIF:PlanarConfiguration"]) {
        tags.remove(tag);
    }
    Some(tags)
}

/// Real metadata of a PNG goes through .calo into every format that holds it, and from TIFF back.
#[test]
fn exiftool_reads_the_same() {
    let desk = Desk::new();
    let image = DynamicImage::from(image::RgbImage::from_fn(50, 40, |x, y| image::Rgb([x as u8 * 5, y as u8 * 6, 90])));
    desk.write("a.png", &with_metadata("a.png", &image, &whole()));
    desk.json("encode a.png -o a.calo --json");
    let Some(expected) = exiftool(&desk, "a.png") else {
        println!("no exiftool: skipped");
        return;
    };
    let has = |tag: &str| expected.contains_key(tag);
    assert!(
        ["EXIF:Make", "EXIF:FNumber", "EXIF:GPSLatitude", "ICC_Profile:ProfileDescription", "XMP:Format"].into_iter().all(has),
        "{expected:?}"
    );
    for output in ["b.png", "b.jpg", "b.webp", "b.tif"] {
        let run = desk.run(&format!("decode a.calo -o {output}"));
        assert!(!run.stderr.contains("note"), "{output}: {}", run.stderr);
        assert_eq!(exiftool(&desk, output).unwrap(), expected, "{output}");
        desk.json(&format!("encode {output} -o again.calo -y --json"));
        desk.json("decode again.calo -o again.png -y --json");
        assert_eq!(exiftool(&desk, "again.png").unwrap(), expected, "{output} and back");
    }
    desk.write("c.png", &with_metadata("a.png", &image, &Metadata { exif: Some(exif(3)), ..whole() }));
    assert_ne!(exiftool(&desk, "c.png").unwrap(), expected, "the comparison notices another orientation");
}
