//! AVX-512 with VNNI: `vpdpbusd` for int8 layers (codes are stored plus 128, the bias takes 128 times the sum of the weights back),
//! `vpdpwssd` for wide ones, 6 positions by 64 outputs at a time.

use std::arch::x86_64::*;
use std::marker::PhantomData;

use crate::kernels::pack::{
    Depthwise, DepthwiseSource, Ends, LANES, Line, PackedPointwise, PointwiseSource, Slots, pack_ends, pack_lines, unsigned_bias,
};
use crate::kernels::{Kernels, Out, Product, Rows};

/// A machine with AVX-512 F, BW, DQ, VL and VNNI.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(());

/// Weights of an int8 layer.
pub(crate) type Pointwise = PackedPointwise<i8, 4>;
/// Weights of a wide layer.
pub(crate) type Wide = PackedPointwise<i16, 2>;
/// Weights of a depthwise layer: per 64 channels `[tap column][line]`, a lane's four bytes being the rows of that column and 0.
pub(crate) type Taps = Depthwise<i8, 4>;

/// Turns a code's sign bit: plus 128 in memory.
const OFFSET: u8 = 128;
/// Lines in a full block: 64 outputs.
const BLOCK: usize = 4;
/// Positions in a full tile.
const TILE: usize = 6;
const SLOTS: Slots = Slots { lines: BLOCK, permuted: true };

impl Avx512 {
    /// The proof, where this machine has it.
    pub fn detect() -> Option<Avx512> {
        let found = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni");
        found.then_some(Avx512(()))
    }
}

impl Kernels for Avx512 {
    type Code = u8;
    type Pointwise = Pointwise;
    type Wide = Wide;
    type Depthwise = Taps;

    fn pack_pointwise(source: PointwiseSource<'_, i8>) -> Pointwise {
        let ends = pack_ends(source.shift, SLOTS, |output| source.unsigned_bias(output));
        let lines = pack_lines(source, SLOTS, |weight| weight);
        PackedPointwise { inputs: source.inputs, outputs: source.bias.len(), lines, ends }
    }

    fn pack_wide(source: PointwiseSource<'_, i16>) -> Wide {
        let ends = pack_ends(source.shift, SLOTS, |output| source.bias[output]);
        let lines = pack_lines(source, SLOTS, |weight| weight);
        PackedPointwise { inputs: source.inputs, outputs: source.bias.len(), lines, ends }
    }

    fn pack_depthwise(source: DepthwiseSource<'_>) -> Taps {
        pack_taps(source)
    }

    fn pointwise(self, layer: &Pointwise, input: Rows<'_, u8>, out: Out<'_, u8>) {
        // SAFETY: self is the proof of the features.
        unsafe { pointwise(layer, input, out) }
    }

    fn wide(self, layer: &Wide, input: Rows<'_, i16>, out: &mut [i16]) {
        // SAFETY: self is the proof of the features.
        unsafe { wide(layer, input, out) }
    }

    fn depthwise(self, layer: &Taps, rows: [&[u8]; 3], out: &mut [u8]) {
        // SAFETY: self is the proof of the features.
        unsafe { depthwise(layer, rows, out) }
    }

    fn read(self, stream: &[i16], shift: &[u8], out: &mut [u8], stride: usize) {
        // SAFETY: self is the proof of the features.
        unsafe { read(stream, shift, out, stride) }
    }

    fn multiply(self, kind: Product, rounds: usize) -> (u64, i32) {
        // SAFETY: self is the proof of the features.
        unsafe { multiply(kind, rounds) }
    }

    fn vectorise<R>(self, task: impl FnOnce() -> R) -> R {
        // SAFETY: self is the proof of the features.
        unsafe { vectorise(task) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn vectorise<R>(task: impl FnOnce() -> R) -> R {
    task()
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn multiply(kind: Product, rounds: usize) -> (u64, i32) {
    let factors = _mm512_set1_epi8(std::hint::black_box(3));
    let mut sums = [_mm512_setzero_si512(); 16];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = match kind {
                Product::Int8 => _mm512_dpbusd_epi32(*sum, factors, factors),
                Product::Int16 => dot_i16(*sum, factors, factors),
            };
        }
    }
    let products = if kind == Product::Int8 { 64 } else { 32 };
    let all = sums.into_iter().fold(_mm512_setzero_si512(), |all, sum| _mm512_add_epi32(all, sum));
    (products * 16 * rounds as u64, _mm512_cvtsi512_si32(all))
}

/// Channels in full blocks of 64 even where the last is partly empty: there the lanes are in the permuted order too.
fn pack_taps(source: DepthwiseSource<'_>) -> Taps {
    let channels = source.bias.len();
    let padded = channels.next_multiple_of(BLOCK * LANES);
    let (mut bias, mut shift) = (vec![0i32; padded], vec![0; padded]);
    let mut weight = vec![0; padded * 12];
    for (channel, taps) in source.weight.chunks_exact(9).enumerate() {
        bias[channel] = unsigned_bias(source.bias[channel], taps);
        shift[channel] = source.shift[channel];
        for (tap, &w) in taps.iter().enumerate() {
            weight[channel * 12 + tap % 3 * 4 + tap / 3] = w;
        }
    }
    let lines = pack_lines(PointwiseSource { inputs: 12, weight: &weight, bias: &bias, shift: &shift }, SLOTS, |w| w);
    Depthwise { channels, lines, ends: pack_ends(&shift, SLOTS, |channel| bias[channel]) }
}

/// The input of a pointwise layer as bytes, with the distance of positions in bytes.
#[derive(Clone, Copy)]
struct Input<'a> {
    bytes: &'a [u8],
    stride: usize,
    count: usize,
}

/// One block of outputs: at most 64 of them, from `first`.
#[derive(Clone, Copy)]
struct Block<'a> {
    /// `[group][line]`, 64 bytes each.
    weights: &'a [[u8; 64]],
    ends: &'a [Ends],
    first: usize,
    /// N of the layer: the distance of positions in the output.
    outputs: usize,
}

/// The ends of a layer, as a constant of the compiled kernel.
const ACTIVE: u8 = 0;
const STREAM: u8 = 1;
const ADD: u8 = 2;

/// The output of a pointwise layer: u8 for [`ACTIVE`], i16 for the others.
#[derive(Clone, Copy)]
struct Place<'a> {
    start: *mut u8,
    /// In elements.
    length: usize,
    life: PhantomData<&'a mut [u8]>,
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn pointwise(layer: &Pointwise, input: Rows<'_, u8>, out: Out<'_, u8>) {
    let input = Input { bytes: input.data, stride: input.stride, count: input.count };
    // SAFETY: codes are u8, streams i16, as the ends demand.
    unsafe {
        match out {
            Out::Active(codes) => blocks::<_, 4, false, ACTIVE>(layer, input, place(codes)),
            Out::Stream(stream) => blocks::<_, 4, false, STREAM>(layer, input, place(stream)),
            Out::Add(stream) => blocks::<_, 4, false, ADD>(layer, input, place(stream)),
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn wide(layer: &Wide, input: Rows<'_, i16>, out: &mut [i16]) {
    // SAFETY: an i16 slice read as bytes, of the same length in memory; u8 has no alignment and no invalid values.
    let bytes = unsafe { std::slice::from_raw_parts(input.data.as_ptr().cast(), input.data.len() * 2) };
    let input = Input { bytes, stride: input.stride * 2, count: input.count };
    // SAFETY: the stream is i16, as its end demands.
    unsafe { blocks::<_, 2, true, STREAM>(layer, input, place(out)) }
}

fn place<T>(out: &mut [T]) -> Place<'_> {
    Place { start: out.as_mut_ptr().cast(), length: out.len(), life: PhantomData }
}

/// All outputs of a layer.
///
/// # Safety
/// `out` is made from a slice of the type that END says.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn blocks<T, const G: usize, const WIDE: bool, const END: u8>(layer: &PackedPointwise<T, G>, input: Input<'_>, out: Place<'_>) {
    assert!(out.length >= input.count * layer.outputs);
    let groups = layer.inputs / G;
    // SAFETY: a line is 64 bytes without padding, aligned to 64, and holds integers only.
    let weights: &[[u8; 64]] = unsafe { std::slice::from_raw_parts(layer.lines.as_ptr().cast(), layer.lines.len()) };
    for first in (0..layer.ends.len()).step_by(BLOCK) {
        let lines = BLOCK.min(layer.ends.len() - first);
        let block = Block {
            weights: &weights[first * groups..][..lines * groups],
            ends: &layer.ends[first..][..lines],
            first: first * LANES,
            outputs: layer.outputs,
        };
        // SAFETY: the length is asserted above, the type promised by the caller.
        unsafe {
            match lines {
                4 => tiles::<4, WIDE, END>(block, input, out.start),
                3 => tiles::<3, WIDE, END>(block, input, out.start),
                2 => tiles::<2, WIDE, END>(block, input, out.start),
                _ => tiles::<1, WIDE, END>(block, input, out.start),
            }
        }
    }
}

/// A block of outputs at all positions.
///
/// # Safety
/// `out` holds `input.count * block.outputs` elements of the type that END says.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn tiles<const L: usize, const WIDE: bool, const END: u8>(block: Block<'_>, input: Input<'_>, out: *mut u8) {
    let mut position = 0;
    // SAFETY: each tile's positions lie below count.
    unsafe {
        while input.count - position >= TILE {
            tile::<TILE, L, WIDE, END>(block, input, position, out);
            position += TILE;
        }
        if input.count - position >= 3 {
            tile::<3, L, WIDE, END>(block, input, position, out);
            position += 3;
        }
        while position < input.count {
            tile::<1, L, WIDE, END>(block, input, position, out);
            position += 1;
        }
    }
}

/// P positions of a block.
///
/// # Safety
/// `out` holds `position + P` times `block.outputs` elements of the type that END says.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn tile<const P: usize, const L: usize, const WIDE: bool, const END: u8>(
    block: Block<'_>,
    input: Input<'_>,
    position: usize,
    out: *mut u8,
) {
    let sums = accumulate::<P, L, WIDE>(block, &input.bytes[position * input.stride..], input.stride);
    let lanes = block.outputs - block.first;
    for (p, sum) in sums.iter().enumerate() {
        let at = (position + p) * block.outputs + block.first;
        if L == BLOCK && lanes >= BLOCK * LANES {
            // SAFETY: at + 64 <= (position + p + 1) * outputs, promised by the caller.
            unsafe { finish_full::<END>([sum[0], sum[1 % L], sum[2 % L], sum[3 % L]], block.ends, out, at) }
        } else {
            for (j, &sum) in sum.iter().enumerate() {
                let lanes = (lanes - j * LANES).min(LANES);
                // SAFETY: at + 16 j + lanes <= (position + p + 1) * outputs, as above.
                unsafe { finish_line::<END>(sum, &block.ends[j], out, at + j * LANES, lanes) }
            }
        }
    }
}

/// The accumulators of P positions and L lines of outputs: P * L registers, at most 24.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
fn accumulate<const P: usize, const L: usize, const WIDE: bool>(block: Block<'_>, bytes: &[u8], stride: usize) -> [[__m512i; L]; P] {
    let groups = block.weights.len() / L;
    assert!(bytes.len() >= (P - 1) * stride + 4 * groups && block.ends.len() == L);
    let mut bias = [_mm512_setzero_si512(); L];
    for (start, ends) in bias.iter_mut().zip(block.ends) {
        *start = load_i32(&ends.bias);
    }
    let mut sums = [bias; P];
    let mut weights = bias;
    for k in 0..groups {
        for (j, weight) in weights.iter_mut().enumerate() {
            // SAFETY: line k * L + j is below groups * L <= weights.len(); it is 64 bytes, aligned to 64.
            *weight = unsafe { _mm512_load_si512(block.weights.as_ptr().add(k * L + j).cast()) };
        }
        for (p, sum) in sums.iter_mut().enumerate() {
            // SAFETY: bytes p * stride + 4k .. + 4 end at or before (P - 1) * stride + 4 * groups, asserted above.
            let group = unsafe { bytes.as_ptr().add(p * stride + 4 * k).cast::<i32>().read_unaligned() };
            let group = _mm512_set1_epi32(group);
            for j in 0..L {
                sum[j] = if WIDE { dot_i16(sum[j], group, weights[j]) } else { _mm512_dpbusd_epi32(sum[j], group, weights[j]) };
            }
        }
    }
    sums
}

/// `_mm512_dpwssd_epi32`, which the compiler (LLVM 22) would take apart into two instructions: wide layers then take 1.8 times as long.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
fn dot_i16(mut sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: arithmetic on registers; the target features hold VNNI.
    unsafe {
        std::arch::asm!("vpdpwssd {0}, {1}, {2}", inout(zmm_reg) sum, in(zmm_reg) a, in(zmm_reg) b, options(pure, nomem, nostack, preserves_flags));
    }
    sum
}

/// Ends 64 accumulators in permuted order, as elements `at..at + 64`.
///
/// # Safety
/// These elements, of the type that END says, are at `out`.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
unsafe fn finish_full<const END: u8>(sums: [__m512i; 4], ends: &[Ends], out: *mut u8, at: usize) {
    if END == ACTIVE {
        let codes = full_codes([leaky(sums[0]), leaky(sums[1]), leaky(sums[2]), leaky(sums[3])], ends);
        // SAFETY: 64 bytes, promised by the caller.
        unsafe { _mm512_storeu_si512(out.add(at).cast(), codes) }
        return;
    }
    let [mut low, mut high] = full_stream(sums, ends);
    // SAFETY: 64 i16 are two times 64 bytes, promised by the caller.
    unsafe {
        let start: *mut __m512i = out.add(2 * at).cast();
        if END == ADD {
            low = _mm512_adds_epi16(_mm512_loadu_si512(start), low);
            high = _mm512_adds_epi16(_mm512_loadu_si512(start.add(1)), high);
        }
        _mm512_storeu_si512(start, low);
        _mm512_storeu_si512(start.add(1), high);
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn leaky(sum: __m512i) -> __m512i {
    _mm512_max_epi32(sum, _mm512_srai_epi32::<3>(sum))
}

/// `round_shift` of a line.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn shifted(sum: __m512i, ends: &Ends) -> __m512i {
    _mm512_srav_epi32(_mm512_add_epi32(sum, load_i32(&ends.round)), load_i32(&ends.shift))
}

/// 64 codes in order: the in-lane packs undo the permutation of the lines.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn full_codes(sums: [__m512i; 4], ends: &[Ends]) -> __m512i {
    let low = _mm512_packs_epi32(shifted(sums[0], &ends[0]), shifted(sums[1], &ends[1]));
    let high = _mm512_packs_epi32(shifted(sums[2], &ends[2]), shifted(sums[3], &ends[3]));
    let codes = _mm512_max_epi8(_mm512_packs_epi16(low, high), _mm512_set1_epi8(-127));
    _mm512_xor_si512(codes, _mm512_set1_epi8(OFFSET as i8))
}

/// 64 stream values in order.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn full_stream(sums: [__m512i; 4], ends: &[Ends]) -> [__m512i; 2] {
    let low = _mm512_packs_epi32(shifted(sums[0], &ends[0]), shifted(sums[1], &ends[1]));
    let high = _mm512_packs_epi32(shifted(sums[2], &ends[2]), shifted(sums[3], &ends[3]));
    let first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    let second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    [_mm512_permutex2var_epi64(low, first, high), _mm512_permutex2var_epi64(low, second, high)]
}

/// Ends one line in natural order, as elements `at..at + lanes`.
///
/// # Safety
/// These elements, of the type that END says, are at `out`.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
unsafe fn finish_line<const END: u8>(sum: __m512i, ends: &Ends, out: *mut u8, at: usize, lanes: usize) {
    let mask = lane_mask(lanes);
    if END == ACTIVE {
        let codes = _mm512_cvtsepi32_epi8(_mm512_max_epi32(shifted(leaky(sum), ends), _mm512_set1_epi32(-127)));
        let codes = _mm_xor_si128(codes, _mm_set1_epi8(OFFSET as i8));
        // SAFETY: the mask has `lanes` bits, promised by the caller.
        unsafe { _mm_mask_storeu_epi8(out.add(at).cast(), mask, codes) }
        return;
    }
    let mut values = _mm512_cvtsepi32_epi16(shifted(sum, ends));
    // SAFETY: the mask has `lanes` bits, promised by the caller.
    unsafe {
        let start: *mut i16 = out.add(2 * at).cast();
        if END == ADD {
            values = _mm256_adds_epi16(_mm256_maskz_loadu_epi16(mask, start), values);
        }
        _mm256_mask_storeu_epi16(start, mask, values);
    }
}

/// The lowest `lanes` bits, at most 16.
fn lane_mask(lanes: usize) -> u16 {
    (u32::MAX >> (32 - lanes.clamp(1, 16))) as u16
}

/// The lowest `lanes` bits, at most 64.
fn byte_mask(lanes: usize) -> u64 {
    u64::MAX >> (64 - lanes.clamp(1, 64))
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn load_i32(values: &[i32; LANES]) -> __m512i {
    // SAFETY: 16 i32 are 64 bytes.
    unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn depthwise(layer: &Taps, rows: [&[u8]; 3], out: &mut [u8]) {
    let row_bytes = out.len();
    assert!(row_bytes.is_multiple_of(layer.channels) && rows.iter().all(|row| row.len() == row_bytes));
    for (block, ends) in layer.ends.chunks_exact(BLOCK).enumerate() {
        let taps: &[Line<i8, 4>; 12] = layer.lines[block * 12..][..12].first_chunk().expect("12 lines");
        depthwise_block(taps, ends, rows, block * 64, layer.channels, out);
    }
}

/// One row of up to 64 channels from `first`, three columns of codes in registers.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
fn depthwise_block(taps: &[Line<i8, 4>; 12], ends: &[Ends], rows: [&[u8]; 3], first: usize, channels: usize, out: &mut [u8]) {
    let lanes = (channels - first).min(64);
    let taps = [load_taps(&taps[..4]), load_taps(&taps[4..8]), load_taps(&taps[8..])];
    let mut columns = [column(rows, first, lanes); 3];
    for at in (first..out.len()).step_by(channels) {
        let next = if at + channels < out.len() { column(rows, at + channels, lanes) } else { columns[2] };
        columns = [columns[1], columns[2], next];
        let mut sums = columns[0];
        for j in 0..4 {
            let sum = _mm512_dpbusd_epi32(load_i32(&ends[j].bias), columns[0][j], taps[0][j]);
            let sum = _mm512_dpbusd_epi32(sum, columns[1][j], taps[1][j]);
            sums[j] = _mm512_dpbusd_epi32(sum, columns[2][j], taps[2][j]);
        }
        let place = &mut out[at..][..lanes];
        // SAFETY: the mask has a bit only for each element of place.
        unsafe { _mm512_mask_storeu_epi8(place.as_mut_ptr().cast(), byte_mask(lanes), full_codes(sums, ends)) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn load_taps(lines: &[Line<i8, 4>]) -> [__m512i; 4] {
    assert!(lines.len() == 4);
    let start: *const __m512i = lines.as_ptr().cast();
    // SAFETY: four lines of 64 bytes, aligned to 64.
    unsafe { [_mm512_load_si512(start), _mm512_load_si512(start.add(1)), _mm512_load_si512(start.add(2)), _mm512_load_si512(start.add(3))] }
}

/// A column of up to 64 channels: each 32-bit lane holds the three rows of one channel and a byte whose weight is 0, in permuted order.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
fn column(rows: [&[u8]; 3], at: usize, lanes: usize) -> [__m512i; 4] {
    let mask = byte_mask(lanes);
    let [above, here, below] = [&rows[0][at..][..lanes], &rows[1][at..][..lanes], &rows[2][at..][..lanes]];
    // SAFETY: the mask has a bit only for each element of the three slices.
    let [above, here, below] = unsafe {
        [
            _mm512_maskz_loadu_epi8(mask, above.as_ptr().cast()),
            _mm512_maskz_loadu_epi8(mask, here.as_ptr().cast()),
            _mm512_maskz_loadu_epi8(mask, below.as_ptr().cast()),
        ]
    };
    let (first, second) = (_mm512_unpacklo_epi8(above, here), _mm512_unpackhi_epi8(above, here));
    let (third, fourth) = (_mm512_unpacklo_epi8(below, below), _mm512_unpackhi_epi8(below, below));
    [
        _mm512_unpacklo_epi16(first, third),
        _mm512_unpackhi_epi16(first, third),
        _mm512_unpacklo_epi16(second, fourth),
        _mm512_unpackhi_epi16(second, fourth),
    ]
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn read(stream: &[i16], shift: &[u8], out: &mut [u8], stride: usize) {
    let channels = shift.len();
    let factors: Vec<i16> = shift.iter().map(|&r| if r == 0 { 0 } else { 1 << (15 - r.min(15)) }).collect();
    for (position, codes) in stream.chunks_exact(channels).zip(out.chunks_mut(stride)) {
        let codes = &mut codes[..channels];
        for first in (0..channels).step_by(32) {
            let last = (first + 32).min(channels);
            read_line(&position[first..last], &factors[first..last], &mut codes[first..last]);
        }
    }
}

/// Up to 32 channels. `vpmulhrsw` is the rounding shift: `(s * 2^(15 - r) + 2^14) >> 15`. Only for r = 0 its factor does not fit.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn read_line(stream: &[i16], factors: &[i16], codes: &mut [u8]) {
    assert!(stream.len() == factors.len() && stream.len() == codes.len());
    let mask = byte_mask(stream.len().min(32)) as u32;
    // SAFETY: the mask has a bit only for each element of the slices.
    let (s, factor) = unsafe { (_mm512_maskz_loadu_epi16(mask, stream.as_ptr()), _mm512_maskz_loadu_epi16(mask, factors.as_ptr())) };
    let rounded = _mm512_mask_mulhrs_epi16(s, _mm512_test_epi16_mask(factor, factor), s, factor);
    let narrow = _mm256_max_epi8(_mm512_cvtsepi16_epi8(rounded), _mm256_set1_epi8(-127));
    let narrow = _mm256_xor_si256(narrow, _mm256_set1_epi8(OFFSET as i8));
    // SAFETY: the mask has a bit only for each element of codes.
    unsafe { _mm256_mask_storeu_epi8(codes.as_mut_ptr().cast(), mask, narrow) }
}
