//! From a file to pixels in bands of rows: tiles become latents when their row comes, and go when nothing sees them any more.

use std::ops::Range;

use calotype_cpu::Engine as Cpu;
use calotype_engine::{Engine, Placed, Rect};
use calotype_format::Region;
#[cfg(feature = "gpu")]
use calotype_gpu::Engine as GpuEngine;
use pollster::block_on;

use crate::error::Error;
use crate::fold::{Unfolding, coded_region};
use crate::picture::make_grey;
use crate::region::{cut, latents_of};
#[cfg(feature = "gpu")]
use crate::slot::Gpu;
use crate::symbol_cache::SymbolCache;
use crate::tile::{Decoded, Stop, Tiles};

/// Some whole rows of a picture or region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// Number of rows.
    pub height: u32,
    /// 8-bit RGB, rows without padding.
    pub rgb: Vec<u8>,
}

/// The bands of a region from the top, without gaps; ends after the first error.
pub struct Bands<'a> {
    tiles: Tiles<'a>,
    /// The region of what is coded.
    region: Region,
    /// A folded picture is decoded as a whole, and comes in one band.
    unfolding: Option<Unfolding>,
    progress: Progress,
    cpu: Held<'a, Cpu>,
    /// What runs instead of the CPU, until it fails.
    #[cfg(feature = "gpu")]
    gpu: Option<(&'a Gpu, Held<'a, GpuEngine>)>,
}

/// The latents of the next band, and their RGB.
type NextPixels<'a, S> = fn(&mut Bands<'a>) -> Result<(Rect, Vec<S>), Error>;

/// How far the bands of a region have come.
struct Progress {
    /// The latents of the region's pixels.
    wanted: Rect,
    /// Columns of tiles that are needed.
    columns: Range<usize>,
    /// Rows of tiles that are needed and not yet decoded.
    rows: Range<usize>,
    /// The row of latents where the next band begins.
    next: usize,
}

/// Tiles that an engine has decoded and that are still needed.
struct Held<'a, E: Engine> {
    engine: &'a E,
    quality: E::Quality,
    tiles: Vec<(Rect, E::Latents)>,
}

impl<E: Engine> Held<'_, E> {
    fn placed(&self) -> Vec<Placed<'_, E::Latents>> {
        self.tiles.iter().map(|(place, tile)| Placed { place: *place, tile }).collect()
    }

    async fn pixels(&self, wanted: Rect, size: (usize, usize)) -> Result<Vec<u8>, E::Error> {
        self.engine.pixels(&self.quality, &self.placed(), wanted, size).await
    }
}

/// Which tiles the pixels of a region are made of.
pub(crate) fn needed_tiles(tiles: &Tiles<'_>, region: Region) -> impl Fn(usize) -> bool + use<> {
    let header = &tiles.file.header;
    let region = if Unfolding::of(header, region).is_some() { coded_region(header) } else { region };
    let (progress, across) = (Progress::new(tiles, region), header.tile_columns() as usize);
    move |tile| progress.rows.contains(&(tile / across)) && progress.columns.contains(&(tile % across))
}

impl Progress {
    /// At the beginning of a region of what is coded.
    fn new(tiles: &Tiles<'_>, region: Region) -> Progress {
        let wanted = latents_of(region, tiles.stride());
        let needed = wanted.widened(tiles.halo(), tiles.picture());
        let side = tiles.side();
        let columns = needed.x / side..needed.right().div_ceil(side);
        let rows = needed.y / side..needed.bottom().div_ceil(side);
        Progress { wanted, columns, rows, next: wanted.y }
    }

    fn ended(&self) -> bool {
        self.next >= self.wanted.bottom()
    }

    fn end(&mut self) {
        self.next = self.wanted.bottom();
    }

    fn rows_in_band(&self, tiles: &Tiles<'_>) -> usize {
        let log2 = tiles.file.header.tile_log2;
        tiles.codec.rows_in_band((self.columns.len() as u64) << log2, log2)
    }

    /// Decodes rows of tiles until some rows of latents have all that g_s sees around them.
    async fn ready<E: Engine>(&mut self, tiles: &Tiles<'_>, held: &mut Held<'_, E>) -> Result<usize, Stop<E::Error>> {
        let (halo, rows) = (tiles.halo(), self.rows_in_band(tiles));
        loop {
            let end = (self.rows.start + rows).min(self.rows.end);
            let places = (self.rows.start..end).flat_map(|row| self.columns.clone().map(move |column| (row, column)));
            let needed: Vec<_> = places.map(|(row, column)| tiles.tile(row, column)).collect();
            let decoded = tiles.decode(held.engine, &held.quality, &needed).await?;
            held.tiles.extend(decoded.into_iter().map(|Decoded { place, v_hat, .. }| (place, v_hat)));
            self.rows.start = end;
            if self.rows.is_empty() {
                return Ok(self.wanted.bottom());
            }
            let ready = (end * tiles.side()).saturating_sub(halo).min(self.wanted.bottom());
            if ready > self.next {
                return Ok(ready);
            }
        }
    }

    /// The latents of the next band, and what `develop` makes of them.
    async fn developed<E: Engine, T>(
        &mut self,
        tiles: &Tiles<'_>,
        held: &mut Held<'_, E>,
        develop: impl AsyncFnOnce(&Held<'_, E>, Rect) -> Result<T, E::Error>,
    ) -> Result<(Rect, T), Stop<E::Error>> {
        let ready = self.ready(tiles, held).await?;
        let rect = Rect { y: self.next, height: ready - self.next, ..self.wanted };
        let made = develop(held, rect).await.map_err(Stop::Engine)?;
        held.tiles.retain(|(place, _)| place.bottom() + tiles.halo() > ready);
        self.next = ready;
        Ok((rect, made))
    }
}

impl<'a> Bands<'a> {
    /// On the CPU.
    pub(crate) fn new(tiles: Tiles<'a>, region: Region) -> Bands<'a> {
        let header = &tiles.file.header;
        let unfolding = Unfolding::of(header, region);
        let region = if unfolding.is_some() { coded_region(header) } else { region };
        let progress = Progress::new(&tiles, region);
        let cpu = Held { engine: tiles.codec.engines.on_cpu(), quality: tiles.quality.clone(), tiles: Vec::new() };
        Bands {
            tiles,
            region,
            unfolding,
            progress,
            cpu,
            #[cfg(feature = "gpu")]
            gpu: None,
        }
    }

    /// These bands, made of the symbols that `kept` has already; new ones are added to it.
    pub(crate) fn keeping(mut self, kept: Option<&'a SymbolCache>) -> Bands<'a> {
        self.tiles.kept = kept;
        self
    }

    /// These bands on the codec's GPU, if it has one.
    #[cfg(feature = "gpu")]
    pub(crate) fn on_any_engine(mut self) -> Bands<'a> {
        let gpu = self.tiles.codec.engines.on_gpu(|engine| engine.quality(&self.tiles.quality));
        self.gpu = gpu.map(|(gpu, quality)| (gpu, Held { engine: &gpu.engine, quality, tiles: Vec::new() }));
        self
    }

    /// These bands: a codec without a GPU has the CPU.
    #[cfg(not(feature = "gpu"))]
    pub(crate) fn on_any_engine(self) -> Bands<'a> {
        self
    }

    /// Pixels of the tiles that are held at a time, at most.
    pub(crate) fn held_px(&self) -> u64 {
        let (side, progress) = (self.tiles.side(), &self.progress);
        // The hyper-latents are whole.
        let Rect { height: rows, width: columns, .. } = self.tiles.picture().padded();
        // The first rows together; after them the last of those before, whose end g_s still sees, and the next ones.
        let (band, all) = (progress.rows_in_band(&self.tiles), progress.rows.len());
        let later = if all > band { 1 + band.min(all - band) } else { 0 };
        let height = (band.min(all).max(later) * side).min(rows);
        let width = (progress.columns.len() * side).min(columns);
        (self.tiles.stride() as u64).pow(2) * (width as u64) * (height as u64)
    }

    /// The pixels of whole latents that are made.
    pub(crate) fn pixels_of_latents(&self) -> Rect {
        self.progress.wanted.pixels((usize::MAX, usize::MAX), self.tiles.stride())
    }

    /// A band of 8-bit RGB.
    fn band(&mut self) -> Result<(u32, Vec<u8>), Error> {
        let (height, mut rgb) = self.samples(Bands::pixels)?;
        if self.tiles.file.header.grey {
            make_grey(&mut rgb);
        }
        Ok((height, rgb))
    }

    /// The next band before the last rounding, its height and its RGB in Q4; for bands on the CPU.
    pub(crate) fn next_q4(&mut self) -> Option<Result<(u32, Vec<i16>), Error>> {
        self.next_by(|bands| bands.samples(Bands::pixels_q4))
    }

    /// What `band` makes, until the end of the region or an error.
    fn next_by<T>(&mut self, band: impl FnOnce(&mut Self) -> Result<T, Error>) -> Option<Result<T, Error>> {
        if self.progress.ended() {
            return None;
        }
        let band = band(self);
        if band.is_err() {
            self.progress.end();
        }
        Some(band)
    }

    /// The number of rows of the next band, and its samples; `pixels` makes those of whole latents.
    fn samples<S: Copy>(&mut self, pixels: NextPixels<'a, S>) -> Result<(u32, Vec<S>), Error> {
        let Some(unfolding) = self.unfolding else { return self.coded_samples(pixels) };
        let mut coded = Vec::with_capacity(3 * self.region.width as usize * self.region.height as usize);
        while !self.progress.ended() {
            coded.extend(self.coded_samples(pixels)?.1);
        }
        Ok((unfolding.region().height, unfolding.unfold(&coded, 3)))
    }

    /// As [`Bands::samples`], of what is coded.
    fn coded_samples<S: Copy>(&mut self, pixels: NextPixels<'a, S>) -> Result<(u32, Vec<S>), Error> {
        let (rect, rgb) = pixels(self)?;
        Ok(cut(rgb, rect.pixels(self.tiles.size(), self.tiles.stride()), self.region))
    }

    fn pixels(&mut self) -> Result<(Rect, Vec<u8>), Error> {
        let size = self.tiles.size();
        #[cfg(feature = "gpu")]
        if let Some(pixels) = self.on_gpu(async |held, rect| held.pixels(rect, size).await) {
            return pixels;
        }
        Ok(block_on(self.progress.developed(&self.tiles, &mut self.cpu, async |held, rect| held.pixels(rect, size).await))?)
    }

    fn pixels_q4(&mut self) -> Result<(Rect, Vec<i16>), Error> {
        let size = self.tiles.size();
        let q4 = async |held: &Held<'_, Cpu>, rect| Ok(held.engine.graph().pixels_q4(&held.quality, &held.placed(), rect, size));
        Ok(block_on(self.progress.developed(&self.tiles, &mut self.cpu, q4))?)
    }

    /// The latents of the next band, and what a GPU makes of them. `None` where there is none any more: what it held has gone, and the CPU
    /// begins again where the next band begins.
    #[cfg(feature = "gpu")]
    fn on_gpu<T>(
        &mut self,
        develop: impl AsyncFnOnce(&Held<'_, GpuEngine>, Rect) -> Result<T, calotype_gpu::Error>,
    ) -> Option<Result<(Rect, T), Error>> {
        let (gpu, held) = self.gpu.as_mut()?;
        match block_on(self.progress.developed(&self.tiles, held, develop)) {
            Ok(made) => Some(Ok(made)),
            Err(Stop::Error(error)) => Some(Err(error)),
            Err(Stop::Engine(error)) => {
                self.tiles.codec.engines.lost(gpu, &error);
                self.gpu = None;
                self.progress.rows.start = self.progress.next.saturating_sub(self.tiles.halo()) / self.tiles.side();
                None
            }
        }
    }

    /// What they cover.
    pub fn region(&self) -> Region {
        self.unfolding.map_or(self.region, |unfolding| unfolding.region())
    }

    /// The next band as pieces on the GPU, of whole latents: they cover the region or more. `None` where the CPU has the pixels, as it does of grey
    /// and of folded pictures and after a GPU has failed, and at the end: [`Iterator::next`] goes on there.
    ///
    /// # Errors
    /// As for [`Decoder::bands`](crate::Decoder::bands).
    #[cfg(feature = "gpu")]
    pub fn next_pieces(&mut self) -> Result<Option<Vec<calotype_gpu::Piece>>, Error> {
        if self.tiles.file.header.grey || self.unfolding.is_some() || self.progress.ended() {
            return Ok(None);
        }
        let size = self.tiles.size();
        let pieces = self.on_gpu(async |held, rect| held.engine.pieces(&held.quality, &held.placed(), rect, size).await);
        let pieces = pieces.transpose().inspect_err(|_| self.progress.end())?;
        Ok(pieces.map(|(_, pieces)| pieces))
    }
}

impl Iterator for Bands<'_> {
    type Item = Result<Band, Error>;

    fn next(&mut self) -> Option<Result<Band, Error>> {
        self.next_by(|bands| bands.band().map(|(height, rgb)| Band { height, rgb }))
    }
}
