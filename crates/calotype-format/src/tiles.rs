//! The grid of tiles (FORMAT.md section 4).

use crate::Header;

/// A tile's place in what is coded ([`Header::coded_extent`]), in pixels; multiples of the tile side but for width and height at the right and bottom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileRect {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// At least 1.
    pub width: u32,
    /// At least 1.
    pub height: u32,
}

impl Header {
    /// The tiles in raster order; there are [`tile_count`](Header::tile_count).
    pub fn tiles(&self) -> impl Iterator<Item = TileRect> + use<> {
        let ((width, height), log2) = (self.coded_extent(), self.tile_log2);
        let columns = steps(width, log2);
        steps(height, log2).flat_map(move |(y, height)| columns.clone().map(move |(x, width)| TileRect { x, y, width, height }))
    }

    /// `ceil(width/T) * ceil(height/T)` of what is coded; cannot overflow where `tile_log2` is valid.
    pub fn tile_count(&self) -> u64 {
        self.tile_columns().saturating_mul(self.tiles_along(self.coded_extent().1))
    }

    /// `ceil(width/T)`, the tiles in a row.
    pub fn tile_columns(&self) -> u64 {
        self.tiles_along(self.coded_extent().0)
    }

    fn tiles_along(&self, pixels: u32) -> u64 {
        u64::from(pixels).div_ceil(1 << self.tile_log2.min(32))
    }
}

/// Beginning and length of each tile along one axis.
fn steps(pixels: u32, log2: u8) -> impl Iterator<Item = (u32, u32)> + Clone {
    let side = 1_u64 << log2.min(32);
    let count = u64::from(pixels).div_ceil(side);
    (0..count).map(move |tile| {
        let begin = tile * side;
        (begin as u32, side.min(u64::from(pixels) - begin) as u32)
    })
}
