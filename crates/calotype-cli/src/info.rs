//! `calotype info`: what a .calo file holds.

use calotype::{DecodeOptions, Decoder, Info, Metadata, Quality, embedded_models};
use serde::Serialize;

use crate::amount::counted;
use crate::args::InfoArgs;
use crate::failure::{Failure, shown};
use crate::output;
use crate::read_image::{AfterEnd, read_calo};

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    input: String,
    width: u32,
    height: u32,
    bytes: usize,
    bpp: f64,
    quality: Option<f64>,
    fineness: u16,
    model_id: String,
    model: Option<String>,
    development: bool,
    tile_px: u32,
    tiles: usize,
    folded: bool,
    channels: &'static str,
    depth: u8,
    icc_bytes: usize,
    cicp: Option<[u8; 4]>,
    exif_bytes: usize,
    xmp_bytes: usize,
}

/// Runs the command.
///
/// # Errors
/// Io, or a damaged container.
pub fn run(args: &InfoArgs) -> Result<(), Failure> {
    let options = DecodeOptions { max_pixels: args.max_pixels, ..DecodeOptions::default() };
    let bytes = read_calo(&args.input, &options, AfterEnd::Refused)?;
    let decoder = Decoder::new(&bytes, &options).map_err(|error| Failure::codec(&args.input, &error))?;
    let metadata = decoder.metadata().map_err(|error| Failure::codec(&args.input, &error))?;
    let report = report(shown(&args.input), &decoder.info(), &metadata)?;
    if args.json { output::print_json(&report) } else { lines(&report).iter().try_for_each(|line| output::print(line)) }
}

fn report(input: String, info: &Info, metadata: &Metadata) -> Result<Report, Failure> {
    let models = embedded_models().map_err(|error| Failure::engine(&error))?;
    let bytes = |chunk: &Option<Vec<u8>>| chunk.as_ref().map_or(0, Vec::len);
    Ok(Report {
        input,
        width: info.width,
        height: info.height,
        bytes: info.bytes,
        bpp: info.bits_per_pixel(),
        quality: info.quality().map_err(|error| Failure::engine(&error))?.map(Quality::points),
        fineness: info.fineness,
        model_id: info.model_id.to_string(),
        model: models.into_iter().find(|model| model.id == info.model_id).map(|model| model.name),
        development: info.development,
        tile_px: 1 << info.tile_log2,
        tiles: info.tiles,
        folded: info.folded,
        channels: channels(info),
        depth: info.depth,
        icc_bytes: bytes(&metadata.icc),
        cicp: metadata.cicp,
        exif_bytes: bytes(&metadata.exif),
        xmp_bytes: bytes(&metadata.xmp),
    })
}

fn channels(info: &Info) -> &'static str {
    match (info.grey, info.alpha) {
        (true, false) => "grey",
        (true, true) => "grey with alpha",
        (false, false) => "RGB",
        (false, true) => "RGB with alpha",
    }
}

/// One line for what there is beside the picture; none if there is nothing.
fn extras(report: &Report) -> Option<String> {
    let of = |name: &str, bytes: usize| (bytes > 0).then(|| format!("{name} ({bytes} bytes)"));
    let cicp = report.cicp.map(|[primaries, transfer, matrix, _]| format!("CICP {primaries}/{transfer}/{matrix}"));
    let parts = [of("ICC profile", report.icc_bytes), cicp, of("Exif", report.exif_bytes), of("XMP", report.xmp_bytes)];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("  with {}", parts.join(", ")))
}

/// In points, which only the encoder part knows; else as the file says it.
fn quality(report: &Report) -> String {
    report.quality.map_or_else(|| format!("fineness {}", report.fineness), |points| format!("quality {points:.2}"))
}

fn lines(report: &Report) -> Vec<String> {
    let model = report.model.as_deref().unwrap_or("unknown to this program");
    let development = if report.development { ", in development" } else { "" };
    let folded = if report.folded { ", folded" } else { "" };
    let lines = [
        format!("{}: {}x{} pixels, {}-bit {}", report.input, report.width, report.height, report.depth, report.channels),
        format!("  {}, {} bytes, {:.3} bpp", quality(report), report.bytes, report.bpp),
        format!(
            "  model {} ({model}{development}), {} of {} pixels{folded}",
            report.model_id,
            counted(report.tiles, "tile"),
            report.tile_px
        ),
    ];
    lines.into_iter().chain(extras(report)).collect()
}
