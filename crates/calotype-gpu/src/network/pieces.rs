//! How a picture is cut, so that no buffer is too large and no submit too long.

use calotype_engine::Rect;

/// The latents whose pixels are wanted, of a picture of `width` x `height` pixels; cut into pieces of `piece` latents a side.
pub(crate) struct Window {
    pub wanted: Rect,
    pub width: usize,
    pub height: usize,
    /// Pixels on a side of a latent's square.
    pub stride: usize,
    pub piece: usize,
}

impl Window {
    /// The pixels of latents, those beyond the picture too.
    pub fn pixels(&self, Rect { y, x, height, width }: Rect) -> Rect {
        Rect { y: self.stride * y, x: self.stride * x, height: self.stride * height, width: self.stride * width }
    }
}

/// The side of pieces: `side`, or less where a buffer of `bytes_per_latent` would be over `limit` bytes; at least 1.
pub(super) fn side(side: usize, bytes_per_latent: usize, halo: usize, limit: u64) -> usize {
    let fits = |side: &usize| ((side + 2 * halo).pow(2) * bytes_per_latent) as u64 <= limit;
    std::iter::successors(Some(side.max(1)), |side| Some(side / 2)).take_while(|&side| side > 1).find(fits).unwrap_or(1)
}

/// Pieces of at most `side` x `side` that cover `whole`.
pub(super) fn pieces(whole: Rect, side: usize) -> impl Iterator<Item = Rect> {
    (whole.y..whole.bottom()).step_by(side).flat_map(move |y| {
        let (height, columns) = (side.min(whole.bottom() - y), (whole.x..whole.right()).step_by(side));
        columns.map(move |x| Rect { y, x, height, width: side.min(whole.right() - x) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_once() {
        let mut seen = vec![0; 9 * 12];
        for piece in pieces(Rect { y: 2, x: 1, height: 7, width: 11 }, 3) {
            for y in piece.y..piece.bottom() {
                (piece.x..piece.right()).for_each(|x| seen[y * 12 + x] += 1);
            }
        }
        assert!((0..9 * 12).all(|i| seen[i] == i32::from(i / 12 >= 2 && i % 12 >= 1)), "{seen:?}");
    }

    #[test]
    fn buffers_stay_below_the_limit() {
        assert_eq!(side(96, 8 * 192, 3, 128 << 20), 96);
        let side = side(96, 8 * 4096, 3, 128 << 20);
        assert!((side + 6) * (side + 6) * 8 * 4096 <= 128 << 20 && side > 20, "{side}");
    }
}
