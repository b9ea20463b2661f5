//! Rectangles of a picture: latents gathered from tiles, pixels cropped.

use std::borrow::Cow;
use std::ops::Range;

use crate::{Map, Placed, Rect};

/// The latents of a rectangle that `tiles` cover; without a copy where it is one of them.
///
/// # Panics
/// If they do not cover it.
pub fn assemble<'a>(tiles: &[Placed<'a, Map<i16>>], rect: Rect) -> Cow<'a, Map<i16>> {
    if let Some(whole) = tiles.iter().find(|tile| tile.place == rect) {
        return Cow::Borrowed(whole.tile);
    }
    let channels = tiles.first().map_or(0, |first| first.tile.channels);
    let mut whole = Map::zeros(rect.height, rect.width, channels);
    let mut positions = 0;
    for &Placed { place, tile: map } in tiles {
        let Some(part) = place.intersection(rect) else { continue };
        positions += part.height * part.width;
        for y in part.y..part.bottom() {
            let from = ((y - place.y) * map.width + part.x - place.x) * channels;
            let to = ((y - rect.y) * rect.width + part.x - rect.x) * channels;
            whole.data[to..][..part.width * channels].copy_from_slice(&map.data[from..][..part.width * channels]);
        }
    }
    assert_eq!(positions, rect.height * rect.width, "the tiles cover the rectangle");
    Cow::Owned(whole)
}

/// A side in pixels as the network sees it: a multiple of 64, as with a stride of 16.
pub fn padded(side: u32) -> u64 {
    u64::from(side).next_multiple_of(64)
}

/// Pixels of (width, height) as the network sees them.
pub fn padded_area((width, height): (u32, u32)) -> u64 {
    padded(width).saturating_mul(padded(height))
}

/// Some rows and columns of a picture of `width` RGB pixels a row.
pub fn crop<S: Copy>(mut rgb: Vec<S>, width: usize, rows: Range<usize>, columns: Range<usize>) -> Vec<S> {
    let (row, length) = (3 * width, 3 * columns.len());
    if rgb.len() != rows.len() * length {
        for (place, y) in rows.clone().enumerate() {
            let from = y * row + 3 * columns.start;
            rgb.copy_within(from..from + length, place * length);
        }
        rgb.truncate(rows.len() * length);
    }
    rgb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_put_together_and_cut() {
        let value = |y: usize, x: usize| (10 * y + x) as i16;
        let map = |rect: Rect| {
            let data = (rect.y..rect.bottom()).flat_map(|y| (rect.x..rect.right()).map(move |x| value(y, x)));
            Map { height: rect.height, width: rect.width, channels: 1, data: data.collect() }
        };
        let rect = |y, x, height, width| Rect { y, x, height, width };
        let places = [rect(0, 0, 4, 4), rect(0, 4, 4, 3), rect(4, 0, 2, 4), rect(4, 4, 2, 3)];
        let maps = places.map(map);
        let tiles: Vec<_> = places.into_iter().zip(&maps).map(|(place, tile)| Placed { place, tile }).collect();
        for wanted in [rect(0, 0, 6, 7), rect(1, 2, 4, 4), rect(3, 6, 1, 1)] {
            assert_eq!(*assemble(&tiles, wanted), map(wanted));
        }
        assert!(matches!(assemble(&tiles, places[1]), Cow::Borrowed(_)));
    }

    #[test]
    fn pixels_end_with_the_picture() {
        let pixels = Rect { y: 1, x: 2, height: 3, width: 4 }.pixels((90, 50), 16);
        assert_eq!(pixels, Rect { y: 16, x: 32, height: 34, width: 58 });
        let rgb: Vec<u8> = (0..36).collect();
        assert_eq!(crop(rgb.clone(), 4, 1..3, 2..4), [18, 19, 20, 21, 22, 23, 30, 31, 32, 33, 34, 35]);
        assert_eq!(crop(rgb.clone(), 4, 0..3, 0..4), rgb);
    }
}
