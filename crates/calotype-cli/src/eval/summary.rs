//! What the measurements of all images say together.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::eval::bd_rate::{RateCurve, bd_rate};
use crate::eval::curves::{Curve, ms_ssim_db};
use crate::eval::measure::{Measured, Point};

/// Means over the images at one quality.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Mean {
    /// 0 to 100.
    pub quality: f64,
    /// Mean of the images' bits per pixel.
    pub bpp: f64,
    /// Mean of the images' PSNR.
    pub psnr_db: f64,
    /// Mean over the images; none if one is too small.
    pub ms_ssim: Option<f64>,
    /// Mean time.
    pub encode_ms: f64,
    /// Mean time.
    pub decode_ms: f64,
}

/// The file that exceeds its cross entropy most, by the measure `bytes / (1.005 * cross entropy in bytes + 64)`.
#[derive(Clone, Debug, Serialize)]
pub struct WorstRate {
    /// The image.
    pub file: String,
    /// Its quality.
    pub quality: f64,
    /// The whole file.
    pub bytes: usize,
    /// Shannon's bound.
    pub cross_entropy_bytes: f64,
    /// At most 1 is within the bound.
    pub of_bound: f64,
}

/// A BD-rate against a curve.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The curve's name.
    pub against: String,
    /// `psnr_rgb` or `ms_ssim`.
    pub metric: &'static str,
    /// Negative is better; none where the curves cannot be compared.
    pub percent: Option<f64>,
    /// The common range in decibels.
    pub range_db: Option<(f64, f64)>,
}

/// Means per quality.
pub fn means(qualities: &[f64], images: &[Measured]) -> Vec<Mean> {
    let at = |place: usize| images.iter().map(move |image| &image.points[place]);
    let mean = |place: usize, value: fn(&Point) -> f64| at(place).map(value).sum::<f64>() / images.len() as f64;
    let one = |(place, quality): (usize, &f64)| Mean {
        quality: *quality,
        bpp: mean(place, |point| point.bpp),
        psnr_db: mean(place, |point| point.psnr_db),
        ms_ssim: at(place).map(|point| point.ms_ssim).sum::<Option<f64>>().map(|sum| sum / images.len() as f64),
        encode_ms: mean(place, |point| point.encode_ms),
        decode_ms: mean(place, |point| point.decode_ms),
    };
    qualities.iter().enumerate().map(one).collect()
}

/// Whether mean rate and mean PSNR rise with every step of quality.
pub fn strictly_rising(means: &[Mean]) -> bool {
    means.windows(2).all(|pair| pair[0].bpp < pair[1].bpp && pair[0].psnr_db < pair[1].psnr_db)
}

/// The worst case over images and qualities.
pub fn worst_rate(images: &[Measured]) -> Option<WorstRate> {
    let points = images.iter().flat_map(|image| image.points.iter().map(|point| worst_of(&image.file, point)));
    points.max_by(|a, b| a.of_bound.total_cmp(&b.of_bound))
}

fn worst_of(file: &str, point: &Point) -> WorstRate {
    let cross_entropy_bytes = point.cross_entropy_bits / 8.0;
    let of_bound = point.bytes as f64 / (1.005 * cross_entropy_bytes + 64.0);
    WorstRate { file: file.to_string(), quality: point.quality, bytes: point.bytes, cross_entropy_bytes, of_bound }
}

/// BD-rates in PSNR and MS-SSIM against each curve.
pub fn bd_rates(means: &[Mean], curves: &BTreeMap<String, Curve>) -> Vec<Comparison> {
    let ours_psnr = Some(means.iter().map(|mean| mean.psnr_db).collect::<Vec<_>>());
    let ours_ms_ssim = means.iter().map(|mean| mean.ms_ssim.map(ms_ssim_db)).collect::<Option<Vec<_>>>();
    let bpp: Vec<f64> = means.iter().map(|mean| mean.bpp).collect();
    let compare = |name: &String, metric, curve: &Curve, theirs: Option<Vec<f64>>, ours: &Option<Vec<f64>>| {
        let ours = ours.as_ref().map(|decibels| RateCurve { bpp: bpp.clone(), decibels: decibels.clone() });
        let theirs = theirs.filter(|values| values.len() == curve.bpp.len()).map(|decibels| RateCurve { bpp: curve.bpp.clone(), decibels });
        let result = ours.zip(theirs).and_then(|(ours, theirs)| bd_rate(&ours, &theirs));
        Comparison { against: name.clone(), metric, percent: result.map(|bd| bd.percent), range_db: result.map(|bd| bd.range) }
    };
    let both = |(name, curve): (&String, &Curve)| {
        [
            compare(name, "psnr_rgb", curve, curve.psnr_rgb.clone(), &ours_psnr),
            compare(name, "ms_ssim", curve, curve.ms_ssim_db(), &ours_ms_ssim),
        ]
    };
    curves.iter().flat_map(both).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(bytes: [usize; 2], psnr_db: [f64; 2]) -> Measured {
        let point = |place: usize| Point {
            quality: place as f64 * 50.0,
            bytes: bytes[place],
            bpp: bytes[place] as f64 / 100.0,
            psnr_db: psnr_db[place],
            ms_ssim: Some(0.9),
            cross_entropy_bits: 8000.0,
            encode_ms: 1.0,
            decode_ms: 2.0,
        };
        Measured { file: format!("{}", bytes[0]), width: 40, height: 20, points: vec![point(0), point(1)] }
    }

    #[test]
    fn means_and_worst_case() {
        let images = [image([1000, 1100], [30.0, 32.0]), image([1200, 1300], [34.0, 36.0])];
        let means = means(&[0.0, 50.0], &images);
        assert_eq!((means[1].bpp, means[1].psnr_db), (12.0, 34.0));
        assert!(strictly_rising(&means));
        let worst = worst_rate(&images).unwrap();
        assert_eq!((worst.file.as_str(), worst.bytes), ("1200", 1300));
        assert!((worst.of_bound - 1300.0 / 1069.0).abs() < 1e-12);
    }

    #[test]
    fn a_step_down_is_noticed() {
        assert!(!strictly_rising(&means(&[0.0, 50.0], &[image([1000, 1100], [30.0, 30.0])])));
        assert!(!strictly_rising(&means(&[0.0, 50.0], &[image([1100, 1100], [30.0, 31.0])])));
    }
}
