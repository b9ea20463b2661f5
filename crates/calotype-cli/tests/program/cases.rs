//! A table of inputs that users bring: each has an exit code, notes, and pixels that must be those of a plain PNG or of another file.

use std::io::Cursor;

use image::{DynamicImage, GrayImage, ImageBuffer, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};

use crate::harness::{Desk, Run, ppm};
use crate::makers::{self, Jpeg, SOF2, Samples, Tiff};
use crate::makers::{JXL_ANIMATION, JXL_GREY, JXL_RGB, JXL_RGBA, JXL_TURNED, apng, bmp, gif, hex, mpo, segment, webp_animation};
use crate::metadata;

#[path = "cases_tiff.rs"]
mod tiffs;

/// One input.
struct Case {
    name: String,
    /// The file's name, for its ending.
    file: &'static str,
    bytes: Vec<u8>,
    arguments: &'static str,
    right: Right,
}

/// What must come of it.
enum Right {
    /// The samples that this picture gives as a PNG, with these notes.
    Picture(DynamicImage, Vec<String>),
    /// The samples that this file gives.
    File(&'static str, Vec<u8>),
    /// About this picture: JPEG and others that lose.
    Near(DynamicImage, f64),
    /// An exit code and words.
    Refused(i32, &'static str),
}

const DEEP: &str = "its colours are coded with the model's precision of 8 bits, and decoded to 16 again (alpha is exact)";
const CMYK: &str = "its CMYK colours were converted to sRGB without a profile";
const SIZE: (u32, u32) = (24, 18);

fn case(name: impl Into<String>, file: &'static str, bytes: Vec<u8>, right: Right) -> Case {
    Case { name: name.into(), file, bytes, arguments: "", right }
}

fn with(arguments: &'static str, case: Case) -> Case {
    Case { arguments, name: format!("{} {arguments}", case.name), ..case }
}

fn exact(picture: impl Into<DynamicImage>) -> Right {
    noted(picture, &[])
}

fn noted(picture: impl Into<DynamicImage>, notes: &[&str]) -> Right {
    Right::Picture(picture.into(), notes.iter().map(|note| note.to_string()).collect())
}

fn flat(red: u8, green: u8, blue: u8) -> RgbImage {
    RgbImage::from_pixel(SIZE.0, SIZE.1, Rgb([red, green, blue]))
}

fn frames(count: u32) -> String {
    format!("its first of {count} frames is encoded; --frame N takes another")
}

fn damage(what: &str) -> String {
    format!("is damaged ({what}); what could be read of it is encoded, the rest is filled in")
}

fn written(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Every sampling that is common, and some that are not.
const SAMPLINGS: [[(u8, u8); 3]; 14] = [
    [(1, 1), (1, 1), (1, 1)],
    [(2, 1), (1, 1), (1, 1)],
    [(1, 2), (1, 1), (1, 1)],
    [(2, 2), (1, 1), (1, 1)],
    [(4, 1), (1, 1), (1, 1)],
    [(1, 4), (1, 1), (1, 1)],
    [(4, 2), (1, 1), (1, 1)],
    [(2, 4), (1, 1), (1, 1)],
    [(3, 1), (1, 1), (1, 1)],
    [(1, 1), (2, 2), (2, 2)],
    [(1, 1), (2, 1), (2, 1)],
    [(2, 2), (2, 1), (2, 1)],
    [(2, 1), (1, 2), (1, 2)],
    [(2, 2), (1, 1), (2, 2)],
];

fn jpeg_samplings() -> Vec<Case> {
    let mut cases = Vec::new();
    for samplings in SAMPLINGS {
        let jpeg = Jpeg::of(samplings);
        let together = jpeg.bytes();
        let mut same = |what: &str, jpeg: Jpeg| {
            cases.push(case(format!("JPEG {samplings:?}, {what}"), "a.jpg", jpeg.bytes(), Right::File("b.jpg", together.clone())));
        };
        same("each in a scan", jpeg.clone().in_scans(&[&[0], &[1], &[2]]));
        same("chroma first", jpeg.clone().in_scans(&[&[2], &[1], &[0]]));
        same("luma alone, chroma together", jpeg.clone().in_scans(&[&[0], &[1, 2]]));
        same("restarts", Jpeg { restart: 2, ..jpeg.clone() });
        same("restarts in scans", Jpeg { restart: 3, ..jpeg.clone().in_scans(&[&[0], &[1], &[2]]) });
        same("progressive", Jpeg { frame: SOF2, ..jpeg.clone() });
        same("progressive, in scans", Jpeg { frame: SOF2, ..jpeg.clone().in_scans(&[&[0], &[1], &[2]]) });
        // Y 100, Cb 90, Cr 170 by the equations of JFIF.
        let one = Jpeg { size: (24, 18), sample: |colour, _, _| [100, 90, 170][colour], ..jpeg };
        cases.push(case(format!("JPEG {samplings:?}, flat"), "a.jpg", one.bytes(), exact(flat(159, 83, 33))));
    }
    cases
}

fn jpeg_colours() -> Vec<Case> {
    let adobe = |transform: u8| segment(0xEE, &[&b"Adobe\0\x64\0\0\0\0"[..], &[transform]].concat());
    let jpeg = |numbers: &[u8], segments: Vec<u8>, sample| Jpeg {
        size: (24, 18),
        colours: numbers.iter().map(|&number| (number, 1, 1)).collect(),
        scans: vec![(0..numbers.len()).collect()],
        segments,
        sample,
        ..Jpeg::of([(1, 1); 3])
    };
    let three = |colour: usize, _, _| [200, 90, 30][colour];
    let four = |colour: usize, _, _| [200, 90, 30, 204][colour];
    // Inverted inks, which are light: 200 * 204 / 255 and so on.
    let inverted = noted(flat(160, 72, 24), &[CMYK]);
    let inks = noted(flat(11, 33, 45), &[CMYK]);
    let grey = GrayImage::from_pixel(24, 18, Luma([77]));
    vec![
        case("JPEG, RGB by Adobe's word", "a.jpg", jpeg(&[1, 2, 3], adobe(0), three).bytes(), exact(flat(200, 90, 30))),
        case("JPEG, RGB by its numbers", "a.jpg", jpeg(b"RGB", vec![], three).bytes(), exact(flat(200, 90, 30))),
        case("JPEG, CMYK of Adobe", "a.jpg", jpeg(&[1, 2, 3, 4], adobe(0), four).bytes(), inverted),
        case("JPEG, CMYK of others", "a.jpg", jpeg(&[1, 2, 3, 4], vec![], four).bytes(), inks),
        case("JPEG, grey", "a.jpg", jpeg(&[1], vec![], |_, _, _| 77).bytes(), exact(grey.clone())),
        case(
            "JPEG, grey that says 2x2",
            "a.jpg",
            Jpeg { colours: vec![(1, 2, 2)], ..jpeg(&[1], vec![], |_, _, _| 77) }.bytes(),
            exact(grey),
        ),
    ]
}

fn jpeg_refusals() -> Vec<Case> {
    let jpeg = Jpeg::of([(1, 1); 3]);
    let frame = |frame| Jpeg { frame, ..jpeg.clone() }.bytes();
    let odd = Jpeg::of([(4, 1), (2, 1), (1, 1)]);
    let table = [
        ("arithmetic", frame(0xC9), "uses arithmetic coding, which calotype does not read; convert it to PNG first"),
        ("arithmetic, progressive", frame(0xCA), "uses arithmetic coding, which calotype does not read"),
        ("lossless", frame(0xC3), "uses lossless JPEG coding, which calotype does not read"),
        ("hierarchical", frame(0xC5), "uses hierarchical JPEG coding, which calotype does not read"),
        ("JPEG-LS", frame(0xF7), "uses JPEG-LS coding, which calotype does not read"),
        ("12 bits", Jpeg { frame: 0xC1, bits: 12, ..jpeg.clone() }.bytes(), "uses 12 bits a sample, which calotype does not read"),
        ("no height", Jpeg { size: (75, 0), ..jpeg.clone() }.bytes(), "uses a height that comes after its pixels"),
        ("two colours", Jpeg { colours: vec![(1, 1, 1), (2, 1, 1)], scans: vec![vec![0, 1]], ..jpeg.clone() }.bytes(), "uses 2 colours"),
        (
            "4, 2, 1 in scans",
            odd.clone().in_scans(&[&[0], &[1], &[2]]).bytes(),
            "uses an unusual sampling of colours in scans of their own",
        ),
        ("4, 2, 1, progressive", Jpeg { frame: SOF2, ..odd.clone() }.bytes(), "uses an unusual sampling of colours in scans of their own"),
    ];
    table.into_iter().map(|(name, bytes, words)| case(format!("JPEG, {name}"), "a.jpg", bytes, Right::Refused(3, words))).collect()
}

fn half(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() / 2].to_vec()
}

/// A picture that no coder makes small, so that half of a file is half of the picture.
fn busy() -> DynamicImage {
    image::load_from_memory(&ppm(60, 40)).unwrap()
}

fn cut() -> Vec<Case> {
    let jpeg = Jpeg::of([(2, 2), (1, 1), (1, 1)]);
    let progressive = Jpeg { frame: SOF2, ..jpeg.clone().in_scans(&[&[0], &[1], &[2]]) };
    let files = [
        ("a.jpg", jpeg.bytes()),
        ("b.jpg", Jpeg { restart: 1, ..jpeg.clone() }.bytes()),
        ("c.jpg", progressive.bytes()),
        ("d.jpg", jpeg.in_scans(&[&[0], &[1], &[2]]).bytes()),
        ("a.png", written(&busy(), ImageFormat::Png)),
        ("a.tif", written(&busy(), ImageFormat::Tiff)),
        ("a.ppm", written(&busy(), ImageFormat::Pnm)),
        ("a.bmp", written(&busy(), ImageFormat::Bmp)),
        ("a.webp", written(&busy(), ImageFormat::WebP)),
        ("a.gif", written(&busy(), ImageFormat::Gif)),
        ("a.jxl", hex(JXL_RGB)),
    ];
    let refused = |(file, bytes): &(&'static str, Vec<u8>)| {
        case(
            format!("cut {file}"),
            file,
            if file.ends_with("jpg") { bytes[..bytes.len() - 20].to_vec() } else { half(bytes) },
            Right::Refused(1, "is a damaged image: "),
        )
    };
    files.iter().map(refused).collect()
}

fn salvaged() -> Vec<Case> {
    let flat_jpeg = Jpeg { size: (24, 18), sample: |colour, _, _| [100, 90, 170][colour], ..Jpeg::of([(1, 1); 3]) };
    let broken = |what: &str, picture: RgbImage| Right::Picture(picture.into(), vec![damage(what)]);
    let jpeg = |jpeg: &Jpeg| {
        let bytes = jpeg.bytes();
        bytes[..bytes.len() - 4].to_vec()
    };
    let mut cases = vec![
        case("broken JPEG", "a.jpg", jpeg(&flat_jpeg), broken("it breaks off", flat(159, 83, 33))),
        case("broken JPEG, restarts", "a.jpg", before_last_restart(&Jpeg { restart: 1, ..flat_jpeg.clone() }.bytes()), {
            broken("it breaks off", RgbImage::from_fn(24, 18, |x, y| if x < 16 || y < 16 { Rgb([159, 83, 33]) } else { Rgb([128; 3]) }))
        }),
    ];
    // Rows that are there are as they were, the others grey.
    let halved = |rows: u32| {
        let grey = Rgb([128; 3]);
        let whole = busy().into_rgb8();
        RgbImage::from_fn(60, 40, |x, y| if y < rows { *whole.get_pixel(x, y) } else { grey })
    };
    let ppm = ppm(60, 40);
    let head = ppm.len() - 60 * 40 * 3;
    cases.push(case("broken PPM", "a.ppm", ppm[..head + 60 * 3 * 25 + 7].to_vec(), broken("it breaks off", halved(25))));
    let lines = Tiff::of((60, 40), 2, Samples::U8(busy().as_bytes()));
    let whole = lines.bytes();
    cases.push(case("whole, but salvaged", "a.tif", whole, exact(busy())));
    cases.into_iter().map(|case| with("--salvage", case)).chain(nothing_to_salvage()).collect()
}

fn before_last_restart(jpeg: &[u8]) -> Vec<u8> {
    let last = jpeg.windows(2).rposition(|pair| matches!(pair, [0xFF, 0xD0..=0xD7])).unwrap();
    jpeg[..last].to_vec()
}

fn nothing_to_salvage() -> Vec<Case> {
    let head = |bytes: Vec<u8>, length| bytes[..length].to_vec();
    let files = [
        ("a.jpg", head(Jpeg::of([(1, 1); 3]).bytes(), 60)),
        ("a.png", head(written(&busy(), ImageFormat::Png), 45)),
        ("a.ppm", b"P6 60 40 255\nxyz".to_vec()),
        ("text.png", b"some text".to_vec()),
    ];
    files
        .into_iter()
        .map(|(file, bytes)| with("--salvage", case(format!("nothing of {file}"), file, bytes, Right::Refused(1, file))))
        .collect()
}

fn bmps() -> Vec<Case> {
    let clear = DynamicImage::from(RgbaImage::from_fn(24, 18, |x, y| Rgba([9 * x as u8, 10 * y as u8, 77, 255 - 10 * x as u8])));
    let none = DynamicImage::from(RgbaImage::from_pixel(24, 18, Rgba([10, 20, 30, 0])));
    let (plain, alpha) = ([0xFF_0000, 0xFF00, 0xFF], 0xFF00_0000);
    let masks = |alpha| [plain[0], plain[1], plain[2], alpha];
    let zero = [0, 0, 0, alpha];
    let opaque = || exact(clear.to_rgb8());
    let row = |name: &str, bytes, right| case(format!("BMP, {name}"), "a.bmp", bytes, right);
    vec![
        row("V5 with an alpha mask alone", bmp(&clear, 124, 0, zero), exact(clear.clone())),
        row("V5 with all masks", bmp(&clear, 124, 0, masks(alpha)), exact(clear.clone())),
        row("V4 with an alpha mask", bmp(&clear, 108, 0, masks(alpha)), exact(clear.clone())),
        row("V5 by masks", bmp(&clear, 124, 3, masks(alpha)), exact(clear.clone())),
        row("V3 by masks", bmp(&clear, 56, 3, masks(alpha)), exact(clear.clone())),
        row("V5 without alpha mask", bmp(&clear, 124, 0, masks(0)), opaque()),
        row("first version", bmp(&clear, 40, 0, [0; 4]), opaque()),
        row("V5 whose alpha nobody wrote", bmp(&none, 124, 0, masks(alpha)), exact(flat(10, 20, 30))),
    ]
}

const COLOURS: [[u8; 3]; 3] = [[200, 40, 30], [30, 40, 200], [30, 200, 40]];

fn stills() -> [RgbImage; 3] {
    COLOURS.map(|[red, green, blue]| flat(red, green, blue))
}

fn animations_and_pages() -> Vec<Case> {
    let rgba = |image: &RgbImage| DynamicImage::from(image.clone()).into_rgba8();
    let jpeg = |number: usize| {
        let samples: [fn(usize, usize, usize) -> u8; 3] = [|_, _, _| 60, |_, _, _| 140, |_, _, _| 220];
        let colours = vec![(1, 1, 1)];
        Jpeg { size: (24, 18), colours, scans: vec![vec![0]], sample: samples[number], ..Jpeg::of([(1, 1); 3]) }.bytes()
    };
    let grey = |grey| GrayImage::from_pixel(24, 18, Luma([grey]));
    let pages: Vec<Tiff> = stills().iter().map(|still| Tiff::of(SIZE, 2, Samples::U8(still))).collect();
    let smaller = [pages[0].clone(), pages[1].clone().with(254, &[1])];
    let pnm: Vec<u8> = stills().iter().flat_map(|still| written(&still.clone().into(), ImageFormat::Pnm)).collect();
    let mixed = [b"P5 24 18 255\n".to_vec(), vec![60; 24 * 18], written(&stills()[1].clone().into(), ImageFormat::Pnm)].concat();
    let moving = [
        ("a.png", apng(&stills())),
        ("a.gif", gif(&stills().each_ref().map(rgba))),
        ("a.webp", webp_animation(&stills().map(DynamicImage::from))),
        ("a.tif", makers::pages(&pages)),
        ("a.ppm", pnm),
        ("a.jxl", hex(JXL_ANIMATION)),
    ];
    let mut cases = Vec::new();
    for (file, bytes) in moving {
        let [first, second, third] = stills();
        let row = |right| case(format!("three in {file}"), file, bytes.clone(), right);
        cases.push(row(noted(first.clone(), &[&frames(3)])));
        cases.push(with("--frame 1", row(exact(first))));
        cases.push(with("--frame 2", row(exact(second))));
        cases.push(with("--frame 3", row(exact(third))));
        cases.push(with("--frame 4", row(Right::Refused(2, "has 3; give 1 to 3"))));
    }
    let three = mpo(&[jpeg(0), jpeg(1), jpeg(2)], 0x2_0003);
    cases.extend([
        case("MPO", "a.mpo", three.clone(), noted(grey(60), &[&frames(3)])),
        with("--frame 3", case("MPO", "a.mpo", three, exact(grey(220)))),
        case("MPO with a preview", "a.jpg", mpo(&[jpeg(0), jpeg(1)], 0x1_0001), exact(grey(60))),
        case("TIFF with a smaller copy", "a.tif", makers::pages(&smaller), exact(stills()[0].clone())),
        case("PGM, then PPM", "a.pnm", mixed.clone(), noted(grey(60), &[&frames(2)])),
        with("--frame 2", case("PGM, then PPM", "a.pnm", mixed, exact(stills()[1].clone()))),
        case("still GIF", "a.gif", gif(&[rgba(&stills()[0])]), exact(stills()[0].clone())),
        with("--frame 2", case("one picture", "a.ppm", ppm(20, 10), Right::Refused(2, "--frame 2: a.ppm has 1"))),
    ]);
    cases
}

fn jxls_and_gifs() -> Vec<Case> {
    let rgb = || RgbImage::from_fn(12, 8, |x, y| Rgb([20 * x as u8, 30 * y as u8, 100]));
    let rgba = RgbaImage::from_fn(12, 8, |x, y| Rgba([20 * x as u8, 30 * y as u8, 100, 255 - 10 * x as u8]));
    let deep = DynamicImage::ImageLuma16(ImageBuffer::from_fn(12, 8, |x, y| Luma([5000 * x as u16 + 100 * y as u16])));
    let turned = DynamicImage::from(rgb()).rotate90();
    let exif = [&[0; 4][..], &metadata::exif(6)].concat();
    let boxed = [hex(JXL_TURNED), (exif.len() as u32 + 8).to_be_bytes().to_vec(), b"Exif".to_vec(), exif].concat();
    let clear = RgbaImage::from_fn(24, 18, |x, _| if x < 9 { Rgba([0; 4]) } else { Rgba([200, 40, 30, 255]) });
    vec![
        case("JPEG XL, RGB", "a.jxl", hex(JXL_RGB), exact(rgb())),
        case("JPEG XL, alpha", "a.jxl", hex(JXL_RGBA), exact(rgba)),
        case("JPEG XL, 16 bits of grey", "a.jxl", hex(JXL_GREY), noted(deep, &[DEEP])),
        case("JPEG XL, turned by its header", "a.jxl", hex(JXL_TURNED), exact(turned.clone())),
        case("JPEG XL, turned once, whatever Exif says", "a.jxl", boxed.clone(), exact(turned.clone())),
        with("--orientation keep", case("JPEG XL, turned once", "a.jxl", boxed, exact(turned))),
        case("GIF with holes", "a.gif", gif(std::slice::from_ref(&clear)), exact(clear)),
    ]
}

fn other_formats() -> Vec<Case> {
    let table: [(&str, &[u8], i32, &str); 12] = [
        (
            "a.heic",
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
            3,
            "is HEIC, which calotype does not read; convert it first, e.g. with heif-convert of libheif",
        ),
        ("b.heic", b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", 3, "is HEIC"),
        (
            "a.avif",
            b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf",
            3,
            "is AVIF, which calotype does not read; convert it first, e.g. with avifdec of libavif",
        ),
        (
            "a.cr2",
            b"II*\0\x10\0\0\0CR\x02\0\0\0\0\0",
            3,
            "is a camera's raw file, which calotype does not read; develop it first, e.g. with darktable-cli or RawTherapee",
        ),
        ("a.cr3", b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", 3, "is a camera's raw file"),
        ("a.raf", b"FUJIFILMCCD-RAW 0201FF383501", 3, "is a camera's raw file"),
        ("a.orf", b"IIRO\x08\0\0\0", 3, "is a camera's raw file"),
        ("a.rw2", b"IIU\0\x18\0\0\0", 3, "is a camera's raw file"),
        ("a.jp2", b"\0\0\0\x0CjP  \r\n\x87\n", 3, "is JPEG 2000, which calotype does not read"),
        ("a.psd", b"8BPS\0\x01\0\0", 3, "is PSD, which calotype does not read"),
        ("zero.jpg", &[0; 100_000], 1, "is not an image that calotype knows; give PNG, JPEG, JPEG XL, WebP, GIF, TIFF, BMP or PNM"),
        ("empty.png", b"", 1, "is empty; give an image"),
    ];
    table.into_iter().map(|(file, bytes, code, words)| case(file, file, bytes.to_vec(), Right::Refused(code, words))).collect()
}

/// What a file becomes, there and back.
fn there_and_back(desk: &Desk, file: &str, arguments: &str) -> (Run, Option<DynamicImage>) {
    let run = desk.run(&format!("encode {file} -o {file}.calo -y -q 100 {arguments}"));
    let decoded = (run.code == 0).then(|| {
        desk.json(&format!("decode {file}.calo -o {file}.back.png -y --json"));
        image::open(desk.path(&format!("{file}.back.png"))).unwrap()
    });
    (run, decoded)
}

/// Notes, without what they begin with.
fn notes(run: &Run, file: &str) -> Vec<String> {
    let begin = format!("calotype: note: {file}: ");
    run.stderr.lines().filter_map(|line| line.strip_prefix(&begin)).map(str::to_string).collect()
}

fn psnr_db(a: &DynamicImage, b: &DynamicImage) -> f64 {
    let (a, b) = (a.to_rgb8(), b.to_rgb8());
    if a.dimensions() != b.dimensions() {
        return 0.0;
    }
    let squares: f64 = a.iter().zip(b.iter()).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum();
    10.0 * (255.0_f64.powi(2) * a.len() as f64 / squares).log10()
}

/// What is wrong with what came of a case.
fn fault(case: &Case) -> Option<String> {
    let desk = Desk::new();
    desk.write(case.file, &case.bytes);
    if let Right::Refused(code, words) = &case.right {
        let line = format!("encode {} -o a.calo {}", case.file, case.arguments);
        let run = desk.run(&line);
        let one_line = run.stderr.trim_end().lines().count() == 1;
        return (run.code != *code || !run.stderr.contains(words) || !one_line || desk.path("a.calo").exists())
            .then(|| format!("exit code {}, {:?}", run.code, run.stderr));
    }
    let (run, decoded) = there_and_back(&desk, case.file, case.arguments);
    let Some(decoded) = decoded else { return Some(format!("exit code {}, {:?}", run.code, run.stderr)) };
    let found = notes(&run, case.file);
    let expected = match &case.right {
        Right::Picture(_, notes) => &notes[..],
        _ => &[],
    };
    if found != expected {
        return Some(format!("notes {found:?} instead of {expected:?}"));
    }
    let right = match &case.right {
        Right::Picture(picture, _) => {
            picture.save(desk.path("right.png")).unwrap();
            there_and_back(&desk, "right.png", "").1
        }
        Right::File(file, bytes) => {
            desk.write(file, bytes);
            there_and_back(&desk, file, "").1
        }
        Right::Near(picture, db) => {
            let found = psnr_db(&decoded, picture);
            return (found < *db).then(|| format!("{found:.1} dB"));
        }
        Right::Refused(..) => None,
    };
    let differs = |right: &DynamicImage| format!("{:?}, {:.1} dB", decoded.color(), psnr_db(&decoded, right));
    right.filter(|right| *right != decoded).map(|right| differs(&right))
}

#[test]
fn every_case_is_right() {
    let cases: Vec<Case> = [
        jpeg_samplings(),
        jpeg_colours(),
        jpeg_refusals(),
        cut(),
        salvaged(),
        tiffs::tiffs(),
        bmps(),
        animations_and_pages(),
        jxls_and_gifs(),
        other_formats(),
        ordinary_jpegs(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let parts: Vec<&[Case]> = cases.chunks(cases.len().div_ceil(4)).collect();
    let faults: Vec<String> = std::thread::scope(|scope| {
        let check = |part: &[Case]| part.iter().filter_map(|case| Some(format!("{}: {}", case.name, fault(case)?))).collect::<Vec<_>>();
        let threads: Vec<_> = parts.iter().map(|part| scope.spawn(move || check(part))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    println!("{} cases", cases.len());
    assert!(faults.is_empty(), "{} of {} cases:\n{}", faults.len(), cases.len(), faults.join("\n"));
}

/// Pictures as encoders write them, with all their coefficients.
fn ordinary_jpegs() -> Vec<Case> {
    use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
    let photo = image::open(crate::harness::sample("SAMPLE.png")).unwrap();
    let photo = DynamicImage::from(photo.resize_exact(93, 71, image::imageops::FilterType::Triangle).into_rgb8());
    let samplings = [
        SamplingFactor::F_1_1,
        SamplingFactor::F_2_1,
        SamplingFactor::F_1_2,
        SamplingFactor::F_2_2,
        SamplingFactor::F_4_1,
        SamplingFactor::F_4_2,
    ];
    let mut cases = Vec::new();
    for sampling in samplings {
        let jpeg = |set: fn(&mut Encoder<&mut Vec<u8>>)| {
            let mut bytes = Vec::new();
            let mut encoder = Encoder::new(&mut bytes, 95);
            encoder.set_sampling_factor(sampling);
            set(&mut encoder);
            encoder.encode(photo.as_bytes(), 93, 71, ColorType::Rgb).unwrap();
            bytes
        };
        let plain = jpeg(|_| {});
        // Optimised Huffman tables make this encoder write scans of one colour.
        let others = [
            ("in scans", jpeg(|encoder| encoder.set_optimized_huffman_tables(true))),
            ("progressive", jpeg(|encoder| encoder.set_progressive(true))),
            ("with restarts", jpeg(|encoder| encoder.set_restart_interval(3))),
        ];
        for (what, bytes) in others {
            cases.push(case(format!("photograph {sampling:?} {what}"), "a.jpg", bytes, Right::File("b.jpg", plain.clone())));
        }
        cases.push(case(format!("photograph {sampling:?}"), "a.jpg", plain, Right::Near(photo.clone(), 27.0)));
    }
    cases
}
