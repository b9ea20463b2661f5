//! How a picture is cut, so that no buffer is too large and no submit too long.

use calotype_model::{Config, Rect};

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
    use calotype_model::synthetic;

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
        assert_eq!(side(96, &synthetic::fast(), 3, 128 << 20), 96);
        let large = Config { c: 4096, ..synthetic::fast() };
        let side = side(96, &large, 3, 128 << 20);
        assert!((side + 6) * (side + 6) * 8 * 4096 <= 128 << 20 && side > 20, "{side}");
    }
}
