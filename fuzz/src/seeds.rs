//! Writes the first inputs of each fuzz target to `corpus/TARGET/`: `cargo run --bin seeds`.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use calotype::{Channels, EncodeOptions, Metadata, Picture, Quality, Samples};
use image::{DynamicImage, ImageFormat};

fn main() -> std::io::Result<()> {
    let (decoder, encoder) = calotype_fuzz::model();
    seed("model", "decoder", &decoder)?;
    seed("model", "encoder", &encoder)?;
    for (number, file) in files().iter().enumerate() {
        for target in ["container", "decode"] {
            seed(target, &number.to_string(), file)?;
        }
    }
    for (name, image) in images() {
        seed("input", &name, &image)?;
    }
    seed("rans", "zeros", &[0; 16])?;
    seed("plane", "zeros", &[0; 16])
}

fn seed(target: &str, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), bytes)
}

/// Small files of all kinds.
fn files() -> Vec<Vec<u8>> {
    let codec = calotype_fuzz::codec();
    let kinds = [
        (Channels::Rgb, 8, 10, 30, 20),
        (Channels::Rgba, 8, 6, 70, 65),
        (Channels::GreyAlpha, 16, 10, 17, 5),
        (Channels::Grey, 8, 10, 1, 1),
        (Channels::Rgba, 8, 6, 3, 150),
    ];
    let file = |(channels, depth, tile_log2, width, height): (Channels, u8, u8, u32, u32)| {
        let samples = (0..width * height * channels.count() as u32).map(|i| (i * 977 % 65_521) as u16);
        let samples = if depth == 8 { Samples::U8(samples.map(|sample| sample as u8).collect()) } else { Samples::U16(samples.collect()) };
        let picture = Picture::new(width, height, channels, samples).expect("samples of a picture");
        let metadata = Metadata { icc: Some(vec![1; 20]), cicp: Some([1, 13, 0, 1]), exif: Some(b"II*\0".to_vec()), xmp: None };
        let options = EncodeOptions { quality: Quality::default(), tile_log2, ..EncodeOptions::default() };
        codec.encode_picture(&picture, &metadata, &options).expect("a picture").bytes
    };
    kinds.into_iter().map(file).collect()
}

fn images() -> Vec<(String, Vec<u8>)> {
    let rgb = image::RgbImage::from_fn(20, 15, |x, y| image::Rgb([x as u8 * 9, y as u8 * 11, 7]));
    let rgba = DynamicImage::from(rgb.clone()).into_rgba16();
    let formats = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Tiff, ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Pnm];
    let written = |image: &DynamicImage, format| {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).expect("a format");
        bytes.into_inner()
    };
    let mut images: Vec<(String, Vec<u8>)> =
        formats.into_iter().map(|format| (format!("{format:?}"), written(&rgb.clone().into(), format))).collect();
    images.push(("deep.png".into(), written(&rgba.clone().into(), ImageFormat::Png)));
    images.push(("deep.tif".into(), written(&rgba.into(), ImageFormat::Tiff)));
    images
}
