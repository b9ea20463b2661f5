#!/usr/bin/env bash
# moxcms 0.8.1: `ColorProfile::encode`.
# The guess: a profile that is made by the same calls, or parsed from the same bytes, encodes to the same bytes, and keeps the date of its header
# (`creation_date_time` is a public field).
# The truth: the header gets the time of the call; the field is ignored. Two encodings a second apart differ, in bytes 24 to 35 alone.
# So files with such a profile are not reproducible unless those bytes are overwritten.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2024"
[dependencies]
moxcms = "=0.8.1"
TOML
cat > src/main.rs <<'RUST'
fn main() {
    let profile = moxcms::ColorProfile::new_display_p3();
    let first = profile.encode().unwrap();
    let parsed = moxcms::ColorProfile::new_from_slice(&first).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let second = parsed.encode().unwrap();
    let differing: Vec<usize> = (0..first.len().max(second.len())).filter(|&at| first.get(at) != second.get(at)).collect();
    println!("lengths {} and {}; bytes that differ: {differing:?}", first.len(), second.len());
    let date = |icc: &[u8]| icc[24..36].chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect::<Vec<_>>();
    println!("dates {:?} and {:?}; the field of the second before encoding: {:?}", date(&first), date(&second), parsed.creation_date_time);
    assert!(!differing.is_empty() && differing.iter().all(|at| (24..36).contains(at)), "this has changed");
}
RUST
cargo --version
cargo tree --quiet --depth 1 2>/dev/null | grep moxcms
cargo run --quiet
