//! The graph of docs/MODEL.md as lists of dispatches.

mod analysis;
mod hyper;
mod means;
mod piece;
mod pieces;
mod synthesis;

use calotype_model::{Config, Decoder, Encoder, QualityTables, Transform};

use crate::Error;
use crate::gpu::Gpu;
use crate::measure::Layer;
use crate::packed::{Dense, Next, PackedBlock, columns, ends, gains, widened};
use crate::pool::Buffer;

pub(crate) use hyper::HyperBuffers;
pub use piece::Piece;
pub(crate) use synthesis::{Tile, Window};

/// The decoder part on the device.
pub(crate) struct DecoderWeights {
    config: Config,
    first: Dense,
    block1: PackedBlock,
    mid: Dense,
    block2: PackedBlock,
    scale_head: Dense,
    scale_lut: Buffer,
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
    config: Config,
    g_a: TransformWeights,
    first_gains: Buffer,
    first: Dense,
    block1: PackedBlock,
    mid: Dense,
    block2: PackedBlock,
    last: Dense,
}

/// The decoder part at a quality.
pub(crate) struct AtQuality<'a> {
    weights: &'a DecoderWeights,
    z_gains: Buffer,
    /// The scale head's ends with the log gains.
    head_ends: Buffer,
    /// `tables [M / 4][5]` of shaders/parts/latents.wgsl.
    latent_tables: Buffer,
    /// g_s with the bias at the quality.
    g_s_first: Dense,
}

impl<'a> AtQuality<'a> {
    pub fn new(gpu: &Gpu, weights: &'a DecoderWeights, decoder: &Decoder, q: &QualityTables) -> Result<AtQuality<'a>, Error> {
        let (tables, g_s, head) = (&decoder.tables, &decoder.g_s, &decoder.scale_head);
        let log_gain: Vec<i32> = q.log_gain_y.iter().map(|&gain| i32::from(gain) + decoder.config.scale_lut_offset).collect();
        let read = g_s.blocks.first().map_or(&[][..], |block| &block.pw1_read);
        let latent_tables = [
            &wide(&q.gain_y)[..],
            &widened(&tables.gain_y.shift),
            &wide(&q.gain_y_dec),
            &widened(&tables.gain_y_dec.shift),
            &widened(&decoder.v_hat_read),
        ];
        let first_ends = ends(&g_s.first.bias, &g_s.first.shift, Next { read, addend: &wide(&q.bias_dec) });
        Ok(AtQuality {
            weights,
            z_gains: gpu.upload(&gains(&q.gain_z_dec, &tables.gain_z_dec.shift))?,
            head_ends: gpu.upload(&ends(&head.bias, &head.shift, Next { read: &[], addend: &log_gain }))?,
            latent_tables: gpu.upload(&columns(&latent_tables))?,
            g_s_first: Dense { weights: weights.g_s.first.weights.clone(), ends: gpu.upload(&first_ends)?, ..weights.g_s.first },
        })
    }
}

fn wide(values: &[i16]) -> Vec<i32> {
    values.iter().map(|&value| value.into()).collect()
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
            config: decoder.config.clone(),
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
            config: encoder.config.clone(),
            g_a: TransformWeights::new(gpu, &encoder.g_a)?,
            first_gains: gpu.constant(&columns(&[&ones, &widened(&h_a.first_read)]))?,
            first: Dense::int8(gpu, &h_a.first, Next::read(&h_a.block1.pw1_read))?,
            block1: PackedBlock::new(gpu, &h_a.block1, Next::read(&h_a.mid_read))?,
            mid: Dense::int8(gpu, &h_a.mid, Next::read(&h_a.block2.pw1_read))?,
            block2: PackedBlock::new(gpu, &h_a.block2, Next::read(&h_a.last_read))?,
            last: Dense::int8(gpu, &h_a.last, Next::default())?,
        })
    }
}

impl PackedBlock {
    fn layers(&self, name: &str) -> [(String, Layer<'_>); 5] {
        let int8 = [("pw1", &self.pw1), ("pw2", &self.pw2), ("ffn1", &self.ffn1), ("ffn2", &self.ffn2)];
        let [pw1, pw2, ffn1, ffn2] = int8.map(|(layer, dense)| (format!("{name}.{layer}"), Layer::Int8(dense)));
        [pw1, (format!("{name}.dw"), Layer::Depthwise(&self.dw)), pw2, ffn1, ffn2]
    }
}

impl TransformWeights {
    fn layers(&self, name: &str) -> Vec<(String, Layer<'_>)> {
        let blocks = self.blocks.iter().enumerate().flat_map(|(i, block)| block.layers(&format!("{name}.blocks.{i}")));
        let first = (format!("{name}.first"), Layer::Wide(&self.first));
        std::iter::once(first).chain(blocks).chain([(format!("{name}.last"), Layer::Wide(&self.last))]).collect()
    }
}

impl DecoderWeights {
    /// Its layers, in the order of decoding.
    pub fn layers(&self) -> Vec<(String, Layer<'_>)> {
        let int8 = |name: &str, layer| (name.to_owned(), Layer::Int8(layer));
        let mut layers = vec![int8("h_s.first", &self.first)];
        layers.extend(self.block1.layers("h_s.block1"));
        layers.push(int8("h_s.mid", &self.mid));
        layers.extend(self.block2.layers("h_s.block2"));
        layers.extend([int8("scale_head", &self.scale_head), int8("mean_head", &self.mean_head)]);
        for (k, step) in self.context.iter().enumerate() {
            layers.push(int8(&format!("context.{k}.first"), &step.first));
            layers.extend(step.block.layers(&format!("context.{k}.block")));
            layers.push(int8(&format!("context.{k}.last"), &step.last));
        }
        layers.extend(self.g_s.layers("g_s"));
        layers
    }
}

impl EncoderWeights {
    /// Its layers, in the order of encoding.
    pub fn layers(&self) -> Vec<(String, Layer<'_>)> {
        let int8 = |name: &str, layer| (name.to_owned(), Layer::Int8(layer));
        let mut layers = self.g_a.layers("g_a");
        layers.push(int8("h_a.first", &self.first));
        layers.extend(self.block1.layers("h_a.block1"));
        layers.push(int8("h_a.mid", &self.mid));
        layers.extend(self.block2.layers("h_a.block2"));
        layers.push(int8("h_a.last", &self.last));
        layers
    }
}
