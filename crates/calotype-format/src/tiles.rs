//! Rectangles of pixels, and the grid of tiles (FORMAT.md section 4).

use crate::Header;

/// A rectangle of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The first column.
    pub x: u32,
    /// The first row.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Region {
    /// Whether `other` lies inside and is not empty.
    pub fn contains(&self, other: Region) -> bool {
        let inside = |begin: u32, length: u32, from: u32, size: u32| {
            size > 0 && from >= begin && u64::from(from) + u64::from(size) <= u64::from(begin) + u64::from(length)
        };
        inside(self.x, self.width, other.x, other.width) && inside(self.y, self.height, other.y, other.height)
    }
}

impl Header {
    /// Where the tiles lie in what is coded ([`Header::coded_extent`]), in raster order; there are [`tile_count`](Header::tile_count). Their sides are
    /// those of tiles, but at the right and at the bottom.
    pub fn tiles(&self) -> impl Iterator<Item = Region> + use<> {
        let ((width, height), log2) = (self.coded_extent(), self.tile_log2);
        let columns = steps(width, log2);
        steps(height, log2).flat_map(move |(y, height)| columns.clone().map(move |(x, width)| Region { x, y, width, height }))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_lie_inside_or_not() {
        let picture = Region { x: 0, y: 0, width: u32::MAX, height: 5 };
        let row = |x, width| Region { x, y: 4, width, height: 1 };
        assert!(picture.contains(picture) && picture.contains(row(7, u32::MAX - 7)));
        assert!(
            ![row(7, u32::MAX - 6), row(7, u32::MAX), row(0, 0), Region { y: 5, ..row(0, 1) }].iter().any(|out| picture.contains(*out))
        );
    }
}
