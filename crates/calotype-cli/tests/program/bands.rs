//! Rows in, rows out; parts of a picture, smaller ones, and what the first bytes of a file show.

use image::{DynamicImage, ImageFormat, RgbImage, Rgba, RgbaImage};

use crate::harness::{Desk, ppm};
use crate::metadata;

/// A file of 150 x 200 pixels in twelve tiles, and its pixels.
fn encoded(desk: &Desk) -> RgbImage {
    desk.write("in.ppm", &ppm(150, 200));
    desk.json("encode in.ppm -o a.calo --tile-log2 6 --json");
    desk.json("decode a.calo -o whole.ppm --json");
    image::open(desk.path("whole.ppm")).unwrap().into_rgb8()
}

/// BMP goes through the whole picture, the others row by row.
#[test]
fn pixels_are_the_same_from_every_format() {
    let desk = Desk::new();
    let pixels = image::load_from_memory(&ppm(150, 200)).unwrap();
    let mut files = Vec::new();
    for (name, format) in
        [("a.bmp", ImageFormat::Bmp), ("a.png", ImageFormat::Png), ("a.tif", ImageFormat::Tiff), ("a.ppm", ImageFormat::Pnm)]
    {
        pixels.save_with_format(desk.path(name), format).unwrap();
        let report = desk.json(&format!("encode {name} -o {name}.calo --json"));
        files.push((desk.read(&format!("{name}.calo")), report["psnr_db"].clone(), report["cross_entropy_bits"].clone()));
    }
    assert!(files.iter().all(|file| *file == files[0]));
    desk.write("a.calo", &files[0].0);
    for name in ["b.bmp", "b.png", "b.tif", "b.ppm"] {
        desk.json(&format!("decode a.calo -o {name} --json"));
    }
    let back = ["b.bmp", "b.png", "b.tif", "b.ppm"].map(|name| image::open(desk.path(name)).unwrap().into_rgb8());
    assert!(back.iter().all(|picture| *picture == back[0]));
}

#[test]
fn grey_stays_grey() {
    let desk = Desk::new();
    let pixels = image::load_from_memory(&ppm(40, 30)).unwrap().into_luma8();
    for name in ["g.png", "g.tif", "g.pgm"] {
        pixels.save(desk.path(name)).unwrap();
        assert_eq!(desk.run(&format!("encode {name} -o {name}.calo")).code, 0);
    }
    assert!(["g.tif", "g.pgm"].iter().all(|name| desk.read(&format!("{name}.calo")) == desk.read("g.png.calo")));
    for name in ["h.png", "h.tif", "h.pgm"] {
        assert_eq!(desk.run(&format!("decode g.png.calo -o {name}")).code, 0);
        assert_eq!(image::open(desk.path(name)).unwrap().color(), image::ColorType::L8, "{name}");
    }
}

#[test]
fn an_image_that_breaks_off_leaves_nothing() {
    let desk = Desk::new();
    image::load_from_memory(&ppm(150, 200)).unwrap().save(desk.path("a.png")).unwrap();
    for (name, whole) in [("cut.png", desk.read("a.png")), ("cut.ppm", ppm(150, 200))] {
        desk.write(name, &whole[..whole.len() / 2]);
        desk.refused(&format!("encode {name} -o a.calo"), 1, "damaged");
    }
}

#[test]
fn a_region_is_cut_from_the_picture() {
    let desk = Desk::new();
    let whole = encoded(&desk);
    for (region, name) in
        [((0, 0, 150, 200), "a.png"), ((63, 70, 66, 100), "a.tif"), ((149, 199, 1, 1), "a.ppm"), ((10, 20, 30, 40), "a.bmp")]
    {
        let (x, y, width, height) = region;
        let report = desk.json(&format!("decode a.calo -o {name} -y --region {x},{y},{width},{height} --json"));
        assert_eq!((report["width"].as_u64(), report["height"].as_u64()), (Some(width.into()), Some(height.into())));
        let part = image::imageops::crop_imm(&whole, x, y, width, height).to_image();
        assert!(image::open(desk.path(name)).unwrap().into_rgb8() == part, "{region:?}");
    }
    desk.refused("decode a.calo -o b.png --region 0,0,151,1", 2, "not inside");
    desk.refused("decode a.calo -o b.bmp --region 0,0,0,1", 2, "not inside");
    assert_eq!(desk.run("decode a.calo -o b.png --region 1,2,3").code, 2);
}

/// Whatever the orientation and the format: a region is cut from what is written without it.
#[test]
fn a_region_is_one_of_the_output() {
    let desk = Desk::new();
    let pixels = image::load_from_memory(&ppm(150, 100)).unwrap();
    let opened = |name: &str| image::open(desk.path(name)).unwrap().into_rgb8();
    for orientation in 1..=8 {
        let exif = Some(metadata::exif(orientation));
        desk.write("in.png", &metadata::png(&pixels, &metadata::Metadata { exif, ..metadata::Metadata::default() }));
        desk.json("encode in.png -o a.calo -y --orientation keep --tile-log2 6 --json");
        let sideways = orientation >= 5;
        for (output, turned) in
            [("out.png", false), ("out.tif", false), ("out.bmp", true), ("out.webp", true), ("out.png --orientation apply", true)]
        {
            let name = output.split(' ').next().unwrap();
            desk.json(&format!("decode a.calo -y -o {output} --json"));
            let whole = opened(name);
            let size = if sideways && turned { (100, 150) } else { (150, 100) };
            assert_eq!(whole.dimensions(), size, "{orientation} {output}");
            for (x, y, width, height) in [(3, 5, 40, 60), (size.0 - 31, size.1 - 7, 31, 7), (0, 0, size.0, size.1)] {
                desk.json(&format!("decode a.calo -y -o {output} --region {x},{y},{width},{height} --json"));
                let part = image::imageops::crop_imm(&whole, x, y, width, height).to_image();
                assert!(opened(name) == part, "{orientation} {output} {x},{y},{width},{height}");
            }
            let (width, height) = size;
            desk.refused(
                &format!("decode a.calo -o never.{} --region 60,0,{width},9", output.trim_start_matches("out.")),
                2,
                &format!("is not inside the picture of {width}x{height}; give --region X,Y,W,H of at least 1x1 with X + W up to {width}"),
            );
        }
    }
}

#[test]
fn smaller_pictures_are_means() {
    let desk = Desk::new();
    let whole = encoded(&desk);
    for (scale, factor) in [("1/2", 2), ("1/4", 4), ("1/8", 8)] {
        let report = desk.json(&format!("decode a.calo -o small.png -y --scale {scale} --json"));
        assert_eq!((report["width"].as_u64(), report["height"].as_u64()), (Some(150_u64.div_ceil(factor)), Some(200 / factor)));
        let small = image::open(desk.path("small.png")).unwrap().into_rgb8();
        let square = image::imageops::crop_imm(&whole, 0, 0, factor as u32, factor as u32).to_image();
        let sum: u32 = square.pixels().map(|pixel| u32::from(pixel.0[1])).sum();
        let count = (factor * factor) as u32;
        assert_eq!(u32::from(small.get_pixel(0, 0).0[1]), (sum + count / 2) / count);
    }
    desk.json("decode a.calo -o part.png --region 50,60,70,80 --scale 1/4 --json");
    assert_eq!(image::open(desk.path("part.png")).unwrap().into_rgb8().dimensions(), (18, 20));
    assert_eq!(desk.run("decode a.calo -o b.png --scale 1/3").code, 2);
}

#[test]
fn the_first_bytes_are_shown_on_request_only() {
    let desk = Desk::new();
    let whole = encoded(&desk);
    let file = desk.read("a.calo");
    desk.write("part.calo", &file[..file.len() * 3 / 5]);
    desk.refused("decode part.calo -o part.png", 1, "--partial");
    let run = desk.run("decode part.calo -o part.png --partial");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains(&format!("{} bytes of {}", file.len() * 3 / 5, file.len())), "{}", run.stderr);
    let part = image::open(desk.path("part.png")).unwrap().into_rgb8();
    assert!(part.dimensions() == whole.dimensions() && part != whole);
    assert_eq!(desk.run("decode a.calo -o all.ppm --partial").code, 0);
    assert_eq!(desk.read("all.ppm"), desk.read("whole.ppm"));
    desk.write("head.calo", &file[..30]);
    desk.refused("decode head.calo -o b.png --partial", 1, "ends here");
}

/// Alpha goes through WebP as a whole, through PNG and TIFF row by row; 16 bits and metadata row by row.
#[test]
fn rows_of_any_kind_are_those_of_the_whole() {
    let desk = Desk::new();
    let rgba = RgbaImage::from_fn(150, 200, |x, y| Rgba([x as u8, y as u8, (x * y) as u8, if x > y { 0 } else { (x + y) as u8 }]));
    for name in ["a.webp", "a.png", "a.tif"] {
        rgba.save(desk.path(name)).unwrap();
        desk.json(&format!("encode {name} -o {name}.calo --tile-log2 6 --json"));
    }
    let file = desk.read("a.webp.calo");
    assert!(file == desk.read("a.png.calo") && file == desk.read("a.tif.calo"));
    for cut in ["", " --region 20,30,64,100", " --scale 1/4"] {
        let pictures = ["b.webp", "b.png", "b.tif"].map(|name| {
            desk.json(&format!("decode a.png.calo -o {name} -y --json{cut}"));
            image::open(desk.path(name)).unwrap()
        });
        assert!(pictures.iter().all(|picture| *picture == pictures[0]), "{cut}");
        assert!(pictures[0].color() == image::ColorType::Rgba8 && (cut.is_empty() == (pictures[0].width() == 150)));
    }
    let deep = DynamicImage::from(DynamicImage::from(rgba).into_rgb16());
    // A profile holds the time at which it was made.
    let whole = metadata::whole();
    desk.write("deep.png", &metadata::png(&deep, &whole));
    desk.json("encode deep.png -o deep.calo --tile-log2 6 --json");
    for name in ["deep2.png", "deep2.tif"] {
        desk.json(&format!("decode deep.calo -o {name} --json"));
        desk.json(&format!("encode {name} -o again.calo -y --json"));
        desk.json("decode again.calo -o again.png -y --json");
        assert_eq!(metadata::of_png(&desk.read("again.png")), whole, "{name}");
    }
    let pictures = ["deep2.png", "deep2.tif"].map(|name| image::open(desk.path(name)).unwrap());
    assert!(pictures[0] == pictures[1] && pictures[0].color() == image::ColorType::Rgb16);
}

#[test]
fn memory_of_encoding_is_limited() {
    let desk = Desk::new();
    let pixels = image::load_from_memory(&ppm(1500, 1500)).unwrap();
    for name in ["a.png", "a.jpg"] {
        pixels.save(desk.path(name)).unwrap();
    }
    desk.refused("encode a.png -o b.calo --max-memory 1MB", 3, "raise it with --max-memory");
    desk.refused("encode a.jpg -o b.calo --max-memory 10MB", 3, "or store it as a PNG or TIFF");
    desk.refused("encode a.png -o b.calo --max-memory 10MB --target-size 99kB", 3, "or give a quality with -q");
    assert_eq!(desk.run("encode a.jpg -o b.calo --max-memory 200MB").code, 0);
    assert_eq!(desk.run("encode a.png -o c.calo --max-memory 150MB").code, 0);
}

#[test]
fn memory_is_limited() {
    let desk = Desk::new();
    encoded(&desk);
    desk.refused("decode a.calo -o b.png --max-memory 100kB", 3, "--max-memory");
    assert_eq!(desk.run("decode a.calo -o b.png --max-memory 100MB").code, 0);
}
