//! Layers as the kernels read them: weights (k, n)-transposed, four channels in a u32 (shaders/parts).

use std::ops::Range;

use calotype_model::{self as model, Block, Depthwise, Layer, Pointwise, Wide, WidthTables};

use crate::Error;
use crate::gpu::Gpu;
use crate::pool::Buffer;

/// A pointwise layer on the device, int8 or wide.
pub(crate) struct PackedPointwise {
    /// Its key in the model file.
    pub name: String,
    pub inputs: usize,
    pub outputs: usize,
    /// Of [`calotype_shaders::TILES`].
    pub tile: usize,
    pub weights: Buffer,
    pub ends: Buffer,
}

/// A depthwise layer on the device.
pub(crate) struct PackedDepthwise {
    pub name: String,
    pub channels: usize,
    pub weights: Buffer,
    pub ends: Buffer,
}

/// A block on the device.
pub(crate) struct PackedBlock {
    pub pw1: PackedPointwise,
    pub dw: PackedDepthwise,
    pub pw2: PackedPointwise,
    pub ffn1: PackedPointwise,
    pub ffn2: PackedPointwise,
}

/// A stage on the device.
pub(crate) struct PackedStage {
    pub pointwise: PackedPointwise,
    pub unshuffle: usize,
    pub shuffle: usize,
    /// Of the stream.
    pub channels: usize,
    pub blocks: Vec<PackedBlock>,
}

/// What the ends of a layer need beside bias and shift: `[N]`, or fewer that repeat (before a shuffle), or none.
#[derive(Clone, Copy, Default)]
pub(crate) struct Next<'a> {
    /// How the next layer reads the output.
    pub read: &'a [u8],
    /// Added to the output.
    pub addend: &'a [i32],
}

impl<'a> Next<'a> {
    pub fn read(read: &'a [u8]) -> Next<'a> {
        Next { read, addend: &[] }
    }
}

impl PackedPointwise {
    pub fn int8(gpu: &Gpu, layer: &Pointwise, next: Next<'_>) -> Result<PackedPointwise, Error> {
        let &Pointwise { inputs, outputs, .. } = layer;
        let words = (0..inputs / 4 * outputs).flat_map(|i| {
            let (k, n) = (i / outputs * 4, i % outputs);
            let at = n * inputs + k;
            [0, 1, 2, 3].map(|j| layer.weight[at + j])
        });
        PackedPointwise::with(gpu, layer, bytemuck::cast_slice(&words.collect::<Vec<i8>>()), gpu.tuning.int8, next)
    }

    pub fn wide(gpu: &Gpu, layer: &Wide, next: Next<'_>) -> Result<PackedPointwise, Error> {
        let &Pointwise { inputs, outputs, .. } = layer;
        let mut words = Vec::with_capacity(inputs * outputs * 2);
        for (k, n4) in (0..inputs / 4).flat_map(|k4| (0..outputs / 4).map(move |n4| (4 * k4, n4))) {
            for (pair, n) in [0, 2].into_iter().flat_map(|pair| (4 * n4..4 * n4 + 4).map(move |n| (pair, n))) {
                words.extend_from_slice(bytemuck::cast_slice(&layer.weight[n * inputs + k + pair..][..2]));
            }
        }
        PackedPointwise::with(gpu, layer, &words, gpu.tuning.wide, next)
    }

    fn with<W>(gpu: &Gpu, layer: &Pointwise<W>, weights: &[u8], tile: usize, next: Next<'_>) -> Result<PackedPointwise, Error> {
        let ends = gpu.constant(&ends(&layer.bias, &layer.shift, next))?;
        let (name, weights) = (layer.name.clone(), gpu.constant(weights)?);
        Ok(PackedPointwise { name, inputs: layer.inputs, outputs: layer.outputs, tile, weights, ends })
    }

    /// Some of an int8 layer's outputs, as a layer; as many as there are groups of four that hold them.
    pub fn outputs(gpu: &Gpu, layer: &Pointwise, outputs: Range<usize>) -> Result<PackedPointwise, Error> {
        let outputs = outputs.start / 4 * 4..outputs.end.next_multiple_of(4);
        let part = Pointwise {
            name: layer.name.clone(),
            inputs: layer.inputs,
            outputs: outputs.len(),
            weight: layer.weight[outputs.start * layer.inputs..outputs.end * layer.inputs].to_vec(),
            bias: layer.bias[outputs.clone()].to_vec(),
            shift: layer.shift[outputs].to_vec(),
        };
        PackedPointwise::int8(gpu, &part, Next::default())
    }

    fn of(gpu: &Gpu, layer: &Layer, next: Next<'_>) -> Result<PackedPointwise, Error> {
        match layer {
            Layer::Int8(layer) => PackedPointwise::int8(gpu, layer, next),
            Layer::Wide(layer) => PackedPointwise::wide(gpu, layer, next),
        }
    }

    /// The same layer with other ends.
    pub fn with_ends(&self, ends: Buffer) -> PackedPointwise {
        PackedPointwise { name: self.name.clone(), weights: self.weights.clone(), ends, ..*self }
    }

    /// The same layer, cut in another way.
    pub fn with_tile(&self, tile: usize) -> PackedPointwise {
        PackedPointwise { tile, ..self.with_ends(self.ends.clone()) }
    }

    /// The tile for inputs of some stride.
    pub fn fitting_tile(&self, stride: usize) -> usize {
        let fits = |length: usize| length.is_multiple_of(calotype_shaders::TILES[self.tile].inputs);
        if fits(self.inputs) && fits(stride) { self.tile } else { 0 }
    }
}

impl PackedDepthwise {
    pub fn new(gpu: &Gpu, layer: &Depthwise) -> Result<PackedDepthwise, Error> {
        let channels = layer.channels;
        let weights: Vec<u8> = (0..9 * channels).map(|i| layer.weight[i % channels * 9 + i / channels] as u8).collect();
        let bias = layer.bias.chunks_exact(4);
        let pairs = bias.zip(layer.shift.chunks_exact(4)).flat_map(|(bias, shift)| [words(bias), words(&widened(shift))].concat());
        Ok(PackedDepthwise {
            name: layer.name.clone(),
            channels,
            weights: gpu.constant(&weights)?,
            ends: gpu.constant(&pairs.collect::<Vec<u8>>())?,
        })
    }
}

impl PackedBlock {
    pub fn new(gpu: &Gpu, block: &Block, next: Next<'_>) -> Result<PackedBlock, Error> {
        Ok(PackedBlock {
            pw1: PackedPointwise::int8(gpu, &block.pw1, Next::default())?,
            dw: PackedDepthwise::new(gpu, &block.dw)?,
            pw2: PackedPointwise::int8(gpu, &block.pw2, Next::read(&block.ffn1_read))?,
            ffn1: PackedPointwise::int8(gpu, &block.ffn1, Next::default())?,
            ffn2: PackedPointwise::int8(gpu, &block.ffn2, next)?,
        })
    }
}

impl PackedStage {
    /// A chain's stages. Codes of the last one's stream are made with `read`.
    pub fn all(gpu: &Gpu, stages: &[model::Stage], read: &[u8]) -> Result<Vec<PackedStage>, Error> {
        let reads = stages[1..].iter().map(|next| next.read.as_deref().unwrap_or(&[])).chain([read]);
        stages.iter().zip(reads).map(|(stage, read)| PackedStage::new(gpu, stage, read)).collect()
    }

    /// `read` is how its stream is read behind it.
    fn new(gpu: &Gpu, stage: &model::Stage, read: &[u8]) -> Result<PackedStage, Error> {
        let reads: Vec<&[u8]> = stage.blocks.iter().map(|block| &block.pw1_read[..]).chain([read]).collect();
        let blocks = stage.blocks.iter().zip(&reads[1..]).map(|(block, read)| PackedBlock::new(gpu, block, Next::read(read)));
        Ok(PackedStage {
            pointwise: PackedPointwise::of(gpu, &stage.layer, Next::read(reads[0]))?,
            unshuffle: stage.unshuffle,
            shuffle: stage.shuffle,
            channels: stage.channels(),
            blocks: blocks.collect::<Result<_, _>>()?,
        })
    }

    /// How much wider its blocks' feed-forward branch is than its stream.
    pub fn expansion(&self) -> usize {
        self.blocks.iter().map(|block| block.ffn1.outputs.div_ceil(self.channels)).max().unwrap_or(1)
    }
}

/// `ends [N / 4][4]` of shaders/parts/layer.wgsl as bytes.
pub(crate) fn ends(bias: &[i32], shift: &[u8], next: Next<'_>) -> Vec<u8> {
    let read = |n: usize| if next.read.is_empty() { 0 } else { i32::from(next.read[n % next.read.len()]) };
    let addend = |n: usize| if next.addend.is_empty() { 0 } else { next.addend[n % next.addend.len()] };
    let group = |n: usize| {
        let lanes = [n, n + 1, n + 2, n + 3];
        [lanes.map(|n| bias[n]), lanes.map(|n| i32::from(shift[n])), lanes.map(read), lanes.map(addend)].concat()
    };
    words(&(0..bias.len()).step_by(4).flat_map(group).collect::<Vec<i32>>())
}

/// `gains [C / 4][2]` of the scale kernels as bytes.
pub(crate) fn gains(gain: &[i16], shift: &[u8]) -> Vec<u8> {
    columns(&[&gain.iter().map(|&gain| i32::from(gain)).collect::<Vec<i32>>(), &widened(shift)])
}

/// Columns `[C]` as `[C / 4][columns][4]` i32, as bytes.
pub(crate) fn columns(columns: &[&[i32]]) -> Vec<u8> {
    let channels = columns[0].len();
    let group = |c: usize| columns.iter().flat_map(move |column| column[c..c + 4].iter().copied());
    words(&(0..channels).step_by(4).flat_map(group).collect::<Vec<i32>>())
}

/// The factors of each width as bytes; those of 1 where there is no other.
pub(crate) fn factors(widths: &WidthTables) -> Vec<u8> {
    let one = i32::from(WidthTables::ONE);
    let factors = widths.y.iter().zip(&widths.y_dec).flat_map(|(&y, &y_dec)| [y.into(), y_dec.into(), 0, 0]);
    if widths.y.is_empty() { words(&[one, one, 0, 0]) } else { words(&factors.collect::<Vec<i32>>()) }
}

pub(crate) fn widened(shift: &[u8]) -> Vec<i32> {
    shift.iter().map(|&shift| i32::from(shift)).collect()
}

/// As bytes.
pub(crate) fn words(values: &[i32]) -> Vec<u8> {
    bytemuck::cast_slice(values).to_vec()
}

/// As bytes.
pub(crate) fn halves(values: &[i16]) -> Vec<u8> {
    bytemuck::cast_slice(values).to_vec()
}

/// The first `count` i16 of bytes, which need not be aligned.
pub(crate) fn to_halves(bytes: &[u8], count: usize) -> Vec<i16> {
    bytemuck::pod_collect_to_vec(&bytes[..2 * count])
}
