//! The results as a table on standard output.

use calotype_bench::{Comparison, Mean, Metric, Results, Speed, WorstRate};

use crate::failure::Failure;
use crate::output::print;
use crate::quality::rounded;

/// Prints the table.
///
/// # Errors
/// Io.
pub fn print_results(results: &Results) -> Result<(), Failure> {
    let Results { model_id, engine, adapter, threads, images, left_out, .. } = results;
    let left_out = if left_out.is_empty() { String::new() } else { format!(" ({} left out)", left_out.len()) };
    print(&format!("{} images{left_out}, model {model_id}, {engine} {adapter}, {threads} threads", images.len()))?;
    print("quality      bpp  PSNR dB   MS-SSIM  SSIMULACRA2  encode ms  decode ms")?;
    results.means.iter().try_for_each(|mean| print(&mean_line(mean)))?;
    print(if results.strictly_rising { "rate and PSNR rise at every step" } else { "rate or PSNR does NOT rise at every step" })?;
    results.worst_rate.iter().try_for_each(|worst| print(&worst_line(worst)))?;
    results.bd_rate.iter().try_for_each(|comparison| print(&comparison_line(comparison)))?;
    results.speed.iter().try_for_each(|speed| print(&speed_line(speed)))
}

fn mean_line(mean: &Mean) -> String {
    let number = |value: Option<f64>, decimals: usize| value.map_or_else(|| "-".to_string(), |value| format!("{value:.decimals$}"));
    let (ms_ssim, ssimulacra2) = (number(mean.ms_ssim, 5), number(mean.ssimulacra2, 2));
    let (encode_ms, decode_ms) = (number(mean.encode_ms, 1), number(mean.decode_ms, 1));
    let Mean { bpp, psnr_db, .. } = mean;
    let quality = rounded(mean.quality);
    format!("{quality:7} {bpp:8.4} {psnr_db:8.3} {ms_ssim:>9} {ssimulacra2:>12} {encode_ms:>10} {decode_ms:>10}")
}

fn worst_line(worst: &WorstRate) -> String {
    let WorstRate { file, quality, bytes, cross_entropy_bytes, of_bound } = worst;
    let (quality, percent) = (rounded(*quality), of_bound * 100.0);
    format!(
        "worst rate: {file} at quality {quality}: {bytes} bytes, cross entropy {cross_entropy_bytes:.1}, {percent:.2} % of 1.005 x cross entropy + 64"
    )
}

fn comparison_line(comparison: &Comparison) -> String {
    let Comparison { against, metric, .. } = comparison;
    let unit = if *metric == Metric::Ssimulacra2 { "" } else { " dB" };
    let metric = metric.name();
    match (comparison.percent, comparison.range_db) {
        (Some(percent), Some((low, high))) => format!("BD-rate {metric} {percent:+.2} % over {low:.2}..{high:.2}{unit} against {against}"),
        _ => format!("BD-rate {metric}: not comparable with {against} (no common range, or a curve that does not rise)"),
    }
}

fn speed_line(speed: &Speed) -> String {
    let Speed { codec, bpp, encode_mp_per_s, decode_mp_per_s, .. } = speed;
    let quality = rounded(speed.quality);
    format!("speed {codec} at {quality} ({bpp:.2} bpp): encode {encode_mp_per_s:.2} MP/s, decode {decode_mp_per_s:.2} MP/s")
}
