//! Encoding to a target: a size, or a measure of the picture.

use calotype::{Codec, EncodeOptions, Exposure, Goal, Hit, Image, Metadata};
use calotype_bench::{seen_psnr_db, ssimulacra2, with_hidden_of};

use crate::args::EncodeArgs;
use crate::failure::{Failure, shown};
use crate::output;
use crate::read_image::Source;

/// By how much a measure may exceed its target.
const PSNR_WITHIN_DB: f64 = 0.1;
const SSIMULACRA2_WITHIN: f64 = 0.5;
/// What the measures grow by from the lowest quality to the highest, about.
const PSNR_SPAN_DB: f64 = 20.0;
const SSIMULACRA2_SPAN: f64 = 80.0;

/// Measured at 2 and 4 megapixels (docs/DECISIONS.md, large pictures).
const SSIMULACRA2_PX_BYTES: u64 = 110;

/// A target of the command line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// Bytes of the file.
    Size(u64),
    /// Its bits per pixel.
    BitsPerPixel(f64),
    /// At least so many dB.
    Psnr(f64),
    /// At least this score.
    Ssimulacra2(f64),
}

/// The target of the command line, if there is one.
pub fn of(args: &EncodeArgs) -> Option<Target> {
    let sizes = args.target_size.map(Target::Size).or(args.target_bpp.map(Target::BitsPerPixel));
    sizes.or(args.target_psnr.map(Target::Psnr)).or(args.target_ssimulacra2.map(Target::Ssimulacra2))
}

/// Encodes to a target.
///
/// # Errors
/// Usage for a target that no quality meets; else as encoding.
pub fn encode(codec: &Codec, source: &Source, args: &EncodeArgs, options: &EncodeOptions, target: Target) -> Result<Hit, Failure> {
    let failed = |error| Failure::codec(&args.input, &error);
    let held_memory = options.held_memory.saturating_add(source.picture.shape().pixels().saturating_mul(metric_px_bytes(target)));
    let exposure = codec.expose(&source.picture, &source.metadata, &EncodeOptions { held_memory, ..*options }).map_err(failed)?;
    let hit = meet(&exposure, source, target).map_err(failed)?;
    if !hit.met {
        say_missed(args, codec, target, &hit, source)?;
    }
    Ok(hit)
}

/// Bytes that the measure of a target takes for each pixel: both pictures, and for SSIMULACRA2 planes of floats.
fn metric_px_bytes(target: Target) -> u64 {
    match target {
        Target::Size(_) | Target::BitsPerPixel(_) => 0,
        Target::Psnr(_) => 12,
        Target::Ssimulacra2(_) => SSIMULACRA2_PX_BYTES,
    }
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
    let score = |least, within, span, measure| Goal::Score { least, within, span, measure };
    exposure.meet(&match target {
        Target::Size(bytes) => Goal::Bytes(bytes),
        Target::BitsPerPixel(bpp) => Goal::Bytes((bpp * pixels(source) / 8.0) as u64),
        Target::Psnr(least) => score(least, PSNR_WITHIN_DB, PSNR_SPAN_DB, &psnr),
        Target::Ssimulacra2(least) => score(least, SSIMULACRA2_WITHIN, SSIMULACRA2_SPAN, &ssimulacra2),
    })
}

fn pixels(source: &Source) -> f64 {
    f64::from(source.picture.width()) * f64::from(source.picture.height())
}

/// A target outside the scale is refused; one between two of its steps gets the better one, with a note.
fn say_missed(args: &EncodeArgs, codec: &Codec, target: Target, hit: &Hit, source: &Source) -> Result<(), Failure> {
    let input = shown(&args.input);
    let (value, quality) = (hit.value, hit.quality.points());
    let (wanted, reached) = match target {
        Target::Size(bytes) => (format!("--target-size {bytes}"), format!("{value:.0} bytes")),
        Target::BitsPerPixel(bpp) => (format!("--target-bpp {bpp}"), format!("{:.3} bpp", 8.0 * value / pixels(source))),
        Target::Psnr(least) => (format!("--target-psnr {least}"), format!("{value:.3} dB")),
        Target::Ssimulacra2(least) => (format!("--target-ssimulacra2 {least}"), format!("{value:.3}")),
    };
    let nearest = format!("{input}: {wanted}: the nearest that this picture allows is {reached}, at quality {quality:.2}");
    if codec.qualities().is_ok_and(|ends| ends.contains(&hit.quality)) {
        let size = matches!(target, Target::Size(_) | Target::BitsPerPixel(_));
        let held = if size { held(&source.metadata) } else { String::new() };
        return Err(Failure::usage(nearest + &held));
    }
    output::say(&format!("calotype: note: {nearest}"));
    Ok(())
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
