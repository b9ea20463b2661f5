//! A model's layers, packed for one instruction set.

use calotype_model::{self as model, Depthwise, Pointwise, Wide};

use crate::kernels::{DenseSource, DepthwiseSource, Kernels};

/// A residual block.
pub(super) struct Block<K: Kernels> {
    pub channels: usize,
    /// Channels between ffn1 and ffn2.
    pub hidden: usize,
    pub pw1_read: Vec<u8>,
    pub pw1: K::Dense,
    pub dw: K::Depthwise,
    pub pw2: K::Dense,
    pub ffn1_read: Vec<u8>,
    pub ffn1: K::Dense,
    pub ffn2: K::Dense,
}

/// g_a or g_s.
pub(super) struct Transform<K: Kernels> {
    pub first: K::Wide,
    pub blocks: Vec<Block<K>>,
    pub last: K::Wide,
}

/// h_s.
pub(super) struct HyperSynthesis<K: Kernels> {
    pub first: K::Dense,
    pub block1: Block<K>,
    pub mid: K::Dense,
    pub block2: Block<K>,
}

/// A context step; `last` in quarters of its outputs.
pub(super) struct ContextStep<K: Kernels> {
    pub first: K::Dense,
    pub block: Block<K>,
    pub last: [K::Dense; 4],
}

/// The decoder part.
pub(super) struct PackedDecoder<K: Kernels> {
    pub h_s: HyperSynthesis<K>,
    pub scale_head: K::Dense,
    /// In quarters of its outputs.
    pub mean_head: [K::Dense; 4],
    pub context: [ContextStep<K>; 3],
    pub g_s: Transform<K>,
}

/// The encoder part.
pub(super) struct PackedEncoder<K: Kernels> {
    pub g_a: Transform<K>,
    pub first: K::Dense,
    pub block1: Block<K>,
    pub mid: K::Dense,
    pub block2: Block<K>,
    pub last: K::Dense,
}

impl<K: Kernels> Block<K> {
    fn new(block: &model::Block) -> Block<K> {
        Block {
            channels: block.pw1.inputs,
            hidden: block.ffn1.outputs,
            pw1_read: block.pw1_read.clone(),
            pw1: dense::<K>(&block.pw1),
            dw: depthwise::<K>(&block.dw),
            pw2: dense::<K>(&block.pw2),
            ffn1_read: block.ffn1_read.clone(),
            ffn1: dense::<K>(&block.ffn1),
            ffn2: dense::<K>(&block.ffn2),
        }
    }
}

impl<K: Kernels> Transform<K> {
    fn new(transform: &model::Transform) -> Transform<K> {
        Transform {
            first: wide::<K>(&transform.first),
            blocks: transform.blocks.iter().map(Block::new).collect(),
            last: wide::<K>(&transform.last),
        }
    }
}

impl<K: Kernels> ContextStep<K> {
    fn new(step: &model::ContextStep) -> ContextStep<K> {
        ContextStep { first: dense::<K>(&step.first), block: Block::new(&step.block), last: quarters::<K>(&step.last) }
    }
}

impl<K: Kernels> PackedDecoder<K> {
    /// Packs all layers, g_s on one thread and the entropy networks on another.
    pub fn new(decoder: &model::Decoder) -> PackedDecoder<K> {
        let (g_s, context) = rayon::join(|| Transform::new(&decoder.g_s), || decoder.context.each_ref().map(ContextStep::new));
        let h_s = HyperSynthesis {
            first: dense::<K>(&decoder.h_s.first),
            block1: Block::new(&decoder.h_s.block1),
            mid: dense::<K>(&decoder.h_s.mid),
            block2: Block::new(&decoder.h_s.block2),
        };
        PackedDecoder { h_s, scale_head: dense::<K>(&decoder.scale_head), mean_head: quarters::<K>(&decoder.mean_head), context, g_s }
    }
}

impl<K: Kernels> PackedEncoder<K> {
    /// Packs all layers.
    pub fn new(encoder: &model::Encoder) -> PackedEncoder<K> {
        PackedEncoder {
            g_a: Transform::new(&encoder.g_a),
            first: dense::<K>(&encoder.h_a.first),
            block1: Block::new(&encoder.h_a.block1),
            mid: dense::<K>(&encoder.h_a.mid),
            block2: Block::new(&encoder.h_a.block2),
            last: dense::<K>(&encoder.h_a.last),
        }
    }
}

fn dense<K: Kernels>(layer: &Pointwise) -> K::Dense {
    K::pack_dense(DenseSource { inputs: layer.inputs, weight: &layer.weight, bias: &layer.bias, shift: &layer.shift })
}

fn wide<K: Kernels>(layer: &Wide) -> K::Wide {
    K::pack_wide(DenseSource { inputs: layer.inputs, weight: &layer.weight, bias: &layer.bias, shift: &layer.shift })
}

fn depthwise<K: Kernels>(layer: &Depthwise) -> K::Depthwise {
    K::pack_depthwise(DepthwiseSource { weight: &layer.weight, bias: &layer.bias, shift: &layer.shift })
}

/// The four quarters of a layer's outputs, each a layer.
fn quarters<K: Kernels>(layer: &Pointwise) -> [K::Dense; 4] {
    let quarter = layer.outputs / 4;
    std::array::from_fn(|j| {
        let outputs = j * quarter..(j + 1) * quarter;
        let weight = &layer.weight[outputs.start * layer.inputs..outputs.end * layer.inputs];
        K::pack_dense(DenseSource { inputs: layer.inputs, weight, bias: &layer.bias[outputs.clone()], shift: &layer.shift[outputs] })
    })
}
