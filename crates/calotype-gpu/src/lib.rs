//! The network on any GPU: WGSL compute shaders on wgpu, bit for bit equal to the CPU engine.
//!
//! [`adapters`] lists what there is, [`choose`] takes one, [`Engine`] runs docs/MODEL.md on it.

#![forbid(unsafe_code)]

mod adapter;
mod clock;
mod commands;
mod engine;
mod error;
mod gpu;
mod layers;
mod measure;
mod network;
mod packed;
mod pool;
mod tuning;
#[cfg(test)]
mod twins;

pub use adapter::{Adapter, AdapterFacts, Choice, adapters, any_device, choose};
pub use calotype_engine::AdapterKind;
pub use engine::{Encoding, Engine, Latents, Options};
pub use error::Error;
pub use gpu::Failure;
pub use network::{AtQuality, HyperBuffers, Piece};
