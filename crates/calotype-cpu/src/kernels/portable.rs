//! Safe blocked kernels that the compiler vectorises; codes are i16, so that int8 and wide layers are one kernel.

use super::pack::pack_ends;
use super::{Code, Depthwise, DepthwiseSource, Ends, Kernels, LANES, Line, Out, PointwiseSource, Product, Rows, Slots};

/// Any machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portable;

/// A pointwise layer with i16 inputs: weights `[N, K]`, with N padded to a multiple of 16.
pub(crate) struct Pointwise {
    inputs: usize,
    outputs: usize,
    weight: Vec<i16>,
    ends: Vec<Ends>,
}

/// Weights of 16 channels' taps in row order, then one of padding.
pub(crate) type Taps = Depthwise<i16, 2>;

/// The accumulators of up to T positions and 16 outputs.
pub(crate) type Tile<const T: usize> = [[i32; LANES]; T];

/// Positions of a tile.
const TILE: usize = 6;

/// Outputs in their own order.
pub(crate) const NATURAL: Slots = Slots { lines: 1, permuted: false };

impl Kernels for Portable {
    type Code = i16;
    type Pointwise = Pointwise;
    type Wide = Pointwise;
    type Depthwise = Taps;

    fn pack_pointwise(source: PointwiseSource<'_, i8>) -> Pointwise {
        rows_of_weights(source, i16::from)
    }

    fn pack_wide(source: PointwiseSource<'_, i16>) -> Pointwise {
        rows_of_weights(source, |weight| weight)
    }

    fn pack_depthwise(source: DepthwiseSource<'_>) -> Taps {
        pack_taps(source)
    }

    fn pointwise(self, layer: &Pointwise, input: Rows<'_, i16>, out: Out<'_, i16>) {
        pointwise(layer, input, out);
    }

    fn wide(self, layer: &Pointwise, input: Rows<'_, i16>, out: &mut [i16]) {
        pointwise(layer, input, Out::Stream(out));
    }

    fn depthwise(self, layer: &Taps, rows: [&[i16]; 3], out: &mut [i16]) {
        depthwise(layer, rows, out);
    }

    fn read(self, stream: &[i16], shift: &[u8], out: &mut [i16], stride: usize) {
        read(stream, shift, out, stride);
    }

    fn multiply(self, _: Product, rounds: usize) -> (u64, i32) {
        multiply(rounds)
    }

    fn vectorise<R>(self, task: impl FnOnce() -> R) -> R {
        task()
    }
}

/// Products of pairs in eight chains of four sums, in a shape that becomes multiply-and-add-pairs where a machine has it.
/// The factors change from round to round, so that no product can be computed once for all.
fn multiply(rounds: usize) -> (u64, i32) {
    let (mut factors, mut sums) = ([[3i16; 8]; 8], [[0i32; 4]; 8]);
    for _ in 0..rounds {
        for (sums, factors) in sums.iter_mut().zip(&mut factors) {
            for (i, sum) in sums.iter_mut().enumerate() {
                let [a, b] = [factors[2 * i], factors[2 * i + 1]].map(i32::from);
                *sum = sum.wrapping_add(a * 3 + b * 5);
            }
            factors.iter_mut().for_each(|factor| *factor = factor.wrapping_add(1));
        }
    }
    (64 * rounds as u64, sums.iter().flatten().fold(0, |all, &sum| all.wrapping_add(sum)))
}

fn rows_of_weights<S: Copy>(source: PointwiseSource<'_, S>, convert: impl Fn(S) -> i16) -> Pointwise {
    let ends = pack_ends(source.shift, NATURAL, |output| source.bias[output]);
    let mut weight: Vec<i16> = source.weight.iter().map(|&weight| convert(weight)).collect();
    weight.resize(ends.len() * LANES * source.inputs, 0);
    Pointwise { inputs: source.inputs, outputs: source.bias.len(), weight, ends }
}

/// Packs a depthwise layer: five lines per 16 channels, line t holding taps 2t and 2t + 1.
pub(crate) fn pack_taps(source: DepthwiseSource<'_>) -> Taps {
    let channels = source.bias.len();
    let ends = pack_ends(source.shift, NATURAL, |channel| source.bias[channel]);
    let mut lines = vec![Line([[0; 2]; LANES]); ends.len() * 5];
    for (channel, taps) in source.weight.chunks_exact(9).enumerate() {
        for (tap, &weight) in taps.iter().enumerate() {
            lines[channel / LANES * 5 + tap / 2].0[channel % LANES][tap % 2] = i16::from(weight);
        }
    }
    Depthwise { channels, lines, ends }
}

/// A pointwise layer of N = `outputs` by tiles: `tile(input, block, accumulators)` fills, for outputs from 16 `block` on,
/// one row of accumulators for each of at most T positions.
#[inline(always)]
pub(crate) fn pointwise_with<X: Copy, C: Code, const T: usize>(
    outputs: usize,
    ends: &[Ends],
    input: Rows<'_, X>,
    mut out: Out<'_, C>,
    tile: impl Fn(Rows<'_, X>, usize, &mut Tile<T>),
) {
    let mut accumulators = [[0; LANES]; T];
    for (block, ends) in ends.iter().enumerate() {
        let lanes = (outputs - block * LANES).min(LANES);
        for first in (0..input.count).step_by(T) {
            let rows = Rows { data: &input.data[first * input.stride..], count: T.min(input.count - first), ..input };
            tile(rows, block, &mut accumulators);
            for (i, accumulator) in accumulators[..rows.count].iter().enumerate() {
                finish(accumulator, ends, (first + i) * outputs + block * LANES, lanes, &mut out);
            }
        }
    }
}

/// Ends `lanes` accumulators at `out[at..]`.
#[inline(always)]
fn finish<C: Code>(accumulator: &[i32; LANES], ends: &Ends, at: usize, lanes: usize, out: &mut Out<'_, C>) {
    match out {
        Out::Active(codes) => put(&mut codes[at..][..lanes], &codes_of(&accumulator.map(|a| a.max(a >> 3)), ends)),
        Out::Stream(stream) => put(&mut stream[at..][..lanes], &stream_of(accumulator, ends)),
        Out::Add(stream) => add(&mut stream[at..][..lanes], &stream_of(accumulator, ends)),
    }
}

#[inline(always)]
fn put<T: Copy>(place: &mut [T], values: &[T; LANES]) {
    match <&mut [T; LANES]>::try_from(&mut *place) {
        Ok(full) => *full = *values,
        Err(_) => place.copy_from_slice(&values[..place.len()]),
    }
}

#[inline(always)]
fn add(place: &mut [i16], values: &[i16; LANES]) {
    for (s, &value) in place.iter_mut().zip(values) {
        *s = s.saturating_add(value);
    }
}

#[inline(always)]
fn shifted(accumulator: &[i32; LANES], ends: &Ends) -> [i32; LANES] {
    std::array::from_fn(|i| (accumulator[i] + ends.round[i]) >> (ends.shift[i] & 31))
}

#[inline(always)]
fn codes_of<C: Code>(accumulator: &[i32; LANES], ends: &Ends) -> [C; LANES] {
    shifted(accumulator, ends).map(|a| C::of(a.clamp(-127, 127) as i8))
}

#[inline(always)]
fn stream_of(accumulator: &[i32; LANES], ends: &Ends) -> [i16; LANES] {
    shifted(accumulator, ends).map(|a| a.clamp(-32768, 32767) as i16)
}

fn pointwise(layer: &Pointwise, input: Rows<'_, i16>, out: Out<'_, i16>) {
    pointwise_with::<_, _, TILE>(layer.outputs, &layer.ends, input, out, |rows, block, accumulators| {
        let weights = &layer.weight[block * LANES * layer.inputs..][..LANES * layer.inputs];
        for (position, accumulator) in rows.data.chunks(rows.stride).zip(&mut accumulators[..rows.count]) {
            *accumulator = layer.ends[block].bias;
            for (weights, sums) in weights.chunks_exact(4 * layer.inputs).zip(accumulator.as_chunks_mut().0) {
                dot_four(&position[..layer.inputs], weights, sums);
            }
        }
    });
}

/// Adds four outputs' dot products. This shape of loop becomes multiply-and-add-pairs where a machine has it.
fn dot_four(position: &[i16], weights: &[i16], sums: &mut [i32; 4]) {
    let inputs = position.len();
    let (first, rest) = weights.split_at(inputs);
    let (second, rest) = rest.split_at(inputs);
    let (third, fourth) = rest.split_at(inputs);
    let mut dots = [0; 4];
    for (k, &value) in position.iter().enumerate() {
        dots[0] += i32::from(value) * i32::from(first[k]);
        dots[1] += i32::from(value) * i32::from(second[k]);
        dots[2] += i32::from(value) * i32::from(third[k]);
        dots[3] += i32::from(value) * i32::from(fourth[..inputs][k]);
    }
    for (sum, dot) in sums.iter_mut().zip(dots) {
        *sum += dot;
    }
}

/// See [`Kernels::depthwise`].
pub(crate) fn depthwise<C: Code>(layer: &Taps, rows: [&[C]; 3], out: &mut [C]) {
    let channels = layer.channels;
    let width = out.len() / channels;
    for (block, ends) in layer.ends.iter().enumerate() {
        let first = block * LANES;
        let lanes = (channels - first).min(LANES);
        let taps = flat_taps(&layer.lines[block * 5..][..5]);
        let mut columns = [column(rows, first, lanes); 3];
        for x in 0..width {
            let next = if x + 1 < width { column(rows, (x + 1) * channels + first, lanes) } else { columns[2] };
            columns = [columns[1], columns[2], next];
            let codes: [C; LANES] = codes_of(&convolve(&columns, &taps, &ends.bias), ends);
            put(&mut out[x * channels + first..][..lanes], &codes);
        }
    }
}

#[inline(always)]
fn flat_taps(lines: &[Line<i16, 2>]) -> [[i16; LANES]; 9] {
    std::array::from_fn(|tap| lines[tap / 2].0.map(|pair| pair[tap % 2]))
}

/// Up to 16 codes of each row at `at`.
#[inline(always)]
fn column<C: Code>(rows: [&[C]; 3], at: usize, lanes: usize) -> [[i16; LANES]; 3] {
    rows.map(|row| match row[at..][..lanes].first_chunk::<LANES>() {
        Some(codes) => codes.map(Code::wide),
        None => std::array::from_fn(|i| if i < lanes { row[at + i].wide() } else { 0 }),
    })
}

/// Products of codes fit i16, and so do sums of two of them (2 * 127 * 127 < 2^15).
#[inline(always)]
fn convolve(columns: &[[[i16; LANES]; 3]; 3], taps: &[[i16; LANES]; 9], bias: &[i32; LANES]) -> [i32; LANES] {
    let product = |tap: usize, i: usize| columns[tap % 3][tap / 3][i].wrapping_mul(taps[tap][i]);
    std::array::from_fn(|i| {
        let pair = |tap: usize| i32::from(product(tap, i).wrapping_add(product(tap + 1, i)));
        bias[i] + pair(0) + pair(2) + pair(4) + pair(6) + i32::from(product(8, i))
    })
}

/// See [`Kernels::read`].
pub(crate) fn read<C: Code>(stream: &[i16], shift: &[u8], out: &mut [C], stride: usize) {
    let channels = shift.len();
    for (position, codes) in stream.chunks_exact(channels).zip(out.chunks_mut(stride)) {
        for ((&s, &r), code) in position.iter().zip(shift).zip(&mut codes[..channels]) {
            let r = u32::from(r) & 15;
            let round = (1 << r) >> 1;
            *code = C::of(((i32::from(s) + round) >> r).clamp(-127, 127) as i8);
        }
    }
}
