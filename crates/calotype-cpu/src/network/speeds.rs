//! How fast one core runs this network's layers, and what it could do at most.

use std::time::Duration;

use calotype_model as model;

use super::Network;
use super::packed::Block;
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

/// An int8 layer as the network runs it: whole, or a quarter of its outputs at a time.
struct Dense<'a, K: Kernels> {
    layer: &'a model::Pointwise,
    packed: &'a K::Dense,
    outputs: usize,
    end: End,
}

impl<'a, K: Kernels> Dense<'a, K> {
    fn new(layer: &'a model::Pointwise, packed: &'a K::Dense, end: End) -> Dense<'a, K> {
        Dense { layer, packed, outputs: layer.outputs, end }
    }

    fn quarter(layer: &'a model::Pointwise, packed: &'a [K::Dense; 4]) -> Dense<'a, K> {
        Dense { layer, packed: &packed[0], outputs: layer.outputs / 4, end: End::Stream }
    }
}

impl<K: Kernels> Network<K> {
    /// See [`crate::Engine::layer_speeds`].
    pub(super) fn run_layers(&self) -> Vec<LayerSpeed> {
        let mut speeds = Vec::new();
        for dense in first_of_each(self.dense_layers(), |dense| (dense.layer.inputs, dense.outputs, dense.end)) {
            speeds.push(self.dense_speed(&dense));
        }
        for (layer, packed) in first_of_each(self.wide_layers(), |(layer, _)| (layer.inputs, layer.outputs)) {
            speeds.push(self.wide_speed(layer, packed));
        }
        for (block, packed) in first_of_each(self.blocks(), |(block, _)| block.dw.channels) {
            speeds.push(self.depthwise_speed(&block.dw, &packed.dw));
        }
        speeds
    }

    fn dense_layers(&self) -> Vec<Dense<'_, K>> {
        let (model, packed) = (self.model.decoder(), &self.decoder);
        let mut layers = vec![
            Dense::new(&model.h_s.first, &packed.h_s.first, End::Stream),
            Dense::new(&model.h_s.mid, &packed.h_s.mid, End::Stream),
            Dense::new(&model.scale_head, &packed.scale_head, End::Stream),
            Dense::quarter(&model.mean_head, &packed.mean_head),
        ];
        for (step, packed) in model.context.iter().zip(&packed.context) {
            layers.extend([Dense::new(&step.first, &packed.first, End::Stream), Dense::quarter(&step.last, &packed.last)]);
        }
        if let (Some(encoder), Some(packed)) = (self.model.encoder(), &self.encoder) {
            let h_a = &encoder.h_a;
            let pairs = [(&h_a.first, &packed.first), (&h_a.mid, &packed.mid), (&h_a.last, &packed.last)];
            layers.extend(pairs.map(|(layer, packed)| Dense::new(layer, packed, End::Stream)));
        }
        for (block, packed) in self.blocks() {
            let entering = [(&block.pw1, &packed.pw1), (&block.ffn1, &packed.ffn1)];
            let leaving = [(&block.pw2, &packed.pw2), (&block.ffn2, &packed.ffn2)];
            layers.extend(entering.map(|(layer, packed)| Dense::new(layer, packed, End::Active)));
            layers.extend(leaving.map(|(layer, packed)| Dense::new(layer, packed, End::Add)));
        }
        layers
    }

    fn wide_layers(&self) -> Vec<(&model::Wide, &K::Wide)> {
        let (model, packed) = (&self.model.decoder().g_s, &self.decoder.g_s);
        let mut layers = vec![(&model.first, &packed.first), (&model.last, &packed.last)];
        if let (Some(encoder), Some(packed)) = (self.model.encoder(), &self.encoder) {
            layers.extend([(&encoder.g_a.first, &packed.g_a.first), (&encoder.g_a.last, &packed.g_a.last)]);
        }
        layers
    }

    /// One block of each network: their others have the same shapes.
    fn blocks(&self) -> Vec<(&model::Block, &Block<K>)> {
        let (model, packed) = (self.model.decoder(), &self.decoder);
        let mut blocks = vec![(&model.h_s.block2, &packed.h_s.block2)];
        blocks.extend(model.g_s.blocks.first().zip(packed.g_s.blocks.first()));
        if let (Some(encoder), Some(packed)) = (self.model.encoder(), &self.encoder) {
            blocks.extend(encoder.g_a.blocks.first().zip(packed.g_a.blocks.first()));
        }
        blocks
    }

    fn dense_speed(&self, dense: &Dense<'_, K>) -> LayerSpeed {
        let (layer, outputs) = (dense.layer, dense.outputs);
        let codes = vec![K::Code::of(3); POSITIONS * layer.inputs];
        let input = Rows { data: &codes, stride: layer.inputs, count: POSITIONS };
        let mut active = vec![K::Code::of(0); POSITIONS * outputs];
        let mut stream = vec![0; POSITIONS * outputs];
        let time = fastest(|| match dense.end {
            End::Active => self.kernels.dense(dense.packed, input, Out::Active(&mut active)),
            End::Stream => self.kernels.dense(dense.packed, input, Out::Stream(&mut stream)),
            End::Add => self.kernels.dense(dense.packed, input, Out::Add(&mut stream)),
        });
        let out_bytes = match dense.end {
            End::Active => size_of::<K::Code>() * outputs,
            End::Stream => 2 * outputs,
            End::Add => 4 * outputs,
        };
        let bytes = size_of::<K::Code>() * layer.inputs + out_bytes;
        speed(&layer.name, LayerKind::Int8, (layer.inputs, outputs, layer.inputs * outputs), (bytes, time))
    }

    fn wide_speed(&self, layer: &model::Wide, packed: &K::Wide) -> LayerSpeed {
        let input = vec![3; POSITIONS * layer.inputs];
        let mut out = vec![0; POSITIONS * layer.outputs];
        let rows = Rows { data: &input, stride: layer.inputs, count: POSITIONS };
        let time = fastest(|| self.kernels.wide(packed, rows, &mut out));
        let shape = (layer.inputs, layer.outputs, layer.inputs * layer.outputs);
        speed(&layer.name, LayerKind::Wide, shape, (2 * (layer.inputs + layer.outputs), time))
    }

    fn depthwise_speed(&self, layer: &model::Depthwise, packed: &K::Depthwise) -> LayerSpeed {
        let row = vec![K::Code::of(3); POSITIONS * layer.channels];
        let mut out = row.clone();
        let time = fastest(|| self.kernels.depthwise(packed, [&row, &row, &row], &mut out));
        let bytes = 4 * layer.channels * size_of::<K::Code>();
        speed(&layer.name, LayerKind::Depthwise, (layer.channels, layer.channels, 9 * layer.channels), (bytes, time))
    }
}

/// From products and bytes at a position, and the time of [`POSITIONS`].
fn speed(layer: &str, kind: LayerKind, (inputs, outputs, products): (usize, usize, usize), (bytes, time): (usize, Duration)) -> LayerSpeed {
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
