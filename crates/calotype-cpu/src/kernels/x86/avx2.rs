//! AVX2, with AVX-VNNI where [`Avx2`] says so. Int8 layers: `vpmaddubsw` on couples of groups ([`chains`](super::chains)), or `vpdpbusd`;
//! wide layers: `vpmaddwd`, or `vpdpwssd`. The rest is the portable code compiled for 256 bits.

use std::arch::asm;
use std::arch::x86_64::*;

use super::chains::{Chains, Couple};
use crate::kernels::pack::{
    Depthwise, DepthwiseSource, Ends, LANES, Line, PackedPointwise, PointwiseSource, pack_ends, pack_lines, unsigned_bias,
};
use crate::kernels::portable::{self, NATURAL, Tile};
use crate::kernels::{Kernels, Out, Product, Rows};

/// A machine with AVX2, and with AVX-VNNI if VNNI is true.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2<const VNNI: bool>(());

/// A wide layer, in pairs of inputs.
type Wide = PackedPointwise<i16, 2>;
/// A depthwise layer: per 16 channels and tap column a line of the upper two rows' weights, then one of the lower row's and 0.
type Taps = Depthwise<i16, 2>;

/// Positions of an int8 tile: 8 sums, and room for the products.
const INT8_TILE: usize = 4;
/// Positions of a wide tile: 12 sums, two weights, one input pair.
const WIDE_TILE: usize = 6;

impl<const VNNI: bool> Avx2<VNNI> {
    /// The proof, where this machine has it.
    pub fn detect() -> Option<Avx2<VNNI>> {
        let found = is_x86_feature_detected!("avx2") && (!VNNI || is_x86_feature_detected!("avxvnni"));
        found.then_some(Avx2(()))
    }
}

impl<const VNNI: bool> Kernels for Avx2<VNNI> {
    type Code = u8;
    type Pointwise = Chains;
    type Wide = Wide;
    type Depthwise = Taps;

    fn pack_pointwise(source: PointwiseSource<'_, i8>) -> Chains {
        Chains::new(source, VNNI)
    }

    fn pack_wide(source: PointwiseSource<'_, i16>) -> Wide {
        let ends = pack_ends(source.shift, NATURAL, |output| source.bias[output]);
        PackedPointwise { inputs: source.inputs, outputs: source.bias.len(), lines: pack_lines(source, NATURAL, |weight| weight), ends }
    }

    fn pack_depthwise(source: DepthwiseSource<'_>) -> Taps {
        pack_taps(source)
    }

    fn pointwise(self, layer: &Chains, input: Rows<'_, u8>, out: Out<'_, u8>) {
        // SAFETY: self is the proof of the features.
        unsafe { pointwise::<VNNI>(layer, input, out) }
    }

    fn wide(self, layer: &Wide, input: Rows<'_, i16>, out: &mut [i16]) {
        // SAFETY: self is the proof of the features.
        unsafe { wide::<VNNI>(layer, input, out) }
    }

    fn depthwise(self, layer: &Taps, rows: [&[u8]; 3], out: &mut [u8]) {
        // SAFETY: self is the proof of AVX2.
        unsafe { depthwise(layer, rows, out) }
    }

    fn read(self, stream: &[i16], shift: &[u8], out: &mut [u8], stride: usize) {
        // SAFETY: self is the proof of AVX2.
        unsafe { read(stream, shift, out, stride) }
    }

    fn multiply(self, kind: Product, rounds: usize) -> (u64, i32) {
        // SAFETY: self is the proof of the features.
        unsafe { multiply::<VNNI>(kind, rounds) }
    }

    fn vectorise<R>(self, task: impl FnOnce() -> R) -> R {
        // SAFETY: self is the proof of AVX2.
        unsafe { vectorise(task) }
    }
}

#[target_feature(enable = "avx2")]
fn vectorise<R>(task: impl FnOnce() -> R) -> R {
    task()
}

/// Twelve chains, as many as a wide tile has.
///
/// # Safety
/// The machine has AVX-VNNI if VNNI is true.
#[target_feature(enable = "avx2")]
unsafe fn multiply<const VNNI: bool>(kind: Product, rounds: usize) -> (u64, i32) {
    let mut factors = [3, 5].map(|factor| _mm256_set1_epi16(factor));
    let mut sums = [factors[0]; 12];
    for _ in 0..rounds {
        for sum in &mut sums {
            factors = factors.map(|factor| unknown(factor));
            // SAFETY: promised by the caller.
            *sum = unsafe {
                match kind {
                    Product::Int8 => add_couple::<VNNI>(*sum, factors, factors),
                    Product::Int16 => add_pair::<VNNI>(*sum, factors[0], factors[1]),
                }
            };
        }
    }
    let products = if kind == Product::Int8 { 64 } else { 16 };
    let all = sums.into_iter().fold(factors[1], |all, sum| _mm256_xor_si256(all, sum));
    (products * 12 * rounds as u64, _mm256_extract_epi32::<0>(all))
}

/// The same value, of which the compiler no longer knows that it is: else it would compute a product once for all.
#[target_feature(enable = "avx2")]
#[inline]
fn unknown(mut value: __m256i) -> __m256i {
    // SAFETY: no instruction at all.
    unsafe { asm!("/* {0} */", inout(ymm_reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

/// Codes are 128 larger in memory, which the bias takes back.
fn pack_taps(source: DepthwiseSource<'_>) -> Taps {
    let taps = || source.weight.as_chunks::<9>().0;
    let ends = pack_ends(source.shift, NATURAL, |channel| unsigned_bias(source.bias[channel], &taps()[channel]));
    let mut lines = vec![Line([[0; 2]; LANES]); ends.len() * 6];
    for (channel, taps) in taps().iter().enumerate() {
        for (tap, &weight) in taps.iter().enumerate() {
            let (row, column) = (tap / 3, tap % 3);
            lines[channel / LANES * 6 + 2 * column + row / 2].0[channel % LANES][row % 2] = i16::from(weight);
        }
    }
    Depthwise { channels: source.bias.len(), lines, ends }
}

#[target_feature(enable = "avx2")]
fn depthwise(layer: &Taps, rows: [&[u8]; 3], out: &mut [u8]) {
    assert!(out.len().is_multiple_of(layer.channels) && rows.iter().all(|row| row.len() == out.len()));
    for (block, ends) in layer.ends.iter().enumerate() {
        let taps = layer.lines[6 * block..].first_chunk().expect("6 lines");
        depthwise_block(taps, ends, rows, block * LANES, layer.channels, out);
    }
}

/// Two halves of 16 channels in 32 bits, as `unpack` leaves them: 0-3 and 8-11, then 4-7 and 12-15.
type Halves = [__m256i; 2];

/// One row of up to 16 channels from `first`, three columns of codes in registers.
#[target_feature(enable = "avx2")]
#[inline]
fn depthwise_block(taps: &[Line<i16, 2>; 6], ends: &Ends, rows: [&[u8]; 3], first: usize, channels: usize, out: &mut [u8]) {
    let lanes = (channels - first).min(LANES);
    let taps = [0, 1, 2, 3, 4, 5].map(|line| halves(&taps[line].0));
    let [bias, round, shift] = [&ends.bias, &ends.round, &ends.shift].map(|values| halves(values));
    let mut columns = [column(rows, first, lanes); 3];
    for at in (first..out.len()).step_by(channels) {
        let next = if at + channels < out.len() { column(rows, at + channels, lanes) } else { columns[2] };
        columns = [columns[1], columns[2], next];
        let mut sums = bias;
        for half in [0, 1] {
            for (pair, taps) in columns.iter().flatten().zip(&taps) {
                sums[half] = _mm256_add_epi32(sums[half], _mm256_madd_epi16(pair[half], taps[half]));
            }
            sums[half] = _mm256_srav_epi32(_mm256_add_epi32(sums[half], round[half]), shift[half]);
        }
        store_codes(_mm256_packs_epi32(sums[0], sums[1]), &mut out[at..][..lanes]);
    }
}

/// 16 values of 4 bytes as halves.
#[target_feature(enable = "avx2")]
#[inline]
fn halves<T>(values: &[T; LANES]) -> Halves {
    const { assert!(size_of::<[T; LANES]>() == 64) };
    let start: *const __m128i = values.as_ptr().cast();
    // SAFETY: 64 bytes are four times 16.
    let quarter = |i: usize| unsafe { _mm_loadu_si128(start.add(i)) };
    [_mm256_set_m128i(quarter(2), quarter(0)), _mm256_set_m128i(quarter(3), quarter(1))]
}

/// Up to 16 codes of each row at `at`, in pairs as the taps are.
#[target_feature(enable = "avx2")]
#[inline]
fn column(rows: [&[u8]; 3], at: usize, lanes: usize) -> [Halves; 2] {
    pairs(rows.map(|row| _mm256_cvtepu8_epi16(load_codes(&row[at..][..lanes]))))
}

#[target_feature(enable = "avx2")]
#[inline]
fn pairs([above, here, below]: [__m256i; 3]) -> [Halves; 2] {
    let zero = _mm256_setzero_si256();
    [
        [_mm256_unpacklo_epi16(above, here), _mm256_unpackhi_epi16(above, here)],
        [_mm256_unpacklo_epi16(below, zero), _mm256_unpackhi_epi16(below, zero)],
    ]
}

/// At most 16 codes.
#[target_feature(enable = "avx2")]
#[inline]
fn load_codes(codes: &[u8]) -> __m128i {
    match codes.first_chunk::<LANES>() {
        // SAFETY: 16 bytes.
        Some(codes) => unsafe { _mm_loadu_si128(codes.as_ptr().cast()) },
        None => {
            let mut padded = [0; LANES];
            padded[..codes.len()].copy_from_slice(codes);
            load_codes(&padded)
        }
    }
}

/// At most 16 values, saturated to codes.
#[target_feature(enable = "avx2")]
#[inline]
fn store_codes(values: __m256i, place: &mut [u8]) {
    let narrow = _mm256_permute4x64_epi64::<0b1000>(_mm256_packs_epi16(values, values));
    let codes = _mm_xor_si128(_mm_max_epi8(_mm256_castsi256_si128(narrow), _mm_set1_epi8(-127)), _mm_set1_epi8(-128));
    match place.first_chunk_mut::<LANES>() {
        // SAFETY: 16 bytes.
        Some(place) => unsafe { _mm_storeu_si128(place.as_mut_ptr().cast(), codes) },
        None => {
            let mut padded = [0; LANES];
            // SAFETY: 16 bytes.
            unsafe { _mm_storeu_si128(padded.as_mut_ptr().cast(), codes) };
            place.copy_from_slice(&padded[..place.len()]);
        }
    }
}

/// `vpmulhrsw` is the rounding shift: `(s * 2^(15 - r) + 2^14) >> 15`. Only for r = 0 its factor does not fit.
#[target_feature(enable = "avx2")]
fn read(stream: &[i16], shift: &[u8], out: &mut [u8], stride: usize) {
    let channels = shift.len();
    let factors: Vec<i16> = shift.iter().map(|&r| if r == 0 { 0 } else { 1 << (15 - r.min(15)) }).collect();
    for (position, codes) in stream.chunks_exact(channels).zip(out.chunks_mut(stride)) {
        let codes = codes[..channels].chunks_mut(LANES);
        for ((s, factors), codes) in position.chunks(LANES).zip(factors.chunks(LANES)).zip(codes) {
            let (s, factor) = (load_stream(s), load_stream(factors));
            let plain = _mm256_cmpeq_epi16(factor, _mm256_setzero_si256());
            store_codes(_mm256_blendv_epi8(_mm256_mulhrs_epi16(s, factor), s, plain), codes);
        }
    }
}

/// At most 16 values.
#[target_feature(enable = "avx2")]
#[inline]
fn load_stream(values: &[i16]) -> __m256i {
    match values.first_chunk::<LANES>() {
        // SAFETY: 16 i16 are 32 bytes.
        Some(values) => unsafe { _mm256_loadu_si256(values.as_ptr().cast()) },
        None => {
            let mut padded = [0; LANES];
            padded[..values.len()].copy_from_slice(values);
            load_stream(&padded)
        }
    }
}

/// # Safety
/// The machine has AVX-VNNI if VNNI is true.
#[target_feature(enable = "avx2")]
unsafe fn pointwise<const VNNI: bool>(layer: &Chains, input: Rows<'_, u8>, out: Out<'_, u8>) {
    portable::pointwise_with(layer.outputs, &layer.ends, input, out, |rows, block, sums: &mut Tile<INT8_TILE>| {
        let ((couples, offsets), bias) = (layer.block(block), &layer.ends[block].bias);
        assert!(rows.data.len() >= (rows.count - 1) * rows.stride + layer.inputs && couples.len() == offsets.len());
        // SAFETY: the features are promised by the caller. A tile of P positions reads the groups at p * stride + offset with p < P <= count and
        // offset <= K - 4, as `Chains::block` says: they end at or before (count - 1) * stride + K, asserted above.
        unsafe {
            match rows.count {
                4 => int8_tile::<4, VNNI>(rows, couples, offsets, bias, sums),
                3 => int8_tile::<3, VNNI>(rows, couples, offsets, bias, sums),
                2 => int8_tile::<2, VNNI>(rows, couples, offsets, bias, sums),
                _ => int8_tile::<1, VNNI>(rows, couples, offsets, bias, sums),
            }
        }
    });
}

/// P positions by 16 outputs.
///
/// # Safety
/// The machine has AVX-VNNI if VNNI is true; `rows.data` has 4 bytes at `p * stride + offset` for each p below P and each offset.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn int8_tile<const P: usize, const VNNI: bool>(
    rows: Rows<'_, u8>,
    couples: &[Couple],
    offsets: &[[u32; 2]],
    bias: &[i32; LANES],
    out: &mut Tile<INT8_TILE>,
) {
    let mut sums = [[load(&bias[..8]), load(&bias[8..])]; P];
    for (couple, offsets) in couples.iter().zip(offsets) {
        let [first, second] = [load_line(&couple.lines[0]), load_line(&couple.lines[1])];
        for (p, sum) in sums.iter_mut().enumerate() {
            // SAFETY: promised by the caller.
            unsafe {
                let group = |offset: u32| rows.data.as_ptr().add(p * rows.stride + offset as usize).cast::<i32>().read_unaligned();
                let groups = offsets.map(|offset| _mm256_set1_epi32(group(offset)));
                sum[0] = add_couple::<VNNI>(sum[0], groups, [first[0], second[0]]);
                sum[1] = add_couple::<VNNI>(sum[1], groups, [first[1], second[1]]);
            }
        }
    }
    store_tile(&sums, out);
}

/// Adds two groups' products for 8 outputs.
///
/// # Safety
/// The machine has AVX-VNNI if VNNI is true.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn add_couple<const VNNI: bool>(sum: __m256i, codes: [__m256i; 2], weights: [__m256i; 2]) -> __m256i {
    if VNNI {
        // SAFETY: promised by the caller.
        return unsafe { dot_i8(dot_i8(sum, codes[0], weights[0]), codes[1], weights[1]) };
    }
    let pairs = _mm256_add_epi16(_mm256_maddubs_epi16(codes[0], weights[0]), _mm256_maddubs_epi16(codes[1], weights[1]));
    _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
}

/// # Safety
/// The machine has AVX-VNNI if VNNI is true.
#[target_feature(enable = "avx2")]
unsafe fn wide<const VNNI: bool>(layer: &Wide, input: Rows<'_, i16>, out: &mut [i16]) {
    let groups = layer.inputs / 2;
    portable::pointwise_with(layer.outputs, &layer.ends, input, Out::Stream::<u8>(out), |rows, block, sums: &mut Tile<WIDE_TILE>| {
        let (lines, bias) = (&layer.lines[block * groups..][..groups], &layer.ends[block].bias);
        // SAFETY: promised by the caller.
        unsafe {
            match rows.count {
                6 => wide_tile::<6, VNNI>(rows, lines, bias, sums),
                5 => wide_tile::<5, VNNI>(rows, lines, bias, sums),
                4 => wide_tile::<4, VNNI>(rows, lines, bias, sums),
                3 => wide_tile::<3, VNNI>(rows, lines, bias, sums),
                2 => wide_tile::<2, VNNI>(rows, lines, bias, sums),
                _ => wide_tile::<1, VNNI>(rows, lines, bias, sums),
            }
        }
    });
}

/// P positions by 16 outputs.
///
/// # Safety
/// The machine has AVX-VNNI if VNNI is true.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn wide_tile<const P: usize, const VNNI: bool>(
    rows: Rows<'_, i16>,
    lines: &[Line<i16, 2>],
    bias: &[i32; LANES],
    out: &mut Tile<WIDE_TILE>,
) {
    assert!(rows.data.len() >= (P - 1) * rows.stride + 2 * lines.len());
    let mut sums = [[load(&bias[..8]), load(&bias[8..])]; P];
    for (k, line) in lines.iter().enumerate() {
        let weights = load_line(line);
        for (p, sum) in sums.iter_mut().enumerate() {
            // SAFETY: elements p * stride + 2k and + 1 lie below (P - 1) * stride + 2 * lines.len(), asserted above.
            let pair = unsafe { rows.data.as_ptr().add(p * rows.stride + 2 * k).cast::<i32>().read_unaligned() };
            let pair = _mm256_set1_epi32(pair);
            // SAFETY: promised by the caller.
            *sum = unsafe { [add_pair::<VNNI>(sum[0], pair, weights[0]), add_pair::<VNNI>(sum[1], pair, weights[1])] };
        }
    }
    store_tile(&sums, out);
}

/// Adds a pair's products for 8 outputs.
///
/// # Safety
/// The machine has AVX-VNNI if VNNI is true.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn add_pair<const VNNI: bool>(sum: __m256i, pair: __m256i, weights: __m256i) -> __m256i {
    if VNNI {
        // SAFETY: promised by the caller.
        return unsafe { dot_i16(sum, pair, weights) };
    }
    _mm256_add_epi32(sum, _mm256_madd_epi16(weights, pair))
}

/// `vpdpbusd`. Not the intrinsic: that is only for functions that are compiled for AVX-VNNI, and these are compiled for machines without it too.
///
/// # Safety
/// The machine has AVX-VNNI.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn dot_i8(mut sum: __m256i, codes: __m256i, weights: __m256i) -> __m256i {
    // SAFETY: arithmetic on registers; the instruction is promised by the caller.
    unsafe {
        asm!("{{vex}} vpdpbusd {0}, {1}, {2}", inout(ymm_reg) sum, in(ymm_reg) codes, in(ymm_reg) weights, options(pure, nomem, nostack, preserves_flags));
    }
    sum
}

/// `vpdpwssd`, as [`dot_i8`].
///
/// # Safety
/// The machine has AVX-VNNI.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn dot_i16(mut sum: __m256i, pair: __m256i, weights: __m256i) -> __m256i {
    // SAFETY: arithmetic on registers; the instruction is promised by the caller.
    unsafe {
        asm!("{{vex}} vpdpwssd {0}, {1}, {2}", inout(ymm_reg) sum, in(ymm_reg) pair, in(ymm_reg) weights, options(pure, nomem, nostack, preserves_flags));
    }
    sum
}

#[target_feature(enable = "avx2")]
#[inline]
fn store_tile<const P: usize, const T: usize>(sums: &[[__m256i; 2]; P], out: &mut Tile<T>) {
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
fn load_line<T, const G: usize>(line: &Line<T, G>) -> [__m256i; 2] {
    const { assert!(size_of::<Line<T, G>>() == 64) };
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
