//! CDF tables of Gaussians with log-spaced scales, made with IEEE basic operations only, so that they are the same everywhere.

/// The number of scales; the first is 0.11, the last 256.
const SCALES: usize = 64;
const SMALLEST: f64 = 0.11;
/// ln(0.11), and the step ln(256 / 0.11) / 63.
const LOG_SMALLEST: f64 = -2.207_274_913;
const LOG_STEP: f64 = 0.123_054_799;
/// Probabilities sum to 2^15.
const TOTAL: usize = 1 << 15;

/// e^x for |x| below 700, the same bits on every machine (unlike `f64::exp`); good to about 1e-9 for small x.
pub(super) fn exp(x: f64) -> f64 {
    let mut power = 1.0 + x / 65536.0 * (1.0 + x / 131_072.0);
    (0..16).for_each(|_| power *= power);
    power
}

/// `cdf_sizes` and `cdf` (docs/FORMAT.md section 6).
pub(super) fn tables() -> (Vec<u16>, Vec<u16>) {
    let tables: Vec<Vec<u16>> = (0..SCALES).map(|i| table(SMALLEST * exp(LOG_STEP * i as f64))).collect();
    let sizes = tables.iter().map(|table| (table.len() / 2 - 1) as u16).collect();
    (sizes, tables.concat())
}

/// `scale_lut`: the nearest scale to each log sigma.
pub(super) fn scale_lut(offset: i32) -> Vec<u8> {
    let log_sigma = |entry: i32| f64::from(8 * entry - offset) / 256.0;
    let nearest = |entry: i32| ((log_sigma(entry) - LOG_SMALLEST) / LOG_STEP + 0.5).clamp(0.0, (SCALES - 1) as f64);
    (0..512).map(|entry| nearest(entry) as u8).collect()
}

/// Cumulative frequencies of the symbols -n..=n and the escape, n about 5 sigma.
fn table(sigma: f64) -> Vec<u16> {
    let n = (5.0 * sigma) as i32 + 1;
    let masses: Vec<f64> = (-n..=n).map(|symbol| mass(symbol, sigma)).collect();
    let total: f64 = masses.iter().sum();
    let spare = TOTAL - masses.len() - 1;
    let mut starts = vec![0];
    let mut sum = 0.0;
    for (slot, mass) in masses.iter().enumerate() {
        sum += mass;
        starts.push((slot + 1 + (sum / total * spare as f64) as usize).min(TOTAL - 1) as u16);
    }
    starts
}

/// The probability of a symbol times sqrt(2 pi) sigma: eight midpoints.
fn mass(symbol: i32, sigma: f64) -> f64 {
    let at = |part: i32| (f64::from(symbol) - 0.5 + (f64::from(part) + 0.5) / 8.0) / sigma;
    (0..8).map(|part| exp(-0.5 * at(part) * at(part))).sum()
}
