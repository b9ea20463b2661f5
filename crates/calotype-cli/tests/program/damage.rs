//! Damaged files: truncated and with flipped bits.

use crate::harness::{Desk, ppm};

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
