//! Folding of thin pictures (FORMAT.md section 2.1).

use crate::layout::{FOLD_ABOVE, FOLD_BELOW, FOLDED_SIDE};

/// How a thin picture is coded: in strips across its longer side, laid beside each other along its shorter side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fold {
    /// Pixels of the picture's shorter side, and of a strip's.
    shorter: u32,
    /// Pixels of the picture's longer side.
    longer: u32,
    /// Number of strips.
    pub strips: u32,
    /// Pixels of a strip along the longer side.
    pub length: u32,
    /// Whether the longer side is the width.
    pub wide: bool,
}

impl Fold {
    /// Of a picture of `width` x `height` pixels; `None` if it is not thin.
    pub fn of(width: u32, height: u32) -> Option<Fold> {
        let (shorter, longer) = (width.min(height), width.max(height));
        let thin = (1..FOLD_BELOW).contains(&shorter) && longer > FOLD_ABOVE;
        thin.then(|| {
            let strips = FOLDED_SIDE / shorter;
            Fold { shorter, longer, strips, length: longer.div_ceil(strips), wide: width > height }
        })
    }

    /// (width, height) of the folded picture.
    pub fn extent(&self) -> (u32, u32) {
        self.turned((self.length, self.shorter * self.strips))
    }

    /// Where pixel (x, y) of the picture lies in the folded one.
    pub fn place(&self, pixel: (u32, u32)) -> (u32, u32) {
        let (along, across) = self.turned(pixel);
        self.turned((along % self.length, across + self.shorter * (along / self.length)))
    }

    /// The pixel of the picture that lies at (x, y) of the folded one; the last one of its row or column where there is none.
    pub fn pixel(&self, place: (u32, u32)) -> (u32, u32) {
        let (along, across) = self.turned(place);
        let strip = across / self.shorter;
        self.turned(((along + self.length * strip).min(self.longer - 1), across % self.shorter))
    }

    /// x and y as the places along and across the longer side, or back.
    fn turned(&self, (x, y): (u32, u32)) -> (u32, u32) {
        if self.wide { (x, y) } else { (y, x) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thin_pictures_fold() {
        let extent = |width, height| Fold::of(width, height).map(|fold| fold.extent());
        assert_eq!(
            [(65, 15), (15, 65), (65, 1), (3_000_000, 1)].map(|(w, h)| extent(w, h)),
            [Some((17, 60)), Some((60, 17)), Some((2, 64)), Some((46_875, 64))]
        );
        assert_eq!([(64, 1), (65, 16), (15, 64), (0, 100), (100, 100)].map(|(w, h)| extent(w, h)), [None; 5]);
        assert_eq!(extent(u32::MAX, 15), Some((1 << 30, 60)));
        assert_eq!(extent(1, u32::MAX), Some((64, 1 << 26)));
    }

    /// Each pixel has a place of its own, and is what lies there.
    #[test]
    fn places_and_pixels_are_inverse() {
        for (width, height) in [(65, 1), (1, 65), (100, 7), (7, 200), (15, 66), (1000, 15)] {
            let fold = Fold::of(width, height).unwrap();
            let (columns, rows) = fold.extent();
            let mut seen = vec![0; (columns * rows) as usize];
            for pixel in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
                let (x, y) = fold.place(pixel);
                assert_eq!(fold.pixel((x, y)), pixel);
                seen[(y * columns + x) as usize] += 1;
            }
            assert!(seen.iter().all(|count| *count <= 1));
            let (x, y) = fold.pixel((columns - 1, rows - 1));
            assert_eq!((x, y), (width - 1, height - 1));
        }
    }

    /// The first strip of a wide picture is its left end, that of a tall one its top.
    #[test]
    fn strips_lie_beside_each_other() {
        let wide = Fold::of(100, 10).unwrap();
        assert_eq!((wide.strips, wide.length), (6, 17));
        assert_eq!([(0, 9), (16, 0), (17, 0), (99, 3)].map(|pixel| wide.place(pixel)), [(0, 9), (16, 0), (0, 10), (14, 53)]);
        let tall = Fold::of(10, 100).unwrap();
        assert_eq!([(9, 0), (0, 16), (0, 17), (3, 99)].map(|pixel| tall.place(pixel)), [(9, 0), (0, 16), (10, 0), (53, 14)]);
    }
}
