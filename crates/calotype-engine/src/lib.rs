//! What the engines share: maps, rectangles, symbols, measurements.

#![forbid(unsafe_code)]

mod map;
pub mod measure;
mod quantiser;
mod rects;

pub use map::{EncodeTables, Hyper, Map, PixelRows, Rect, TileSize, TileSymbols};
pub use quantiser::Quantiser;
pub use rects::{assemble, crop, pixels_of};
