//! `calotype eval`: rate, distortion and times of real files over a folder of images.

mod report_folder;
mod table;

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use calotype::{Codec, EncodeOptions, Quality};
use calotype_bench::{
    CommandCodec, Curve, Error, Foreign, Hooks, Journal, Kept, Measurements, Picture, Plan, Results, find_peer, measure, read_curves,
    read_peers,
};
use image::ImageFormat;

use crate::args::EvalArgs;
use crate::batch::{in_folder, say_failed};
use crate::encode::IMAGES;
use crate::engine::Choice;
use crate::failure::Failure;
use crate::output::{self, Existing};
use crate::progress::Bar;
use crate::quality;
use crate::read_image::{Source, decode_image, read_bytes};
use crate::reading::Reading;
use crate::write_image::write_image;
use report_folder::ReportFolder;

/// Runs the command.
///
/// # Errors
/// Every failure of coding and writing; those of pictures that were left out, at the end.
pub fn run(args: &EvalArgs, choice: &Choice) -> Result<(), Failure> {
    let existing = Existing::from_flag(args.overwrite);
    let curves = against(&args.against)?;
    let files = image_files(&args.folder)?;
    args.json.as_deref().map_or(Ok(()), |path| output::check("--json", path, existing))?;
    let codec = choice.codec()?;
    let qualities = sorted(asked(args, &codec)?);
    let keep = args.keep.as_deref().map(|folder| Keep::new(folder, existing, &files, &qualities)).transpose()?;
    let folder = args.report.as_deref().map(|path| ReportFolder::open(path, existing)).transpose()?;
    let (mut peers, skipped) = peers(&args.compare)?;
    if let Some(path) = &args.peers_file {
        peers.extend(read_peers(path, &tool_folders())?);
    }
    let bar = Bar::new();
    let keep_one = keep.as_ref().map(|keep| |kept: &Kept<'_>| keep.write(kept).map_err(Foreign::from));
    let hooks = Hooks {
        read: &|path| read(path).map_err(Foreign::from),
        keep: keep_one.as_ref().map(|keep| keep as &calotype_bench::Keep<'_>),
        progress: &|progress| bar.show(progress),
    };
    let mut plan = Plan {
        files,
        qualities,
        options: EncodeOptions { dead_zone: args.dead_zone, ..EncodeOptions::default() },
        peers,
        journal: folder.as_ref().map_or_else(|| Ok(Journal::default()), ReportFolder::journal)?,
        engine: format!("{:?}, {} threads", choice.engine(), rayon::current_num_threads()),
        hooks,
    };
    let Measurements { images, left_out } = measure(&codec, &plan)?;
    let files = plan.files.len();
    plan.files.retain(|file| left_out.iter().all(|(left, _)| left != file));
    let names = left_out.iter().map(|(path, _)| file_name(path)).collect();
    let failed = left_out.into_iter().map(|(_, error)| Failure::from(error)).enumerate().collect();
    if !images.is_empty() {
        let results = results(args, &codec, choice.model(), &plan, Results::new(&codec, &plan, images, curves))?;
        bar.finish();
        choice.say(&codec);
        finish(args, Results { skipped, left_out: names, ..results }, folder.as_ref())?;
    }
    bar.finish();
    say_failed(files, failed, "measured")
}

/// Times and draws what a report shows besides.
fn results(args: &EvalArgs, codec: &Codec, model: Option<&Path>, plan: &Plan<'_>, mut results: Results) -> Result<Results, Failure> {
    if let Some(folder) = &args.report {
        results.crops = calotype_bench::crops(codec, plan, &report_folder::crops(folder), args.crops)?;
        if args.speed_runs > 0 {
            results.speed = report_folder::speeds(plan, &results, model, args.speed_runs)?;
        }
    }
    Ok(results)
}

fn finish(args: &EvalArgs, results: Results, folder: Option<&ReportFolder>) -> Result<(), Failure> {
    if let Some(path) = &args.json {
        output::write(path, &[results.to_json()?.as_bytes(), b"\n"], Existing::from_flag(args.overwrite))?;
    }
    if let Some(folder) = folder {
        folder.write(&results)?;
    }
    if args.json.as_deref().is_some_and(output::is_pipe) { Ok(()) } else { table::print_results(&results) }
}

/// The qualities of `--quality` or of `--fineness`, in points.
fn asked(args: &EvalArgs, codec: &Codec) -> Result<Vec<f64>, Failure> {
    let of_fineness = |fineness: &u16| codec.quality_of(*fineness).map(Quality::points).map_err(|error| Failure::engine(&error));
    if !args.fineness.is_empty() {
        return args.fineness.iter().map(of_fineness).collect();
    }
    args.quality.iter().try_for_each(|points| quality::say_beyond(codec, *points))?;
    args.quality.iter().map(|points| quality::nearest(codec, *points).map(Quality::points)).collect()
}

fn sorted(mut qualities: Vec<f64>) -> Vec<f64> {
    qualities.sort_by(f64::total_cmp);
    qualities.dedup();
    qualities
}

fn against(arguments: &[String]) -> Result<BTreeMap<String, Curve>, Failure> {
    let Some((path, names)) = arguments.split_first() else { return Ok(BTreeMap::new()) };
    read_curves(Path::new(path), names).map_err(|error| match error {
        Error::UnknownName { name, known } => Failure::usage(format!("--against: {path} has no curve \"{name}\"; it has {known}")),
        error => error.into(),
    })
}

/// Where programs are.
pub fn tool_folders() -> Vec<PathBuf> {
    env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default()
}

/// The codecs whose tools are on the path, and the names of the others.
///
/// # Errors
/// Usage for unknown names; io where a tool does not say its version.
pub fn peers(names: &[String]) -> Result<(Vec<CommandCodec>, Vec<String>), Failure> {
    let folders = tool_folders();
    let (mut peers, mut skipped) = (Vec::new(), Vec::new());
    for name in names {
        match find_peer(name, &folders) {
            Ok(peer) => peers.push(peer),
            Err(error @ Error::MissingTool { .. }) => {
                output::say(&format!("calotype: note: {error}; skipped"));
                skipped.push(name.clone());
            }
            Err(error @ Error::UnknownName { .. }) => return Err(Failure::usage(format!("--compare: {error}"))),
            Err(error) => return Err(error.into()),
        }
    }
    Ok((peers, skipped))
}

/// The images of a folder, as `calotype encode` finds them, sorted.
///
/// # Errors
/// Io; usage if there are none.
pub fn image_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let files = in_folder(folder, IMAGES)?;
    if files.is_empty() {
        let endings = IMAGES.inputs.join(", ");
        return Err(Failure::usage(format!("{}: holds no images; give a folder of {endings}", folder.display())));
    }
    Ok(files)
}

/// A picture as measurements want it.
///
/// # Errors
/// Io, and those of damaged images.
pub fn read(path: &Path) -> Result<Picture, Failure> {
    let reading = Reading::plain(calotype::DEFAULT_MAX_PIXELS);
    let Source { picture, metadata, .. } = decode_image(&read_bytes(path)?, path, &reading)?;
    let (width, height, rgb) = (picture.width(), picture.height(), picture.rgb8().into_owned());
    let is_plain = picture.channels() == calotype::Channels::Rgb && picture.depth() == 8 && metadata == calotype::Metadata::default();
    Ok(Picture { name: file_name(path), width, height, rgb, whole: (!is_plain).then_some((picture, metadata)) })
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Where `--keep` puts files.
struct Keep {
    folder: PathBuf,
    existing: Existing,
}

impl Keep {
    /// Creates the folder.
    ///
    /// # Errors
    /// Io; usage if a file is there already and may not be replaced.
    fn new(folder: &Path, existing: Existing, files: &[PathBuf], qualities: &[f64]) -> Result<Keep, Failure> {
        output::create_folder(folder)?;
        let keep = Keep { folder: folder.to_path_buf(), existing };
        for file in files {
            for quality in qualities {
                keep.paths(&file_name(file), *quality).iter().try_for_each(|path| output::check("--keep", path, existing))?;
            }
        }
        Ok(keep)
    }

    /// `NAME.qQ.calo` and `NAME.qQ.png`.
    fn paths(&self, name: &str, quality: f64) -> [PathBuf; 2] {
        ["calo", "png"].map(|ending| self.folder.join(format!("{name}.q{quality}.{ending}")))
    }

    fn write(&self, kept: &Kept<'_>) -> Result<(), Failure> {
        let [calo, png] = self.paths(kept.name, kept.quality);
        output::write(&calo, &[&kept.encoded.bytes], self.existing)?;
        let rgb = calotype::Samples::U8(kept.decoded.rgb.clone());
        let picture = calotype::Picture::new(kept.decoded.width, kept.decoded.height, calotype::Channels::Rgb, rgb);
        let picture = picture.map_err(|error| Failure::codec(&png, &error))?;
        write_image(&png, ImageFormat::Png, picture, calotype::Metadata::default(), self.existing).map(drop)
    }
}
