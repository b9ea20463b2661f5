//! A loaded model with its engine.

use std::sync::Arc;

use calotype_cpu::Isa;
use calotype_model::{HYPER, Model};
use calotype_rans::{Scales, Tables};

use crate::choice::{EngineChoice, EngineFacts};
use crate::engine::Engines;
use crate::error::Error;
use crate::model_id::ModelId;
use crate::models::{self, ModelFacts};

/// A model, ready to run: load it once, use it for many pictures and from many threads.
pub struct Codec {
    pub(crate) model: Arc<Model>,
    pub(crate) engines: Engines,
    pub(crate) tables: Tables,
    band_px: u64,
}

/// Pixels that are worked on together by default.
const BAND_PX: u64 = 8 << 20;

impl Codec {
    /// The embedded model on an engine; `None` is [`EngineChoice::Auto`], an [`Isa`] the CPU.
    ///
    /// # Errors
    /// [`Error::Engine`] if the machine lacks the engine.
    pub fn new(engine: impl Into<EngineChoice>) -> Result<Codec, Error> {
        Codec::with_model(models::default_model()?, engine.into())
    }

    /// As [`Codec::new`], but loads only what decoding needs.
    ///
    /// # Errors
    /// As [`Codec::new`].
    pub fn decode_only(engine: impl Into<EngineChoice>) -> Result<Codec, Error> {
        Codec::with_model(models::default_decoder()?, engine.into())
    }

    /// A model from the bytes of its two files (docs/MODEL.md section 8); without an encoder part it only decodes.
    ///
    /// # Errors
    /// [`Error::Engine`] if a part is damaged, the parts do not belong together, or as above.
    pub fn from_parts(decoder: &[u8], encoder: Option<&[u8]>, engine: impl Into<EngineChoice>) -> Result<Codec, Error> {
        Codec::with_model(models::load(decoder, encoder)?, engine.into())
    }

    fn with_model(model: Model, choice: EngineChoice) -> Result<Codec, Error> {
        let model = Arc::new(model);
        let engines = Engines::new(Arc::clone(&model), &choice)?;
        let tables = Tables::new(&model.decoder().cdf_sizes, &model.decoder().cdf)?;
        Ok(Codec { model, engines, tables, band_px: BAND_PX })
    }

    /// The same codec, with large pictures coded in bands of about `band_px` pixels, at least one row of tiles. It decides memory, not the result.
    pub fn with_band(self, band_px: u64) -> Codec {
        Codec { band_px, ..self }
    }

    /// Rows of tiles that are worked on together: so many that their halo costs little, so few that they need little memory.
    pub(crate) fn rows_in_band(&self, width: u64, tile_log2: u8) -> usize {
        (self.band_px / (width.next_multiple_of(64) << tile_log2)).max(1) as usize
    }

    /// Pixels on a side of the square that a latent stands for.
    pub(crate) fn stride(&self) -> usize {
        self.model.decoder().config.stride
    }

    /// Whether a tile of 2^`tile_log2` pixels a side holds whole hyper-latents.
    pub(crate) fn holds_hyper_latents(&self, tile_log2: u8) -> bool {
        HYPER * self.stride() <= 1 << tile_log2
    }

    /// The scales of a tile's y symbols, whose indices are `[lh, lw, M]`.
    pub(crate) fn y_scales<'a>(&self, index: &'a [u8]) -> Scales<'a> {
        let config = &self.model.decoder().config;
        Scales { index, skip_below: config.skip_below, channels: config.m }
    }

    /// What the network runs on where it runs on the CPU.
    pub fn isa(&self) -> Isa {
        self.engines.cpu().isa()
    }

    /// The CPU's engine, for measurements: its phases, its layers, the machine's ceilings.
    pub fn cpu(&self) -> &calotype_cpu::Engine {
        self.engines.cpu()
    }

    /// What ran the network for the last picture; the CPU before the first.
    pub fn engine(&self) -> EngineFacts {
        self.engines.facts()
    }

    /// What went wrong since the last call without harm to any result, e.g. a lost GPU.
    pub fn take_warnings(&self) -> Vec<String> {
        self.engines.take_warnings()
    }

    /// For tests of what happens then: the GPU, if one is open, will fail.
    #[cfg(feature = "gpu")]
    #[doc(hidden)]
    pub fn inject(&self, failure: calotype_gpu::Failure) {
        self.engines.inject(failure);
    }

    /// The GPU's engine, for measurements as with [`Codec::cpu`]; `None` where the CPU runs the network.
    #[cfg(feature = "gpu")]
    pub fn gpu(&self) -> Option<&calotype_gpu::Engine> {
        self.engines.gpu()
    }

    /// The id that files of this codec carry.
    pub fn model_id(&self) -> ModelId {
        ModelId(self.model.decoder().id)
    }

    /// The loaded model.
    pub fn model(&self) -> ModelFacts {
        ModelFacts::of(&self.model)
    }
}
