//! What the measurements of all images say together.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::bd_rate::bd_rate;
use crate::curves::{Curve, Metric};
use crate::point::{Mean, Measured, Ours, Point};

/// The file that exceeds its cross entropy most, by the measure `bytes / (1.005 * cross entropy in bytes + 64)`.
#[derive(Clone, Debug, Serialize)]
pub struct WorstRate {
    /// The image.
    pub file: String,
    /// Its quality.
    pub quality: f64,
    /// The whole file.
    pub bytes: u64,
    /// Shannon's bound.
    pub cross_entropy_bytes: f64,
    /// At most 1 is within the bound.
    pub of_bound: f64,
}

/// A BD-rate of our codec against a curve.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The curve's name.
    pub against: String,
    /// What quality is measured in.
    pub metric: Metric,
    /// Negative is better; none where the curves cannot be compared.
    pub percent: Option<f64>,
    /// The common range of quality: decibels, or SSIMULACRA2.
    pub range_db: Option<(f64, f64)>,
}

/// A BD-rate of any curve against any other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// Whose rate.
    pub tested: String,
    /// Against what.
    #[serde(flatten)]
    pub comparison: Comparison,
}

/// Means per quality of one codec; `points[i]` are those of image i.
pub fn means(points: &[&[Point]]) -> Vec<Mean> {
    let qualities = points.iter().map(|image| image.len()).min().unwrap_or(0);
    (0..qualities).map(|place| mean(&points.iter().map(|image| &image[place]).collect::<Vec<_>>())).collect()
}

/// Means of one quality's points.
fn mean(points: &[&Point]) -> Mean {
    let count = points.len() as f64;
    let mean = |value: fn(&Point) -> f64| points.iter().map(|point| value(point)).sum::<f64>() / count;
    let mean_if_all =
        |value: &dyn Fn(&Point) -> Option<f64>| points.iter().map(|point| value(point)).sum::<Option<f64>>().map(|sum| sum / count);
    let ours = |value: fn(Ours) -> f64| mean_if_all(&|point: &Point| point.ours.map(value));
    Mean {
        quality: points[0].quality,
        bpp: mean(|point| point.bpp),
        psnr_db: mean(|point| point.psnr_db),
        ms_ssim: mean_if_all(&|point: &Point| point.ms_ssim),
        ssimulacra2: mean_if_all(&|point: &Point| point.ssimulacra2),
        encode_ms: ours(|ours| ours.encode_ms),
        decode_ms: ours(|ours| ours.decode_ms),
    }
}

/// Whether mean rate and mean PSNR rise with every step of quality.
pub fn strictly_rising(means: &[Mean]) -> bool {
    means.windows(2).all(|pair| pair[0].bpp < pair[1].bpp && pair[0].psnr_db < pair[1].psnr_db)
}

/// The worst case over images and qualities.
pub fn worst_rate(images: &[Measured]) -> Option<WorstRate> {
    let points = images.iter().flat_map(|image| image.points.iter().filter_map(|point| worst_of(&image.file, point)));
    points.max_by(|a, b| a.of_bound.total_cmp(&b.of_bound))
}

fn worst_of(file: &str, point: &Point) -> Option<WorstRate> {
    let cross_entropy_bytes = point.ours?.cross_entropy_bits / 8.0;
    let of_bound = point.bytes as f64 / (1.005 * cross_entropy_bytes + 64.0);
    Some(WorstRate { file: file.to_string(), quality: point.quality, bytes: point.bytes, cross_entropy_bytes, of_bound })
}

/// The BD-rate of each curve against each other, in each metric.
pub fn pairs(curves: &BTreeMap<String, Curve>) -> Vec<Pair> {
    let others = |tested: &String| curves.keys().filter(move |name| *name != tested).collect::<Vec<_>>();
    let names = curves.keys().flat_map(|tested| others(tested).into_iter().map(move |anchor| (tested, anchor)));
    names.flat_map(|(tested, anchor)| Metric::ALL.map(|metric| pair(curves, metric, tested, anchor))).collect()
}

fn pair(curves: &BTreeMap<String, Curve>, metric: Metric, tested: &str, anchor: &str) -> Pair {
    let both = curves[tested].rate_curve(metric).zip(curves[anchor].rate_curve(metric));
    let result = both.and_then(|(tested, anchor)| bd_rate(&tested, &anchor));
    let (percent, range_db) = (result.map(|bd| bd.percent), result.map(|bd| bd.range));
    Pair { tested: tested.to_string(), comparison: Comparison { against: anchor.to_string(), metric, percent, range_db } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(bytes: [u64; 2], psnr_db: [f64; 2]) -> Measured {
        let point = |place: usize| Point {
            quality: place as f64 * 50.0,
            bytes: bytes[place],
            bpp: bytes[place] as f64 / 100.0,
            psnr_db: psnr_db[place],
            ms_ssim: Some(0.9),
            ssimulacra2: None,
            ours: Some(Ours { cross_entropy_bits: 8000.0, encode_ms: 1.0, decode_ms: 2.0 }),
        };
        Measured { file: format!("{}", bytes[0]), width: 40, height: 20, points: vec![point(0), point(1)], peers: BTreeMap::new() }
    }

    fn means_of(images: &[Measured]) -> Vec<Mean> {
        means(&images.iter().map(|image| image.points.as_slice()).collect::<Vec<_>>())
    }

    #[test]
    fn means_and_worst_case() {
        let images = [image([1000, 1100], [30.0, 32.0]), image([1200, 1300], [34.0, 36.0])];
        let means = means_of(&images);
        assert_eq!((means[1].bpp, means[1].psnr_db), (12.0, 34.0));
        assert_eq!((means[1].encode_ms, means[1].ssimulacra2), (Some(1.0), None));
        assert!(strictly_rising(&means));
        let worst = worst_rate(&images).unwrap();
        assert_eq!((worst.file.as_str(), worst.bytes), ("1200", 1300));
        assert!((worst.of_bound - 1300.0 / 1069.0).abs() < 1e-12);
    }

    #[test]
    fn a_step_down_is_noticed() {
        assert!(!strictly_rising(&means_of(&[image([1000, 1100], [30.0, 30.0])])));
        assert!(!strictly_rising(&means_of(&[image([1100, 1100], [30.0, 31.0])])));
    }

    #[test]
    fn every_pair_has_every_metric_and_its_mirror() {
        let curve = |factor: f64| Curve {
            source: None,
            bpp: vec![factor, 2.0 * factor, 4.0 * factor],
            psnr_rgb: Some(vec![30.0, 33.0, 36.0]),
            ms_ssim: None,
            ms_ssim_unit: None,
            ssimulacra2: None,
        };
        let curves = BTreeMap::from([("a".to_string(), curve(1.0)), ("b".to_string(), curve(1.25))]);
        let pairs = pairs(&curves);
        assert_eq!(pairs.len(), 6);
        let percent = |tested: &str| {
            let pair = pairs.iter().find(|pair| pair.tested == tested && pair.comparison.metric == Metric::PsnrRgb).unwrap();
            pair.comparison.percent.unwrap()
        };
        assert!((percent("b") - 25.0).abs() < 1e-9 && (percent("a") + 20.0).abs() < 1e-9);
        assert!(pairs.iter().filter(|pair| pair.comparison.metric != Metric::PsnrRgb).all(|pair| pair.comparison.percent.is_none()));
    }
}
