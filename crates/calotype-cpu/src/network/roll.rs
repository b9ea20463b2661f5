//! g_a and g_s on a picture of any height in little memory: blocks follow one another down the rows, each one row behind the one before it.
//!
//! A round makes some new rows with the first layer; each block then works on the rows whose neighbours below it has by now, so that no row is
//! computed twice. A block needs two rows of codes from the round before; the stream is kept as far as the last block is behind.

use std::ops::Range;

use super::Network;
use super::field::{Above, Field};
use super::packed::Block;
use crate::kernels::Kernels;
use crate::measure::Phase;

/// What is wanted of a map `[height, width, channels]` at 1/8 of the picture's size.
pub(super) struct Wanted {
    pub phase: Phase,
    /// The shape of the map.
    pub shape: (usize, usize, usize),
    /// Rows that come out of the last block: from a multiple of `fold` to one.
    pub rows: Range<usize>,
    /// Rows are filled and given in multiples of this.
    pub fold: usize,
}

/// How far a block has come.
struct Progress<K: Kernels> {
    /// The rows that it is to do.
    rows: Range<usize>,
    /// The row after the last that is done.
    done: usize,
    above: Above<K>,
}

impl<K: Kernels> Network<K> {
    /// Runs `blocks` on what `first(field, rows)` fills, and gives finished rows to `last(field, rows)`, in order; in multiples of `fold`, from one on.
    pub(super) fn roll(
        &self,
        wanted: &Wanted,
        blocks: &[Block<K>],
        first: impl Fn(&mut Field<K>, Range<usize>),
        mut last: impl FnMut(&Field<K>, Range<usize>),
    ) {
        let (height, fold) = (wanted.shape.0, wanted.fold);
        let whole = widened(&wanted.rows, blocks.len(), height);
        let whole = whole.start / fold * fold..whole.end.next_multiple_of(fold);
        let mut progress: Vec<Progress<K>> = (1..=blocks.len())
            .map(|i| widened(&wanted.rows, blocks.len() - i, height))
            .map(|rows| Progress { done: rows.start, rows, above: Above::none() })
            .collect();
        let round = self.round_rows(wanted.shape.1).next_multiple_of(fold);
        let room = (round + blocks.len() + 2 * fold).min(whole.len());
        let mut field = self.field(wanted.phase, whole.start..whole.start + room, wanted.shape);
        let (mut filled, mut given) = (whole.start, wanted.rows.start);
        while given < wanted.rows.end {
            let new = filled..(filled + round).min(whole.end);
            field.slide(progress.iter().map(|block| block.done).fold(given.min(filled), usize::min), filled);
            first(&mut field, new.clone());
            filled = new.end;
            let done = self.follow(&mut field, blocks, &mut progress, new, filled == whole.end);
            let ready = given..if filled == whole.end { wanted.rows.end } else { (done / fold * fold).clamp(given, wanted.rows.end) };
            last(&field, ready.clone());
            given = ready.end;
        }
        self.retire(field);
    }

    /// Rows of a round, where a row has `width` positions.
    fn round_rows(&self, width: usize) -> usize {
        (self.band_px / (64 * width)).max(1)
    }

    /// Each block as far as it can come with the rows `new` of the first layer. Returns the row after the last that is finished.
    fn follow(&self, field: &mut Field<K>, blocks: &[Block<K>], progress: &mut [Progress<K>], new: Range<usize>, all: bool) -> usize {
        let mut codes = new;
        for (i, (block, progress)) in blocks.iter().zip(progress).enumerate() {
            let reach = if all { progress.rows.end } else { codes.end.saturating_sub(1) };
            let rows = progress.done..reach.clamp(progress.done, progress.rows.end);
            field.above = std::mem::replace(&mut progress.above, Above::none());
            let above = field.last_codes(codes.start.min(progress.rows.start.saturating_sub(1)), codes.end);
            self.run_block(field, block, blocks.get(i + 1), rows.clone());
            progress.above = above;
            progress.done = rows.end;
            codes = rows;
        }
        codes.end
    }
}

/// `rows` and `by` more on both sides, inside 0..height.
fn widened(rows: &Range<usize>, by: usize, height: usize) -> Range<usize> {
    rows.start.saturating_sub(by)..(rows.end + by).min(height)
}
