//! The network on the CPU: a scalar oracle and SIMD kernels, bit for bit equal.
//!
//! [`Engine`] runs docs/MODEL.md on the instructions that [`Isa::detect`] finds; [`scalar`] is the same page in plain loops.

mod engine;
mod error;
mod graph;
mod isa;
mod kernels;
mod map;
mod network;
pub mod scalar;

pub use engine::Engine;
pub use error::Error;
pub use isa::Isa;
pub use map::{Hyper, Map, TileSize};
