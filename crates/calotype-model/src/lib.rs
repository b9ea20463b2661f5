//! Model files: weights, tables, integer semantics, overflow proof (docs/MODEL.md).
//!
//! A [`Decoder`] turns coded symbols into pixels, an [`Encoder`] pixels into latents; [`Model`] pairs them.
//! Loading checks everything that the engines rely on: sizes, ranges, tables, and that no accumulator can overflow.

#![forbid(unsafe_code)]

mod chain;
mod check;
mod config;
mod error;
mod forms;
mod layers;
mod load;
mod network_json;
mod parts;
mod quality_scale;
mod schedule;
pub mod synthetic;
mod tables;
mod tensors;
mod write;

pub use chain::{Chain, Input, Layer, RowTable, Stage};
pub use config::Config;
pub use error::Error;
pub use forms::HYPER;
pub use layers::{Block, Depthwise, Pointwise, Wide};
pub use parts::{Decoder, Encoder, Model};
pub use quality_scale::QualityScale;
pub use schedule::{Cell, Schedule, Step};
pub use tables::{GainTable, KNOTS, LARGEST_FINENESS, QualityTables, Tables, WidthTables};
pub use tensors::Tensor;

/// The version of MODEL.md's arithmetic that this crate implements.
pub const SEMANTICS_VERSION: u32 = 2;
