//! `calotype view --screenshot`: pictures of the window, without one.

use image::RgbImage;

use crate::harness::Desk;

fn shot(desk: &Desk, name: &str) -> RgbImage {
    image::open(desk.path(name)).unwrap().into_rgb8()
}

/// A desk with the sample as a photograph, as a `.calo` file, and decoded.
fn desk() -> Desk {
    let desk = Desk::new();
    std::fs::copy(crate::harness::sample("SAMPLE.png"), desk.path("photo.png")).unwrap();
    assert_eq!(desk.run("encode SAMPLE -o photo.calo -q 40").code, 0);
    assert_eq!(desk.run("decode photo.calo -o decoded.png").code, 0);
    desk
}

fn take(desk: &Desk, line: &str) -> RgbImage {
    let run = desk.run(&format!("view {line} --screenshot out.png -y"));
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{line}");
    shot(desk, "out.png")
}

/// Where `part` lies in `whole`, pixel by pixel.
fn found(whole: &RgbImage, part: &RgbImage) -> Option<(u32, u32)> {
    let rows = |image: &RgbImage| image.as_raw().chunks(3 * image.width() as usize).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let (whole_rows, part_rows) = (rows(whole), rows(part));
    let bytes = part_rows[0].len();
    let places = (0..=whole.height() - part.height()).flat_map(|y| (0..=whole.width() - part.width()).map(move |x| (x, y)));
    let at =
        |(x, y): &(u32, u32)| part_rows.iter().enumerate().all(|(i, row)| whole_rows[*y as usize + i][3 * *x as usize..][..bytes] == *row);
    places.into_iter().find(at)
}

#[test]
fn pixels_are_those_of_decode() {
    let desk = desk();
    let decoded = shot(&desk, "decoded.png");
    let plain = take(&desk, "photo.calo --zoom 1");
    assert_eq!(plain.dimensions(), (1280, 800));
    let place = found(&plain, &decoded).expect("the decoded pixels are in the picture of the window");
    let mut other = decoded.clone();
    other.get_pixel_mut(100, 100).0[1] ^= 1;
    assert_eq!(found(&plain, &other), None, "the comparison sees one bit");
    let doubled = take(&desk, "photo.calo --zoom 2 --at 192,128 --no-panel");
    let large = image::imageops::resize(&decoded, 768, 512, image::imageops::FilterType::Nearest);
    assert!(found(&doubled, &large).is_some(), "{place:?}");
}

#[test]
fn sides_are_compared() {
    let desk = desk();
    let (original, decoded) = (shot(&desk, "photo.png"), shot(&desk, "decoded.png"));
    let split = take(&desk, "--compare photo.png photo.calo --zoom 1");
    let half = |image: &RgbImage, left: u32| image::imageops::crop_imm(image, left, 60, 150, 120).to_image();
    assert!(found(&split, &half(&original, 0)).is_some() && found(&split, &half(&decoded, 234)).is_some());
    assert!(found(&split, &half(&decoded, 0)).is_none() && found(&split, &half(&original, 234)).is_none());
    let live = take(&desk, "photo.png --compare original q40 --zoom 1");
    assert!(found(&live, &half(&decoded, 234)).is_some(), "what is developed is what encode and decode make");
    let difference = take(&desk, "--compare photo.png photo.calo --style difference --zoom 1");
    let expected = RgbImage::from_fn(384, 256, |x, y| {
        let (a, b) = (original.get_pixel(x, y).0, decoded.get_pixel(x, y).0);
        image::Rgb([0, 1, 2].map(|c| (u32::from(a[c].abs_diff(b[c])) * 8).min(255) as u8))
    });
    assert!(found(&difference, &half(&expected, 200)).is_some());
}

#[test]
fn overlays_cover_the_picture() {
    let desk = desk();
    let plain = take(&desk, "photo.calo --zoom 1");
    let changed = |overlay: &str| {
        let with = take(&desk, &format!("photo.calo --zoom 1 --overlay {overlay}"));
        let area = |image: &RgbImage| image.pixels().copied().collect::<Vec<_>>();
        area(&plain).iter().zip(area(&with)).filter(|(a, b)| **a != *b).count()
    };
    for overlay in ["bits", "sigma", "0", "7"] {
        assert!(changed(overlay) > 384 * 256 * 9 / 10, "{overlay}");
    }
}

#[test]
fn errors_are_shown_and_told() {
    let desk = desk();
    let file = desk.read("photo.calo");
    desk.write("broken.calo", &file[..file.len() / 2]);
    desk.write("text.png", b"no picture");
    let broken = take(&desk, "broken.calo");
    let text = take(&desk, "text.png");
    assert_ne!(broken, text);
    assert!(found(&broken, &shot(&desk, "decoded.png")).is_none());
    desk.refused("view missing.calo --screenshot new.png", 5, "missing.calo");
    desk.refused("view photo.calo --screenshot out.png", 2, "exists already; give -y to overwrite it, or another --screenshot");
}

#[test]
fn the_ending_names_the_format() {
    let desk = desk();
    // The panel says how long it took.
    let png = take(&desk, "photo.calo --no-panel");
    for (name, magic) in [("a.bmp", &b"BM"[..]), ("a.jpg", &[0xFF, 0xD8]), ("a.ppm", b"P6")] {
        let run = desk.run(&format!("view photo.calo --no-panel --screenshot {name}"));
        assert_eq!((run.code, desk.read(name).starts_with(magic)), (0, true), "{name}: {}", run.stderr);
    }
    assert!(shot(&desk, "a.bmp") == png && shot(&desk, "a.ppm") == png);
    let run = desk.run("view photo.calo --no-panel --screenshot -");
    assert!(image::load_from_memory(&run.stdout).unwrap().into_rgb8() == png, "a pipe has no ending: a PNG");
    for name in ["a.xyz", "a", "a.calo"] {
        desk.refused(&format!("view photo.calo --screenshot {name}"), 2, "names no known image format; use one of .png .ppm");
    }
}

/// In plain words, with what helps.
#[test]
#[cfg(target_os = "linux")] // elsewhere there is always a display
fn without_a_display_the_command_says_so() {
    let none = ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"];
    let desk = none.into_iter().fold(Desk::new(), |desk, name| desk.with_environment(name, "".into()));
    let reason = "view: no window can be opened: neither WAYLAND_DISPLAY nor WAYLAND_SOCKET nor DISPLAY is set; ";
    desk.refused("view SAMPLE", 4, &format!("{reason}`calotype view --screenshot OUT.png` needs no display"));
}

/// They are looked at before they are read: a hundred gigabytes would end the program.
#[test]
fn giants_that_begin_as_no_picture_are_not_read() {
    let desk = desk();
    for name in ["giant.calo", "giant.jpg", "giant"] {
        desk.write(name, b"");
        std::fs::File::options().write(true).open(desk.path(name)).unwrap().set_len(100_000_000_000).unwrap();
        assert_eq!(take(&desk, name).dimensions(), (1280, 800), "{name}");
    }
}
