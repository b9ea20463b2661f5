//! The sizes of a network, as in the `config` of a model file of the first form (docs/MODEL.md section 8).

use crate::{ChainShape, DecoderShape, EncoderShape};

/// Sizes and integer parameters of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// C, hidden channels of g_a and g_s.
    pub c: usize,
    /// M, latent channels.
    pub m: usize,
    /// Z, hyper-latent channels.
    pub z: usize,
    /// P, channels of the entropy networks.
    pub p: usize,
    /// Blocks of g_a.
    pub n_e: usize,
    /// Blocks of g_s.
    pub n_d: usize,
    /// y symbols with a scale index below this one are not coded: they are 0.
    pub skip_below: u8,
    /// Added to a log sigma (Q8) before the look-up in `scale_lut` (docs/MODEL.md section 3).
    pub scale_lut_offset: i32,
    /// Whether the model is in a tagged release, so that its files decode for ever.
    pub released: bool,
}

impl Config {
    /// Largest C, M, Z or P that a loader accepts.
    pub const MAX_CHANNELS: usize = 4096;
    /// Largest number of blocks that a loader accepts.
    pub const MAX_BLOCKS: usize = 64;
    /// Largest magnitude of `scale_lut_offset` that a loader accepts; keeps the index arithmetic far from overflow.
    pub const MAX_LUT_OFFSET: i32 = 1 << 20;

    /// Whether encoder and decoder parts with these configs have the same latents and hyper-latents.
    pub fn same_latents(&self, other: &Config) -> bool {
        (self.m, self.z) == (other.m, other.z)
    }

    /// The sizes of a network of any form: C is that of g_s, P the channels of h.
    pub(crate) fn of_decoder(shape: &DecoderShape, numbers: Numbers) -> Config {
        let hyper = shape.hyper.as_ref();
        Config {
            c: shape.g_s.stages[0].channels(),
            m: shape.latents.channels,
            z: hyper.map_or(0, |hyper| hyper.grid.channels),
            p: hyper.map_or(0, |hyper| hyper.h_s.channels()),
            n_e: 0,
            n_d: shape.g_s.stages[0].blocks.len(),
            ..numbers.config()
        }
    }

    /// The same for an encoder part: C is that of g_a, P the channels of h_a's first stage.
    pub(crate) fn of_encoder(shape: &EncoderShape, numbers: Numbers) -> Config {
        Config {
            c: shape.g_a.stages[0].channels(),
            m: shape.g_a.channels(),
            z: shape.h_a.as_ref().map_or(0, ChainShape::channels),
            p: shape.h_a.as_ref().map_or(0, |h_a| h_a.stages[0].channels()),
            n_e: shape.g_a.stages[0].blocks.len(),
            n_d: 0,
            ..numbers.config()
        }
    }
}

/// What a config says beside sizes.
#[derive(Clone, Copy)]
pub(crate) struct Numbers {
    pub skip_below: u8,
    pub scale_lut_offset: i32,
    pub released: bool,
}

impl Numbers {
    /// With sizes of 0.
    pub fn config(self) -> Config {
        let Numbers { skip_below, scale_lut_offset, released } = self;
        Config { c: 0, m: 0, z: 0, p: 0, n_e: 0, n_d: 0, skip_below, scale_lut_offset, released }
    }
}
