#!/usr/bin/env bash
# Guess: of JPEG XL files of one size a lossless one takes the most memory to decode, as every sample is kept exactly; and a JPEG put into JPEG XL unchanged the
#        least, as it holds nothing but the JPEG's coefficients.
# Truth: jxl-oxide 0.12.6 takes more than twice as much for a lossy picture as for a lossless one, and for a transcoded JPEG as much as for a lossy one.
#        The coding is not in the image header (a lossless and a lossy picture differ in `xyb_encoded`, a transcoded JPEG has it false, as the lossless one):
#        whoever bounds memory by the header must count the most for all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet pillow==12.0.0 pillow-jxl-plugin==1.3.8 numpy==2.3.5
python/bin/python - <<'PYTHON'
import numpy as np
import pillow_jxl  # noqa: F401
from PIL import Image

y, x = np.mgrid[0:2000, 0:2000]
rng = np.random.default_rng(1)
rgb = np.stack([128 + 100 * np.sin(x / 90), 128 + 100 * np.cos(y / 70), (x + y) / 16], 2) + rng.normal(0, 3, (2000, 2000, 3))
picture = Image.fromarray(rgb.clip(0, 255).astype(np.uint8))
picture.save("lossless.jxl", lossless=True)
picture.save("lossy.jxl", quality=90)
picture.save("picture.jpg", quality=90, subsampling=0)
Image.open("picture.jpg").save("transcoded.jxl", lossless_jpeg=True)
PYTHON

mkdir -p decode/src
cat >decode/Cargo.toml <<'TOML'
[package]
name = "decode"
version = "0.0.0"
edition = "2021"
[dependencies]
jxl-oxide = { version = "=0.12.6", default-features = false }
TOML
cat >decode/src/main.rs <<'RUST'
fn main() {
    let image = jxl_oxide::JxlImage::builder().open(std::env::args().nth(1).unwrap()).unwrap();
    let header = &image.image_header().metadata;
    let frame = image.render_frame(0).unwrap();
    let mut stream = frame.stream();
    let mut samples = vec![0u8; (stream.width() * stream.height() * stream.channels()) as usize];
    stream.write_to_buffer(&mut samples);
    println!("{} {}", header.xyb_encoded, samples.iter().map(|&s| u64::from(s)).sum::<u64>() / samples.len() as u64);
}
RUST
cargo build --quiet --release --manifest-path decode/Cargo.toml
python/bin/python - <<'PYTHON'
import os
import subprocess

used = {}
for name in ("lossless", "lossy", "transcoded"):
    process = subprocess.Popen(["decode/target/release/decode", f"{name}.jxl"], stdout=subprocess.PIPE, text=True)
    said = process.stdout.read().split()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    assert status == 0, name
    used[name] = usage.ru_maxrss * 1024 / 2000**2
    print(f"jxl-oxide 0.12.6, {name}: xyb_encoded {said[0]}, mean {said[1]}, {used[name]:.1f} bytes a pixel at most")
assert used["lossy"] > 1.7 * used["lossless"] and used["transcoded"] > 1.7 * used["lossless"], "changed"
PYTHON
