//! Bjontegaard delta rate: the mean difference in rate between two curves at equal quality.

use crate::pchip::Pchip;

/// Rate over quality, one point per quality setting.
#[derive(Clone, Debug)]
pub struct RateCurve {
    /// Bits per pixel.
    pub bpp: Vec<f64>,
    /// PSNR, MS-SSIM as `-10 log10(1 - m)`, or SSIMULACRA2.
    pub quality: Vec<f64>,
}

/// A BD-rate and where it was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BdRate {
    /// Mean difference of the rate in percent; negative where the tested curve needs fewer bits.
    pub percent: f64,
    /// The common range of quality: all of it is integrated.
    pub range: (f64, f64),
}

impl RateCurve {
    /// log(bpp) as a function of quality; `None` where quality does not strictly rise with the rate.
    fn interpolate(&self) -> Option<Pchip> {
        let mut points: Vec<(f64, f64)> = self.quality.iter().copied().zip(self.bpp.iter().map(|bpp| bpp.ln())).collect();
        points.sort_by(|a, b| a.1.total_cmp(&b.1));
        let (quality, log_bpp) = points.into_iter().unzip();
        Pchip::new(quality, log_bpp)
    }
}

/// BD-rate of `tested` against `anchor`: PCHIP of log bpp over quality, the whole common range, exact integrals.
///
/// `None` where a curve is not strictly rising or the curves have no quality in common.
pub fn bd_rate(tested: &RateCurve, anchor: &RateCurve) -> Option<BdRate> {
    let (tested, anchor) = (tested.interpolate()?, anchor.interpolate()?);
    let low = tested.range().0.max(anchor.range().0);
    let high = tested.range().1.min(anchor.range().1);
    if low >= high {
        return None;
    }
    let mean_log_ratio = (tested.integral(low, high) - anchor.integral(low, high)) / (high - low);
    Some(BdRate { percent: (mean_log_ratio.exp() - 1.0) * 100.0, range: (low, high) })
}
