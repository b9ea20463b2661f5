//! Thin pictures are folded on the way to the network and unfolded on the way back (docs/FORMAT.md section 2.1).

use std::ops::Range;

use calotype_format::{Fold, Header, Region};

use crate::picture::{Picture, Samples};

/// The picture that is coded in place of a thin one; where it has more pixels, they repeat the last ones.
pub(crate) fn folded(picture: &Picture, fold: Fold) -> Picture {
    let (width, height) = fold.extent();
    let count = picture.channels().count();
    let samples = match picture.samples() {
        Samples::U8(samples) => Samples::U8(moved(samples, picture.width(), count, 0..width, 0..height, |place| fold.pixel(place))),
        Samples::U16(samples) => Samples::U16(moved(samples, picture.width(), count, 0..width, 0..height, |place| fold.pixel(place))),
    };
    picture.with_samples((width, height), samples)
}

/// A region of a picture that is coded folded.
#[derive(Clone, Copy)]
pub(crate) struct Unfolding {
    fold: Fold,
    region: Region,
}

impl Unfolding {
    /// `None` where the picture is coded as it is.
    pub fn of(header: &Header, region: Region) -> Option<Unfolding> {
        header.fold().map(|fold| Unfolding { fold, region })
    }

    /// The samples of the region in those of the whole folded picture, of `count` channels.
    pub fn unfold<S: Copy>(&self, coded: &[S], count: usize) -> Vec<S> {
        let Region { x, y, width, height } = self.region;
        moved(coded, self.fold.extent().0, count, x..x + width, y..y + height, |pixel| self.fold.place(pixel))
    }

    /// The region.
    pub fn region(&self) -> Region {
        self.region
    }
}

/// The pixels of some columns and rows, from where `place` says that they lie in rows of `width` pixels.
fn moved<S: Copy>(
    samples: &[S],
    width: u32,
    count: usize,
    columns: Range<u32>,
    rows: Range<u32>,
    place: impl Fn((u32, u32)) -> (u32, u32),
) -> Vec<S> {
    let mut out = Vec::with_capacity(columns.len() * rows.len() * count);
    for y in rows {
        for x in columns.clone() {
            let (x, y) = place((x, y));
            out.extend_from_slice(&samples[(y as usize * width as usize + x as usize) * count..][..count]);
        }
    }
    out
}

/// What is coded, as a region.
pub(crate) fn coded_region(header: &Header) -> Region {
    let (width, height) = header.coded_extent();
    Region { x: 0, y: 0, width, height }
}

/// Where the pixels of a tile lie in the picture: a region of each strip.
pub(crate) fn regions(header: &Header, tile: &Region) -> Vec<Region> {
    let Region { x, y, width, height } = *tile;
    let Some(fold) = header.fold() else { return vec![Region { x, y, width, height }] };
    let (begin, count) = if fold.wide { (x, width) } else { (y, height) };
    let (longer, shorter) = (header.width.max(header.height), header.width.min(header.height));
    if count == fold.length {
        return vec![Region { x: 0, y: 0, width: header.width, height: header.height }];
    }
    let strip = |strip: u32| {
        let from = (u64::from(strip) * u64::from(fold.length) + u64::from(begin)).min(longer.into()) as u32;
        let length = count.min(longer - from);
        let part = if fold.wide {
            Region { x: from, y: 0, width: length, height: shorter }
        } else {
            Region { x: 0, y: from, width: shorter, height: length }
        };
        (length > 0).then_some(part)
    };
    (0..fold.strips).filter_map(strip).collect()
}
