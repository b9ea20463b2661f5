//! Networks as chains, with their weights.
//!
//! A chain is a list of stages. A stage is a pointwise layer that makes a stream, and the blocks that correct the stream
//! (docs/MODEL.md section 2). Everything that lists, reads, writes, checks or runs a network iterates its stages.

use serde::{Deserialize, Serialize};

use crate::tables::interpolate;
use crate::{Block, Depthwise, Pointwise, Wide};

/// A map that a chain reads. Several are read as one, with the channels of the first in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Input {
    /// The picture: a stream of 3 channels, `2 * pixel - 255`.
    Pixels,
    /// The latents before coding: a stream.
    V,
    /// The hyper-latents: codes.
    Z,
    /// The output of h_s, as codes.
    H,
    /// The latents as far as they are set: codes for a predictor, a stream for g_s.
    VHat,
}

/// A pointwise layer with its weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layer {
    /// On codes.
    Int8(Pointwise),
    /// On a stream.
    Wide(Wide),
}

/// A quality table that stands alone: `[64, channels]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowTable {
    /// Key in the model file, e.g. `bias.dec`.
    pub name: String,
    /// 64 rows.
    pub rows: Vec<i16>,
}

/// A layer that makes a stream, and the blocks that correct it:
/// `s = shuffle(stream(layer, unshuffle(read(input)))) + bias(Q)`, then `s = Block(s)` for each block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// `[channels of the input]`, at most 15: how an int8 layer reads a stream. `None` for codes, and for a wide layer.
    pub read: Option<Vec<u8>>,
    /// The factor of the input's unshuffle; 1 is none.
    pub unshuffle: usize,
    /// The layer.
    pub layer: Layer,
    /// The factor of the output's shuffle; 1 is none.
    pub shuffle: usize,
    /// Added to the stream, saturating.
    pub bias: Option<RowTable>,
    /// The blocks.
    pub blocks: Vec<Block>,
}

/// A network with its weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// E.g. `g_s`.
    pub name: String,
    /// What it reads.
    pub from: Vec<Input>,
    /// In their order; at least one.
    pub stages: Vec<Stage>,
}

/// One layer of a chain.
#[derive(Debug, Clone, Copy)]
pub enum AnyLayer<'a> {
    /// Pointwise on codes.
    Int8(&'a Pointwise),
    /// Pointwise on a stream.
    Wide(&'a Wide),
    /// 3x3 by channel.
    Depthwise(&'a Depthwise),
}

/// One layer of a chain, to change.
#[derive(Debug)]
pub enum AnyLayerMut<'a> {
    /// Pointwise on codes.
    Int8(&'a mut Pointwise),
    /// Pointwise on a stream.
    Wide(&'a mut Wide),
    /// 3x3 by channel.
    Depthwise(&'a mut Depthwise),
}

impl RowTable {
    /// `[channels]` at a fineness (docs/MODEL.md section 3).
    pub fn at(&self, fineness: u16) -> Vec<i16> {
        interpolate(&self.rows, fineness)
    }
}

impl Layer {
    /// Key in the model file.
    pub fn name(&self) -> &str {
        match self {
            Layer::Int8(layer) => &layer.name,
            Layer::Wide(layer) => &layer.name,
        }
    }

    /// K.
    pub fn inputs(&self) -> usize {
        match self {
            Layer::Int8(layer) => layer.inputs,
            Layer::Wide(layer) => layer.inputs,
        }
    }

    /// N.
    pub fn outputs(&self) -> usize {
        match self {
            Layer::Int8(layer) => layer.outputs,
            Layer::Wide(layer) => layer.outputs,
        }
    }
}

impl Stage {
    /// Channels of its stream.
    pub fn channels(&self) -> usize {
        self.layer.outputs() / (self.shuffle * self.shuffle)
    }

    /// How the first thing behind its layer reads the stream, if that is a block.
    pub fn block_read(&self) -> Option<&[u8]> {
        self.blocks.first().map(|block| &block.pw1_read[..])
    }
}

impl Chain {
    /// Channels of its output.
    pub fn channels(&self) -> usize {
        self.stages.last().map_or(0, Stage::channels)
    }

    /// How many positions of the input around its own place an output sees: each block sees one position of its stream further.
    pub fn halo(&self) -> usize {
        self.stages.iter().rev().fold(0, |seen, stage| (seen + stage.blocks.len()).div_ceil(stage.shuffle) * stage.unshuffle)
    }

    /// Its layers in the order in which they run.
    pub fn layers(&self) -> impl Iterator<Item = AnyLayer<'_>> {
        self.stages.iter().flat_map(|stage| std::iter::once(stage.layer.any()).chain(stage.blocks.iter().flat_map(Block::layers)))
    }
}

impl Chain {
    /// [`Chain::layers`], to change.
    pub fn layers_mut(&mut self) -> impl Iterator<Item = AnyLayerMut<'_>> {
        self.stages.iter_mut().flat_map(|stage| {
            let layer = match &mut stage.layer {
                Layer::Int8(layer) => AnyLayerMut::Int8(layer),
                Layer::Wide(layer) => AnyLayerMut::Wide(layer),
            };
            std::iter::once(layer).chain(stage.blocks.iter_mut().flat_map(Block::layers_mut))
        })
    }
}

impl Layer {
    fn any(&self) -> AnyLayer<'_> {
        match self {
            Layer::Int8(layer) => AnyLayer::Int8(layer),
            Layer::Wide(layer) => AnyLayer::Wide(layer),
        }
    }
}

impl Block {
    /// Its layers in the order in which they run.
    pub fn layers(&self) -> [AnyLayer<'_>; 5] {
        use AnyLayer::{Depthwise, Int8};
        [Int8(&self.pw1), Depthwise(&self.dw), Int8(&self.pw2), Int8(&self.ffn1), Int8(&self.ffn2)]
    }
}

impl Block {
    fn layers_mut(&mut self) -> [AnyLayerMut<'_>; 5] {
        use AnyLayerMut::{Depthwise, Int8};
        [Int8(&mut self.pw1), Depthwise(&mut self.dw), Int8(&mut self.pw2), Int8(&mut self.ffn1), Int8(&mut self.ffn2)]
    }
}

impl AnyLayerMut<'_> {
    /// Its key in the model file.
    pub fn name(&self) -> &str {
        match self {
            AnyLayerMut::Int8(layer) => &layer.name,
            AnyLayerMut::Wide(layer) => &layer.name,
            AnyLayerMut::Depthwise(layer) => &layer.name,
        }
    }

    /// Changes some weights of the first output: for tests that this is noticed.
    pub fn flip(self) {
        match self {
            AnyLayerMut::Int8(layer) => layer.weight[..8].iter_mut().for_each(|weight| *weight ^= 64),
            AnyLayerMut::Wide(layer) => layer.weight[0] ^= 64,
            AnyLayerMut::Depthwise(layer) => layer.weight[4] ^= 64,
        }
    }
}

impl<'a> AnyLayerMut<'a> {
    /// `[N]`.
    pub fn shifts(self) -> &'a mut [u8] {
        match self {
            AnyLayerMut::Int8(layer) => &mut layer.shift,
            AnyLayerMut::Wide(layer) => &mut layer.shift,
            AnyLayerMut::Depthwise(layer) => &mut layer.shift,
        }
    }
}

impl AnyLayer<'_> {
    /// Its key in the model file.
    pub fn name(&self) -> &str {
        match self {
            AnyLayer::Int8(layer) => &layer.name,
            AnyLayer::Wide(layer) => &layer.name,
            AnyLayer::Depthwise(layer) => &layer.name,
        }
    }
}
