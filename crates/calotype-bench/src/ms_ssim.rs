//! Multi-scale structural similarity (Wang, Simoncelli and Bovik 2003).

use rayon::prelude::*;

/// Exponents of the five scales, finest first.
const WEIGHTS: [f64; 5] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];
/// Side of the Gaussian window.
const TAPS: usize = 11;
/// Its standard deviation in samples.
const SIGMA: f64 = 1.5;
/// (0.01 * 255)^2
const C1: f64 = 6.5025;
/// (0.03 * 255)^2
const C2: f64 = 58.5225;

/// One channel of a picture, or a map computed from it.
#[derive(Clone)]
struct Plane {
    width: usize,
    height: usize,
    samples: Vec<f64>,
}

/// Mean over the RGB channels of MS-SSIM (windows inside the picture only, data range 255) of two 8-bit RGB pictures of `width` columns.
///
/// `None` for pictures too small for five scales (a side under 176).
pub fn ms_ssim(original: &[u8], decoded: &[u8], width: usize) -> Option<f64> {
    let height = original.len() / 3 / width.max(1);
    if width.min(height) >> (WEIGHTS.len() - 1) < TAPS {
        return None;
    }
    let channels = (0..3).into_par_iter();
    let sum: f64 = channels.map(|channel| channel_ms_ssim(plane(original, width, channel), plane(decoded, width, channel))).sum();
    Some(sum / 3.0)
}

fn plane(rgb: &[u8], width: usize, channel: usize) -> Plane {
    let samples: Vec<f64> = rgb.iter().skip(channel).step_by(3).map(|sample| f64::from(*sample)).collect();
    Plane { width, height: samples.len() / width, samples }
}

fn channel_ms_ssim(mut a: Plane, mut b: Plane) -> f64 {
    let window = gaussian();
    let mut product = 1.0;
    for (scale, weight) in WEIGHTS.iter().enumerate() {
        if scale > 0 {
            (a, b) = (halve(&a), halve(&b));
        }
        let (ssim, contrast) = ssim(&a, &b, &window);
        let factor = if scale == WEIGHTS.len() - 1 { ssim } else { contrast };
        product *= factor.max(0.0).powf(*weight);
    }
    product
}

fn gaussian() -> [f64; TAPS] {
    let mut window = std::array::from_fn(|i| (-(i as f64 - (TAPS / 2) as f64).powi(2) / (2.0 * SIGMA * SIGMA)).exp());
    let sum: f64 = window.iter().sum();
    window.iter_mut().for_each(|tap| *tap /= sum);
    window
}

/// Means over 2x2 squares; an odd last row or column is left out.
fn halve(plane: &Plane) -> Plane {
    let (width, height) = (plane.width / 2, plane.height / 2);
    let mean = |x: usize, y: usize| {
        let at = 2 * y * plane.width + 2 * x;
        (plane.samples[at] + plane.samples[at + 1] + plane.samples[at + plane.width] + plane.samples[at + plane.width + 1]) / 4.0
    };
    let samples = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| mean(x, y)).collect();
    Plane { width, height, samples }
}

/// Means over the picture of SSIM, and of its contrast and structure factor alone.
fn ssim(a: &Plane, b: &Plane, window: &[f64; TAPS]) -> (f64, f64) {
    let blurred_product = |p: &Plane, q: &Plane| {
        let samples = p.samples.iter().zip(&q.samples).map(|(p, q)| p * q).collect();
        blur(&Plane { samples, ..*p }, window)
    };
    let (mean_a, mean_b) = (blur(a, window), blur(b, window));
    let (square_a, square_b, cross) = (blurred_product(a, a), blurred_product(b, b), blurred_product(a, b));
    let (mut ssim_sum, mut contrast_sum) = (0.0, 0.0);
    for i in 0..cross.samples.len() {
        let (ma, mb) = (mean_a.samples[i], mean_b.samples[i]);
        let (variance_a, variance_b) = (square_a.samples[i] - ma * ma, square_b.samples[i] - mb * mb);
        let contrast = (2.0 * (cross.samples[i] - ma * mb) + C2) / (variance_a + variance_b + C2);
        contrast_sum += contrast;
        ssim_sum += contrast * (2.0 * ma * mb + C1) / (ma * ma + mb * mb + C1);
    }
    let count = cross.samples.len() as f64;
    (ssim_sum / count, contrast_sum / count)
}

/// Separable convolution where the whole window lies inside the plane.
fn blur(plane: &Plane, window: &[f64; TAPS]) -> Plane {
    let (width, height) = (plane.width + 1 - TAPS, plane.height + 1 - TAPS);
    let mut rows = vec![0.0; width * plane.height];
    for (out, row) in rows.chunks_exact_mut(width).zip(plane.samples.chunks_exact(plane.width)) {
        for (i, tap) in window.iter().enumerate() {
            add_scaled(out, &row[i..i + width], *tap);
        }
    }
    let mut samples = vec![0.0; width * height];
    for (y, out) in samples.chunks_exact_mut(width).enumerate() {
        for (i, tap) in window.iter().enumerate() {
            add_scaled(out, &rows[(y + i) * width..(y + i + 1) * width], *tap);
        }
    }
    Plane { width, height, samples }
}

fn add_scaled(out: &mut [f64], row: &[f64], factor: f64) {
    out.iter_mut().zip(row).for_each(|(out, value)| *out += factor * value);
}
