//! Pictures as the view draws them: patches of pixels, each with smaller copies of itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use calotype::gpu::Piece;
use calotype::{Band, Image, Region};
use rayon::prelude::*;

/// Rows of a patch that is cut from a picture.
const PATCH_ROWS: u32 = 1024;
/// A smaller copy that is enlarged by so little is as good as the larger one made smaller, which has four times the pixels.
const MOST_ENLARGED: f64 = 1.06;
/// Smaller copies end where a side would be smaller.
const LEAST_SIDE: u32 = 64;

/// Pixels of a region at its full size, halved, and so on.
#[derive(Debug)]
pub struct Patch {
    /// Tells patches apart.
    pub id: u64,
    /// What of the picture it shows.
    pub region: Region,
    /// The first level's pixels stand for `reduction` x `reduction` of the picture's.
    pub reduction: u32,
    /// Where the GPU that draws the window has developed them.
    pub texture: Option<wgpu::Texture>,
    /// From the largest; sides are halved and rounded up. What has a texture has no more than the first, and that later.
    levels: OnceLock<Vec<Image>>,
}

/// A picture: patches lie on those before them.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// From the bottom of the pile.
    pub patches: Vec<Arc<Patch>>,
}

impl Patch {
    /// Of an image that shows `region`, each of its pixels `reduction` x `reduction` of the picture's.
    pub fn new(region: Region, image: Image, reduction: u32) -> Patch {
        let mut levels = vec![image];
        while let Some(smaller) = levels.last().filter(|image| image.width.min(image.height) > 2 * LEAST_SIDE).map(halved) {
            levels.push(smaller);
        }
        Patch { id: next_id(), region, reduction, texture: None, levels: OnceLock::from(levels) }
    }

    /// Of pixels on the GPU that draws the window.
    pub fn on_device(piece: &Piece) -> Patch {
        let ([width, height], [x, y]) = (piece.size(), [piece.place.x, piece.place.y].map(|pixel| pixel as u32));
        let (region, texture) = (Region { x, y, width, height }, Some(piece.texture.clone()));
        Patch { id: next_id(), region, reduction: 1, texture, levels: OnceLock::new() }
    }

    /// What a texture shows, as bytes: for values, measures and differences.
    pub fn know(&self, rgb: Vec<u8>) {
        let Region { width, height, .. } = self.region;
        // Once is enough.
        let _ = self.levels.set(vec![Image { width, height, rgb }]);
    }

    /// Its pixels at full size, halved, and so on, as far as they are in the CPU's memory.
    pub fn levels(&self) -> &[Image] {
        self.levels.get().map_or(&[], Vec::as_slice)
    }

    /// Memory of its pixels, wherever they are; a texture with its smaller copies is about a third larger than its pixels.
    pub fn bytes(&self) -> usize {
        let texture = self.texture.as_ref().map_or(0, |texture| texture.width() as usize * texture.height() as usize * 16 / 3);
        texture + self.levels().iter().map(|level| level.rgb.len()).sum::<usize>()
    }

    /// How many pixels of the picture one of a level stands for, each way.
    pub fn reduction_at(&self, level: usize) -> u32 {
        self.reduction << level
    }

    /// The level to draw at `scale` screen pixels per pixel: the smallest that is not enlarged so that one sees it.
    pub fn level_for(&self, scale: f64) -> usize {
        (0..self.levels().len()).rev().find(|level| f64::from(self.reduction_at(*level)) * scale <= MOST_ENLARGED).unwrap_or(0)
    }
}

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn halved(image: &Image) -> Image {
    let (width, height) = (image.width.div_ceil(2), image.height.div_ceil(2));
    let mut rgb = vec![0; 3 * width as usize * height as usize];
    let row_bytes = 3 * image.width as usize;
    let rows = rgb.par_chunks_exact_mut(3 * width as usize).zip(image.rgb.par_chunks(2 * row_bytes));
    rows.for_each(|(row, two)| {
        let (above, below) = two.split_at(row_bytes);
        let below = if below.is_empty() { above } else { below };
        for (pixel, (a, b)) in row.as_chunks_mut::<3>().0.iter_mut().zip(above.chunks(6).zip(below.chunks(6))) {
            let right = a.len() - 3;
            let sum = |c: usize| u16::from(a[c]) + u16::from(a[right + c]) + u16::from(b[c]) + u16::from(b[right + c]);
            *pixel = [0, 1, 2].map(|c| ((sum(c) + 2) / 4) as u8);
        }
    });
    Image { width, height, rgb }
}

impl Picture {
    /// Nothing yet.
    pub fn empty(width: u32, height: u32) -> Picture {
        Picture { width, height, patches: Vec::new() }
    }

    /// Of a whole image, in patches of some rows.
    pub fn of(image: &Image) -> Picture {
        let row_bytes = 3 * image.width as usize;
        let mut picture = Picture::empty(image.width, image.height);
        let mut top = 0;
        for rows in image.rgb.chunks(row_bytes * PATCH_ROWS as usize) {
            let band = Band { height: (rows.len() / row_bytes) as u32, rgb: rows.to_vec() };
            picture.patches.push(Arc::new(picture.patch_of(band, top)));
            top += PATCH_ROWS;
        }
        picture
    }

    /// Rows of this picture from `top`.
    pub fn patch_of(&self, band: Band, top: u32) -> Patch {
        let region = Region { x: 0, y: top, width: self.width, height: band.height };
        Patch::new(region, Image { width: self.width, height: band.height, rgb: band.rgb }, 1)
    }

    /// Memory of all patches.
    pub fn bytes(&self) -> usize {
        self.patches.iter().map(|patch| patch.bytes()).sum()
    }

    /// The colour of a pixel, as far as it is known in full.
    pub fn pixel(&self, x: u32, y: u32) -> Option<[u8; 3]> {
        let here = Region { x, y, width: 1, height: 1 };
        let patch = self.patches.iter().rev().find(|patch| patch.reduction == 1 && patch.region.contains(here))?;
        let place = ((y - patch.region.y) as usize * patch.region.width as usize + (x - patch.region.x) as usize) * 3;
        patch.levels().first()?.rgb.get(place..place + 3)?.try_into().ok()
    }

    /// All pixels of full size, row by row; grey where there are none.
    pub fn rgb(&self) -> Vec<u8> {
        let mut rgb = vec![128; 3 * self.width as usize * self.height as usize];
        for patch in self.patches.iter().filter(|patch| patch.reduction == 1) {
            let (region, row_bytes) = (patch.region, 3 * patch.region.width as usize);
            let pixels = patch.levels().first().map_or(&[][..], |level| &level.rgb);
            for (y, row) in pixels.chunks_exact(row_bytes).enumerate() {
                let place = 3 * ((region.y as usize + y) * self.width as usize + region.x as usize);
                rgb[place..place + row_bytes].copy_from_slice(row);
            }
        }
        rgb
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(width: u32, height: u32) -> Image {
        let rgb = (0..width * height * 3).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        Image { width, height, rgb }
    }

    #[test]
    fn cut_into_patches_and_put_together() {
        let whole = image(3, 2050);
        let picture = Picture::of(&whole);
        assert_eq!(picture.patches.iter().map(|patch| patch.region.height).collect::<Vec<_>>(), [1024, 1024, 2]);
        assert_eq!(picture.rgb(), whole.rgb);
        assert_eq!(picture.pixel(2, 2049).unwrap(), whole.rgb[whole.rgb.len() - 3..]);
        assert_eq!(picture.pixel(3, 0), None);
    }

    #[test]
    fn later_patches_lie_on_earlier_ones() {
        let mut picture = Picture::of(&image(9, 8));
        let region = Region { x: 5, y: 6, width: 2, height: 1 };
        picture.patches.push(Arc::new(Patch::new(region, Image { width: 2, height: 1, rgb: vec![7; 6] }, 1)));
        let coarse = Image { width: 1, height: 1, rgb: vec![9; 3] };
        picture.patches.push(Arc::new(Patch::new(Region { x: 0, y: 0, width: 9, height: 8 }, coarse, 16)));
        assert_eq!((picture.pixel(6, 6), picture.pixel(4, 6)), (Some([7; 3]), Picture::of(&image(9, 8)).pixel(4, 6)));
        assert_eq!(picture.rgb()[3 * (6 * 9 + 5)..][..6], [7; 6]);
    }

    #[test]
    fn levels_are_means() {
        let rgb = vec![0, 0, 0, 4, 8, 12, 100, 100, 100, 4, 0, 0, 0, 0, 4, 200, 200, 200];
        let half = halved(&Image { width: 3, height: 2, rgb });
        assert_eq!((half.width, half.height, half.rgb), (2, 1, vec![2, 2, 4, 150, 150, 150]));
        let patch = Patch::new(Region { x: 0, y: 0, width: 600, height: 300 }, image(600, 300), 1);
        assert_eq!(patch.levels().len(), 3);
        assert_eq!([2.0, 1.0, 0.6, 0.52, 0.5, 0.3, 0.25, 0.01].map(|scale| patch.level_for(scale)), [0, 0, 0, 1, 1, 1, 2, 2]);
    }
}
