//! The default model, from the repository's assets.

use std::path::Path;

use calotype_model::{Decoder, Encoder, Model};

/// Reads it.
pub fn model() -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/models");
    let read = |part: &str| std::fs::read(folder.join(format!("fast.{part}.safetensors"))).expect("a file of the repository");
    let decoder = Decoder::from_safetensors(&read("decoder")).expect("sound");
    let encoder = Encoder::from_safetensors(&read("encoder")).expect("sound");
    Model::new(decoder, Some(encoder)).expect("of one model")
}
