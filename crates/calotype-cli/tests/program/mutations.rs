//! Images of 26 kinds that are wrong somewhere: read or refused in one line each, and coded as the oracle codes them.
//!
//! A short run; `CALOTYPE_MUTATIONS=15000` makes it as long as `.ci/long` has it.

use std::collections::BTreeMap;
use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage, Rgba, RgbaImage};

use crate::harness::{Desk, crc32, ppm};
use crate::inputs::{self, Exif, Kind, chunk, exif_segment, zlib};
use crate::makers::{self, JXL_GREY, JXL_RGB, Jpeg, SOF2, Samples, Tiff, apng, bmp, gif, hex, mpo, webp_animation};
use crate::models::put_model;
use crate::mutation::{self, Random, mutate};

/// Files that are coded in one run of the program.
const AT_ONCE: u64 = 500;

/// An ending and a whole file for each kind.
fn kinds() -> [(&'static str, Vec<u8>); 26] {
    let rgba = RgbaImage::from_fn(20, 12, |x, y| Rgba([x as u8 * 12, y as u8 * 20, 90, 255 - x as u8]));
    let rgb = |shade: u8| RgbImage::from_fn(18, 10, |x, y| image::Rgb([x as u8 * 14, y as u8 * 25, shade]));
    let plain = |image: DynamicImage, format| {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    let (exif, xmp) = (Exif::asking(6).bytes(), inputs::xmp(" tiff:Orientation='6'", ""));
    let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let profile = chunk(b"iCCP", &[b"x\0\0", &zlib(&icc)[..]].concat());
    let company = [&chunk(b"gAMA", &45_455_u32.to_be_bytes())[..], &chunk(b"eXIf", &exif)].concat();
    let samples: Vec<u8> = (0..20 * 12 * 3).map(|i| (i * 7 % 251) as u8).collect();
    let page = || Tiff::of((20, 12), 2, Samples::U8(&samples));
    let subsampled = || Jpeg::of([(2, 2), (1, 1), (1, 1)]);
    let deep = RgbaImage::from_fn(9, 7, |x, y| Rgba([x as u8 * 20, y as u8 * 30, 5, 200]));
    let pam = [&b"P7\nWIDTH 9\nHEIGHT 7\nDEPTH 4\nMAXVAL 65535\nTUPLTYPE RGB_ALPHA\nENDHDR\n"[..], &doubled(&deep)].concat();
    [
        ("png", inputs::png(Kind::GREY, &[], &[])),
        ("png", inputs::png(Kind::GREY_ALPHA, &[], &company)),
        ("png", inputs::png(Kind::RGB, &profile, &[])),
        ("png", inputs::png(Kind::RGBA, &company, &[])),
        ("png", inputs::png(Kind::RGB_16, &[], &[])),
        ("png", apng(&[rgb(10), rgb(200)])),
        ("jpg", inputs::jpeg(Kind::RGB, &[exif_segment(&exif)])),
        ("jpg", inputs::jpeg(Kind::GREY, &[])),
        ("jpg", Jpeg { restart: 2, ..subsampled() }.bytes()),
        ("jpg", subsampled().in_scans(&[&[0], &[1, 2]]).bytes()),
        ("jpg", Jpeg { frame: SOF2, ..subsampled() }.bytes()),
        ("mpo", mpo(&[inputs::jpeg(Kind::RGB, &[]), inputs::jpeg(Kind::RGB, &[])], 0x0002_0002)),
        ("tif", inputs::tiff(Kind::GREY, false, |tags| tags.short(274, 3))),
        ("tif", inputs::tiff(Kind::RGB_16, false, |tags| tags.bytes(700, xmp.as_bytes()))),
        ("tif", inputs::tiff(Kind::RGBA, true, |tags| tags.bytes(34_675, &icc))),
        ("tif", page().in_planes().bytes()),
        ("tif", makers::pages(&[page().with(makers::ORIENTATION, &[8]), page()])),
        ("webp", inputs::webp(&[(b"EXIF", exif.clone()), (b"XMP ", xmp.clone().into_bytes())])),
        ("webp", webp_animation(&[rgb(0).into(), rgb(99).into()])),
        ("gif", gif(&[rgba.clone(), rgba.clone()])),
        ("bmp", plain(rgb(50).into(), ImageFormat::Bmp)),
        ("bmp", bmp(&rgba.into(), 124, 3, [0xFF_0000, 0xFF00, 0xFF, 0xFF00_0000])),
        ("jxl", hex(JXL_RGB)),
        ("jxl", hex(JXL_GREY)),
        ("ppm", ppm(21, 13)),
        ("pnm", pam),
    ]
}

/// Samples of 16 bits.
fn doubled(image: &RgbaImage) -> Vec<u8> {
    image.iter().flat_map(|&sample| [sample, sample]).collect()
}

/// The checksums of a PNG's chunks made to fit, as far as its structure reaches: readers stop at the first wrong one.
fn sealed(mut png: Vec<u8>) -> Vec<u8> {
    let mut at = 8;
    while let Some(length) = png.get(at..at + 4).map(|length| u32::from_be_bytes(length.try_into().unwrap()) as usize) {
        let Some(end) = (at + 8).checked_add(length).filter(|end| end + 4 <= png.len()) else { break };
        let crc = crc32(&png[at + 4..end]).to_be_bytes();
        png[end..end + 4].copy_from_slice(&crc);
        at = end + 4;
    }
    png
}

/// Kind, name and bytes of a file that a seed makes.
fn mutated(kinds: &[(&'static str, Vec<u8>)], seed: u64) -> (usize, String, Vec<u8>) {
    let mut random = Random::new(seed);
    let kind = seed as usize % kinds.len();
    let (ending, mut bytes) = kinds[kind].clone();
    mutate(&mut bytes, &mut random);
    let bytes = if bytes.starts_with(b"\x89PNG") && random.below(4) > 0 { sealed(bytes) } else { bytes };
    (kind, format!("seed-{seed}.{ending}"), bytes)
}

/// The files of a folder by their names; none where it is not there.
fn folder(desk: &Desk, name: &str) -> BTreeMap<String, Vec<u8>> {
    let Ok(entries) = std::fs::read_dir(desk.path(name)) else { return BTreeMap::new() };
    let file = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap().path();
        (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap())
    };
    entries.map(file).collect()
}

/// Runs a batch, in which each file is made or named as one that is not, and gives what was made.
fn batch(desk: &Desk, line: &str, inputs: usize, output: &str) -> BTreeMap<String, Vec<u8>> {
    let run = desk.run(&format!("{line} -o {output} --model tiny.decoder.safetensors"));
    assert!([0, 1].contains(&run.code) && !run.stderr.contains("panicked"), "{line}: exit code {}: {}", run.code, run.stderr);
    let made = folder(desk, output);
    let is_refusal = |line: &&str| line.starts_with("calotype: ") && line.contains("seed-") && !line.starts_with("calotype: note: ");
    let refused = run.stderr.lines().filter(is_refusal).count();
    assert_eq!(made.len() + refused, inputs, "{line}: one line for each that is not made: {}", run.stderr);
    made
}

#[test]
fn wrong_images_are_refused_or_coded_as_the_oracle_does() {
    let kinds = kinds();
    let count = mutation::count(4 * kinds.len() as u64);
    let (mut files, mut read) = (0, BTreeMap::<usize, u32>::new());
    for begin in (0..count).step_by(AT_ONCE as usize) {
        let desk = Desk::new();
        put_model(&desk);
        std::fs::create_dir(desk.path("in")).unwrap();
        let mut of_name = BTreeMap::new();
        for seed in begin..count.min(begin + AT_ONCE) {
            let (kind, name, bytes) = mutated(&kinds, seed);
            desk.write(&format!("in/{name}"), &bytes);
            of_name.insert(format!("seed-{seed}.calo"), kind);
        }
        let salvage = if begin / AT_ONCE % 3 == 2 { " --salvage" } else { "" };
        let encode = format!("encode in --max-pixels 64k --max-memory 200MB{salvage}");
        let (fast, oracle) =
            (batch(&desk, &encode, of_name.len(), "fast"), batch(&desk, &format!("{encode} --isa scalar"), of_name.len(), "oracle"));
        assert!(fast.keys().eq(oracle.keys()), "{:?}", fast.keys().filter(|name| !oracle.contains_key(*name)).collect::<Vec<_>>());
        fast.iter().for_each(|(name, file)| assert!(oracle[name] == *file, "{name}: another file than the oracle's"));
        if !fast.is_empty() {
            let (seen, truth) =
                (batch(&desk, "decode fast", fast.len(), "seen"), batch(&desk, "decode fast --isa scalar", fast.len(), "truth"));
            assert_eq!(seen.len(), fast.len(), "what was coded is decoded");
            seen.iter().for_each(|(name, picture)| assert!(truth[name] == *picture, "{name}: other pixels than the oracle's"));
        }
        files += of_name.len();
        fast.keys().for_each(|name| *read.entry(of_name[name]).or_default() += 1);
    }
    println!("{files} files of {} kinds: {} read, coded and decoded, all as by the oracle", kinds.len(), read.values().sum::<u32>());
    println!("read by kind: {read:?}");
    // Some of each kind, or its reader has seen nothing but rubbish.
    assert!(files < 100 * kinds.len() || read.len() == kinds.len(), "{read:?}");
}

/// Each kind is read where nothing is wrong.
#[test]
fn what_is_mutated_was_right() {
    let desk = Desk::new();
    put_model(&desk);
    std::fs::create_dir(desk.path("in")).unwrap();
    for (number, (ending, bytes)) in kinds().iter().enumerate() {
        desk.write(&format!("in/seed-{number}.{ending}"), bytes);
    }
    assert_eq!(batch(&desk, "encode in --max-pixels 64k --max-memory 200MB", 26, "out").len(), 26);
}
