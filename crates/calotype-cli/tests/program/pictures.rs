//! A table of inputs: every format, depth, channel layout, orientation, profile and odd size goes through a .calo file.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ExtendedColorType, GenericImageView, ImageEncoder, ImageFormat, imageops::FilterType};
use serde_json::Value;

use crate::harness::{Desk, sample};
use crate::metadata::{self, Metadata};

/// One input.
pub struct Case {
    pub name: String,
    /// The file's name, for its ending.
    pub file: &'static str,
    pub bytes: Vec<u8>,
    /// What `info` says: channels and depth.
    pub kind: (&'static str, u64),
    /// The picture as it is to be seen.
    pub seen: DynamicImage,
    pub metadata: Metadata,
    /// Quality of the picture that comes back, in dB; less for inputs without a smooth picture.
    pub least_psnr_db: f64,
}

const GREY: &str = "grey";
const GREY_ALPHA: &str = "grey with alpha";
const RGB: &str = "RGB";
const RGBA: &str = "RGB with alpha";

fn photo(width: u32, height: u32) -> DynamicImage {
    let sample = image::open(sample("SAMPLE.png")).unwrap();
    sample.resize_exact(width, height, FilterType::Triangle).into_rgb8().into()
}

/// The photo as one of the ten kinds; alpha has ramps and holes.
fn photo_as(kind: image::ColorType, width: u32, height: u32) -> DynamicImage {
    let mut rgba = photo(width, height).into_rgba16();
    for (x, y, pixel) in rgba.enumerate_pixels_mut() {
        pixel.0[3] = if x % 16 < 5 { 0 } else { (65_535 - 97 * (x * y % 600)).min(65_535) as u16 };
    }
    let image = DynamicImage::from(rgba);
    match kind {
        image::ColorType::L8 => image.into_luma8().into(),
        image::ColorType::La8 => image.into_luma_alpha8().into(),
        image::ColorType::Rgb8 => image.into_rgb8().into(),
        image::ColorType::Rgba8 => image.into_rgba8().into(),
        image::ColorType::L16 => image.into_luma16().into(),
        image::ColorType::La16 => image.into_luma_alpha16().into(),
        image::ColorType::Rgb16 => image.into_rgb16().into(),
        _ => image,
    }
}

fn written(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn kind_of(image: &DynamicImage) -> (&'static str, u64) {
    let colour = image.color();
    let channels = match (colour.has_color(), colour.has_alpha()) {
        (false, false) => GREY,
        (false, true) => GREY_ALPHA,
        (true, false) => RGB,
        (true, true) => RGBA,
    };
    (channels, if colour.bytes_per_pixel() > colour.channel_count() { 16 } else { 8 })
}

fn case(name: impl Into<String>, file: &'static str, bytes: Vec<u8>, seen: DynamicImage) -> Case {
    let kind = kind_of(&seen);
    Case { name: name.into(), file, bytes, kind, seen, metadata: Metadata::default(), least_psnr_db: 30.0 }
}

fn formats_and_depths() -> Vec<Case> {
    use image::ColorType::{L8, L16, La8, La16, Rgb8, Rgb16, Rgba8, Rgba16};
    let table = [
        ("a.png", ImageFormat::Png, vec![L8, La8, Rgb8, Rgba8, L16, La16, Rgb16, Rgba16]),
        ("a.tif", ImageFormat::Tiff, vec![L8, Rgb8, Rgba8, L16, Rgb16, Rgba16]),
        ("a.webp", ImageFormat::WebP, vec![Rgb8, Rgba8]),
        ("a.bmp", ImageFormat::Bmp, vec![Rgb8, Rgba8]),
        ("a.ppm", ImageFormat::Pnm, vec![L8, Rgb8]),
    ];
    let all = table.into_iter().flat_map(|(file, format, kinds)| kinds.into_iter().map(move |kind| (file, format, kind)));
    all.map(|(file, format, kind)| {
        let image = photo_as(kind, 90, 70);
        case(format!("{format:?} {kind:?}"), file, written(&image, format), image)
    })
    .collect()
}

/// PNG rows of `bits` a sample from the indices of pixels.
fn png_of_indices(bits: png::BitDepth, palette: Option<(&[u8], &[u8])>, indices: &[u8], width: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, indices.len() as u32 / width);
    encoder.set_depth(bits);
    encoder.set_color(if palette.is_some() { png::ColorType::Indexed } else { png::ColorType::Grayscale });
    if let Some((colours, alpha)) = palette {
        encoder.set_palette(colours);
        encoder.set_trns(alpha);
    }
    let bits = bits as u32;
    let pack = |row: &[u8]| {
        let bytes = row.chunks(8 / bits as usize);
        bytes
            .map(|part| part.iter().enumerate().fold(0, |byte, (i, index)| byte | index << (8 - bits * (i as u32 + 1))))
            .collect::<Vec<u8>>()
    };
    let packed: Vec<u8> = indices.chunks(width as usize).flat_map(pack).collect();
    encoder.write_header().unwrap().write_image_data(&packed).unwrap();
    bytes
}

fn few_bits_and_palettes() -> Vec<Case> {
    let (width, height) = (64_u32, 48_u32);
    let palette: Vec<u8> = (0..=255_u8).flat_map(|i| [i, 255 - i, i / 2]).collect();
    let mut cases = Vec::new();
    for (bits, levels) in [(png::BitDepth::One, 2_u32), (png::BitDepth::Two, 4), (png::BitDepth::Four, 16), (png::BitDepth::Eight, 256)] {
        let indices: Vec<u8> = (0..width * height).map(|i| (i % width * levels / width) as u8).collect();
        let colours = &palette[..3 * levels as usize];
        for alpha in [&[][..], &[0, 128]] {
            let pixel = |index: &u8| {
                let [r, g, b] = colours.as_chunks::<3>().0[usize::from(*index)];
                [r, g, b, alpha.get(usize::from(*index)).copied().unwrap_or(255)]
            };
            let rgba = image::RgbaImage::from_raw(width, height, indices.iter().flat_map(pixel).collect()).unwrap();
            let seen = if alpha.is_empty() { DynamicImage::from(rgba).into_rgb8().into() } else { DynamicImage::from(rgba) };
            let bytes = png_of_indices(bits, Some((colours, alpha)), &indices, width);
            cases.push(Case { least_psnr_db: 25.0, ..case(format!("palette of {levels}, {} clear", alpha.len()), "a.png", bytes, seen) });
        }
        if levels < 256 {
            let grey = indices.iter().map(|&index| (u32::from(index) * 255 / (levels - 1)) as u8).collect();
            let seen = DynamicImage::from(image::GrayImage::from_raw(width, height, grey).unwrap());
            let bytes = png_of_indices(bits, None, &indices, width);
            cases.push(Case { least_psnr_db: 25.0, ..case(format!("{levels} greys"), "a.png", bytes, seen) });
        }
    }
    cases
}

fn jpegs_and_cmyk() -> Vec<Case> {
    let image = photo(90, 70);
    let cmyk: Vec<u8> = image.as_bytes().as_chunks::<3>().0.iter().flat_map(|[r, g, b]| [255 - r, 255 - g, 255 - b, 0]).collect();
    let jpeg = |kind: jpeg_encoder::ColorType, samples: &[u8], progressive: bool| {
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 95);
        encoder.set_progressive(progressive);
        encoder.encode(samples, 90, 70, kind).unwrap();
        bytes
    };
    let mut tiff = Cursor::new(Vec::new());
    let mut encoder = tiff::encoder::TiffEncoder::new(&mut tiff).unwrap();
    encoder.write_image::<tiff::encoder::colortype::CMYK8>(90, 70, &cmyk).unwrap();
    let grey = DynamicImage::from(image.to_luma8());
    vec![
        case("JPEG RGB", "a.jpg", jpeg(jpeg_encoder::ColorType::Rgb, image.as_bytes(), false), image.clone()),
        case("JPEG RGB, progressive", "a.jpg", jpeg(jpeg_encoder::ColorType::Rgb, image.as_bytes(), true), image.clone()),
        case("JPEG grey", "a.jpg", jpeg(jpeg_encoder::ColorType::Luma, grey.as_bytes(), false), grey),
        case("JPEG CMYK", "a.jpg", jpeg(jpeg_encoder::ColorType::Cmyk, &cmyk, false), image.clone()),
        case("TIFF CMYK", "a.tif", tiff.into_inner(), image),
    ]
}

fn odd_sizes() -> Vec<Case> {
    let sizes = [(1, 1), (1, 2), (2, 1), (1, 67), (67, 1), (3, 17), (97, 61), (127, 131), (64, 64), (65, 63)];
    let kinds = [image::ColorType::Rgb8, image::ColorType::Rgba8, image::ColorType::L16];
    let all = sizes.into_iter().enumerate();
    all.map(|(i, (width, height))| {
        let image = photo_as(kinds[i % kinds.len()], width, height);
        let least_psnr_db = if width * height < 1000 { 20.0 } else { 30.0 };
        Case { least_psnr_db, ..case(format!("{width}x{height}"), "a.png", written(&image, ImageFormat::Png), image) }
    })
    .collect()
}

/// A file with metadata, in the format that `file` names.
pub fn with_metadata(file: &str, image: &DynamicImage, metadata: &Metadata) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (width, height, colour) = (image.width(), image.height(), ExtendedColorType::from(image.color()));
    match file {
        "a.webp" => {
            let mut encoder = image_webp::WebPEncoder::new(&mut bytes);
            metadata.icc.iter().for_each(|icc| encoder.set_icc_profile(icc.clone()));
            metadata.exif.iter().for_each(|exif| encoder.set_exif_metadata(exif.clone()));
            metadata.xmp.iter().for_each(|xmp| encoder.set_xmp_metadata(xmp.clone()));
            encoder.encode(image.as_bytes(), width, height, image_webp::ColorType::Rgb8).unwrap();
        }
        "a.jpg" => {
            let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 95);
            metadata.icc.iter().for_each(|icc| encoder.set_icc_profile(icc.clone()).unwrap());
            metadata.exif.iter().for_each(|exif| encoder.set_exif_metadata(exif.clone()).unwrap());
            encoder.write_image(image.as_bytes(), width, height, colour).unwrap();
        }
        _ => bytes = metadata::png(image, metadata),
    }
    bytes
}

fn orientations() -> Vec<Case> {
    let stored = photo(90, 70);
    let each = (1..=8_u8).flat_map(|orientation| ["a.jpg", "a.png", "a.webp"].map(|file| (orientation, file)));
    let chosen = each.filter(|(orientation, file)| *file == "a.jpg" || [6, 7].contains(orientation));
    chosen
        .map(|(orientation, file)| {
            let metadata = Metadata { exif: Some(metadata::exif(orientation)), ..Metadata::default() };
            let mut seen = stored.clone();
            seen.apply_orientation(Orientation::from_exif(orientation).unwrap());
            let bytes = with_metadata(file, &stored, &metadata);
            let turned = Metadata { exif: Some(metadata::exif(1)), ..metadata };
            Case { metadata: turned, ..case(format!("orientation {orientation} in {file}"), file, bytes, seen) }
        })
        .collect()
}

fn profiles() -> Vec<Case> {
    let image = photo(90, 70);
    let whole = metadata::whole();
    let of = |file, image: &DynamicImage, metadata: Metadata| {
        let bytes = with_metadata(file, image, &metadata);
        Case { metadata, ..case(format!("metadata in {file}"), file, bytes, image.clone()) }
    };
    let none = Metadata::default();
    vec![
        of("a.png", &image, Metadata { cicp: Some([9, 16, 0, 1]), ..whole.clone() }),
        of("a.png", &image, Metadata { cicp: Some([12, 13, 0, 1]), ..none.clone() }),
        of("a.png", &image, Metadata { icc: whole.icc.clone(), ..none.clone() }),
        of("a.png", &DynamicImage::from(image.to_luma8()), Metadata { icc: Some(metadata::grey_profile()), ..none.clone() }),
        of("a.png", &DynamicImage::from(image.to_rgb16()), Metadata { icc: whole.icc.clone(), ..none.clone() }),
        of("a.webp", &image, whole.clone()),
        of("a.jpg", &image, Metadata { xmp: None, ..whole }),
    ]
}

fn table() -> Vec<Case> {
    [formats_and_depths(), few_bits_and_palettes(), jpegs_and_cmyk(), odd_sizes(), orientations(), profiles()]
        .into_iter()
        .flatten()
        .collect()
}

/// Of what is not fully transparent, as 8-bit RGB.
fn seen_psnr_db(original: &DynamicImage, decoded: &DynamicImage) -> f64 {
    let (a, b) = (original.to_rgba8(), decoded.to_rgba8());
    let seen = a.pixels().zip(b.pixels()).filter(|(a, _)| a.0[3] > 0);
    let squares: Vec<f64> = seen.flat_map(|(a, b)| [0, 1, 2].map(|c| f64::from(a.0[c].abs_diff(b.0[c])).powi(2))).collect();
    let mean = squares.iter().sum::<f64>() / squares.len().max(1) as f64;
    if mean == 0.0 { 99.0 } else { 10.0 * (255.0 * 255.0 / mean).log10() }
}

fn alpha_of(image: &DynamicImage) -> Vec<u16> {
    image.to_rgba16().pixels().map(|pixel| pixel.0[3]).collect()
}

/// Everything that a picture of the table must be after its way through a .calo file and a PNG.
fn check(desk: &Desk, case: &Case) {
    let name = &case.name;
    desk.write(case.file, &case.bytes);
    desk.json(&format!("encode {} -o a.calo -q 85 -y --json", case.file));
    let info = desk.json("info a.calo --json");
    assert_eq!((info["channels"].as_str(), info["depth"].as_u64()), (Some(case.kind.0), Some(case.kind.1)), "{name}");
    desk.json("decode a.calo -o back.png -y --json");
    let png = desk.read("back.png");
    let back = image::load_from_memory(&png).unwrap();
    assert_eq!((back.dimensions(), back.color()), (case.seen.dimensions(), case.seen.color()), "{name}");
    assert_eq!(alpha_of(&back), alpha_of(&case.seen), "{name}: alpha is exact");
    let psnr = seen_psnr_db(&case.seen, &back);
    assert!(psnr >= case.least_psnr_db, "{name}: {psnr:.2} dB");
    assert_eq!(metadata::of_png(&png), case.metadata, "{name}");
}

#[test]
fn every_input_comes_back() {
    let desk = Desk::new();
    let table = table();
    println!("{} inputs", table.len());
    assert!(table.len() >= 40);
    table.iter().for_each(|case| check(&desk, case));
}

#[test]
fn the_table_notices() {
    let desk = Desk::new();
    let image = photo_as(image::ColorType::Rgba8, 40, 30);
    let bytes = written(&image, ImageFormat::Png);
    let good = || case("control", "a.png", bytes.clone(), image.clone());
    check(&desk, &good());
    let mut other = image.to_rgba8();
    other.get_pixel_mut(39, 29).0[3] ^= 1;
    let wrong = [
        Case { seen: other.into(), ..good() },
        Case { kind: (RGB, 8), ..good() },
        Case { seen: image.rotate180(), ..good() },
        Case { metadata: metadata::whole(), ..good() },
        Case { least_psnr_db: 90.0, ..good() },
    ];
    for case in wrong {
        let noticed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&desk, &case)));
        assert!(noticed.is_err(), "a wrong expectation went unnoticed");
    }
}

#[test]
fn an_orientation_can_be_kept() {
    let desk = Desk::new();
    let stored = photo(90, 70);
    let exif = Metadata { exif: Some(metadata::exif(6)), ..Metadata::default() };
    desk.write("a.jpg", &with_metadata("a.jpg", &stored, &exif));
    desk.json("encode a.jpg -o a.calo -q 85 --orientation keep --json");
    let size = |report: &Value| (report["width"].as_u64(), report["height"].as_u64());
    assert_eq!(size(&desk.json("info a.calo --json")), (Some(90), Some(70)));
    assert_eq!(size(&desk.json("decode a.calo -o kept.png --json")), (Some(90), Some(70)));
    assert_eq!(metadata::of_png(&desk.read("kept.png")), exif);
    // A PPM cannot say how to turn it.
    assert_eq!(size(&desk.json("decode a.calo -o turned.ppm --json")), (Some(70), Some(90)));
    assert_eq!(size(&desk.json("decode a.calo -o turned.png --orientation apply --json")), (Some(70), Some(90)));
    assert_eq!(metadata::of_png(&desk.read("turned.png")).exif, Some(metadata::exif(1)));
}

#[test]
fn sixteen_bits_come_back_finer_than_eight() {
    let desk = Desk::new();
    let ramp = image::ImageBuffer::from_fn(256, 64, |x, y| image::Rgb([(x * 16 + 8000) as u16, (y * 40 + 9000) as u16, 12_000_u16]));
    DynamicImage::ImageRgb16(ramp).save(desk.path("a.png")).unwrap();
    let run = desk.run("encode a.png -o a.calo -q 95");
    assert!(run.stderr.contains("precision"), "{}", run.stderr);
    desk.json("decode a.calo -o back.png --json");
    let back = image::open(desk.path("back.png")).unwrap();
    let DynamicImage::ImageRgb16(back) = back else { panic!("8 bits") };
    let levels: std::collections::BTreeSet<u16> = back.pixels().map(|pixel| pixel.0[0]).collect();
    assert!(levels.len() > 40, "{} levels where 8 bits have 17", levels.len());
}

/// Nothing is darker at the lower and right borders, where sides are no multiples of 64: level 222 stood there once.
#[test]
fn white_pages_are_white_to_their_borders() {
    for (width, height) in [(1280, 720), (1600, 1200)] {
        let desk = Desk::new();
        image::RgbImage::from_pixel(width, height, image::Rgb([255; 3])).save(desk.path("white.png")).unwrap();
        desk.json("encode white.png -o white.calo -q 70 --json");
        desk.json("decode white.calo -o back.png --json");
        let back = image::open(desk.path("back.png")).unwrap().into_rgb8();
        let darkest = back.iter().min().unwrap();
        assert!(*darkest >= 240, "{width}x{height}: {darkest}");
    }
}
