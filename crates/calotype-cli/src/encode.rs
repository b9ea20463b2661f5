//! `calotype encode`: an image becomes a .calo file.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use calotype::{Codec, DecodeOptions, Decoder, EncodeOptions, Encoded, Hit, Picture, about, exact, has_memory};
use calotype_bench::{SquaredError, seen, seen_psnr_db};
use serde::Serialize;

use crate::amount::counted;
use crate::args::EncodeArgs;
use crate::batch::{self, Finished, Kind};
use crate::engine::Choice;
use crate::failure::{Failure, shown};
use crate::frames;
use crate::kind;
use crate::metadata::{Strip, held_bytes};
use crate::output::{self, Done, Existing, Writing, is_pipe, is_stdout};
use crate::quality::{self, rounded};
use crate::read_image::{AfterEnd, Need, Source, check_size, decode_image, need, read_calo, read_image_bytes};
use crate::read_rows::RowSource;
use crate::reading::Reading;
use crate::target::{self, Reached};
use crate::write_image::format_by_ending;

/// Images of a folder.
pub const IMAGES: Kind<'static> = Kind {
    inputs: &["png", "jpg", "jpeg", "jpe", "mpo", "jxl", "webp", "gif", "tif", "tiff", "bmp", "ppm", "pgm", "pbm", "pnm"],
    output: "calo",
    begins: |bytes| kind::Kind::of(bytes).is_ok(),
    is_whole: is_whole_calo,
};

/// Whether it is a `.calo` file to its end, however large a picture it holds.
fn is_whole_calo(path: &Path) -> bool {
    let options = DecodeOptions { max_pixels: u64::MAX, max_memory: u64::MAX };
    let bytes = read_calo(path, &options, AfterEnd::PassedOver);
    bytes.is_ok_and(|bytes| Decoder::partial(&bytes, &options).is_ok_and(|decoder| decoder.missing_bytes() == 0))
}

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
    tries: u32,
    psnr_db: f64,
    cross_entropy_bits: f64,
    engine: String,
    adapter: String,
    model_id: String,
    encode_ms: f64,
    /// With a target.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Reached>,
    /// What is said on standard error, too.
    notes: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// Every failure of reading, encoding and writing.
pub fn run(args: &EncodeArgs, choice: &Choice) -> Result<(), Failure> {
    let inputs: Vec<PathBuf> = std::iter::once(&args.input).chain(&args.more).cloned().collect();
    if batch::is_batch(&inputs, &args.output) {
        return run_many(args, &inputs, choice);
    }
    check_arguments(args)?;
    let codec = choice.codec()?;
    say_beyond(args, &codec)?;
    let done = encode_file(args, &codec)?;
    choice.say(&codec);
    done.say()
}

fn run_many(args: &EncodeArgs, inputs: &[PathBuf], choice: &Choice) -> Result<(), Failure> {
    let jobs = batch::jobs(inputs, &args.output, IMAGES, Finished::from_flags(args.overwrite, args.resume))?;
    let lanes = batch::lanes(choice, |engine| choice.codec_on(engine))?;
    lanes.first().map_or(Ok(()), |lane| say_beyond(args, &lane.codec))?;
    batch::run(&jobs, &lanes, choice, &|codec, job| {
        let (overwrite, resume) = job.existing.as_flags();
        let (input, output) = (job.input.clone(), job.output.clone());
        let one = EncodeArgs { input, more: Vec::new(), output, overwrite, resume, ..args.clone() };
        encode_file(&one, codec)?.say_among_many()
    })
}

fn say_beyond(args: &EncodeArgs, codec: &Codec) -> Result<(), Failure> {
    if target::of(args).is_none() { quality::say_beyond(codec, args.quality) } else { Ok(()) }
}

/// Encodes `args.input` as `args.output`.
fn encode_file(args: &EncodeArgs, codec: &Codec) -> Result<Done<Report>, Failure> {
    let piped = if is_pipe(&args.input) { read_image_bytes(&args.input, args.max_memory)? } else { Vec::new() };
    let remedy = match RowSource::open(&args.input, &piped, &reading(args)) {
        Ok(source) if target::of(args).is_none() => return in_rows(args, codec, source, &piped),
        Ok(_) => "give a quality with -q instead of a target",
        Err(remedy) => remedy,
    };
    as_a_whole(args, codec, piped, remedy)
}

/// Through the whole image; `remedy` says how it would not have to be.
fn as_a_whole(args: &EncodeArgs, codec: &Codec, piped: Vec<u8>, remedy: &str) -> Result<Done<Report>, Failure> {
    let bytes = if is_pipe(&args.input) { piped } else { read_image_bytes(&args.input, args.max_memory)? };
    let bytes = match args.frame {
        Some(frame) => frames::chosen(bytes, frame, &args.input)?,
        None => bytes,
    };
    // As it is stored, as it is decoded, and what the decoder takes.
    let Need { pixels, inside } = need(&bytes, &args.input, &reading(args))?;
    let needed = (bytes.len() as u64).saturating_add(pixels).saturating_add(inside);
    if needed > args.max_memory {
        let (needed, limit) = (about(needed), exact(args.max_memory));
        let what = format!("is read as a whole, which needs about {needed} of memory, over the limit of {limit}");
        return Err(Failure::unsupported(&args.input, format!("{what}; raise it with --max-memory, or {remedy}")));
    }
    if !has_memory(pixels.saturating_add(inside)) {
        return Err(Failure::codec(&args.input, &calotype::Error::NoMemory { needed }));
    }
    let mut source = decode_image(&bytes, &args.input, &reading(args))?;
    drop(bytes);
    Strip::apply(&args.strip, &mut source.metadata, &mut source.notes);
    let begin = Instant::now();
    let held = pixels + held_bytes(&source.metadata);
    let hit = encode(codec, &mut source, args, held)?;
    let encode_ms = begin.elapsed().as_secs_f64() * 1e3;
    output::say_notes(&args.input, &source.notes);
    let report = args.json.then(|| report(args, codec, &source.picture, &hit)).transpose()?;
    output::write(&args.output, &[&hit.encoded.bytes], writing(args)?)?;
    let size = (source.picture.width(), source.picture.height());
    let line = result_line(args, size, &hit, encode_ms);
    let report = report.map(|report| Report { encode_ms, notes: source.notes, ..report });
    Ok(Done { report, line, pixels: u64::from(size.0) * u64::from(size.1) })
}

/// Band by band, as the rows come.
fn in_rows(args: &EncodeArgs, codec: &Codec, mut source: RowSource<'_>, piped: &[u8]) -> Result<Done<Report>, Failure> {
    let (shape, mut metadata) = (source.shape, std::mem::take(&mut source.metadata));
    Strip::apply(&args.strip, &mut metadata, &mut source.notes);
    let size = (shape.width, shape.height);
    check_size(size, &args.input, args.max_pixels)?;
    let failed = |error| Failure::codec(&args.input, &error);
    let options = options(args, codec, source.held_bytes + held_bytes(&metadata))?;
    let (begin, mut reading) = (Instant::now(), Duration::ZERO);
    let encoded = codec.encode_rows(shape, &metadata, &options, |rows| {
        let begin = Instant::now();
        let next = source.next(rows);
        reading += begin.elapsed();
        next.map_err(Stopped::Source)
    });
    let encode_ms = (begin.elapsed() - reading).as_secs_f64() * 1e3;
    let encoded = encoded.map_err(|stopped| match stopped {
        Stopped::Source(failure) => failure,
        Stopped::Codec(error) => failed(error),
    })?;
    let notes = source.notes_of_all();
    output::say_notes(&args.input, &notes);
    let psnr_db = args.json.then(|| psnr_of_rows(args, codec, &encoded, piped)).transpose()?;
    output::write(&args.output, &[&encoded.bytes], writing(args)?)?;
    let hit = Hit { value: encoded.bytes.len() as f64, encoded, quality: options.quality, tries: 1, met: true };
    let report = psnr_db.map(|psnr_db| Report { encode_ms, psnr_db, notes, ..facts(args, codec, size, &hit) });
    let line = result_line(args, size, &hit, encode_ms);
    Ok(Done { report, line, pixels: shape.pixels() })
}

fn reading(args: &EncodeArgs) -> Reading {
    Reading { max_pixels: args.max_pixels, turn: args.orientation, frame: args.frame, salvage: args.salvage }
}

/// How the output is written.
fn writing(args: &EncodeArgs) -> Result<Writing, Failure> {
    Writing::of(&args.input, Existing::from_flags(args.overwrite, args.resume), args.keep_time)
}

/// `held` bytes of memory are taken already.
fn options(args: &EncodeArgs, codec: &Codec, held: u64) -> Result<EncodeOptions, Failure> {
    let quality = quality::nearest(codec, args.quality)?;
    let EncodeArgs { tile_log2, dead_zone, max_memory, .. } = *args;
    Ok(EncodeOptions { quality, tile_log2, statistics: args.json, dead_zone, max_memory, held_memory: held })
}

/// Why there is no file.
enum Stopped {
    Source(Failure),
    Codec(calotype::Error),
}

impl From<calotype::Error> for Stopped {
    fn from(error: calotype::Error) -> Stopped {
        Stopped::Codec(error)
    }
}

/// Reads the image again and decodes the file beside it.
fn psnr_of_rows(args: &EncodeArgs, codec: &Codec, encoded: &Encoded, piped: &[u8]) -> Result<f64, Failure> {
    let failed = |error| Failure::codec(&args.output, &error);
    let changed = |_| Failure::malformed(&args.input, "has changed meanwhile");
    let mut source = RowSource::open(&args.input, piped, &reading(args)).map_err(changed)?;
    let decoder = Decoder::new(&encoded.bytes, &DecodeOptions { max_pixels: args.max_pixels, max_memory: u64::MAX }).map_err(failed)?;
    let mut error = SquaredError::default();
    for band in decoder.picture_bands(codec, decoder.whole()).map_err(failed)? {
        let decoded = band.map_err(failed)?;
        let original = source.next(decoded.height())?;
        let alpha = original.alpha();
        error.add(&seen(&original.rgb8(), alpha.as_deref()), &seen(&decoded.rgb8(), alpha.as_deref()));
    }
    Ok(error.psnr_db())
}

fn check_arguments(args: &EncodeArgs) -> Result<(), Failure> {
    if args.json && is_stdout(&args.output) {
        return Err(Failure::usage("--json: standard output carries the file already; give -o a name"));
    }
    if format_by_ending(&args.output).is_some() {
        let name = args.output.display();
        return Err(Failure::usage(format!("{name}: the ending of an image, but this would be a .calo file; use -o NAME.calo")));
    }
    output::check_apart(&args.output, &args.input)?;
    output::check("-o", &args.output, Existing::from_flag(args.overwrite))
}

fn encode(codec: &Codec, source: &mut Source, args: &EncodeArgs, held: u64) -> Result<Hit, Failure> {
    let options = options(args, codec, held)?;
    if let Some(target) = target::of(args) {
        return target::encode(codec, source, args, &options, target);
    }
    let encoded = codec.encode_picture(&source.picture, &source.metadata, &options);
    let encoded = encoded.map_err(|error| Failure::codec(&args.input, &error))?;
    Ok(Hit { value: encoded.bytes.len() as f64, encoded, quality: options.quality, tries: 1, met: true })
}

/// Decodes the result, so that psnr_db is that of the file.
fn report(args: &EncodeArgs, codec: &Codec, picture: &Picture, hit: &Hit) -> Result<Report, Failure> {
    let options = DecodeOptions { max_pixels: args.max_pixels, max_memory: u64::MAX };
    let decoded = Decoder::new(&hit.encoded.bytes, &options).and_then(|decoder| decoder.picture(codec));
    let decoded = decoded.map_err(|error| Failure::codec(&args.output, &error))?;
    let psnr_db = seen_psnr_db(&picture.rgb8(), &decoded.rgb8(), picture.alpha().as_deref());
    Ok(Report { psnr_db, ..facts(args, codec, (picture.width(), picture.height()), hit) })
}

/// All but what is measured.
fn facts(args: &EncodeArgs, codec: &Codec, (width, height): (u32, u32), hit: &Hit) -> Report {
    let ran = codec.engine();
    let bytes = hit.encoded.bytes.len();
    Report {
        input: args.input.display().to_string(),
        output: args.output.display().to_string(),
        width,
        height,
        bytes,
        bpp: bits_per_pixel((width, height), bytes),
        quality: hit.quality.points(),
        tries: hit.tries,
        psnr_db: 0.0,
        cross_entropy_bits: hit.encoded.cross_entropy_bits.unwrap_or(0.0),
        engine: ran.engine.to_string(),
        adapter: ran.adapter,
        model_id: codec.model_id().to_string(),
        encode_ms: 0.0,
        target: target::of(args).map(|target| target.reached(hit, u64::from(width) * u64::from(height))),
        notes: Vec::new(),
    }
}

fn bits_per_pixel((width, height): (u32, u32), bytes: usize) -> f64 {
    bytes as f64 * 8.0 / (f64::from(width) * f64::from(height))
}

fn result_line(args: &EncodeArgs, (width, height): (u32, u32), hit: &Hit, encode_ms: f64) -> String {
    let (bytes, quality) = (hit.encoded.bytes.len(), rounded(hit.quality.points()));
    let (output, bpp) = (shown(&args.output), bits_per_pixel((width, height), bytes));
    let tries = if target::of(args).is_some() { format!(", {}", counted(hit.tries as usize, "attempt")) } else { String::new() };
    format!("{output}: {width}x{height}, quality {quality}, {bytes} bytes, {bpp:.3} bpp, {encode_ms:.0} ms{tries}")
}
