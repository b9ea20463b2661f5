//! A table of inputs with metadata as programs write it: where each format keeps it, how it is damaged, what becomes of it.

use crate::harness::Desk;
use crate::inputs::{self, Exif, Kind, chunk, jpeg, png, raw_profile, tiff, webp, zlib};
use crate::makers::{JXL_TURNED, apng, gif, hex, segment};
use crate::metadata::{self, Metadata};

/// One input, and all that comes of it.
struct Case {
    name: String,
    /// For its ending; the program looks at the bytes.
    file: &'static str,
    bytes: Vec<u8>,
    arguments: &'static str,
    /// All notes of `encode`, without the file's name.
    notes: Vec<&'static str>,
    /// Pixels in a row, and rows, of the picture that comes back.
    size: (u64, u64),
    /// What the PNG carries that it is decoded to.
    metadata: Metadata,
}

const LYING: (u64, u64) = (inputs::WIDTH as u64, inputs::HEIGHT as u64);
const STANDING: (u64, u64) = (inputs::HEIGHT as u64, inputs::WIDTH as u64);
const DEEP: &str = "its colours are coded with the model's precision of 8 bits, and decoded to 16 again (alpha is exact)";
const DAMAGED_PROFILE: &str = "its ICC profile is damaged and left out";
const LONG_PROFILE: &str = "its ICC profile is left out, for it is longer than 16 MiB";
const RGB_PROFILE: &str = "its ICC profile is left out, for it is one of RGB, and the pixels are grey";
const GREY_PROFILE: &str = "its ICC profile is left out, for it is one of grey, and the pixels are RGB";
const EXTENDED: &str = "its extended XMP is damaged and left out";
const IPTC: &str = "its IPTC is left out";

fn case(name: impl Into<String>, file: &'static str, bytes: Vec<u8>) -> Case {
    Case { name: name.into(), file, bytes, arguments: "", notes: Vec::new(), size: LYING, metadata: Metadata::default() }
}

impl Case {
    fn notes(self, notes: &[&'static str]) -> Case {
        Case { notes: notes.to_vec(), ..self }
    }

    fn with(self, arguments: &'static str) -> Case {
        Case { arguments, ..self }
    }

    fn icc(self, icc: Vec<u8>) -> Case {
        Case { metadata: Metadata { icc: Some(icc), ..self.metadata }, ..self }
    }

    fn exif(self, exif: Vec<u8>) -> Case {
        Case { metadata: Metadata { exif: Some(exif), ..self.metadata }, ..self }
    }

    fn xmp(self, xmp: String) -> Case {
        Case { metadata: Metadata { xmp: Some(xmp.into_bytes()), ..self.metadata }, ..self }
    }

    /// A picture of 90 degrees more, whose Exif says that it is upright.
    fn turned(self) -> Case {
        Case { size: STANDING, ..self }.exif(Exif::upright().bytes())
    }
}

fn rgb_icc() -> Vec<u8> {
    metadata::whole().icc.unwrap()
}

fn png_exif() -> Vec<Case> {
    let lying = Exif::asking(6);
    let of = |name: &str, before: Vec<u8>, after: Vec<u8>| case(format!("PNG, {name}"), "a.png", png(Kind::RGB, &before, &after)).turned();
    let named = [&b"Exif\0\0"[..], &lying.bytes()].concat();
    let text = |keyword: &str, bytes: &[u8]| chunk(b"tEXt", &[keyword.as_bytes(), b"\0", &raw_profile("exif", bytes)].concat());
    let small = |keyword: &str, bytes: &[u8]| chunk(b"zTXt", &[keyword.as_bytes(), b"\0\0", &zlib(&raw_profile("exif", bytes))].concat());
    let mut cases = vec![
        of("eXIf before the pixels", chunk(b"eXIf", &lying.bytes()), vec![]),
        of("eXIf after the pixels", vec![], chunk(b"eXIf", &lying.bytes())),
        of("eXIf with its JPEG name", chunk(b"eXIf", &named), vec![]),
        of("eXIf with its JPEG name, after the pixels", vec![], chunk(b"eXIf", &named)),
        of("raw profile exif in tEXt", text("Raw profile type exif", &lying.bytes()), vec![]),
        of("raw profile exif in zTXt", small("Raw profile type exif", &lying.bytes()), vec![]),
        of("raw profile exif in zTXt, after the pixels", vec![], small("Raw profile type exif", &named)),
        of("raw profile APP1 with Exif", text("Raw profile type APP1", &named), vec![]),
        of("eXIf before the same raw profile", chunk(b"eXIf", &lying.bytes()), text("Raw profile type exif", &named)),
    ];
    for kind in [Kind::GREY, Kind::GREY_ALPHA, Kind::RGBA, Kind::GREY_16, Kind::RGB_16, Kind::RGBA_16] {
        let notes = if kind.is_deep() { vec![DEEP] } else { vec![] };
        cases.push(
            case(format!("PNG {kind:?}, eXIf after the pixels"), "a.png", png(kind, &[], &chunk(b"eXIf", &lying.bytes())))
                .notes(&notes)
                .turned(),
        );
    }
    cases.push(
        case("PNG, eXIf that is none", "a.png", png(Kind::RGB, &chunk(b"eXIf", b"nothing"), &[]))
            .notes(&["its Exif is damaged and left out"]),
    );
    let mut broken = chunk(b"eXIf", &lying.bytes());
    *broken.last_mut().unwrap() ^= 1;
    cases.push(case("PNG, eXIf with a wrong CRC", "a.png", png(Kind::RGB, &broken, &[])).notes(&["its Exif is damaged and left out"]));
    let other = chunk(b"eXIf", &Exif::asking(3).bytes());
    cases.push(of("two different eXIf", chunk(b"eXIf", &lying.bytes()), other).notes(&["its second Exif is left out"]));
    cases
}

fn orientations() -> Vec<Case> {
    let types = [1_u16, 3, 4].into_iter().flat_map(|kind| [(kind, false), (kind, true)]);
    let mut cases = Vec::new();
    for (kind, big_endian) in types {
        let asking = Exif { kind, big_endian, ..Exif::asking(6) };
        // What is set is a SHORT.
        let upright = Exif { big_endian, ..Exif::upright() };
        let name = format!("Orientation of type {kind}, big endian: {big_endian}");
        cases.push(
            case(format!("PNG, {name}"), "a.png", png(Kind::RGB, &chunk(b"eXIf", &asking.bytes()), &[])).turned().exif(upright.bytes()),
        );
        cases.push(
            case(format!("JPEG, {name}"), "a.jpg", jpeg(Kind::RGB, &[inputs::exif_segment(&asking.bytes())]))
                .turned()
                .exif(upright.bytes()),
        );
        cases.push(case(format!("WebP, {name}"), "a.webp", webp(&[(b"EXIF", asking.bytes())])).turned().exif(upright.bytes()));
    }
    for (kind, deep) in [(Kind::GREY, false), (Kind::RGB, false), (Kind::RGBA, false), (Kind::GREY_16, true), (Kind::RGB_16, true)] {
        let notes = if deep { vec![DEEP] } else { vec![] };
        for big in [false, true] {
            let bytes = tiff(kind, big, |tags| tags.short(274, 6));
            cases.push(case(format!("TIFF {kind:?}, BigTIFF: {big}, Orientation"), "a.tif", bytes).notes(&notes).turned());
        }
    }
    cases.push(case("TIFF, Orientation of type LONG", "a.tif", tiff(Kind::RGB, false, |tags| tags.long(274, 6))).turned());
    cases.push(
        case("JPEG, an orientation that is none", "a.jpg", jpeg(Kind::RGB, &[inputs::exif_segment(&Exif::asking(9).bytes())]))
            .exif(Exif::asking(9).bytes()),
    );
    cases
}

fn webps_and_jpegs() -> Vec<Case> {
    let lying = Exif::asking(6).bytes();
    let named = [&b"Exif\0\0"[..], &lying].concat();
    let thumbed = inputs::with_thumbnail(&lying);
    let two = [inputs::exif_segment(&lying), inputs::exif_segment(&Exif::asking(3).bytes())];
    let (begin, end) = lying.split_at(14);
    let long = inputs::with_comment(&Exif::asking(6), 70_000);
    let halves = [&long[..65_000], &long[65_000..]].map(inputs::exif_segment);
    let long_upright = inputs::with_comment(&Exif::upright(), 70_000);
    assert!(begin.len() + end.len() == lying.len());
    vec![
        case("WebP, Exif with its JPEG name", "a.webp", webp(&[(b"EXIF", named)])).turned(),
        case("WebP, Exif that is none", "a.webp", webp(&[(b"EXIF", b"nothing".to_vec())])).notes(&["its Exif is damaged and left out"]),
        case("JPEG, two Exif", "a.jpg", jpeg(Kind::RGB, &two)).turned().notes(&["its second Exif is left out"]),
        case("JPEG, Exif over two segments", "a.jpg", jpeg(Kind::RGB, &halves)).turned().exif(long_upright),
        case("JPEG, a thumbnail", "a.jpg", jpeg(Kind::RGB, &[inputs::exif_segment(&thumbed)])).turned(),
        case(
            "JPEG, a thumbnail, upright",
            "a.jpg",
            jpeg(Kind::RGB, &[inputs::exif_segment(&inputs::with_thumbnail(&Exif::upright().bytes()))]),
        )
        .exif(inputs::with_thumbnail(&Exif::upright().bytes())),
        case("WebP, a thumbnail", "a.webp", webp(&[(b"EXIF", inputs::with_thumbnail(&lying))])).turned(),
        case("PNG, a thumbnail", "a.png", png(Kind::RGB, &[], &chunk(b"eXIf", &inputs::with_thumbnail(&lying)))).turned(),
        case("JPEG, kept", "a.jpg", jpeg(Kind::RGB, &[inputs::exif_segment(&lying)])).with("--orientation keep").exif(lying.clone()),
        case(
            "JPEG, rubbish before Exif",
            "a.jpg",
            jpeg(Kind::RGB, &[segment(0xE3, b""), vec![0, 1, 2, 255, 0], inputs::exif_segment(&lying)]),
        )
        .turned(),
        case("grey JPEG, Exif", "a.jpg", jpeg(Kind::GREY, &[inputs::exif_segment(&lying)])).turned(),
        case("JPEG, IPTC", "a.jpg", jpeg(Kind::RGB, &[segment(0xED, b"Photoshop 3.0\08BIM\x04\x04\0\0\0\0\0\0")])).notes(&[IPTC]),
        case("JPEG, a comment", "a.jpg", jpeg(Kind::RGB, &[segment(0xFE, b"hello")])).notes(&["its comment is left out"]),
        case("TIFF, IPTC", "a.tif", tiff(Kind::RGB, false, |tags| tags.bytes(33723, b"\x1c\x02\0\0\0"))).notes(&[IPTC]),
        case(
            "PNG, IPTC",
            "a.png",
            png(Kind::RGB, &chunk(b"tEXt", &[b"Raw profile type iptc\0", &raw_profile("iptc", b"8BIM")[..]].concat()), &[]),
        )
        .notes(&[IPTC]),
        case("PNG, a text", "a.png", png(Kind::RGB, &chunk(b"tEXt", b"Title\0Snow"), &[])).notes(&["its text \"Title\" is left out"]),
        case("PNG, a text of a program", "a.png", png(Kind::RGB, &chunk(b"tEXt", b"Software\0x"), &[])),
    ]
}

fn xmps() -> Vec<Case> {
    let xmp = inputs::xmp("", "<dc:format>test</dc:format>");
    let international = |compressed: bool, text: &str| {
        let stored = if compressed { zlib(text.as_bytes()) } else { text.as_bytes().to_vec() };
        chunk(b"iTXt", &[b"XML:com.adobe.xmp\0", &[u8::from(compressed), 0, 0, 0][..], &stored].concat())
    };
    let raw = |name: &str, bytes: &[u8]| {
        chunk(b"zTXt", &[b"Raw profile type ", name.as_bytes(), b"\0\0", &zlib(&raw_profile(name, bytes))].concat())
    };
    let app1 = [b"http://ns.adobe.com/xap/1.0/\0", xmp.as_bytes()].concat();
    let (six, one) = (inputs::xmp(" tiff:Orientation='6'", ""), inputs::xmp_as_written(" tiff:Orientation=\"1\"", ""));
    let (six_inside, one_inside) =
        (inputs::xmp("", "<tiff:Orientation>6</tiff:Orientation>"), inputs::xmp("", "<tiff:Orientation>1</tiff:Orientation>"));
    let lying = Exif::asking(6).bytes();
    let xmp_segment = |xmp: &str| segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", xmp.as_bytes()].concat());
    let of = |name: &str, before: Vec<u8>, after: Vec<u8>| case(format!("PNG, {name}"), "a.png", png(Kind::RGB, &before, &after));
    let xmp_damaged = inputs::xmp(" tiff:Orientation='6'", "<a>");
    vec![
        of("XMP", international(false, &xmp), vec![]).xmp(xmp.clone()),
        of("XMP after the pixels", vec![], international(false, &xmp)).xmp(xmp.clone()),
        of("XMP, compressed", international(true, &xmp), vec![]).xmp(xmp.clone()),
        of("XMP, compressed, after the pixels", vec![], international(true, &xmp)).xmp(xmp.clone()),
        of("XMP in zTXt", chunk(b"zTXt", &[b"XML:com.adobe.xmp\0\0", &zlib(xmp.as_bytes())[..]].concat()), vec![]).xmp(xmp.clone()),
        of("raw profile xmp", raw("xmp", xmp.as_bytes()), vec![]).xmp(xmp.clone()),
        of("raw profile APP1 with XMP", vec![], raw("APP1", &app1)).xmp(xmp.clone()),
        of("XMP whose stream is damaged", chunk(b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0nothing"), vec![])
            .notes(&["its XMP is damaged and left out"]),
        of("XMP alone asks to be turned", vec![], international(false, &six)).xmp(one.clone()).size(STANDING),
        of("damaged XMP asks to be turned", vec![], international(false, &xmp_damaged))
            .size(STANDING)
            .notes(&["its XMP is damaged and left out"]),
        case("TIFF, XMP", "a.tif", tiff(Kind::RGB, false, |tags| tags.bytes(700, xmp.as_bytes()))).xmp(xmp.clone()),
        case("BigTIFF, XMP", "a.tif", tiff(Kind::RGB_16, true, |tags| tags.bytes(700, xmp.as_bytes()))).xmp(xmp.clone()).notes(&[DEEP]),
        case("WebP, XMP", "a.webp", webp(&[(b"XMP ", xmp.clone().into_bytes())])).xmp(xmp.clone()),
        case("WebP, XMP and Exif", "a.webp", webp(&[(b"EXIF", lying.clone()), (b"XMP ", six.clone().into_bytes())]))
            .turned()
            .xmp(one.clone()),
        case("JPEG, XMP", "a.jpg", jpeg(Kind::RGB, &[xmp_segment(&xmp)])).xmp(xmp.clone()),
        case("JPEG, Exif and XMP ask to be turned", "a.jpg", jpeg(Kind::RGB, &[inputs::exif_segment(&lying), xmp_segment(&six)]))
            .turned()
            .xmp(one.clone()),
        case("JPEG, XMP asks in an element", "a.jpg", jpeg(Kind::RGB, &[inputs::exif_segment(&lying), xmp_segment(&six_inside)]))
            .turned()
            .xmp(one_inside),
        case("JPEG, XMP alone asks, kept", "a.jpg", jpeg(Kind::RGB, &[xmp_segment(&six)]))
            .with("--orientation keep")
            .xmp(six.clone())
            .exif(lying),
        extended(0, 0, &[]),
        extended(1, 0, &["its extended XMP is damaged and left out"]),
        extended(0, 1, &["its extended XMP is damaged and left out"]),
    ]
}

impl Case {
    fn size(self, size: (u64, u64)) -> Case {
        Case { size, ..self }
    }
}

/// XMP with an extension in two parts, whose offset or whose GUID may be wrong.
fn extended(wrong_offset: u32, wrong_guid: u8, notes: &[&'static str]) -> Case {
    let guid = "0123456789ABCDEF0123456789ABCDEF";
    let main = inputs::xmp(&format!(" xmpNote:HasExtendedXMP='{guid}'"), "");
    let more = inputs::bare_xmp("<dc:title>long</dc:title>");
    let (a, b) = more.split_at(100);
    let part = |offset: u32, text: &str| {
        let mut guid = guid.as_bytes().to_vec();
        guid[31] -= wrong_guid;
        let numbers = [(more.len() as u32).to_be_bytes(), offset.to_be_bytes()].concat();
        segment(0xE1, &[b"http://ns.adobe.com/xmp/extension/\0", &guid[..], &numbers, text.as_bytes()].concat())
    };
    let main_segment = segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", main.as_bytes()].concat());
    // The parts come in any order.
    let bytes = jpeg(Kind::RGB, &[main_segment, part(100 + wrong_offset, b), part(0, a)]);
    let joined = if notes.is_empty() { inputs::joined("<dc:title>long</dc:title>") } else { inputs::xmp_as_written("", "") };
    case(format!("JPEG, extended XMP, wrong by {wrong_offset} and {wrong_guid}"), "a.jpg", bytes).xmp(joined).notes(notes)
}

fn profiles() -> Vec<Case> {
    let (rgb, grey) = (rgb_icc(), metadata::grey_profile());
    let iccp = |icc: &[u8]| chunk(b"iCCP", &[b"x\0\0", &zlib(icc)[..]].concat());
    let mut cases = Vec::new();
    for (kind, notes) in
        [(Kind::GREY, vec![]), (Kind::RGB, vec![]), (Kind::RGBA, vec![]), (Kind::GREY_16, vec![DEEP]), (Kind::RGB_16, vec![DEEP])]
    {
        let (fits, other, note) = if kind.is_grey() { (&grey, &rgb, RGB_PROFILE) } else { (&rgb, &grey, GREY_PROFILE) };
        let with_note = [notes.clone(), vec![note]].concat();
        cases.push(case(format!("PNG {kind:?}, its profile"), "a.png", png(kind, &iccp(fits), &[])).notes(&notes).icc(fits.clone()));
        cases.push(case(format!("PNG {kind:?}, another profile"), "a.png", png(kind, &iccp(other), &[])).notes(&with_note));
        for big in [false, true] {
            let of = |icc: &[u8]| tiff(kind, big, |tags| tags.bytes(34675, icc));
            cases.push(case(format!("TIFF {kind:?}, BigTIFF: {big}, its profile"), "a.tif", of(fits)).notes(&notes).icc(fits.clone()));
            cases.push(case(format!("TIFF {kind:?}, BigTIFF: {big}, another profile"), "a.tif", of(other)).notes(&with_note));
        }
    }
    let icc_segment = |number: u8, of: u8, icc: &[u8]| segment(0xE2, &[b"ICC_PROFILE\0", &[number, of][..], icc].concat());
    let none = vec![b'x'; 600];
    let long = vec![0; (16 << 20) + 1];
    let (half, rest) = rgb.split_at(200);
    cases.extend([
        case("JPEG, its profile", "a.jpg", jpeg(Kind::RGB, &[icc_segment(1, 1, &rgb)])).icc(rgb.clone()),
        case("JPEG, a profile in parts out of order", "a.jpg", jpeg(Kind::RGB, &[icc_segment(2, 2, rest), icc_segment(1, 2, half)]))
            .icc(rgb.clone()),
        case("JPEG, a profile without a part", "a.jpg", jpeg(Kind::RGB, &[icc_segment(1, 2, half)])).notes(&[DAMAGED_PROFILE]),
        case("JPEG, another profile", "a.jpg", jpeg(Kind::RGB, &[icc_segment(1, 1, &grey)])).notes(&[GREY_PROFILE]),
        case("grey JPEG, another profile", "a.jpg", jpeg(Kind::GREY, &[icc_segment(1, 1, &rgb)])).notes(&[RGB_PROFILE]),
        case("grey JPEG, its profile", "a.jpg", jpeg(Kind::GREY, &[icc_segment(1, 1, &grey)])).icc(grey.clone()),
        case("JPEG, no profile", "a.jpg", jpeg(Kind::RGB, &[icc_segment(1, 1, &none)])).notes(&[DAMAGED_PROFILE]),
        case("WebP, its profile", "a.webp", webp(&[(b"ICCP", rgb.clone())])).icc(rgb.clone()),
        case("WebP, another profile", "a.webp", webp(&[(b"ICCP", grey.clone())])).notes(&[GREY_PROFILE]),
        case("WebP, no profile", "a.webp", webp(&[(b"ICCP", none.clone())])).notes(&[DAMAGED_PROFILE]),
        case("WebP, a profile of over 16 MiB", "a.webp", webp(&[(b"ICCP", long.clone())])).notes(&[LONG_PROFILE]),
        case("PNG, no profile", "a.png", png(Kind::RGB, &iccp(&none), &[])).notes(&[DAMAGED_PROFILE]),
        case("PNG, a profile that is cut", "a.png", png(Kind::RGB, &iccp(half), &[])).notes(&[DAMAGED_PROFILE]),
        case("PNG, a profile of over 16 MiB", "a.png", png(Kind::RGB, &iccp(&long), &[])).notes(&[LONG_PROFILE]),
        case("PNG of 16 bits, a profile of over 16 MiB", "a.png", png(Kind::RGB_16, &iccp(&long), &[])).notes(&[DEEP, LONG_PROFILE]),
        case("TIFF, no profile", "a.tif", tiff(Kind::RGB, false, |tags| tags.bytes(34675, &none))).notes(&[DAMAGED_PROFILE]),
        case("TIFF, a profile of over 16 MiB", "a.tif", tiff(Kind::RGB, false, |tags| tags.bytes(34675, &long))).notes(&[LONG_PROFILE]),
        case(
            "PNG, raw profile icc",
            "a.png",
            png(Kind::RGB, &chunk(b"tEXt", &[b"Raw profile type icc\0", &raw_profile("icc", &rgb)[..]].concat()), &[]),
        )
        .icc(rgb.clone()),
    ]);
    cases
}

/// PNG, third edition: cICP before iCCP before sRGB before gAMA and cHRM.
fn colours() -> Vec<Case> {
    let gamma = |value: u32| chunk(b"gAMA", &value.to_be_bytes());
    let chromaticities = |values: [u32; 8]| chunk(b"cHRM", values.map(u32::to_be_bytes).as_flattened());
    let srgb_points = [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000];
    let wide = [31_270, 32_900, 64_000, 33_000, 21_000, 71_000, 15_000, 6_000];
    let srgb = chunk(b"sRGB", &[0]);
    let iccp = chunk(b"iCCP", &[b"x\0\0", &zlib(&rgb_icc())[..]].concat());
    let cicp = |values: [u8; 4]| chunk(b"cICP", &values);
    let of = |name: &str, chunks: &[&[u8]]| case(format!("PNG, {name}"), "a.png", png(Kind::RGB, &chunks.concat(), &[]));
    let pq = |case: Case| Case { metadata: Metadata { cicp: Some([9, 16, 0, 1]), ..case.metadata }, ..case };
    let matrix = "its CICP colour space is left out, for it has matrix 9, which RGB of full range cannot have";
    let narrow = "its CICP colour space is left out, for it has range 0, which RGB of full range cannot have";
    let curve = |case: Case, gamma: f32| Case { name: format!("{} @{gamma}", case.name), ..case };
    vec![
        curve(of("gAMA 1", &[&gamma(100_000)]), 1.0),
        curve(of("gAMA 1/1.8", &[&gamma(55_556)]), 1.8),
        curve(case("PNG of 16 bits, gAMA 1", "a.png", png(Kind::RGB_16, &gamma(100_000), &[])).notes(&[DEEP]), 1.0),
        curve(case("grey PNG, gAMA 1", "a.png", png(Kind::GREY, &gamma(100_000), &[])), 1.0),
        curve(case("PNG with alpha, gAMA 1", "a.png", png(Kind::RGBA, &gamma(100_000), &[])), 1.0),
        curve(of("gAMA 1/2.2 and wide cHRM", &[&gamma(45_455), &chromaticities(wide)]), 2.2),
        of("gAMA and cHRM of sRGB", &[&gamma(45_455), &chromaticities(srgb_points)]),
        of("gAMA of sRGB", &[&gamma(45_455)]),
        of("cHRM of sRGB", &[&chromaticities(srgb_points)]),
        of("gAMA 0", &[&gamma(0)]).notes(&["its gAMA is damaged and left out"]),
        of("cHRM 0", &[&chromaticities([0; 8])]).notes(&["its cHRM is damaged and left out"]),
        of("sRGB and gAMA", &[&srgb, &gamma(100_000)]),
        of("gAMA and sRGB", &[&gamma(100_000), &srgb]),
        of("iCCP and gAMA", &[&gamma(100_000), &iccp]).icc(rgb_icc()),
        pq(of("cICP and gAMA", &[&cicp([9, 16, 0, 1]), &gamma(100_000)])),
        pq(of("cICP and iCCP", &[&cicp([9, 16, 0, 1]), &iccp]).icc(rgb_icc())),
        of("cICP with a matrix", &[&cicp([9, 16, 9, 1])]).notes(&[matrix]),
        of("cICP of narrow range", &[&cicp([9, 16, 0, 0])]).notes(&[narrow]),
        of("cICP with a matrix, and iCCP", &[&cicp([9, 16, 9, 1]), &iccp]).notes(&[matrix]).icc(rgb_icc()),
        curve(of("cICP with a matrix, and gAMA", &[&cicp([9, 16, 9, 1]), &gamma(100_000)]).notes(&[matrix]), 1.0),
        case("PNG of 16 bits, cICP with a matrix", "a.png", png(Kind::RGB_16, &cicp([9, 16, 9, 1]), &[])).notes(&[DEEP, matrix]),
        of("data of the mastering display", &[&chunk(b"cLLI", &[0; 8])]).notes(&["its data of the mastering display is left out"]),
    ]
}

fn strips() -> Vec<Case> {
    let xmp = inputs::xmp(" exif:GPSLatitude='1,2N'", "<dc:format>x</dc:format>");
    let placeless = inputs::xmp_as_written("", "<dc:format>x</dc:format>");
    let exif = metadata::exif(1);
    let (icc, whole) = (rgb_icc(), |arguments| {
        let segments = [
            inputs::exif_segment(&exif),
            segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", xmp.as_bytes()].concat()),
            segment(0xE2, &[b"ICC_PROFILE\0\x01\x01", &rgb_icc()[..]].concat()),
        ];
        case(format!("JPEG, {arguments}"), "a.jpg", jpeg(Kind::RGB, &segments)).with(arguments)
    });
    // The note is true whatever becomes of Exif and XMP alone.
    let with_iptc = |arguments| {
        let segments = [
            inputs::exif_segment(&exif),
            segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", xmp.as_bytes()].concat()),
            segment(0xED, b"Photoshop 3.0\08BIM\x04\x04\0\0\0\0\0\0"),
        ];
        case(format!("JPEG with IPTC, {arguments}"), "a.jpg", jpeg(Kind::RGB, &segments)).with(arguments).notes(&[IPTC])
    };
    let lying = jpeg(Kind::RGB, &[inputs::exif_segment(&Exif::asking(6).bytes())]);
    let xmp_segment = |xmp: &str| segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", xmp.as_bytes()].concat());
    let six = inputs::xmp(" tiff:Rating='6'", "");
    let broken = [xmp_segment(&inputs::xmp(" xmpNote:HasExtendedXMP='0123456789ABCDEF0123456789ABCDEF'", ""))];
    let alone = inputs::xmp_as_written("", "");
    let stripped = |name: &str, bytes, arguments| case(format!("JPEG, {name}, {arguments}"), "a.jpg", bytes).with(arguments);
    vec![
        whole("").icc(icc.clone()).exif(exif.clone()).xmp(xmp.clone()),
        whole("--strip all").icc(icc.clone()),
        whole("--strip=exif").icc(icc.clone()).xmp(xmp.clone()),
        whole("--strip=xmp").icc(icc.clone()).exif(exif.clone()),
        whole("--strip=exif,xmp").icc(icc.clone()),
        whole("--strip=gps").icc(icc).exif(inputs::without_gps(&exif)).xmp(placeless),
        // What is damaged or a second one is not missed where all is to go.
        stripped("extended XMP", jpeg(Kind::RGB, &broken), "--strip all"),
        stripped("extended XMP", jpeg(Kind::RGB, &broken), "--strip xmp"),
        case("JPEG, extended XMP, damaged", "a.jpg", jpeg(Kind::RGB, &broken)).with("--strip exif").notes(&[EXTENDED]).xmp(alone),
        stripped("second XMP", jpeg(Kind::RGB, &[xmp_segment(&xmp), xmp_segment(&six)]), "--strip all"),
        stripped("second XMP", jpeg(Kind::RGB, &[xmp_segment(&xmp), xmp_segment(&six)]), "--strip xmp"),
        stripped(
            "second Exif",
            jpeg(Kind::RGB, &[inputs::exif_segment(&exif), inputs::exif_segment(&Exif::upright().bytes())]),
            "--strip exif",
        ),
        stripped("damaged Exif", jpeg(Kind::RGB, &[inputs::exif_segment(b"nothing")]), "--strip=all"),
        stripped("comment", jpeg(Kind::RGB, &[segment(0xFE, b"hello")]), "--strip all"),
        case("JPEG with a comment", "a.jpg", jpeg(Kind::RGB, &[segment(0xFE, b"hello")]))
            .with("--strip xmp")
            .notes(&["its comment is left out"]),
        with_iptc("--strip all").notes(&[]),
        with_iptc("--strip=exif,xmp"),
        with_iptc("--strip=exif").xmp(xmp.clone()),
        with_iptc("--strip=xmp").exif(exif.clone()),
        with_iptc("--strip=gps").exif(inputs::without_gps(&exif)).xmp(inputs::xmp_as_written("", "<dc:format>x</dc:format>")),
        case("JPEG, turned and stripped", "a.jpg", lying.clone()).with("--strip all").size(STANDING),
        case("JPEG, kept and stripped", "a.jpg", lying).with("--strip all --orientation keep").exif(Exif::asking(6).bytes()),
    ]
}

/// Names of boxes, and `brotli` of Exif that asks for 6, of a short XMP, of 16 MiB and a byte.
const COMPRESSED_EXIF: &str = "457869661b1d00f88fd45e35599293904d760a335b1b35a01214050286ad437c080a";
const COMPRESSED_XMP: &str = "786d6c201b2400f845e796aa8d48ffd4d471d204dd30bc44d1284cb84e305ef8b7c63859e010db7739b2404527";
const LONG_XMP: &str = "786d6c20cfffff7ff82540e2b14020f7fe1f0000012003";

/// Formats whose decoders find what comes with the pixels; that of JPEG XL turns them, too.
fn of_decoders() -> Vec<Case> {
    let boxed = |name: &[u8; 4], bytes: &[u8]| [&(bytes.len() as u32 + 8).to_be_bytes()[..], name, bytes].concat();
    let exif = |exif: &[u8]| boxed(b"Exif", &[&[0; 4], exif].concat());
    let jxl =
        |name: &str, boxes: &[Vec<u8>]| case(format!("JPEG XL, {name}"), "a.jxl", [hex(JXL_TURNED), boxes.concat()].concat()).size((8, 12));
    let lying = Exif::asking(6).bytes();
    let xmp = inputs::xmp("", "<dc:format>test</dc:format>");
    let (six, one) = (inputs::xmp(" tiff:Orientation='6'", ""), inputs::xmp_as_written(" tiff:Orientation=\"1\"", ""));
    let compressed = |digits: &str| boxed(b"brob", &hex(digits));
    let upright = |case: Case| case.exif(Exif::upright().bytes());
    let still = gif(&[image::RgbaImage::from_pixel(inputs::WIDTH, inputs::HEIGHT, image::Rgba([200, 40, 30, 255]))]);
    // The 13 bytes of the header, and the table of colours if there is one.
    let (head, rest) = still.split_at(13 + if still[10] & 0x80 == 0 { 0 } else { 6 << (still[10] & 7) });
    let trailer: Vec<u8> = [1].into_iter().chain((0..=255).rev()).chain([0]).collect();
    let with_xmp = [head, b"\x21\xFF\x0BXMP DataXMP", xmp.as_bytes(), &trailer, rest].concat();
    vec![
        upright(jxl("Exif", &[exif(&lying)])),
        upright(jxl("Exif, kept", &[exif(&lying)])).with("--orientation keep"),
        upright(jxl("a thumbnail", &[exif(&inputs::with_thumbnail(&lying))])),
        upright(jxl("Exif and XMP", &[exif(&lying), boxed(b"xml ", six.as_bytes())])).xmp(one.clone()),
        jxl("XMP alone asks", &[boxed(b"xml ", six.as_bytes())]).xmp(one),
        jxl("XMP", &[boxed(b"xml ", xmp.as_bytes())]).xmp(xmp.clone()),
        jxl("Exif that is none", &[exif(b"nothing")]).notes(&["its Exif is damaged and left out"]),
        upright(jxl("compressed Exif", &[compressed(COMPRESSED_EXIF)])),
        jxl("compressed XMP", &[compressed(COMPRESSED_XMP)]).xmp("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>".to_string()),
        jxl("compressed XMP of over 16 MiB", &[compressed(LONG_XMP)]).notes(&["its XMP is left out, for it is longer than 16 MiB"]),
        jxl("compressed XMP that is cut", &[compressed(&COMPRESSED_XMP[..40])]).notes(&["its XMP is damaged and left out"]),
        case("GIF, XMP", "a.gif", with_xmp).xmp(xmp),
        case("GIF, a comment", "a.gif", [head, b"\x21\xFE\x05hello\0", rest].concat()).notes(&["its comment is left out"]),
        case("GIF, a comment after the pixels", "a.gif", [head, &rest[..rest.len() - 1], b"\x21\xFE\x05hello\0;"].concat())
            .notes(&["its comment is left out"]),
    ]
}

/// Metadata of an animation stop none of its frames.
fn animations() -> Vec<Case> {
    let still = apng(&[40, 80].map(|grey| image::RgbImage::from_pixel(inputs::WIDTH, inputs::HEIGHT, image::Rgb([grey; 3]))));
    // The signature and the first chunk.
    let (head, rest) = still.split_at(8 + 25);
    let matrix = "its CICP colour space is left out, for it has matrix 9, which RGB of full range cannot have";
    let of = |name: &str, chunk: Vec<u8>| case(format!("animated PNG, {name}"), "a.png", [head, &chunk, rest].concat());
    let cicp = || of("cICP with a matrix", chunk(b"cICP", &[9, 16, 9, 1]));
    vec![
        cicp().notes(&["its first of 2 frames is encoded; --frame N takes another", matrix]),
        cicp().with("--frame 1").notes(&[matrix]),
        cicp().with("--frame 2").notes(&[matrix]),
        of("Exif", chunk(b"eXIf", &Exif::asking(6).bytes())).with("--frame 2").turned(),
    ]
}

fn table() -> Vec<Case> {
    [png_exif(), orientations(), webps_and_jpegs(), xmps(), profiles(), colours(), strips(), of_decoders(), animations()]
        .into_iter()
        .flatten()
        .collect()
}

/// The gamma of a profile that is made of gAMA and cHRM.
fn gamma_of(icc: &[u8]) -> f32 {
    let profile = moxcms::ColorProfile::new_from_slice(icc).unwrap();
    match profile.red_trc.or(profile.gray_trc) {
        Some(moxcms::ToneReprCurve::Parametric(numbers)) => numbers[0],
        other => panic!("{other:?}"),
    }
}

fn check(desk: &Desk, case: &Case) -> Result<(), String> {
    desk.write(case.file, &case.bytes);
    let run = desk.run(&format!("encode {} -o a.calo -y --json {}", case.file, case.arguments));
    if run.code != 0 {
        return Err(format!("exit code {}: {}", run.code, run.stderr));
    }
    let begin = format!("calotype: note: {}: ", case.file);
    let notes: Vec<&str> = run.stderr.lines().map(|line| line.strip_prefix(&begin).unwrap_or(line)).collect();
    if notes != case.notes {
        return Err(format!("notes {notes:?}, not {:?}", case.notes));
    }
    let shown = desk.json("decode a.calo -o back.png -y --json");
    let size = (shown["width"].as_u64().unwrap(), shown["height"].as_u64().unwrap());
    if size != case.size {
        return Err(format!("{size:?}, not {:?}", case.size));
    }
    let mut found = metadata::of_png(&desk.read("back.png"));
    if let Some((_, gamma)) = case.name.split_once('@') {
        let made = found.icc.take().map(|icc| gamma_of(&icc)).ok_or("no profile")?;
        let gamma: f32 = gamma.parse().unwrap();
        if (made - gamma).abs() > 1e-3 {
            return Err(format!("gamma {made}, not {gamma}"));
        }
    }
    if found != case.metadata { Err(format!("{found:?}\nnot {:?}", case.metadata)) } else { Ok(()) }
}

#[test]
fn every_row_comes_out_right() {
    let desk = Desk::new();
    let table = table();
    println!("{} rows", table.len());
    assert!(table.len() >= 100);
    let wrong: Vec<String> =
        table.iter().filter_map(|case| check(&desk, case).err().map(|wrong| format!("{}: {wrong}", case.name))).collect();
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), table.len(), wrong.join("\n"));
}

#[test]
fn the_table_notices() {
    let desk = Desk::new();
    let good = || case("control", "a.png", png(Kind::RGB, &chunk(b"eXIf", &Exif::asking(6).bytes()), &[])).turned();
    assert_eq!(check(&desk, &good()), Ok(()));
    assert!(check(&desk, &good().size(LYING)).is_err());
    assert!(check(&desk, &good().notes(&["a note"])).is_err());
    assert!(check(&desk, &good().exif(Exif::asking(6).bytes())).is_err());
    assert!(check(&desk, &good().icc(rgb_icc())).is_err());
}

/// A `.calo` file of another program, whose sections break FORMAT.md's rules.
#[test]
fn sections_that_break_the_rules_are_left_out_when_decoding() {
    let desk = Desk::new();
    let image = png(Kind::RGB, &[], &[]);
    desk.write("a.png", &image);
    desk.json("encode a.png -o plain.calo --json");
    let plain = desk.read("plain.calo");
    let named = [&b"Exif\0\0"[..], &Exif::asking(6).bytes()].concat();
    for (tag, section, note) in [
        (b"cicp", vec![9, 16, 9, 1], Some("its CICP colour space is left out, for it has matrix 9, which RGB of full range cannot have")),
        (b"cicp", vec![9, 16, 0, 0], Some("its CICP colour space is left out, for it has range 0, which RGB of full range cannot have")),
        (b"iccp", metadata::grey_profile(), Some(GREY_PROFILE)),
        (b"iccp", b"nothing".to_vec(), Some(DAMAGED_PROFILE)),
        (b"exif", b"nothing".to_vec(), Some("its Exif is damaged and left out")),
        (b"exif", named, None),
        (b"iccp", rgb_icc(), None),
    ] {
        desk.write("a.calo", &inputs::with_section(&plain, tag, &section));
        for output in ["b.png", "b.jpg", "b.webp", "b.tif"] {
            let run = desk.run(&format!("decode a.calo -o {output} -y"));
            let said = run.stderr.lines().find_map(|line| line.strip_prefix(&format!("calotype: note: {output}: ")));
            assert_eq!((run.code, said), (0, note), "{tag:?} {output}: {}", run.stderr);
            let again = desk.run(&format!("encode {output} -o again.calo -y"));
            assert!(again.code == 0 && !again.stderr.contains("note"), "{tag:?} {output}: {}", again.stderr);
        }
    }
}

/// Chromium turns PNG, JPEG and AVIF by their Exif, but no WebP.
#[test]
fn a_webp_is_turned() {
    let desk = Desk::new();
    desk.write("a.jpg", &jpeg(Kind::RGB, &[inputs::exif_segment(&Exif::asking(6).bytes())]));
    desk.json("encode a.jpg -o a.calo --orientation keep --json");
    let size = |line: &str| {
        let shown = desk.json(line);
        (shown["width"].as_u64().unwrap(), shown["height"].as_u64().unwrap())
    };
    assert_eq!(size("decode a.calo -o a.png --json"), LYING);
    assert_eq!(size("decode a.calo -o a.webp --json"), STANDING);
    let run = desk.run("decode a.calo -o kept.webp --orientation keep");
    assert!(run.stderr.contains("note: kept.webp: viewers do not turn a WebP"), "{}", run.stderr);
}

/// What is cut off is not to be seen in the small picture.
#[test]
fn a_region_has_no_thumbnail() {
    let desk = Desk::new();
    let exif = inputs::with_thumbnail(&Exif::upright().bytes());
    desk.write("a.jpg", &jpeg(Kind::RGB, &[inputs::exif_segment(&exif)]));
    desk.json("encode a.jpg -o a.calo --json");
    desk.json("decode a.calo -o whole.png --json");
    desk.json("decode a.calo -o part.png --region 0,0,5,5 --json");
    desk.json("decode a.calo -o bare.png --strip exif --json");
    let exif_of = |name: &str| metadata::of_png(&desk.read(name)).exif;
    assert_eq!([exif_of("whole.png"), exif_of("part.png"), exif_of("bare.png")], [Some(exif), Some(Exif::upright().bytes()), None]);
}
