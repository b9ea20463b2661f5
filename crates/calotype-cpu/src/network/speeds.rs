//! How fast one core runs this network's layers, and what it could do at most.

use std::time::Duration;

use calotype_model::{Block, Chain, Depthwise, Layer, Pointwise, Stage, Wide};

use super::Network;
use super::packed::{self, int8};
use super::scratch::JOB_POSITIONS as POSITIONS;
use crate::kernels::{Code, Kernels, Out, Product, Rows};
use crate::measure::{Ceilings, LayerKind, LayerSpeed, copy_gb_per_s, fastest, giga_per_second};

/// Rounds of [`Kernels::multiply`]: some microseconds.
const ROUNDS: usize = 2000;

/// See [`crate::Engine::ceilings`].
pub(super) fn ceilings<K: Kernels>(kernels: K) -> Ceilings {
    let gop_per_s = |kind: Product| {
        let products = kernels.multiply(kind, ROUNDS).0;
        let time = fastest(|| {
            std::hint::black_box(kernels.multiply(kind, ROUNDS));
        });
        giga_per_second(2 * products, time)
    };
    Ceilings { int8_gop_per_s: gop_per_s(Product::Int8), int16_gop_per_s: gop_per_s(Product::Int16), copy_gb_per_s: copy_gb_per_s() }
}

/// What becomes of an int8 layer's accumulators.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Active,
    Stream,
    Add,
}

/// An int8 layer as the network runs it: with its first `outputs` alone where it runs in parts.
struct Timed<'a> {
    layer: &'a Pointwise,
    outputs: usize,
    end: End,
}

impl<'a> Timed<'a> {
    fn of_block(block: &'a Block) -> [Timed<'a>; 4] {
        let ends = [(&block.pw1, End::Active), (&block.pw2, End::Add), (&block.ffn1, End::Active), (&block.ffn2, End::Add)];
        ends.map(|(layer, end)| Timed { layer, outputs: layer.outputs, end })
    }
}

impl<K: Kernels> Network<K> {
    /// See [`crate::Engine::layer_speeds`].
    pub(super) fn run_layers(&self) -> Vec<LayerSpeed> {
        let mut speeds = Vec::new();
        for timed in first_of_each(self.int8_layers(), |timed| (timed.layer.inputs, timed.outputs, timed.end)) {
            speeds.push(self.int8_speed(&timed));
        }
        for layer in first_of_each(self.wide_layers(), |layer| (layer.inputs, layer.outputs)) {
            speeds.push(self.wide_speed(layer));
        }
        for block in first_of_each(self.blocks(), |block| block.dw.channels) {
            speeds.push(self.depthwise_speed(&block.dw));
        }
        speeds
    }

    fn stages(&self) -> impl Iterator<Item = &Stage> {
        let encoder = self.model.encoder().into_iter().flat_map(calotype_model::Encoder::chains);
        self.model.decoder().chains().chain(encoder).flat_map(|chain: &Chain| &chain.stages)
    }

    /// Those of stages, then those of blocks.
    fn int8_layers(&self) -> Vec<Timed<'_>> {
        let decoder = self.model.decoder();
        let part = |layer: &Pointwise| {
            let steps = decoder.schedule.steps.iter();
            let of = |mean: usize| decoder.predictors[mean].stages.last().is_some_and(|last| std::ptr::eq(int8(last), layer));
            let cell = steps.filter(|step| step.mean.is_some_and(of)).find_map(|step| step.cells.first());
            cell.map_or(layer.outputs, |cell| cell.channels.len())
        };
        let staged = self.stages().filter_map(|stage| match &stage.layer {
            Layer::Int8(layer) => Some(Timed { layer, outputs: part(layer), end: End::Stream }),
            Layer::Wide(_) => None,
        });
        staged.chain(self.blocks().into_iter().flat_map(Timed::of_block)).collect()
    }

    fn wide_layers(&self) -> Vec<&Wide> {
        self.stages().filter_map(|stage| if let Layer::Wide(layer) = &stage.layer { Some(layer) } else { None }).collect()
    }

    fn blocks(&self) -> Vec<&Block> {
        self.stages().flat_map(|stage| &stage.blocks).collect()
    }

    fn int8_speed(&self, timed: &Timed<'_>) -> LayerSpeed {
        let (layer, outputs) = (timed.layer, timed.outputs);
        let packed = packed::outputs::<K>(layer, 0..outputs);
        let codes = vec![K::Code::of(3); POSITIONS * layer.inputs];
        let input = Rows { data: &codes, stride: layer.inputs, count: POSITIONS };
        let mut active = vec![K::Code::of(0); POSITIONS * outputs];
        let mut stream = vec![0; POSITIONS * outputs];
        let time = fastest(|| match timed.end {
            End::Active => self.kernels.pointwise(&packed, input, Out::Active(&mut active)),
            End::Stream => self.kernels.pointwise(&packed, input, Out::Stream(&mut stream)),
            End::Add => self.kernels.pointwise(&packed, input, Out::Add(&mut stream)),
        });
        let out_bytes = match timed.end {
            End::Active => size_of::<K::Code>() * outputs,
            End::Stream => 2 * outputs,
            End::Add => 4 * outputs,
        };
        let bytes = size_of::<K::Code>() * layer.inputs + out_bytes;
        speed(&layer.name, LayerKind::Int8, layer.inputs, outputs, bytes, time)
    }

    fn wide_speed(&self, layer: &Wide) -> LayerSpeed {
        let packed = packed::wide::<K>(layer);
        let input = vec![3; POSITIONS * layer.inputs];
        let mut out = vec![0; POSITIONS * layer.outputs];
        let rows = Rows { data: &input, stride: layer.inputs, count: POSITIONS };
        let time = fastest(|| self.kernels.wide(&packed, rows, &mut out));
        speed(&layer.name, LayerKind::Wide, layer.inputs, layer.outputs, 2 * (layer.inputs + layer.outputs), time)
    }

    fn depthwise_speed(&self, layer: &Depthwise) -> LayerSpeed {
        let packed = packed::depthwise::<K>(layer);
        let row = vec![K::Code::of(3); POSITIONS * layer.channels];
        let mut out = row.clone();
        let time = fastest(|| self.kernels.depthwise(&packed, [&row, &row, &row], &mut out));
        let bytes = 4 * layer.channels * size_of::<K::Code>();
        speed(&layer.name, LayerKind::Depthwise, layer.channels, layer.channels, bytes, time)
    }
}

/// From products and bytes at a position, and the time of [`POSITIONS`].
fn speed(layer: &str, kind: LayerKind, inputs: usize, outputs: usize, bytes: usize, time: Duration) -> LayerSpeed {
    let products = if kind == LayerKind::Depthwise { 9 * outputs } else { inputs * outputs };
    let per_second = |count: usize| giga_per_second((POSITIONS * count) as u64, time);
    let (gop_per_s, gb_per_s) = (per_second(2 * products), per_second(bytes));
    LayerSpeed { layer: layer.to_owned(), kind, inputs, outputs, positions: POSITIONS, gop_per_s, gb_per_s }
}

/// The items whose key no item before them has.
fn first_of_each<T, Key: PartialEq>(items: Vec<T>, key: impl Fn(&T) -> Key) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for item in items {
        if !kept.iter().any(|other| key(other) == key(&item)) {
            kept.push(item);
        }
    }
    kept
}
