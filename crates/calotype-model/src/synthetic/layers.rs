//! Random layers, scaled so that what goes in and out of them has a given size.

use crate::tables::KNOTS;
use crate::{Block, BlockShape, Chain, ChainShape, Depthwise, Input, Layer, Pointwise, Product, RowTable, Stage, StageShape, Wide};

/// RMS of codes and of streams that the layers are scaled for.
const CODE: f64 = 35.0;
const STREAM: f64 = 600.0;
/// RMS of `2 * pixel - 255` in a picture.
const PIXEL: f64 = 130.0;

/// The RMS of a layer's input and output, and the mean of its output.
#[derive(Clone, Copy)]
pub(super) struct Signal {
    pub(super) input: f64,
    pub(super) output: f64,
    pub(super) mean: f64,
}

impl Signal {
    pub(super) fn new(input: f64, output: f64) -> Signal {
        Signal { input, output, mean: 0.0 }
    }
}

/// A random number generator (SplitMix64) that makes layers.
pub(super) struct Maker(u64);

/// Weights `[N, K]`, biases and shifts of a layer.
struct Parts {
    weight: Vec<i32>,
    bias: Vec<i32>,
    shift: Vec<u8>,
}

impl Maker {
    pub(super) fn new(seed: u64) -> Maker {
        Maker(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Uniform in 0..1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in -most..=most.
    pub(super) fn within(&mut self, most: i32) -> i32 {
        (self.next() % (2 * most as u64 + 1)) as i32 - most
    }

    /// Shifts that read a stream as codes; a few channels vanish, a few saturate.
    pub(super) fn read_shifts(&mut self, channels: usize) -> Vec<u8> {
        let usual = shift_for(STREAM, CODE);
        let odd = |channel: usize| match channel % 23 {
            5 => 0,
            9 => 15,
            _ => usual,
        };
        (0..channels).map(odd).collect()
    }

    fn parts(&mut self, outputs: usize, inputs: usize, largest: i32, signal: Signal) -> Parts {
        let mut parts = Parts { weight: Vec::with_capacity(outputs * inputs), bias: Vec::new(), shift: Vec::new() };
        for output in 0..outputs {
            let amplitude = [largest, 1, 0][odd_channel(output)];
            parts.weight.extend((0..inputs).map(|_| self.within(amplitude)));
            let accumulator = f64::from(amplitude) * 0.58 * signal.input * (inputs as f64).sqrt();
            let shift = if output % 19 == 11 { 30 } else { shift_for(accumulator, signal.output) };
            let mean = signal.mean * f64::from(1_i32 << shift.min(16));
            parts.bias.push(mean as i32 + self.within(1 + (accumulator / 4.0) as i32));
            parts.shift.push(shift);
        }
        parts
    }

    pub(super) fn pointwise(&mut self, name: &str, outputs: usize, inputs: usize, signal: Signal) -> Pointwise {
        let Parts { weight, bias, shift } = self.parts(outputs, inputs, 127, signal);
        let weight = weight.into_iter().map(|weight| weight as i8).collect();
        Pointwise { name: name.to_owned(), inputs, outputs, weight, bias, shift }
    }

    /// Weights so small that inputs of 32768 everywhere reach less than half of an i32.
    pub(super) fn wide(&mut self, name: &str, outputs: usize, inputs: usize, signal: Signal) -> Wide {
        let largest = (30_000 / inputs as i32).clamp(1, 2047);
        let Parts { weight, bias, shift } = self.parts(outputs, inputs, largest, signal);
        let weight = weight.into_iter().map(|weight| weight as i16).collect();
        Wide { name: name.to_owned(), inputs, outputs, weight, bias, shift }
    }

    fn depthwise(&mut self, name: &str, channels: usize) -> Depthwise {
        let Parts { weight, bias, shift } = self.parts(channels, 9, 127, Signal::new(CODE, CODE));
        let weight = weight.into_iter().map(|weight| weight as i8).collect();
        Depthwise { name: name.to_owned(), channels, weight, bias, shift }
    }

    fn block(&mut self, shape: &BlockShape, channels: usize) -> Block {
        let (layer, hidden) = (|suffix: &str| format!("{}.{suffix}", shape.name), shape.expansion * channels);
        let (code, correction) = (Signal::new(CODE, CODE), Signal::new(CODE, STREAM / 4.0));
        Block {
            pw1_read: self.read_shifts(channels),
            pw1: self.pointwise(&layer("pw1"), channels, channels, code),
            dw: self.depthwise(&layer("dw"), channels),
            pw2: self.pointwise(&layer("pw2"), channels, channels, correction),
            ffn1_read: self.read_shifts(channels),
            ffn1: self.pointwise(&layer("ffn1"), hidden, channels, code),
            ffn2: self.pointwise(&layer("ffn2"), channels, hidden, correction),
        }
    }

    fn stage(&mut self, shape: &StageShape, signal: Signal) -> Stage {
        let (name, channels) = (&shape.name, shape.channels());
        Stage {
            read: shape.reads.then(|| self.read_shifts(shape.channels_in())),
            unshuffle: shape.unshuffle,
            layer: match shape.product {
                Product::Int8 => Layer::Int8(self.pointwise(name, shape.outputs, shape.inputs, signal)),
                Product::Wide => Layer::Wide(self.wide(name, shape.outputs, shape.inputs, signal)),
            },
            shuffle: shape.shuffle,
            blocks: shape.blocks.iter().map(|block| self.block(block, channels)).collect(),
            bias: shape.bias.as_ref().map(|name| RowTable { name: name.clone(), rows: vec![0; KNOTS * channels] }),
        }
    }

    /// A table for a stream.
    pub(super) fn fill(&mut self, table: &mut RowTable) {
        table.rows.iter_mut().for_each(|value| *value = self.within(300) as i16);
    }

    /// Biases are 0.
    pub(super) fn chain(&mut self, shape: &ChainShape) -> Chain {
        self.chain_with(shape, Signal::new(CODE, STREAM / 2.0))
    }

    /// A predictor of scales.
    pub(super) fn scale_predictor(&mut self, shape: &ChainShape) -> Chain {
        self.chain_with(shape, Signal { input: CODE, output: 250.0, mean: 280.0 })
    }

    /// A predictor of widths, some of them beyond the table's ends.
    pub(super) fn width_predictor(&mut self, shape: &ChainShape) -> Chain {
        self.chain_with(shape, Signal::new(CODE, 120.0))
    }

    /// `head` is what goes in and out of the last layer of a predictor.
    fn chain_with(&mut self, shape: &ChainShape, head: Signal) -> Chain {
        let last = shape.stages.len() - 1;
        let stages = shape.stages.iter().enumerate().map(|(i, stage)| self.stage(stage, signal(shape, stage, i == last, head)));
        Chain { name: shape.name.clone(), from: shape.from.clone(), stages: stages.collect() }
    }
}

/// What goes in and out of a stage's layer. The last layer of g_s makes pixels; that of a predictor is given.
fn signal(chain: &ChainShape, stage: &StageShape, last: bool, head: Signal) -> Signal {
    let stream = match stage.product {
        Product::Int8 => Signal::new(CODE, STREAM),
        Product::Wide if chain.from == [Input::Pixels] && stage.unshuffle == 8 => Signal::new(PIXEL, STREAM),
        Product::Wide => Signal::new(STREAM, STREAM),
    };
    match chain.from[0] {
        Input::VHat if last => Signal { input: 1.2 * STREAM, output: 800.0, mean: 2048.0 },
        Input::H if last => head,
        _ => stream,
    }
}

/// 0 for most output channels, 1 for those of weights -1..=1 (small shifts), 2 for those of zero weights.
fn odd_channel(output: usize) -> usize {
    match output % 19 {
        3 => 1,
        7 => 2,
        _ => 0,
    }
}

/// The shift that brings an RMS of `from` nearest to `to`, by factor.
fn shift_for(from: f64, to: f64) -> u8 {
    let mut shift = 0;
    let mut rms = from;
    while rms > to * std::f64::consts::SQRT_2 && shift < 30 {
        rms /= 2.0;
        shift += 1;
    }
    shift
}
