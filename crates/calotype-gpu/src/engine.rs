//! The engine: a model ready to run on an adapter.

use std::sync::Arc;

use calotype_model::{Encoder, Hyper, Map, Model, QualityTables, Quantiser, TileSize};

use crate::gpu::Gpu;
use crate::network::{DecoderWeights, EncoderWeights};
use crate::{Adapter, AdapterFacts, Error};

/// Latents on a side of a piece of g_a or g_s: 1536 pixels, about 25 G multiplications with `fast`.
const PIECE: usize = 96;

/// A model with its weights on a device. Methods, shapes and results are those of `calotype_cpu::Engine`, bit for bit, on every adapter.
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

impl Engine {
    /// Opens the adapter and brings the weights there.
    ///
    /// # Errors
    /// Also [`Error::AdapterLimits`] and [`Error::NoDevice`].
    pub fn new(model: Arc<Model>, adapter: &Adapter) -> Result<Engine, Error> {
        Engine::with_piece(model, adapter, PIECE)
    }

    /// As [`Engine::new`], with pictures analysed and synthesised in pieces of `piece` latents (16 pixels) a side.
    /// It decides memory and the length of submits, not the result.
    pub fn with_piece(model: Arc<Model>, adapter: &Adapter, piece: usize) -> Result<Engine, Error> {
        let facts = adapter.facts().clone();
        if let Some(limit) = facts.lacks {
            return Err(Error::AdapterLimits { adapter: facts.name, limit });
        }
        let gpu = Gpu::open(adapter)?;
        let decoder = DecoderWeights::new(&gpu, model.decoder())?;
        let encoder = model.encoder().map(|encoder| EncoderWeights::new(&gpu, encoder)).transpose()?;
        gpu.check()?;
        Ok(Engine { model, adapter: facts, gpu, decoder, encoder, piece })
    }

    /// The adapter in use.
    pub fn adapter(&self) -> &AdapterFacts {
        &self.adapter
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Gives the device up, as if it had been lost: all that follows is [`Error::Lost`]. For tests of what happens then.
    pub fn lose_device(&self) {
        self.gpu.device.destroy();
    }

    /// Sections 5.1 and 5.2: z symbols `[zh, zw, Z]` of a tile to h8 `[lh, lw, P]` and the scale indices `[lh, lw, M]`.
    pub fn hyper(&self, q: &QualityTables, z: &[i16], tile: TileSize) -> Result<Hyper, Error> {
        self.decoder.hyper(&self.gpu, self.model.decoder(), q, z, tile)
    }

    /// Section 5.3: y symbols `[lh, lw, M]` of a tile to v_hat `[lh, lw, M]`, v units.
    pub fn means(&self, q: &QualityTables, hyper: &Hyper, symbols: &[i16]) -> Result<Map<i16>, Error> {
        self.decoder.means(&self.gpu, self.model.decoder(), q, hyper, symbols)
    }

    /// Section 5.4: v_hat `[ceil(height / 16), ceil(width / 16), M]` of a whole picture to its RGB bytes, row by row.
    pub fn synthesise(&self, q: &QualityTables, v_hat: &Map<i16>, width: usize, height: usize) -> Result<Vec<u8>, Error> {
        self.decoder.synthesise((&self.gpu, self.piece), self.model.decoder(), q, v_hat, (width, height))
    }

    /// Section 6: RGB bytes, row by row, to v `[4 ceil(height / 64), 4 ceil(width / 64), M]` of the padded picture.
    ///
    /// # Panics
    /// If the model has no encoder part.
    pub fn analyse(&self, rgb: &[u8], width: usize, height: usize) -> Result<Map<i16>, Error> {
        let (encoder, weights) = self.encoder();
        weights.analyse((&self.gpu, self.piece), encoder, rgb, (width, height))
    }

    /// Section 6: v `[4zh, 4zw, M]` of a tile to z symbols `[zh, zw, Z]`; `gain_z` is `Encoder::gain_z` at the quality.
    ///
    /// # Panics
    /// If the model has no encoder part.
    pub fn hyper_analyse(&self, gain_z: &[i16], v_tile: &Map<i16>) -> Result<Vec<i16>, Error> {
        let (encoder, weights) = self.encoder();
        weights.hyper_analyse(&self.gpu, encoder, gain_z, v_tile)
    }

    /// Section 6: chooses the y symbols of a tile. v (at least `[lh, lw, M]`; the rest is ignored) to symbols `[lh, lw, M]`,
    /// and the v_hat that [`Engine::means`] makes of them.
    pub fn code(&self, q: &QualityTables, hyper: &Hyper, v_tile: &Map<i16>, quantiser: &Quantiser) -> Result<(Vec<i16>, Map<i16>), Error> {
        self.decoder.code(&self.gpu, self.model.decoder(), q, (hyper, v_tile, quantiser))
    }

    fn encoder(&self) -> (&Encoder, &EncoderWeights) {
        self.model.encoder().zip(self.encoder.as_ref()).expect("the model has an encoder part")
    }
}
