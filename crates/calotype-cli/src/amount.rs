//! Amounts in arguments, bytes and counts with units; amounts in messages.

use crate::bad_value::BadValue;

/// Bytes from text such as 100000, 100kB, 1.5MB, 64KiB, 2GiB, 1TB.
///
/// # Errors
/// [`BadValue::Bytes`].
pub fn parse_bytes(text: &str) -> Result<u64, BadValue> {
    let lower = text.to_ascii_lowercase();
    let units = [
        ("kib", 1_u64 << 10),
        ("mib", 1 << 20),
        ("gib", 1 << 30),
        ("tib", 1 << 40),
        ("kb", 1000),
        ("mb", 1_000_000),
        ("gb", 1_000_000_000),
        ("tb", 1_000_000_000_000),
        ("b", 1),
    ];
    let found = units.into_iter().find_map(|(unit, bytes)| Some((lower.strip_suffix(unit)?, bytes)));
    let number = match found {
        Some((number, unit)) => number.trim().parse::<f64>().ok().map(|number| number * unit as f64),
        None => return parse_count(text).map_err(|_| BadValue::Bytes),
    };
    whole(number).ok_or(BadValue::Bytes)
}

/// A number from text such as 100000, 100k, 1.5M, 2G, 1T.
///
/// # Errors
/// [`BadValue::Count`].
pub fn parse_count(text: &str) -> Result<u64, BadValue> {
    let lower = text.to_ascii_lowercase();
    let units = [("k", 1e3), ("m", 1e6), ("g", 1e9), ("t", 1e12), ("", 1.0)];
    let found = units.into_iter().find_map(|(unit, value)| Some((lower.strip_suffix(unit)?, value)));
    let number = found.and_then(|(number, unit)| Some(number.trim().parse::<f64>().ok()? * unit));
    whole(number).ok_or(BadValue::Count)
}

/// A number of things, e.g. `1 file`, `2 files`.
pub fn counted(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

fn whole(number: Option<f64>) -> Option<u64> {
    number.filter(|number| (1.0..1e15).contains(number)).map(|number| number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let sizes =
            ["100000", "100kB", "1.5MB", "64KiB", "2 MiB", "7B", "3k", "2G", "1GB", "4GiB", "5kb"].map(|text| parse_bytes(text).unwrap());
        assert_eq!(sizes, [100_000, 100_000, 1_500_000, 65_536, 2 << 20, 7, 3000, 2_000_000_000, 1_000_000_000, 4 << 30, 5000]);
        let large = ["1TB", "2 TiB", "0.5tb", "3T"].map(|text| parse_bytes(text).unwrap());
        assert_eq!(large, [1_000_000_000_000, 2 << 40, 500_000_000_000, 3_000_000_000_000]);
        let counts = ["1000000000", "1.5M", "2 g", "7", "1T"].map(|text| parse_count(text).unwrap());
        assert_eq!(counts, [1_000_000_000, 1_500_000, 2_000_000_000, 7, 1_000_000_000_000]);
        for text in ["", "kB", "-5", "0", "5 apples", "nan", "inf", "1e99"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }
}
