//! Gaussian tables and symbols for tests and the example; floats are allowed here. (The exporter makes the real tables.)
#![allow(dead_code)] // each test file uses a part

use calotype_rans::Tables;

/// Probability that a Gaussian of mean 0 rounds to `symbol`.
pub fn gaussian(sigma: f64, symbol: i32) -> f64 {
    let magnitude = f64::from(symbol.abs());
    (above(sigma, magnitude - 0.5) - above(sigma, magnitude + 0.5)).max(1e-300)
}

/// Probability that a Gaussian of mean 0 exceeds `edge`.
pub fn above(sigma: f64, edge: f64) -> f64 {
    0.5 * libm::erfc(edge / (sigma * std::f64::consts::SQRT_2))
}

/// 64 scales from 0.11 to 256, log-spaced.
pub fn scales() -> Vec<f64> {
    (0..64).map(|index| 0.11 * (256.0_f64 / 0.11).powf(f64::from(index) / 63.0)).collect()
}

/// Frequencies of the slots -n..=n and escape, summing to `1 << bits`.
pub struct Row {
    pub largest: i32,
    pub freqs: Vec<u32>,
}

/// Symbols of probability below half a unit go to the escape; the rest of the rounding goes where it saves most bits.
pub fn row(sigma: f64, bits: u32) -> Row {
    let total = f64::from(1 << bits);
    let largest = (1..).find(|&n| gaussian(sigma, n) * total < 0.5).unwrap_or(1) - 1;
    let mut probabilities: Vec<f64> = (-largest..=largest).map(|symbol| gaussian(sigma, symbol)).collect();
    probabilities.push(2.0 * above(sigma, f64::from(largest) + 0.5));
    let mut freqs: Vec<u32> = probabilities.iter().map(|p| ((p * total) as u32).max(1)).collect();
    balance(&mut freqs, &probabilities, 1 << bits);
    Row { largest, freqs }
}

/// Adds units where they gain most, or takes them where they cost least, until the sum is `total`.
fn balance(freqs: &mut [u32], probabilities: &[f64], total: u32) {
    let worth = |p: f64, from: u32, to: u32| p * (f64::from(to) / f64::from(from)).ln();
    let mut sum: u32 = freqs.iter().sum();
    while sum < total {
        let best = argmax(freqs.iter().zip(probabilities).map(|(&f, &p)| worth(p, f, f + 1)));
        (freqs[best], sum) = (freqs[best] + 1, sum + 1);
    }
    while sum > total {
        let best = argmax(freqs.iter().zip(probabilities).map(|(&f, &p)| if f > 1 { worth(p, f, f - 1) } else { f64::MIN }));
        (freqs[best], sum) = (freqs[best] - 1, sum - 1);
    }
}

fn argmax(values: impl Iterator<Item = f64>) -> usize {
    values.enumerate().fold((0, f64::MIN), |best, (i, v)| if v > best.1 { (i, v) } else { best }).0
}

/// The tables of [`scales`].
pub fn tables() -> Tables {
    tables_of(&scales())
}

/// Tables of 15 bits for any scales.
pub fn tables_of(sigmas: &[f64]) -> Tables {
    let rows: Vec<Row> = sigmas.iter().map(|&sigma| row(sigma, 15)).collect();
    let sizes: Vec<u16> = rows.iter().map(|row| row.largest as u16).collect();
    let starts =
        |row: &Row| row.freqs.iter().scan(0, |start, freq| Some(std::mem::replace(start, *start + freq) as u16)).collect::<Vec<_>>();
    Tables::new(&sizes, &rows.iter().flat_map(starts).collect::<Vec<u16>>()).unwrap()
}

/// SplitMix64: a seeded source of numbers.
pub struct Random(pub u64);

impl Random {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.bits() % bound
    }

    /// Mean 0, variance 1 (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let mut uniform = || ((self.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        let (radius, angle) = (uniform(), uniform());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }
}
