//! What every engine computes, and the oracle as one of them.

use std::sync::Arc;

use calotype_model::{Encoder, Model, QualityTables, Quantiser};

use crate::measure::{Ceilings, LayerSpeed, PhaseTimes};
use crate::scalar;
use calotype_model::{Hyper, Map, TileSize};

/// The graph of docs/MODEL.md; see the methods of `Engine` for the shapes.
pub(crate) trait Graph: Send + Sync {
    fn hyper(&self, q: &QualityTables, z: &[i16], tile: TileSize) -> Hyper;
    fn means(&self, q: &QualityTables, hyper: &Hyper, symbols: &[i16]) -> Map<i16>;
    fn synthesise(&self, q: &QualityTables, v_hat: &Map<i16>, size: (usize, usize)) -> Vec<u8>;
    fn analyse(&self, rgb: &[u8], size: (usize, usize)) -> Map<i16>;
    fn hyper_analyse(&self, gain_z: &[i16], v_tile: &Map<i16>) -> Vec<i16>;
    fn code(&self, q: &QualityTables, hyper: &Hyper, v_tile: &Map<i16>, quantiser: &Quantiser) -> (Vec<i16>, Map<i16>);
    fn take_times(&self) -> PhaseTimes;
    fn ceilings(&self) -> Option<Ceilings>;
    fn layer_speeds(&self) -> Vec<LayerSpeed>;
}

/// The oracle.
pub(crate) struct Scalar(pub Arc<Model>);

impl Scalar {
    fn encoder(&self) -> &Encoder {
        self.0.encoder().expect("the model has an encoder part")
    }
}

impl Graph for Scalar {
    fn hyper(&self, q: &QualityTables, z: &[i16], tile: TileSize) -> Hyper {
        scalar::hyper(self.0.decoder(), q, z, tile)
    }

    fn means(&self, q: &QualityTables, hyper: &Hyper, symbols: &[i16]) -> Map<i16> {
        scalar::means(self.0.decoder(), q, hyper, symbols)
    }

    fn synthesise(&self, q: &QualityTables, v_hat: &Map<i16>, (width, height): (usize, usize)) -> Vec<u8> {
        scalar::synthesise(self.0.decoder(), q, v_hat, width, height)
    }

    fn analyse(&self, rgb: &[u8], (width, height): (usize, usize)) -> Map<i16> {
        scalar::analyse(self.encoder(), rgb, width, height)
    }

    fn hyper_analyse(&self, gain_z: &[i16], v_tile: &Map<i16>) -> Vec<i16> {
        scalar::hyper_analyse(self.encoder(), gain_z, v_tile)
    }

    fn code(&self, q: &QualityTables, hyper: &Hyper, v_tile: &Map<i16>, quantiser: &Quantiser) -> (Vec<i16>, Map<i16>) {
        scalar::code(self.0.decoder(), q, hyper, v_tile, quantiser)
    }

    fn take_times(&self) -> PhaseTimes {
        PhaseTimes::default()
    }

    fn ceilings(&self) -> Option<Ceilings> {
        None
    }

    fn layer_speeds(&self) -> Vec<LayerSpeed> {
        Vec::new()
    }
}
