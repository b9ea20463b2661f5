#!/usr/bin/env bash
# image 0.25.10: BigTIFF in `guess_format` and `load_from_memory`.
# The guess: what `ImageFormat::Tiff`'s decoder reads, `load_from_memory` reads, too.
# The truth: the decoder reads BigTIFF ("II+\0"), but the guess by the first bytes knows only "II*\0" and "MM\0*": the format "could not be determined".
# A reader that goes by content must look for BigTIFF itself.
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
image = { version = "=0.25.10", default-features = false, features = ["tiff"] }
tiff = "=0.11.3"
TOML
cat > src/main.rs <<'RUST'
use std::io::Cursor;
fn main() {
    let mut file = Cursor::new(Vec::new());
    let mut encoder = tiff::encoder::TiffEncoder::new_big(&mut file).unwrap();
    encoder.write_image::<tiff::encoder::colortype::Gray8>(2, 1, &[7, 200]).unwrap();
    let bytes = file.into_inner();
    let named = image::load_from_memory_with_format(&bytes, image::ImageFormat::Tiff);
    let (guess, loaded) = (image::guess_format(&bytes), image::load_from_memory(&bytes));
    println!("named as TIFF: {:?}", named.as_ref().map(|image| image.as_bytes().to_vec()));
    println!("guess_format: {guess:?}");
    println!("load_from_memory: {:?}", loaded.as_ref().map(|_| ()));
    assert_eq!(named.unwrap().as_bytes(), [7, 200]);
    assert!(guess.is_err() && loaded.is_err(), "this has changed");
}
RUST
cargo --version
cargo tree --quiet --depth 1 2>/dev/null | grep -E "image|tiff"
cargo run --quiet
