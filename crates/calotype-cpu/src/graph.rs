//! What every engine computes, and the oracle as one of them.

use std::ops::Range;
use std::sync::Arc;

use calotype_engine::{Hyper, Map, PixelRows, Placed, Quantiser, Rect, TileSize, assemble, crop, pixels_of};
use calotype_model::{Encoder, Model, QualityTables};

use crate::measure::{Ceilings, LayerSpeed, PhaseTimes};
use crate::scalar;

/// The graph of docs/MODEL.md; see the methods of `Engine` for the shapes.
pub(crate) trait Graph: Send + Sync {
    fn hyper(&self, q: &QualityTables, z: &[i16], tile: TileSize) -> Hyper;
    fn means(&self, q: &QualityTables, h8: &Map<i8>, symbols: &[i16]) -> Map<i16>;
    fn pixels(&self, q: &QualityTables, tiles: &[Placed<'_, Map<i16>>], wanted: Rect, size: (usize, usize)) -> Vec<u8>;
    fn pixels_q4(&self, q: &QualityTables, tiles: &[Placed<'_, Map<i16>>], wanted: Rect, size: (usize, usize)) -> Vec<i16>;
    fn analyse(&self, pixels: PixelRows<'_>, rows: Range<usize>) -> Map<i16>;
    fn hyper_analyse(&self, gain_z: &[i16], v_tile: &Map<i16>) -> Vec<i16>;
    fn code(&self, q: &QualityTables, hyper: &Hyper, v_tile: &Map<i16>, quantiser: &Quantiser) -> (Vec<i16>, Map<i16>);
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

/// The oracle.
pub(crate) struct Scalar(pub Arc<Model>);

impl Scalar {
    fn encoder(&self) -> &Encoder {
        self.0.encoder().expect("the model has an encoder part")
    }

    /// What `develop` makes of the latents that g_s sees, cut to the pixels of `wanted`.
    fn develop<S: Copy>(
        &self,
        tiles: &[Placed<'_, Map<i16>>],
        wanted: Rect,
        size: (usize, usize),
        develop: impl Fn(&Map<i16>, usize, usize) -> Vec<S>,
    ) -> Vec<S> {
        let seen = wanted.widened(self.0.decoder().g_s.halo(), Rect::of_picture(size.0, size.1));
        let ((width, height), inner) = (pixels_of(seen, size), pixels_of(wanted, size));
        let (top, left) = (16 * (wanted.y - seen.y), 16 * (wanted.x - seen.x));
        crop(develop(&assemble(tiles, seen), width, height), width, top..top + inner.1, left..left + inner.0)
    }
}

impl Graph for Scalar {
    fn hyper(&self, q: &QualityTables, z: &[i16], tile: TileSize) -> Hyper {
        scalar::hyper(self.0.decoder(), q, z, tile)
    }

    fn means(&self, q: &QualityTables, h8: &Map<i8>, symbols: &[i16]) -> Map<i16> {
        scalar::means(self.0.decoder(), q, h8, symbols)
    }

    fn pixels(&self, q: &QualityTables, tiles: &[Placed<'_, Map<i16>>], wanted: Rect, size: (usize, usize)) -> Vec<u8> {
        self.develop(tiles, wanted, size, |v_hat, width, height| scalar::synthesise(self.0.decoder(), q, v_hat, width, height))
    }

    fn pixels_q4(&self, q: &QualityTables, tiles: &[Placed<'_, Map<i16>>], wanted: Rect, size: (usize, usize)) -> Vec<i16> {
        self.develop(tiles, wanted, size, |v_hat, width, height| scalar::synthesise_q4(self.0.decoder(), q, v_hat, width, height))
    }

    /// Of a whole picture, black where it is not known.
    fn analyse(&self, pixels: PixelRows<'_>, rows: Range<usize>) -> Map<i16> {
        let mut rgb = vec![0; 3 * pixels.width * pixels.height];
        rgb[3 * pixels.width * pixels.top..][..pixels.rgb.len()].copy_from_slice(pixels.rgb);
        let v = scalar::analyse(self.encoder(), &rgb, pixels.width, pixels.height);
        v.crop((rows.start, 0), (rows.len(), v.width))
    }

    fn hyper_analyse(&self, gain_z: &[i16], v_tile: &Map<i16>) -> Vec<i16> {
        scalar::hyper_analyse(self.encoder(), gain_z, v_tile)
    }

    fn code(&self, q: &QualityTables, hyper: &Hyper, v_tile: &Map<i16>, quantiser: &Quantiser) -> (Vec<i16>, Map<i16>) {
        scalar::code(self.0.decoder(), q, hyper, v_tile, quantiser)
    }
}
