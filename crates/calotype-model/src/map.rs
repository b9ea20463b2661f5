//! Feature maps and the sizes that go with them.

/// A map `[height][width][channels]`, channels innermost (NHWC).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map<T> {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
    /// `height * width * channels` elements.
    pub data: Vec<T>,
}

/// The size of a tile in latents (1/16 of its pixels, rounded up).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileSize {
    /// Rows.
    pub lh: usize,
    /// Columns.
    pub lw: usize,
}

/// What the hyper synthesis says about a tile's latents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hyper {
    /// h as codes, `[lh, lw, P]`.
    pub h8: Map<i8>,
    /// The CDF table of each y symbol, `[lh, lw, M]`.
    pub scale_index: Vec<u8>,
}

impl<T: Copy + Default> Map<T> {
    /// A map of zeros.
    pub fn zeros(height: usize, width: usize, channels: usize) -> Map<T> {
        Map { height, width, channels, data: vec![T::default(); height * width * channels] }
    }

    /// Rows `y0..y0 + height` and columns `x0..x0 + width`, which must lie inside the map.
    pub fn crop(&self, (y0, x0): (usize, usize), (height, width): (usize, usize)) -> Map<T> {
        let rows = (y0..y0 + height).flat_map(|y| &self.data[self.index(y, x0)..][..width * self.channels]);
        Map { height, width, channels: self.channels, data: rows.copied().collect() }
    }
}

impl<T> Map<T> {
    /// The channels at row y, column x.
    pub fn at(&self, y: usize, x: usize) -> &[T] {
        let index = self.index(y, x);
        &self.data[index..index + self.channels]
    }

    /// The channels at row y, column x, to write.
    pub fn at_mut(&mut self, y: usize, x: usize) -> &mut [T] {
        let index = self.index(y, x);
        &mut self.data[index..index + self.channels]
    }

    fn index(&self, y: usize, x: usize) -> usize {
        debug_assert!(y < self.height && x < self.width);
        (y * self.width + x) * self.channels
    }
}

impl TileSize {
    /// Rows and columns of the tile's hyper-latents.
    pub fn hyper(self) -> (usize, usize) {
        (self.lh.div_ceil(4), self.lw.div_ceil(4))
    }
}
