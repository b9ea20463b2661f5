//! The models inside the program: the bytes of their files (docs/MODEL.md section 8).

#![forbid(unsafe_code)]

/// The two parts of a model.
#[derive(Clone, Copy, Debug)]
pub struct ModelFiles {
    /// `NAME.decoder.safetensors`.
    pub decoder: &'static [u8],
    /// `NAME.encoder.safetensors`.
    pub encoder: &'static [u8],
}

/// `fast`, the model that is used unless another one is asked for.
pub const FAST: ModelFiles = ModelFiles {
    decoder: include_bytes!("../models/fast.decoder.safetensors"),
    encoder: include_bytes!("../models/fast.encoder.safetensors"),
};
