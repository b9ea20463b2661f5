//! Quality tables and the scale index (docs/MODEL.md section 3).

/// Rows of each quality table.
pub const KNOTS: usize = 64;

/// The largest fineness Q in a file: 63 * 256.
pub const LARGEST_FINENESS: u16 = (KNOTS as u16 - 1) << 8;

/// Gains by quality with a right shift per channel: `round_shift(value * gain(Q), shift)`. Empty where there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GainTable {
    /// `[64, channels]`, at least 0.
    pub gain: Vec<i16>,
    /// `[channels]`, at most 30.
    pub shift: Vec<u8>,
}

/// The decoder part's quality tables, 64 rows each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tables {
    /// `gain.y` M: v units to Q6 symbols.
    pub gain_y: GainTable,
    /// `gain.y_dec` M: Q6 symbols to v units.
    pub gain_y_dec: GainTable,
    /// `gain.z_dec` Z: z symbols to codes.
    pub gain_z_dec: GainTable,
    /// `log_gain.y` `[64, M]`, Q8: added to the scale predictor. Empty without one.
    pub log_gain_y: Vec<i16>,
    /// `log_sigma.y` `[64, M]`, Q8: the scales of y where no chain predicts them, else empty.
    pub log_sigma_y: Vec<i16>,
    /// `log_sigma.z` `[64, Z]`, Q8: the scales of z.
    pub log_sigma_z: Vec<i16>,
}

/// What the widths of the quantiser are, by their index; empty where all are 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WidthTables {
    /// `width.y` `[2n + 1]`, Q12, at least 0: times this after `gain.y`. Entry n is that of width 1.
    pub y: Vec<i16>,
    /// `width.y_dec` `[2n + 1]`, Q12, at least 0: times this before `gain.y_dec`.
    pub y_dec: Vec<i16>,
}

impl WidthTables {
    /// The fractional bits of the factors.
    pub const SHIFT: u8 = 12;
    /// The factor of width 1.
    pub const ONE: i16 = 1 << Self::SHIFT;
    /// Most entries: an index is a byte.
    pub const MOST: usize = 255;

    /// The index of width 1.
    pub fn middle(&self) -> i32 {
        self.y.len() as i32 / 2
    }

    /// The index for a predictor's value (docs/MODEL.md section 5.2): an eighth of it, rounded, around the middle of the table.
    pub fn index(&self, value: i16) -> u8 {
        nearest(value, self.middle())
    }

    /// [`WidthTables::index`] of each value.
    #[inline(always)]
    pub fn indices(&self, values: &[i16], indices: &mut [u8]) {
        let middle = self.middle();
        indices.iter_mut().zip(values).for_each(|(index, &value)| *index = nearest(value, middle));
    }
}

#[inline(always)]
fn nearest(value: i16, middle: i32) -> u8 {
    (((i32::from(value) + 4) >> 3).clamp(-middle, middle) + middle) as u8
}

/// The decoder's tables at one fineness. The shifts that belong to the gains are in [`Tables`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualityTables {
    /// Q, for the tables that stand in a chain.
    pub fineness: u16,
    /// `[M]`.
    pub gain_y: Vec<i16>,
    /// `[M]`.
    pub gain_y_dec: Vec<i16>,
    /// `[Z]`.
    pub gain_z_dec: Vec<i16>,
    /// `[M]`, Q8; empty without a scale predictor.
    pub log_gain_y: Vec<i16>,
    /// `[Z]`: the CDF table of each hyper-latent channel.
    pub scale_index_z: Vec<u8>,
    /// `[M]`: the CDF table of each latent channel where no chain predicts it, else empty.
    pub scale_index_y: Vec<u8>,
}

/// A table `[64, channels]` at fineness Q: linear between rows, rounded. Q above [`LARGEST_FINENESS`] counts as that.
pub(crate) fn interpolate(rows: &[i16], fineness: u16) -> Vec<i16> {
    let channels = rows.len() / KNOTS;
    let fineness = fineness.min(LARGEST_FINENESS);
    let (knot, fraction) = ((fineness >> 8) as usize, i32::from(fineness & 255));
    let lower = &rows[knot * channels..][..channels];
    if fraction == 0 {
        return lower.to_vec();
    }
    let upper = &rows[(knot + 1) * channels..][..channels];
    lower.iter().zip(upper).map(|(&a, &b)| ((i32::from(a) * (256 - fraction) + i32::from(b) * fraction + 128) >> 8) as i16).collect()
}
