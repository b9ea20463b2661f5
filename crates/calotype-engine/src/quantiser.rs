//! The encoder's choice of a symbol: rounding with a dead zone by scale (docs/MODEL.md section 6).

/// Rounds y - mu to a symbol, with a threshold for each scale index.
///
/// `|delta|` goes up to the next integer where its fraction (1/64ths) is at least the threshold, so 32 is the nearest symbol
/// and 64 is truncation toward zero. The rule is symmetric: the nearest symbol's ties go away from zero, so it is
/// `(delta + 32) >> 6` for every delta but the negative ties (-32, -96, ...), where it is one less.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantiser {
    threshold_q6: [u8; 256],
}

impl Quantiser {
    /// The nearest symbol at every scale.
    pub fn nearest() -> Quantiser {
        Quantiser { threshold_q6: [32; 256] }
    }

    /// Thresholds in 1/64 of a symbol by scale index; values outside 1..=64 count as the nearest bound.
    pub fn with_thresholds(threshold_q6: [u8; 256]) -> Quantiser {
        Quantiser { threshold_q6: threshold_q6.map(|threshold| threshold.clamp(1, 64)) }
    }

    /// The threshold of a scale index, in 1/64 of a symbol.
    pub fn threshold_q6(&self, scale_index: u8) -> u8 {
        self.threshold_q6[usize::from(scale_index)]
    }

    /// The symbol for `delta_q6` = y - mu (Q6), clamped to -32767..=32767.
    pub fn symbol(&self, scale_index: u8, delta_q6: i32) -> i16 {
        let threshold = u32::from(self.threshold_q6[usize::from(scale_index)]);
        let magnitude = (delta_q6.unsigned_abs() + 64 - threshold) >> 6;
        let symbol = magnitude.min(32767) as i16;
        if delta_q6 < 0 { -symbol } else { symbol }
    }
}

impl Default for Quantiser {
    fn default() -> Quantiser {
        Quantiser::nearest()
    }
}

#[cfg(test)]
mod tests {
    use super::Quantiser;

    #[test]
    fn nearest_is_the_page_rule_but_at_negative_ties() {
        let nearest = Quantiser::nearest();
        for delta in -70_000_i32..=70_000 {
            let tie = i32::from(delta < 0 && delta.rem_euclid(64) == 32);
            assert_eq!(i32::from(nearest.symbol(7, delta)), ((delta + 32) >> 6) - tie, "delta {delta}");
        }
    }

    #[test]
    fn thresholds_are_symmetric_dead_zones_by_scale() {
        let mut thresholds = [32; 256];
        thresholds[3] = 40;
        thresholds[4] = 0;
        thresholds[5] = 255;
        let quantiser = Quantiser::with_thresholds(thresholds);
        let symbols = |index| [-104, -103, -64, -40, -39, 0, 39, 40, 64, 103, 104].map(|delta| quantiser.symbol(index, delta));
        assert_eq!(symbols(3), [-2, -1, -1, -1, 0, 0, 0, 1, 1, 1, 2]);
        assert_eq!(symbols(4), [-2, -2, -1, -1, -1, 0, 1, 1, 1, 2, 2], "a threshold of 0 counts as 1");
        assert_eq!(symbols(5), [-1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1], "a threshold above 64 counts as 64");
    }

    #[test]
    fn extremes_do_not_overflow() {
        let nearest = Quantiser::nearest();
        assert_eq!(nearest.symbol(0, i32::MIN), -32767);
        assert_eq!(nearest.symbol(255, i32::MAX), 32767);
    }
}
