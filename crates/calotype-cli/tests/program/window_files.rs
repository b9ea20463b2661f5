//! Files in the real window: many of them, those that cannot be shown, and those that were opened before.

use crate::display::{Display, Graphics, Window, can_show};
use crate::harness::with_header;
use crate::window::{Studio, shows, studio, whole};

/// Every file that cannot be shown says why, and the next one is shown.
#[test]
fn files_that_cannot_be_shown() {
    if !can_show() {
        return;
    }
    let (display, studio) = (Display::new(), studio());
    let (file, photo) = (studio.desk.read("pictures/photo.calo"), studio.desk.read("pictures/photo.png"));
    let side = 1_000_000_u32.to_le_bytes();
    std::fs::create_dir(studio.desk.path("odd")).unwrap();
    let bad: [(&str, &[u8], &str); 6] = [
        ("b-cut.calo", &file[..file.len() / 2], "the file ends here"),
        ("c-huge.calo", &with_header(&file, 8, &[side, side].concat()), "--max-pixels"),
        ("d-model.calo", &with_header(&file, 16, &[7; 8]), "model"),
        ("e-empty.jpg", b"", "e-empty.jpg"),
        ("f-text.png", b"no picture", "f-text.png"),
        ("g-cut.png", &photo[..photo.len() / 2], "g-cut.png"),
    ];
    bad.iter().for_each(|(name, bytes, _)| studio.desk.write(&format!("odd/{name}"), bytes));
    studio.desk.write("odd/a.calo", &file);
    studio.desk.write("odd/h.calo", &file);
    let mut window = Window::open(&display, Graphics::Lavapipe, &studio.desk, "odd");
    window.wait("complete");
    for (name, _, words) in bad {
        let said = window.key("Right", &format!("{name}: failed: "));
        assert!(said.contains(words), "{said} does not hold {words:?}");
        window.still().keep(&format!("odd-{name}"));
    }
    window.key("Right", "h.calo: complete");
    let decoded = whole(&studio.decoded);
    window.key("1", "zoom 1.0");
    window.wait_for("the file after them", |screen| shows(screen, &decoded));
    window.quit();
}

/// A window without a file names those that were opened lately; a click opens one.
#[test]
fn recent_files_are_offered() {
    if !can_show() {
        return;
    }
    let (display, mut studio) = (Display::new(), studio());
    let cache = studio.desk.path("cache");
    studio.desk = studio.desk.with_environment("XDG_CACHE_HOME", cache);
    let mut window = Window::open(&display, Graphics::Lavapipe, &studio.desk, "pictures/photo.calo");
    window.wait("complete");
    window.quit();
    let mut window = Window::open(&display, Graphics::Lavapipe, &studio.desk, "");
    window.still().keep("recent");
    display.act("mousemove 500 349 click 1");
    window.wait("photo.calo: complete");
    let decoded = whole(&studio.decoded);
    display.act("mousemove 500 770");
    window.key("1", "zoom 1.0");
    window.wait_for("the file that was open before", |screen| shows(screen, &decoded));
    window.quit();
}

/// Paging through many files, some of them broken, leaves memory as it is. CALOTYPE_FILES pages through so many.
#[test]
fn many_files_are_paged_through_in_flat_memory() {
    if !can_show() {
        return;
    }
    let count = std::env::var("CALOTYPE_FILES").map_or(60, |count| count.parse().unwrap());
    let (display, studio) = (Display::new(), studio());
    many_files(&studio, count);
    let mut window = Window::open(&display, Graphics::Lavapipe, &studio.desk, "many");
    window.wait("complete");
    let mut page = |files: usize| {
        (0..files).for_each(|_| drop(window.key("Right", " after ")));
        window.still();
        window.resident_mib()
    };
    // The allocator keeps what was needed at once at the busiest moment; it takes some files until that has come.
    let memory = [count, count, count].map(&mut page);
    println!("{memory:?} MiB after {count} files, twice and three times as many");
    assert!(memory[2] < memory[1] + 16, "{memory:?} MiB");
    window.quit();
}

fn many_files(studio: &Studio, count: usize) {
    let (file, photo) = (studio.desk.read("pictures/photo.calo"), studio.desk.read("pictures/photo.png"));
    std::fs::create_dir(studio.desk.path("many")).unwrap();
    for i in 0..count {
        let (name, bytes) = match i % 4 {
            0 => (format!("many/{i}.png"), &photo[..]),
            1 => (format!("many/{i}.calo"), &file[..file.len() - 1 - i]),
            _ => (format!("many/{i}.calo"), &file[..]),
        };
        studio.desk.write(&name, bytes);
    }
}
