//! `calotype eval`: rate, distortion and times of real files over a folder of images.

mod bd_rate;
mod curves;
mod measure;
mod ms_ssim;
mod pchip;
pub mod psnr;
mod report;
mod summary;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use calotype::{Codec, EncodeOptions};

use crate::args::EvalArgs;
use crate::engine::Choice;
use crate::eval::curves::Curve;
use crate::eval::measure::{Keep, Measured, Plan, measure};
use crate::eval::report::Results;
use crate::failure::Failure;
use crate::output::{self, Existing};
use crate::read_image::{decode_image, read_bytes};

/// Endings of the files that count as images.
const ENDINGS: [&str; 12] = ["png", "jpg", "jpeg", "jpe", "webp", "tif", "tiff", "bmp", "ppm", "pgm", "pbm", "pnm"];

/// Runs the command.
///
/// # Errors
/// Every failure of reading, coding and writing.
pub fn run(args: &EvalArgs, choice: &Choice) -> Result<(), Failure> {
    let existing = Existing::from_flag(args.overwrite);
    let curves = against(&args.against)?;
    let files = image_files(&args.folder)?;
    let qualities = sorted(&args.quality);
    args.json.as_deref().map_or(Ok(()), |path| output::check(path, existing))?;
    let keep = args.keep.as_deref().map(|folder| Keep::new(folder, existing, &files, &qualities)).transpose()?;
    let codec = choice.codec()?;
    let plan = Plan { qualities, options: EncodeOptions { dead_zone: args.dead_zone, ..EncodeOptions::default() }, keep };
    let images = measure_all(&codec, &files, &plan)?;
    choice.say(&codec);
    let results = results(&codec, plan.qualities, images, curves);
    if let Some(path) = &args.json {
        output::write(path, &[results.to_json().as_bytes(), b"\n"], existing)?;
    }
    if args.json.as_deref().is_some_and(output::is_pipe) { Ok(()) } else { results.print() }
}

fn sorted(qualities: &[f64]) -> Vec<f64> {
    let mut qualities = qualities.to_vec();
    qualities.sort_by(f64::total_cmp);
    qualities.dedup();
    qualities
}

fn against(arguments: &[String]) -> Result<BTreeMap<String, Curve>, Failure> {
    match arguments.split_first() {
        None => Ok(BTreeMap::new()),
        Some((path, names)) => curves::read(Path::new(path), names),
    }
}

fn image_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error| Failure::io(folder, "list", error);
    let entries = fs::read_dir(folder).map_err(failed)?.collect::<io::Result<Vec<_>>>().map_err(failed)?;
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).filter(|path| is_image(path)).collect();
    files.sort();
    if files.is_empty() {
        return Err(Failure::usage(format!("{}: holds no images; give a folder of {}", folder.display(), ENDINGS.join(", "))));
    }
    Ok(files)
}

fn is_image(path: &Path) -> bool {
    let ending = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
    path.is_file() && ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

fn measure_all(codec: &Codec, files: &[PathBuf], plan: &Plan) -> Result<Vec<Measured>, Failure> {
    let talk = io::stderr().is_terminal();
    let mut images = Vec::with_capacity(files.len());
    for (number, file) in files.iter().enumerate() {
        if talk {
            output::say(&format!("{} of {}: {}", number + 1, files.len(), file.display()));
        }
        let picture = decode_image(&read_bytes(file)?, file, calotype::DEFAULT_MAX_PIXELS)?;
        images.push(measure(codec, file, &picture, plan)?);
    }
    Ok(images)
}

fn results(codec: &Codec, qualities: Vec<f64>, images: Vec<Measured>, curves: BTreeMap<String, Curve>) -> Results {
    let (means, ran) = (summary::means(&qualities, &images), codec.engine());
    Results {
        program: concat!("calotype ", env!("CARGO_PKG_VERSION")),
        engine: ran.engine,
        adapter: ran.adapter,
        threads: rayon::current_num_threads(),
        model_id: codec.model_id().to_string(),
        qualities,
        strictly_rising: summary::strictly_rising(&means),
        worst_rate: summary::worst_rate(&images),
        bd_rate: summary::bd_rates(&means, &curves),
        means,
        images,
        curves,
    }
}
