//! Damaged files: truncated and with flipped bits.

use image::{DynamicImage, GenericImageView, Rgba, RgbaImage};
use serde_json::{Value, json};

use crate::harness::{Desk, Run, ppm};

fn damaged_is_refused(desk: &Desk, bytes: &[u8], what: &str) {
    desk.write("damaged.calo", bytes);
    let before = desk.names();
    let run = desk.run("decode damaged.calo -o out.png");
    assert!([1, 3].contains(&run.code), "{what}: exit code {}: {}", run.code, run.stderr);
    assert_eq!(run.stderr.trim_end().lines().count(), 1, "{what}: {}", run.stderr);
    assert!(!run.stderr.contains("panicked"), "{what}: {}", run.stderr);
    assert_eq!(desk.names(), before, "{what}");
}

#[test]
fn truncated_and_flipped_files_are_refused() {
    let desk = Desk::new();
    desk.write("in.ppm", &ppm(90, 70));
    desk.json("encode in.ppm -o a.calo --json");
    let file = desk.read("a.calo");
    let places = (0..60).chain((60..file.len()).step_by(1 + file.len() / 60));
    for place in places.filter(|place| *place < file.len()) {
        damaged_is_refused(&desk, &file[..place], &format!("cut at {place}"));
        let mut flipped = file.clone();
        flipped[place] ^= 1 << (place % 8);
        // The development flag alone is not part of any check but the CRC.
        damaged_is_refused(&desk, &flipped, &format!("bit {} of byte {place} flipped", place % 8));
    }
    damaged_is_refused(&desk, &[&file[..], b"x"].concat(), "a byte too many");
}

/// Decodes what can be read of `file`.
fn salvaged(desk: &Desk, file: &[u8]) -> (Run, DynamicImage) {
    desk.write("damaged.calo", file);
    let run = desk.run("decode damaged.calo -o salvaged.png -y --salvage");
    assert_eq!(run.code, 0, "{}", run.stderr);
    (run, image::open(desk.path("salvaged.png")).unwrap())
}

fn notes(run: &Run) -> Vec<&str> {
    run.stderr.lines().filter_map(|line| line.strip_prefix("calotype: note: damaged.calo: ")).collect()
}

#[test]
fn damaged_tiles_are_flat_and_the_others_as_they_were() {
    let desk = Desk::new();
    desk.write("in.ppm", &ppm(190, 180));
    desk.json("encode in.ppm -o a.calo --tile-log2 6 --json");
    desk.json("decode a.calo -o a.png --json");
    let (mut file, whole) = (desk.read("a.calo"), image::open(desk.path("a.png")).unwrap());
    // Header, an index of nine tiles of 40 bytes, its checksum: there the z stream of the first tile begins.
    file[28 + 9 * 40 + 4] ^= 1;
    desk.write("damaged.calo", &file);
    desk.refused("decode damaged.calo -o b.png", 1, "see the rest with --salvage");
    let (run, seen) = salvaged(&desk, &file);
    assert_eq!(notes(&run), ["the tile of 64x64 pixels at 0,0 is damaged; it is left flat"]);
    let part = |image: &DynamicImage, x, y| image.view(x, y, 50, 50).to_image();
    assert!(part(&seen, 130, 0) == part(&whole, 130, 0) && part(&seen, 0, 130) == part(&whole, 0, 130), "other tiles");
    let range = |image: &DynamicImage| {
        let values: Vec<u8> = part(image, 4, 4).pixels().map(|pixel| pixel.0[0]).collect();
        values.iter().max().unwrap() - values.iter().min().unwrap()
    };
    assert!(range(&whole) > 200 && range(&seen) < 60, "{} {}", range(&whole), range(&seen));
    let (run, again) = salvaged(&desk, &[&desk.read("a.calo")[..], b"more"].concat());
    assert_eq!(notes(&run), ["it goes on after its end; that is passed over"]);
    assert!(again == whole);
    let whole_file = desk.read("a.calo");
    let (run, _) = salvaged(&desk, &whole_file[..whole_file.len() - 10]);
    assert!(notes(&run)[0].ends_with("the rest would make it finer"), "{}", run.stderr);
    desk.write("damaged.calo", &with_flipped_header(&whole_file));
    desk.refused("decode damaged.calo -o b.png --salvage", 1, "damaged .calo file");
}

/// A region is refused for the tiles that its pixels are made of, and for no others.
#[test]
fn damage_elsewhere_does_not_matter_to_a_region() {
    let desk = Desk::new();
    desk.write("in.ppm", &ppm(400, 120));
    desk.json("encode in.ppm -o a.calo --tile-log2 6 --json");
    let mut file = desk.read("a.calo");
    // Of fourteen tiles in two rows the z stream of the first begins there.
    file[28 + 14 * 40 + 4] ^= 1;
    desk.write("damaged.calo", &file);
    let part = |line: &str| {
        let run = desk.run(&format!("decode {line} -y"));
        (run.code, notes(&run).join("; "), run.stderr)
    };
    let elsewhere = "it is damaged in 1 tile that the region does not need";
    let flat = "the tile of 64x64 pixels at 0,0 is damaged; it is left flat";
    for format in ["ppm", "bmp"] {
        assert_eq!(part(&format!("a.calo -o whole.{format} --region 300,10,90,100")).0, 0);
        for flags in ["", " --salvage", " --strip all"] {
            let (code, notes, stderr) = part(&format!("damaged.calo -o part.{format} --region 300,10,90,100{flags}"));
            assert_eq!((code, notes.as_str()), (0, elsewhere), "{stderr}");
            assert_eq!(desk.read(&format!("part.{format}")), desk.read(&format!("whole.{format}")));
        }
        for region in ["0,0,400,120", "10,10,20,20", "66,66,20,20"] {
            let (code, _, stderr) = part(&format!("damaged.calo -o none.{format} --region {region}"));
            assert!(
                code == 1 && stderr.contains("CRC of tile 0 is ") && stderr.contains("or see the rest with --salvage"),
                "{region}: {stderr}"
            );
            let (code, notes, stderr) = part(&format!("damaged.calo -o part.{format} --region {region} --salvage"));
            assert_eq!((code, notes.as_str()), (0, flat), "{region}: {stderr}");
        }
    }
    // What else is wrong is refused as ever.
    desk.write("long.calo", &[&file[..], b"x"].concat());
    desk.refused("decode long.calo -o b.png --region 300,10,90,100", 1, "1 byte after the end of the file");
    desk.write("cut.calo", &file[..file.len() - 1]);
    desk.refused("decode cut.calo -o b.png --region 300,10,90,100", 1, "; get the rest, or see what is there with --partial");
}

fn with_flipped_header(file: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    file[30] ^= 1;
    file
}

#[test]
fn damaged_alpha_is_left_out() {
    let desk = Desk::new();
    RgbaImage::from_fn(40, 30, |x, y| Rgba([90, 120, 60, (x * y) as u8])).save(desk.path("in.png")).unwrap();
    desk.json("encode in.png -o a.calo --json");
    desk.json("decode a.calo -o a.png --json");
    let mut file = desk.read("a.calo");
    // Header, a table of one section, an index of one tile, the checksum, the length of the tile's stream.
    file[28 + 12 + 12 + 4 + 4 + 3] ^= 1;
    let (run, seen) = salvaged(&desk, &file);
    assert_eq!(notes(&run), ["alpha or metadata are damaged; they are left out"]);
    assert_eq!(seen, DynamicImage::from(image::open(desk.path("a.png")).unwrap().to_rgb8()));
}

/// What is said of damage is in the object, too, for who reads nothing else.
#[test]
fn json_tells_of_damage() {
    let desk = Desk::new();
    desk.write("in.ppm", &ppm(190, 180));
    desk.json("encode in.ppm -o a.calo --tile-log2 6 --json");
    let whole = desk.read("a.calo");
    let object = |line: &str| {
        let run = desk.run(line);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let object: Value = serde_json::from_slice(&run.stdout).unwrap();
        let said: Vec<&str> = run.stderr.lines().map(|line| line.rsplit_once(": ").unwrap().1).collect();
        assert_eq!(object["notes"].as_array().unwrap().len(), said.len(), "{}", run.stderr);
        assert!(said.iter().zip(object["notes"].as_array().unwrap()).all(|(said, note)| note.as_str().unwrap().ends_with(said)));
        object
    };
    let damage = |object: &Value| [object["damaged_tiles"].clone(), object["damaged_sections"].clone(), object["missing_bytes"].clone()];
    assert_eq!(damage(&object("decode a.calo -o a.png --salvage --json")), [json!([]), json!(0), json!(0)]);
    let mut file = whole.clone();
    file[28 + 9 * 40 + 4] ^= 1;
    desk.write("flipped.calo", &file);
    let flipped = object("decode flipped.calo -o flipped.png --salvage --json");
    assert_eq!(damage(&flipped), [json!([[0, 0, 64, 64]]), json!(0), json!(0)]);
    assert_eq!(flipped["notes"], json!(["the tile of 64x64 pixels at 0,0 is damaged; it is left flat"]));
    desk.write("cut.calo", &whole[..whole.len() - 10]);
    let cut = object("decode cut.calo -o cut.png --partial --json");
    assert_eq!(damage(&cut), [json!([]), json!(0), json!(10)]);
    let note = format!("{} bytes of {}; the rest would make it finer", whole.len() - 10, whole.len());
    assert_eq!(cut["notes"], json!([note]));
    desk.write("long.calo", &[&whole[..], b"more"].concat());
    assert_eq!(object("decode long.calo -o long.png --salvage --json")["notes"], json!(["it goes on after its end; that is passed over"]));
    let picture = ppm(40, 30);
    desk.write("half.ppm", &picture[..2000]);
    let notes = object("encode half.ppm -o half.calo --salvage --json")["notes"].clone();
    assert!(notes[0].as_str().unwrap().ends_with("; what could be read of it is encoded, the rest is filled in"), "{notes}");
    assert_eq!(notes.as_array().unwrap().len(), 1);
    // What is damaged has no object without a flag that allows it.
    for line in ["info flipped.calo --json", "info cut.calo --json", "decode cut.calo -o b.png --json", "encode half.ppm -o b.calo --json"]
    {
        desk.refused(line, 1, "damaged");
    }
}

/// A decoder of rows stops at the last one, before the checksum of its chunk.
#[test]
fn a_png_whose_checksums_do_not_fit_is_damaged() {
    let desk = Desk::new();
    let picture = image::RgbImage::from_fn(40, 30, |x, y| image::Rgb([x as u8 * 5, y as u8 * 7, (x * y) as u8]));
    picture.save(desk.path("in.png")).unwrap();
    let whole = desk.read("in.png");
    let place = |name: &[u8]| whole.windows(4).position(|window| window == name).unwrap();
    let (data, end) = (place(b"IDAT"), place(b"IEND"));
    for at in [data + 4 + (end - data) / 2, end - 9, end - 5] {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        desk.write("damaged.png", &flipped);
        for to in ["-o a.calo", "-o a.calo --target-size 2kB"] {
            desk.refused(
                &format!("encode damaged.png {to}"),
                1,
                "its chunk IDAT is damaged; get it again, or encode what can be read of it with --salvage",
            );
        }
    }
    let run = desk.run("encode damaged.png -o a.calo --salvage");
    assert!(run.code == 0 && run.stderr.contains("is damaged (its chunk IDAT is damaged)"), "{}", run.stderr);
    // Metadata may be damaged, and the last chunk missing: neither is the picture.
    desk.write("short.png", &whole[..end - 4]);
    assert_eq!(desk.run("encode short.png -o b.calo").code, 0);
    desk.write("cut.png", &whole[..end - 6]);
    desk.refused("encode cut.png -o c.calo", 1, "it breaks off");
}
