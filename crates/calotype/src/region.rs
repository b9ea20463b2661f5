//! Regions of pixels and the latents that they come from.

use calotype_engine::{Rect, crop};
use calotype_format::Region;

use crate::error::{Error, Usage};

/// The region, if it is not empty and the whole picture has it.
pub(crate) fn inside(region: Region, whole: Region) -> Result<Region, Error> {
    let refused = Usage::Region { region, width: whole.width, height: whole.height };
    if whole.contains(region) { Ok(region) } else { Err(refused.into()) }
}

/// The latents that a region's pixels come from, each of `stride` x `stride` pixels.
pub(crate) fn latents_of(region: Region, stride: usize) -> Rect {
    let [y, x] = [region.y, region.x].map(|pixel| pixel as usize / stride);
    let [bottom, right] = [region.y + region.height, region.x + region.width].map(|pixel| (pixel as usize).div_ceil(stride));
    Rect { y, x, height: bottom - y, width: right - x }
}

/// How many rows of a region the pixels of `rect` hold, and their samples; `rect` has all columns of the region.
pub(crate) fn cut<S: Copy>(rgb: Vec<S>, rect: Rect, region: Region) -> (u32, Vec<S>) {
    let [left, right] = [region.x, region.x + region.width].map(|x| x as usize - rect.x);
    let [top, bottom] = [region.y, region.y + region.height].map(|y| (y as usize).saturating_sub(rect.y).min(rect.height));
    ((bottom - top) as u32, crop(rgb, rect.width, top..bottom, left..right))
}
