//! Monotone cubic interpolation (Fritsch and Carlson 1980, slopes as in SciPy's `PchipInterpolator`) with exact integrals.

/// A piecewise cubic through points of strictly increasing x.
#[derive(Debug)]
pub struct Pchip {
    x: Vec<f64>,
    y: Vec<f64>,
    slope: Vec<f64>,
}

impl Pchip {
    /// Through the points `(x[i], y[i])`; `None` unless there are two or more and x is finite and strictly increasing.
    pub fn new(x: Vec<f64>, y: Vec<f64>) -> Option<Pchip> {
        let usable = x.len() >= 2 && x.len() == y.len() && x.iter().chain(&y).all(|value| value.is_finite());
        if !usable || x.windows(2).any(|pair| pair[0] >= pair[1]) {
            return None;
        }
        let slope = slopes(&x, &y);
        Some(Pchip { x, y, slope })
    }

    /// The first and the last x.
    pub fn range(&self) -> (f64, f64) {
        (self.x[0], self.x[self.x.len() - 1])
    }

    /// The integral from `from` to `to`, both within the range.
    pub fn integral(&self, from: f64, to: f64) -> f64 {
        (0..self.x.len() - 1)
            .map(|i| {
                let (low, high) = (from.max(self.x[i]), to.min(self.x[i + 1]));
                if low < high { self.antiderivative(i, high) - self.antiderivative(i, low) } else { 0.0 }
            })
            .sum()
    }

    /// The integral of piece i from its left end to `at`, of the cubic Hermite polynomial.
    fn antiderivative(&self, i: usize, at: f64) -> f64 {
        let width = self.x[i + 1] - self.x[i];
        let t = (at - self.x[i]) / width;
        let rise = self.y[i + 1] - self.y[i];
        let (left, right) = (self.slope[i] * width, self.slope[i + 1] * width);
        let square = 3.0 * rise - 2.0 * left - right;
        let cube = left + right - 2.0 * rise;
        width * t * (self.y[i] + t * (left / 2.0 + t * (square / 3.0 + t * cube / 4.0)))
    }
}

fn slopes(x: &[f64], y: &[f64]) -> Vec<f64> {
    let width: Vec<f64> = x.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let secant: Vec<f64> = y.windows(2).zip(&width).map(|(pair, width)| (pair[1] - pair[0]) / width).collect();
    let last = secant.len() - 1;
    if last == 0 {
        return vec![secant[0]; 2];
    }
    let inner = (1..=last).map(|i| inner_slope([width[i - 1], width[i]], [secant[i - 1], secant[i]]));
    let first = end_slope([width[0], width[1]], [secant[0], secant[1]]);
    let end = end_slope([width[last], width[last - 1]], [secant[last], secant[last - 1]]);
    std::iter::once(first).chain(inner).chain(std::iter::once(end)).collect()
}

/// Weighted harmonic mean of the secants on both sides; 0 at an extremum.
fn inner_slope(width: [f64; 2], secant: [f64; 2]) -> f64 {
    if secant[0] * secant[1] <= 0.0 {
        return 0.0;
    }
    let weight = [2.0 * width[1] + width[0], width[1] + 2.0 * width[0]];
    (weight[0] + weight[1]) / (weight[0] / secant[0] + weight[1] / secant[1])
}

/// One-sided three-point slope, limited to keep the shape; the end's own interval comes first.
fn end_slope(width: [f64; 2], secant: [f64; 2]) -> f64 {
    let slope = ((2.0 * width[0] + width[1]) * secant[0] - width[0] * secant[1]) / (width[0] + width[1]);
    if slope * secant[0] <= 0.0 {
        0.0
    } else if secant[0] * secant[1] <= 0.0 && slope.abs() > 3.0 * secant[0].abs() {
        3.0 * secant[0]
    } else {
        slope
    }
}
