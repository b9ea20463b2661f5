#!/usr/bin/env bash
# Guess: a decoder that reads baseline JPEG with subsampled chroma reads it whether the colours come in one scan or in a scan each; or refuses what it cannot.
# Truth: zune-jpeg 0.5.15, which the crate image 0.25.10 decodes JPEG with, returns Ok and a green picture for 4:2:0 in scans of one colour
#        (under 10 dB from djpeg's pixels, where the same coefficients in one scan are exact to a few levels). Whoever wants to be safe reads the number of
#        colours of the first scan header and decodes such files otherwise; jpeg-decoder 0.3.2 gets them right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq libjpeg-turbo-progs=1:2.1.5-2 libjpeg62-turbo=1:2.1.5-2
for package in ./*.deb; do dpkg -x "$package" tools; done
export LD_LIBRARY_PATH=$(dirname "$(find tools -name 'libjpeg.so.62*' | head -1)")
bin=tools/usr/bin

# A gradient with a disc; 96 x 64.
awk 'BEGIN { print "P3 96 64 255"; for (y = 0; y < 64; y++) for (x = 0; x < 96; x++) {
    d = (x - 30) ^ 2 + (y - 32) ^ 2 < 400; print d ? 200 : int(x * 2.6), d ? 30 : int(y * 3.9), d ? 30 : 128 } }' >picture.ppm
$bin/cjpeg -quality 95 -sample 2x2 -outfile together.jpg picture.ppm
printf '0;\n1;\n2;\n' >scans.txt
$bin/jpegtran -scans scans.txt -outfile apart.jpg together.jpg
for name in together apart; do $bin/djpeg -outfile $name.ppm $name.jpg; done
cmp together.ppm apart.ppm

mkdir -p decode/src
cat >decode/Cargo.toml <<'TOML'
[package]
name = "decode"
version = "0.0.0"
edition = "2021"
[dependencies]
zune-jpeg = "=0.5.15"
jpeg-decoder = "=0.3.2"
TOML
cat >decode/src/main.rs <<'RUST'
use std::io::Cursor;

fn psnr(a: &[u8], b: &[u8]) -> f64 {
    let sum: f64 = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / sum.max(1e-9)).log10()
}

fn main() {
    let mut found = Vec::new();
    for name in ["together", "apart"] {
        let jpeg = std::fs::read(format!("{name}.jpg")).unwrap();
        let ppm = std::fs::read(format!("{name}.ppm")).unwrap();
        let truth = &ppm[ppm.len() - 96 * 64 * 3..];
        let zune = zune_jpeg::JpegDecoder::new(Cursor::new(&jpeg)).decode().expect("zune-jpeg refuses it now");
        let other = jpeg_decoder::Decoder::new(Cursor::new(&jpeg)).decode().expect("jpeg-decoder refuses it now");
        let [zune, other] = [zune, other].map(|rgb| psnr(&rgb, truth));
        println!("{name}: zune-jpeg 0.5.15 {zune:.1} dB from djpeg, jpeg-decoder 0.3.2 {other:.1} dB");
        found.push((zune > 30.0, other > 30.0));
    }
    assert_eq!(found, [(true, true), (false, true)], "changed");
}
RUST
cargo build --quiet --release --manifest-path decode/Cargo.toml
decode/target/release/decode
