//! The command line's grammar.

use std::path::PathBuf;

use calotype::Region;
#[cfg(feature = "view")]
use calotype_view::Overlay;
use clap::{Arg, Args, CommandFactory, Parser, Subcommand, ValueEnum, value_parser};

use crate::amount::{parse_bytes, parse_count};
use crate::bad_value::BadValue;
use crate::metadata::{Strip, Turn};

/// What `--max-pixels` counts: docs/FORMAT.md section 2.1 says what is folded.
const OF_MAX_PIXELS: &str = "Refuse pictures of more pixels, e.g. 100M. Sides are rounded up to multiples of 64, as the network sees them; \
a picture with one side under 16 and the other over 64 is folded first, up to 64 across";
/// What the program returns; [`crate::batch`] says the rule for many files.
const EXIT_CODES: &str = "Exit codes: 0 done, 1 damaged or unknown input, 2 wrong usage, 3 unsupported or over a limit, \
4 engine or model, 5 input or output. Many files: the code of those that failed, 1 if their codes differ.";

/// Calotype, a learned image codec.
#[derive(Parser)]
#[command(name = "calotype", version, about = "A learned image codec: photos to .calo files and back", max_term_width = 100,
          after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Use this many threads instead of one per core
    #[arg(long, global = true, value_parser = parse_number, value_name = "N")]
    pub threads: Option<usize>,
    /// What runs the network; all give the same bytes and pixels
    #[arg(long, global = true, value_enum, default_value_t, value_name = "ENGINE")]
    pub engine: Engine,
    /// Take this GPU: its number in `calotype devices`, or a part of its name; all shares many files among the CPU and every real GPU
    #[arg(long, global = true, value_name = "NAME|N")]
    pub adapter: Option<String>,
    /// Another model than the default one: the path of its NAME.decoder.safetensors; to encode, its encoder part must lie beside it
    #[arg(long, global = true, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Say which engine ran
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Force a code path of the CPU engine: scalar, portable, avx2, avx-vnni, avx512 (for tests)
    #[arg(long, global = true, value_name = "ISA", hide = true)]
    pub isa: Option<String>,
}

/// The grammar that the program parses with: what follows a flag that takes a value is its value, even if it begins with a hyphen, so that the flag
/// says what is wrong with it. Names may be missing, and the next flag is none of them; but a negative number is no flag.
pub fn grammar() -> clap::Command {
    fn with_hyphens(flag: Arg) -> Arg {
        let names = [value_parser!(PathBuf).type_id(), value_parser!(String).type_id()];
        match flag.get_action().takes_values() && !flag.is_positional() {
            true if names.contains(&flag.get_value_parser().type_id()) => flag.allow_negative_numbers(true),
            true => flag.allow_hyphen_values(true),
            false => flag,
        }
    }
    Cli::command().mut_args(with_hyphens).mut_subcommands(|command| command.mut_args(with_hyphens))
}

/// `--engine`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// A real GPU if there is one, else the CPU
    #[default]
    Auto,
    /// The CPU
    Cpu,
    /// A GPU
    Gpu,
}

/// One task of the program.
#[derive(Subcommand)]
pub enum Command {
    /// Encode an image as a .calo file
    Encode(EncodeArgs),
    /// Decode a .calo file to an image
    Decode(DecodeArgs),
    /// Say what a .calo file holds, without decoding it
    Info(InfoArgs),
    /// List the engines that this machine offers
    Devices(ListArgs),
    /// List the models in this program
    Models(ListArgs),
    /// Write completions and manual pages to a folder
    #[command(hide = true)]
    Generate(GenerateArgs),
    /// Measure rate, distortion and times over a folder of images
    Eval(EvalArgs),
    /// Measure the speed of this machine's engines
    Bench(BenchArgs),
    /// Fill and run the kit that tools/gpu_kit.sh makes
    #[command(hide = true)]
    Kit(KitArgs),
    /// Show pictures in a window: zoom, compare, look inside, encode
    #[cfg(feature = "view")]
    View(ViewArgs),
}

/// `calotype encode`.
#[derive(Args, Clone)]
#[command(after_help = EXIT_CODES)]
pub struct EncodeArgs {
    /// PNG, JPEG, JPEG XL, WebP, GIF, TIFF, BMP or PNM, or a folder of them, or a pattern; - reads standard input
    #[arg(value_name = "IN")]
    pub input: PathBuf,
    /// More of them
    #[arg(value_name = "IN")]
    pub more: Vec<PathBuf>,
    /// The .calo file to write, or a folder for many; - writes standard output
    #[arg(short, long, value_name = "OUT.calo")]
    pub output: PathBuf,
    /// The SSIMULACRA2 score that photographs reach on average, decimals allowed; 0 is the smallest file, 100 the best picture
    #[arg(short, long, default_value = "70", value_parser = parse_quality, value_name = "0..100")]
    pub quality: f64,
    /// Find the quality for a file of at most this size, e.g. 100kB, and at least 98 % of it
    #[arg(long, group = "target", conflicts_with = "quality", value_parser = parse_bytes, value_name = "BYTES")]
    pub target_size: Option<u64>,
    /// The same in bits per pixel
    #[arg(long, group = "target", conflicts_with = "quality", value_parser = parse_positive, value_name = "BPP")]
    pub target_bpp: Option<f64>,
    /// Find the quality for at least this PSNR, and at most 0.1 dB more
    #[arg(long, group = "target", conflicts_with = "quality", value_parser = parse_positive, value_name = "DB")]
    pub target_psnr: Option<f64>,
    /// Find the quality for at least this SSIMULACRA2 score, and at most 0.5 more
    #[arg(long, group = "target", conflicts_with = "quality", value_parser = parse_positive, value_name = "SCORE")]
    pub target_ssimulacra2: Option<f64>,
    /// Print one JSON object; decodes the result to measure psnr_db
    #[arg(long)]
    pub json: bool,
    /// Overwrite an existing output
    #[arg(short = 'y', long)]
    pub overwrite: bool,
    /// Of many files, leave those alone whose outputs exist and are whole
    #[arg(long, conflicts_with = "overwrite")]
    pub resume: bool,
    #[arg(long, help = OF_MAX_PIXELS, default_value_t = calotype::DEFAULT_MAX_PIXELS, value_parser = parse_count, value_name = "N")]
    pub max_pixels: u64,
    /// Refuse images that need more memory to encode, e.g. 500MB; PNG, TIFF and PNM are read row by row, and need little. Counts each
    /// image alone: the program itself takes about 30 MB more, and one image a thread is worked on at a time
    #[arg(long, default_value = "4GiB", value_parser = parse_bytes, value_name = "BYTES")]
    pub max_memory: u64,
    /// Leave this out, separated by commas: all, gps, exif, xmp; colour profiles stay, and how the picture is to be turned
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    pub strip: Vec<Strip>,
    /// Give the output the time of the input's last change
    #[arg(long)]
    pub keep_time: bool,
    /// What becomes of an orientation that the image's Exif asks for
    #[arg(long, value_enum, default_value_t = Turn::Apply, value_name = "HOW")]
    pub orientation: Turn,
    /// Take this page or frame of a file with several, from 1, instead of the first
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..), value_name = "N")]
    pub frame: Option<u32>,
    /// Encode what can be read of a broken image
    #[arg(long)]
    pub salvage: bool,
    /// Side of a tile: 2^N pixels, 6 to 16 (for tests)
    #[arg(long, default_value_t = calotype::DEFAULT_TILE_LOG2, value_name = "N", hide = true)]
    pub tile_log2: u8,
    /// What a bit is worth in rounding, 1/256 of a symbol (for experiments)
    #[arg(long, default_value_t = calotype::DEFAULT_DEAD_ZONE, value_name = "N", hide = true)]
    pub dead_zone: u8,
}

/// `calotype decode`.
#[derive(Args, Clone)]
#[command(after_help = EXIT_CODES)]
pub struct DecodeArgs {
    /// The .calo file, or a folder of them, or a pattern; - reads standard input
    #[arg(value_name = "IN.calo")]
    pub input: PathBuf,
    /// More of them
    #[arg(value_name = "IN.calo")]
    pub more: Vec<PathBuf>,
    /// The output's format by an ending, whatever its name; what many files become, when -o is a folder [default there: png]
    #[arg(long, value_name = "ENDING")]
    pub format: Option<String>,
    /// PNG, PPM, PGM, JPEG, WebP, TIFF or BMP, by its ending; - writes PNM to standard output
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Overwrite an existing output
    #[arg(short = 'y', long)]
    pub overwrite: bool,
    /// Of many files, leave those alone whose outputs exist and are pictures
    #[arg(long, conflicts_with = "overwrite")]
    pub resume: bool,
    #[arg(long, help = OF_MAX_PIXELS, default_value_t = calotype::DEFAULT_MAX_PIXELS, value_parser = parse_count, value_name = "N")]
    pub max_pixels: u64,
    /// Refuse pictures that need more memory to decode, e.g. 500MB. Counts each picture alone: the program itself takes about 30 MB
    /// more, and one picture a thread is worked on at a time
    #[arg(long, default_value = "4GiB", value_parser = parse_bytes, value_name = "BYTES")]
    pub max_memory: u64,
    /// Leave this out, separated by commas: all, gps, exif, xmp; colour profiles stay, and how the picture is to be turned
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    pub strip: Vec<Strip>,
    /// Give the output the time of the input's last change
    #[arg(long)]
    pub keep_time: bool,
    /// Only this part of the picture that would be written without this flag, in pixels from its top left, before --scale; reads only the
    /// tiles that it needs, and passes over damage in others
    #[arg(long, value_parser = parse_region, value_name = "X,Y,W,H")]
    pub region: Option<Region>,
    /// A smaller picture: 1/2, 1/4 or 1/8 of the width and of the height
    #[arg(long, default_value = "1", value_parser = parse_scale, value_name = "1/N", hide_default_value = true)]
    pub scale: u32,
    /// Show what the first bytes of a file hold, where the rest is missing
    #[arg(long)]
    pub partial: bool,
    /// Show a damaged file without the tiles that are damaged
    #[arg(long)]
    pub salvage: bool,
    /// What becomes of an orientation that the picture's Exif asks for [default: keep where the output holds Exif]
    #[arg(long, value_enum, value_name = "HOW")]
    pub orientation: Option<Turn>,
}

/// `calotype info`.
#[derive(Args)]
pub struct InfoArgs {
    /// The .calo file; - reads standard input
    #[arg(value_name = "IN.calo")]
    pub input: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    #[arg(long, help = OF_MAX_PIXELS, default_value_t = calotype::DEFAULT_MAX_PIXELS, value_parser = parse_count, value_name = "N")]
    pub max_pixels: u64,
}

/// `calotype devices` and `calotype models`.
#[derive(Args)]
pub struct ListArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `calotype generate`.
#[derive(Args)]
pub struct GenerateArgs {
    /// The folder
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Overwrite existing files
    #[arg(short = 'y', long)]
    pub overwrite: bool,
}

/// `calotype eval`.
#[derive(Args)]
pub struct EvalArgs {
    /// A folder of images
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Qualities, separated by commas
    #[arg(short, long, value_delimiter = ',', value_parser = parse_quality, value_name = "LIST",
          default_value = "0,30,40,50,55,60,65,70,75,80,85,100")]
    pub quality: Vec<f64>,
    /// Instead of qualities: the numbers that files hold of them, 0 to 16128 (docs/MODEL.md section 3)
    #[arg(long, value_delimiter = ',', value_parser = value_parser!(u16).range(0..=16128), conflicts_with = "quality", value_name = "LIST")]
    pub fineness: Vec<u16>,
    /// Write every measurement to this file
    #[arg(long, value_name = "OUT")]
    pub json: Option<PathBuf>,
    /// BD-rate against curves of a file: its path, then names of curves in it
    #[arg(long, num_args = 2.., value_names = ["CURVES.json", "NAME"])]
    pub against: Vec<String>,
    /// Other codecs to run beside ours: jpeg, webp, avif, jxl, separated by commas; their tools must be on the path
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    pub compare: Vec<String>,
    /// Codecs of this TOML file too: their command lines and settings (docs/PEERS.md)
    #[arg(long, value_name = "FILE")]
    pub peers_file: Option<PathBuf>,
    /// Write report.html, results.json and points.csv to this folder; a run that was interrupted goes on
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Runs of each codec to time for the report; 0 for none
    #[arg(long, value_parser = parse_number, default_value_t = 5, value_name = "N", requires = "report")]
    pub speed_runs: usize,
    /// Pictures to show side by side in the report
    #[arg(long, value_parser = parse_number, default_value_t = 4, value_name = "N", requires = "report")]
    pub crops: usize,
    /// Keep the .calo files and the decoded PNGs in this folder
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Overwrite existing outputs
    #[arg(short = 'y', long)]
    pub overwrite: bool,
    /// What a bit is worth in rounding, 1/256 of a symbol (for experiments)
    #[arg(long, default_value_t = calotype::DEFAULT_DEAD_ZONE, value_name = "N", hide = true)]
    pub dead_zone: u8,
}

/// `calotype bench`. The CPU and every real GPU run, or those of `--engine` and `--adapter`; `--adapter all` takes software GPUs too.
#[derive(Args)]
pub struct BenchArgs {
    /// Sizes of the pictures, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = parse_size, value_name = "LIST", default_value = "512x512,1920x1080,3840x2160")]
    pub sizes: Vec<(u32, u32)>,
    /// The SSIMULACRA2 score that photographs reach on average, decimals allowed; 0 is the smallest file, 100 the best picture
    #[arg(short, long, default_value = "70", value_parser = parse_quality, value_name = "0..100")]
    pub quality: f64,
    /// Timed runs of each, after one that does not count
    #[arg(long, value_parser = parse_number, default_value_t = 5, value_name = "N")]
    pub runs: usize,
    /// Lay the pictures of pieces of this folder's photographs instead of drawing them
    #[arg(long, value_name = "DIR")]
    pub pictures: Option<PathBuf>,
    /// Time whole processes of other codecs too, and ours: jpeg, webp, avif, jxl, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    pub peers: Vec<String>,
    /// Write every measurement to this file
    #[arg(long, value_name = "OUT")]
    pub json: Option<PathBuf>,
    /// Write a page with plots
    #[arg(long, value_name = "OUT.html")]
    pub report: Option<PathBuf>,
    /// Measure nothing: put files of `calotype bench --json` side by side
    #[arg(long, num_args = 1.., value_name = "A.json")]
    pub compare: Vec<PathBuf>,
    /// Overwrite existing outputs
    #[arg(short = 'y', long)]
    pub overwrite: bool,
}

/// `calotype kit`: for the script that makes a kit, and for the script in it.
#[derive(Args)]
pub struct KitArgs {
    /// What to do.
    #[command(subcommand)]
    pub task: KitTask,
}

/// One task of `calotype kit`.
#[derive(Subcommand)]
pub enum KitTask {
    /// Draw the pictures, and encode and decode them
    Fill {
        /// The kit's folder
        #[arg(value_name = "DIR")]
        kit: PathBuf,
    },
    /// Compare one engine with what lies there; prints one JSON object a picture
    Compare {
        /// The kit's folder
        #[arg(value_name = "DIR")]
        kit: PathBuf,
        /// Only one small picture
        #[arg(long)]
        one: bool,
    },
    /// Check and time every GPU
    Run {
        /// The kit's folder
        #[arg(value_name = "DIR")]
        kit: PathBuf,
        /// How long it may take
        #[arg(long, default_value_t = 180, value_name = "N")]
        seconds: u64,
        /// Take software adapters for hardware, to try the kit without any
        #[arg(long)]
        software: bool,
    },
}

/// `calotype view`. F1 lists its keys.
#[cfg(feature = "view")]
#[derive(Args)]
pub struct ViewArgs {
    /// .calo files, PNG, JPEG, JPEG XL, WebP, GIF, TIFF, BMP, PNM, or folders; the pictures beside a single file are paged through with it
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Two sides to compare: files, original, qNN (this quality), or jpeg, webp, avif, jxl with as many bytes as the other side
    #[arg(long, num_args = 2, value_names = ["A", "B"])]
    pub compare: Vec<String>,
    /// How to compare
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub style: Style,
    /// What lies over the picture: bits, sigma, or the number of a latent channel
    #[arg(long, value_parser = parse_overlay, value_name = "WHAT")]
    pub overlay: Option<Overlay>,
    /// Screen pixels per pixel of the picture, or fit
    #[arg(long, default_value = "fit", value_parser = parse_zoom, value_name = "N")]
    pub zoom: Option<f64>,
    /// The pixel in the middle of the view
    #[arg(long, value_parser = parse_place, requires = "zoom", value_name = "X,Y")]
    pub at: Option<[f64; 2]>,
    /// Write a picture of the window instead of opening one, as PNG, JPEG and so on by its ending; needs no display
    #[arg(long, value_name = "OUT.png")]
    pub screenshot: Option<PathBuf>,
    /// Its size
    #[arg(long, default_value = "1280x800", value_parser = parse_size, value_name = "WxH", requires = "screenshot")]
    pub size: (u32, u32),
    /// Where the border between the sides is in it, from 0 to 1
    #[arg(long, default_value_t = 0.5, value_name = "PART", requires = "screenshot")]
    pub split: f64,
    /// Leave the panel out of it
    #[arg(long, requires = "screenshot")]
    pub no_panel: bool,
    /// Overwrite it
    #[arg(short = 'y', long)]
    pub overwrite: bool,
    /// Lose the GPU before this submit (for tests)
    #[arg(long, value_name = "N", hide = true)]
    pub lose_device: Option<u64>,
    #[arg(long, help = OF_MAX_PIXELS, default_value_t = VIEW_MAX_PIXELS, value_parser = parse_count, value_name = "N")]
    pub max_pixels: u64,
}

/// Pictures in a window are in memory as a whole.
#[cfg(feature = "view")]
const VIEW_MAX_PIXELS: u64 = 200_000_000;

/// `--style`.
#[cfg(feature = "view")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Style {
    /// One beside the other, with a border that moves
    #[default]
    Split,
    /// Their difference, enlarged
    Difference,
    /// One after the other
    Flicker,
}

#[cfg(feature = "view")]
fn parse_overlay(text: &str) -> Result<Overlay, BadValue> {
    match text {
        "bits" => Ok(Overlay::Bits),
        "sigma" => Ok(Overlay::Sigma),
        number => number.parse().map(Overlay::Channel).map_err(|_| BadValue::Overlay),
    }
}

#[cfg(feature = "view")]
fn parse_zoom(text: &str) -> Result<f64, BadValue> {
    // 0 stands for a picture that fits.
    if text == "fit" { Ok(0.0) } else { parse_positive(text) }
}

#[cfg(feature = "view")]
fn parse_place(text: &str) -> Result<[f64; 2], BadValue> {
    let numbers: Option<[f64; 2]> = text.split_once(',').and_then(|(x, y)| Some([x.trim().parse().ok()?, y.trim().parse().ok()?]));
    numbers.ok_or(BadValue::Place)
}

fn parse_size(text: &str) -> Result<(u32, u32), BadValue> {
    let sides = text.trim().split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    match sides {
        Some((width, height)) if width > 0 && height > 0 && u64::from(width) * u64::from(height) <= calotype::DEFAULT_MAX_PIXELS => {
            Ok((width, height))
        }
        _ => Err(BadValue::Size),
    }
}

fn parse_region(text: &str) -> Result<Region, BadValue> {
    let numbers: Result<Vec<u32>, _> = text.split(',').map(|number| number.trim().parse()).collect();
    match numbers.as_deref() {
        Ok(&[x, y, width, height]) => Ok(Region { x, y, width, height }),
        _ => Err(BadValue::Region),
    }
}

fn parse_scale(text: &str) -> Result<u32, BadValue> {
    let scales = [("1", 1), ("1/2", 2), ("1/4", 4), ("1/8", 8)];
    scales.into_iter().find(|(name, _)| *name == text).map(|(_, factor)| factor).ok_or(BadValue::Scale)
}

fn parse_number(text: &str) -> Result<usize, BadValue> {
    text.parse().map_err(|_| BadValue::Number)
}

fn parse_positive(text: &str) -> Result<f64, BadValue> {
    let number: Result<f64, _> = text.parse();
    number.ok().filter(|number| *number > 0.0 && number.is_finite()).ok_or(BadValue::NotPositive)
}

fn parse_quality(text: &str) -> Result<f64, BadValue> {
    let quality: f64 = text.trim().parse().map_err(|_| BadValue::NoQuality)?;
    if (0.0..=100.0).contains(&quality) { Ok(quality) } else { Err(BadValue::BeyondQuality) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grammar_is_consistent() {
        grammar().debug_assert();
    }

    #[test]
    fn qualities_are_checked() {
        assert_eq!(parse_quality("62.5"), Ok(62.5));
        for refused in ["-1", "100.1", "NaN", "inf", "", "x"] {
            assert!(parse_quality(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn regions_and_scales_are_checked() {
        assert_eq!(parse_region("1, 2,3,4"), Ok(Region { x: 1, y: 2, width: 3, height: 4 }));
        assert!(["", "1,2,3", "1,2,3,4,5", "1,2,3,-4", "a,b,c,d"].iter().all(|text| parse_region(text).is_err()));
        assert_eq!(parse_scale("1/4"), Ok(4));
        assert!(["", "4", "1/3", "1/16"].iter().all(|text| parse_scale(text).is_err()));
    }

    #[test]
    fn against_takes_a_path_and_names() {
        let cli = Cli::parse_from(["calotype", "eval", "dir", "--against", "c.json", "a", "b", "-q", "1,2.5"]);
        let Command::Eval(eval) = cli.command else { panic!("not eval") };
        assert_eq!(eval.against, ["c.json", "a", "b"]);
        assert_eq!(eval.quality, [1.0, 2.5]);
        assert!(Cli::try_parse_from(["calotype", "eval", "dir", "--against", "c.json"]).is_err());
    }
}
