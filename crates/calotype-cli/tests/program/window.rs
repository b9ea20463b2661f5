//! The real window, opened, driven by keys and mouse, and looked at: with lavapipe, and with OpenGL where there is no Vulkan.

use std::time::Instant;

use image::RgbImage;

use crate::display::{Display, Graphics, HEIGHT, Screen, WIDTH, Window, can_show};
use crate::harness::{Desk, sample};

/// Where the photograph and the file of it are.
struct Studio {
    desk: Desk,
    original: RgbImage,
    decoded: RgbImage,
}

fn studio() -> Studio {
    let desk = Desk::new().with_environment("XDG_CACHE_HOME", std::env::temp_dir().join("calotype-window-test"));
    std::fs::create_dir(desk.path("pictures")).unwrap();
    std::fs::copy(sample("SAMPLE.png"), desk.path("pictures/photo.png")).unwrap();
    assert_eq!(desk.run("encode SAMPLE -o pictures/photo.calo -q 40").code, 0);
    assert_eq!(desk.run("decode pictures/photo.calo -o decoded.png").code, 0);
    desk.write("pictures/broken.calo", &desk.read("pictures/photo.calo")[..900]);
    let read = |name: &str| image::open(desk.path(name)).unwrap().into_rgb8();
    let (original, decoded) = (read("pictures/photo.png"), read("decoded.png"));
    Studio { desk, original, decoded }
}

/// The part of an image with these columns, as the bytes of a picture of that width.
fn columns(image: &RgbImage, left: u32, width: u32) -> (usize, Vec<u8>) {
    (width as usize, image::imageops::crop_imm(image, left, 50, width, 60).to_image().into_raw())
}

fn shows(screen: &Screen, (width, rgb): &(usize, Vec<u8>)) -> bool {
    screen.find(*width, rgb).is_some()
}

/// The colour of a pixel that a key's picture must have at 1:1.
fn whole(image: &RgbImage) -> (usize, Vec<u8>) {
    (image.width() as usize, image.as_raw().clone())
}

fn drive(graphics: Graphics) {
    if !can_show() {
        return;
    }
    let (display, studio) = (Display::new(), studio());
    let begin = Instant::now();
    let mut window = Window::open(&display, graphics, &studio.desk, "pictures/photo.calo");
    let name = format!("{graphics:?}").to_lowercase();
    let decoded = whole(&studio.decoded);
    window.wait_for("the picture", |screen| shows(screen, &decoded));
    println!("{graphics:?}: the picture is on the screen {:.2} s after the program began", begin.elapsed().as_secs_f64());

    plain(&mut window, &display, &studio, &name);
    zoomed(&mut window, &display, &studio, &name);
    compared(&mut window, &display, &studio, &name);
    looked_inside(&mut window, &display, &studio, &name);
    errors_and_on(&mut window, &display, &studio, &name);
    println!("{graphics:?}: {}", window.quit());
}

/// 1:1 on the screen is what `calotype decode` writes.
fn plain(window: &mut Window<'_>, display: &Display, studio: &Studio, name: &str) {
    display.act("mousemove 500 770");
    window.key("1", "OneToOne");
    let decoded = whole(&studio.decoded);
    let screen = window.wait_for("the decoded pixels", |screen| shows(screen, &decoded));
    let mut other = decoded.clone();
    other.1[4000] ^= 1;
    assert!(!shows(&screen, &other), "the comparison sees one bit");
    window.still().keep(&format!("{name}-plain"));
}

fn zoomed(window: &mut Window<'_>, display: &Display, studio: &Studio, name: &str) {
    let before = window.still();
    let (left, top) = before.find(384, studio.decoded.as_raw()).unwrap();
    // The wheel zooms to the pixel below the mouse.
    let (x, y) = (left + 150, top + 90);
    display.act(&format!("mousemove {x} {y}"));
    display.act("click --repeat 5 --delay 20 4");
    let pixel = studio.decoded.get_pixel(150, 90).0;
    window.wait_for("the zoomed picture", |screen| screen.changes(&before) > WIDTH * HEIGHT / 8);
    // Within some screen pixels: a slow frame may be in the middle of the wheel's movement.
    let around = || (0..7).flat_map(|dy| (0..7).map(move |dx| (x + dx - 3, y + dy - 3)));
    window.wait_for("the pixel below the mouse where it was", |screen| around().any(|(x, y)| screen.pixel(x, y) == pixel));
    // Keys go on until pixels have grids and values.
    for _ in 0..5 {
        window.key("plus", "Step");
    }
    window.still().keep(&format!("{name}-zoomed"));
    // A drag moves the picture.
    let before = window.still();
    display.drag([(400, 300), (430, 330), (600, 500)]);
    window.wait_for("another part of the picture", |screen| screen.changes(&before) > WIDTH * HEIGHT / 8);
    window.key("f", "Fit");
    window.key("1", "zoom 1.0");
}

fn compared(window: &mut Window<'_>, display: &Display, studio: &Studio, name: &str) {
    window.key("c", "Compare(Split)");
    let (left, right) = (columns(&studio.original, 0, 150), columns(&studio.decoded, 230, 150));
    window.wait_for("the original beside the decoded picture", |screen| shows(screen, &left) && shows(screen, &right));
    window.still().keep(&format!("{name}-compare"));
    // The border follows the mouse: 100 points to the right the original reaches further.
    let middle = (WIDTH - 280) / 2;
    display.drag([(middle, 300), (middle + 30, 300), (middle + 100, 300)]);
    let further = columns(&studio.original, 190, 90);
    window.wait_for("the border moved by the mouse", |screen| shows(screen, &further));
    window.key("d", "Compare(Difference)");
    window.key("x", "Compare(Flicker)");
    let (original, decoded) = (whole(&studio.original), whole(&studio.decoded));
    window.wait_for("the original", |screen| shows(screen, &columns(&studio.original, 100, 200)) || shows(screen, &original));
    window.wait_for("the decoded picture", |screen| shows(screen, &columns(&studio.decoded, 100, 200)) || shows(screen, &decoded));
    window.key("x", "Off");
}

fn looked_inside(window: &mut Window<'_>, display: &Display, studio: &Studio, name: &str) {
    display.act("mousemove 500 770");
    let decoded = whole(&studio.decoded);
    let before = window.wait_for("the decoded picture alone", |screen| shows(screen, &decoded));
    window.key("b", "overlay Bits");
    window.wait_for("the overlay", |screen| !shows(screen, &decoded) && screen.changes(&before) > 384 * 256 / 2);
    window.still().keep(&format!("{name}-bits"));
    window.key("l", "overlay Channel(0)");
    window.key("bracketright", "overlay Channel(1)");
    window.key("l", "overlay None");
    window.wait_for("the picture without overlay", |screen| shows(screen, &decoded));
}

/// A broken file shows its error, and the window goes on.
fn errors_and_on(window: &mut Window<'_>, display: &Display, studio: &Studio, name: &str) {
    window.key("Left", "broken.calo: failed");
    window.still().keep(&format!("{name}-error"));
    window.key("Right", "photo.calo");
    let decoded = whole(&studio.decoded);
    window.wait_for("the next file", |screen| shows(screen, &decoded));
    window.key("Right", "photo.png");
    window.key("1", "zoom 1.0");
    let original = whole(&studio.original);
    window.wait_for("the photograph", |screen| shows(screen, &original));
    // The slider, by key: the picture and its size follow.
    window.key("q", "quality 49.0");
    window.wait("quality 49.0");
    window.key("ctrl+s", "exists already");
    std::fs::remove_file(studio.desk.path("pictures/photo.calo")).unwrap();
    window.key("ctrl+s", "saved pictures/photo.calo");
    assert_eq!(studio.desk.run("encode SAMPLE -o same.calo -q 49").code, 0);
    assert_eq!(studio.desk.read("pictures/photo.calo"), studio.desk.read("same.calo"));
    display.act("mousemove 500 770");
}

#[test]
fn the_window_works_with_lavapipe() {
    drive(Graphics::Lavapipe);
}

#[test]
fn the_window_works_with_opengl_alone() {
    drive(Graphics::OpenGl);
}

/// Paging through many files, some of them broken, leaves memory as it is.
#[test]
fn many_files_are_paged_through_in_flat_memory() {
    if !can_show() {
        return;
    }
    let (display, studio) = (Display::new(), studio());
    let (file, photo) = (studio.desk.read("pictures/photo.calo"), studio.desk.read("pictures/photo.png"));
    std::fs::create_dir(studio.desk.path("many")).unwrap();
    for i in 0..200 {
        let (name, bytes) = match i % 4 {
            0 => (format!("many/{i}.png"), &photo[..]),
            1 => (format!("many/{i}.calo"), &file[..file.len() - 1 - i]),
            _ => (format!("many/{i}.calo"), &file[..]),
        };
        studio.desk.write(&name, bytes);
    }
    let mut window = Window::open(&display, Graphics::Lavapipe, &studio.desk, "many");
    window.wait("complete");
    let page = |window: &mut Window<'_>, files: usize| {
        (0..files).for_each(|_| drop(window.key("Right", " after ")));
        window.still();
        window.resident_mib()
    };
    let begin = page(&mut window, 30);
    let end = page(&mut window, 200);
    println!("{begin} MiB after 30 files, {end} MiB after 230");
    assert!(end < begin + 40, "{begin} MiB after 30 files, {end} MiB after 230");
    window.quit();
}
