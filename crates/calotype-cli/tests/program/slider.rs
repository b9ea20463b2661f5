//! How soon the picture follows the quality slider, in the real window. A measurement, for a machine that does nothing else:
//! `cargo test --release -p calotype-cli --test program slider -- --ignored --nocapture --test-threads 1`.

use std::time::{Duration, Instant};

use image::RgbImage;

use crate::display::{Display, Graphics, Window, can_show};
use crate::harness::{Desk, sample};

/// The ends of the slider and its row, in a window of 1280x800.
const SLIDER: (usize, usize, usize) = (1016, 1204, 135);
/// How long the mouse takes from one place to the next: 30 places a second.
const STEP: Duration = Duration::from_millis(33);
const STEPS: usize = 240;
/// What issue 7 asks for.
const LEAST_A_SECOND: f64 = 4.0;
const LONGEST_FRAME_MS: f64 = 50.0;

/// 1920x1080 pixels: what CALOTYPE_PHOTO names, or the sample over and over.
fn photo(desk: &Desk) {
    if let Some(photo) = std::env::var_os("CALOTYPE_PHOTO") {
        std::fs::copy(photo, desk.path("photo.png")).unwrap();
        return;
    }
    let tile = image::open(sample("SAMPLE.png")).unwrap().into_rgb8();
    let photo = RgbImage::from_fn(1920, 1080, |x, y| *tile.get_pixel(x % tile.width(), y % tile.height()));
    photo.save(desk.path("photo.png")).unwrap();
}

/// The mouse from end to end and back, while the button is down; one process, so that it costs little.
fn sweep(display: &Display) {
    let (left, right, y) = SLIDER;
    let place = |step: usize| {
        let phase = (step * 4) % (2 * (right - left));
        left + phase.min(2 * (right - left) - phase)
    };
    let steps: Vec<String> = (0..STEPS).map(|step| format!("mousemove {} {y} sleep {}", place(step), STEP.as_secs_f64())).collect();
    display.act(&format!("mousemove {left} {y} mousedown 1 sleep 0.1 {} mouseup 1", steps.join(" ")));
}

/// The seconds that a line of `-v` begins with.
fn seconds(line: &str) -> f64 {
    line.split_whitespace().find_map(|word| word.parse().ok()).expect("a time")
}

fn measure(graphics: Graphics) {
    if !can_show() {
        return;
    }
    let (display, desk) = (Display::new(), Desk::new());
    photo(&desk);
    let mut window = Window::open(&display, graphics, &desk, "photo.png");
    window.wait("complete");
    // g_a runs once.
    window.key("q", "pixels in");
    window.still();
    let begin = Instant::now();
    sweep(&display);
    let time = begin.elapsed().as_secs_f64();
    let lines: Vec<String> = window.heard().into_iter().filter(|line| line.contains("pixels in")).collect();
    let times: Vec<f64> = lines.iter().map(|line| seconds(line)).collect();
    let gap = times.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    let a_second = times.len() as f64 / time;
    let last = window.quit();
    println!("{graphics:?}: {} pictures in {time:.1} s, {a_second:.1} a second, the longest wait {:.0} ms", times.len(), gap * 1e3);
    println!("{graphics:?}: {last}");
    let longest: f64 = last.split("for ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok()).expect("the longest frame");
    assert!(a_second >= LEAST_A_SECOND && longest <= LONGEST_FRAME_MS, "{}", lines.join("\n"));
}

#[test]
#[ignore = "a measurement, for a machine that does nothing else"]
fn the_slider_with_lavapipe() {
    measure(Graphics::Lavapipe);
}

#[test]
#[ignore = "a measurement, for a machine that does nothing else"]
fn the_slider_with_opengl() {
    measure(Graphics::OpenGl);
}
