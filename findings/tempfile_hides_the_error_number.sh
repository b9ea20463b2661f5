#!/usr/bin/env bash
# Guess: `Builder::tempfile_in` of the crate `tempfile` fails with the system's own `io::Error`, so `raw_os_error()` tells why.
# Truth: it wraps the error to name the temporary path. The kind stays, the number is gone, and the text names a random file that nobody asked
#        for. `Builder::make_in` in the same folder keeps the number and names nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "numbers"
version = "0.1.0"
edition = "2024"
[dependencies]
tempfile = "=3.27.0"
TOML
cat > src/main.rs <<'RUST'
use std::fs::File;

use tempfile::Builder;

fn main() {
    let missing = std::path::Path::new("no such folder");
    let wrapped = Builder::new().tempfile_in(missing).unwrap_err();
    let plain = Builder::new().make_in(missing, |path| File::create(path)).unwrap_err();
    println!("tempfile_in: {:?}, number {:?}, names a path: {}", wrapped.kind(), wrapped.raw_os_error(), wrapped.to_string().contains("no such folder"));
    println!("make_in:     {:?}, number {:?}, names a path: {}", plain.kind(), plain.raw_os_error(), plain.to_string().contains("no such folder"));
}
RUST
cargo build --quiet --release
found=$(target/release/numbers)
printf 'tempfile 3.27.0\n%s\n' "$found"
[ "$found" = "tempfile_in: NotFound, number None, names a path: true
make_in:     NotFound, number Some(2), names a path: false" ] || { echo "changed" >&2; exit 1; }
