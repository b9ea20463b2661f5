//! Networks as chains, with their weights.
//!
//! A chain is a list of stages. A stage is a pointwise layer that makes a stream, and the blocks that correct the stream
//! (docs/MODEL.md section 2). Everything that lists, reads, writes, checks or runs a network iterates its stages.
//! Before a model file is read, layers, tables and read shifts are there without elements.

use serde::{Deserialize, Serialize};

use crate::tables::interpolate;
use crate::{Block, Pointwise, Wide};

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

    /// Whether it multiplies a stream.
    pub fn is_wide(&self) -> bool {
        matches!(self, Layer::Wide(_))
    }
}

impl Stage {
    /// Channels of its stream.
    pub fn channels(&self) -> usize {
        self.layer.outputs() / self.shuffle.saturating_mul(self.shuffle).max(1)
    }

    /// Channels of its input before the unshuffle.
    pub fn channels_in(&self) -> usize {
        self.layer.inputs() / self.unshuffle.saturating_mul(self.unshuffle).max(1)
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
}
