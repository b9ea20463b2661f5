//! The graph of docs/MODEL.md as lists of dispatches.

mod analysis;
mod hyper;
mod means;
mod pieces;
mod synthesis;

use calotype_model::{Decoder, Encoder, Transform};

use crate::Error;
use crate::gpu::Gpu;
use crate::packed::{Dense, Next, PackedBlock, widened};

/// The decoder part on the device.
pub(crate) struct DecoderWeights {
    first: Dense,
    block1: PackedBlock,
    mid: Dense,
    block2: PackedBlock,
    scale_head: Dense,
    scale_lut: wgpu::Buffer,
    mean_head: Dense,
    context: Vec<StepWeights>,
    g_s: TransformWeights,
}

/// A context step.
struct StepWeights {
    first: Dense,
    block: PackedBlock,
    last: Dense,
}

/// g_a or g_s.
struct TransformWeights {
    first: Dense,
    blocks: Vec<PackedBlock>,
    last: Dense,
}

/// The encoder part on the device.
pub(crate) struct EncoderWeights {
    g_a: TransformWeights,
    first_gains: wgpu::Buffer,
    first: Dense,
    block1: PackedBlock,
    mid: Dense,
    block2: PackedBlock,
    last: Dense,
}

impl DecoderWeights {
    pub fn new(gpu: &Gpu, decoder: &Decoder) -> Result<DecoderWeights, Error> {
        let h_s = &decoder.h_s;
        let context = decoder.context.iter().map(|step| {
            Ok(StepWeights {
                first: Dense::int8(gpu, &step.first, Next::read(&step.block.pw1_read))?,
                block: PackedBlock::new(gpu, &step.block, Next::read(&step.last_read))?,
                last: Dense::int8(gpu, &step.last, Next::default())?,
            })
        });
        Ok(DecoderWeights {
            first: Dense::int8(gpu, &h_s.first, Next::read(&h_s.block1.pw1_read))?,
            block1: PackedBlock::new(gpu, &h_s.block1, Next::read(&h_s.mid_read))?,
            mid: Dense::int8(gpu, &h_s.mid, Next::read(&h_s.block2.pw1_read))?,
            block2: PackedBlock::new(gpu, &h_s.block2, Next::read(&decoder.h_read))?,
            scale_head: Dense::int8(gpu, &decoder.scale_head, Next::default())?,
            scale_lut: gpu.constant(&decoder.scale_lut)?,
            mean_head: Dense::int8(gpu, &decoder.mean_head, Next::default())?,
            context: context.collect::<Result<_, _>>()?,
            g_s: TransformWeights::new(gpu, &decoder.g_s)?,
        })
    }
}

impl TransformWeights {
    fn new(gpu: &Gpu, transform: &Transform) -> Result<TransformWeights, Error> {
        let reads: Vec<&[u8]> = transform.blocks.iter().map(|block| &block.pw1_read[..]).chain([&[][..]]).collect();
        let blocks = transform.blocks.iter().zip(&reads[1..]).map(|(block, read)| PackedBlock::new(gpu, block, Next::read(read)));
        Ok(TransformWeights {
            first: Dense::wide(gpu, &transform.first, Next::read(reads[0]))?,
            blocks: blocks.collect::<Result<_, _>>()?,
            last: Dense::wide(gpu, &transform.last, Next::default())?,
        })
    }
}

impl EncoderWeights {
    pub fn new(gpu: &Gpu, encoder: &Encoder) -> Result<EncoderWeights, Error> {
        let h_a = &encoder.h_a;
        let ones = vec![1; h_a.first_read.len()];
        Ok(EncoderWeights {
            g_a: TransformWeights::new(gpu, &encoder.g_a)?,
            first_gains: gpu.constant(&crate::packed::columns(&[&ones, &widened(&h_a.first_read)]))?,
            first: Dense::int8(gpu, &h_a.first, Next::read(&h_a.block1.pw1_read))?,
            block1: PackedBlock::new(gpu, &h_a.block1, Next::read(&h_a.mid_read))?,
            mid: Dense::int8(gpu, &h_a.mid, Next::read(&h_a.block2.pw1_read))?,
            block2: PackedBlock::new(gpu, &h_a.block2, Next::read(&h_a.last_read))?,
            last: Dense::int8(gpu, &h_a.last, Next::default())?,
        })
    }
}
