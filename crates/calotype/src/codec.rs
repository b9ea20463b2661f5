//! A loaded model with its engine.

use std::sync::Arc;

use calotype_cpu::{Engine, Isa};
use calotype_model::Model;
use calotype_rans::Tables;

use crate::error::Error;
use crate::models::{self, ModelFacts, ModelId};

/// A model, ready to run: load it once, use it for many pictures and from many threads.
pub struct Codec {
    pub(crate) model: Arc<Model>,
    pub(crate) engine: Engine,
    pub(crate) tables: Tables,
    isa: Isa,
}

impl Codec {
    /// The embedded model on `isa`, or on the fastest that this machine has.
    ///
    /// # Errors
    /// [`Error::Engine`] if the machine lacks `isa`.
    pub fn new(isa: Option<Isa>) -> Result<Codec, Error> {
        Codec::with_model(models::default_model()?, isa)
    }

    /// As [`Codec::new`], but loads only what decoding needs.
    ///
    /// # Errors
    /// As [`Codec::new`].
    pub fn decode_only(isa: Option<Isa>) -> Result<Codec, Error> {
        Codec::with_model(models::default_decoder()?, isa)
    }

    /// A model from the bytes of its two files (docs/MODEL.md section 8); without an encoder part it only decodes.
    ///
    /// # Errors
    /// [`Error::Model`] if a part is damaged or the parts do not belong together; [`Error::Engine`] as above.
    pub fn from_parts(decoder: &[u8], encoder: Option<&[u8]>, isa: Option<Isa>) -> Result<Codec, Error> {
        Codec::with_model(models::load(decoder, encoder)?, isa)
    }

    fn with_model(model: Model, isa: Option<Isa>) -> Result<Codec, Error> {
        let isa = isa.unwrap_or_else(Isa::detect);
        let model = Arc::new(model);
        let engine = Engine::new(Arc::clone(&model), isa)?;
        let tables = Tables::new(&model.decoder().cdf_sizes, &model.decoder().cdf)?;
        Ok(Codec { model, engine, tables, isa })
    }

    /// What runs the network.
    pub fn isa(&self) -> Isa {
        self.isa
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
