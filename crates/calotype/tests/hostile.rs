//! Small files of every kind, cut at every byte and with every bit flipped: an error, or the same picture.

use calotype::{Channels, Codec, DecodeOptions, Decoder, EncodeOptions, Error, Isa, Metadata, Picture, Quality, Samples};
use calotype_model::synthetic;

fn codec() -> Codec {
    let (decoder, encoder) = synthetic::pair(&synthetic::tiny(), 7);
    Codec::from_parts(&decoder.to_safetensors().unwrap(), Some(&encoder.to_safetensors().unwrap()), Some(Isa::detect())).unwrap()
}

fn picture(width: u32, height: u32, channels: Channels, depth: u8) -> Picture {
    let sample = |i: usize| (i * 777 / channels.count()) as u16;
    let samples = (0..width as usize * height as usize * channels.count()).map(sample);
    let samples =
        if depth == 16 { Samples::U16(samples.collect()) } else { Samples::U8(samples.map(|sample| (sample >> 8) as u8).collect()) };
    Picture::new(width, height, channels, samples).unwrap()
}

/// One pixel; odd sizes; several tiles; grey with alpha; 16 bits with alpha; metadata; a flat and a steep picture.
fn files(codec: &Codec) -> Vec<(&'static str, Vec<u8>)> {
    let plain = Metadata::default();
    let metadata =
        Metadata { icc: Some(b"profile".to_vec()), cicp: Some([9, 16, 0, 1]), exif: Some(b"II*\0".to_vec()), xmp: Some(b"<x/>".to_vec()) };
    let kinds = [
        ("one pixel", picture(1, 1, Channels::Rgb, 8), &plain, 10, 50.0),
        ("odd size", picture(33, 17, Channels::Rgb, 8), &plain, 10, 70.0),
        ("tiles", picture(97, 70, Channels::Rgb, 8), &plain, 6, 20.0),
        ("grey and alpha", picture(20, 9, Channels::GreyAlpha, 8), &plain, 10, 40.0),
        ("16 bits and alpha", picture(15, 22, Channels::Rgba, 16), &plain, 10, 60.0),
        ("metadata", picture(24, 24, Channels::Grey, 8), &metadata, 10, 30.0),
        ("folded", picture(900, 9, Channels::GreyAlpha, 8), &plain, 6, 40.0),
        ("best quality", picture(16, 16, Channels::Rgb, 8), &plain, 6, 100.0),
    ];
    let file = |(name, picture, metadata, tile_log2, percent): (_, Picture, &Metadata, u8, f64)| {
        let options = EncodeOptions { tile_log2, quality: Quality::new(percent).unwrap(), ..EncodeOptions::default() };
        (name, codec.encode_picture(&picture, metadata, &options).unwrap().bytes)
    };
    kinds.into_iter().map(file).collect()
}

fn decode(codec: &Codec, bytes: &[u8]) -> Result<Picture, Error> {
    Decoder::new(bytes, &DecodeOptions::default())?.picture(codec)
}

#[test]
fn every_cut_is_an_error() {
    let codec = codec();
    for (name, bytes) in files(&codec) {
        for length in 0..bytes.len() {
            assert!(decode(&codec, &bytes[..length]).is_err(), "{name} cut at {length}");
        }
        assert!(decode(&codec, &bytes).is_ok(), "{name}");
    }
}

#[test]
fn every_flipped_bit_is_an_error_or_changes_nothing() {
    let codec = codec();
    let files = files(&codec);
    for (name, bytes) in &files {
        let whole = decode(&codec, bytes).unwrap();
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let harmless = decode(&codec, &flipped).map_or(true, |picture| picture == whole);
            assert!(harmless, "{name}, bit {bit}");
        }
    }
    println!("{} files, {} bits", files.len(), files.iter().map(|(_, bytes)| 8 * bytes.len()).sum::<usize>());
}

/// A prefix is not protected by all checksums: what it shows may be wrong, but it neither panics nor takes more memory.
#[test]
fn every_flipped_bit_of_a_prefix_is_shown_or_refused() {
    let codec = codec();
    for (name, bytes) in files(&codec) {
        let prefix = &bytes[..bytes.len() - 3];
        for bit in 0..8 * prefix.len() {
            let mut flipped = prefix.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(decoder) = Decoder::partial(&flipped, &DecodeOptions::default()) {
                let shown = decoder.picture(&codec);
                assert!(shown.is_ok() || matches!(shown, Err(Error::Malformed { .. })), "{name}, bit {bit}: {shown:?}");
            }
        }
    }
}
