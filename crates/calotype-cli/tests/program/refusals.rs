//! Every refusal has its exit code, says one line, and leaves nothing behind.

use crate::harness::{Desk, ppm, sample, with_header};

/// A folder with a.calo in it.
fn desk_with_file() -> (Desk, Vec<u8>) {
    let desk = Desk::new();
    desk.json("encode SAMPLE -o a.calo --json");
    let file = desk.read("a.calo");
    (desk, file)
}

#[test]
fn outputs_that_exist_stay_as_they_are() {
    let (desk, file) = desk_with_file();
    desk.refused("encode SAMPLE -o a.calo -q 5", 2, "-y");
    assert_eq!(desk.read("a.calo"), file);
    desk.write("a.png", b"precious");
    desk.refused("decode a.calo -o a.png", 2, "-y");
    assert_eq!(desk.read("a.png"), b"precious");
    desk.json("decode a.calo -o a.png -y --json");
    assert!(desk.read("a.png").starts_with(b"\x89PNG"));
}

#[test]
fn an_existing_output_is_noticed_before_the_input() {
    let (desk, _) = desk_with_file();
    desk.refused("encode nothing.png -o a.calo", 2, "-y");
}

#[test]
fn what_is_no_image_is_malformed() {
    let desk = Desk::new();
    desk.write("text.png", b"this is not an image at all");
    desk.write("empty.png", b"");
    let png = std::fs::read(sample("SAMPLE.png")).unwrap();
    desk.write("half.png", &png[..png.len() / 2]);
    desk.write("movie.gif", b"GIF89a.......");
    // Found by fuzzing: it reached the codec, whose words were no help.
    desk.write("flat.pam", b"P7\nWIDTH 0\nHEIGHT 15\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n");
    desk.refused("encode text.png -o a.calo", 1, "text.png: is not an image");
    desk.refused("encode empty.png -o a.calo", 1, "empty.png: is empty");
    desk.refused("encode half.png -o a.calo", 1, "half.png");
    desk.refused("encode movie.gif -o a.calo", 1, "movie.gif: is a damaged image");
    desk.refused("encode flat.pam -o a.calo", 1, "flat.pam: is 0x15, an image without pixels");
    desk.refused("encode missing.png -o a.calo", 5, "missing.png: cannot read");
    desk.refused("encode . -o a.calo", 2, "name a folder");
}

#[test]
fn what_is_no_calo_file_is_malformed() {
    let desk = Desk::new();
    desk.write("empty.calo", b"");
    desk.write("text.calo", b"this is not a file of ours, but it is long enough for a header");
    for command in ["decode empty.calo -o a.png", "info empty.calo", "decode text.calo -o a.png", "info text.calo"] {
        desk.refused(command, 1, "not a .calo file");
    }
    desk.refused("decode SAMPLE -o a.png", 1, "not a .calo file");
    desk.refused("decode missing.calo -o a.png", 5, "missing.calo: cannot read");
}

#[test]
fn unknown_models_and_versions_are_unsupported() {
    let (desk, file) = desk_with_file();
    desk.write("model.calo", &with_header(&file, 16, b"\x01\x23\x45\x67\x89\xab\xcd\xef"));
    desk.refused("decode model.calo -o a.png", 3, "0123456789abcdef");
    assert!(desk.json("info model.calo --json")["model"].is_null());
    desk.write("version.calo", &with_header(&file, 4, &[2]));
    desk.refused("decode version.calo -o a.png", 3, "format version 2");
    desk.write("semantics.calo", &with_header(&file, 5, &[9]));
    desk.refused("decode semantics.calo -o a.png", 3, "semantics version 9 is not supported; a newer calotype may read this file");
    desk.write("older.calo", &with_header(&file, 5, &[1]));
    desk.refused("decode older.calo -o a.png", 3, "semantics version 1 is not supported; Calotype 0.1 reads this file");
    desk.write("flags.calo", &with_header(&file, 6, &[0x83]));
    desk.refused("decode flags.calo -o a.png", 3, "flags");
}

#[test]
fn giant_pictures_are_over_the_limit() {
    let (desk, file) = desk_with_file();
    let side = 100_000_u32.to_le_bytes();
    desk.write("giant.calo", &with_header(&file, 8, &[side, side].concat()));
    desk.refused("decode giant.calo -o a.png", 3, "--max-pixels");
    desk.refused("info giant.calo", 3, "100000x100000");
    desk.write("endless.calo", &with_header(&file, 8, &[0xFF; 8]));
    desk.refused("decode endless.calo -o a.png", 3, "over the limit of 1G; no machine has memory for that, so no limit helps\n");
    desk.refused("decode giant.calo -o a.png --max-pixels 100000000000", 1, "damaged");
    desk.write("giant.ppm", b"P6\n100000 100000\n255\nabc");
    desk.refused("encode giant.ppm -o b.calo", 3, "--max-pixels");
    desk.refused("decode a.calo -o a.png --max-pixels 1000", 3, "--max-pixels");
    desk.refused("encode SAMPLE -o b.calo --max-pixels 1000", 3, "--max-pixels");
}

#[test]
fn unwritable_outputs_are_io() {
    let (desk, _) = desk_with_file();
    desk.refused("encode SAMPLE -o nowhere/b.calo", 5, "nowhere");
    desk.refused("decode a.calo -o nowhere/b.png", 5, "nowhere");
    desk.refused("encode SAMPLE -o a.calo/b.calo", 5, "a.calo");
    std::fs::create_dir(desk.path("folder")).unwrap();
    assert_eq!(desk.run("encode SAMPLE -o folder").code, 0, "a folder takes files under their own names");
    assert!(desk.path("folder/SAMPLE.calo").is_file());
    if cfg!(target_os = "linux") {
        desk.refused("encode SAMPLE -o /dev/full -y", 5, "/dev/full: cannot write");
    }
}

#[test]
fn wrong_arguments_are_usage() {
    let (desk, _) = desk_with_file();
    desk.refused("decode a.calo -o a.xyz", 2, ".png .ppm");
    desk.refused("decode a.calo -o a", 2, ".png .ppm");
    desk.refused("encode SAMPLE -o b.png", 2, ".calo");
    desk.refused("encode SAMPLE -o - --json", 2, "--json");
    desk.refused("decode a.calo -o - --json", 2, "--json");
    desk.refused("encode SAMPLE -o b.calo --threads 0", 2, "--threads");
    desk.refused("encode SAMPLE -o b.calo --tile-log2 5", 2, "tile");
    for line in ["encode SAMPLE -o b.calo -q 101", "encode SAMPLE -o b.calo -q x", "encode SAMPLE", "polish SAMPLE", ""] {
        assert_eq!(desk.run(line).code, 2, "{line}");
    }
}

#[test]
fn an_image_under_another_name_is_read_by_its_content() {
    let desk = Desk::new();
    desk.write("photo.jpg", &ppm(20, 10));
    assert_eq!(desk.json("encode photo.jpg -o a.calo --json")["width"], 20);
}

#[test]
fn lost_transparency_is_mentioned() {
    let desk = Desk::new();
    image::RgbaImage::from_pixel(20, 10, image::Rgba([10, 20, 30, 128])).save(desk.path("clear.png")).unwrap();
    desk.json("encode clear.png -o a.calo --json");
    let run = desk.run("decode a.calo -o a.jpg");
    assert_eq!(run.code, 0);
    assert!(run.stderr.contains("transparency"), "{}", run.stderr);
}

/// The flag says what is wrong with its value, where clap alone would take it for another flag.
#[test]
fn negative_numbers_are_values() {
    let (desk, _) = desk_with_file();
    for (line, words) in [
        ("encode SAMPLE -o b.calo --quality -1", "'-1' for '--quality <0..100>': out of range; give 0 to 100"),
        ("encode SAMPLE -o b.calo -q -1", "'-1' for '--quality <0..100>': out of range; give 0 to 100"),
        ("encode SAMPLE -o b.calo -q --json", "'--json' for '--quality <0..100>': not a number; give 0 to 100"),
        ("encode SAMPLE -o b.calo --target-psnr -5.5", "'-5.5' for '--target-psnr <DB>': give a number above 0"),
        ("encode SAMPLE -o b.calo --target-size -5kB", "'-5kB' for '--target-size <BYTES>': give bytes"),
        ("encode SAMPLE -o b.calo --threads -1", "'-1' for '--threads <N>': give a whole number"),
        ("decode a.calo -o b.png --region -1,0,5,5", "'-1,0,5,5' for '--region <X,Y,W,H>': give four numbers"),
        ("decode a.calo -o b.png --format -1", "--format -1: not an image format; give one of png, ppm,"),
        ("eval . -q -1,5", "'-1' for '--quality <LIST>': out of range; give 0 to 100"),
    ] {
        let run = desk.run(line);
        assert!(run.code == 2 && run.stderr.contains(words) && !run.stderr.contains("tip:"), "{line}: {}", run.stderr);
    }
    assert_eq!(desk.names(), ["a.calo"]);
}

#[test]
fn a_format_is_named_as_it_was_given() {
    let (desk, _) = desk_with_file();
    let words = "calotype: --format calo: not an image format; give one of png, ppm, pgm, pnm, jpg, jpeg, jpe, webp, tif, tiff, bmp\n";
    desk.refused("decode a.calo -o a.png --format calo", 2, words);
    desk.refused("decode a.calo -o out/ --format calo", 2, words);
}

#[test]
fn terabytes_are_amounts() {
    let (desk, _) = desk_with_file();
    for amount in ["1TB", "1TiB", "0.5tb", "1T"] {
        desk.json(&format!("encode SAMPLE -o b.calo -y --json --max-memory {amount} --max-pixels 1T"));
        desk.json(&format!("decode a.calo -o b.png -y --json --max-memory {amount} --max-pixels 1T"));
    }
    let run = desk.run("encode SAMPLE -o c.calo --max-memory 1XB");
    assert!(run.code == 2 && run.stderr.contains("give bytes, as 100000, 100kB, 1.5MB, 64KiB, 2GiB or 1TB"), "{}", run.stderr);
}
