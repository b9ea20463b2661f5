//! What every engine computes, and the oracle as one of them.

use std::ops::Range;
use std::sync::Arc;

use calotype_engine::{Hyper, Map, PixelRows, Placed, Quantiser, Rect, TileSize};
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

    /// v_hat of a whole picture, 0 where no tile is.
    fn whole(&self, tiles: &[Placed<'_, Map<i16>>], (width, height): (usize, usize)) -> Map<i16> {
        let picture = Rect::of_picture(width, height);
        let mut v_hat = Map::zeros(picture.height, picture.width, self.0.decoder().config.m);
        for Placed { place, tile } in tiles {
            for (y, row) in tile.data.chunks_exact(tile.width * tile.channels).enumerate() {
                let start = ((place.y + y) * v_hat.width + place.x) * v_hat.channels;
                v_hat.data[start..start + row.len()].copy_from_slice(row);
            }
        }
        v_hat
    }
}

/// The pixels of `wanted` of a picture of `width` RGB pixels a row.
fn cut<S: Copy>(rgb: Vec<S>, wanted: Rect, width: usize) -> Vec<S> {
    let columns = 48 * wanted.x..(48 * wanted.right()).min(3 * width);
    rgb.chunks_exact(3 * width).take(16 * wanted.bottom()).skip(16 * wanted.y).flat_map(|row| &row[columns.clone()]).copied().collect()
}

impl Graph for Scalar {
    fn hyper(&self, q: &QualityTables, z: &[i16], tile: TileSize) -> Hyper {
        scalar::hyper(self.0.decoder(), q, z, tile)
    }

    fn means(&self, q: &QualityTables, h8: &Map<i8>, symbols: &[i16]) -> Map<i16> {
        scalar::means(self.0.decoder(), q, h8, symbols)
    }

    /// Of a whole picture, of which `wanted` is cut.
    fn pixels(&self, q: &QualityTables, tiles: &[Placed<'_, Map<i16>>], wanted: Rect, (width, height): (usize, usize)) -> Vec<u8> {
        cut(scalar::synthesise(self.0.decoder(), q, &self.whole(tiles, (width, height)), width, height), wanted, width)
    }

    fn pixels_q4(&self, q: &QualityTables, tiles: &[Placed<'_, Map<i16>>], wanted: Rect, (width, height): (usize, usize)) -> Vec<i16> {
        cut(scalar::synthesise_q4(self.0.decoder(), q, &self.whole(tiles, (width, height)), width, height), wanted, width)
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
