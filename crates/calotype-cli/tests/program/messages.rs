//! What the program says: numbers, remedies that the command has, names that steer no terminal, and what is dropped.

use crate::harness::{Desk, Run, ppm};
use crate::inputs::{self, Kind, chunk, png};

/// A desk with in.ppm of 40x30 pixels and in.calo.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("in.ppm", &ppm(40, 30));
    desk.json("encode in.ppm -o in.calo --json");
    desk
}

fn said(run: &Run) -> &str {
    run.stderr.trim_end()
}

#[test]
fn bytes_after_the_end_are_counted() {
    let desk = desk();
    let file = desk.read("in.calo");
    let end = file.len();
    for (bytes, words) in [(1, "1 byte"), (5, "5 bytes"), (300, "300 bytes")] {
        let long = [&file[..], &vec![b'x'; bytes]].concat();
        desk.write("long.calo", &long);
        let fault =
            format!("damaged .calo file, byte {end}: {words} after the end of the file; get the file again, or pass over them with ");
        for (line, salvage) in
            [("info", "`calotype decode --salvage`"), ("decode -o out.png", "--salvage"), ("decode --partial -o out.png", "--salvage")]
        {
            let run = desk.run(&format!("{line} long.calo"));
            assert_eq!((run.code, said(&run)), (1, format!("calotype: long.calo: {fault}{salvage}").as_str()), "{line}");
            let run = desk.run_with(&format!("{line} -"), &long);
            assert_eq!((run.code, said(&run)), (1, format!("calotype: the pipe: {fault}{salvage}").as_str()), "{line}");
        }
    }
    // A file is not read to count, and a pipe not to its end, which it may not have.
    std::fs::File::options().write(true).open(desk.path("long.calo")).unwrap().set_len(100_000_000_000).unwrap();
    desk.refused("info long.calo", 1, &format!("byte {end}: {} bytes after the end of the file", 100_000_000_000 - end));
    let run = desk.run_with("info -", &[&file[..], &vec![0; 17 << 20]].concat());
    let words =
        format!("calotype: the pipe: damaged .calo file, byte {end}: at least 16 MiB after the end of the file; get the file again");
    assert_eq!((run.code, said(&run)), (1, words.as_str()));
}

#[test]
fn a_remedy_is_a_flag_of_the_command() {
    let desk = desk();
    let file = desk.read("in.calo");
    desk.write("cut.calo", &file[..file.len() - 9]);
    desk.write("head.calo", &file[..30]);
    let mut flipped = file.clone();
    *flipped.last_mut().unwrap() ^= 1;
    desk.write("flipped.calo", &flipped);
    desk.write("half.ppm", &ppm(40, 30)[..2000]);
    desk.write("head.ppm", b"P6 40 30 255\n");
    for (line, ending) in [
        ("info cut.calo", "; get the rest, or see what is there with `calotype decode --partial`"),
        ("decode cut.calo -o a.png", "; get the rest, or see what is there with --partial"),
        ("decode head.calo -o a.png --partial", "; get the rest"),
        ("decode head.calo -o a.png --salvage", "; get the rest"),
        ("info flipped.calo", "; get the file again, or see the rest with `calotype decode --salvage`"),
        ("decode flipped.calo -o a.png", "; get the file again, or see the rest with --salvage"),
        ("decode flipped.calo -o a.png --partial", "; get the file again, or see the rest with --salvage"),
        ("encode half.ppm -o a.calo", "; get it again, or encode what can be read of it with --salvage"),
        ("encode head.ppm -o a.calo --salvage", "is a damaged image of which nothing can be read: it breaks off; get it again"),
        (
            "info in.calo --max-pixels 1k",
            "count as 4096 (sides padded to multiples of 64), over the limit of 1k; raise it with --max-pixels",
        ),
    ] {
        let run = desk.run(line);
        assert!([1, 3].contains(&run.code) && said(&run).ends_with(ending), "{line}: {} {}", run.code, run.stderr);
    }
    std::fs::create_dir(desk.path("images")).unwrap();
    desk.write("images/half.ppm", &ppm(40, 30)[..2000]);
    let run = desk.run("eval images -q 50");
    let ending = "; get it again, or encode what can be read of it with `calotype encode --salvage`";
    assert!(run.code == 1 && run.stderr.lines().next().unwrap().ends_with(ending), "{}", run.stderr);
}

/// A remedy that would not help is not named.
#[test]
fn salvage_is_named_where_it_finds_something() {
    let desk = desk();
    let file = desk.read("in.calo");
    // Header, index of one tile, checksum.
    for length in 4..44 {
        desk.write("cut.calo", &file[..length]);
        for line in
            ["info cut.calo", "decode cut.calo -o a.png", "decode cut.calo -o a.png --partial", "decode cut.calo -o a.png --salvage"]
        {
            let run = desk.run(line);
            let needed = if length < 28 {
                28
            } else if length < 40 {
                40
            } else {
                44
            };
            let words = format!(
                "calotype: cut.calo: damaged .calo file, byte {length}: the file ends here but should have {needed} bytes; get the rest"
            );
            assert_eq!((run.code, said(&run)), (1, words.as_str()), "{line}");
        }
    }
    desk.write("cut.calo", &file[..44]);
    desk.refused("decode cut.calo -o a.png", 1, "; get the rest, or see what is there with --partial");
    assert_eq!(desk.run("decode cut.calo -o a.png --partial").code, 0);
    let cut = |bytes: &[u8], length: usize| bytes[..length].to_vec();
    let (png, ppm) = (png(Kind::RGB, &[], &[]), ppm(40, 30));
    let rows = [
        ("a.ppm", b"P6\n-5 5\n255\nabc".to_vec(), "its header is damaged", false),
        ("a.ppm", cut(&ppm, 7), "it breaks off", false),
        ("a.ppm", cut(&ppm, 100), "it breaks off", false),
        ("a.ppm", cut(&ppm, 300), "it breaks off", true),
        ("a.png", cut(&png, 20), "it breaks off", false),
        ("a.png", cut(&png, 41), "it breaks off", false),
        ("a.bmp", b"BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0\x05".to_vec(), "it breaks off", false),
        ("a.gif", b"GIF89a".to_vec(), "it breaks off", false),
        ("a.tif", b"II*\0\x08\0\0\0\x01".to_vec(), "it breaks off", false),
        ("a.jpg", b"\xFF\xD8\xFF\xE0\0\x10JFIF".to_vec(), "it ends in its header", false),
        ("a.webp", b"RIFF\x80\0\0\0WEBPVP8L\x70\0\0\0/".to_vec(), "it breaks off", false),
        ("a.jxl", crate::makers::hex("ff0a01414071210802"), "it breaks off", false),
    ];
    for (name, bytes, what, helps) in rows {
        desk.write(name, &bytes);
        let run = desk.run(&format!("encode {name} -o b.calo -y"));
        let remedy = if helps { ", or encode what can be read of it with --salvage" } else { "" };
        let words = format!("calotype: {name}: is a damaged image: {what}; get it again{remedy}");
        assert_eq!((run.code, said(&run)), (1, words.as_str()));
        let salvaged = desk.run(&format!("encode {name} -o b.calo -y --salvage"));
        assert_eq!(salvaged.code, i32::from(!helps), "{name}: {}", salvaged.stderr);
    }
}

/// Whatever is wrong with a picture is said in one of a few plain sentences, not in words of whoever wrote its decoder.
#[test]
fn damage_is_told_in_plain_words() {
    let desk = desk();
    let written = |format| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::load_from_memory(&ppm(40, 30)).unwrap().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    use image::ImageFormat::{Bmp, Gif, Jpeg, Png, Pnm, Tiff, WebP};
    let mut files: Vec<(&str, Vec<u8>)> =
        [("a.bmp", Bmp), ("a.gif", Gif), ("a.jpg", Jpeg), ("a.png", Png), ("a.ppm", Pnm), ("a.tif", Tiff), ("a.webp", WebP)]
            .map(|(name, format)| (name, written(format)))
            .into();
    files.push(("a.jxl", crate::makers::hex(crate::makers::JXL_RGB)));
    let sentences = ["it breaks off", "it ends in its header", "its header is damaged", "not all of its pixels can be decoded"];
    let parts =
        ["its chunk ", "its tag ", "it says that it is ", "its frame header is too short", "its strips or tiles do not fit its size"];
    let mut refused = 0;
    for (name, whole) in &files {
        let length = whole.len();
        // The beginning, where headers are, and the end, where TIFF has its directory.
        let places = (2..64).step_by(5).chain((length - 200.min(length)..length).step_by(23)).filter(|place| *place < length);
        for place in places {
            let mut bytes = whole.clone();
            bytes[place] = !bytes[place];
            desk.write(name, &bytes);
            let run = desk.run(&format!("encode {name} -o b.calo -y -q 50"));
            let Some(what) = said(&run).strip_prefix(&format!("calotype: {name}: is a damaged image: ")) else { continue };
            let what = what.split("; get it again").next().unwrap();
            let plain = sentences.contains(&what) || parts.iter().any(|part| what.starts_with(part));
            assert!(run.code == 1 && plain, "{name}, byte {place}: {what}");
            refused += 1;
        }
    }
    assert!(refused > 60, "{refused}");
}

#[test]
fn refusals_name_what_helps() {
    let desk = desk();
    desk.refused("encode gone.png -o a.calo", 5, "gone.png: cannot read: No such file or directory (os error 2); check the name");
    desk.refused("info gone.calo", 5, "gone.calo: cannot read: No such file or directory (os error 2); check the name");
    let region = "in.calo: the region 30,0 of 20x10 pixels is not inside the picture of 40x30; \
give --region X,Y,W,H of at least 1x1 with X + W up to 40 and Y + H up to 30";
    desk.refused("decode in.calo -o a.png --region 30,0,20,10", 2, region);
    desk.refused(
        "decode in.calo -o a.png --region 0,0,0,10",
        2,
        "give --region X,Y,W,H of at least 1x1 with X + W up to 40 and Y + H up to 30",
    );
    let long = inputs::xmp("", &format!("<dc:format>{}</dc:format>", "x".repeat(5000)));
    let text = |xmp: &str| chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", xmp.as_bytes()].concat());
    desk.write("xmp.png", &png(Kind::RGB, &text(&long), &[]));
    let ending = format!(", with XMP ({} bytes); leave it out with --strip xmp", long.len());
    let ends = |line: &str, ending: &str| {
        let run = desk.run(line);
        assert_eq!((run.code, said(&run).ends_with(ending)), (2, true), "{line}: {} instead of {ending}", run.stderr);
    };
    ends("encode xmp.png -o a.calo --target-size 2000", &ending);
    ends("encode xmp.png -o a.calo --target-bpp 40", &ending);
    desk.json("encode xmp.png -o a.calo --target-size 2000 --strip xmp --json");
    let exif = chunk(b"eXIf", &inputs::Exif::upright().bytes());
    desk.write("both.png", &png(Kind::RGB, &[text(&long), exif].concat(), &[]));
    let (exif, xmp) = (inputs::Exif::upright().bytes().len(), long.len());
    ends(
        "encode both.png -o b.calo --target-size 2000",
        &format!(", with Exif ({exif} bytes), XMP ({xmp} bytes); leave it out with --strip all"),
    );
    desk.write("plain.png", &png(Kind::RGB, &[], &[]));
    let run = desk.run("encode plain.png -o b.calo --target-size 10");
    assert!(run.code == 2 && !said(&run).contains("with"), "{}", run.stderr);
}

#[test]
fn what_a_named_kind_of_pnm_lacks_is_said() {
    let desk = desk();
    desk.write("grey.png", &png(Kind::GREY, &[], &[]));
    desk.json("encode grey.png -o grey.calo --json");
    let magic = |name: &str| desk.read(name)[..2].to_vec();
    let note = |name: &str| format!("calotype: note: {name}: its colours are left out, for a PGM is grey; a PPM keeps them");
    for (line, name, kind, notes) in [
        ("decode in.calo -o a.pgm", "a.pgm", b"P5", 1),
        ("decode in.calo -o a.x --format pgm", "a.x", b"P5", 1),
        ("decode in.calo -o a.ppm", "a.ppm", b"P6", 0),
        ("decode in.calo -o a.pnm", "a.pnm", b"P6", 0),
        ("decode grey.calo -o g.pgm", "g.pgm", b"P5", 0),
        ("decode grey.calo -o g.pnm", "g.pnm", b"P5", 0),
        ("decode grey.calo -o g.ppm", "g.ppm", b"P6", 0),
    ] {
        let run = desk.run(line);
        assert_eq!((run.code, magic(name)), (0, kind.to_vec()), "{line}: {}", run.stderr);
        assert_eq!(run.stderr.lines().filter(|said| *said == note(name)).count(), notes, "{line}: {}", run.stderr);
        assert_eq!(run.stderr.matches("note").count(), notes, "{line}: {}", run.stderr);
    }
    assert_eq!(desk.read("a.pgm").len(), b"P5\n40 30\n255\n".len() + 40 * 30);
}

/// In a folder, first bytes decide where a name has no ending; under other endings they are noted.
#[test]
fn folders_are_looked_through() {
    let desk = desk();
    std::fs::create_dir(desk.path("in")).unwrap();
    desk.write("in/a.ppm", &ppm(20, 20));
    desk.write("in/scan", &png(Kind::RGB, &[], &[]));
    desk.write("in/notes", b"text");
    desk.write("in/notes.txt", b"text");
    desk.write("in/b.bak", &ppm(20, 20));
    desk.write("in/c.old", &ppm(20, 20));
    let run = desk.run("encode in -o out");
    let note =
        "calotype: note: in/b.bak and 1 more: skipped for the endings of their names, though their contents fit; name them to include them";
    assert_eq!((run.code, run.stderr.lines().collect::<Vec<_>>()), (0, vec![note, "2 files made"]));
    assert!(desk.path("out/a.calo").is_file() && desk.path("out/scan.calo").is_file());
    std::fs::rename(desk.path("out/scan.calo"), desk.path("out/scan")).unwrap();
    let run = desk.run("decode out -o back");
    assert_eq!((run.code, said(&run)), (0, "2 files made"));
    assert!(desk.path("back/scan.png").is_file());
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::Command;

    use super::*;

    /// A name that would give the terminal another title, and break a line.
    const STEERING: &str = "a\u{1b}]0;x\u{7}\nb\u{9b}.ppm";
    const SHOWN: &str = r"a\u{1b}]0;x\u{7}\nb\u{9b}.ppm";

    #[test]
    fn no_name_steers_the_terminal() {
        let desk = Desk::new();
        let run = |line: &str, more: &[&str]| {
            let run = desk.prepared(line).args(more).output().unwrap();
            (run.status.code().unwrap(), String::from_utf8(run.stderr).unwrap() + &String::from_utf8(run.stdout).unwrap())
        };
        let told = |(code, text): (i32, String), expected: i32, count: usize| {
            assert_eq!(code, expected, "{text}");
            assert!(!text.contains(['\u{1b}', '\u{9b}']), "{text:?}");
            assert_eq!(text.matches(SHOWN).count(), count, "{text}");
        };
        told(run("encode -o a.calo", &[STEERING]), 5, 1);
        told(run("info", &[STEERING]), 5, 1);
        desk.write(STEERING, b"P6 20 20 255\nshort");
        told(run("encode -o a.calo", &[STEERING]), 1, 1);
        told(run("encode -o out", &[STEERING, "gone.ppm"]), 1, 1);
        told(run("bench --compare", &[STEERING]), 1, 1);
        desk.write(STEERING, &ppm(20, 20));
        told(run("encode -o", &["a\u{1b}]0;x\u{7}\nb\u{9b}.ppm.calo", STEERING]), 0, 1);
        told(run("info", &["a\u{1b}]0;x\u{7}\nb\u{9b}.ppm.calo"]), 0, 1);
        told(run("encode -o", &["a\u{1b}]0;x\u{7}\nb\u{9b}.ppm.calo", STEERING]), 2, 1);
        // JSON has its own way.
        let (code, text) = run("info --json", &["a\u{1b}]0;x\u{7}\nb\u{9b}.ppm.calo"]);
        let object: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((code, object["input"].as_str()), (0, Some("a\u{1b}]0;x\u{7}\nb\u{9b}.ppm.calo")));
    }

    #[test]
    fn links_in_a_circle_are_told() {
        let desk = desk();
        symlink("round.ppm", desk.path("round.ppm")).unwrap();
        desk.refused("encode round.ppm -o a.calo", 5, "; its symbolic links lead to no file; name the file itself");
        desk.refused("decode in.calo -o round.ppm", 5, "round.ppm: cannot write: its symbolic links go in a circle; name another file");
    }

    /// As another user, for root may do everything.
    #[test]
    fn permissions_are_told_of_the_file_that_was_named() {
        let desk = desk();
        let set = |name: &str, mode: u32| std::fs::set_permissions(desk.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
        std::fs::create_dir(desk.path("shut")).unwrap();
        std::fs::copy(env!("CARGO_BIN_EXE_calotype"), desk.path("program")).unwrap();
        desk.write("secret.ppm", &ppm(20, 20));
        set("secret.ppm", 0o000);
        set("shut", 0o555);
        set("", 0o755);
        let run = |arguments: &str| {
            let mut command = Command::new(desk.path("program"));
            command.args(arguments.split(' ')).current_dir(desk.path("")).env_remove("HOME").env("XDG_RUNTIME_DIR", "/tmp");
            if std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(desk.path("")).unwrap()) == 0 {
                std::os::unix::process::CommandExt::uid(&mut command, 65_534);
            }
            let run = command.output().unwrap();
            (run.status.code(), String::from_utf8(run.stderr).unwrap().trim_end().to_string())
        };
        let denied = "Permission denied (os error 13); change";
        assert_eq!(
            run("decode in.calo -o shut/a.png"),
            (Some(5), format!("calotype: shut/a.png: cannot write: {denied} the permissions of its folder, or name another place"))
        );
        assert_eq!(
            run("encode in.ppm -o shut/a.calo"),
            (Some(5), format!("calotype: shut/a.calo: cannot write: {denied} the permissions of its folder, or name another place"))
        );
        assert_eq!(
            run("encode secret.ppm -o shut/a.calo"),
            (Some(5), format!("calotype: secret.ppm: cannot read: {denied} its permissions, or name another"))
        );
        set("shut", 0o755);
    }

    /// Where a file would go there it is told; lines may go nowhere.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_closed_standard_output_is_an_error() {
        let desk = desk();
        std::fs::create_dir(desk.path("images")).unwrap();
        desk.write("images/a.ppm", &ppm(20, 20));
        let closed = |line: &str| {
            let script = format!("exec {} {line} >&-", env!("CARGO_BIN_EXE_calotype"));
            let run = Command::new("sh").args(["-c", &script]).current_dir(desk.path("")).output().unwrap();
            (run.status.code(), String::from_utf8(run.stderr).unwrap().trim_end().to_string())
        };
        let nowhere = |flag: &str| {
            format!("calotype: the pipe: cannot write: standard output is closed, or /dev/null open for both ways; give {flag} a name")
        };
        assert_eq!(closed("eval images -q 50 --json -"), (Some(5), nowhere("--json")));
        assert_eq!(closed("bench --sizes 64x64 --runs 1 --engine cpu --json -"), (Some(5), nowhere("--json")));
        assert_eq!(closed("encode in.ppm -o -"), (Some(5), nowhere("-o")));
        assert_eq!(desk.names(), ["images", "in.calo", "in.ppm"]);
        assert_eq!(closed("info in.calo"), (Some(0), String::new()));
        assert_eq!(closed("eval images -q 50 --json eval.json").0, Some(0));
        assert!(desk.path("eval.json").is_file());
    }

    /// A system that gives little memory: the file is named, and nothing aborts.
    #[cfg(target_os = "linux")]
    #[test]
    fn memory_that_is_not_there_is_told() {
        let desk = desk();
        let picture = image::RgbImage::from_fn(6000, 6000, |x, y| image::Rgb([x as u8, y as u8, 9]));
        picture.save(desk.path("large.bmp")).unwrap();
        desk.write("wide.ppm", &[b"P6 400000 200 255\n".to_vec(), vec![9; 400_000 * 200 * 3]].concat());
        let within = |kib: u32, line: &str| {
            let script = format!("ulimit -v {kib}; exec {} {line} --engine cpu", env!("CARGO_BIN_EXE_calotype"));
            let run = Command::new("sh").args(["-c", &script]).current_dir(desk.path("")).output().unwrap();
            (run.status.code(), String::from_utf8(run.stderr).unwrap().trim_end().to_string())
        };
        let none =
            |name: &str, bytes: &str| format!("calotype: {name}: it needs about {bytes} of memory, more than there is; make some free");
        assert_eq!(within(350_000, "encode large.bmp -o a.calo --threads 1"), (Some(3), none("large.bmp", "324 MB")));
        assert_eq!(within(500_000, "encode wide.ppm -o a.calo --threads 1"), (Some(3), none("wide.ppm", "2.27 GB")));
        desk.write("long.pgm", &[b"P5 9000 8000 255\n".to_vec(), vec![9; 72_000_000]].concat());
        let told = "calotype: long.pgm: it needs about 72.0 MB of memory to be read, more than there is; make some free";
        assert_eq!(within(100_000, "encode long.pgm -o a.calo --threads 1 --target-size 1kB"), (Some(3), told.to_string()));
        // The program itself fits, and not much beside it.
        let program = std::fs::metadata(env!("CARGO_BIN_EXE_calotype")).unwrap().len() as u32 >> 10;
        let told = "calotype: 20 MiB of memory are needed to begin with, more than there is; make some free";
        for line in ["encode in.ppm -o a.calo", "decode in.calo -o a.png", "info in.calo"] {
            assert_eq!(within(program + 8000, line), (Some(3), told.to_string()), "{line}");
        }
        let threads = "calotype: cannot start 128 threads: each takes 2 MiB of memory; give fewer with --threads, or more memory";
        assert_eq!(within(100_000, "encode in.ppm -o a.calo --threads 128"), (Some(4), threads.to_string()));
    }
}
