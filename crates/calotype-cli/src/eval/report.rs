//! The results as a file and as a table.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::eval::curves::Curve;
use crate::eval::measure::Measured;
use crate::eval::summary::{Comparison, Mean, WorstRate};
use crate::failure::Failure;
use crate::output;

/// Everything that `--json` writes.
#[derive(Serialize)]
pub struct Results {
    /// Name and version.
    pub program: &'static str,
    /// What ran the network.
    pub engine: &'static str,
    /// Its instruction set.
    pub adapter: String,
    /// Threads.
    pub threads: usize,
    /// The model in 16 hexadecimal digits.
    pub model_id: String,
    /// Ascending.
    pub qualities: Vec<f64>,
    /// Per quality.
    pub means: Vec<Mean>,
    /// Whether mean rate and PSNR rise with every step.
    pub strictly_rising: bool,
    /// Against the cross entropy.
    pub worst_rate: Option<WorstRate>,
    /// Against the curves below.
    pub bd_rate: Vec<Comparison>,
    /// The curves that were asked for, so that the results can be plotted alone.
    pub curves: BTreeMap<String, Curve>,
    /// Every measurement.
    pub images: Vec<Measured>,
}

impl Results {
    /// As JSON text.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// As a table on standard output.
    ///
    /// # Errors
    /// Io.
    pub fn print(&self) -> Result<(), Failure> {
        output::print(&format!(
            "{} images, model {}, {} {}, {} threads",
            self.images.len(),
            self.model_id,
            self.engine,
            self.adapter,
            self.threads
        ))?;
        output::print("quality      bpp  PSNR dB   MS-SSIM  encode ms  decode ms")?;
        self.means.iter().try_for_each(|mean| output::print(&mean_line(mean)))?;
        output::print(if self.strictly_rising { "rate and PSNR rise at every step" } else { "rate or PSNR does NOT rise at every step" })?;
        self.worst_rate.iter().try_for_each(|worst| output::print(&worst_line(worst)))?;
        self.bd_rate.iter().try_for_each(|comparison| output::print(&comparison_line(comparison)))
    }
}

fn mean_line(mean: &Mean) -> String {
    let ms_ssim = mean.ms_ssim.map_or_else(|| "-".to_string(), |value| format!("{value:.5}"));
    let Mean { quality, bpp, psnr_db, encode_ms, decode_ms, .. } = mean;
    format!("{quality:7} {bpp:8.4} {psnr_db:8.3} {ms_ssim:>9} {encode_ms:10.1} {decode_ms:10.1}")
}

fn worst_line(worst: &WorstRate) -> String {
    let WorstRate { file, quality, bytes, cross_entropy_bytes, of_bound } = worst;
    let percent = of_bound * 100.0;
    format!(
        "worst rate: {file} at quality {quality}: {bytes} bytes, cross entropy {cross_entropy_bytes:.1}, {percent:.2} % of 1.005 x cross entropy + 64"
    )
}

fn comparison_line(comparison: &Comparison) -> String {
    let Comparison { against, metric, .. } = comparison;
    match (comparison.percent, comparison.range_db) {
        (Some(percent), Some((low, high))) => format!("BD-rate {metric} {percent:+.2} % over {low:.2}..{high:.2} dB against {against}"),
        _ => format!("BD-rate {metric}: not comparable with {against} (no common range, or a curve that does not rise)"),
    }
}
