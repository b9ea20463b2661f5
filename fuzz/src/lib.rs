//! What the fuzz targets share: checksums made to fit, so that mutations get past them, and a small model.

use calotype::{Codec, Isa};
use calotype_model::synthetic;

#[path = "../../crates/calotype/tests/mended/mod.rs"]
mod of_files;

pub use of_files::mended;

/// The parts of a small model with weights at random, always the same.
pub fn model() -> (Vec<u8>, Vec<u8>) {
    let (decoder, encoder) = synthetic::pair(&synthetic::tiny(), 7);
    (decoder.to_safetensors().expect("a synthetic model"), encoder.to_safetensors().expect("a synthetic model"))
}

/// That model, to decode and to encode.
pub fn codec() -> Codec {
    let (decoder, encoder) = model();
    Codec::from_parts(&decoder, Some(&encoder), Some(Isa::detect())).expect("a synthetic model")
}
