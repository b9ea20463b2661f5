//! Published or measured rate-distortion curves.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::bd_rate::RateCurve;
use crate::error::Error;
use crate::point::Mean;

/// What a quality is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Metric {
    /// Mean over the images of PSNR over all samples of RGB.
    PsnrRgb,
    /// Mean over the images of MS-SSIM, in curves as `-10 log10(1 - m)`.
    MsSsim,
    /// Mean over the images of SSIMULACRA2.
    Ssimulacra2,
}

impl Metric {
    /// All of them, in the order in which reports show them.
    pub const ALL: [Metric; 3] = [Metric::PsnrRgb, Metric::MsSsim, Metric::Ssimulacra2];

    /// As JSON names it.
    pub fn name(self) -> &'static str {
        match self {
            Metric::PsnrRgb => "psnr_rgb",
            Metric::MsSsim => "ms_ssim",
            Metric::Ssimulacra2 => "ssimulacra2",
        }
    }

    /// As an axis or a heading names it.
    pub fn title(self) -> &'static str {
        match self {
            Metric::PsnrRgb => "PSNR of RGB, dB",
            Metric::MsSsim => "MS-SSIM, dB",
            Metric::Ssimulacra2 => "SSIMULACRA2",
        }
    }
}

/// One codec's means over a set of images.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Curve {
    /// Where it comes from.
    #[serde(default)]
    pub source: Option<String>,
    /// Bits per pixel.
    pub bpp: Vec<f64>,
    /// Decibels.
    pub psnr_rgb: Option<Vec<f64>>,
    /// As `ms_ssim_unit` says.
    #[serde(default)]
    pub ms_ssim: Option<Vec<f64>>,
    /// `linear` or `dB`.
    #[serde(default)]
    pub ms_ssim_unit: Option<String>,
    /// Scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssimulacra2: Option<Vec<f64>>,
}

impl Curve {
    /// The curve through measured means.
    pub fn of_means(source: String, means: &[Mean]) -> Curve {
        Curve {
            source: Some(source),
            bpp: means.iter().map(|mean| mean.bpp).collect(),
            psnr_rgb: Some(means.iter().map(|mean| mean.psnr_db).collect()),
            ms_ssim: means.iter().map(|mean| mean.ms_ssim).collect(),
            ms_ssim_unit: Some("linear".to_string()),
            ssimulacra2: means.iter().map(|mean| mean.ssimulacra2).collect(),
        }
    }

    /// Rate over quality in one metric; `None` where the curve does not say.
    pub fn rate_curve(&self, metric: Metric) -> Option<RateCurve> {
        let quality = match metric {
            Metric::PsnrRgb => self.psnr_rgb.clone(),
            Metric::MsSsim => self.ms_ssim_db(),
            Metric::Ssimulacra2 => self.ssimulacra2.clone(),
        }?;
        (quality.len() == self.bpp.len()).then(|| RateCurve { bpp: self.bpp.clone(), quality })
    }

    fn ms_ssim_db(&self) -> Option<Vec<f64>> {
        let values = self.ms_ssim.as_ref()?;
        match self.ms_ssim_unit.as_deref() {
            Some("dB") => Some(values.clone()),
            _ => Some(values.iter().map(|value| ms_ssim_db(*value)).collect()),
        }
    }
}

/// `-10 log10(1 - m)`.
pub fn ms_ssim_db(linear: f64) -> f64 {
    -10.0 * (1.0 - linear).log10()
}

/// The named curves of a file `{name: {bpp: [], psnr_rgb: [], ms_ssim: [], ...}}`.
///
/// # Errors
/// [`Error::Io`]; [`Error::Malformed`] if it is no such file; [`Error::UnknownName`].
pub fn read_curves(path: &Path, names: &[String]) -> Result<BTreeMap<String, Curve>, Error> {
    let bytes = fs::read(path).map_err(Error::io(path, "read"))?;
    let malformed = |what| Error::Malformed { path: path.to_path_buf(), what };
    let all: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(&bytes).map_err(|error| malformed(format!("is not a file of curves: {error}")))?;
    let known = || all.keys().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let one = |name: &String| {
        let value = all.get(name).ok_or_else(|| Error::UnknownName { name: name.clone(), known: known() })?;
        let curve = serde_json::from_value(value.clone()).map_err(|error| malformed(format!("curve \"{name}\": {error}")))?;
        Ok((name.clone(), curve))
    };
    names.iter().map(one).collect()
}
