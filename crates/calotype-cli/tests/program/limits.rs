//! Limits: what they count, what is said, and that one bomb is one refused file.

use crate::harness::{Desk, crc32, ppm};
use crate::inputs::{Kind, chunk, png, zlib};
use crate::makers::{Samples, Tiff};

/// A PNG of one colour and of any size, which takes few bytes.
fn flat(width: u32, height: u32, before: &[u8]) -> Vec<u8> {
    let header = head(width, height);
    let rows = vec![0; (width as usize + 1) * height as usize];
    [b"\x89PNG\r\n\x1a\n", &chunk(b"IHDR", &header)[..], before, &chunk(b"IDAT", &zlib(&rows)), &chunk(b"IEND", &[])].concat()
}

/// The header of a grey PNG.
fn head(width: u32, height: u32) -> Vec<u8> {
    [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 0, 0, 0, 0]].concat()
}

#[test]
fn pixels_count_as_the_network_sees_them() {
    let desk = Desk::new();
    desk.write("thin.png", &flat(1000, 16, &[]));
    desk.refused(
        "encode thin.png -o a.calo --max-pixels 65535",
        3,
        "thin.png: 1000x16 pixels count as 65536 (sides padded to multiples of 64), over the limit of 65535; raise it with --max-pixels",
    );
    desk.json("encode thin.png -o a.calo --max-pixels 65536 --json");
    desk.refused(
        "decode a.calo -o b.png --max-pixels 65535",
        3,
        "1000x16 pixels count as 65536 (sides padded to multiples of 64), over the limit of 65535; raise it with --max-pixels",
    );
    desk.json("decode a.calo -o b.png --max-pixels 65536 --json");
    // 64 strips of 157 pixels.
    desk.write("thinner.png", &flat(10_000, 1, &[]));
    let words = "thinner.png: 10000x1 pixels count as 12288 (folded, and sides padded to multiples of 64), over the limit of 12287; raise it with --max-pixels";
    desk.refused("encode thinner.png -o b.calo --max-pixels 12287", 3, words);
    desk.json("encode thinner.png -o b.calo --max-pixels 12288 -y --json");
    desk.write("small.png", &flat(300, 300, &[]));
    desk.refused(
        "encode small.png -o c.calo --max-pixels 80k",
        3,
        "300x300 pixels count as 102400 (sides padded to multiples of 64), over the limit of 80k;",
    );
    desk.refused(
        "encode small.png -o c.calo --max-pixels 0.1M",
        3,
        "count as 102400 (sides padded to multiples of 64), over the limit of 100k;",
    );
    for line in ["encode", "decode", "info"] {
        let help = String::from_utf8(desk.run(&format!("{line} --help")).stdout).unwrap();
        let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            words.contains("a picture with one side under 16 and the other over 64 is folded first, up to 64 across"),
            "{line}: {help}"
        );
    }
}

#[test]
fn memory_is_said_as_it_was_given() {
    let desk = Desk::new();
    desk.write("thin.png", &flat(200_000, 16, &[]));
    // 64 rows of 200,000 pixels, 21 bytes each as a grey picture, and 544 bytes a column.
    for limit in ["300MB", "300 MB", "300000kB"] {
        let run = desk.prepared("encode thin.png -o a.calo --max-memory").arg(limit).output().unwrap();
        let said = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(3), "{said}");
        assert_eq!(
            said.trim_end(),
            "calotype: thin.png: it needs about 378 MB of memory, over the limit of 300 MB; raise it with --max-memory"
        );
    }
    desk.refused("encode thin.png -o a.calo --max-memory 256MiB", 3, "over the limit of 256 MiB");
    desk.json("encode thin.png -o a.calo --max-memory 1GiB --json");
    // 12 bytes a pixel, and two rows of 165 bytes a column.
    desk.refused("decode a.calo -o b.png --max-memory 200MB", 3, "it needs about 220 MB of memory, over the limit of 200 MB; raise it with --max-memory, or take a part of the picture with --region");
    desk.json("decode a.calo -o b.png --max-memory 1GB --json");
    desk.write("whole.bmp", &{
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::RgbImage::new(300, 300).write_to(&mut bytes, image::ImageFormat::Bmp).unwrap();
        bytes.into_inner()
    });
    desk.refused("encode whole.bmp -o b.calo --max-memory 500kB", 3, "needs about 810 kB of memory, over the limit of 500 kB");
    desk.refused("encode whole.bmp -o b.calo --max-memory 1MB", 3, "over the limit of 1 MB");
    desk.json("encode whole.bmp -o b.calo --max-memory 10MB --json");
    desk.refused("encode whole.bmp -o c.calo --max-memory 10MB --target-ssimulacra2 50", 3, "over the limit of 10 MB");
}

/// A profile takes its bytes several times.
#[test]
fn profiles_count() {
    let desk = Desk::new();
    let mut icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let length = 8 << 20;
    icc.resize(length, 0);
    icc[..4].copy_from_slice(&(length as u32).to_be_bytes());
    desk.write("a.png", &png(Kind::RGB, &chunk(b"iCCP", &[b"x\0\0", &zlib(&icc)[..]].concat()), &[]));
    desk.refused("encode a.png -o a.calo --max-memory 20MB", 3, "it needs about 33.7 MB of memory, over the limit of 20 MB");
    desk.json("encode a.png -o a.calo --max-memory 40MB --json");
}

/// Headers that ask for what nothing holds: need and limit are said, and a flag only where it helps.
#[test]
fn headers_ask_for_too_much() {
    let desk = Desk::new();
    let png = |width: u32, height: u32, kind: u8| {
        let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, kind, 0, 0, 0]].concat();
        [b"\x89PNG\r\n\x1a\n", &chunk(b"IHDR", &head)[..], &chunk(b"IDAT", &zlib(&[0; 100])), &chunk(b"IEND", &[])].concat()
    };
    let most = i32::MAX as u32;
    for kind in [0, 2, 6] {
        desk.write("huge.png", &png(most, most, kind));
        let counted =
            "huge.png: 2147483647x2147483647 pixels count as 4611686018427387904 (sides padded to multiples of 64), over the limit of";
        desk.refused("encode huge.png -o a.calo", 3, &format!("{counted} 1G; no machine has memory for that, so no limit helps\n"));
        desk.refused("encode huge.png -o a.calo --max-pixels 900000G", 3, &format!("{counted} 900000G; no machine has memory for that"));
        desk.write("large.png", &png(200_000, 200_000, kind));
        let counted = "large.png: 200000x200000 pixels count as 40000000000, over the limit of 1G; raise it with --max-pixels\n";
        desk.refused("encode large.png -o a.calo", 3, counted);
        desk.refused("encode large.png -o a.calo --max-pixels 40G", 3, "over the limit of 4 GiB; raise it with --max-memory");
        desk.write("wrong.png", &png(most + 1, 1, kind));
        desk.refused(
            "encode wrong.png -o a.calo",
            1,
            "wrong.png: is a damaged image: its header says 2147483648x1 pixels, and a PNG has at most 2147483647 on a side; get it again\n",
        );
    }
    desk.write("huge.ppm", b"P6\n4294967295 4294967295\n255\nabc");
    desk.refused("encode huge.ppm -o a.calo", 3, "over the limit of 1G; no machine has memory for that, so no limit helps");
    let bmp =
        |width: u32| [&b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"[..], &width.to_le_bytes(), &[10, 0, 0, 0, 1, 0, 24, 0], &[0; 24]].concat();
    desk.write("wide.bmp", &bmp(70_000));
    desk.refused(
        "encode wide.bmp -o a.calo",
        3,
        "wide.bmp: uses 70000x10 pixels, a side of more than 65535, which calotype does not read; convert it to PNG first\n",
    );
}

/// A TIFF counts the chunk that is decoded, and rows of them where they are put together.
#[test]
fn chunks_of_a_tiff_count_once() {
    let desk = Desk::new();
    let picture = image::load_from_memory(&ppm(1500, 1000)).unwrap();
    let rgb = picture.to_rgb8();
    let deep: Vec<u16> = rgb.iter().map(|&sample| u16::from(sample) * 257).collect();
    let needed = |name: &str| {
        let run = desk.run(&format!("encode {name} -o a.calo --max-memory 1MB"));
        let words = run.stderr.split("it needs about ").nth(1).and_then(|rest| rest.split(" MB of memory").next());
        (words.unwrap_or_else(|| panic!("{name}: {}", run.stderr)).parse::<f64>().unwrap() * 10.0).round() as u64
    };
    rgb.save(desk.path("a.png")).unwrap();
    desk.write("a.tif", &Tiff::of((1500, 1000), 2, Samples::U8(&rgb)).bytes());
    desk.write("tiles.tif", &Tiff::of((1500, 1000), 2, Samples::U8(&rgb)).in_tiles(256).bytes());
    picture.to_rgb16().save(desk.path("deep.png")).unwrap();
    desk.write("deep.tif", &Tiff::of((1500, 1000), 2, Samples::U16(&deep)).bytes());
    // Tenths of a megabyte: 1500 x 1000 x 3; 256 x 256 x 3 and 1500 x 256 x 3; twice 1500 x 1000 x 6.
    let more = |tiff: &str, png: &str| needed(tiff) - needed(png);
    assert_eq!([more("a.tif", "a.png"), more("tiles.tif", "a.png"), more("deep.tif", "deep.png")], [45, 13, 180]);
}

#[test]
fn threads_have_a_ceiling() {
    let desk = Desk::new();
    desk.write("a.ppm", &ppm(20, 10));
    desk.refused("encode a.ppm -o a.calo --threads 1000000", 2, "--threads 1000000: give 1 to ");
    desk.json("encode a.ppm -o a.calo --threads 3 --json");
}

/// Alpha and colours are damaged behind right checksums: the alpha, which is soon read, is what is told.
#[test]
fn alpha_is_checked_before_colours() {
    let desk = Desk::new();
    desk.write("a.png", &png(Kind::RGBA, &[], &[]));
    desk.json("encode a.png -o a.calo -q 90 --json");
    let mut file = desk.read("a.calo");
    // Header, section table, tile index, CRC of these, the section, the streams (docs/FORMAT.md).
    let word = |file: &[u8], at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    let (section, streams) = (56, 56 + word(&file, 32));
    let put = |file: &mut Vec<u8>, at: usize, crc: u32| file[at..at + 4].copy_from_slice(&crc.to_le_bytes());
    let sealed = |mut file: Vec<u8>| {
        let (of_section, of_tile) = (crc32(&file[section..streams]), crc32(&file[streams..]));
        put(&mut file, 36, of_section);
        put(&mut file, 44, of_tile);
        let head = crc32(&file[..52]);
        put(&mut file, 52, head);
        file
    };
    desk.write("same.calo", &sealed(file.clone()));
    assert_eq!(desk.read("same.calo"), file, "the places are right");
    *file.last_mut().unwrap() ^= 0x55;
    desk.write("colour.calo", &sealed(file.clone()));
    desk.refused("decode colour.calo -o b.png", 1, "colour.calo: damaged .calo file");
    file[streams - 1] ^= 0x55;
    desk.write("both.calo", &sealed(file));
    desk.refused("decode both.calo -o b.png", 1, "alpha: ");
}

/// With as much memory as a small container has. A thin picture is no bomb: it costs what its pixels cost.
#[cfg(target_os = "linux")]
#[test]
fn a_bomb_is_one_refused_file() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("in")).unwrap();
    desk.write("in/a.ppm", &ppm(40, 30));
    desk.write("in/b.png", &flat(20_000_000, 1, &[]));
    desk.write("in/c.png", &flat(64, 64, &chunk(b"iCCP", &[b"x\0\0", &zlib(&vec![0; 300 << 20])[..]].concat())));
    desk.write("in/d.ppm", &ppm(30, 40));
    desk.write("in/e.png", &[b"\x89PNG\r\n\x1a\n", &chunk(b"IHDR", &head(60_000, 60_000))[..], &chunk(b"IDAT", &zlib(&[0; 100]))].concat());
    let script = format!("ulimit -v 4000000; exec {} encode in -o out --engine cpu --threads 2", env!("CARGO_BIN_EXE_calotype"));
    let run = std::process::Command::new("sh").args(["-c", &script]).current_dir(desk.path("")).output().unwrap();
    let said = String::from_utf8(run.stderr).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(run.status.code(), Some(3), "{said}");
    assert_eq!(
        lines,
        [
            "calotype: note: in/c.png: its ICC profile is left out, for it is longer than 16 MiB",
            "calotype: in/e.png: 60000x60000 pixels count as 3603841024 (sides padded to multiples of 64), over the limit of 1G; raise it with --max-pixels",
            "calotype: 4 of 5 files made; the 1 named above failed",
        ]
    );
    assert_eq!(desk.path("out").read_dir().unwrap().count(), 4);
    let info = desk.json("info out/b.calo --json");
    assert_eq!((info["width"].as_u64(), info["height"].as_u64(), info["folded"].as_bool()), (Some(20_000_000), Some(1), Some(true)));
}

/// In a folder with small and large pictures every file comes out under the size, and those that cannot are named.
#[test]
fn a_size_for_a_whole_folder() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("in")).unwrap();
    desk.write("in/small.ppm", &ppm(20, 10));
    desk.write("in/large.ppm", &ppm(300, 200));
    let run = desk.run("encode in -o out --target-size 3kB");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let length = |name: &str| desk.read(name).len();
    assert!(length("out/small.calo") < 3000 && (2940..=3000).contains(&length("out/large.calo")));
    let run = desk.run("encode in -o out -y --target-size 300");
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("calotype: in/large.ppm: --target-size 300: the nearest that this picture allows is "), "{}", run.stderr);
}

/// A cut-out photograph: black where nobody sees it.
#[test]
fn what_is_transparent_counts_in_no_measure() {
    let desk = Desk::new();
    let photo = image::open(crate::harness::sample("SAMPLE.png")).unwrap().into_rgb8();
    let cut = image::RgbaImage::from_fn(photo.width(), photo.height(), |x, y| {
        let inside = (x as i32 - 190).pow(2) + (y as i32 - 128).pow(2) < 90 * 90;
        let [r, g, b] = photo.get_pixel(x, y).0;
        image::Rgba(if inside { [r, g, b, 255] } else { [0, 0, 0, 0] })
    });
    cut.save(desk.path("cut.png")).unwrap();
    // Were the black that nobody sees counted, no quality would be enough.
    let hit = desk.json("encode cut.png -o a.calo --target-ssimulacra2 75 --json");
    let quality = hit["quality"].as_f64().unwrap();
    assert!((1.0..99.0).contains(&quality), "{hit}");
}

/// Grey, alpha, 16 bits and metadata included.
#[test]
fn eval_codes_what_encode_codes() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("in")).unwrap();
    let icc = chunk(b"iCCP", &[b"x\0\0", &zlib(&moxcms::ColorProfile::new_display_p3().encode().unwrap())[..]].concat());
    let kinds = [("grey", Kind::GREY), ("clear", Kind::RGBA), ("deep", Kind::RGB_16), ("plain", Kind::RGB)];
    for (name, kind) in kinds {
        desk.write(&format!("in/{name}.png"), &png(kind, &icc, &[]));
    }
    let run = desk.run("eval in -q 40 --keep kept");
    assert_eq!(run.code, 0, "{}", run.stderr);
    for (name, _) in kinds {
        let psnr = desk.json(&format!("encode in/{name}.png -o {name}.calo -q 40 --json"))["psnr_db"].as_f64().unwrap();
        assert_eq!(desk.read(&format!("{name}.calo")), desk.read(&format!("kept/{name}.png.q40.calo")), "{name}");
        assert!(psnr > 20.0);
    }
}
