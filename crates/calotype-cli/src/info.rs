//! `calotype info`: what a .calo file holds.

use calotype::{DecodeOptions, Decoder, Info, embedded_models};
use serde::Serialize;

use crate::args::InfoArgs;
use crate::failure::{Failure, shown};
use crate::output;
use crate::read_image::read_bytes;

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    input: String,
    width: u32,
    height: u32,
    bytes: usize,
    bpp: f64,
    quality: f64,
    model_id: String,
    model: Option<String>,
    development: bool,
    tile_px: u32,
    tiles: usize,
}

/// Runs the command.
///
/// # Errors
/// Io, or a damaged container.
pub fn run(args: &InfoArgs) -> Result<(), Failure> {
    let bytes = read_bytes(&args.input)?;
    let options = DecodeOptions { max_pixels: args.max_pixels };
    let decoder = Decoder::new(&bytes, &options).map_err(|error| Failure::codec(&args.input, &error))?;
    let report = report(shown(&args.input), &decoder.info())?;
    if args.json { output::print_json(&report) } else { output::print(&text(&report)) }
}

fn report(input: String, info: &Info) -> Result<Report, Failure> {
    let models = embedded_models().map_err(|error| Failure::engine(&error))?;
    Ok(Report {
        input,
        width: info.width,
        height: info.height,
        bytes: info.bytes,
        bpp: info.bits_per_pixel(),
        quality: info.quality.percent(),
        model_id: info.model_id.to_string(),
        model: models.into_iter().find(|model| model.id == info.model_id).map(|model| model.name),
        development: info.development,
        tile_px: 1 << info.tile_log2,
        tiles: info.tiles,
    })
}

fn text(report: &Report) -> String {
    let model = report.model.as_deref().unwrap_or("unknown to this program");
    let development = if report.development { ", in development" } else { "" };
    [
        format!("{}: {}x{} pixels, 8-bit RGB", report.input, report.width, report.height),
        format!("  quality {:.2}, {} bytes, {:.3} bpp", report.quality, report.bytes, report.bpp),
        format!("  model {} ({model}{development}), {} tiles of {} pixels", report.model_id, report.tiles, report.tile_px),
    ]
    .join("\n")
}
