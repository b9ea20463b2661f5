//! Feature maps, and the sizes and parts of pictures that go with them.

use calotype_model::QualityTables;

use crate::Quantiser;

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

/// The size of a tile in latents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileSize {
    /// Rows.
    pub lh: usize,
    /// Columns.
    pub lw: usize,
}

/// What the hyper synthesis says about a tile's latents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hyper<S = Side> {
    /// What setting the latents takes, where an engine has it.
    pub side: S,
    /// The CDF table of each y symbol, `[lh, lw, M]`.
    pub scale_index: Vec<u8>,
}

/// The side information of a tile: what setting its latents takes beside their symbols.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// h as codes, `[lh, lw, P]`.
    pub h8: Map<i8>,
    /// The width of the quantiser of each latent, an index, `[lh, lw, M]`; empty where all are 1.
    pub width_index: Vec<u8>,
}

/// A rectangle of a picture's latents, or of its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rect {
    /// The first row.
    pub y: usize,
    /// The first column.
    pub x: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

/// What a tile holds, and where the tile is.
#[derive(Debug)]
pub struct Placed<'a, T> {
    /// The tile's latents in the picture.
    pub place: Rect,
    /// What it holds.
    pub tile: &'a T,
}

/// Some rows of a picture's pixels.
#[derive(Debug, Clone, Copy)]
pub struct PixelRows<'a> {
    /// Pixels in a row.
    pub width: usize,
    /// Rows of the whole picture.
    pub height: usize,
    /// The first row that is here.
    pub top: usize,
    /// RGB bytes, row by row.
    pub rgb: &'a [u8],
}

/// What an encoder makes of a tile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileSymbols {
    /// z symbols `[zh, zw, Z]`.
    pub z: Vec<i16>,
    /// y symbols `[lh, lw, M]`.
    pub y: Vec<i16>,
    /// The CDF table of each y symbol.
    pub scale_index: Vec<u8>,
}

/// What encoding at a quality needs beside the weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeTables {
    /// The decoder's tables.
    pub quality: QualityTables,
    /// `Encoder::gain_z` at the quality.
    pub gain_z: Vec<i16>,
    /// How symbols are rounded.
    pub quantiser: Quantiser,
}

impl<T> Clone for Placed<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Placed<'_, T> {}

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
    /// Up to `count` rows from row `first` on.
    pub fn some_rows(&self, first: usize, count: usize) -> &[T] {
        let row = self.width * self.channels;
        &self.data[first * row..(first + count).min(self.height) * row]
    }

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

impl Rect {
    /// The latents of a picture of (width, height) pixels, each of `stride` x `stride` of them.
    pub fn of_picture((width, height): (usize, usize), stride: usize) -> Rect {
        Rect { y: 0, x: 0, height: height.div_ceil(stride), width: width.div_ceil(stride) }
    }

    /// The pixels of these latents, each of `stride` x `stride`, as far as a picture of (width, height) pixels has them.
    pub fn pixels(self, (width, height): (usize, usize), stride: usize) -> Rect {
        let [y, x] = [stride * self.y, stride * self.x];
        Rect { y, x, height: (stride * self.bottom()).min(height) - y, width: (stride * self.right()).min(width) - x }
    }

    /// Its size, as a tile.
    pub fn size(self) -> TileSize {
        TileSize { lh: self.height, lw: self.width }
    }

    /// The latents that its hyper-latents cover: rows and columns rounded up to multiples of 4.
    pub fn padded(self) -> Rect {
        Rect { height: self.height.next_multiple_of(4), width: self.width.next_multiple_of(4), ..self }
    }

    /// `by` latents more on all sides, as far as they are in `whole`.
    pub fn widened(self, by: usize, whole: Rect) -> Rect {
        let (y, x) = (self.y.saturating_sub(by).max(whole.y), self.x.saturating_sub(by).max(whole.x));
        let (bottom, right) = ((self.bottom() + by).min(whole.bottom()), (self.right() + by).min(whole.right()));
        Rect { y, x, height: bottom - y, width: right - x }
    }

    /// The latents of both; `None` if there are none.
    pub fn intersection(self, other: Rect) -> Option<Rect> {
        let (y, x) = (self.y.max(other.y), self.x.max(other.x));
        let (bottom, right) = (self.bottom().min(other.bottom()), self.right().min(other.right()));
        (y < bottom && x < right).then(|| Rect { y, x, height: bottom - y, width: right - x })
    }

    /// The row after the last.
    pub fn bottom(self) -> usize {
        self.y + self.height
    }

    /// The column after the last.
    pub fn right(self) -> usize {
        self.x + self.width
    }
}

impl<'a> PixelRows<'a> {
    /// A whole picture.
    pub fn whole(rgb: &'a [u8], width: usize, height: usize) -> PixelRows<'a> {
        assert_eq!(rgb.len(), width * height * 3, "bytes of the picture");
        PixelRows { width, height, top: 0, rgb }
    }

    /// Row y of the picture's pixels, replicated downwards. Panics if it is not among these.
    pub fn row(&self, y: usize) -> &'a [u8] {
        let place = y.min(self.height - 1) - self.top;
        &self.rgb[place * self.width * 3..][..self.width * 3]
    }
}
