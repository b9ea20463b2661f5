//! The five operations as kernels over rows of positions: one trait, one implementor per instruction set, equal bit for bit.
//!
//! Codes live in a form that suits the instruction set ([`Kernels::Code`]); streams are i16 everywhere. Every kernel takes channel counts
//! that are multiples of 4, as the loader of models demands.

#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
mod pack;
pub(crate) mod portable;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86;

pub(crate) use pack::{Depthwise, DepthwiseSource, Ends, LANES, Line, PointwiseSource, Slots};

/// Positions of a pointwise layer's input: position i has its channels at `data[i * stride..]`.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a, T> {
    pub data: &'a [T],
    pub stride: usize,
    pub count: usize,
}

/// Where a pointwise layer's accumulators go (docs/MODEL.md section 2, "ends of a layer"): `[count, N]`, contiguous.
pub(crate) enum Out<'a, C> {
    /// `active`.
    Active(&'a mut [C]),
    /// `stream`.
    Stream(&'a mut [i16]),
    /// `add`.
    Add(&'a mut [i16]),
}

/// A form of codes in memory.
pub(crate) trait Code: Copy + Default + Send + Sync + std::fmt::Debug + PartialEq + 'static {
    /// A code in this form.
    fn of(value: i8) -> Self;
    /// Back from this form.
    fn value(self) -> i8;
    /// Back from this form, ready to be multiplied.
    #[inline(always)]
    fn wide(self) -> i16 {
        i16::from(self.value())
    }
}

/// As it is, as `sdot` wants it.
#[cfg(target_arch = "aarch64")]
impl Code for i8 {
    #[inline(always)]
    fn of(value: i8) -> i8 {
        value
    }

    #[inline(always)]
    fn value(self) -> i8 {
        self
    }
}

/// Ready to be multiplied as it is.
impl Code for i16 {
    #[inline(always)]
    fn of(value: i8) -> i16 {
        i16::from(value)
    }

    #[inline(always)]
    fn value(self) -> i8 {
        self as i8
    }

    #[inline(always)]
    fn wide(self) -> i16 {
        self
    }
}

/// Unsigned, as `vpdpbusd` and `vpmaddubsw` want it: plus 128. A layer's bias takes 128 times the sum of its weights back.
impl Code for u8 {
    #[inline(always)]
    fn of(value: i8) -> u8 {
        value as u8 ^ 128
    }

    #[inline(always)]
    fn value(self) -> i8 {
        (self ^ 128) as i8
    }
}

/// What layers multiply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Product {
    /// Codes by i8 weights.
    Int8,
    /// i16 by i16 weights.
    Int16,
}

/// The operations on one instruction set. A value of an implementor is the proof that the machine has it.
pub(crate) trait Kernels: Copy + Send + Sync + 'static {
    /// A code in memory.
    type Code: Code;
    /// Weights of an int8 layer.
    type Pointwise: Send + Sync;
    /// Weights of a wide layer.
    type Wide: Send + Sync;
    /// Weights of a depthwise layer.
    type Depthwise: Send + Sync;

    /// Arranges an int8 layer's weights.
    fn pack_pointwise(source: PointwiseSource<'_, i8>) -> Self::Pointwise;
    /// Arranges a wide layer's weights.
    fn pack_wide(source: PointwiseSource<'_, i16>) -> Self::Wide;
    /// Arranges a depthwise layer's weights.
    fn pack_depthwise(source: DepthwiseSource<'_>) -> Self::Depthwise;

    /// An int8 layer: K codes at each of `input.count` positions to N outputs.
    fn pointwise(self, layer: &Self::Pointwise, input: Rows<'_, Self::Code>, out: Out<'_, Self::Code>);
    /// A wide layer with the `stream` end.
    fn wide(self, layer: &Self::Wide, input: Rows<'_, i16>, out: &mut [i16]);
    /// One row of a depthwise layer with the `code` end; `rows` are above, at, below, each `[width, channels]`;
    /// beside them stand their first and last positions once more.
    fn depthwise(self, layer: &Self::Depthwise, rows: [&[Self::Code]; 3], out: &mut [Self::Code]);
    /// `read`: a stream `[n, channels]` to codes, with the shift of each channel; position i's codes go to `out[i * stride..]`.
    fn read(self, stream: &[i16], shift: &[u8], out: &mut [Self::Code], stride: usize);
    /// `rounds` times the instructions of a pointwise layer's inner loop, in a dozen chains or so, on registers alone: nothing multiplies faster here.
    /// Returns the number of products, and a sum so that none can be left out.
    fn multiply(self, kind: Product, rounds: usize) -> (u64, i32);
    /// Runs plain code compiled for the instruction set; `task` should be an `#[inline(always)]` closure over simple loops.
    fn vectorise<R>(self, task: impl FnOnce() -> R) -> R;
}

/// The rounding term of `round_shift`.
pub(crate) fn rounding(shift: u8) -> i32 {
    if shift == 0 { 0 } else { 1 << (shift - 1) }
}
