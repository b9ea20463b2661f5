//! The oracle: each operation of docs/MODEL.md section 2 and the whole graph, in the plainest loops.
//!
//! Nothing here is fast, and nothing here is clever. Other engines must give the same bits.
//! Maps and slices must have the sizes that the layers say, else these functions panic; in debug builds they also panic on overflow,
//! which the loader of models has proved impossible.

mod decoder;
mod encoder;

pub use decoder::{hyper, means, synthesise, synthesise_q4};
pub use encoder::{analyse, code, hyper_analyse};

use calotype_engine::Map;
use calotype_model::{Block, Chain, Depthwise, Layer, Pointwise, Stage};

/// What a chain reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// i8.
    Codes(Map<i8>),
    /// i16.
    Stream(Map<i16>),
}

/// `a >> s`, rounded to nearest, ties up.
pub fn round_shift(a: i32, s: u8) -> i32 {
    if s == 0 { a } else { (a + (1 << (s - 1))) >> s }
}

/// Saturates to a code, -127..=127.
pub fn sat8(a: i32) -> i8 {
    a.clamp(-127, 127) as i8
}

/// Saturates to an i16.
pub fn sat16(a: i32) -> i16 {
    a.clamp(-32768, 32767) as i16
}

/// Saturates to 17 bits, -65535..=65535: times a factor of 15 bits this stays in an i32.
pub fn sat17(a: i32) -> i32 {
    a.clamp(-65535, 65535)
}

/// Leaky ReLU of slope 1/8 on an accumulator.
pub fn leaky(a: i32) -> i32 {
    if a < 0 { a >> 3 } else { a }
}

/// A scaled value of a quality table: `sat16(round_shift(value * gain, shift))`.
pub fn scaled(value: i16, gain: i16, shift: u8) -> i16 {
    sat16(round_shift(i32::from(value) * i32::from(gain), shift))
}

/// A layer at every position: codes `[h, w, K]`, or the stream of a wide layer, to accumulators `[h, w, N]`.
pub fn pointwise<W: Copy + Into<i32>>(layer: &Pointwise<W>, input: &Map<W>) -> Map<i32> {
    assert_eq!(input.channels, layer.inputs, "{}", layer.name);
    let accumulate = |y: usize, x: usize, n: usize| {
        let mut sum = layer.bias[n];
        for (k, &value) in input.at(y, x).iter().enumerate() {
            sum += layer.weight[n * layer.inputs + k].into() * value.into();
        }
        sum
    };
    generate(input.height, input.width, layer.outputs, accumulate)
}

/// A depthwise 3x3 layer: codes `[h, w, N]`, outside the nearest ones, to accumulators `[h, w, N]`.
pub fn depthwise(layer: &Depthwise, input: &Map<i8>) -> Map<i32> {
    assert_eq!(input.channels, layer.channels, "{}", layer.name);
    let accumulate = |y: usize, x: usize, n: usize| {
        let mut sum = layer.bias[n];
        for i in 0..3 {
            for j in 0..3 {
                sum += i32::from(layer.weight[n * 9 + i * 3 + j]) * i32::from(nearest(input, (y + i, x + j))[n]);
            }
        }
        sum
    };
    generate(input.height, input.width, layer.channels, accumulate)
}

/// The codes at row y - 1, column x - 1, or the nearest of the map.
fn nearest(input: &Map<i8>, (y, x): (usize, usize)) -> &[i8] {
    input.at(y.saturating_sub(1).min(input.height - 1), x.saturating_sub(1).min(input.width - 1))
}

/// The end *code*: accumulators to codes.
pub fn code_end(accumulators: &Map<i32>, shift: &[u8]) -> Map<i8> {
    each(accumulators, |n, a| sat8(round_shift(a, shift[n])))
}

/// The end *active*: accumulators to codes, leaky.
pub fn active_end(accumulators: &Map<i32>, shift: &[u8]) -> Map<i8> {
    each(accumulators, |n, a| sat8(round_shift(leaky(a), shift[n])))
}

/// The end *stream*: accumulators to a stream.
pub fn stream_end(accumulators: &Map<i32>, shift: &[u8]) -> Map<i16> {
    each(accumulators, |n, a| sat16(round_shift(a, shift[n])))
}

/// The end *add*: a stream corrected by accumulators.
pub fn add_end(stream: &Map<i16>, accumulators: &Map<i32>, shift: &[u8]) -> Map<i16> {
    let correction = stream_end(accumulators, shift);
    let mut sum = stream.clone();
    for (value, &correction) in sum.data.iter_mut().zip(&correction.data) {
        *value = sat16(i32::from(*value) + i32::from(correction));
    }
    sum
}

/// A stream as codes.
pub fn read(stream: &Map<i16>, read_shift: &[u8]) -> Map<i8> {
    each(stream, |n, value| sat8(round_shift(i32::from(value), read_shift[n])))
}

/// `[h, w, C]` to `[h / r, w / r, r * r * C]`, phase-major; h and w are multiples of r.
pub fn unshuffle<T: Copy>(map: &Map<T>, r: usize) -> Map<T> {
    assert!(map.height.is_multiple_of(r) && map.width.is_multiple_of(r));
    let source = |y: usize, x: usize, n: usize| {
        let (phase, channel) = (n / map.channels, n % map.channels);
        map.at(y * r + phase / r, x * r + phase % r)[channel]
    };
    generate(map.height / r, map.width / r, map.channels * r * r, source)
}

/// The inverse of [`unshuffle`]: `[h, w, r * r * C]` to `[h * r, w * r, C]`.
pub fn shuffle<T: Copy>(map: &Map<T>, r: usize) -> Map<T> {
    assert!(map.channels.is_multiple_of(r * r));
    let channels = map.channels / (r * r);
    let source = |y: usize, x: usize, n: usize| map.at(y / r, x / r)[(y % r * r + x % r) * channels + n];
    generate(map.height * r, map.width * r, channels, source)
}

/// A residual block on a stream `[h, w, C]`.
pub fn block(block: &Block, stream: &Map<i16>) -> Map<i16> {
    let a = active_end(&pointwise(&block.pw1, &read(stream, &block.pw1_read)), &block.pw1.shift);
    let b = code_end(&depthwise(&block.dw, &a), &block.dw.shift);
    let stream = add_end(stream, &pointwise(&block.pw2, &b), &block.pw2.shift);
    let f = active_end(&pointwise(&block.ffn1, &read(&stream, &block.ffn1_read)), &block.ffn1.shift);
    add_end(&stream, &pointwise(&block.ffn2, &f), &block.ffn2.shift)
}

/// The codes that a stage's int8 layer multiplies, before the unshuffle.
fn codes(stage: &Stage, input: Reading) -> Map<i8> {
    match (input, &stage.read) {
        (Reading::Codes(codes), None) => codes,
        (Reading::Stream(stream), Some(shift)) => read(&stream, shift),
        _ => panic!("{}: codes are not read, and streams are", stage.layer.name()),
    }
}

/// A stage: `[h, w, C]` to a stream of another size and as many channels as it says.
pub fn stage(stage: &Stage, fineness: u16, input: Reading) -> Map<i16> {
    let stream = match (&stage.layer, input) {
        (Layer::Int8(layer), input) => stream_end(&pointwise(layer, &unshuffle(&codes(stage, input), stage.unshuffle)), &layer.shift),
        (Layer::Wide(layer), Reading::Stream(input)) => stream_end(&pointwise(layer, &unshuffle(&input, stage.unshuffle)), &layer.shift),
        (Layer::Wide(layer), Reading::Codes(_)) => panic!("{}: a wide layer reads a stream", layer.name),
    };
    let mut stream = shuffle(&stream, stage.shuffle);
    if let Some(bias) = &stage.bias {
        let bias = bias.at(fineness);
        stream = each(&stream, |c, value| sat16(i32::from(value) + i32::from(bias[c])));
    }
    stage.blocks.iter().fold(stream, |stream, weights| block(weights, &stream))
}

/// A chain, one stage after the other.
pub fn chain(chain: &Chain, fineness: u16, input: Reading) -> Map<i16> {
    let mut stages = chain.stages.iter();
    let first = stages.next().expect("a chain has a stage");
    stages.fold(stage(first, fineness, input), |stream, next| stage(next, fineness, Reading::Stream(stream)))
}

/// A map from `value(y, x, channel)`.
fn generate<T>(height: usize, width: usize, channels: usize, value: impl Fn(usize, usize, usize) -> T) -> Map<T> {
    let mut data = Vec::with_capacity(height * width * channels);
    for y in 0..height {
        for x in 0..width {
            data.extend((0..channels).map(|channel| value(y, x, channel)));
        }
    }
    Map { height, width, channels, data }
}

/// A map from `value(channel, element)`.
fn each<S: Copy, T>(map: &Map<S>, value: impl Fn(usize, S) -> T) -> Map<T> {
    generate(map.height, map.width, map.channels, |y, x, n| value(n, map.at(y, x)[n]))
}
