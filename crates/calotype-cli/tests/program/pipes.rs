//! `-` is a pipe.

use crate::harness::{Desk, sample};

#[test]
fn pipes_carry_what_files_hold() {
    let desk = Desk::new();
    let original = std::fs::read(sample("SAMPLE.png")).unwrap();
    desk.json("encode SAMPLE -o a.calo --json");
    let encoded = desk.run_with("encode - -o -", &original);
    assert_eq!(encoded.code, 0, "{}", encoded.stderr);
    assert_eq!(encoded.stdout, desk.read("a.calo"));
    desk.json("decode a.calo -o a.ppm --json");
    let decoded = desk.run_with("decode - -o -", &encoded.stdout);
    assert_eq!(decoded.code, 0, "{}", decoded.stderr);
    assert_eq!(decoded.stdout, desk.read("a.ppm"));
    let again = desk.run_with("encode - -o -", &decoded.stdout);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(desk.run_with("info -", &encoded.stdout).code, 0);
}

#[test]
fn empty_and_wrong_pipes_are_refused() {
    let desk = Desk::new();
    for line in ["encode - -o -", "decode - -o -", "info -"] {
        for input in [&b""[..], b"P6", b"what is this"] {
            let run = desk.run_with(line, input);
            assert_eq!((run.code, run.stdout.len()), (1, 0), "{line}: {}", run.stderr);
            assert_eq!(run.stderr.trim_end().lines().count(), 1, "{line}: {}", run.stderr);
        }
    }
}
