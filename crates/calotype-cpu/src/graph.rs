//! What every engine computes, and the oracle as one of them.

use std::ops::Range;
use std::sync::Arc;

use calotype_engine::{Hyper, Map, PixelRows, Placed, Quantiser, Rect, Side, TileSize, assemble, crop};
use calotype_model::{Encoder, Model, QualityTables};

use crate::measure::{Ceilings, LayerSpeed, PhaseTimes};
use crate::scalar;

/// The graph of docs/MODEL.md, tile by tile.
pub trait Graph: Send + Sync {
    /// Sections 5.1 and 5.2: z symbols `[zh, zw, Z]` of a tile to its side information and its scale indices.
    fn hyper(&self, q: &QualityTables, z: &[i16], tile: TileSize) -> Hyper;

    /// Section 5.3: y symbols `[lh, lw, M]` of a tile to v_hat `[lh, lw, M]`, v units.
    fn means(&self, q: &QualityTables, side: &Side, symbols: &[i16]) -> Map<i16>;

    /// Section 5.4 for a part: the RGB bytes, row by row, of the latents `wanted` of a picture of (width, height) pixels, cropped to it.
    ///
    /// `tiles` hold v_hat of rectangles of the picture, which together cover `wanted` and, inside the picture, as many latents around it as g_s sees.
    /// Nothing is copied, and few rows are in memory at a time.
    ///
    /// # Panics
    /// If they do not, or overlap.
    fn pixels(&self, q: &QualityTables, tiles: &[Placed<'_, Map<i16>>], wanted: Rect, size: (usize, usize)) -> Vec<u8>;

    /// As [`Graph::pixels`], before the last rounding and its clamping: Q4, saturated to i16.
    ///
    /// # Panics
    /// As [`Graph::pixels`].
    fn pixels_q4(&self, q: &QualityTables, tiles: &[Placed<'_, Map<i16>>], wanted: Rect, size: (usize, usize)) -> Vec<i16>;

    /// Section 6 for a part: rows `rows` of v of the padded picture. `pixels` hold their pixels and, inside the picture, 8 rows above and
    /// below for every block of g_a, up to whole latents.
    ///
    /// # Panics
    /// If they do not, or if the model has no encoder part.
    fn analyse_rows(&self, pixels: PixelRows<'_>, rows: Range<usize>) -> Map<i16>;

    /// Section 6: v `[4zh, 4zw, M]` of a tile to z symbols `[zh, zw, Z]`; `gain_z` is `Encoder::gain_z` at the quality.
    ///
    /// # Panics
    /// If the model has no encoder part.
    fn hyper_analyse(&self, gain_z: &[i16], v_tile: &Map<i16>) -> Vec<i16>;

    /// Section 6: chooses the y symbols of a tile. v (at least `[lh, lw, M]`; the rest is ignored) to symbols `[lh, lw, M]`,
    /// and the v_hat that [`Graph::means`] makes of them.
    fn code(&self, q: &QualityTables, hyper: &Hyper, v_tile: &Map<i16>, quantiser: &Quantiser) -> (Vec<i16>, Map<i16>);

    /// Where the time went since the last call. Costs two readings of the clock for some 200 positions of a layer; all zero for [`Isa::Scalar`](crate::Isa::Scalar).
    fn take_times(&self) -> PhaseTimes {
        PhaseTimes::default()
    }

    /// What this core does at most with the engine's instructions; takes about half a second. `None` for [`Isa::Scalar`](crate::Isa::Scalar).
    fn ceilings(&self) -> Option<Ceilings> {
        None
    }

    /// How fast this core runs each shape of layer that the model has, in the order of decoding, then encoding; takes about half a second.
    /// Empty for [`Isa::Scalar`](crate::Isa::Scalar).
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
        let stride = self.0.decoder().config.stride;
        let seen = wanted.widened(self.0.decoder().g_s.halo(), Rect::of_picture(size, stride));
        let (outer, inner) = (seen.pixels(size, stride), wanted.pixels(size, stride));
        let (rows, columns) = (inner.y - outer.y..inner.bottom() - outer.y, inner.x - outer.x..inner.right() - outer.x);
        crop(develop(&assemble(tiles, seen), outer.width, outer.height), outer.width, rows, columns)
    }
}

impl Graph for Scalar {
    fn hyper(&self, q: &QualityTables, z: &[i16], tile: TileSize) -> Hyper {
        scalar::hyper(self.0.decoder(), q, z, tile)
    }

    fn means(&self, q: &QualityTables, side: &Side, symbols: &[i16]) -> Map<i16> {
        scalar::means(self.0.decoder(), q, side, symbols)
    }

    fn pixels(&self, q: &QualityTables, tiles: &[Placed<'_, Map<i16>>], wanted: Rect, size: (usize, usize)) -> Vec<u8> {
        self.develop(tiles, wanted, size, |v_hat, width, height| scalar::synthesise(self.0.decoder(), q, v_hat, width, height))
    }

    fn pixels_q4(&self, q: &QualityTables, tiles: &[Placed<'_, Map<i16>>], wanted: Rect, size: (usize, usize)) -> Vec<i16> {
        self.develop(tiles, wanted, size, |v_hat, width, height| scalar::synthesise_q4(self.0.decoder(), q, v_hat, width, height))
    }

    /// Of a whole picture, black where it is not known.
    fn analyse_rows(&self, pixels: PixelRows<'_>, rows: Range<usize>) -> Map<i16> {
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
