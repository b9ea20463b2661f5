//! Any bytes as a part of a model; one that is accepted decodes a file without overflow.
#![no_main]

use std::sync::LazyLock;

use calotype::{Codec, DecodeOptions, Decoder, EncodeOptions, Isa, RgbImage};
use libfuzzer_sys::fuzz_target;

static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let rgb: Vec<u8> = (0..40 * 30 * 3).map(|i| (i * 7) as u8).collect();
    let image = RgbImage::new(40, 30, &rgb).expect("a picture");
    calotype_fuzz::codec().encode(&image, &EncodeOptions::default()).expect("a picture").bytes
});

fuzz_target!(|bytes: &[u8]| {
    let _ = calotype_model::Encoder::from_safetensors(bytes);
    let Ok(decoder) = calotype_model::Decoder::from_safetensors(bytes) else { return };
    let Ok(codec) = Codec::from_parts(bytes, None, Some(Isa::Portable)) else { return };
    let mut file = FILE.clone();
    file[16..24].copy_from_slice(&decoder.id);
    let file = calotype_fuzz::mended(&file);
    let _ = Decoder::new(&file, &DecodeOptions::default()).and_then(|file| file.decode(&codec));
});
