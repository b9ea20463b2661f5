//! The models inside the program.

use calotype_model::{Decoder, Encoder, Model, QualityScale};
use calotype_models::ModelFiles;

use crate::error::Error;
use crate::model_id::ModelId;

/// The model that is used unless another one is asked for.
const DEFAULT: ModelFiles = calotype_models::FAST;

/// What there is to know about a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFacts {
    /// Its name, e.g. `fast`.
    pub name: String,
    /// Its id in files.
    pub id: ModelId,
    /// Whether files of this model decode for ever.
    pub released: bool,
    /// Hidden channels C, latent channels M, hyper-latent channels Z, channels P of the entropy networks.
    pub channels: [usize; 4],
    /// Pixels on a side of the square that a latent stands for, e.g. 16.
    pub stride: usize,
    /// Blocks of g_a (0 without an encoder part) and g_s.
    pub blocks: [usize; 2],
}

impl ModelFacts {
    pub(crate) fn of(model: &Model) -> ModelFacts {
        let decoder = model.decoder();
        let config = &decoder.config;
        ModelFacts {
            name: decoder.name.clone(),
            id: ModelId(decoder.id),
            released: config.released,
            channels: [config.c, config.m, config.z, config.p],
            stride: config.stride,
            blocks: [model.encoder().map_or(0, |encoder| encoder.config.n_e), config.n_d],
        }
    }
}

/// The models in this program, the default first.
///
/// # Errors
/// [`Error::Engine`] if this program was built with a damaged one.
pub fn embedded_models() -> Result<Vec<ModelFacts>, Error> {
    Ok(vec![ModelFacts::of(&default_model()?)])
}

pub(crate) fn default_model() -> Result<Model, Error> {
    load(DEFAULT.decoder, Some(DEFAULT.encoder))
}

/// The scale of an embedded model, of which nothing else is read.
pub(crate) fn scale_of(id: ModelId) -> Result<Option<QualityScale>, Error> {
    let (known, scale) = QualityScale::of_encoder(DEFAULT.encoder)?;
    Ok((known == id.0).then_some(scale))
}

/// Without the encoder part, which takes time to check.
pub(crate) fn default_decoder() -> Result<Model, Error> {
    load(DEFAULT.decoder, None)
}

pub(crate) fn load(decoder: &[u8], encoder: Option<&[u8]>) -> Result<Model, Error> {
    let decoder = Decoder::from_safetensors(decoder)?;
    let encoder = encoder.map(Encoder::from_safetensors).transpose()?;
    Ok(Model::new(decoder, encoder)?)
}
