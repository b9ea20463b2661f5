//! The cross entropy of coded symbols under float64 Gaussians: the yardstick of the entropy coder.

use std::f64::consts::{LN_2, PI, SQRT_2};

/// The smallest and the largest sigma of the table.
const SIGMA_RANGE: (f64, f64) = (0.11, 256.0);
/// Magnitudes below this one are counted before their cost is computed.
const COUNTED: usize = 1024;

/// Shannon's bound in bits for the symbols with `scale_index[i] >= skip_below`, each under a zero-mean Gaussian integrated over `[v - 1/2, v + 1/2]`.
///
/// Scale i of `scales` has `sigma = 0.11 (256 / 0.11)^(i / (scales - 1))`.
pub fn cross_entropy_bits(symbols: &[i16], scale_index: &[u8], skip_below: u8, scales: usize) -> f64 {
    let mut counts = vec![0_u64; scales * COUNTED];
    let mut bits = 0.0;
    for (symbol, index) in symbols.iter().zip(scale_index).filter(|(_, index)| **index >= skip_below) {
        let (magnitude, scale) = (usize::from(symbol.unsigned_abs()), usize::from(*index));
        match counts.get_mut(scale * COUNTED + magnitude) {
            Some(count) if magnitude < COUNTED => *count += 1,
            _ => bits += symbol_bits(magnitude as f64, sigma(scale, scales)),
        }
    }
    let counted = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    bits + counted.map(|(slot, count)| *count as f64 * symbol_bits((slot % COUNTED) as f64, sigma(slot / COUNTED, scales))).sum::<f64>()
}

fn sigma(scale: usize, scales: usize) -> f64 {
    let (low, high) = SIGMA_RANGE;
    low * (high / low).powf(scale as f64 / (scales.max(2) - 1) as f64)
}

/// -log2 of the mass of N(0, sigma^2) on `[magnitude - 1/2, magnitude + 1/2]`.
fn symbol_bits(magnitude: f64, sigma: f64) -> f64 {
    let upper = (magnitude + 0.5) / (sigma * SQRT_2);
    if magnitude == 0.0 {
        return -libm::erf(upper).log2();
    }
    let lower = (magnitude - 0.5) / (sigma * SQRT_2);
    let mass = (libm::erfc(lower) - libm::erfc(upper)) / 2.0;
    if mass > f64::MIN_POSITIVE { -mass.log2() } else { tail_bits(lower) }
}

/// The same where erfc underflows: `erfc(x) ~ exp(-x^2) / (x sqrt(pi)) (1 - 1 / (2 x^2))`; the far end of the interval no longer matters.
fn tail_bits(lower: f64) -> f64 {
    let square = lower * lower;
    (square + (lower * PI.sqrt()).ln() - (1.0 - 0.5 / square).ln()) / LN_2 + 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masses_sum_to_one() {
        for sigma in [0.11, 0.5, 3.0, 40.0] {
            let mass = |v: i32| (-symbol_bits(f64::from(v.abs()), sigma)).exp2();
            let sum: f64 = (-2000..=2000).map(mass).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{sigma}: {sum}");
        }
    }

    #[test]
    fn values_of_scipy() {
        // -log2(norm.cdf(v + .5, scale=s) - norm.cdf(v - .5, scale=s)); in the tail -norm.logsf((v - .5) / s) / ln 2, SciPy 1.17.1.
        let expected = [(0.0, 1.0, 1.384_866_534_290_989_6), (3.0, 1.0, 7.386_353_992_888_303), (10.0, 0.5, 265.984_099_538_895_07)];
        for (magnitude, sigma, bits) in expected {
            let got = symbol_bits(magnitude, sigma);
            assert!((got - bits).abs() < 1e-9 * bits, "{magnitude} {sigma}: {got}");
        }
        assert!((symbol_bits(30.0, 0.11) / 51_889.779_585_067_01 - 1.0).abs() < 1e-8, "{}", symbol_bits(30.0, 0.11));
    }

    #[test]
    fn the_tail_joins_without_a_step() {
        let sigma = 1.0;
        let mut last = 0.0;
        for magnitude in 1..200 {
            let bits = symbol_bits(f64::from(magnitude), sigma);
            let step = bits - last;
            last = bits;
            assert!(step > 0.0 && step < 1.5 * f64::from(magnitude) + 2.0, "{magnitude}: {step}");
        }
    }

    #[test]
    fn skipped_symbols_cost_nothing_and_large_ones_are_counted() {
        let all = cross_entropy_bits(&[0, 3, -3, 2000], &[0, 40, 40, 63], 0, 64);
        let coded = cross_entropy_bits(&[0, 3, -3, 2000], &[0, 40, 40, 63], 1, 64);
        let zero = symbol_bits(0.0, 0.11);
        assert!((all - coded - zero).abs() < 1e-9);
        let by_hand = 2.0 * symbol_bits(3.0, sigma(40, 64)) + symbol_bits(2000.0, 256.0);
        assert!((coded - by_hand).abs() < 1e-9 * by_hand);
    }

    /// The model file holds frequencies, not sigmas: this ties the formula here to the one its exporter used.
    #[test]
    fn sigmas_are_those_of_the_embedded_tables() {
        let codec = crate::Codec::decode_only(Some(calotype_cpu::Isa::Portable)).unwrap();
        let scales = codec.tables.len();
        let difference = |formula: fn(usize, usize) -> f64, scale: usize| {
            let table = f64::from(codec.tables.cost(scale as u8, 0)) / 256.0;
            (symbol_bits(0.0, formula(scale, scales)) - table).abs()
        };
        // 1/512 bit of rounding in the cost, and at the widest table a frequency of 51 / 2^15, rounded to one: 0.03 bit; a step of sigma is 0.15.
        assert!((0..scales).all(|scale| difference(sigma, scale) < 0.03));
        let next = |scale, scales| sigma(scale + 1, scales);
        assert!((16..scales).all(|scale| difference(next, scale) > 0.03), "the comparison notices the neighbouring sigma");
    }
}
