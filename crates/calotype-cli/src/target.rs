//! Encoding to a target: a size, or a measure of the picture.

use calotype::{Codec, EncodeOptions, Exposure, Goal, Hit, Image, Quality};
use calotype_bench::ssimulacra2;

use crate::args::EncodeArgs;
use crate::encode::seen_psnr_db;
use crate::failure::Failure;
use crate::output;
use crate::read_image::Source;

/// By how much a measure may exceed its target.
const PSNR_WITHIN_DB: f64 = 0.1;
const SSIMULACRA2_WITHIN: f64 = 0.5;
/// What the measures grow by from quality 0 to 100, about.
const PSNR_SPAN_DB: f64 = 20.0;
const SSIMULACRA2_SPAN: f64 = 80.0;

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
pub fn encode(codec: &Codec, source: &Source, (args, options): (&EncodeArgs, &EncodeOptions), target: Target) -> Result<Hit, Failure> {
    let failed = |error| Failure::codec(&args.input, &error);
    let exposure = codec.expose(&source.picture, &source.metadata, options).map_err(failed)?;
    let hit = meet(&exposure, source, target).map_err(failed)?;
    if !hit.met {
        say_missed(target, &hit)?;
    }
    Ok(hit)
}

fn meet(exposure: &Exposure<'_>, source: &Source, target: Target) -> Result<Hit, calotype::Error> {
    let rgb = source.picture.rgb8();
    let alpha = source.picture.alpha();
    let psnr = |image: &Image| seen_psnr_db(&rgb, &image.rgb, alpha.as_deref());
    // No score for pictures of a few pixels.
    let ssimulacra2 = |image: &Image| ssimulacra2(&rgb, &image.rgb, image.width as usize).unwrap_or(0.0);
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
fn say_missed(target: Target, hit: &Hit) -> Result<(), Failure> {
    let (name, wanted, unit) = match target {
        Target::Size(bytes) => ("--target-size", bytes as f64, " bytes"),
        Target::BitsPerPixel(bpp) => ("--target-bpp", bpp, " bytes"),
        Target::Psnr(least) => ("--target-psnr", least, " dB"),
        Target::Ssimulacra2(least) => ("--target-ssimulacra2", least, ""),
    };
    let (value, quality) = (hit.value, hit.quality.percent());
    let nearest = format!("{name} {wanted}: the nearest that this picture allows is {value:.3}{unit}, at quality {quality:.2}");
    if [Quality::LOWEST, Quality::HIGHEST].contains(&hit.quality) {
        return Err(Failure::usage(nearest));
    }
    output::say(&format!("calotype: note: {nearest}"));
    Ok(())
}

/// Bytes from text such as 100000, 100kB, 1.5MB, 64KiB.
///
/// # Errors
/// A line that says what is possible.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let units =
        [("KiB", 1024.0), ("MiB", 1024.0 * 1024.0), ("kB", 1e3), ("KB", 1e3), ("MB", 1e6), ("B", 1.0), ("k", 1e3), ("M", 1e6), ("", 1.0)];
    let unit = units.iter().find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?.trim(), bytes)));
    let size = unit.and_then(|(number, bytes)| Some(number.parse::<f64>().ok()? * bytes));
    size.filter(|size| (1.0..1e15).contains(size))
        .map(|size| size as u64)
        .ok_or_else(|| "give bytes, as 100000, 100kB, 1.5MB or 64KiB".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let sizes = ["100000", "100kB", "1.5MB", "64KiB", "2 MiB", "7B", "3k"].map(|text| parse_bytes(text).unwrap());
        assert_eq!(sizes, [100_000, 100_000, 1_500_000, 65_536, 2 << 20, 7, 3000]);
        for text in ["", "kB", "-5", "0", "5 apples", "nan", "inf", "1e99"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }
}
