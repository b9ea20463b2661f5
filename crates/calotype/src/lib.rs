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
mod memory;
mod metadata;
mod models;
#[cfg(not(feature = "gpu"))]
mod no_gpu;
mod picture;
mod picture_bands;
mod quality;
mod search;
mod shrink;
mod symbol_cache;
mod transparent;
mod window;

pub use bands::{Band, Bands};
/// The CPU engine: what [`Codec::cpu`] is, and what it says of its speed.
pub use calotype_cpu as cpu;
pub use calotype_cpu::Isa;
pub use calotype_format::Fault;
/// The GPU engine: what [`Codec::gpu`] is, and what it says of its speed.
#[cfg(feature = "gpu")]
pub use calotype_gpu as gpu;
pub use codec::Codec;
pub use decode::{DEFAULT_MAX_MEMORY, DEFAULT_MAX_PIXELS, DecodeOptions, Decoder, Info};
pub use encode::{DEFAULT_DEAD_ZONE, DEFAULT_TILE_LOG2, EncodeOptions, Encoded, padded_pixels};
pub use engine::gpu::AdapterKind;
#[doc(hidden)]
pub use engine::gpu::Failure as GpuFailure;
pub use engine::{EngineChoice, EngineFacts, EngineKind, GpuFacts, gpus, remember_in};
pub use error::{EngineFault, Error, Malformation, Unsupported, Usage, about, exact};
pub use exposure::{Developed, Exposure, Goal, Hit};
pub use incremental::Incremental;
pub use inside::Inside;
pub use metadata::Metadata;
pub use models::{ModelFacts, ModelId, embedded_models};
pub use picture::{Channels, Image, Picture, Region, RgbImage, Samples, Shape};
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
