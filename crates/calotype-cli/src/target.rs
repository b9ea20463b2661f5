//! Encoding to a target: a size, or a measure of the picture.

use std::ops::RangeInclusive;

use calotype::{Codec, EncodeOptions, Exposure, Goal, Hit, Image, Metadata, SIZE_WITHIN};
use calotype_bench::{seen_psnr_db, ssimulacra2, with_hidden_of};
use serde::Serialize;

use crate::args::EncodeArgs;
use crate::failure::{Failure, shown};
use crate::read_image::Source;

/// By how much a measure may exceed its target.
const PSNR_WITHIN_DB: f64 = 0.1;
const SSIMULACRA2_WITHIN: f64 = 0.5;
/// What the measures grow by from the lowest quality to the highest, about.
const PSNR_SPAN_DB: f64 = 20.0;
const SSIMULACRA2_SPAN: f64 = 80.0;

/// Measured at 2 and 4 megapixels (docs/DECISIONS.md, large pictures).
const SSIMULACRA2_PX_BYTES: u64 = 110;

/// What a target is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Measure {
    /// At most so many bytes of the file.
    Bytes,
    /// At most so many bits per pixel.
    Bpp,
    /// At least so many dB.
    PsnrDb,
    /// At least this score.
    Ssimulacra2,
}

/// A target of the command line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    measure: Measure,
    asked: f64,
}

/// What became of a target, for `--json`.
#[derive(Serialize)]
pub struct Reached {
    measure: Measure,
    asked: f64,
    reached: f64,
}

/// The target of the command line, if there is one.
pub fn of(args: &EncodeArgs) -> Option<Target> {
    let targets = [
        (Measure::Bytes, args.target_size.map(|bytes| bytes as f64)),
        (Measure::Bpp, args.target_bpp),
        (Measure::PsnrDb, args.target_psnr),
        (Measure::Ssimulacra2, args.target_ssimulacra2),
    ];
    targets.into_iter().find_map(|(measure, asked)| Some(Target { measure, asked: asked? }))
}

impl Target {
    /// What a file has of it whose picture has so many pixels.
    pub fn reached(self, hit: &Hit, pixels: u64) -> Reached {
        let Target { measure, asked } = self;
        let reached = if measure == Measure::Bpp { 8.0 * hit.value / pixels as f64 } else { hit.value };
        Reached { measure, asked, reached }
    }

    fn is_size(self) -> bool {
        matches!(self.measure, Measure::Bytes | Measure::Bpp)
    }

    /// The bytes, or the values of the measure, that meet it closely.
    fn window(self, pixels: u64) -> RangeInclusive<f64> {
        let bytes = |most: f64| most * (1.0 - SIZE_WITHIN)..=most;
        match self.measure {
            Measure::Bytes => bytes(self.asked),
            Measure::Bpp => bytes((self.asked * pixels as f64 / 8.0).floor().max(1.0)),
            Measure::PsnrDb => self.asked..=self.asked + PSNR_WITHIN_DB,
            Measure::Ssimulacra2 => self.asked..=self.asked + SSIMULACRA2_WITHIN,
        }
    }

    /// Bytes that the measure takes for each pixel: both pictures, and for SSIMULACRA2 planes of floats.
    fn px_bytes(self) -> u64 {
        match self.measure {
            Measure::Bytes | Measure::Bpp => 0,
            Measure::PsnrDb => 12,
            Measure::Ssimulacra2 => SSIMULACRA2_PX_BYTES,
        }
    }
}

/// Encodes to a target; where it is not met closely, the notes of `source` say so.
///
/// # Errors
/// Usage for a target that no quality meets; else as encoding.
pub fn encode(codec: &Codec, source: &mut Source, args: &EncodeArgs, options: &EncodeOptions, target: Target) -> Result<Hit, Failure> {
    let failed = |error| Failure::codec(&args.input, &error);
    let held_memory = options.held_memory.saturating_add(source.picture.shape().pixels().saturating_mul(target.px_bytes()));
    let exposure = codec.expose(&source.picture, &source.metadata, &EncodeOptions { held_memory, ..*options }).map_err(failed)?;
    let hit = meet(&exposure, source, target).map_err(failed)?;
    let note = judged(source, target, &hit).map_err(|what| Failure::usage(format!("{}: {what}", shown(&args.input))))?;
    source.notes.extend(note);
    Ok(hit)
}

fn meet(exposure: &Exposure<'_>, source: &Source, target: Target) -> Result<Hit, calotype::Error> {
    let rgb = source.picture.rgb8();
    let alpha = source.picture.alpha();
    let psnr = |image: &Image| seen_psnr_db(&rgb, &image.rgb, alpha.as_deref());
    // No score for pictures of a few pixels. What is fully transparent has no error.
    let ssimulacra2 = |image: &Image| {
        let shown = with_hidden_of(&image.rgb, &rgb, alpha.as_deref());
        ssimulacra2(&rgb, &shown, image.width as usize).unwrap_or(0.0)
    };
    let score = |within, span, measure| Goal::Score { least: target.asked, within, span, measure };
    exposure.meet(&match target.measure {
        Measure::Bytes | Measure::Bpp => Goal::Bytes(*target.window(source.picture.shape().pixels()).end() as u64),
        Measure::PsnrDb => score(PSNR_WITHIN_DB, PSNR_SPAN_DB, &psnr),
        Measure::Ssimulacra2 => score(SSIMULACRA2_WITHIN, SSIMULACRA2_SPAN, &ssimulacra2),
    })
}

/// What to note of a file that is better than it was asked to be; nothing if it is as it was asked to be.
///
/// # Errors
/// What to say of a target that no quality meets.
fn judged(source: &Source, target: Target, hit: &Hit) -> Result<Option<String>, String> {
    let pixels = source.picture.shape().pixels();
    let (asked, Reached { reached, .. }) = (target.asked, target.reached(hit, pixels));
    let (wanted, reached) = match target.measure {
        Measure::Bytes => (format!("--target-size {asked}"), format!("{reached} bytes")),
        Measure::Bpp => (format!("--target-bpp {asked}"), format!("{reached:.3} bpp")),
        Measure::PsnrDb => (format!("--target-psnr {asked}"), format!("{reached:.3} dB")),
        Measure::Ssimulacra2 => (format!("--target-ssimulacra2 {asked}"), format!("{reached:.3}")),
    };
    let window = target.window(pixels);
    let (below, above) = (hit.value < *window.start(), hit.value > *window.end());
    let is_worse = if target.is_size() { above } else { below };
    let nearest = format!("{wanted}: the nearest that this picture allows is {reached}, at quality {:.2}", hit.quality.points());
    match (below || above, hit.met) {
        (false, _) => Ok(None),
        (true, _) if is_worse && target.is_size() => Err(nearest + &held(&source.metadata)),
        (true, _) if is_worse => Err(nearest),
        (true, false) => Ok(Some(nearest)),
        (true, true) if target.is_size() => Ok(Some(format!("{wanted}: the highest quality takes only {reached}"))),
        (true, true) => Ok(Some(format!("{wanted}: the lowest quality already gives {reached}"))),
    }
}

/// What of a file that is too large is metadata, and how to leave it out; nothing where there is none.
fn held(metadata: &Metadata) -> String {
    let Metadata { icc, exif, xmp, .. } = metadata;
    let parts: Vec<String> = [("an ICC profile", icc), ("Exif", exif), ("XMP", xmp)]
        .into_iter()
        .filter_map(|(name, part)| Some(format!("{name} ({} bytes)", part.as_ref()?.len())))
        .collect();
    let flag = match (exif, xmp) {
        (Some(_), Some(_)) => "all",
        (Some(_), None) => "exif",
        (None, Some(_)) => "xmp",
        (None, None) => "",
    };
    let strip = if flag.is_empty() { String::new() } else { format!("; leave it out with --strip {flag}") };
    if parts.is_empty() { strip } else { format!(", with {}{strip}", parts.join(", ")) }
}
