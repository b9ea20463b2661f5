//! What the engines share: maps, rectangles, symbols, measurements, and the trait [`Engine`] that each of them is.

#![forbid(unsafe_code)]

mod adapter;
mod engine;
mod map;
pub mod measure;
mod quantiser;
mod rects;

pub use adapter::AdapterKind;
pub use engine::Engine;
pub use map::{EncodeTables, Hyper, Map, PixelRows, Placed, Rect, Side, TileSize, TileSymbols};
pub use quantiser::Quantiser;
pub use rects::{assemble, crop, padded, padded_area};
