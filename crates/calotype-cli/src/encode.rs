//! `calotype encode`: an image becomes a .calo file.

use std::time::Instant;

use calotype::{Codec, DecodeOptions, Decoder, EncodeOptions, Encoded, Quality, RgbImage};
use calotype_bench::psnr_db;
use serde::Serialize;

use crate::args::EncodeArgs;
use crate::engine::Choice;
use crate::failure::{Failure, shown};
use crate::output::{self, Existing, is_pipe};
use crate::read_image::{Picture, decode_image, read_bytes};
use crate::write_image::format_by_ending;

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    input: String,
    output: String,
    width: u32,
    height: u32,
    bytes: usize,
    bpp: f64,
    quality: f64,
    psnr_db: f64,
    cross_entropy_bits: f64,
    engine: &'static str,
    adapter: String,
    model_id: String,
    encode_ms: f64,
}

/// Runs the command.
///
/// # Errors
/// Every failure of reading, encoding and writing.
pub fn run(args: &EncodeArgs, choice: &Choice) -> Result<(), Failure> {
    check_arguments(args)?;
    let picture = decode_image(&read_bytes(&args.input)?, &args.input, args.max_pixels)?;
    for note in &picture.notes {
        output::say(&format!("calotype: note: {}: {note}", shown(&args.input)));
    }
    let codec = choice.codec()?;
    let begin = Instant::now();
    let encoded = encode(&codec, &picture, args)?;
    let encode_ms = begin.elapsed().as_secs_f64() * 1e3;
    let report = args.json.then(|| report(args, &codec, &picture, &encoded)).transpose()?;
    choice.say(&codec);
    output::write(&args.output, &[&encoded.bytes], Existing::from_flag(args.overwrite))?;
    match report {
        Some(report) => output::print_json(&Report { encode_ms, ..report }),
        None => {
            say_result(args, &picture, encoded.bytes.len(), encode_ms);
            Ok(())
        }
    }
}

fn check_arguments(args: &EncodeArgs) -> Result<(), Failure> {
    if args.json && is_pipe(&args.output) {
        return Err(Failure::usage("--json: standard output carries the file already; give -o a name"));
    }
    if format_by_ending(&args.output).is_some() {
        let name = args.output.display();
        return Err(Failure::usage(format!("{name}: the ending of an image, but this would be a .calo file; use -o NAME.calo")));
    }
    output::check(&args.output, Existing::from_flag(args.overwrite))
}

fn encode(codec: &Codec, picture: &Picture, args: &EncodeArgs) -> Result<Encoded, Failure> {
    let failed = |error| Failure::codec(&args.input, &error);
    let image = RgbImage::new(picture.width, picture.height, &picture.rgb).map_err(failed)?;
    let quality = Quality::from_percent(args.quality).map_err(failed)?;
    let options = EncodeOptions { quality, tile_log2: args.tile_log2, statistics: args.json, dead_zone: args.dead_zone };
    codec.encode(&image, &options).map_err(failed)
}

/// Decodes the result, so that psnr_db is that of the file.
fn report(args: &EncodeArgs, codec: &Codec, picture: &Picture, encoded: &Encoded) -> Result<Report, Failure> {
    let options = DecodeOptions { max_pixels: args.max_pixels };
    let decoded = Decoder::new(&encoded.bytes, &options).and_then(|decoder| decoder.decode(codec));
    let decoded = decoded.map_err(|error| Failure::codec(&args.output, &error))?;
    let ran = codec.engine();
    Ok(Report {
        input: args.input.display().to_string(),
        output: args.output.display().to_string(),
        width: picture.width,
        height: picture.height,
        bytes: encoded.bytes.len(),
        bpp: bits_per_pixel(picture, encoded.bytes.len()),
        quality: args.quality,
        psnr_db: psnr_db(&picture.rgb, &decoded.rgb),
        cross_entropy_bits: encoded.cross_entropy_bits.unwrap_or(0.0),
        engine: ran.engine,
        adapter: ran.adapter,
        model_id: codec.model_id().to_string(),
        encode_ms: 0.0,
    })
}

fn bits_per_pixel(picture: &Picture, bytes: usize) -> f64 {
    bytes as f64 * 8.0 / (f64::from(picture.width) * f64::from(picture.height))
}

fn say_result(args: &EncodeArgs, picture: &Picture, bytes: usize, encode_ms: f64) {
    let (output, bpp) = (shown(&args.output), bits_per_pixel(picture, bytes));
    let size = format!("{}x{}", picture.width, picture.height);
    output::say(&format!("{output}: {size}, quality {}, {bytes} bytes, {bpp:.3} bpp, {encode_ms:.0} ms", args.quality));
}
