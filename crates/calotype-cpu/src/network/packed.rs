//! A model's layers, packed for one instruction set.

use std::ops::Range;

use calotype_model::{self as model, Depthwise, Input, Layer, Pointwise, RowTable, Wide};

use crate::kernels::{DepthwiseSource, Kernels, PointwiseSource};

/// A residual block.
pub(super) struct Block<K: Kernels> {
    pub channels: usize,
    /// Channels between ffn1 and ffn2.
    pub hidden: usize,
    pub pw1_read: Vec<u8>,
    pub pw1: K::Pointwise,
    pub dw: K::Depthwise,
    pub pw2: K::Pointwise,
    pub ffn1_read: Vec<u8>,
    pub ffn1: K::Pointwise,
    pub ffn2: K::Pointwise,
}

/// The weights of a stage's layer.
pub(super) enum Weights<K: Kernels> {
    /// An int8 layer, and how it reads a stream if it does.
    Int8 {
        read: Option<Vec<u8>>,
        pointwise: K::Pointwise,
    },
    Wide(K::Wide),
}

/// A stage.
pub(super) struct Stage<K: Kernels> {
    /// K, after the unshuffle.
    pub inputs: usize,
    pub unshuffle: usize,
    pub weights: Weights<K>,
    pub shuffle: usize,
    /// Channels of the stream.
    pub channels: usize,
    pub bias: Option<RowTable>,
    pub blocks: Vec<Block<K>>,
}

/// g_a or g_s: the stage whose blocks work on the picture, and one that ends it.
pub(super) struct Transform<K: Kernels> {
    pub first: Stage<K>,
    pub last: Stage<K>,
}

/// Some of the latents of a step, with what their means come from.
pub(super) struct Cell<K: Kernels> {
    pub channels: Range<usize>,
    /// As [`model::Cell::phases`].
    pub phases: u64,
    /// These channels of the predictor's last layer; without a predictor the means are 0.
    pub pointwise: Option<K::Pointwise>,
}

/// A step, with its means' predictor; without one nothing but cells.
pub(super) struct Step<K: Kernels> {
    pub from: Vec<Input>,
    /// All stages of the predictor but the last.
    pub stages: Vec<Stage<K>>,
    /// K of the last one's layer.
    pub inputs: usize,
    /// How that layer reads the stream, if there is one.
    pub read: Option<Vec<u8>>,
    pub cells: Vec<Cell<K>>,
}

/// The widths of the quantiser.
pub(super) struct Widths<K: Kernels> {
    pub head: K::Pointwise,
    /// The factors of each width, filled up: every byte is an index.
    pub factors: [Factors; 256],
}

/// The factors of a width, Q12.
#[derive(Clone, Copy)]
#[repr(align(4))]
pub(super) struct Factors {
    pub y: i16,
    pub y_dec: i16,
}

impl Factors {
    /// Of width 1.
    pub const ONE: Factors = Factors { y: model::WidthTables::ONE, y_dec: model::WidthTables::ONE };
}

impl Default for Factors {
    fn default() -> Factors {
        Factors::ONE
    }
}

/// The decoder part.
pub(super) struct PackedDecoder<K: Kernels> {
    /// None without hyper-latents.
    pub h_s: Vec<Stage<K>>,
    pub scales: Option<K::Pointwise>,
    /// None where all are 1.
    pub widths: Option<Widths<K>>,
    pub steps: Vec<Step<K>>,
    pub g_s: Transform<K>,
}

/// The encoder part.
pub(super) struct PackedEncoder<K: Kernels> {
    pub g_a: Transform<K>,
    /// None without hyper-latents.
    pub h_a: Vec<Stage<K>>,
}

impl<K: Kernels> Block<K> {
    fn new(block: &model::Block) -> Block<K> {
        Block {
            channels: block.pw1.inputs,
            hidden: block.ffn1.outputs,
            pw1_read: block.pw1_read.clone(),
            pw1: pointwise::<K>(&block.pw1),
            dw: depthwise::<K>(&block.dw),
            pw2: pointwise::<K>(&block.pw2),
            ffn1_read: block.ffn1_read.clone(),
            ffn1: pointwise::<K>(&block.ffn1),
            ffn2: pointwise::<K>(&block.ffn2),
        }
    }
}

impl<K: Kernels> Stage<K> {
    fn new(stage: &model::Stage) -> Stage<K> {
        Stage {
            inputs: stage.layer.inputs(),
            unshuffle: stage.unshuffle,
            weights: match &stage.layer {
                Layer::Int8(layer) => Weights::Int8 { read: stage.read.clone(), pointwise: pointwise::<K>(layer) },
                Layer::Wide(layer) => Weights::Wide(wide::<K>(layer)),
            },
            shuffle: stage.shuffle,
            channels: stage.channels(),
            bias: stage.bias.clone(),
            blocks: stage.blocks.iter().map(Block::new).collect(),
        }
    }

    fn of(chain: Option<&model::Chain>) -> Vec<Stage<K>> {
        chain.map_or_else(Vec::new, |chain| Stage::all(&chain.stages))
    }

    fn all(stages: &[model::Stage]) -> Vec<Stage<K>> {
        stages.iter().map(Stage::new).collect()
    }

    /// Channels of the input, before the unshuffle.
    pub fn channels_in(&self) -> usize {
        self.inputs / (self.unshuffle * self.unshuffle)
    }
}

impl<K: Kernels> Transform<K> {
    fn new(chain: &model::Chain) -> Transform<K> {
        let [first, last] = &chain.stages[..] else { panic!("{} has a stage with blocks and one without", chain.name) };
        assert!(last.blocks.is_empty(), "{} ends with a layer", chain.name);
        Transform { first: Stage::new(first), last: Stage::new(last) }
    }

    /// Rows of its map come in multiples of this.
    pub fn fold(&self) -> usize {
        self.first.shuffle.max(self.last.unshuffle)
    }
}

impl<K: Kernels> Step<K> {
    fn new(decoder: &model::Decoder, step: &model::Step) -> Step<K> {
        let unpredicted = |cell: &model::Cell| Cell { channels: cell.channels.clone(), phases: cell.phases, pointwise: None };
        let Some(predictor) = step.mean.map(|mean| &decoder.predictors[mean]) else {
            let cells = step.cells.iter().map(unpredicted).collect();
            return Step { from: Vec::new(), stages: Vec::new(), inputs: 0, read: None, cells };
        };
        let (last, stages) = predictor.stages.split_last().expect("a chain has a stage");
        let folds = predictor.stages.iter().any(|stage| stage.unshuffle * stage.shuffle > 1);
        assert!(!folds && last.blocks.is_empty(), "{} stays at one size, and ends with a layer", predictor.name);
        let cell = |cell: &model::Cell| Cell { pointwise: Some(outputs::<K>(int8(last), cell.channels.clone())), ..unpredicted(cell) };
        Step {
            from: predictor.from.clone(),
            stages: Stage::all(stages),
            inputs: last.layer.inputs(),
            read: last.read.clone(),
            cells: step.cells.iter().map(cell).collect(),
        }
    }

    /// The stage that begins it before all latents of the step before are set, if it has one.
    pub fn first(&self) -> Option<&Stage<K>> {
        self.stages.first()
    }
}

impl<K: Kernels> PackedDecoder<K> {
    /// Packs all layers, g_s on one thread and the entropy networks on another.
    pub fn new(decoder: &model::Decoder) -> PackedDecoder<K> {
        let steps = || decoder.schedule.steps.iter().map(|step| Step::new(decoder, step)).collect();
        let (g_s, steps) = rayon::join(|| Transform::new(&decoder.g_s), steps);
        let factors = |index: usize| decoder.widths.y.get(index).map(|&y| Factors { y, y_dec: decoder.widths.y_dec[index] });
        let factors = std::array::from_fn(|index| factors(index).unwrap_or_default());
        let widths = |chain| Widths { head: head::<K>(chain), factors };
        PackedDecoder {
            h_s: Stage::of(decoder.h_s.as_ref()),
            scales: decoder.scale_predictor().map(head::<K>),
            widths: decoder.width_predictor().map(widths),
            steps,
            g_s,
        }
    }
}

impl<K: Kernels> PackedEncoder<K> {
    /// Packs all layers.
    pub fn new(encoder: &model::Encoder) -> PackedEncoder<K> {
        PackedEncoder { g_a: Transform::new(&encoder.g_a), h_a: Stage::of(encoder.h_a.as_ref()) }
    }
}

/// A predictor of one layer.
fn head<K: Kernels>(chain: &model::Chain) -> K::Pointwise {
    let [head] = &chain.stages[..] else { panic!("{} is one layer", chain.name) };
    pointwise::<K>(int8(head))
}

/// The layer of a predictor's last stage.
pub(super) fn int8(stage: &model::Stage) -> &Pointwise {
    let Layer::Int8(layer) = &stage.layer else { panic!("{}: a predictor's layers read codes", stage.layer.name()) };
    layer
}

pub(super) fn pointwise<K: Kernels>(layer: &Pointwise) -> K::Pointwise {
    outputs::<K>(layer, 0..layer.outputs)
}

pub(super) fn wide<K: Kernels>(layer: &Wide) -> K::Wide {
    K::pack_wide(PointwiseSource { inputs: layer.inputs, weight: &layer.weight, bias: &layer.bias, shift: &layer.shift })
}

pub(super) fn depthwise<K: Kernels>(layer: &Depthwise) -> K::Depthwise {
    K::pack_depthwise(DepthwiseSource { weight: &layer.weight, bias: &layer.bias, shift: &layer.shift })
}

/// Some of a layer's outputs, as a layer.
pub(super) fn outputs<K: Kernels>(layer: &Pointwise, outputs: Range<usize>) -> K::Pointwise {
    let weight = &layer.weight[outputs.start * layer.inputs..outputs.end * layer.inputs];
    K::pack_pointwise(PointwiseSource { inputs: layer.inputs, weight, bias: &layer.bias[outputs.clone()], shift: &layer.shift[outputs] })
}
