//! Metrics against SciPy and NumPy: the expected numbers are printed by `tools/metric_values.py` (SciPy 1.17.1, NumPy 2.4.6).

use crate::bd_rate::{RateCurve, bd_rate};
use crate::ms_ssim::ms_ssim;
use crate::pchip::Pchip;
use crate::ssimulacra2::ssimulacra2;

const X: [f64; 6] = [23.9, 25.0, 28.5, 28.75, 33.0, 40.0];
const Y: [f64; 6] = [-2.0, -1.5, -1.25, 0.5, 0.25, 1.5];

fn close(a: f64, b: f64) -> bool {
    // Both sides are float64; only the order of additions differs.
    (a - b).abs() <= 1e-12 * b.abs().max(1.0)
}

fn tested() -> RateCurve {
    RateCurve { bpp: vec![0.11, 0.2, 0.45, 1.0, 2.1], quality: vec![26.0, 28.5, 31.75, 35.5, 39.25] }
}

fn anchor() -> RateCurve {
    RateCurve { bpp: vec![0.15, 0.27, 0.46, 1.2, 2.2, 3.1], quality: vec![23.85, 26.67, 29.14, 34.0, 38.03, 40.56] }
}

#[test]
fn integrals_are_scipys() {
    let curve = Pchip::new(X.to_vec(), Y.to_vec()).unwrap();
    let expected = [
        (23.9, 40.0, -0.46002600635137014),
        (24.25, 36.5, -3.3081933270505837),
        (28.5, 28.6, -0.10206086412022632),
        (29.0, 30.0, 0.47715245267657247),
    ];
    for (from, to, integral) in expected {
        assert!(close(curve.integral(from, to), integral), "{from}..{to}: {}", curve.integral(from, to));
    }
}

#[test]
fn two_points_are_a_line() {
    let line = Pchip::new(vec![0.0, 2.0], vec![1.0, 5.0]).unwrap();
    assert!(close(line.integral(0.0, 2.0), 6.0));
}

#[test]
fn curves_that_do_not_rise_are_refused() {
    assert!(Pchip::new(vec![1.0, 1.0], vec![0.0, 1.0]).is_none());
    assert!(Pchip::new(vec![1.0], vec![0.0]).is_none());
    assert!(Pchip::new(vec![1.0, f64::NAN], vec![0.0, 1.0]).is_none());
    let mut falling = tested();
    falling.quality.swap(1, 2);
    assert!(bd_rate(&falling, &anchor()).is_none());
}

#[test]
fn bd_rate_is_scipys() {
    let result = bd_rate(&tested(), &anchor()).unwrap();
    assert!(close(result.percent, -40.71220724871009), "{}", result.percent);
    assert_eq!(result.range, (26.0, 39.25));
}

#[test]
fn bd_rate_of_a_scaled_curve_is_the_scale() {
    let mut dearer = tested();
    dearer.bpp.iter_mut().for_each(|bpp| *bpp *= 1.25);
    assert!(close(bd_rate(&dearer, &tested()).unwrap().percent, 25.0));
    assert_eq!(bd_rate(&tested(), &tested()).unwrap().percent, 0.0);
}

#[test]
fn curves_apart_have_no_bd_rate() {
    let mut far = tested();
    far.quality.iter_mut().for_each(|quality| *quality += 50.0);
    assert!(bd_rate(&far, &anchor()).is_none());
}

fn pictures(width: usize, height: usize) -> (Vec<u8>, Vec<u8>) {
    let positions = (0..height).flat_map(move |y| (0..width).flat_map(move |x| (0..3).map(move |c| (x, y, c))));
    let sample = |(x, y, c): (usize, usize, usize)| ((x * x / 7 + y * 3 + x * y / 11 + c * 40) / 4 % 256) as u8;
    let noise = |(x, y, c): (usize, usize, usize)| ((x * 13 + y * 29 + c * 7) % 23) as i32 - 11;
    let original: Vec<u8> = positions.clone().map(sample).collect();
    let decoded = positions.map(|at| (i32::from(sample(at)) + noise(at)).clamp(0, 255) as u8).collect();
    (original, decoded)
}

#[test]
fn ms_ssim_is_numpys() {
    for (width, height, expected) in [(200, 180, 0.9945507306462172), (193, 177, 0.9943300518352712)] {
        let (original, decoded) = pictures(width, height);
        let value = ms_ssim(&original, &decoded, width).unwrap();
        // E[x^2] - E[x]^2 cancels a few digits, differently in each order of additions.
        assert!((value - expected).abs() < 1e-10, "{value} {expected}");
    }
}

#[test]
fn ms_ssim_notices_one_sample() {
    let (original, mut decoded) = pictures(200, 180);
    let before = ms_ssim(&original, &decoded, 200).unwrap();
    decoded[200 * 90 * 3 + 300] ^= 0x80;
    assert!(ms_ssim(&original, &decoded, 200).unwrap() < before);
    assert!((ms_ssim(&original, &original, 200).unwrap() - 1.0).abs() < 1e-12);
}

#[test]
fn small_pictures_have_no_ms_ssim() {
    let (original, decoded) = pictures(200, 175);
    assert_eq!(ms_ssim(&original, &decoded, 200), None);
}

#[test]
fn ssimulacra2_is_that_of_another_implementation() {
    // The crate ssimulacra2 0.5.1 says so; the two differ by up to 0.05 on photographs too, for their cube roots and sums do.
    for (width, height, expected) in [(200, 180, 84.60934668883111), (193, 177, 82.32667238612248)] {
        let (original, decoded) = pictures(width, height);
        let score = ssimulacra2(&original, &decoded, width).unwrap();
        assert!((score - expected).abs() < 0.05, "{score} {expected}");
        let noisier: Vec<u8> = decoded.iter().map(|sample| sample ^ 4).collect();
        assert!(ssimulacra2(&original, &noisier, width).unwrap() < expected - 1.0, "more noise is seen");
    }
}

#[test]
fn ssimulacra2_of_equal_and_of_impossible_pictures() {
    let (original, decoded) = pictures(200, 180);
    assert_eq!(ssimulacra2(&original, &original, 200), Some(100.0));
    assert_eq!(ssimulacra2(&original, &decoded[..decoded.len() - 600], 200), None);
    assert_eq!(ssimulacra2(&[], &[], 0), None);
}
