//! NEON with dot products (ARMv8.2 and later: Apple's M series, Graviton 2, Raspberry Pi 5). Int8 layers: `sdot`; wide layers: `smlal`.
//! The rest is the portable code, compiled for NEON as everything is on aarch64.
//!
//! **Instructions**: a value of [`Neon`] exists only where `detect` found dot products. **Memory**: every pointer comes from a slice whose
//! length is asserted against the farthest byte touched before the loops run; each `unsafe` block names its bound.

use std::arch::aarch64::*;
use std::arch::{asm, is_aarch64_feature_detected};

use super::pack::{PackedPointwise, pack_ends, pack_lines};
use super::portable::{self, NATURAL, Taps, Tile};
use super::{DepthwiseSource, Ends, Kernels, LANES, Line, Out, PointwiseSource, Product, Rows};

/// A machine with NEON and its dot products.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Neon(());

/// An int8 layer, in groups of four inputs.
type Pointwise = PackedPointwise<i8, 4>;

/// A wide layer: weights `[block of 16 outputs][K][16]`.
pub(crate) struct Wide {
    inputs: usize,
    outputs: usize,
    weight: Vec<[i16; LANES]>,
    ends: Vec<Ends>,
}

/// Positions of a tile: 16 sums of four outputs, four weights, an input.
const TILE: usize = 4;

/// Sixteen accumulators.
type Sums = [int32x4_t; 4];

impl Neon {
    /// The proof, where this machine has it.
    pub fn detect() -> Option<Neon> {
        is_aarch64_feature_detected!("dotprod").then_some(Neon(()))
    }
}

impl Kernels for Neon {
    type Code = i8;
    type Pointwise = Pointwise;
    type Wide = Wide;
    type Depthwise = Taps;

    fn pack_pointwise(source: PointwiseSource<'_, i8>) -> Pointwise {
        let ends = pack_ends(source.shift, NATURAL, |output| source.bias[output]);
        PackedPointwise { inputs: source.inputs, outputs: source.bias.len(), lines: pack_lines(source, NATURAL, |weight| weight), ends }
    }

    fn pack_wide(source: PointwiseSource<'_, i16>) -> Wide {
        pack_wide(source)
    }

    fn pack_depthwise(source: DepthwiseSource<'_>) -> Taps {
        portable::pack_taps(source)
    }

    fn pointwise(self, layer: &Pointwise, input: Rows<'_, i8>, out: Out<'_, i8>) {
        // SAFETY: self is the proof of the features.
        unsafe { pointwise(layer, input, out) }
    }

    fn wide(self, layer: &Wide, input: Rows<'_, i16>, out: &mut [i16]) {
        // SAFETY: self is the proof of the features.
        unsafe { wide(layer, input, out) }
    }

    fn depthwise(self, layer: &Taps, rows: [&[i8]; 3], out: &mut [i8]) {
        portable::depthwise(layer, rows, out);
    }

    fn read(self, stream: &[i16], shift: &[u8], out: &mut [i8], stride: usize) {
        portable::read(stream, shift, out, stride);
    }

    fn multiply(self, kind: Product, rounds: usize) -> (u64, i32) {
        // SAFETY: self is the proof of the features.
        unsafe { multiply(kind, rounds) }
    }

    fn vectorise<R>(self, task: impl FnOnce() -> R) -> R {
        task()
    }
}

/// Sixteen chains, as many as a tile has.
#[target_feature(enable = "neon,dotprod")]
fn multiply(kind: Product, rounds: usize) -> (u64, i32) {
    let mut factors = [vdupq_n_s8(3), vdupq_n_s8(5)];
    let mut sums = [vdupq_n_s32(0); 16];
    for _ in 0..rounds {
        for sum in &mut sums {
            factors = factors.map(unknown);
            *sum = match kind {
                Product::Int8 => dot(*sum, factors[0], factors[1]),
                Product::Int16 => {
                    let [a, b] = factors.map(|factor| vreinterpretq_s16_s8(factor));
                    vmlal_s16(*sum, vget_low_s16(a), vget_low_s16(b))
                }
            };
        }
    }
    let products = if kind == Product::Int8 { 16 } else { 4 };
    let all = sums.into_iter().fold(vdupq_n_s32(0), |all, sum| vaddq_s32(all, sum));
    (products * 16 * rounds as u64, vaddvq_s32(all))
}

/// The same value, of which the compiler no longer knows that it is: else it would compute a product once for all.
#[inline]
fn unknown(mut value: int8x16_t) -> int8x16_t {
    // SAFETY: no instruction at all.
    unsafe { asm!("/* {0:v} */", inout(vreg) value, options(pure, nomem, nostack, preserves_flags)) };
    value
}

/// `sdot`: adds to each of four sums the products of four codes and four weights.
#[target_feature(enable = "neon,dotprod")]
#[inline]
fn dot(mut sum: int32x4_t, codes: int8x16_t, weights: int8x16_t) -> int32x4_t {
    // SAFETY: arithmetic on registers; the function is compiled for dot products, whose intrinsic is not stable yet.
    unsafe {
        asm!("sdot {0:v}.4s, {1:v}.16b, {2:v}.16b", inout(vreg) sum, in(vreg) codes, in(vreg) weights, options(pure, nomem, nostack, preserves_flags));
    }
    sum
}

#[target_feature(enable = "neon,dotprod")]
fn pointwise(layer: &Pointwise, input: Rows<'_, i8>, out: Out<'_, i8>) {
    let groups = layer.inputs / 4;
    portable::pointwise_with(layer.outputs, &layer.ends, input, out, |rows, block, sums: &mut Tile<TILE>| {
        let (lines, bias) = (&layer.lines[block * groups..][..groups], &layer.ends[block].bias);
        match rows.count {
            4 => int8_tile::<4>(rows, lines, bias, sums),
            3 => int8_tile::<3>(rows, lines, bias, sums),
            2 => int8_tile::<2>(rows, lines, bias, sums),
            _ => int8_tile::<1>(rows, lines, bias, sums),
        }
    });
}

/// P positions by 16 outputs.
#[target_feature(enable = "neon,dotprod")]
#[inline]
fn int8_tile<const P: usize>(rows: Rows<'_, i8>, lines: &[Line<i8, 4>], bias: &[i32; LANES], out: &mut Tile<TILE>) {
    assert!(rows.data.len() >= (P - 1) * rows.stride + 4 * lines.len());
    let mut sums = [load(bias); P];
    for (k, line) in lines.iter().enumerate() {
        let start = line.0.as_ptr().cast::<i8>();
        // SAFETY: a line is four times 16 bytes.
        let weights = [0, 1, 2, 3].map(|quarter| unsafe { vld1q_s8(start.add(16 * quarter)) });
        for (p, sums) in sums.iter_mut().enumerate() {
            // SAFETY: bytes p * stride + 4k to + 3 lie below (P - 1) * stride + 4 * lines.len(), asserted above.
            let group = unsafe { rows.data.as_ptr().add(p * rows.stride + 4 * k).cast::<i32>().read_unaligned() };
            let codes = vreinterpretq_s8_s32(vdupq_n_s32(group));
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = dot(*sum, codes, weights);
            }
        }
    }
    store(&sums, out);
}

fn pack_wide(source: PointwiseSource<'_, i16>) -> Wide {
    let (inputs, outputs) = (source.inputs, source.bias.len());
    let ends = pack_ends(source.shift, NATURAL, |output| source.bias[output]);
    let mut weight = vec![[0; LANES]; ends.len() * inputs];
    for (output, row) in source.weight.chunks_exact(inputs).enumerate() {
        let block = &mut weight[output / LANES * inputs..][..inputs];
        block.iter_mut().zip(row).for_each(|(weights, &value)| weights[output % LANES] = value);
    }
    Wide { inputs, outputs, weight, ends }
}

#[target_feature(enable = "neon,dotprod")]
fn wide(layer: &Wide, input: Rows<'_, i16>, out: &mut [i16]) {
    portable::pointwise_with(layer.outputs, &layer.ends, input, Out::Stream::<i8>(out), |rows, block, sums: &mut Tile<TILE>| {
        let (weights, bias) = (&layer.weight[block * layer.inputs..][..layer.inputs], &layer.ends[block].bias);
        match rows.count {
            4 => wide_tile::<4>(rows, weights, bias, sums),
            3 => wide_tile::<3>(rows, weights, bias, sums),
            2 => wide_tile::<2>(rows, weights, bias, sums),
            _ => wide_tile::<1>(rows, weights, bias, sums),
        }
    });
}

/// P positions by 16 outputs.
#[target_feature(enable = "neon,dotprod")]
#[inline]
fn wide_tile<const P: usize>(rows: Rows<'_, i16>, weights: &[[i16; LANES]], bias: &[i32; LANES], out: &mut Tile<TILE>) {
    let inputs: [&[i16]; P] = std::array::from_fn(|p| &rows.data[p * rows.stride..][..weights.len()]);
    let mut sums = [load(bias); P];
    for (k, weights) in weights.iter().enumerate() {
        // SAFETY: 16 i16 are two times 8.
        let [low, high] = [0, 8].map(|half| unsafe { vld1q_s16(weights.as_ptr().add(half)) });
        for (sums, input) in sums.iter_mut().zip(inputs) {
            sums[0] = vmlal_n_s16(sums[0], vget_low_s16(low), input[k]);
            sums[1] = vmlal_high_n_s16(sums[1], low, input[k]);
            sums[2] = vmlal_n_s16(sums[2], vget_low_s16(high), input[k]);
            sums[3] = vmlal_high_n_s16(sums[3], high, input[k]);
        }
    }
    store(&sums, out);
}

#[target_feature(enable = "neon,dotprod")]
#[inline]
fn load(values: &[i32; LANES]) -> Sums {
    // SAFETY: 16 i32 are four times 4.
    [0, 4, 8, 12].map(|quarter| unsafe { vld1q_s32(values.as_ptr().add(quarter)) })
}

#[target_feature(enable = "neon,dotprod")]
#[inline]
fn store<const P: usize>(sums: &[Sums; P], out: &mut Tile<TILE>) {
    for (sums, row) in sums.iter().zip(out) {
        for (sum, quarter) in sums.iter().zip(row.as_chunks_mut::<4>().0) {
            // SAFETY: 4 i32.
            unsafe { vst1q_s32(quarter.as_mut_ptr(), *sum) };
        }
    }
}
