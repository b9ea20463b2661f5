//! Published or measured rate-distortion curves to compare with.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::read_image::read_bytes;

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
}

impl Curve {
    /// MS-SSIM as `-10 log10(1 - m)`.
    pub fn ms_ssim_db(&self) -> Option<Vec<f64>> {
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
/// Io; malformed JSON; usage for a name that is not in the file.
pub fn read(path: &Path, names: &[String]) -> Result<BTreeMap<String, Curve>, Failure> {
    let bytes = read_bytes(path)?;
    let all: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(&bytes).map_err(|error| Failure::malformed(path, format!("is not a file of curves: {error}")))?;
    names.iter().map(|name| Ok((name.clone(), curve(path, &all, name)?))).collect()
}

fn curve(path: &Path, all: &BTreeMap<String, serde_json::Value>, name: &str) -> Result<Curve, Failure> {
    let Some(value) = all.get(name) else {
        let known = all.keys().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        return Err(Failure::usage(format!("--against: {} has no curve \"{name}\"; it has {known}", path.display())));
    };
    serde_json::from_value(value.clone()).map_err(|error| Failure::malformed(path, format!("curve \"{name}\": {error}")))
}
