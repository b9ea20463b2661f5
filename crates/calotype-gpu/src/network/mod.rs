//! The graph of docs/MODEL.md as lists of dispatches.

mod analysis;
mod hyper;
mod means;
mod pieces;
mod stages;
mod synthesis;
mod texture;

use std::ops::Range;
use std::sync::Arc;

use calotype_model::{self as model, Chain, Config, Decoder, Encoder, Input, Layer as Weights, QualityTables};

use crate::Error;
use crate::gpu::Gpu;
use crate::measure::Layer;
use crate::packed::{Next, PackedBlock, PackedPointwise, PackedStage, columns, ends, factors, gains, widened};
use crate::pool::Buffer;

pub use hyper::HyperBuffers;
pub(crate) use pieces::Window;
pub(crate) use synthesis::assemble;
pub use texture::Piece;

/// The decoder part on the device.
pub(crate) struct DecoderWeights {
    config: Config,
    /// `None` without hyper-latents.
    hyper: Option<HyperWeights>,
    /// As the schedule's.
    period: usize,
    steps: Vec<Step>,
    g_s: Transform,
}

/// h_s and what makes scales and widths of h.
struct HyperWeights {
    h_s: Vec<PackedStage>,
    scales: PackedPointwise,
    scale_lut: Buffer,
    /// `None` where all widths are 1.
    widths: Option<WidthWeights>,
}

/// What makes widths of h.
struct WidthWeights {
    head: PackedPointwise,
    lut: Buffer,
}

/// A step with its means' predictor; without one nothing but cells.
struct Step {
    /// All stages of the predictor but the last.
    stages: Vec<PackedStage>,
    cells: Vec<Cell>,
}

/// Some of the latents of a step.
struct Cell {
    channels: Range<usize>,
    /// As [`model::Cell::phases`].
    phases: u64,
    /// The predictor's last layer for these channels; without a predictor the means are 0.
    last: Option<PackedPointwise>,
}

/// g_a or g_s: the stage whose blocks work on the picture, and the layer that ends it.
struct Transform {
    first: PackedStage,
    last: PackedStage,
    /// How many positions of its input around its own place an output sees.
    halo: usize,
    /// Of its largest buffer.
    bytes_per_latent: usize,
}

/// The encoder part on the device.
pub(crate) struct EncoderWeights {
    config: Config,
    g_a: Transform,
    /// `None` without hyper-latents.
    h_a: Option<HyperAnalysis>,
}

/// h_a.
struct HyperAnalysis {
    /// How it reads v.
    gains: Buffer,
    stages: Vec<PackedStage>,
}

/// The decoder part at a quality.
pub struct AtQuality {
    weights: Arc<DecoderWeights>,
    hyper: Option<HyperAtQuality>,
    /// `[M]`: scale indices where they stand in a table.
    scale_index: Vec<u8>,
    /// `tables` of shaders/parts/latents.wgsl.
    latent_tables: Buffer,
    /// g_s with the bias at the quality.
    g_s_first: PackedPointwise,
}

/// The networks around z at a quality.
struct HyperAtQuality {
    z_gains: Buffer,
    /// The scale head with the log gains.
    scales: PackedPointwise,
}

impl HyperAtQuality {
    fn new(gpu: &Gpu, weights: &DecoderWeights, decoder: &Decoder, q: &QualityTables) -> Result<Option<HyperAtQuality>, Error> {
        let (Some(head), Some(weights)) = (decoder.scale_predictor().map(head), &weights.hyper) else { return Ok(None) };
        let offset = decoder.config.scale_lut_offset + 8 * decoder.widths.middle();
        let log_gain: Vec<i32> = q.log_gain_y.iter().map(|&gain| i32::from(gain) + offset).collect();
        Ok(Some(HyperAtQuality {
            z_gains: gpu.upload(&gains(&q.gain_z_dec, &decoder.tables.gain_z_dec.shift))?,
            scales: weights.scales.with_ends(gpu.upload(&ends(&head.bias, &head.shift, Next { read: &[], addend: &log_gain }))?),
        }))
    }
}

impl AtQuality {
    pub(crate) fn new(gpu: &Gpu, weights: Arc<DecoderWeights>, decoder: &Decoder, q: &QualityTables) -> Result<AtQuality, Error> {
        let tables = &decoder.tables;
        let unread = vec![0; decoder.config.m];
        let v_hat_read = if decoder.v_hat_read.is_empty() { &unread } else { &decoder.v_hat_read };
        let gains = [
            &wide(&q.gain_y)[..],
            &widened(&tables.gain_y.shift),
            &wide(&q.gain_y_dec),
            &widened(&tables.gain_y_dec.shift),
            &widened(v_hat_read),
        ];
        Ok(AtQuality {
            hyper: HyperAtQuality::new(gpu, &weights, decoder, q)?,
            scale_index: q.scale_index_y.clone(),
            latent_tables: gpu.upload(&[columns(&gains), factors(&decoder.widths)].concat())?,
            g_s_first: weights.g_s.first.pointwise.with_ends(gpu.upload(&first_ends(&decoder.g_s.stages[0], q.fineness))?),
            weights,
        })
    }
}

/// The ends of g_s's first layer, with the bias.
fn first_ends(stage: &model::Stage, fineness: u16) -> Vec<u8> {
    let (bias, shift) = match &stage.layer {
        Weights::Int8(layer) => (&layer.bias, &layer.shift),
        Weights::Wide(layer) => (&layer.bias, &layer.shift),
    };
    let addend = stage.bias.as_ref().map_or_else(Vec::new, |bias| wide(&bias.at(fineness)));
    ends(bias, shift, Next { read: stage.block_read().unwrap_or(&[]), addend: &addend })
}

/// The layer of a predictor that has no other.
fn head(chain: &Chain) -> &model::Pointwise {
    let [stage] = &chain.stages[..] else { panic!("{} is one layer", chain.name) };
    int8(stage)
}

/// The layer of a predictor's last stage.
fn int8(stage: &model::Stage) -> &model::Pointwise {
    let Weights::Int8(layer) = &stage.layer else { panic!("{}: a predictor's layers read codes", stage.layer.name()) };
    layer
}

fn wide(values: &[i16]) -> Vec<i32> {
    values.iter().map(|&value| value.into()).collect()
}

impl DecoderWeights {
    pub fn new(gpu: &Gpu, decoder: &Decoder) -> Result<DecoderWeights, Error> {
        Ok(DecoderWeights {
            config: decoder.config.clone(),
            hyper: HyperWeights::new(gpu, decoder)?,
            period: decoder.schedule.period,
            steps: decoder.schedule.steps.iter().map(|step| Step::new(gpu, decoder, step)).collect::<Result<_, _>>()?,
            g_s: Transform::new(gpu, &decoder.g_s)?,
        })
    }
}

impl HyperWeights {
    fn new(gpu: &Gpu, decoder: &Decoder) -> Result<Option<HyperWeights>, Error> {
        let (Some(h_s), Some(scales)) = (&decoder.h_s, decoder.scale_predictor()) else { return Ok(None) };
        Ok(Some(HyperWeights {
            h_s: PackedStage::all(gpu, &h_s.stages, &decoder.h_read)?,
            scales: PackedPointwise::int8(gpu, head(scales), Next::default())?,
            scale_lut: gpu.constant(&decoder.scale_lut)?,
            widths: decoder.width_predictor().map(|chain| WidthWeights::new(gpu, decoder, chain)).transpose()?,
        }))
    }
}

impl WidthWeights {
    /// The kernel looks up an eighth of the value and its addend, which a half of an eighth rounds.
    fn new(gpu: &Gpu, decoder: &Decoder, chain: &Chain) -> Result<WidthWeights, Error> {
        let (head, most) = (head(chain), 2 * decoder.widths.middle());
        let lut: Vec<u8> = (0..512).map(|eighths: i32| eighths.min(most) as u8).collect();
        let addend = vec![8 * decoder.widths.middle() + 4; head.outputs];
        Ok(WidthWeights { head: PackedPointwise::int8(gpu, head, Next { read: &[], addend: &addend })?, lut: gpu.constant(&lut)? })
    }
}

impl Step {
    fn new(gpu: &Gpu, decoder: &Decoder, step: &model::Step) -> Result<Step, Error> {
        let unpredicted = |cell: &model::Cell| Cell { channels: cell.channels.clone(), phases: cell.phases, last: None };
        let Some(predictor) = step.mean.map(|mean| &decoder.predictors[mean]) else {
            return Ok(Step { stages: Vec::new(), cells: step.cells.iter().map(unpredicted).collect() });
        };
        let (last, stages) = predictor.stages.split_last().expect("a chain has a stage");
        assert!(predictor.from[0] == Input::H && last.blocks.is_empty(), "{} begins with h and ends with a layer", predictor.name);
        let cell = |cell: &model::Cell| {
            Ok(Cell { last: Some(PackedPointwise::outputs(gpu, int8(last), cell.channels.clone())?), ..unpredicted(cell) })
        };
        Ok(Step {
            stages: if stages.is_empty() { Vec::new() } else { PackedStage::all(gpu, stages, last.read.as_deref().unwrap_or(&[]))? },
            cells: step.cells.iter().map(cell).collect::<Result<_, _>>()?,
        })
    }
}

impl Transform {
    fn new(gpu: &Gpu, chain: &Chain) -> Result<Transform, Error> {
        let stages: Result<[PackedStage; 2], _> = PackedStage::all(gpu, &chain.stages, &[])?.try_into();
        let [first, last] = stages.unwrap_or_else(|_| panic!("{} has a stage with blocks and one without", chain.name));
        assert!(last.blocks.is_empty(), "{} ends with a layer", chain.name);
        // The largest buffers: the stream and the inner codes of its blocks, and what goes in and out of its layers, all i16 but the codes.
        let positions = (first.shuffle * last.unshuffle).pow(2);
        let stream = positions * first.channels * 2.max(first.expansion());
        let ends = [first.pointwise.inputs / (first.shuffle * first.shuffle), last.pointwise.outputs / (last.unshuffle * last.unshuffle)];
        let bytes_per_latent = ends.into_iter().map(|channels| 2 * positions * channels).fold(stream, usize::max);
        Ok(Transform { first, last, halo: chain.halo(), bytes_per_latent })
    }
}

impl EncoderWeights {
    pub fn new(gpu: &Gpu, encoder: &Encoder) -> Result<EncoderWeights, Error> {
        Ok(EncoderWeights {
            config: encoder.config.clone(),
            g_a: Transform::new(gpu, &encoder.g_a)?,
            h_a: encoder.h_a.as_ref().map(|h_a| HyperAnalysis::new(gpu, h_a)).transpose()?,
        })
    }
}

impl HyperAnalysis {
    fn new(gpu: &Gpu, h_a: &Chain) -> Result<HyperAnalysis, Error> {
        let read = h_a.stages[0].read.as_deref().unwrap_or_else(|| panic!("{} reads a stream", h_a.name));
        let gains = gpu.constant(&columns(&[&vec![1; read.len()], &widened(read)]))?;
        Ok(HyperAnalysis { gains, stages: PackedStage::all(gpu, &h_a.stages, &[])? })
    }
}

impl PackedBlock {
    fn layers(&self) -> [Layer<'_>; 5] {
        [Layer::Int8(&self.pw1), Layer::Depthwise(&self.dw), Layer::Int8(&self.pw2), Layer::Int8(&self.ffn1), Layer::Int8(&self.ffn2)]
    }
}

/// Layers of stages, whose own are made by `of`.
fn layers<'a>(
    stages: impl IntoIterator<Item = &'a PackedStage>,
    of: fn(&'a PackedPointwise) -> Layer<'a>,
) -> impl Iterator<Item = Layer<'a>> {
    stages.into_iter().flat_map(move |stage| std::iter::once(of(&stage.pointwise)).chain(stage.blocks.iter().flat_map(PackedBlock::layers)))
}

impl DecoderWeights {
    /// Its layers, in the order of decoding.
    pub fn layers(&self) -> Vec<Layer<'_>> {
        let hyper = self.hyper.iter().flat_map(|hyper| {
            layers(&hyper.h_s, Layer::Int8)
                .chain([Layer::Int8(&hyper.scales)])
                .chain(hyper.widths.iter().map(|widths| Layer::Int8(&widths.head)))
        });
        let steps = self.steps.iter().flat_map(|step| {
            let last = step.cells.first().and_then(|cell| cell.last.as_ref());
            layers(&step.stages, Layer::Int8).chain(last.map(Layer::Int8))
        });
        let g_s = layers([&self.g_s.first, &self.g_s.last], Layer::Wide);
        hyper.chain(steps).chain(g_s).collect()
    }
}

impl EncoderWeights {
    /// Its layers, in the order of encoding.
    pub fn layers(&self) -> Vec<Layer<'_>> {
        let h_a = self.h_a.iter().flat_map(|h_a| layers(&h_a.stages, Layer::Int8));
        layers([&self.g_a.first, &self.g_a.last], Layer::Wide).chain(h_a).collect()
    }
}
