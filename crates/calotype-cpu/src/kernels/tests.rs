//! Each kernel on each instruction set against naive code, over awkward shapes and extreme values, with a negative control for each.

use super::portable::Portable;
use super::*;

/// Positions, inputs, outputs: below, at and above every tile size.
const POINTWISE_SHAPES: [(usize, usize, usize); 10] =
    [(1, 4, 1), (2, 8, 3), (3, 4, 16), (5, 12, 17), (6, 64, 64), (7, 20, 40), (13, 128, 160), (17, 36, 60), (25, 160, 96), (96, 128, 256)];
/// Width, channels.
const DEPTHWISE_SHAPES: [(usize, usize); 8] = [(1, 4), (2, 12), (3, 16), (5, 36), (7, 64), (9, 68), (31, 160), (12, 128)];

/// A small generator of test values, the same on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn within(&mut self, low: i32, high: i32) -> i32 {
        low + (self.next() % (high - low + 1) as u64) as i32
    }

    fn values<T: TryFrom<i32>>(&mut self, count: usize, low: i32, high: i32) -> Vec<T> {
        (0..count).map(|_| T::try_from(self.within(low, high)).ok().expect("the range fits")).collect()
    }
}

/// A layer and what feeds it.
#[derive(Clone)]
struct Layer<W, X> {
    inputs: usize,
    weight: Vec<W>,
    bias: Vec<i32>,
    shift: Vec<u8>,
    input: Vec<X>,
}

impl<W, X> Layer<W, X> {
    fn source(&self) -> PointwiseSource<'_, W> {
        PointwiseSource { inputs: self.inputs, weight: &self.weight, bias: &self.bias, shift: &self.shift }
    }
}

impl Layer<i8, i8> {
    fn taps(&self) -> DepthwiseSource<'_> {
        DepthwiseSource { weight: &self.weight, bias: &self.bias, shift: &self.shift }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Code,
    Active,
    Stream,
    Add,
}

fn round_shift(value: i32, shift: u8) -> i32 {
    if shift == 0 { value } else { (value + (1 << (shift - 1))) >> shift }
}

fn sat8(value: i32) -> i16 {
    value.clamp(-127, 127) as i16
}

fn sat16(value: i32) -> i16 {
    value.clamp(-32768, 32767) as i16
}

fn naive_end(end: End, acc: i32, shift: u8, old: i16) -> i16 {
    match end {
        End::Code => sat8(round_shift(acc, shift)),
        End::Active => sat8(round_shift(if acc < 0 { acc >> 3 } else { acc }, shift)),
        End::Stream => sat16(round_shift(acc, shift)),
        End::Add => sat16(i32::from(old) + i32::from(sat16(round_shift(acc, shift)))),
    }
}

fn naive_pointwise<W: Copy + Into<i32>, X: Copy + Into<i32>>(layer: &Layer<W, X>, end: End, old: &[i16]) -> Vec<i16> {
    let mut out = Vec::new();
    for row in layer.input.chunks_exact(layer.inputs) {
        for (n, weights) in layer.weight.chunks_exact(layer.inputs).enumerate() {
            let sum: i32 = row.iter().zip(weights).map(|(&x, &w)| x.into() * w.into()).sum();
            out.push(naive_end(end, sum + layer.bias[n], layer.shift[n], old[out.len()]));
        }
    }
    out
}

fn naive_depthwise(layer: &Layer<i8, i8>, width: usize) -> Vec<i16> {
    let channels = layer.bias.len();
    let at = |i: usize, x: isize, c: usize| i32::from(layer.input[(i * width + x.clamp(0, width as isize - 1) as usize) * channels + c]);
    let mut out = Vec::new();
    for x in 0..width as isize {
        for c in 0..channels {
            let taps = (0..9).map(|t| i32::from(layer.weight[c * 9 + t]) * at(t / 3, x + t as isize % 3 - 1, c));
            out.push(naive_end(End::Code, taps.sum::<i32>() + layer.bias[c], layer.shift[c], 0));
        }
    }
    out
}

fn run_pointwise<K: Kernels>(kernels: K, layer: &Layer<i8, i8>, end: End, old: &[i16]) -> Vec<i16> {
    let packed = K::pack_pointwise(layer.source());
    let stride = layer.inputs + 4;
    let count = layer.input.len() / layer.inputs;
    let mut data = vec![K::Code::of(99); count * stride];
    for (place, row) in data.chunks_mut(stride).zip(layer.input.chunks(layer.inputs)) {
        place.iter_mut().zip(row).for_each(|(code, &value)| *code = K::Code::of(value));
    }
    let input = Rows { data: &data, stride, count };
    let mut codes = vec![K::Code::of(0); old.len()];
    let mut stream = old.to_vec();
    match end {
        End::Code => unreachable!("pointwise layers have no such end"),
        End::Active => kernels.pointwise(&packed, input, Out::Active(&mut codes)),
        End::Stream => kernels.pointwise(&packed, input, Out::Stream(&mut stream)),
        End::Add => kernels.pointwise(&packed, input, Out::Add(&mut stream)),
    }
    if end == End::Active { codes.iter().map(|&code| i16::from(code.value())).collect() } else { stream }
}

fn run_wide<K: Kernels>(kernels: K, layer: &Layer<i16, i16>) -> Vec<i16> {
    let count = layer.input.len() / layer.inputs;
    let mut out = vec![0; count * layer.bias.len()];
    kernels.wide(&K::pack_wide(layer.source()), Rows { data: &layer.input, stride: layer.inputs, count }, &mut out);
    out
}

fn run_depthwise<K: Kernels>(kernels: K, layer: &Layer<i8, i8>, width: usize) -> Vec<i16> {
    let codes: Vec<K::Code> = layer.input.iter().map(|&value| K::Code::of(value)).collect();
    let row = width * layer.bias.len();
    let mut out = vec![K::Code::of(0); row];
    kernels.depthwise(&K::pack_depthwise(layer.taps()), [&codes[..row], &codes[row..2 * row], &codes[2 * row..]], &mut out);
    out.iter().map(|&code| i16::from(code.value())).collect()
}

fn run_read<K: Kernels>(kernels: K, stream: &[i16], shift: &[u8]) -> Vec<i16> {
    let stride = shift.len() + 3;
    let mut out = vec![K::Code::of(77); stream.len() / shift.len() * stride];
    kernels.read(stream, shift, &mut out, stride);
    assert!(out.chunks(stride).all(|row| row[shift.len()..].iter().all(|&code| code == K::Code::of(77))), "wrote beyond the channels");
    out.chunks(stride).flat_map(|row| &row[..shift.len()]).map(|&code| i16::from(code.value())).collect()
}

/// Values of every magnitude, with biases and shifts that make results small, large and saturated.
fn int8_layer(random: &mut Random, count: usize, inputs: usize, outputs: usize) -> Layer<i8, i8> {
    Layer {
        inputs,
        weight: random.values(outputs * inputs, -127, 127),
        bias: random.values(outputs, -300_000, 300_000),
        shift: random.values(outputs, 0, 17),
        input: random.values(count * inputs, -127, 127),
    }
}

fn wide_layer(random: &mut Random, count: usize, inputs: usize, outputs: usize) -> Layer<i16, i16> {
    let weight_limit = (i32::MAX / 2 / 32768 / inputs as i32).min(2047);
    Layer {
        inputs,
        weight: random.values(outputs * inputs, -weight_limit, weight_limit),
        bias: random.values(outputs, -(1 << 28), 1 << 28),
        shift: random.values(outputs, 0, 30),
        input: random.values(count * inputs, -32768, 32767),
    }
}

/// The tests of one instruction set; each comparator is also shown a layer with one bit flipped.
fn check_all<K: Kernels>(kernels: K) {
    check_pointwise(kernels);
    check_pointwise_extremes(kernels);
    check_wide(kernels);
    check_wide_extremes(kernels);
    check_depthwise(kernels);
    check_read(kernels);
}

fn check_pointwise<K: Kernels>(kernels: K) {
    let mut random = Random(1);
    for (count, inputs, outputs) in POINTWISE_SHAPES {
        let layer = int8_layer(&mut random, count, inputs, outputs);
        let old: Vec<i16> = random.values(count * outputs, -32768, 32767);
        for end in [End::Active, End::Stream, End::Add] {
            assert_eq!(
                run_pointwise(kernels, &layer, end, &old),
                naive_pointwise(&layer, end, &old),
                "{count} x {inputs} -> {outputs} {end:?}"
            );
        }
        let mut wrong = Layer { shift: vec![0; outputs], bias: vec![0; outputs], ..layer };
        wrong.input[0] = 1;
        let right = naive_pointwise(&wrong, End::Stream, &old);
        wrong.weight[0] ^= 1;
        assert_ne!(run_pointwise(kernels, &wrong, End::Stream, &old), right, "a flipped weight bit must show");
        wrong.weight[0] ^= 1;
        wrong.bias[outputs - 1] = 100;
        wrong.shift[outputs - 1] = 8;
        assert_ne!(run_pointwise(kernels, &wrong, End::Stream, &old), right, "a changed shift must show");
    }
}

fn check_pointwise_extremes<K: Kernels>(kernels: K) {
    for (x, w) in [(127, 127), (-127, 127), (127, -127), (-127, -127)] {
        let (inputs, outputs, bias) = (544, 80, i32::MAX - 544 * 127 * 127 - (1 << 29));
        for (bias, shift) in [(bias, 30), (-bias, 30), (0, 0), (0, 1), (-1, 9)] {
            let layer = Layer {
                inputs,
                weight: vec![w; inputs * outputs],
                bias: vec![bias; outputs],
                shift: vec![shift; outputs],
                input: vec![x; inputs * 7],
            };
            for (end, old) in [(End::Active, 0), (End::Stream, 0), (End::Add, 32767), (End::Add, -32768)] {
                let old = vec![old; 7 * outputs];
                assert_eq!(run_pointwise(kernels, &layer, end, &old), naive_pointwise(&layer, end, &old), "{x} {w} {bias} {shift} {end:?}");
            }
        }
    }
}

fn check_wide<K: Kernels>(kernels: K) {
    let mut random = Random(2);
    for (count, inputs, outputs) in POINTWISE_SHAPES {
        let layer = wide_layer(&mut random, count, inputs, outputs);
        let old = vec![0; count * outputs];
        assert_eq!(run_wide(kernels, &layer), naive_pointwise(&layer, End::Stream, &old), "{count} x {inputs} -> {outputs}");
        let mut wrong = Layer { shift: vec![0; outputs], bias: vec![0; outputs], input: vec![1; count * inputs], ..layer };
        wrong.weight.iter_mut().for_each(|w| *w &= 15);
        let right = naive_pointwise(&wrong, End::Stream, &old);
        wrong.weight[inputs * outputs - 1] ^= 1;
        assert_ne!(run_wide(kernels, &wrong), right, "a flipped weight bit must show");
    }
}

fn check_wide_extremes<K: Kernels>(kernels: K) {
    let inputs = 28;
    for (x, w) in [(-32768, 2047), (-32768, -2047), (32767, 2047), (32767, -2047)] {
        let room = i32::MAX - inputs as i32 * 32768 * 2047 - (1 << 27);
        for (bias, shift) in [(room, 28), (-room, 28), (0, 0), (0, 16)] {
            let layer =
                Layer { inputs, weight: vec![w; inputs * 70], bias: vec![bias; 70], shift: vec![shift; 70], input: vec![x; inputs * 8] };
            assert_eq!(run_wide(kernels, &layer), naive_pointwise(&layer, End::Stream, &[0; 560]), "{x} {w} {bias} {shift}");
        }
    }
}

fn check_depthwise<K: Kernels>(kernels: K) {
    let mut random = Random(3);
    for (width, channels) in DEPTHWISE_SHAPES {
        let mut layer = int8_layer(&mut random, 3 * width, channels, channels);
        layer.weight = random.values(channels * 9, -127, 127);
        layer.bias = random.values(channels, -20_000, 20_000);
        layer.shift = random.values(channels, 0, 11);
        assert_eq!(run_depthwise(kernels, &layer, width), naive_depthwise(&layer, width), "{width} x {channels}");
        let extreme = Layer { weight: vec![127; channels * 9], input: vec![-127; 3 * width * channels], ..layer.clone() };
        assert_eq!(run_depthwise(kernels, &extreme, width), naive_depthwise(&extreme, width), "{width} x {channels}, extreme");
        let mut wrong = Layer { shift: vec![0; channels], bias: vec![0; channels], input: vec![1; 3 * width * channels], ..layer };
        wrong.weight.iter_mut().for_each(|w| *w %= 8);
        let right = naive_depthwise(&wrong, width);
        wrong.weight[4] ^= 1;
        assert_ne!(run_depthwise(kernels, &wrong, width), right, "a flipped weight bit must show");
    }
}

fn check_read<K: Kernels>(kernels: K) {
    for channels in [4, 16, 32, 60, 160] {
        for r in 0..=15u8 {
            let shift: Vec<u8> = (0..channels).map(|c| if c % 2 == 0 { r } else { (c % 16) as u8 }).collect();
            let mut random = Random(4 + u64::from(r));
            let limit = if r % 2 == 0 { 300 << r.min(7) } else { 32767 };
            let limit = limit.min(32767);
            let mut stream: Vec<i16> = random.values(channels * 9, -limit, limit);
            stream[..channels].fill(i16::MAX);
            stream[channels..2 * channels].fill(i16::MIN);
            let right: Vec<i16> = stream.iter().enumerate().map(|(i, &s)| sat8(round_shift(i32::from(s), shift[i % channels]))).collect();
            assert_eq!(run_read(kernels, &stream, &shift), right, "{channels} channels, shift {r}");
            stream[0] = i16::MIN;
            assert_ne!(run_read(kernels, &stream, &shift), right, "a changed value must show");
            stream[0] = i16::MAX;
            let other: Vec<u8> = shift.iter().map(|&r| if r == 15 { 14 } else { 15 }).collect();
            assert_ne!(run_read(kernels, &stream, &other), right, "a changed shift must show");
        }
    }
}

#[test]
fn portable_equals_naive() {
    check_all(Portable);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn avx2_equals_naive() {
    match x86::avx2::Avx2::<false>::detect() {
        Some(kernels) => check_all(kernels),
        None => println!("no AVX2 here"),
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn avx_vnni_equals_naive() {
    match x86::avx2::Avx2::<true>::detect() {
        Some(kernels) => check_all(kernels),
        None => println!("no AVX-VNNI here"),
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn avx512_equals_naive() {
    match x86::avx512::Avx512::detect() {
        Some(kernels) => check_all(kernels),
        None => println!("no AVX-512 VNNI here"),
    }
}

#[cfg(target_arch = "aarch64")]
#[test]
fn neon_equals_naive() {
    match neon::Neon::detect() {
        Some(kernels) => check_all(kernels),
        None => println!("no dot products here"),
    }
}
