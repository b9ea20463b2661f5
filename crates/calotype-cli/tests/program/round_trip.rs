//! Images become files and come back.

use serde_json::Value;

use crate::harness::{Desk, ppm, sample};

fn rgb(path: &std::path::Path) -> image::RgbImage {
    image::open(path).unwrap().into_rgb8()
}

fn number(object: &Value, field: &str) -> f64 {
    object[field].as_f64().unwrap_or_else(|| panic!("{field} in {object}"))
}

fn psnr_db(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let sum: f64 = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / sum).log10()
}

#[test]
fn the_sample_comes_back_as_reported() {
    let desk = Desk::new();
    let encoded = desk.json("encode SAMPLE -o a.calo --json");
    let decoded = desk.json("decode a.calo -o a.png --json");
    let original = rgb(&sample("SAMPLE.png"));
    let (width, height) = original.dimensions();
    let bytes = desk.read("a.calo").len();
    for report in [&encoded, &decoded] {
        assert_eq!(number(report, "width"), f64::from(width));
        assert_eq!(number(report, "height"), f64::from(height));
        assert_eq!(number(report, "bytes"), bytes as f64);
        assert_eq!(report["engine"], "cpu");
        assert!(report["adapter"].is_string());
    }
    assert_eq!(number(&encoded, "quality"), 70.0);
    assert!((number(&encoded, "bpp") - bytes as f64 * 8.0 / f64::from(width * height)).abs() < 1e-9);
    let psnr = psnr_db(&original, &rgb(&desk.path("a.png")));
    assert!((number(&encoded, "psnr_db") - psnr).abs() < 1e-6, "{encoded} {psnr}");
    assert!(number(&encoded, "encode_ms") > 0.0 && number(&decoded, "decode_ms") > 0.0);
    assert_eq!(decoded["rgb_sha256"].as_str().map(str::len), Some(64));
}

#[test]
fn the_embedded_model_is_a_good_codec() {
    let desk = Desk::new();
    let mut last = (0.0, 0.0);
    for (quality, least_psnr_db) in [(25.0, 24.0), (70.0, 30.0), (87.0, 37.0)] {
        let report = desk.json(&format!("encode SAMPLE -o q{quality}.calo -q {quality} --json"));
        let (bpp, psnr) = (number(&report, "bpp"), number(&report, "psnr_db"));
        assert!(psnr > least_psnr_db, "quality {quality}: {psnr} dB");
        assert!(bpp > last.0 && psnr > last.1, "quality {quality}: {bpp} bpp, {psnr} dB");
        let bound = 1.005 * number(&report, "cross_entropy_bits") / 8.0 + 64.0;
        assert!(number(&report, "bytes") <= bound, "quality {quality}: {report}");
        last = (bpp, psnr);
    }
}

/// What the model cannot do is the nearest that it can, with a note; 0 and 100 ask for just that.
#[test]
fn a_quality_beyond_the_model_is_its_end() {
    let desk = Desk::new();
    desk.write("in.ppm", &ppm(20, 10));
    for (end, asked, word) in [(100, "99.5", "beyond"), (0, "0.5", "below")] {
        let (report, run) = (
            desk.json(&format!("encode SAMPLE -o end.calo -y -q {end} --json")),
            desk.run(&format!("encode SAMPLE -o a.calo -y -q {asked}")),
        );
        let used = number(&report, "quality");
        let notes: Vec<&str> = run.stderr.lines().filter(|line| line.contains("note")).collect();
        assert_eq!(notes, [format!("calotype: note: quality {asked} is {word} this model's {used}; {used} is used")]);
        assert_eq!(desk.read("a.calo"), desk.read("end.calo"));
        assert_eq!(number(&desk.json("info a.calo --json"), "quality"), used);
        assert!(!desk.run(&format!("encode SAMPLE -o b.calo -y -q {end}")).stderr.contains("note"));
        let many = desk.run(&format!("encode SAMPLE in.ppm -o folder -q {asked}"));
        assert_eq!(many.stderr.matches("note: quality").count(), 1, "once for all files: {}", many.stderr);
        std::fs::remove_dir_all(desk.path("folder")).unwrap();
    }
}

#[test]
fn every_size_works() {
    let desk = Desk::new();
    for (width, height) in [(1, 1), (1, 7), (17, 3), (65, 130), (16, 16), (64, 64), (129, 1)] {
        desk.write("in.ppm", &ppm(width, height));
        desk.json("encode in.ppm -o out.calo -q 80 -y --json");
        desk.json("decode out.calo -o out.ppm -y --json");
        assert_eq!(rgb(&desk.path("out.ppm")).dimensions(), (width as u32, height as u32));
    }
}

/// Coded folded, and seen nowhere but in `info`.
#[test]
fn thin_pictures_are_folded() {
    let desk = Desk::new();
    let sample = image::open(sample("SAMPLE.png")).unwrap().into_rgb8();
    for (width, height, part, region) in [(380, 9, (13, 4), "111,3,13,4"), (9, 250, (4, 13), "3,111,4,13")] {
        image::imageops::crop_imm(&sample, 0, 0, width, height).to_image().save(desk.path("in.ppm")).unwrap();
        let report = desk.json("encode in.ppm -o a.calo -q 90 -y --json");
        assert!(number(&report, "psnr_db") > 30.0, "{report}");
        assert_eq!((&report["width"], &report["height"]), (&width.into(), &height.into()));
        assert_eq!(desk.json("info a.calo --json")["folded"], true);
        assert!(String::from_utf8(desk.run("info a.calo").stdout).unwrap().contains("1 tile of 1024 pixels, folded"));
        desk.json("decode a.calo -o a.ppm -y --json");
        let whole = rgb(&desk.path("a.ppm"));
        assert_eq!(whole.dimensions(), (width, height));
        for ending in ["png", "tif", "bmp", "webp"] {
            desk.json(&format!("decode a.calo -o out.{ending} -y --json"));
            assert_eq!(rgb(&desk.path(&format!("out.{ending}"))), whole, "{ending}");
        }
        desk.json(&format!("decode a.calo -o part.png -y --json --region {region}"));
        let (x, y) = if width > height { (111, 3) } else { (3, 111) };
        let cut = image::imageops::crop_imm(&whole, x, y, part.0, part.1).to_image();
        assert_eq!(rgb(&desk.path("part.png")), cut);
        desk.json("decode a.calo -o small.png -y --json --scale 1/4");
        assert_eq!(rgb(&desk.path("small.png")).dimensions(), (width.div_ceil(4), height.div_ceil(4)));
        let hit = desk.json("encode in.ppm -o b.calo -y --json --target-psnr 37");
        assert!((37.0..37.3).contains(&number(&hit, "psnr_db")), "{hit}");
        let file = desk.read("a.calo");
        desk.write("cut.calo", &file[..file.len() - file.len() / 4]);
        let run = desk.run("decode cut.calo -o cut.png -y --partial");
        assert!(run.code == 0 && run.stderr.contains("the rest would make it finer"), "{}", run.stderr);
        assert_eq!(rgb(&desk.path("cut.png")).dimensions(), whole.dimensions());
    }
    desk.write("in.ppm", &ppm(700, 16));
    desk.json("encode in.ppm -o a.calo -y --json");
    assert_eq!(desk.json("info a.calo --json")["folded"], false);
}

#[test]
fn tiles_leave_no_seams() {
    let desk = Desk::new();
    desk.write("in.ppm", &ppm(200, 150));
    let whole = desk.json("encode in.ppm -o whole.calo -q 90 --json");
    let tiled = desk.json("encode in.ppm -o tiled.calo -q 90 --tile-log2 6 --json");
    assert_eq!(desk.json("info tiled.calo --json")["tiles"], 12);
    // The same latents but for their rounding against other means: a seam would cost decibels.
    let loss = number(&whole, "psnr_db") - number(&tiled, "psnr_db");
    assert!(loss.abs() < 0.5, "{loss} dB");
}

#[test]
fn outputs_of_every_ending_hold_the_same_pixels() {
    let desk = Desk::new();
    desk.write("in.ppm", &ppm(70, 40));
    desk.json("encode in.ppm -o a.calo --json");
    desk.json("decode a.calo -o a.ppm --json");
    let expected = rgb(&desk.path("a.ppm"));
    for ending in ["png", "PNG", "bmp", "tif", "tiff", "webp", "pnm"] {
        desk.json(&format!("decode a.calo -o out.{ending} --json"));
        let pixels = image::ImageReader::open(desk.path(&format!("out.{ending}"))).unwrap().with_guessed_format().unwrap();
        assert_eq!(pixels.decode().unwrap().into_rgb8(), expected, "{ending}");
    }
    desk.json("decode a.calo -o a.jpg --json");
    assert!(psnr_db(&rgb(&desk.path("a.jpg")), &expected) > 25.0);
}

#[test]
fn info_says_what_the_file_holds() {
    let desk = Desk::new();
    desk.json("encode SAMPLE -o a.calo -q 62.5 --json");
    let info = desk.json("info a.calo --json");
    // A file holds the fineness: one more is about a hundredth of a point.
    assert!((number(&info, "quality") - 62.5).abs() < 0.01 && number(&info, "fineness") < 16128.0, "{info}");
    assert_eq!(number(&info, "bytes"), desk.read("a.calo").len() as f64);
    let models = desk.json("models --json");
    assert_eq!(info["model_id"], models["models"][0]["model_id"]);
    assert_eq!(info["development"].as_bool(), models["models"][0]["released"].as_bool().map(|released| !released));
}

#[test]
fn encoding_is_deterministic_whatever_the_threads() {
    let desk = Desk::new();
    desk.json("encode SAMPLE -o a.calo --tile-log2 7 --json");
    desk.json("encode SAMPLE -o b.calo --tile-log2 7 --json --threads 1");
    assert_eq!(desk.read("a.calo"), desk.read("b.calo"));
}
