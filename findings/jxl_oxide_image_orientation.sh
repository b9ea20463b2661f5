#!/usr/bin/env bash
# Guess: pixels of `jxl_oxide::integration::JxlDecoder`, turned by what its `ImageDecoder::orientation()` says, stand upright, as with every other
# decoder of the `image` crate.
# Truth: the decoder has already turned the pixels by the orientation of the JPEG XL header, and `orientation()` then repeats what the Exif box
# says. A picture that says "turn by 90 degrees" in both places, comes out turned twice.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
cat > "$folder/Cargo.toml" <<'TOML'
[package]
name = "turned"
version = "0.1.0"
edition = "2021"
[dependencies]
image = { version = "=0.25.10", default-features = false }
jxl-oxide = { version = "=0.12.6", default-features = false, features = ["image"] }
TOML
cat > "$folder/src/main.rs" <<'RUST'
use image::{metadata::Orientation, DynamicImage, ImageDecoder};
fn main() {
    // 12 x 8 pixels of (20 x, 30 y, 100), `cjxl -q 100 -e 3` of a PNG whose Exif says orientation 6; and a box with that Exif.
    let hex = "0000000c4a584c200d0a870a00000014667479706a786c20000000006a786c20000000ae6a786c63ff0a012d10505c120802010060024b12c582055220192c2b9787a8a8aa77b1543cc618ef006ccbd977e993cfc98d3dffe8ddfb051d41c80f1f78f984a51304a9fb6e17db36a70fc68c2b7899be7b1e399eff002c7e0100ac3c8069592866a38c711d8e1be2acab4c2dbc8774957519f30a62604bb5e0d3578de67def666f616fa427043a0cc33076767a84628947061288ca57384218f78b107b04fb0f463aaaf1d3d00bec02";
    let mut file: Vec<u8> = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    let exif = b"\0\0\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let exif_box = [&(exif.len() as u32 + 8).to_be_bytes()[..], b"Exif", exif].concat();
    // Behind the signature and the file type.
    file.splice(32..32, exif_box);
    let mut decoder = jxl_oxide::integration::JxlDecoder::new(&file[..]).unwrap();
    let (size, orientation) = (decoder.dimensions(), decoder.orientation().unwrap());
    let mut image = DynamicImage::from_decoder(decoder).unwrap();
    println!("decoded as {size:?}, top left {:?}, orientation() = {orientation:?}", image.to_rgb8()[(0, 0)].0);
    image.apply_orientation(orientation);
    println!("after apply_orientation {:?}, top left {:?}", (image.width(), image.height()), image.to_rgb8()[(0, 0)].0);
    // Upright it is 8 x 12, and its top left is the stored bottom left (0, 210, 100).
    assert_eq!((size, orientation), ((8, 12), Orientation::Rotate90));
    assert_eq!((image.width(), image.height(), image.to_rgb8()[(0, 0)].0), (12, 8, [220, 210, 100]));
}
RUST
echo "jxl-oxide 0.12.6, image 0.25.10"
cargo run --quiet --release --manifest-path "$folder/Cargo.toml"
echo "as found: turned twice"
