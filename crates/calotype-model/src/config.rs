//! The sizes of a network, as in the `config` of a model file of the first form (docs/MODEL.md section 8).

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
    /// Pixels on a side of the square that a latent stands for: 16 in the first form. A hyper-latent has 4 x 4 latents.
    pub stride: usize,
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
        (self.m, self.z, self.stride) == (other.m, other.z, other.stride)
    }
}
