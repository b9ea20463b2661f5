//! Each kernel on every adapter against its twin in the scalar oracle, bit for bit, over odd shapes; and a negative control for each.

use std::sync::OnceLock;

use calotype_cpu::scalar;
use calotype_model::{Depthwise, Map, Pointwise, Quantiser, Wide, synthetic};
use calotype_shaders as shaders;

use crate::commands::Commands;
use crate::gpu::Gpu;
use crate::layers::{Codes, Emit, Part, Size};
use crate::packed::{Dense, Next, Spatial, columns, ends, gains, halves, to_halves, widened, words};
use crate::pool::Buffer;
use crate::{Adapter, Error, adapters};

/// Rows, columns; the last is over a workgroup of the pointwise kernels.
const SHAPES: [(usize, usize); 6] = [(1, 1), (1, 7), (3, 5), (8, 8), (17, 13), (2, 66)];
/// Inputs and outputs, all multiples of 4 as in models; some inputs are multiples of 16.
const CHANNELS: [(usize, usize); 6] = [(4, 4), (20, 36), (64, 64), (12, 132), (192, 28), (16, 84)];

struct Random(u64);

impl Random {
    fn next(&mut self) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as i64
    }

    /// Uniform in -most..=most, with the extremes more often.
    fn within(&mut self, most: i64) -> i64 {
        match self.next() % 8 {
            0 => most,
            1 => -most,
            _ => self.next() % (2 * most + 1) - most,
        }
    }

    fn codes(&mut self, (height, width): (usize, usize), channels: usize) -> Map<i8> {
        let data = (0..height * width * channels).map(|_| self.within(127) as i8).collect();
        Map { height, width, channels, data }
    }

    fn stream(&mut self, (height, width): (usize, usize), channels: usize) -> Map<i16> {
        let data = (0..height * width * channels).map(|i| if i % 7 == 0 { -32768 } else { self.within(32767) as i16 }).collect();
        Map { height, width, channels, data }
    }

    fn shifts(&mut self, most: i64, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.next() % (most + 1)) as u8).collect()
    }

    /// About the size of the sums, so that the ends neither always saturate nor always vanish.
    fn biases(&mut self, count: usize) -> Vec<i32> {
        (0..count).map(|_| self.within(1 << 17) as i32).collect()
    }

    fn pointwise(&mut self, inputs: usize, outputs: usize) -> Pointwise {
        let weight = (0..inputs * outputs).map(|_| self.within(127) as i8).collect();
        let (bias, shift) = (self.biases(outputs), self.shifts(15, outputs));
        Pointwise { name: "twin".to_owned(), inputs, outputs, weight, bias, shift }
    }

    /// Sums stay below 2^31: weights of 12 bits where there are few inputs.
    fn wide(&mut self, inputs: usize, outputs: usize) -> Wide {
        let most = (2047 * 16 / inputs as i64).clamp(1, 2047);
        let weight = (0..inputs * outputs).map(|_| self.within(most) as i16).collect();
        let (bias, shift) = (self.biases(outputs), self.shifts(24, outputs));
        Wide { name: "twin".to_owned(), inputs, outputs, weight, bias, shift }
    }

    fn depthwise(&mut self, channels: usize) -> Depthwise {
        let weight = (0..9 * channels).map(|_| self.within(127) as i8).collect();
        let (bias, shift) = (self.biases(channels), self.shifts(15, channels));
        Depthwise { name: "twin".to_owned(), channels, weight, bias, shift }
    }
}

/// All adapters of this machine, open. Without any the tests are skipped, unless CALOTYPE_REQUIRE_GPU=1.
fn open() -> &'static [(Adapter, Gpu)] {
    static OPEN: OnceLock<Vec<(Adapter, Gpu)>> = OnceLock::new();
    OPEN.get_or_init(|| {
        let open: Vec<_> = adapters().into_iter().map(|adapter| (adapter.clone(), Gpu::open(&adapter).unwrap())).collect();
        let names: Vec<String> = open.iter().map(|(adapter, _)| adapter.facts().to_string()).collect();
        assert!(!open.is_empty() || std::env::var("CALOTYPE_REQUIRE_GPU").as_deref() != Ok("1"), "no adapter, and CALOTYPE_REQUIRE_GPU=1");
        println!("{}", if open.is_empty() { "skipped: no adapter".to_owned() } else { format!("kernels on {}", names.join(", ")) });
        open
    })
}

fn bytes(codes: &[i8]) -> Vec<u8> {
    codes.iter().map(|&code| code as u8).collect()
}

fn size<T>(map: &Map<T>) -> Size {
    Size::new(map.height, map.width)
}

/// What a kernel makes: the first bytes of the buffers that `record` returns.
fn outputs(gpu: &Gpu, record: impl FnOnce(&mut Commands<'_>) -> Result<Vec<(Buffer, usize)>, Error>) -> Vec<Vec<u8>> {
    let mut commands = Commands::new(gpu).unwrap();
    let buffers = record(&mut commands).unwrap();
    buffers.iter().for_each(|(buffer, bytes)| commands.download(buffer, *bytes));
    let mut outputs = commands.run().unwrap();
    outputs.iter_mut().zip(&buffers).for_each(|(output, (_, bytes))| output.truncate(*bytes));
    outputs
}

/// The comparator of all twins: equal, and unequal once the weights or shifts are `damaged`.
/// `outputs(gpu, trial)` is the kernel's, `truth` its twin's.
/// A pointwise kernel runs with all tiles that fit its `inputs`; for others these are 0, and there is one.
fn compare_tiles(
    (kernel, inputs): (&shaders::Kernel, usize),
    truth: &[Vec<u8>],
    outputs: impl Fn(&Gpu, Trial) -> Vec<Vec<u8>>,
    damages: &[Damage],
) {
    let fits = |tile: &usize| *tile == 0 || inputs > 0 && inputs.is_multiple_of(shaders::TILES[*tile].inputs);
    for ((adapter, gpu), tile) in open().iter().flat_map(|open| (0..kernel.sources.len()).filter(fits).map(move |tile| (open, tile))) {
        let what = format!("{} with {} on {}", kernel.name, shaders::TILES[tile].name, adapter.facts());
        assert!(outputs(gpu, Trial { tile, damage: Damage::None }) == truth, "{what}");
        for &damage in damages {
            assert!(outputs(gpu, Trial { tile, damage }) != truth, "{what}: {damage:?} is not noticed");
        }
    }
}

/// The same for a kernel without tiles.
fn compare(kernel: &shaders::Kernel, truth: &[Vec<u8>], outputs: impl Fn(&Gpu, Trial) -> Vec<Vec<u8>>, damages: &[Damage]) {
    compare_tiles((kernel, 0), truth, outputs, damages);
}

/// One run of a kernel.
#[derive(Clone, Copy)]
struct Trial {
    /// Of [`shaders::TILES`].
    tile: usize,
    damage: Damage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Damage {
    None,
    /// One bit of one weight, gain, table entry or input; or an origin that is one less.
    Weight,
    /// One shift is one more.
    Shift,
}

const BOTH: &[Damage] = &[Damage::Weight, Damage::Shift];

/// A shift that matters: the first one below `most`, of an output that is not saturated everywhere.
fn damage_shift(damage: Damage, shift: &mut [u8]) {
    if damage == Damage::Shift {
        shift.iter_mut().for_each(|shift| *shift = 14);
    }
}

fn damaged_pointwise(layer: &Pointwise, damage: Damage) -> Pointwise {
    let mut layer = layer.clone();
    if damage == Damage::Weight {
        layer.weight[layer.inputs - 1] ^= 64;
    }
    damage_shift(damage, &mut layer.shift[..1]);
    layer
}

/// A layer whose output 0 shows every change, with a middle shift and a small bias; and whose outputs 1 and 2 have the largest weights
/// and biases that docs/MODEL.md section 7 allows.
fn sensitive(mut layer: Pointwise) -> Pointwise {
    (layer.shift[0], layer.bias[0]) = (9, 77);
    for (n, sign, shift) in [(1, 1, 23), (2, -1, 30)] {
        layer.weight[n * layer.inputs..][..layer.inputs].iter_mut().for_each(|weight| *weight = 127 * sign);
        layer.bias[n] = i32::from(sign) * (i32::MAX - 127 * 127 * layer.inputs as i32 - (1 << (shift - 1)));
        layer.shift[n] = shift;
    }
    layer
}

#[test]
fn pointwise_code() {
    let mut random = Random(1);
    for (case, (inputs, outputs_)) in SHAPES.into_iter().flat_map(|shape| CHANNELS.map(|channels| (shape, channels))) {
        let layer = sensitive(random.pointwise(inputs, outputs_));
        let input = random.codes(case, inputs);
        let sums = scalar::pointwise(&layer, &input);
        for (active, truth) in [(0, scalar::code_end(&sums, &layer.shift)), (1, scalar::active_end(&sums, &layer.shift))] {
            let run = |gpu: &Gpu, Trial { damage, tile }: Trial| {
                outputs(gpu, |commands| {
                    let layer = Dense::int8(gpu, &damaged_pointwise(&layer, damage), Next::default())?.with_tile(tile);
                    let buffer = commands.upload(&bytes(&input.data))?;
                    let out = commands.take(truth.data.len())?;
                    commands.code(&layer, active, Codes { size: size(&input), stride: inputs, buffer: &buffer }, &out)?;
                    Ok(vec![(out, truth.data.len())])
                })
            };
            compare_tiles((&shaders::POINTWISE_CODE, inputs), &[bytes(&truth.data)], run, if case == (17, 13) { BOTH } else { &[] });
        }
    }
}

/// One of [`shaders::place`], the size that is written, the crop's origin, what must be written.
type Place = (u32, Size, (isize, isize), Map<i16>);

/// What the oracle makes of a stream at every place that its shape allows.
fn places(stream: &Map<i16>) -> Vec<Place> {
    let whole = size(stream);
    let mut places = vec![(shaders::place::SAME, whole, (0, 0), stream.clone())];
    if stream.height > 1 {
        let cropped = Size::new(stream.height - 1, stream.width - 1);
        places.push((shaders::place::SAME, cropped, (1, 0), stream.crop((1, 0), (cropped.height, cropped.width))));
    }
    if stream.channels.is_multiple_of(16) {
        places.push((shaders::place::SHUFFLE, whole.times(2), (0, 0), scalar::shuffle(stream, 2)));
    }
    if stream.height.is_multiple_of(2) && stream.width.is_multiple_of(2) {
        places.push((shaders::place::UNSHUFFLE, whole.over(2), (0, 0), scalar::unshuffle(stream, 2)));
    }
    // Into the middle of a larger map of zeros.
    let large = Size::new(stream.height + 3, stream.width + 5);
    let mut pasted: Map<i16> = Map::zeros(large.height, large.width, stream.channels);
    for (y, x) in (0..stream.height).flat_map(|y| (0..stream.width).map(move |x| (y, x))) {
        pasted.at_mut(y + 2, x + 1).copy_from_slice(stream.at(y, x));
    }
    places.push((shaders::place::SAME, large, (-2, -1), pasted));
    if stream.height > 4 {
        let inner = Size::new(stream.height / 4 * 2, stream.width / 4 * 2);
        let crop = stream.crop((2, 2), (inner.height, inner.width));
        places.push((shaders::place::UNSHUFFLE, inner.over(2), (2, 2), scalar::unshuffle(&crop, 2)));
    }
    places
}

/// Codes with `behind` zeros behind those of each position.
fn spaced(codes: &Map<i16>, behind: usize) -> Vec<u8> {
    let position = |codes: &[i16]| codes.iter().map(|&code| code as u8).chain(std::iter::repeat_n(0, behind)).collect::<Vec<u8>>();
    codes.data.chunks_exact(codes.channels).flat_map(position).collect()
}

/// `stream` and its codes at every place, from `record(commands, emit, damage)`.
fn compare_streams(
    kernel: (&shaders::Kernel, usize),
    (stream, read): (&Map<i16>, &[u8]),
    record: impl Fn(&mut Commands<'_>, &Emit<'_>, Trial) -> Result<(), Error>,
    damages: &[Damage],
) {
    let codes = scalar::read(stream, read);
    let widened = Map { data: codes.data.iter().map(|&code| i16::from(code)).collect(), ..stream.clone() };
    for ((place, size, origin, stream), (.., codes)) in places(stream).into_iter().zip(places(&widened)) {
        let count = stream.data.len();
        for (with_stream, with_codes, behind) in [(true, true, 0), (true, false, 0), (false, true, 0), (false, true, 12)] {
            let code_bytes = spaced(&codes, behind);
            let run = |gpu: &Gpu, trial: Trial| {
                outputs(gpu, |commands| {
                    let (s, c) = (commands.zeros(2 * count)?, commands.zeros(code_bytes.len())?);
                    let (to_stream, to_codes) = (with_stream.then_some(&s), with_codes.then_some(&c));
                    let codes_stride = (behind > 0).then_some(stream.channels + behind);
                    let emit = Emit { place, size, origin, stream: to_stream, codes: to_codes, codes_stride };
                    record(commands, &emit, trial)?;
                    let all = [(with_stream, (s.clone(), 2 * count)), (with_codes, (c.clone(), code_bytes.len()))];
                    Ok(all.into_iter().filter(|(with, _)| *with).map(|(_, output)| output).collect())
                })
            };
            let all = [(with_stream, halves(&stream.data)), (with_codes, code_bytes.clone())];
            let truth: Vec<Vec<u8>> = all.into_iter().filter(|(with, _)| *with).map(|(_, bytes)| bytes).collect();
            compare_tiles(kernel, &truth, run, if with_stream { damages } else { &[] });
        }
    }
}

#[test]
fn pointwise_stream() {
    let mut random = Random(2);
    for (case, (inputs, n)) in SHAPES.into_iter().flat_map(|shape| CHANNELS.map(|channels| (shape, channels))) {
        let layer = sensitive(random.pointwise(inputs, n));
        let (input, read) = (random.codes(case, inputs), random.shifts(15, n));
        let stream = scalar::stream_end(&scalar::pointwise(&layer, &input), &layer.shift);
        // Where there is a shuffle, the read shifts repeat.
        let read = if n.is_multiple_of(16) { read[..n / 4].repeat(4) } else { read };
        let record = |commands: &mut Commands<'_>, emit: &Emit<'_>, Trial { damage, tile }: Trial| {
            let layer = Dense::int8(commands.gpu, &damaged_pointwise(&layer, damage), Next::read(&read))?.with_tile(tile);
            let buffer = commands.upload(&bytes(&input.data))?;
            commands.stream(&layer, Codes { size: size(&input), stride: inputs, buffer: &buffer }, emit)
        };
        compare_streams((&shaders::POINTWISE_STREAM, inputs), (&stream, &read), record, if case == (17, 13) { BOTH } else { &[] });
    }
}

/// Only the first channels of an input with more: as the heads read h in front of v_hat.
#[test]
fn pointwise_stream_with_a_stride() {
    let mut random = Random(3);
    for (inputs, stride) in [(12, 40), (16, 40), (48, 112)] {
        strided(&mut random, inputs, stride);
    }
}

fn strided(random: &mut Random, inputs: usize, stride: usize) {
    let layer = random.pointwise(inputs, 20);
    let input = random.codes((5, 9), stride);
    let front: Vec<i8> = input.data.chunks_exact(stride).flat_map(|position| &position[..inputs]).copied().collect();
    let front = Map { channels: inputs, data: front, ..input.clone() };
    let stream = scalar::stream_end(&scalar::pointwise(&layer, &front), &layer.shift);
    let record = |commands: &mut Commands<'_>, emit: &Emit<'_>, trial: Trial| {
        let layer = Dense::int8(commands.gpu, &layer, Next::read(&[3; 20]))?.with_tile(trial.tile);
        let buffer = commands.upload(&bytes(&input.data))?;
        commands.stream(&layer, Codes { size: size(&input), stride, buffer: &buffer }, emit)
    };
    compare_streams((&shaders::POINTWISE_STREAM, inputs), (&stream, &[3; 20]), record, &[]);
}

#[test]
fn pointwise_add() {
    let mut random = Random(4);
    for (case, (inputs, n)) in SHAPES.into_iter().flat_map(|shape| CHANNELS.map(|channels| (shape, channels))) {
        let layer = sensitive(random.pointwise(inputs, n));
        let (input, read, before) = (random.codes(case, inputs), random.shifts(15, n), random.stream(case, n));
        let read = if n.is_multiple_of(16) { read[..n / 4].repeat(4) } else { read };
        let stream = scalar::add_end(&before, &scalar::pointwise(&layer, &input), &layer.shift);
        let record = |commands: &mut Commands<'_>, emit: &Emit<'_>, Trial { damage, tile }: Trial| {
            let layer = Dense::int8(commands.gpu, &damaged_pointwise(&layer, damage), Next::read(&read))?.with_tile(tile);
            let buffer = commands.upload(&bytes(&input.data))?;
            let before = commands.upload(&halves(&before.data))?;
            commands.add(&layer, Codes { size: size(&input), stride: inputs, buffer: &buffer }, &before, emit)
        };
        compare_streams((&shaders::POINTWISE_ADD, inputs), (&stream, &read), record, if case == (17, 13) { BOTH } else { &[] });
    }
}

#[test]
fn wide_stream() {
    let mut random = Random(5);
    for (case, (inputs, n)) in SHAPES.into_iter().flat_map(|shape| CHANNELS.map(|channels| (shape, channels))) {
        let mut layer = random.wide(inputs, n);
        (layer.shift[0], layer.bias[0]) = (13, 77);
        let reach: i64 = layer.weight[inputs..2 * inputs].iter().map(|&weight| 32768 * i64::from(weight).abs()).sum();
        (layer.shift[1], layer.bias[1]) = (20, (i64::from(i32::MAX) - reach - (1 << 19)) as i32);
        let (input, read, addend) = (random.stream(case, inputs), random.shifts(15, n), random.within(30_000) as i32);
        let read = if n.is_multiple_of(16) { read[..n / 4].repeat(4) } else { read };
        let mut stream = scalar::stream_end(&scalar::wide(&layer, &input), &layer.shift);
        stream.data.iter_mut().for_each(|s| *s = scalar::sat16(i32::from(*s) + addend));
        let record = |commands: &mut Commands<'_>, emit: &Emit<'_>, Trial { damage, tile }: Trial| {
            let mut layer = layer.clone();
            if damage == Damage::Weight {
                layer.weight[inputs - 1] ^= 1 << 9;
            }
            damage_shift(damage, &mut layer.shift[..1]);
            let layer = Dense::wide(commands.gpu, &layer, Next { read: &read, addend: &[addend] })?.with_tile(tile);
            let buffer = commands.upload(&halves(&input.data))?;
            commands.wide(&layer, (size(&input), &buffer), emit)
        };
        compare_streams((&shaders::WIDE_STREAM, inputs), (&stream, &read), record, if case == (17, 13) { BOTH } else { &[] });
    }
}

#[test]
fn pointwise_index() {
    let mut random = Random(6);
    let decoder = synthetic::pair(&synthetic::tiny(), 7).0;
    for (case, (inputs, n)) in SHAPES.into_iter().flat_map(|shape| CHANNELS.map(|channels| (shape, channels))) {
        let mut layer = sensitive(random.pointwise(inputs, n));
        layer.shift[0] = 4;
        let input = random.codes(case, inputs);
        let log_gain: Vec<i32> = (0..n).map(|output| if output == 0 { 900 } else { random.within(2000) as i32 }).collect();
        let log_sigma = scalar::stream_end(&scalar::pointwise(&layer, &input), &layer.shift);
        let truth: Vec<u8> =
            (log_sigma.data.iter().enumerate()).map(|(i, &s)| decoder.scale_index(i32::from(s) + log_gain[i % n])).collect();
        let addend: Vec<i32> = log_gain.iter().map(|gain| gain + decoder.config.scale_lut_offset).collect();
        let run = |gpu: &Gpu, Trial { damage, tile }: Trial| {
            outputs(gpu, |commands| {
                let layer = damaged_pointwise(&layer, damage);
                let head_ends = commands.upload(&ends(&layer.bias, &layer.shift, Next { read: &[], addend: &addend }))?;
                let layer = Dense::int8(gpu, &layer, Next::default())?.with_tile(tile);
                let (buffer, lut) = (commands.upload(&bytes(&input.data))?, commands.upload(&decoder.scale_lut)?);
                let out = commands.take(truth.len())?;
                commands.index(&layer, Codes { size: size(&input), stride: inputs, buffer: &buffer }, &lut, &head_ends, &out)?;
                Ok(vec![(out, truth.len())])
            })
        };
        compare_tiles((&shaders::POINTWISE_INDEX, inputs), std::slice::from_ref(&truth), run, if case == (17, 13) { BOTH } else { &[] });
    }
}

#[test]
fn depthwise() {
    let mut random = Random(8);
    for (case, channels) in SHAPES.into_iter().flat_map(|shape| [4, 20, 68].map(|channels| (shape, channels))) {
        let mut layer = random.depthwise(channels);
        (layer.shift[0], layer.bias[0]) = (9, 77);
        let input = random.codes(case, channels);
        let truth = bytes(&scalar::code_end(&scalar::depthwise(&layer, &input), &layer.shift).data);
        let run = |gpu: &Gpu, Trial { damage, .. }: Trial| {
            outputs(gpu, |commands| {
                let mut layer = layer.clone();
                if damage == Damage::Weight {
                    layer.weight[4] ^= 64;
                }
                damage_shift(damage, &mut layer.shift[..1]);
                let (layer, buffer) = (Spatial::new(gpu, &layer)?, commands.upload(&bytes(&input.data))?);
                let out = commands.take(truth.len())?;
                commands.depthwise(&layer, size(&input), &buffer, &out);
                Ok(vec![(out, truth.len())])
            })
        };
        compare(&shaders::DEPTHWISE, std::slice::from_ref(&truth), run, if case == (17, 13) { BOTH } else { &[] });
    }
}

/// Gains and shifts as in a table of a model; channel 0 has `shift`.
fn random_gains(random: &mut Random, channels: usize, shift_0: u8) -> (Vec<i16>, Vec<u8>) {
    let mut gain: Vec<i16> = (0..channels).map(|_| random.within(32767).unsigned_abs() as i16).collect();
    let mut shift = random.shifts(30, channels);
    (gain[0], shift[0]) = (23_456, shift_0);
    (gain, shift)
}

fn damaged_gains(gain: &[i16], shift: &[u8], damage: Damage) -> Vec<u8> {
    let (mut gain, mut shift) = (gain.to_vec(), shift.to_vec());
    if damage == Damage::Weight {
        gain[0] ^= 1 << 13;
    }
    damage_shift(damage, &mut shift[..1]);
    gains(&gain, &shift)
}

#[test]
fn scale_code_and_scale_symbol() {
    let mut random = Random(9);
    for (case, channels) in SHAPES.into_iter().flat_map(|shape| [4, 20, 68].map(|channels| (shape, channels))) {
        let ((gain, shift), input) = (random_gains(&mut random, channels, 22), random.stream(case, channels));
        let scaled = |i: usize, value: i16| scalar::round_shift(i32::from(value) * i32::from(gain[i % channels]), shift[i % channels]);
        let values: Vec<i32> = input.data.iter().enumerate().map(|(i, &value)| scaled(i, value)).collect();
        let codes: Vec<i8> = values.iter().map(|&value| scalar::sat8(value)).collect();
        let symbols: Vec<i16> = values.iter().map(|&value| value.clamp(-32767, 32767) as i16).collect();
        for (kernel, truth) in [(&shaders::SCALE_CODE, bytes(&codes)), (&shaders::SCALE_SYMBOL, halves(&symbols))] {
            let run = |gpu: &Gpu, Trial { damage, .. }: Trial| {
                outputs(gpu, |commands| {
                    let (gains, buffer) = (commands.upload(&damaged_gains(&gain, &shift, damage))?, commands.upload(&halves(&input.data))?);
                    let out = commands.take(truth.len())?;
                    commands.elements(kernel, input.data.len() / 4, &[channels / 4], &[&gains, &buffer, &out]);
                    Ok(vec![(out, truth.len())])
                })
            };
            compare(kernel, std::slice::from_ref(&truth), run, if case == (17, 13) { BOTH } else { &[] });
        }
    }
}

/// A tile in the middle of the four steps.
struct Latents {
    v_hat: Map<i16>,
    mean: Map<i16>,
    v: Map<i16>,
    symbols: Vec<i16>,
    index: Vec<u8>,
    gain_y: (Vec<i16>, Vec<u8>),
    gain_dec: (Vec<i16>, Vec<u8>),
    read: Vec<u8>,
}

const ORDER: [[usize; 4]; 4] = [[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]];
const SKIP_BELOW: u8 = 20;
/// Codes of h in front of v_hat's.
const H: usize = 8;

impl Latents {
    fn new(random: &mut Random, case: (usize, usize), channels: usize) -> Latents {
        let count = case.0 * case.1 * channels;
        Latents {
            v_hat: random.stream(case, channels),
            mean: random.stream(case, channels),
            v: random.stream(case, channels),
            symbols: (0..count).map(|_| random.within(400) as i16).collect(),
            index: (0..count).map(|_| (random.next() % 64) as u8).collect(),
            gain_y: random_gains(random, channels, 18),
            gain_dec: random_gains(random, channels, 18),
            read: random.shifts(15, channels),
        }
    }

    /// docs/MODEL.md section 5.3 for one latent; `choose` gives the symbol for y - mu and a scale index.
    fn step(&self, step: usize, choose: Option<&Quantiser>) -> (Vec<i16>, Map<i16>) {
        let (channels, width) = (self.v.channels, self.v.width);
        let (mut symbols, mut v_hat) = (self.symbols.clone(), self.v_hat.clone());
        for (i, symbol) in symbols.iter_mut().enumerate() {
            let (m, x, y) = (i % channels, i / channels % width, i / channels / width);
            if ORDER[step][m / (channels / 4)] != [[0, 2], [3, 1]][y & 1][x & 1] {
                continue;
            }
            let to_q6 = |value| scalar::scaled(value, self.gain_y.0[m], self.gain_y.1[m]);
            let mu = i32::from(to_q6(self.mean.data[i]));
            if let Some(quantiser) = choose {
                let chosen = quantiser.symbol(self.index[i], i32::from(to_q6(self.v.data[i])) - mu);
                *symbol = if self.index[i] < SKIP_BELOW { 0 } else { chosen };
            }
            let y_hat = scalar::sat16(64 * i32::from(*symbol) + mu);
            v_hat.data[i] = scalar::scaled(y_hat, self.gain_dec.0[m], self.gain_dec.1[m]);
        }
        (symbols, v_hat)
    }

    /// h of 7 everywhere, then the codes of v_hat.
    fn codes(&self, v_hat: &Map<i16>) -> Vec<u8> {
        let codes = scalar::read(v_hat, &self.read);
        codes.data.chunks_exact(v_hat.channels).flat_map(|v| [vec![7; H], bytes(v)].concat()).collect()
    }

    fn tables(&self, damage: Damage) -> Vec<u8> {
        let ((mut gain, mut shift), (dec, dec_shift)) = (self.gain_y.clone(), self.gain_dec.clone());
        if damage == Damage::Weight {
            gain[0] ^= 1 << 13;
        }
        damage_shift(damage, &mut shift[..1]);
        let wide = |gain: &[i16]| gain.iter().map(|&gain| i32::from(gain)).collect::<Vec<i32>>();
        columns(&[&wide(&gain), &widened(&shift), &wide(&dec), &widened(&dec_shift), &widened(&self.read)])
    }

    fn sizes(&self, step: usize) -> [usize; 6] {
        let channels = self.v.channels;
        [self.v.width, channels, step, (H + channels) / 4, H / 4, SKIP_BELOW.into()]
    }
}

#[test]
fn reconstruct_and_choose() {
    let mut random = Random(10);
    let thresholds = std::array::from_fn(|index| 20 + (index % 45) as u8);
    let quantiser = Quantiser::with_thresholds(thresholds);
    let cases = SHAPES.into_iter().flat_map(|shape| [4, 24, 68].map(|channels| (shape, channels)));
    for ((case, channels), step) in cases.flat_map(|case| [0, 1, 2, 3].map(|step| (case, step))) {
        let latents = Latents::new(&mut random, case, channels);
        let count = latents.v.data.len();
        // Before: wrong codes, which the kernel must overwrite all but h.
        let before = |commands: &mut Commands<'_>| commands.upload(&vec![7; count / channels * (H + channels)]);
        let damages: &[Damage] = if case == (17, 13) && step == 2 { BOTH } else { &[] };
        for encode in [false, true] {
            let kernel = if encode { &shaders::CHOOSE } else { &shaders::RECONSTRUCT };
            let (symbols, v_hat) = latents.step(step, encode.then_some(&quantiser));
            let truth = [halves(&symbols), halves(&v_hat.data), latents.codes(&v_hat)];
            let run = |gpu: &Gpu, Trial { damage, .. }: Trial| {
                outputs(gpu, |commands| {
                    let tables = commands.upload(&latents.tables(damage))?;
                    let (mean, v) = (commands.upload(&halves(&latents.mean.data))?, commands.upload(&halves(&latents.v.data))?);
                    let symbols = commands.upload(&halves(&latents.symbols))?;
                    let v_hat = commands.upload(&halves(&latents.v_hat.data))?;
                    let index = commands.upload(&latents.index)?;
                    let thresholds = commands.upload(&words(&thresholds.map(i32::from)))?;
                    let codes = before(commands)?;
                    if encode {
                        let buffers = [&tables, &mean, &v, &index, &thresholds, &symbols, &v_hat, &codes];
                        commands.elements(kernel, count / 4, &latents.sizes(step), &buffers);
                    } else {
                        commands.elements(kernel, count / 4, &latents.sizes(step), &[&tables, &mean, &symbols, &v_hat, &codes]);
                    }
                    Ok(vec![(symbols, 2 * count), (v_hat, 2 * count), (codes, count / channels * (H + channels))])
                })
            };
            compare(kernel, &truth, run, damages);
        }
    }
}

#[test]
fn copy() {
    let mut random = Random(12);
    for ((height, width), channels) in SHAPES.into_iter().flat_map(|shape| [4, 20, 68].map(|channels| (shape, channels))) {
        let (from, mut to) = (random.stream((height + 4, width + 3), channels), random.stream((height + 1, width + 6), channels));
        let (before, (from_origin, to_origin)) = (to.clone(), ((3, 2), (1, 5)));
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            to.at_mut(y + to_origin.0, x + to_origin.1).copy_from_slice(from.at(y + from_origin.0, x + from_origin.1));
        }
        let run = |gpu: &Gpu, Trial { damage, .. }: Trial| {
            outputs(gpu, |commands| {
                let (input, out) = (commands.upload(&halves(&from.data))?, commands.upload(&halves(&before.data))?);
                let origin = if damage == Damage::None { from_origin } else { (2, 2) };
                let part = Part { buffer: &input, width: width + 3, origin };
                let target = Part { buffer: &out, width: width + 6, origin: to_origin };
                commands.copy(part, target, (Size::new(height, width), channels));
                Ok(vec![(out.clone(), 2 * to.data.len())])
            })
        };
        compare(&shaders::COPY, &[halves(&to.data)], run, &[Damage::Weight]);
    }
}

#[test]
fn input_and_pixels() {
    let mut random = Random(11);
    for (height, width) in SHAPES {
        let rgb: Vec<u8> = (0..height * width * 192).map(|_| random.next() as u8).collect();
        let picture =
            Map { height: 8 * height, width: 8 * width, channels: 3, data: rgb.iter().map(|&p| 2 * i16::from(p) - 255).collect() };
        let values = scalar::unshuffle(&picture, 8);
        let groups = values.data.len() / 4;
        let run = |gpu: &Gpu, Trial { damage, .. }: Trial| {
            outputs(gpu, |commands| {
                let mut rgb = rgb.clone();
                rgb[100] ^= u8::from(damage == Damage::Weight);
                let (pixels, out) = (commands.upload(&rgb)?, commands.take(8 * groups)?);
                commands.elements(&shaders::INPUT, groups, &[width], &[&pixels, &out]);
                Ok(vec![(out, 8 * groups)])
            })
        };
        compare(&shaders::INPUT, &[halves(&values.data)], run, &[Damage::Weight]);

        let q4 = random.stream((height, width), 192);
        let q4 = Map { data: q4.data.iter().map(|&p| if p % 3 == 0 { p } else { p >> 3 }).collect(), ..q4 };
        let truth: Vec<u8> = scalar::shuffle(&q4, 8).data.iter().map(|&p| ((i32::from(p) + 8) >> 4).clamp(0, 255) as u8).collect();
        let run = |gpu: &Gpu, Trial { damage, .. }: Trial| {
            outputs(gpu, |commands| {
                let mut q4 = q4.clone();
                q4.data[77] = if damage == Damage::Weight { 2000 + 16 * i16::from(truth[0] < 128) } else { q4.data[77] };
                let (values, out) = (commands.upload(&halves(&q4.data))?, commands.take(4 * groups)?);
                commands.elements(&shaders::PIXELS, groups, &[width], &[&values, &out]);
                Ok(vec![(out, 4 * groups)])
            })
        };
        compare(&shaders::PIXELS, std::slice::from_ref(&truth), run, &[Damage::Weight]);
    }
}

/// Buffers over the limit are refused before the driver sees them, and the device goes on.
#[test]
fn too_large_buffers_are_errors() {
    for (_, gpu) in open() {
        let commands = Commands::new(gpu).unwrap();
        let limit = gpu.largest_binding();
        assert_eq!(commands.take(limit as usize + 1).err(), Some(Error::TooLarge { bytes: limit + 1, limit }));
        assert_eq!(gpu.check(), Ok(()));
    }
}

/// Elements over 65535 workgroups take the second dimension.
#[test]
fn many_elements() {
    let count = 4 * 64 * 65_535 + 4 * 64 * 3 + 8;
    let input: Vec<i16> = (0..count).map(|i| (i / 7 % 60_001) as i16).collect();
    let truth: Vec<i16> = input.iter().map(|&value| scalar::round_shift(i32::from(value) * 3, 1).clamp(-32767, 32767) as i16).collect();
    for (adapter, gpu) in open() {
        let run = outputs(gpu, |commands| {
            let (gains, buffer) = (commands.upload(&gains(&[3; 8], &[1; 8]))?, commands.upload(&halves(&input))?);
            let out = commands.take(2 * count)?;
            commands.elements(&shaders::SCALE_SYMBOL, count / 4, &[2], &[&gains, &buffer, &out]);
            Ok(vec![(out, 2 * count)])
        });
        assert!(to_halves(&run[0], count) == truth, "{}", adapter.facts());
    }
}
