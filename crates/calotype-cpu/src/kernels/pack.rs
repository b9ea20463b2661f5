//! Weights as the kernels read them: lines of 64 bytes, one group of inputs for each of 16 outputs.

use super::rounding;

/// Outputs in a line.
pub(crate) const LANES: usize = 16;

/// 64 bytes: for each of 16 outputs the weights of G consecutive inputs (4 for i8, 2 for i16).
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Line<T, const G: usize>(pub [[T; G]; LANES]);

/// What happens to the accumulators of a line, output by output.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Ends {
    /// Start of the accumulator.
    pub bias: [i32; LANES],
    /// Rounding term of the shift.
    pub round: [i32; LANES],
    /// Right shift.
    pub shift: [i32; LANES],
}

/// A pointwise layer's tensors: weight `[N, K]`, bias `[N]`, shift `[N]`.
#[derive(Clone, Copy)]
pub(crate) struct PointwiseSource<'a, T> {
    pub inputs: usize,
    pub weight: &'a [T],
    pub bias: &'a [i32],
    pub shift: &'a [u8],
}

impl PointwiseSource<'_, i8> {
    /// The weights of an output.
    #[cfg(target_arch = "x86_64")]
    pub fn row(&self, output: usize) -> &[i8] {
        &self.weight[output * self.inputs..][..self.inputs]
    }

    /// Where the accumulator of an output starts if codes are 128 larger.
    #[cfg(target_arch = "x86_64")]
    pub fn unsigned_bias(&self, output: usize) -> i32 {
        unsigned_bias(self.bias[output], self.row(output))
    }
}

/// The bias that takes back what codes are too large by in memory: 128 times the sum of the weights.
#[cfg(target_arch = "x86_64")]
pub(crate) fn unsigned_bias(bias: i32, weights: &[i8]) -> i32 {
    let sum: i32 = weights.iter().map(|&weight| i32::from(weight)).sum();
    bias.wrapping_sub(sum.wrapping_mul(128))
}

/// A depthwise layer's tensors: weight `[N, 9]`, bias `[N]`, shift `[N]`.
#[derive(Clone, Copy)]
pub(crate) struct DepthwiseSource<'a> {
    pub weight: &'a [i8],
    pub bias: &'a [i32],
    pub shift: &'a [u8],
}

/// Which output sits in which lane of which line.
///
/// Lines come in blocks of `lines`. In a full block of four 512-bit lines, lane i of line j is output 16 (i / 4) + 4 j + i % 4, so that two
/// in-lane packs put 64 outputs in order; everywhere else lane i of line j is output 16 j + i.
#[derive(Clone, Copy)]
pub(crate) struct Slots {
    /// Lines in a full block.
    pub lines: usize,
    /// Whether full blocks are permuted.
    pub permuted: bool,
}

/// A packed pointwise layer. Block b starts at line `b * lines * groups`; inside, lines run `[group][line]`.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(crate) struct PackedPointwise<T, const G: usize> {
    /// K.
    pub inputs: usize,
    /// N.
    pub outputs: usize,
    /// `[block][K / G][lines of the block]`.
    pub lines: Vec<Line<T, G>>,
    /// One per 16 outputs, in the same order.
    pub ends: Vec<Ends>,
}

/// A packed depthwise layer; the arrangement of `lines` is the kernel's own.
pub(crate) struct Depthwise<T, const G: usize> {
    /// N.
    pub channels: usize,
    /// Weights.
    pub lines: Vec<Line<T, G>>,
    /// One per 16 channels.
    pub ends: Vec<Ends>,
}

impl Slots {
    /// The output in `lane` of line `line`, of `outputs` in all; None where the lane is padding.
    pub fn output(self, line: usize, lane: usize, outputs: usize) -> Option<usize> {
        let (block, j) = (line / self.lines, line % self.lines);
        let base = block * self.lines * LANES;
        let full = base + self.lines * LANES <= outputs;
        let inside = if self.permuted && full { LANES * (lane / 4) + 4 * j + lane % 4 } else { LANES * j + lane };
        Some(base + inside).filter(|&output| output < outputs)
    }
}

/// The ends of all lines; `bias(n)` is where output n's accumulator starts.
pub(crate) fn pack_ends(shift: &[u8], slots: Slots, bias: impl Fn(usize) -> i32) -> Vec<Ends> {
    let zero = Ends { bias: [0; LANES], round: [0; LANES], shift: [0; LANES] };
    let mut ends = vec![zero; shift.len().div_ceil(LANES)];
    for (line, end) in ends.iter_mut().enumerate() {
        for lane in 0..LANES {
            let Some(output) = slots.output(line, lane, shift.len()) else { continue };
            end.bias[lane] = bias(output);
            end.round[lane] = rounding(shift[output]);
            end.shift[lane] = i32::from(shift[output]);
        }
    }
    ends
}

/// The lines of weights `[N, K]`; `convert` makes a packed element of a weight.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(crate) fn pack_lines<S: Copy, T: Copy + Default, const G: usize>(
    source: PointwiseSource<'_, S>,
    slots: Slots,
    convert: impl Fn(S) -> T,
) -> Vec<Line<T, G>> {
    let (outputs, groups) = (source.bias.len(), source.inputs / G);
    let total = outputs.div_ceil(LANES);
    let mut lines = vec![Line([[T::default(); G]; LANES]); total * groups];
    for line in 0..total {
        let first = line / slots.lines * slots.lines;
        let in_block = slots.lines.min(total - first);
        let places = lines[first * groups..][..in_block * groups].iter_mut().skip(line - first).step_by(in_block);
        let mut places: Vec<&mut Line<T, G>> = places.collect();
        for lane in 0..LANES {
            let Some(output) = slots.output(line, lane, outputs) else { continue };
            let weights = source.weight[output * source.inputs..][..source.inputs].chunks_exact(G);
            for (place, group) in places.iter_mut().zip(weights) {
                place.0[lane] = std::array::from_fn(|i| convert(group[i]));
            }
        }
    }
    lines
}
