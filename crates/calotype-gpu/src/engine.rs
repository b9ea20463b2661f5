//! The engine: a model ready to run on an adapter.

use std::path::PathBuf;
use std::sync::Arc;

use calotype_engine::measure::{Ceilings, LayerSpeed, PhaseTimes};
use calotype_engine::{EncodeTables, Map, PixelRows, Quantiser, Rect, TileSize, TileSymbols};
use calotype_model::{Encoder, Model, QualityTables};

use crate::commands::{Commands, Submitted};
use crate::gpu::{Failure, Gpu};
use crate::layers::{Part, Size};
use crate::network::{AtQuality, DecoderWeights, EncoderWeights, HyperBuffers, Piece, Tile, Window};
use crate::packed::{gains, halves, to_halves, words};
use crate::pool::Buffer;
use crate::tuning::Tuning;
use crate::{Adapter, AdapterFacts, Error, measure};

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
    decoder: DecoderWeights,
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

/// h of a tile, on the device.
pub struct Hyper(HyperBuffers);

/// v_hat of a tile, on the device.
pub struct Latents {
    size: TileSize,
    v_hat: Buffer,
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
        let decoder = DecoderWeights::new(&gpu, model.decoder())?;
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

    /// Sections 5.1 and 5.2: z symbols `[zh, zw, Z]` of tiles to h and the scale indices `[lh, lw, M]` of each.
    pub fn hyper(&self, q: &QualityTables, tiles: &[(TileSize, &[i16])]) -> Result<Vec<(Hyper, Vec<u8>)>, Error> {
        let at = self.at(q)?;
        let submitted = tiles.iter().map(|&(size, z)| self.submit_hyper(&at, size, z)).collect::<Result<Vec<_>, Error>>()?;
        let wait = |(hyper, submitted): (Hyper, Submitted<'_>)| {
            let [scale_index] = submitted.wait()?.try_into().expect("one download");
            Ok((hyper, scale_index))
        };
        submitted.into_iter().map(wait).collect()
    }

    fn submit_hyper(&self, at: &AtQuality<'_>, size: TileSize, z: &[i16]) -> Result<(Hyper, Submitted<'_>), Error> {
        let (config, (zh, zw)) = (&self.model.decoder().config, size.hyper());
        assert_eq!(z.len(), zh * zw * config.z, "z symbols of the tile");
        let mut commands = Commands::new(&self.gpu)?;
        let z = commands.upload(&halves(z))?;
        let hyper = at.hyper(&mut commands, &z, size)?;
        commands.download(&hyper.index, size.lh * size.lw * config.m);
        Ok((Hyper(hyper), commands.submit()?))
    }

    /// Section 5.3: y symbols `[lh, lw, M]` of tiles to v_hat of each. Nothing is waited for.
    pub fn latents(&self, q: &QualityTables, tiles: Vec<(Hyper, &[i16])>) -> Result<Vec<Latents>, Error> {
        let at = self.at(q)?;
        let latents = |(Hyper(hyper), symbols): (Hyper, &[i16])| {
            assert_eq!(symbols.len(), hyper.size.lh * hyper.size.lw * self.model.decoder().config.m, "y symbols of the tile");
            let mut commands = Commands::new(&self.gpu)?;
            let symbols = commands.upload(&halves(symbols))?;
            let v_hat = at.means(&mut commands, &hyper, &symbols)?;
            commands.flush()?;
            Ok(Latents { size: hyper.size, v_hat })
        };
        tiles.into_iter().map(latents).collect()
    }

    /// Section 5.4: the RGB bytes, row by row, of the pixels of `wanted` (in latents) in a picture of `width` x `height` pixels.
    ///
    /// `tiles`, each with its place, cover `wanted` and, inside the picture, a halo of `ceil(n_d / 2)` latents.
    pub fn pixels(
        &self,
        q: &QualityTables,
        tiles: &[(Rect, &Latents)],
        wanted: Rect,
        (width, height): (usize, usize),
    ) -> Result<Vec<u8>, Error> {
        self.at(q)?.synthesise(&self.gpu, &placed(tiles), &self.window(wanted, (width, height)))
    }

    /// As [`Engine::pixels`], but the pixels stay on the device.
    pub fn pieces(&self, q: &QualityTables, tiles: &[(Rect, &Latents)], wanted: Rect, size: (usize, usize)) -> Result<Vec<Piece>, Error> {
        self.at(q)?.pieces(&self.gpu, &placed(tiles), &self.window(wanted, size))
    }

    /// The RGB bytes of a piece that this engine made, row by row.
    pub fn read(&self, piece: &Piece) -> Result<Vec<u8>, Error> {
        let mut commands = Commands::new(&self.gpu)?;
        commands.download(&piece.rgb, piece.bytes());
        let [rgb] = commands.submit()?.wait()?.try_into().expect("one download");
        Ok(piece.cropped(&rgb))
    }

    fn window(&self, wanted: Rect, (width, height): (usize, usize)) -> Window {
        Window { wanted, width, height, piece: self.piece }
    }

    /// Section 6: the pixels around tiles to all symbols of each. `tiles` are places in latents; `pixels` has the rows of these tiles and,
    /// inside the picture, of a halo of `ceil(n_e / 2)` latents above and below.
    ///
    /// # Panics
    /// If the model has no encoder part.
    pub fn encode(&self, tables: &EncodeTables, pixels: PixelRows<'_>, tiles: &[Rect]) -> Result<Vec<TileSymbols>, Error> {
        let job = EncodeJob::new(self, tables)?;
        let submitted = tiles.iter().map(|&tile| job.submit(pixels, tile)).collect::<Result<Vec<_>, Error>>()?;
        submitted.into_iter().zip(tiles).map(|(submitted, &tile)| job.symbols(submitted, tile)).collect()
    }

    /// v_hat of a tile, to look at.
    pub fn download(&self, latents: &Latents) -> Result<Map<i16>, Error> {
        let (TileSize { lh, lw }, channels) = (latents.size, self.model.decoder().config.m);
        let mut commands = Commands::new(&self.gpu)?;
        commands.download(&latents.v_hat, 2 * lh * lw * channels);
        let [v_hat] = commands.submit()?.wait()?.try_into().expect("one download");
        Ok(Map { height: lh, width: lw, channels, data: to_halves(&v_hat, lh * lw * channels) })
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

    fn at(&self, q: &QualityTables) -> Result<AtQuality<'_>, Error> {
        AtQuality::new(&self.gpu, &self.decoder, self.model.decoder(), q)
    }
}

fn placed<'a>(tiles: &[(Rect, &'a Latents)]) -> Vec<Tile<'a>> {
    let placed = |&(place, latents): &(Rect, &'a Latents)| {
        assert_eq!(place.size(), latents.size, "latents of the tile");
        Tile { place, v_hat: &latents.v_hat }
    };
    tiles.iter().map(placed).collect()
}

/// What the tiles of an encoding share.
struct EncodeJob<'a> {
    engine: &'a Engine,
    encoder: &'a Encoder,
    weights: &'a EncoderWeights,
    at: AtQuality<'a>,
    gain_z: Buffer,
    thresholds: Buffer,
}

impl<'a> EncodeJob<'a> {
    fn new(engine: &'a Engine, tables: &EncodeTables) -> Result<EncodeJob<'a>, Error> {
        let (encoder, weights) = engine.model.encoder().zip(engine.encoder.as_ref()).expect("the model has an encoder part");
        let gain_z = engine.gpu.upload(&gains(&tables.gain_z, &encoder.gain_z.shift))?;
        let thresholds = engine.gpu.upload(&thresholds(&tables.quantiser))?;
        Ok(EncodeJob { engine, encoder, weights, at: engine.at(&tables.quality)?, gain_z, thresholds })
    }

    fn submit(&self, pixels: PixelRows<'_>, tile: Rect) -> Result<Submitted<'a>, Error> {
        let (config, padded) = (&self.encoder.config, tile.padded());
        let mut commands = Commands::new(&self.engine.gpu)?;
        let v = self.weights.analysis(&mut commands, pixels, padded, self.engine.piece)?;
        let z = self.weights.hyper_analysis(&mut commands, &self.gain_z, (&v, padded.size()))?;
        let hyper = self.at.hyper(&mut commands, &z, tile.size())?;
        let v = if tile == padded { v } else { cropped(&mut commands, &v, (tile, padded), config.m)? };
        let y = self.at.choose(&mut commands, &hyper, &v, &self.thresholds)?;
        let (latents, (zh, zw)) = (tile.height * tile.width * config.m, tile.size().hyper());
        commands.download(&z, 2 * zh * zw * config.z);
        commands.download(&y, 2 * latents);
        commands.download(&hyper.index, latents);
        commands.submit()
    }

    fn symbols(&self, submitted: Submitted<'_>, tile: Rect) -> Result<TileSymbols, Error> {
        let (config, (zh, zw)) = (&self.encoder.config, tile.size().hyper());
        let [z, y, scale_index] = submitted.wait()?.try_into().expect("three downloads");
        let latents = tile.height * tile.width * config.m;
        Ok(TileSymbols { z: to_halves(&z, zh * zw * config.z), y: to_halves(&y, latents), scale_index })
    }
}

/// The latents of a tile from those of the padded tile.
fn cropped(commands: &mut Commands<'_>, v: &Buffer, (tile, padded): (Rect, Rect), channels: usize) -> Result<Buffer, Error> {
    let size = Size::new(tile.height, tile.width);
    let inside = commands.take(2 * size.positions() * channels)?;
    let part = |buffer, width| Part { buffer, width, origin: (0, 0) };
    commands.copy(part(v, padded.width), part(&inside, tile.width), (size, channels));
    Ok(inside)
}

/// By scale index, for shaders/kernels/choose.wgsl.
fn thresholds(quantiser: &Quantiser) -> Vec<u8> {
    words(&std::array::from_fn::<_, 256, _>(|index| i32::from(quantiser.threshold_q6(index as u8))))
}
