//! The engine: a model ready to run on this machine.

use std::convert::Infallible;
use std::sync::Arc;

use calotype_engine::{EncodeTables, Hyper, Map, PixelRows, Placed, Rect, Side, TileSize, TileSymbols, assemble};
use calotype_model::{Model, QualityTables};
use rayon::prelude::*;

use crate::graph::{Graph, Scalar};
use crate::kernels::{Kernels, portable::Portable};
use crate::network::Network;
use crate::{Error, Isa};

/// Pixels of a band for each thread, by default: its maps take about 8 bytes per pixel, which fits the second-level cache.
const BAND_PX: usize = 128 << 10;

/// A model with its weights arranged for one [`Isa`]; [`Engine::graph`] computes tile by tile. All methods are deterministic and give the same
/// bits on every [`Isa`].
///
/// Work is spread over rayon's current pool. Sizes that do not fit the model are the caller's mistake and panic; what a file says never does,
/// as long as sizes come from [`TileSize`] and the model's config.
pub struct Engine {
    model: Arc<Model>,
    isa: Isa,
    graph: Box<dyn Graph>,
}

impl Engine {
    /// Arranges the model's weights. [`Error::Unavailable`] if this machine lacks the instructions.
    pub fn new(model: Arc<Model>, isa: Isa) -> Result<Engine, Error> {
        Engine::with_band(model, isa, BAND_PX * rayon::current_num_threads())
    }

    /// As [`Engine::new`], with pictures analysed and synthesised in bands of about `band_px` pixels (at least 16 rows), one after the other.
    /// It decides memory, not the result.
    pub fn with_band(model: Arc<Model>, isa: Isa, band_px: usize) -> Result<Engine, Error> {
        let graph = graph(isa, Arc::clone(&model), band_px).ok_or(Error::Unavailable { isa })?;
        Ok(Engine { model, isa, graph })
    }

    /// The instructions in use.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What it computes tile by tile, and measures.
    pub fn graph(&self) -> &dyn Graph {
        &*self.graph
    }

    /// Section 5.4: v_hat `[lh, lw, M]` of a whole picture to its RGB bytes, row by row.
    pub fn synthesise(&self, q: &QualityTables, v_hat: &Map<i16>, width: usize, height: usize) -> Vec<u8> {
        let picture = Rect::of_picture((width, height), self.model.decoder().config.stride);
        self.graph.pixels(q, &[Placed { place: picture, tile: v_hat }], picture, (width, height))
    }

    /// How many latents around a place g_s sees.
    pub fn halo(&self) -> usize {
        self.model.decoder().g_s.halo()
    }

    /// Section 6: RGB bytes, row by row, to v `[4zh, 4zw, M]` of the padded picture.
    ///
    /// # Panics
    /// If the model has no encoder part.
    pub fn analyse(&self, rgb: &[u8], width: usize, height: usize) -> Map<i16> {
        let rows = 0..Rect::of_picture((width, height), self.model.decoder().config.stride).padded().height;
        self.graph.analyse_rows(PixelRows::whole(rgb, width, height), rows)
    }

    /// Section 6 for a tile of which `v` is known, padded: its symbols, and the v_hat that they decode to.
    pub fn code_tile(&self, tables: &EncodeTables, v: Placed<'_, Map<i16>>, tile: Rect) -> (TileSymbols, Map<i16>) {
        let padded = assemble(&[v], tile.padded());
        let z = self.graph.hyper_analyse(&tables.gain_z, &padded);
        let hyper = self.graph.hyper(&tables.quality, &z, tile.size());
        let (y, v_hat) = self.graph.code(&tables.quality, &hyper, &padded, &tables.quantiser);
        (TileSymbols { z, y, scale_index: hyper.scale_index }, v_hat)
    }
}

/// Every result is ready at once.
impl calotype_engine::Engine for Engine {
    type Side = Side;
    type Latents = Map<i16>;
    type Quality = QualityTables;
    type Encoding = EncodeTables;
    type Error = Infallible;

    fn quality(&self, tables: &QualityTables) -> Result<QualityTables, Infallible> {
        Ok(tables.clone())
    }

    fn encoding(&self, tables: &EncodeTables) -> Result<EncodeTables, Infallible> {
        Ok(tables.clone())
    }

    async fn scales(&self, q: &QualityTables, tiles: &[TileSize], z: &[Vec<i16>]) -> Result<Vec<Hyper>, Infallible> {
        assert_eq!(z.len(), tiles.len(), "z symbols of the tiles");
        Ok(tiles.par_iter().zip(z).map(|(&tile, z)| self.graph.hyper(q, z, tile)).collect())
    }

    fn latents(&self, q: &QualityTables, side: Vec<Side>, y: &[Vec<i16>]) -> Result<Vec<Map<i16>>, Infallible> {
        assert_eq!(y.len(), side.len(), "y symbols of the tiles");
        Ok(side.into_par_iter().zip(y).map(|(side, y)| self.graph.means(q, &side, y)).collect())
    }

    async fn pixels(
        &self,
        q: &QualityTables,
        tiles: &[Placed<'_, Map<i16>>],
        wanted: Rect,
        size: (usize, usize),
    ) -> Result<Vec<u8>, Infallible> {
        Ok(self.graph.pixels(q, tiles, wanted, size))
    }

    async fn symbols(&self, tables: &EncodeTables, pixels: PixelRows<'_>, tiles: &[Rect]) -> Result<Vec<TileSymbols>, Infallible> {
        let (first, last) = (tiles.iter().map(|tile| tile.y).min(), tiles.iter().map(|tile| tile.padded().bottom()).max());
        let rows = first.unwrap_or(0)..last.unwrap_or(0);
        let v = self.graph.analyse_rows(pixels, rows.clone());
        let v = Placed { place: Rect { y: rows.start, x: 0, height: v.height, width: v.width }, tile: &v };
        Ok(tiles.par_iter().map(|&tile| self.code_tile(tables, v, tile).0).collect())
    }
}

fn graph(isa: Isa, model: Arc<Model>, band_px: usize) -> Option<Box<dyn Graph>> {
    #[cfg(target_arch = "aarch64")]
    use crate::kernels::neon::Neon;
    #[cfg(target_arch = "x86_64")]
    use crate::kernels::x86::{avx2::Avx2, avx512::Avx512};
    match isa {
        Isa::Scalar => Some(Box::new(Scalar(model))),
        Isa::Portable => network(Some(Portable), model, band_px),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => network(Avx2::<false>::detect(), model, band_px),
        #[cfg(target_arch = "x86_64")]
        Isa::AvxVnni => network(Avx2::<true>::detect(), model, band_px),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => network(Avx512::detect(), model, band_px),
        #[cfg(not(target_arch = "x86_64"))]
        Isa::Avx2 | Isa::AvxVnni | Isa::Avx512 => None,
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => network(Neon::detect(), model, band_px),
        #[cfg(not(target_arch = "aarch64"))]
        Isa::Neon => None,
    }
}

fn network<K: Kernels>(kernels: Option<K>, model: Arc<Model>, band_px: usize) -> Option<Box<dyn Graph>> {
    Some(Box::new(Network::new(kernels?, model, band_px)))
}
