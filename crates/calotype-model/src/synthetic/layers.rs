//! Random layers, scaled so that what goes in and out of them has a given size.

use crate::tables::KNOTS;
use crate::{Block, Chain, Depthwise, Input, Layer, Pointwise, RowTable, Stage};

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

    /// Weights up to `largest`, made of whole numbers by `of`.
    fn pointwise<W>(&mut self, layer: &mut Pointwise<W>, largest: i32, of: fn(i32) -> W, signal: Signal) {
        let Parts { weight, bias, shift } = self.parts(layer.outputs, layer.inputs, largest, signal);
        (layer.weight, layer.bias, layer.shift) = (weight.into_iter().map(of).collect(), bias, shift);
    }

    fn int8(&mut self, layer: &mut Pointwise, signal: Signal) {
        self.pointwise(layer, 127, |weight| weight as i8, signal);
    }

    fn depthwise(&mut self, layer: &mut Depthwise) {
        let Parts { weight, bias, shift } = self.parts(layer.channels, 9, 127, Signal::new(CODE, CODE));
        (layer.weight, layer.bias, layer.shift) = (weight.into_iter().map(|weight| weight as i8).collect(), bias, shift);
    }

    fn block(&mut self, block: &mut Block) {
        let (code, correction) = (Signal::new(CODE, CODE), Signal::new(CODE, STREAM / 4.0));
        block.pw1_read = self.read_shifts(block.dw.channels);
        self.int8(&mut block.pw1, code);
        self.depthwise(&mut block.dw);
        self.int8(&mut block.pw2, correction);
        block.ffn1_read = self.read_shifts(block.dw.channels);
        self.int8(&mut block.ffn1, code);
        self.int8(&mut block.ffn2, correction);
    }

    fn stage(&mut self, stage: &mut Stage, signal: Signal) {
        let (channels_in, channels) = (stage.channels_in(), stage.channels());
        stage.read.iter_mut().for_each(|read| *read = self.read_shifts(channels_in));
        match &mut stage.layer {
            Layer::Int8(layer) => self.int8(layer, signal),
            Layer::Wide(layer) => {
                // So small that inputs of 32768 everywhere reach less than half of an i32.
                let largest = (30_000 / layer.inputs as i32).clamp(1, 2047);
                self.pointwise(layer, largest, |weight| weight as i16, signal);
            }
        }
        stage.blocks.iter_mut().for_each(|block| self.block(block));
        stage.bias.iter_mut().for_each(|bias| bias.rows = vec![0; KNOTS * channels]);
    }

    /// A table for a stream.
    pub(super) fn fill(&mut self, table: &mut RowTable) {
        table.rows.iter_mut().for_each(|value| *value = self.within(300) as i16);
    }

    /// Biases are 0.
    pub(super) fn chain(&mut self, chain: &mut Chain) {
        self.chain_with(chain, Signal::new(CODE, STREAM / 2.0));
    }

    /// A predictor of scales.
    pub(super) fn scale_predictor(&mut self, chain: &mut Chain) {
        self.chain_with(chain, Signal { input: CODE, output: 250.0, mean: 280.0 });
    }

    /// A predictor of widths, some of them beyond the table's ends.
    pub(super) fn width_predictor(&mut self, chain: &mut Chain) {
        self.chain_with(chain, Signal::new(CODE, 120.0));
    }

    /// `head` is what goes in and out of the last layer of a predictor.
    fn chain_with(&mut self, chain: &mut Chain, head: Signal) {
        let last = chain.stages.len() - 1;
        for (i, stage) in chain.stages.iter_mut().enumerate() {
            let signal = signal(&chain.from, stage, i == last, head);
            self.stage(stage, signal);
        }
    }
}

/// What goes in and out of a stage's layer. The last layer of g_s makes pixels; that of a predictor is given.
fn signal(from: &[Input], stage: &Stage, last: bool, head: Signal) -> Signal {
    let stream = match &stage.layer {
        Layer::Int8(_) => Signal::new(CODE, STREAM),
        Layer::Wide(_) if from == [Input::Pixels] && stage.unshuffle == 8 => Signal::new(PIXEL, STREAM),
        Layer::Wide(_) => Signal::new(STREAM, STREAM),
    };
    match from[0] {
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
