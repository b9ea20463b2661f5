//! Safe blocked kernels that the compiler vectorises; codes are i16, so that int8 and wide layers are one kernel.

use super::pack::{pack_ends, pack_lines};
use super::{DenseSource, Depthwise, DepthwiseSource, Ends, Kernels, LANES, Line, Out, PackedDense, Rows, Slots};

/// Any machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portable;

/// A pointwise layer with i16 inputs.
type Dense = PackedDense<i16, 1>;

/// Weights of 16 channels' taps in row order, then one of padding.
pub(crate) type Taps = Depthwise<i16, 2>;

/// The accumulators of up to [`TILE`] positions and 16 outputs.
pub(crate) type Tile = [[i32; LANES]; TILE];

/// Most positions that a tile function takes.
pub(crate) const TILE: usize = 6;

const SLOTS: Slots = Slots { lines: 1, permuted: false };

impl Kernels for Portable {
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
        pack_taps(source)
    }

    fn dense(self, layer: &Dense, input: Rows<'_, i16>, out: Out<'_, i16>) {
        dense_with(layer, input, out, tile);
    }

    fn wide(self, layer: &Dense, input: Rows<'_, i16>, out: &mut [i16]) {
        dense_with(layer, input, Out::Stream(out), tile);
    }

    fn depthwise(self, layer: &Taps, rows: [&[i16]; 3], out: &mut [i16]) {
        depthwise(layer, rows, out);
    }

    fn read(self, stream: &[i16], shift: &[u8], out: &mut [i16], stride: usize) {
        read(stream, shift, out, stride);
    }

    fn vectorise<R>(self, task: impl FnOnce() -> R) -> R {
        task()
    }
}

/// Packs a pointwise layer with i16 weights, G inputs together.
pub(crate) fn pack<S: Copy, const G: usize>(source: DenseSource<'_, S>, convert: impl Fn(S) -> i16) -> PackedDense<i16, G> {
    let ends = pack_ends(source.shift, SLOTS, |output| source.bias[output]);
    PackedDense { inputs: source.inputs, outputs: source.bias.len(), lines: pack_lines(source, SLOTS, convert), ends }
}

/// Packs a depthwise layer: five lines per 16 channels, line t holding taps 2t and 2t + 1.
pub(crate) fn pack_taps(source: DepthwiseSource<'_>) -> Taps {
    let channels = source.bias.len();
    let ends = pack_ends(source.shift, SLOTS, |channel| source.bias[channel]);
    let mut lines = vec![Line([[0; 2]; LANES]); ends.len() * 5];
    for (channel, taps) in source.weight.chunks_exact(9).enumerate() {
        for (tap, &weight) in taps.iter().enumerate() {
            lines[channel / LANES * 5 + tap / 2].0[channel % LANES][tap % 2] = i16::from(weight);
        }
    }
    Depthwise { channels, lines, ends }
}

/// A pointwise layer by tiles: `tile(input, lines, bias, accumulators)` fills one row of accumulators for each of at most [`TILE`] positions.
#[inline(always)]
pub(crate) fn dense_with<const G: usize>(
    layer: &PackedDense<i16, G>,
    input: Rows<'_, i16>,
    mut out: Out<'_, i16>,
    tile: impl Fn(Rows<'_, i16>, &[Line<i16, G>], &[i32; LANES], &mut Tile),
) {
    let groups = layer.inputs / G;
    let mut accumulators = [[0; LANES]; TILE];
    for (block, ends) in layer.ends.iter().enumerate() {
        let lines = &layer.lines[block * groups..][..groups];
        for first in (0..input.count).step_by(TILE) {
            let rows = Rows { data: &input.data[first * input.stride..], count: TILE.min(input.count - first), ..input };
            tile(rows, lines, &ends.bias, &mut accumulators);
            for (i, accumulator) in accumulators[..rows.count].iter().enumerate() {
                finish(accumulator, ends, (first + i) * layer.outputs + block * LANES, (layer.outputs - block * LANES).min(LANES), &mut out);
            }
        }
    }
}

/// Ends `lanes` accumulators at `out[at..]`.
#[inline(always)]
fn finish(accumulator: &[i32; LANES], ends: &Ends, at: usize, lanes: usize, out: &mut Out<'_, i16>) {
    match out {
        Out::Active(codes) => put(&mut codes[at..][..lanes], &codes_of(&accumulator.map(|a| a.max(a >> 3)), ends)),
        Out::Stream(stream) => put(&mut stream[at..][..lanes], &stream_of(accumulator, ends)),
        Out::Add(stream) => add(&mut stream[at..][..lanes], &stream_of(accumulator, ends)),
    }
}

#[inline(always)]
fn put(place: &mut [i16], values: &[i16; LANES]) {
    match <&mut [i16; LANES]>::try_from(&mut *place) {
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
fn codes_of(accumulator: &[i32; LANES], ends: &Ends) -> [i16; LANES] {
    shifted(accumulator, ends).map(|a| a.clamp(-127, 127) as i16)
}

#[inline(always)]
fn stream_of(accumulator: &[i32; LANES], ends: &Ends) -> [i16; LANES] {
    shifted(accumulator, ends).map(|a| a.clamp(-32768, 32767) as i16)
}

fn tile(input: Rows<'_, i16>, lines: &[Line<i16, 1>], bias: &[i32; LANES], accumulators: &mut Tile) {
    let mut first = 0;
    while input.count - first >= 3 {
        part::<3>(input, first, (lines, bias), accumulators);
        first += 3;
    }
    while first < input.count {
        part::<1>(input, first, (lines, bias), accumulators);
        first += 1;
    }
}

/// P positions from `first` on.
fn part<const P: usize>(
    input: Rows<'_, i16>,
    first: usize,
    (lines, bias): (&[Line<i16, 1>], &[i32; LANES]),
    accumulators: &mut Tile,
) {
    let mut sums = [*bias; P];
    let rows = &input.data[first * input.stride..];
    for (k, line) in lines.iter().enumerate() {
        for (p, sum) in sums.iter_mut().enumerate() {
            let value = i32::from(rows[p * input.stride + k]);
            for (s, weight) in sum.iter_mut().zip(&line.0) {
                *s += value * i32::from(weight[0]);
            }
        }
    }
    accumulators[first..first + P].copy_from_slice(&sums);
}

/// See [`Kernels::depthwise`].
#[inline(always)]
pub(crate) fn depthwise(layer: &Taps, rows: [&[i16]; 3], out: &mut [i16]) {
    let channels = layer.channels;
    let width = out.len() / channels;
    for (block, ends) in layer.ends.iter().enumerate() {
        let first = block * LANES;
        let lanes = (channels - first).min(LANES);
        let taps = flat_taps(&layer.lines[block * 5..][..5]);
        let mut columns = [[[0; LANES]; 3], [[0; LANES]; 3], column(rows, first, lanes)];
        for x in 0..width {
            columns = [columns[1], columns[2], [[0; LANES]; 3]];
            if x + 1 < width {
                columns[2] = column(rows, (x + 1) * channels + first, lanes);
            }
            let codes = codes_of(&convolve(&columns, &taps, &ends.bias), ends);
            put(&mut out[x * channels + first..][..lanes], &codes);
        }
    }
}

#[inline(always)]
fn flat_taps(lines: &[Line<i16, 2>]) -> [[i16; LANES]; 9] {
    std::array::from_fn(|tap| lines[tap / 2].0.map(|pair| pair[tap % 2]))
}

#[inline(always)]
fn column(rows: [&[i16]; 3], at: usize, lanes: usize) -> [[i16; LANES]; 3] {
    rows.map(|row| {
        let mut values = [0; LANES];
        if lanes == LANES {
            values.copy_from_slice(&row[at..][..LANES]);
        } else {
            values[..lanes].copy_from_slice(&row[at..][..lanes]);
        }
        values
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
#[inline(always)]
pub(crate) fn read(stream: &[i16], shift: &[u8], out: &mut [i16], stride: usize) {
    let channels = shift.len();
    for (position, codes) in stream.chunks_exact(channels).zip(out.chunks_mut(stride)) {
        for ((&s, &r), code) in position.iter().zip(shift).zip(&mut codes[..channels]) {
            let r = u32::from(r) & 15;
            let round = (1 << r) >> 1;
            *code = ((i32::from(s) + round) >> r).clamp(-127, 127) as i16;
        }
    }
}
