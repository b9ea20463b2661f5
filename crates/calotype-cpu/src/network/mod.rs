//! The graph of docs/MODEL.md on fast kernels: packed weights, and phases of rows that rayon spreads over threads.
//!
//! A block needs its neighbours' rows only in its depthwise layer, so work goes from one depthwise layer to the next on rows that stay in
//! cache. Between them lie the stream and one map of codes.

mod analysis;
mod context;
mod field;
mod hyper;
mod packed;
mod roll;
mod scratch;
mod speeds;
mod stage;
mod synthesis;

use std::ops::Range;
use std::sync::{Arc, Mutex};

use calotype_engine::{Hyper, Map, PixelRows, Placed, Quantiser, Rect, Side, TileSize};
use calotype_model::{Model, QualityTables};

use crate::graph::Graph;
use crate::kernels::Kernels;
use crate::measure::{Ceilings, LayerSpeed, PhaseTimes};
use field::Memory;
use packed::{PackedDecoder, PackedEncoder};
use scratch::Scratches;

/// A model on one instruction set.
pub(crate) struct Network<K: Kernels> {
    kernels: K,
    model: Arc<Model>,
    decoder: PackedDecoder<K>,
    encoder: Option<PackedEncoder<K>>,
    scratches: Scratches<K>,
    memories: Mutex<Vec<Memory<K>>>,
    band_px: usize,
}

impl<K: Kernels> Network<K> {
    /// Packs a model's weights. Pictures are analysed and synthesised in rounds of about `band_px` pixels.
    pub fn new(kernels: K, model: Arc<Model>, band_px: usize) -> Network<K> {
        let pack_encoder = || model.encoder().map(PackedEncoder::new);
        let (decoder, encoder) = rayon::join(|| PackedDecoder::new(model.decoder()), pack_encoder);
        Network { kernels, decoder, encoder, scratches: Scratches::new(), memories: Mutex::new(Vec::new()), model, band_px }
    }

    fn encoder(&self) -> (&calotype_model::Encoder, &PackedEncoder<K>) {
        let packed = self.encoder.as_ref().expect("the model has an encoder part");
        (self.model.encoder().expect("packed from it"), packed)
    }
}

/// Inside rayon's pool, so that phases start without waking it each time.
impl<K: Kernels> Graph for Network<K> {
    fn hyper(&self, q: &QualityTables, z: &[i16], tile: TileSize) -> Hyper {
        rayon::scope(|_| self.run_hyper(q, z, tile))
    }

    fn means(&self, q: &QualityTables, side: &Side, symbols: &[i16]) -> Map<i16> {
        rayon::scope(|_| self.run_means(q, side, symbols))
    }

    fn pixels(&self, q: &QualityTables, tiles: &[Placed<'_, Map<i16>>], wanted: Rect, size: (usize, usize)) -> Vec<u8> {
        rayon::scope(|_| self.run_synthesis(q, tiles, wanted, size))
    }

    fn pixels_q4(&self, q: &QualityTables, tiles: &[Placed<'_, Map<i16>>], wanted: Rect, size: (usize, usize)) -> Vec<i16> {
        rayon::scope(|_| self.run_synthesis(q, tiles, wanted, size))
    }

    fn analyse_rows(&self, pixels: PixelRows<'_>, rows: Range<usize>) -> Map<i16> {
        rayon::scope(|_| self.run_analysis(pixels, rows))
    }

    fn hyper_analyse(&self, gain_z: &[i16], v_tile: &Map<i16>) -> Vec<i16> {
        rayon::scope(|_| self.run_hyper_analysis(gain_z, v_tile))
    }

    fn code(&self, q: &QualityTables, hyper: &Hyper, v_tile: &Map<i16>, quantiser: &Quantiser) -> (Vec<i16>, Map<i16>) {
        rayon::scope(|_| self.run_code(q, hyper, v_tile, quantiser))
    }

    fn take_times(&self) -> PhaseTimes {
        self.scratches.clock.take()
    }

    fn ceilings(&self) -> Option<Ceilings> {
        Some(speeds::ceilings(self.kernels))
    }

    fn layer_speeds(&self) -> Vec<LayerSpeed> {
        self.run_layers()
    }
}
