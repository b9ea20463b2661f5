//! The engine: a model ready to run on an adapter.

use std::path::PathBuf;
use std::sync::Arc;

use calotype_engine::measure::{Ceilings, LayerSpeed, PhaseTimes};
use calotype_engine::{EncodeTables, Hyper, PixelRows, Placed, Quantiser, Rect, TileSize, TileSymbols};
use calotype_model::{Model, QualityTables};

use crate::commands::{Commands, Submitted};
use crate::gpu::{Failure, Gpu, Tuning};
use crate::network::{AtQuality, DecoderWeights, EncoderWeights, HyperBuffers, Piece, Window, assemble};
use crate::packed::{gains, halves, to_halves, words};
use crate::pool::Buffer;
use crate::{Adapter, AdapterFacts, Error, measure};

/// What encoding panics with.
const NO_ENCODER: &str = "the model has an encoder part";

/// Latents on a side of a piece of g_a or g_s: 1536 pixels, about 25 G multiplications with `fast`.
const PIECE: usize = 96;

/// A model with its weights on a device: docs/MODEL.md between the symbols and the pixels, as coarse as the entropy coder between its parts
/// permits, bit for bit the same on every adapter and as on the CPU.
///
/// All methods may be called from many threads. Sizes that do not fit the model are the caller's mistake and panic; what a file says never does.
/// A device that fails once fails for good: make another engine, or go on with the CPU's.
///
/// # Errors
/// Of all methods: [`Error::Lost`], [`Error::OutOfMemory`], [`Error::Timeout`], [`Error::Driver`], and [`Error::TooLarge`] for tiles whose maps
/// do not fit into a binding.
pub struct Engine {
    model: Arc<Model>,
    adapter: AdapterFacts,
    gpu: Gpu,
    decoder: Arc<DecoderWeights>,
    encoder: Option<EncoderWeights>,
    piece: usize,
}

/// How an engine works; none of it changes a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Pictures are analysed and synthesised in pieces of so many latents (16 pixels) a side: memory and the length of submits.
    pub piece: usize,
    /// The folder that remembers which kernels are the fastest on an adapter. They are timed where it does not know yet, which takes
    /// about a second; without a folder nothing is timed. A folder or file that cannot be read or written does no harm.
    pub cache: Option<PathBuf>,
}

impl Default for Options {
    /// [`Options::piece`] of 96, no folder.
    fn default() -> Options {
        Options { piece: PIECE, cache: None }
    }
}

/// v_hat of a tile, on the device.
pub struct Latents {
    size: TileSize,
    v_hat: Buffer,
}

/// What the tiles of an encoding share, on the device.
pub struct Encoding {
    at: AtQuality,
    gain_z: Buffer,
    thresholds: Buffer,
}

impl Engine {
    /// Opens the adapter and brings the weights there.
    ///
    /// # Errors
    /// Also [`Error::AdapterLimits`] and [`Error::NoDevice`].
    pub fn new(model: Arc<Model>, adapter: &Adapter) -> Result<Engine, Error> {
        Engine::with_options(model, adapter, &Options::default())
    }

    /// As [`Engine::new`], with other options.
    pub fn with_options(model: Arc<Model>, adapter: &Adapter, options: &Options) -> Result<Engine, Error> {
        let facts = adapter.facts().clone();
        if let Some(limit) = facts.lacks {
            return Err(Error::AdapterLimits { adapter: facts.name, limit });
        }
        let mut gpu = Gpu::open(adapter)?;
        gpu.tuning = Tuning::choose(&gpu, &facts, options.cache.as_deref())?;
        let decoder = Arc::new(DecoderWeights::new(&gpu, model.decoder())?);
        let encoder = model.encoder().map(|encoder| EncoderWeights::new(&gpu, encoder)).transpose()?;
        gpu.check()?;
        Ok(Engine { model, adapter: facts, gpu, decoder, encoder, piece: options.piece })
    }

    /// The adapter in use.
    pub fn adapter(&self) -> &AdapterFacts {
        &self.adapter
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Whether the device has not failed: a tile may have been too large for it.
    pub fn is_usable(&self) -> bool {
        self.gpu.check().is_ok()
    }

    /// Lets the device fail, for tests of what happens then.
    pub fn inject(&self, failure: Failure) {
        self.gpu.inject(failure);
    }

    /// As [`pixels`](calotype_engine::Engine::pixels), but they stay on the device.
    pub async fn pieces(
        &self,
        q: &AtQuality,
        tiles: &[Placed<'_, Latents>],
        wanted: Rect,
        size: (usize, usize),
    ) -> Result<Vec<Piece>, Error> {
        q.pieces(&self.gpu, &placed(tiles), &self.window(wanted, size)).await
    }

    /// The RGB bytes of a piece that this engine made, row by row.
    pub fn read(&self, piece: &Piece) -> Result<Vec<u8>, Error> {
        let mut commands = Commands::new(&self.gpu)?;
        commands.download(&piece.rgb, piece.bytes());
        let [rgb] = pollster::block_on(commands.submit()?.wait())?;
        Ok(piece.cropped(&rgb))
    }

    fn window(&self, wanted: Rect, (width, height): (usize, usize)) -> Window {
        Window { wanted, width, height, stride: self.model.decoder().config.stride, piece: self.piece }
    }

    /// v_hat of a tile, to look at.
    #[cfg(test)]
    pub(crate) fn download(&self, latents: &Latents) -> Result<calotype_engine::Map<i16>, Error> {
        let (TileSize { lh, lw }, channels) = (latents.size, self.model.decoder().config.m);
        let mut commands = Commands::new(&self.gpu)?;
        commands.download(&latents.v_hat, 2 * lh * lw * channels);
        let [v_hat] = pollster::block_on(commands.submit()?.wait())?;
        Ok(calotype_engine::Map { height: lh, width: lw, channels, data: to_halves(&v_hat, lh * lw * channels) })
    }

    /// Where the time went since the last call; nothing before the first. Passes are timed on the device, where the adapter has timestamps;
    /// uploads and readbacks by the host's clock. Passes of different tiles may overlap.
    pub fn take_times(&self) -> PhaseTimes {
        self.gpu.clock.start();
        self.gpu.clock.take(&self.gpu.device, self.gpu.queue.get_timestamp_period())
    }

    /// What the device does at most; takes about a second.
    pub fn ceilings(&self) -> Result<Ceilings, Error> {
        measure::ceilings(&self.gpu)
    }

    /// How fast the device runs each shape of layer that the model has, in the order of decoding, then encoding; takes some seconds.
    pub fn layer_speeds(&self) -> Result<Vec<LayerSpeed>, Error> {
        let mut layers = self.decoder.layers();
        layers.extend(self.encoder.iter().flat_map(EncoderWeights::layers));
        let side = if self.adapter.is_software() { 32 } else { 2 * self.piece };
        measure::layer_speeds(&self.gpu, &layers, side)
    }

    fn submit_scales(&self, q: &AtQuality, tile: TileSize, z: &[i16]) -> Result<(HyperBuffers, Submitted<'_>), Error> {
        let (config, (zh, zw)) = (&self.model.decoder().config, tile.hyper());
        assert_eq!(z.len(), zh * zw * config.z, "z symbols of the tile");
        let mut commands = Commands::new(&self.gpu)?;
        let z = commands.upload(&halves(z))?;
        let side = q.hyper(&mut commands, &z, tile)?;
        commands.download(&side.index, tile.lh * tile.lw * config.m);
        Ok((side, commands.submit()?))
    }

    fn submit_latents(&self, q: &AtQuality, side: &HyperBuffers, y: &[i16]) -> Result<Latents, Error> {
        assert_eq!(y.len(), side.size.lh * side.size.lw * self.model.decoder().config.m, "y symbols of the tile");
        let mut commands = Commands::new(&self.gpu)?;
        let symbols = commands.upload(&halves(y))?;
        let v_hat = q.means(&mut commands, side, &symbols)?;
        commands.flush()?;
        Ok(Latents { size: side.size, v_hat })
    }

    fn submit_symbols(&self, encoding: &Encoding, pixels: PixelRows<'_>, tile: Rect) -> Result<Submitted<'_>, Error> {
        let weights = self.encoder.as_ref().expect(NO_ENCODER);
        let (config, padded) = (&self.model.decoder().config, tile.padded());
        let mut commands = Commands::new(&self.gpu)?;
        let v = weights.analysis(&mut commands, pixels, padded, self.piece)?;
        let z = weights.hyper_analysis(&mut commands, &encoding.gain_z, &v, padded.size())?;
        let side = encoding.at.hyper(&mut commands, &z, tile.size())?;
        let v = if tile == padded { v } else { assemble(&mut commands, &[Placed { place: padded, tile: &v }], tile, config.m)? };
        let y = encoding.at.choose(&mut commands, &side, &v, &encoding.thresholds)?;
        let (latents, (zh, zw)) = (tile.height * tile.width * config.m, tile.size().hyper());
        commands.download(&z, 2 * zh * zw * config.z);
        commands.download(&y, 2 * latents);
        commands.download(&side.index, latents);
        commands.submit()
    }
}

impl calotype_engine::Engine for Engine {
    type Side = HyperBuffers;
    type Latents = Latents;
    type Quality = AtQuality;
    type Encoding = Encoding;
    type Error = Error;

    fn quality(&self, tables: &QualityTables) -> Result<AtQuality, Error> {
        AtQuality::new(&self.gpu, Arc::clone(&self.decoder), self.model.decoder(), tables)
    }

    fn encoding(&self, tables: &EncodeTables) -> Result<Encoding, Error> {
        let encoder = self.model.encoder().expect(NO_ENCODER);
        Ok(Encoding {
            at: self.quality(&tables.quality)?,
            gain_z: self.gpu.upload(&gains(&tables.gain_z, &encoder.gain_z.shift))?,
            thresholds: self.gpu.upload(&thresholds(&tables.quantiser))?,
        })
    }

    async fn scales(&self, q: &AtQuality, tiles: &[TileSize], z: &[Vec<i16>]) -> Result<Vec<Hyper<HyperBuffers>>, Error> {
        assert_eq!(z.len(), tiles.len(), "z symbols of the tiles");
        let submitted = tiles.iter().zip(z).map(|(&tile, z)| self.submit_scales(q, tile, z)).collect::<Result<Vec<_>, Error>>()?;
        let mut scales = Vec::with_capacity(tiles.len());
        for (side, submitted) in submitted {
            let [scale_index] = submitted.wait().await?;
            scales.push(Hyper { side, scale_index });
        }
        Ok(scales)
    }

    fn latents(&self, q: &AtQuality, side: Vec<HyperBuffers>, y: &[Vec<i16>]) -> Result<Vec<Latents>, Error> {
        assert_eq!(y.len(), side.len(), "y symbols of the tiles");
        side.into_iter().zip(y).map(|(side, y)| self.submit_latents(q, &side, y)).collect()
    }

    async fn pixels(&self, q: &AtQuality, tiles: &[Placed<'_, Latents>], wanted: Rect, size: (usize, usize)) -> Result<Vec<u8>, Error> {
        q.synthesise(&self.gpu, &placed(tiles), &self.window(wanted, size)).await
    }

    async fn symbols(&self, encoding: &Encoding, pixels: PixelRows<'_>, tiles: &[Rect]) -> Result<Vec<TileSymbols>, Error> {
        let submitted = tiles.iter().map(|&tile| self.submit_symbols(encoding, pixels, tile)).collect::<Result<Vec<_>, Error>>()?;
        let (config, mut symbols) = (&self.model.decoder().config, Vec::with_capacity(tiles.len()));
        for (tile, submitted) in tiles.iter().zip(submitted) {
            let [z, y, scale_index] = submitted.wait().await?;
            let (latents, (zh, zw)) = (tile.height * tile.width * config.m, tile.size().hyper());
            symbols.push(TileSymbols { z: to_halves(&z, zh * zw * config.z), y: to_halves(&y, latents), scale_index });
        }
        Ok(symbols)
    }
}

/// Where the device has v_hat of tiles.
fn placed<'a>(tiles: &[Placed<'a, Latents>]) -> Vec<Placed<'a, Buffer>> {
    let placed = |&Placed { place, tile }: &Placed<'a, Latents>| {
        assert_eq!(place.size(), tile.size, "latents of the tile");
        Placed { place, tile: &tile.v_hat }
    };
    tiles.iter().map(placed).collect()
}

/// By scale index, for shaders/kernels/choose.wgsl.
fn thresholds(quantiser: &Quantiser) -> Vec<u8> {
    words(&std::array::from_fn::<_, 256, _>(|index| i32::from(quantiser.threshold_q6(index as u8))))
}
