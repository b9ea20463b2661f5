//! AVX2: `vpmaddwd` on pairs of i16 for int8 and wide layers alike; the rest is the portable code compiled for 256 bits.

use std::arch::x86_64::*;

use crate::kernels::pack::{DenseSource, DepthwiseSource, LANES, Line, PackedDense, pack_ends, pack_lines};
use crate::kernels::portable::{self, NATURAL, Taps, Tile};
use crate::kernels::{Kernels, Out, Product, Rows};

/// A machine with AVX2.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

/// A pointwise layer with i16 inputs, in pairs.
type Dense = PackedDense<i16, 2>;

impl Avx2 {
    /// The proof, where this machine has it.
    pub fn detect() -> Option<Avx2> {
        is_x86_feature_detected!("avx2").then_some(Avx2(()))
    }
}

impl Kernels for Avx2 {
    type Code = i16;
    type Dense = Dense;
    type Wide = Dense;
    type Depthwise = Taps;

    fn code(value: i8) -> i16 {
        i16::from(value)
    }

    fn value(code: i16) -> i8 {
        code as i8
    }

    fn pack_dense(source: DenseSource<'_, i8>) -> Dense {
        pack(source, i16::from)
    }

    fn pack_wide(source: DenseSource<'_, i16>) -> Dense {
        pack(source, |weight| weight)
    }

    fn pack_depthwise(source: DepthwiseSource<'_>) -> Taps {
        portable::pack_taps(source)
    }

    fn dense(self, layer: &Dense, input: Rows<'_, i16>, out: Out<'_, i16>) {
        // SAFETY: self is the proof of AVX2.
        unsafe { dense(layer, input, out) }
    }

    fn wide(self, layer: &Dense, input: Rows<'_, i16>, out: &mut [i16]) {
        // SAFETY: self is the proof of AVX2.
        unsafe { dense(layer, input, Out::Stream(out)) }
    }

    fn depthwise(self, layer: &Taps, rows: [&[i16]; 3], out: &mut [i16]) {
        // SAFETY: self is the proof of AVX2.
        unsafe { depthwise(layer, rows, out) }
    }

    fn read(self, stream: &[i16], shift: &[u8], out: &mut [i16], stride: usize) {
        // SAFETY: self is the proof of AVX2.
        unsafe { read(stream, shift, out, stride) }
    }

    fn multiply(self, _: Product, rounds: usize) -> (u64, i32) {
        // SAFETY: self is the proof of AVX2.
        unsafe { multiply(rounds) }
    }

    fn vectorise<R>(self, task: impl FnOnce() -> R) -> R {
        // SAFETY: self is the proof of AVX2.
        unsafe { vectorise(task) }
    }
}

fn pack<S: Copy>(source: DenseSource<'_, S>, convert: impl Fn(S) -> i16) -> Dense {
    let ends = pack_ends(source.shift, NATURAL, |output| source.bias[output]);
    PackedDense { inputs: source.inputs, outputs: source.bias.len(), lines: pack_lines(source, NATURAL, convert), ends }
}

#[target_feature(enable = "avx2")]
fn vectorise<R>(task: impl FnOnce() -> R) -> R {
    task()
}

/// Twelve chains of `vpmaddwd` and `vpaddd`, as many as a tile has. A product of each sum, so that none can be computed once for all.
#[target_feature(enable = "avx2")]
fn multiply(rounds: usize) -> (u64, i32) {
    let factors = _mm256_set1_epi16(std::hint::black_box(3));
    let mut sums = [factors; 12];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(*sum, factors));
        }
    }
    let all = sums.into_iter().fold(factors, |all, sum| _mm256_xor_si256(all, sum));
    (16 * 12 * rounds as u64, _mm256_extract_epi32::<0>(all))
}

#[target_feature(enable = "avx2")]
fn depthwise(layer: &Taps, rows: [&[i16]; 3], out: &mut [i16]) {
    portable::depthwise(layer, rows, out);
}

#[target_feature(enable = "avx2")]
fn read(stream: &[i16], shift: &[u8], out: &mut [i16], stride: usize) {
    portable::read(stream, shift, out, stride);
}

#[target_feature(enable = "avx2")]
fn dense(layer: &Dense, input: Rows<'_, i16>, out: Out<'_, i16>) {
    let groups = layer.inputs / 2;
    portable::dense_with(layer.outputs, &layer.ends, input, out, |rows, block, accumulators| {
        any_tile(rows, &layer.lines[block * groups..][..groups], &layer.ends[block].bias, accumulators);
    });
}

#[target_feature(enable = "avx2")]
#[inline]
fn any_tile(input: Rows<'_, i16>, lines: &[Line<i16, 2>], bias: &[i32; LANES], out: &mut Tile) {
    match input.count {
        6 => tile::<6>(input, lines, bias, out),
        5 => tile::<5>(input, lines, bias, out),
        4 => tile::<4>(input, lines, bias, out),
        3 => tile::<3>(input, lines, bias, out),
        2 => tile::<2>(input, lines, bias, out),
        _ => tile::<1>(input, lines, bias, out),
    }
}

/// P positions by 16 outputs: 2 P accumulators, two weight registers, one input pair.
#[target_feature(enable = "avx2")]
#[inline]
fn tile<const P: usize>(input: Rows<'_, i16>, lines: &[Line<i16, 2>], bias: &[i32; LANES], out: &mut Tile) {
    assert!(input.data.len() >= (P - 1) * input.stride + 2 * lines.len());
    let start = [load(&bias[..8]), load(&bias[8..])];
    let mut sums = [start; P];
    for (k, line) in lines.iter().enumerate() {
        let weights = load_line(line);
        for (p, sum) in sums.iter_mut().enumerate() {
            // SAFETY: elements p * stride + 2k and + 1 lie below (P - 1) * stride + 2 * lines.len(), asserted above.
            let pair = unsafe { input.data.as_ptr().add(p * input.stride + 2 * k).cast::<i32>().read_unaligned() };
            let pair = _mm256_set1_epi32(pair);
            sum[0] = _mm256_add_epi32(sum[0], _mm256_madd_epi16(weights[0], pair));
            sum[1] = _mm256_add_epi32(sum[1], _mm256_madd_epi16(weights[1], pair));
        }
    }
    for (sum, row) in sums.iter().zip(out) {
        store(sum[0], &mut row[..8]);
        store(sum[1], &mut row[8..]);
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn load(values: &[i32]) -> __m256i {
    assert!(values.len() == 8);
    // SAFETY: 8 i32 are 32 bytes.
    unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn load_line(line: &Line<i16, 2>) -> [__m256i; 2] {
    let start: *const __m256i = (&raw const *line).cast();
    // SAFETY: a line is 64 bytes, aligned to 64.
    unsafe { [_mm256_load_si256(start), _mm256_load_si256(start.add(1))] }
}

#[target_feature(enable = "avx2")]
#[inline]
fn store(values: __m256i, place: &mut [i32]) {
    assert!(place.len() == 8);
    // SAFETY: 8 i32 are 32 bytes.
    unsafe { _mm256_storeu_si256(place.as_mut_ptr().cast(), values) }
}
