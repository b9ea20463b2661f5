//! How a picture is cut, so that no buffer is too large and no submit too long.

use calotype_model::Config;

/// A rectangle of latents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rect {
    pub y: usize,
    pub x: usize,
    pub height: usize,
    pub width: usize,
}

/// The halo of `blocks` blocks in latents: each sees one position at 1/8 further (docs/MODEL.md section 5.4).
pub(super) fn halo(blocks: usize) -> usize {
    blocks.div_ceil(2)
}

/// The side of pieces: `side`, or less where a buffer would be over `limit` bytes; at least 1.
pub(super) fn side(side: usize, config: &Config, halo: usize, limit: u64) -> usize {
    // The largest buffer's bytes per latent: streams of C, codes of 2C and 192 outputs at four positions each, v.
    let bytes = (8 * config.c).max(8 * 192).max(2 * config.m);
    let fits = |side: &usize| ((side + 2 * halo).pow(2) * bytes) as u64 <= limit;
    std::iter::successors(Some(side.max(1)), |side| Some(side / 2)).take_while(|&side| side > 1).find(fits).unwrap_or(1)
}

/// Pieces of at most `side` x `side` that cover `height` x `width`.
pub(super) fn pieces(height: usize, width: usize, side: usize) -> impl Iterator<Item = Rect> {
    let rows = (0..height).step_by(side);
    rows.flat_map(move |y| {
        let columns = (0..width).step_by(side);
        columns.map(move |x| Rect { y, x, height: side.min(height - y), width: side.min(width - x) })
    })
}

impl Rect {
    /// `by` latents more on all sides, inside `height` x `width`.
    pub fn widened(self, by: usize, height: usize, width: usize) -> Rect {
        let (y, x) = (self.y.saturating_sub(by), self.x.saturating_sub(by));
        let (bottom, right) = ((self.y + self.height + by).min(height), (self.x + self.width + by).min(width));
        Rect { y, x, height: bottom - y, width: right - x }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calotype_model::synthetic;

    #[test]
    fn pieces_cover_once() {
        let mut seen = vec![0; 7 * 11];
        for piece in pieces(7, 11, 3) {
            for y in piece.y..piece.y + piece.height {
                (piece.x..piece.x + piece.width).for_each(|x| seen[y * 11 + x] += 1);
            }
        }
        assert!(seen.iter().all(|&times| times == 1));
    }

    #[test]
    fn buffers_stay_below_the_limit() {
        assert_eq!(side(96, &synthetic::fast(), 3, 128 << 20), 96);
        let large = Config { c: 4096, ..synthetic::fast() };
        let side = side(96, &large, 3, 128 << 20);
        assert!((side + 6) * (side + 6) * 8 * 4096 <= 128 << 20 && side > 20, "{side}");
    }
}
