//! The two parts of a model, decoder and encoder, with their pairing.

use crate::tables::{LARGEST_FINENESS, interpolate};
use crate::{Chain, Config, Error, GainTable, QualityScale, QualityTables, Schedule, Tables, WidthTables};

/// The decoder part: everything between coded symbols and pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoder {
    /// The model's name, e.g. `fast`.
    pub name: String,
    /// The model id in `.calo` files: a hash of this part (docs/MODEL.md section 8).
    pub id: [u8; 8],
    /// Sizes.
    pub config: Config,
    /// Hyper synthesis: z to h; `None` for a factorised prior.
    pub h_s: Option<Chain>,
    /// `[P]`, at most 15: how predictors read h_s's stream. Empty without one.
    pub h_read: Vec<u8>,
    /// `[M]`, at most 15: how predictors read v_hat. Empty where none does.
    pub v_hat_read: Vec<u8>,
    /// The chains that the schedule asks for means (v units) and scales (log sigma, Q8), each of M channels.
    pub predictors: Vec<Chain>,
    /// Which latents are set when, and from which predictor.
    pub schedule: Schedule,
    /// Synthesis: v_hat to pixels, Q4.
    pub g_s: Chain,
    /// Quality tables.
    pub tables: Tables,
    /// The widths of the quantiser.
    pub widths: WidthTables,
    /// `[512]`, not descending: log sigma to CDF table.
    pub scale_lut: Vec<u8>,
    /// The largest symbol of each CDF table.
    pub cdf_sizes: Vec<u16>,
    /// The CDF tables one after the other (docs/FORMAT.md section 6).
    pub cdf: Vec<u16>,
}

/// The encoder part: pixels to latents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoder {
    /// The model's name, e.g. `fast`.
    pub name: String,
    /// Sizes; `n_e` is this part's own.
    pub config: Config,
    /// The id of the decoder that this part was trained with.
    pub decoder_id: [u8; 8],
    /// Analysis: pixels to v.
    pub g_a: Chain,
    /// Hyper analysis: v to z; `None` for a factorised prior.
    pub h_a: Option<Chain>,
    /// `gain.z` Z: stream units of h_a to z symbols.
    pub gain_z: GainTable,
    /// Which quality a fineness gives; the default where nobody has measured.
    pub quality_scale: QualityScale,
}

/// A decoder and, where one wants to encode, its encoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    decoder: Decoder,
    encoder: Option<Encoder>,
}

impl Decoder {
    /// The chain that predicts the scales: before any latent is set, so from h alone. `None` if they stand in a table.
    pub fn scale_predictor(&self) -> Option<&Chain> {
        self.schedule.steps[0].scale.map(|scale| &self.predictors[scale])
    }

    /// The chain that predicts the widths of the quantiser, from h alone. `None` if all are 1.
    pub fn width_predictor(&self) -> Option<&Chain> {
        self.schedule.steps[0].width.map(|width| &self.predictors[width])
    }

    /// Its chains, in the order of decoding.
    pub fn chains(&self) -> impl Iterator<Item = &Chain> {
        self.h_s.iter().chain(&self.predictors).chain([&self.g_s])
    }

    /// [`Decoder::chains`], to change.
    pub fn chains_mut(&mut self) -> impl Iterator<Item = &mut Chain> {
        self.h_s.iter_mut().chain(&mut self.predictors).chain([&mut self.g_s])
    }

    /// The tables at fineness Q in 0..=[`crate::LARGEST_FINENESS`] (docs/MODEL.md section 3); larger Q counts as the largest.
    pub fn quality(&self, fineness: u16) -> QualityTables {
        let tables = &self.tables;
        let index = |log_sigma: &[i16]| {
            let log_sigma = interpolate(log_sigma, fineness);
            log_sigma.iter().map(|&s| self.scale_index(i32::from(s))).collect()
        };
        QualityTables {
            fineness: fineness.min(LARGEST_FINENESS),
            gain_y: interpolate(&tables.gain_y.gain, fineness),
            gain_y_dec: interpolate(&tables.gain_y_dec.gain, fineness),
            gain_z_dec: interpolate(&tables.gain_z_dec.gain, fineness),
            log_gain_y: interpolate(&tables.log_gain_y, fineness),
            scale_index_z: index(&tables.log_sigma_z),
            scale_index_y: index(&tables.log_sigma_y),
        }
    }

    /// The CDF table for a log sigma in Q8, `|log_sigma|` at most 2^20 (docs/MODEL.md section 3).
    pub fn scale_index(&self, log_sigma: i32) -> u8 {
        self.scale_lut[((log_sigma + self.config.scale_lut_offset) >> 3).clamp(0, 511) as usize]
    }
}

impl Encoder {
    /// Its chains, in the order of encoding.
    pub fn chains(&self) -> impl Iterator<Item = &Chain> {
        std::iter::once(&self.g_a).chain(&self.h_a)
    }

    /// [`Encoder::chains`], to change.
    pub fn chains_mut(&mut self) -> impl Iterator<Item = &mut Chain> {
        std::iter::once(&mut self.g_a).chain(&mut self.h_a)
    }

    /// `gain.z` `[Z]` at fineness Q; Q above [`crate::LARGEST_FINENESS`] counts as that.
    pub fn gain_z(&self, fineness: u16) -> Vec<i16> {
        interpolate(&self.gain_z.gain, fineness)
    }
}

impl Model {
    /// Pairs the parts. [`Error::Pair`] or [`Error::PairConfig`] if the encoder was made for another decoder.
    pub fn new(decoder: Decoder, encoder: Option<Encoder>) -> Result<Model, Error> {
        if let Some(encoder) = &encoder {
            check_pair(&decoder, encoder)?;
        }
        Ok(Model { decoder, encoder })
    }

    /// Parts that are known to belong together.
    pub(crate) fn from_pair(decoder: Decoder, encoder: Encoder) -> Model {
        Model { decoder, encoder: Some(encoder) }
    }

    /// The decoder part.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// The encoder part, if there is one.
    pub fn encoder(&self) -> Option<&Encoder> {
        self.encoder.as_ref()
    }
}

fn check_pair(decoder: &Decoder, encoder: &Encoder) -> Result<(), Error> {
    if encoder.decoder_id != decoder.id {
        return Err(Error::Pair { decoder: hex(decoder.id), encoder: hex(encoder.decoder_id) });
    }
    if !encoder.config.same_latents(&decoder.config) {
        return Err(Error::PairConfig { decoder: hex(decoder.id) });
    }
    Ok(())
}

/// 16 hexadecimal digits, lower case.
pub(crate) fn hex(id: [u8; 8]) -> String {
    format!("{:016x}", u64::from_be_bytes(id))
}
