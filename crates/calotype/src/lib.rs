//! Calotype, a learned image codec: encode and decode .calo files.
//!
//! ```
//! use calotype::{DecodeOptions, EncodeOptions, Quality, RgbImage};
//!
//! let rgb = vec![200_u8; 40 * 30 * 3];
//! let image = RgbImage::new(40, 30, &rgb)?;
//! let encoded = calotype::encode(&image, &EncodeOptions { quality: Quality::new(80.0)?, ..Default::default() })?;
//! let decoded = calotype::decode(&encoded.bytes, &DecodeOptions::default())?;
//! assert_eq!((decoded.width, decoded.height), (40, 30));
//! # Ok::<(), calotype::Error>(())
//! ```
//!
//! [`Picture`] holds grey, alpha and 16 bits, [`Metadata`] what else comes with a picture: [`Codec::encode_picture`], [`Decoder::picture`].
//! A [`Codec`] keeps a loaded model and its engine for many images. [`Decoder`] tells what a file holds before any pixel is decoded; it
//! decodes bands of rows, regions, and what the first bytes of a file hold ([`Incremental`]). An [`Exposure`] meets sizes and measures.
//! The file format is docs/FORMAT.md, the arithmetic docs/MODEL.md.

#![forbid(unsafe_code)]

mod alpha;
mod bands;
mod choice;
mod coarse;
mod codec;
mod decode;
mod encode;
mod engine;
mod entropy;
mod error;
mod exposure;
mod fold;
mod incremental;
mod inside;
mod log;
mod memory;
mod metadata;
mod model_id;
mod models;
mod picture;
mod picture_bands;
mod quality;
mod region;
mod search;
mod shrink;
#[cfg(feature = "gpu")]
mod slot;
mod symbol_cache;
mod tile;
mod transparent;

pub use bands::{Band, Bands};
/// The CPU engine: what [`Codec::cpu`] is, and what it says of its speed.
pub use calotype_cpu as cpu;
pub use calotype_cpu::Isa;
pub use calotype_engine::AdapterKind;
pub use calotype_format::{Fault, Region};
/// The GPU engine: what [`Codec::gpu`] is, and what it says of its speed.
#[cfg(feature = "gpu")]
pub use calotype_gpu as gpu;
#[doc(hidden)]
#[cfg(feature = "gpu")]
pub use calotype_gpu::Failure as GpuFailure;
pub use choice::{EngineChoice, EngineFacts, EngineKind, GpuFacts};
pub use codec::Codec;
pub use decode::{DEFAULT_MAX_PIXELS, DecodeOptions, Decoder, Info};
pub use encode::{DEFAULT_DEAD_ZONE, DEFAULT_TILE_LOG2, EncodeOptions, Encoded, padded_pixels};
pub use engine::{gpus, remember_in};
pub use error::{EngineFault, Error, Malformation, Unsupported, Usage, about, exact};
pub use exposure::{Developed, Exposure, Goal, Hit, SIZE_WITHIN};
pub use incremental::Incremental;
pub use inside::Inside;
pub use memory::{DEFAULT_MAX_MEMORY, has_memory};
pub use metadata::Metadata;
pub use model_id::ModelId;
pub use models::{ModelFacts, embedded_models};
pub use picture::{Channels, Image, Picture, RgbImage, Samples, Shape};
pub use picture_bands::PictureBands;
pub use quality::Quality;
pub use shrink::scaled;

/// Encodes an image with the embedded model on the fastest engine of this machine.
///
/// # Errors
/// As [`Codec::encode`].
pub fn encode(image: &RgbImage<'_>, options: &EncodeOptions) -> Result<Encoded, Error> {
    Codec::new(None)?.encode(image, options)
}

/// Decodes a whole `.calo` file of an embedded model on the fastest engine of this machine.
///
/// # Errors
/// As [`Decoder::new`] and [`Decoder::decode`].
pub fn decode(bytes: &[u8], options: &DecodeOptions) -> Result<Image, Error> {
    let decoder = Decoder::new(bytes, options)?;
    decoder.decode(&Codec::decode_only(None)?)
}
