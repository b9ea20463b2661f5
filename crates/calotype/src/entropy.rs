//! The cross entropy of coded symbols under the model's tables: the yardstick of files.

use calotype_rans::{PROBABILITY_BITS, Tables};

/// Shannon's bound in bits for the symbols with `scale_index[i] >= skip_below` under the frequencies of their tables, in float64.
///
/// An escaped symbol counts with the bits of its escape code. Symbols that cannot be coded count as infinitely many.
pub fn cross_entropy_bits(symbols: &[i16], scale_index: &[u8], skip_below: u8, tables: &Tables) -> f64 {
    let coded = symbols.iter().zip(scale_index).filter(|(_, index)| **index >= skip_below);
    coded.map(|(symbol, index)| symbol_bits(*symbol, *index, tables)).sum()
}

fn symbol_bits(symbol: i16, scale_index: u8, tables: &Tables) -> f64 {
    tables.frequency(scale_index, symbol).map_or(f64::INFINITY, |(frequency, escape_bits)| {
        f64::from(PROBABILITY_BITS) - f64::from(frequency).log2() + f64::from(escape_bits)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Symbols -1, 0, 1 with 1/4, 1/2 and 1/8, escapes with 1/8.
    fn tables() -> Tables {
        Tables::new(&[1], &[0, 1 << 13, 3 << 13, 7 << 12]).unwrap()
    }

    #[test]
    fn bits_by_hand() {
        let bits = |symbols: &[i16]| cross_entropy_bits(symbols, &vec![0; symbols.len()], 0, &tables());
        assert_eq!(bits(&[0]), 1.0);
        assert_eq!(bits(&[-1, 1, 0, 0]), 2.0 + 3.0 + 1.0 + 1.0);
        assert_eq!(bits(&[2]), 3.0 + 2.0, "one bit of the gamma code, one of sign");
        assert_eq!(bits(&[-5]), 3.0 + 6.0, "5 of the gamma code of 4, one of sign");
        assert_eq!(bits(&[i16::MIN]), f64::INFINITY);
    }

    #[test]
    fn skipped_symbols_cost_nothing() {
        assert_eq!(cross_entropy_bits(&[0, 0], &[0, 1], 1, &tables()), f64::INFINITY, "no table 1");
        assert_eq!(cross_entropy_bits(&[0, 0], &[0, 0], 1, &tables()), 0.0);
    }
}
