//! The network on the CPU: a scalar oracle and SIMD kernels, bit for bit equal.
//!
//! [`Engine`] runs docs/MODEL.md on the instructions that [`Isa::detect`] finds; [`scalar`] is the same page in plain loops.

mod engine;
mod error;
mod graph;
mod isa;
mod kernels;
mod measure;
mod network;
pub mod scalar;

pub use calotype_engine::{Hyper, Map, TileSize};
pub use engine::Engine;
pub use error::Error;
pub use graph::Graph;
pub use isa::Isa;
pub use measure::{Ceilings, LayerKind, LayerSpeed, Phase, PhaseTimes};
