//! The real window, opened, driven by keys and mouse, and looked at: with lavapipe, and with OpenGL where there is no Vulkan.

use std::time::Instant;

use image::RgbImage;

use crate::display::{Display, Graphics, HEIGHT, Screen, WIDTH, Window, can_show, there};
use crate::harness::{Desk, sample};

/// Where the photograph and the file of it are.
pub struct Studio {
    pub desk: Desk,
    pub original: RgbImage,
    pub decoded: RgbImage,
}

pub fn studio() -> Studio {
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

/// Whether a picture, given as its width and its bytes, is on the screen pixel by pixel.
pub fn shows(screen: &Screen, (width, rgb): &(usize, Vec<u8>)) -> bool {
    screen.find(*width, rgb).is_some()
}

/// All of an image.
pub fn whole(image: &RgbImage) -> (usize, Vec<u8>) {
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
    full_screen(&mut window, &studio);
    zoomed(&mut window, &display, &studio, &name);
    compared(&mut window, &studio, &name);
    looked_inside(&mut window, &display, &studio, &name);
    errors_and_on(&mut window, &display, &studio, &name);
    asked_for_a_size(&mut window, &display, &studio);
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
    window.drag([(400, 300), (430, 330), (600, 500)]);
    window.wait_for("another part of the picture", |screen| screen.changes(&before) > WIDTH * HEIGHT / 8);
    window.key("f", "Fit");
    window.key("1", "zoom 1.0");
}

fn compared(window: &mut Window<'_>, studio: &Studio, name: &str) {
    window.key("c", "Compare(Split)");
    let (left, right) = (columns(&studio.original, 0, 150), columns(&studio.decoded, 230, 150));
    window.wait_for("the original beside the decoded picture", |screen| shows(screen, &left) && shows(screen, &right));
    window.still().keep(&format!("{name}-compare"));
    // The border follows the mouse: 100 points to the right the original reaches further.
    let middle = (WIDTH - 280) / 2;
    window.drag([(middle, 300), (middle + 30, 300), (middle + 100, 300)]);
    let further = columns(&studio.original, 190, 90);
    window.wait_for("the border moved by the mouse", |screen| shows(screen, &further));
    differences(window, studio);
    window.key("x", "Compare(Flicker)");
    let (original, decoded) = (whole(&studio.original), whole(&studio.decoded));
    window.wait_for("the original", |screen| shows(screen, &columns(&studio.original, 100, 200)) || shows(screen, &original));
    window.wait_for("the decoded picture", |screen| shows(screen, &columns(&studio.decoded, 100, 200)) || shows(screen, &decoded));
    window.key("x", "Off");
}

/// The difference of each sample, 8 times enlarged, then 16, then 4.
fn differences(window: &mut Window<'_>, studio: &Studio) {
    let enlarged = |gain: u32| {
        let image = RgbImage::from_fn(384, 256, |x, y| {
            let (a, b) = (studio.original.get_pixel(x, y).0, studio.decoded.get_pixel(x, y).0);
            image::Rgb([0, 1, 2].map(|c| (u32::from(a[c].abs_diff(b[c])) * gain).min(255) as u8))
        });
        columns(&image, 100, 150)
    };
    for (keys, words, gain) in [("d", "Compare(Difference)", 8), ("g", "Gain", 16), ("shift+g shift+g", "Gain(0.5)", 4)] {
        window.key(keys, words);
        window.wait_for("the difference", |screen| shows(screen, &enlarged(gain)));
    }
}

/// The picture in the middle of the whole screen, and back.
fn full_screen(window: &mut Window<'_>, studio: &Studio) {
    let place = |screen: &Screen| screen.find(384, studio.decoded.as_raw());
    let before = window.wait_for("the picture", |screen| place(screen).is_some());
    window.key("F11", "FullScreen");
    window.wait_for("the full screen", |screen| place(screen) == Some(((WIDTH - 384) / 2, (HEIGHT - 256) / 2)));
    window.key("Escape", "Escape");
    window.wait_for("the window", |screen| place(screen) == place(&before));
}

/// Asks for a size by mouse and keys, and saves what was found over the file that is there.
fn asked_for_a_size(window: &mut Window<'_>, display: &Display, studio: &Studio) {
    window.click((1090, 176));
    display.act("type 3");
    window.key("Return", "note: quality");
    window.click((1067, 222));
    window.click((1029, 222));
    window.wait("saved pictures/photo.calo");
    assert_eq!(studio.desk.run("encode SAMPLE -o small.calo --target-size 3kB").code, 0);
    let saved = studio.desk.read("pictures/photo.calo");
    assert!(saved.len() <= 3000 && saved == studio.desk.read("small.calo"), "{} bytes", saved.len());
    display.act("mousemove 500 770");
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
    window.key("q", "quality 69.0");
    window.wait("quality 69.0");
    window.key("ctrl+s", "exists already");
    std::fs::remove_file(studio.desk.path("pictures/photo.calo")).unwrap();
    window.key("ctrl+s", "saved pictures/photo.calo");
    assert_eq!(studio.desk.run("encode SAMPLE -o same.calo -q 69").code, 0);
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

const ON_THE_GPU: &str = "--engine gpu --adapter llvmpipe";

/// Decoder and window use one device: what is on the screen has not been in the CPU's memory.
#[test]
fn pixels_go_from_the_decoder_to_the_screen() {
    if !can_show() {
        return;
    }
    let (display, studio) = (Display::new(), studio());
    let mut window = Window::open(&display, Graphics::Lavapipe, &studio.desk, &format!("pictures/photo.calo {ON_THE_GPU}"));
    window.wait("on the window's GPU");
    window.wait("complete");
    plain(&mut window, &display, &studio, "shared");
    // Values and measures come from bytes that are read back.
    compared(&mut window, &studio, "shared");
    display.act("mousemove 500 770");
    errors_and_on(&mut window, &display, &studio, "shared");
    assert!(!window.said.iter().any(|line| line.contains("photo.calo: columns") && !line.contains("on the window's GPU")));
    window.quit();
}

#[test]
fn a_lost_device_is_told_and_the_window_goes_on() {
    if !can_show() {
        return;
    }
    let (display, studio) = (Display::new(), studio());
    let line = format!("pictures/photo.calo {ON_THE_GPU} --lose-device 1");
    let mut window = Window::open(&display, Graphics::Lavapipe, &studio.desk, &line);
    let said = window.wait("error: ");
    assert!(said.contains("lost") && said.contains("the CPU goes on"), "{said}");
    window.wait("the window is open");
    window.focus();
    window.wait("complete");
    plain(&mut window, &display, &studio, "lost");
    errors_and_on(&mut window, &display, &studio, "lost");
    window.quit();
}

/// A photograph beside another codec's, which has as many bytes.
#[test]
fn peers_have_the_same_size() {
    if !can_show() {
        return;
    }
    if !there("cjpeg") {
        println!("skipped: no cjpeg");
        return;
    }
    let (display, studio) = (Display::new(), studio());
    let mut window = Window::open(&display, Graphics::Lavapipe, &studio.desk, "pictures/photo.png --compare q80 jpeg --zoom 1");
    let line = window.wait("jpeg: ");
    let numbers: Vec<f64> = line.split("jpeg: ").nth(1).unwrap().split(' ').filter_map(|word| word.parse().ok()).collect();
    let [found, wanted] = numbers[..] else { panic!("{line}") };
    assert!((found / wanted - 1.0).abs() < 0.1, "{line}");
    assert_eq!(studio.desk.run("encode SAMPLE -o q80.calo -q 80").code, 0);
    assert_eq!((studio.desk.run("decode q80.calo -o q80.png").code, studio.desk.read("q80.calo").len() as f64), (0, wanted));
    let ours = image::open(studio.desk.path("q80.png")).unwrap().into_rgb8();
    let (left, right) = (columns(&ours, 0, 150), columns(&ours, 230, 150));
    let screen = window.wait_for("Calotype on the left", |screen| shows(screen, &left));
    assert!(!shows(&screen, &right) && !shows(&screen, &columns(&studio.original, 230, 150)), "JPEG on the right");
    window.quit();
}
