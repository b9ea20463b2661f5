//! `calotype decode`: a .calo file becomes an image.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use calotype::{Codec, DecodeOptions, Decoder, Metadata, Picture, Quality, Region, Shape, Usage};
use image::ImageFormat;
use image::metadata::Orientation;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::amount::counted;
use crate::args::DecodeArgs;
use crate::batch::{self, Finished, Kind};
use crate::engine::Choice;
use crate::exif;
use crate::failure::{Failure, shown};
use crate::kind;
use crate::metadata::{self, Strip, Turn, asked_orientation, say_orientation};
use crate::output::{self, Done, Existing, Sink, Writing, is_stdout};
use crate::pixels;
use crate::read_image::{AfterEnd, read_calo};
use crate::turned::{inverse, turned, turned_size};
use crate::write_image::{as_named, fit, holds_metadata, output_format, write_image};
use crate::write_rows::{Stopped, in_bands, write_rows};

/// What many files become unless `--format` says otherwise.
const BATCH_FORMAT: &str = "png";

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    input: String,
    output: String,
    width: u32,
    height: u32,
    bytes: usize,
    bpp: f64,
    quality: Option<f64>,
    fineness: u16,
    engine: String,
    adapter: String,
    model_id: String,
    decode_ms: f64,
    rgb_sha256: String,
    /// Left, top, width and height of tiles that are left flat.
    damaged_tiles: Vec<[u32; 4]>,
    /// Sections that are left out: alpha, metadata.
    damaged_sections: usize,
    /// Bytes that the file should have at its end.
    missing_bytes: u64,
    /// What is said on standard error, too.
    notes: Vec<String>,
}

/// What is written of a picture.
struct Part {
    format: ImageFormat,
    /// Where it lies in the picture as that is stored.
    region: Region,
    /// How its pixels are turned.
    turn: Orientation,
}

/// A picture that has been written.
struct Written {
    width: u32,
    height: u32,
    decode_ms: f64,
    rgb_sha256: String,
    /// What the format could not hold, one line each.
    notes: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// Every failure of reading, decoding and writing.
pub fn run(args: &DecodeArgs, choice: &Choice) -> Result<(), Failure> {
    let inputs: Vec<PathBuf> = std::iter::once(&args.input).chain(&args.more).cloned().collect();
    if batch::is_batch(&inputs, &args.output) {
        return run_many(args, &inputs, choice);
    }
    if args.json && is_stdout(&args.output) {
        return Err(Failure::usage("--json: standard output carries the picture already; give -o a name"));
    }
    output_format(&args.output, args.format.as_deref())?;
    output::check_apart(&args.output, &args.input)?;
    output::check("-o", &args.output, Existing::from_flag(args.overwrite))?;
    let codec = choice.decoder()?;
    let done = decode_file(args, &codec)?;
    choice.say(&codec);
    done.say()
}

fn run_many(args: &DecodeArgs, inputs: &[PathBuf], choice: &Choice) -> Result<(), Failure> {
    // Before any work is done, not once per file.
    let format = args.format.as_deref().unwrap_or(BATCH_FORMAT);
    output_format(&args.output, Some(format))?;
    let is_whole = |path: &Path| batch::first_bytes(path).is_ok_and(|bytes| kind::Kind::of(&bytes).is_ok());
    let kind = Kind { inputs: &["calo"], output: format, begins: |bytes| bytes.starts_with(b"CALO"), is_whole };
    let jobs = batch::jobs(inputs, &args.output, kind, Finished::from_flags(args.overwrite, args.resume))?;
    let lanes = batch::lanes(choice, |engine| choice.decoder_on(engine))?;
    batch::run(&jobs, &lanes, choice, &|codec, job| {
        let (overwrite, resume) = job.existing.as_flags();
        let (input, output) = (job.input.clone(), job.output.clone());
        let one = DecodeArgs { input, more: Vec::new(), output, overwrite, resume, ..args.clone() };
        decode_file(&one, codec)?.say_among_many()
    })
}

/// Decodes `args.input` to `args.output`.
fn decode_file(args: &DecodeArgs, codec: &Codec) -> Result<Done<Report>, Failure> {
    let format = output_format(&args.output, args.format.as_deref())?;
    let failed = |error| Failure::codec(&args.input, &error);
    let options = DecodeOptions { max_pixels: args.max_pixels, max_memory: args.max_memory };
    let after_end = if args.salvage { AfterEnd::PassedOver } else { AfterEnd::Refused };
    let bytes = read_calo(&args.input, &options, after_end)?;
    let open = match (args.partial, args.salvage, args.region) {
        (_, true, _) => Decoder::salvage,
        (true, ..) => Decoder::partial,
        (.., Some(_)) => Decoder::for_regions,
        (.., None) => Decoder::new,
    };
    let decoder = open(&bytes, &options).map_err(failed)?;
    let (metadata, mut notes) = metadata_of(args, format, &decoder)?;
    let turn = asked_turn(args, format, &metadata);
    let part = Part { format, region: stored_region(args, &decoder, turn)?, turn };
    // A TIFF's directory is written last, and pointed to from its beginning.
    let in_order = format != ImageFormat::Tiff || output::is_file(&args.output);
    let in_rows_too = in_bands(format) && turn == Orientation::NoTransforms && in_order;
    let develop = if in_rows_too { in_rows } else { as_a_whole };
    let written = develop(args, &part, &decoder, metadata, codec)?;
    notes.extend_from_slice(&written.notes);
    output::say_notes(&args.output, &notes);
    let tiles = damaged_tiles(args, &part, &decoder, codec)?;
    let damage = damage(&decoder, &tiles, bytes.len());
    output::say_notes(&args.input, &damage);
    notes.extend(damage);
    let Written { width, height, decode_ms, .. } = written;
    let line = format!("{}: {width}x{height}, {decode_ms:.0} ms", shown(&args.output));
    let damaged_tiles = tiles.iter().map(|&Region { x, y, width, height }| [x, y, width, height]).collect();
    let report = args.json.then(|| Report { damaged_tiles, notes, ..report(args, &decoder, codec, written) });
    Ok(Done { report, line, pixels: u64::from(width) * u64::from(height) })
}

/// The part of the stored picture that `--region` asks for in pixels of the output, or all.
fn stored_region(args: &DecodeArgs, decoder: &Decoder<'_>, turn: Orientation) -> Result<Region, Failure> {
    let whole = decoder.whole();
    let Some(region) = args.region else { return Ok(whole) };
    let (width, height) = turned_size((whole.width, whole.height), turn);
    if !(Region { x: 0, y: 0, width, height }).contains(region) {
        return Err(Failure::codec(&args.input, &Usage::Region { region, width, height }.into()));
    }
    Ok(turned(region, (width, height), inverse(turn)))
}

/// The damaged tiles that what is written is made of, where they are seen.
fn damaged_tiles(args: &DecodeArgs, part: &Part, decoder: &Decoder<'_>, codec: &Codec) -> Result<Vec<Region>, Failure> {
    let whole = decoder.whole();
    let tiles = decoder.damaged_tiles_of(codec, part.region).map_err(|error| Failure::codec(&args.input, &error))?;
    Ok(tiles.into_iter().map(|tile| turned(tile, (whole.width, whole.height), part.turn)).collect())
}

/// What is not in the picture because it is damaged, in these `tiles` and elsewhere, or not among the `here` bytes of the file, one line each.
fn damage(decoder: &Decoder<'_>, tiles: &[Region], here: usize) -> Vec<String> {
    let tile =
        |Region { x, y, width, height }: &Region| format!("the tile of {width}x{height} pixels at {x},{y} is damaged; it is left flat");
    let mut notes: Vec<String> = tiles.iter().map(tile).collect();
    let others = decoder.damaged_tiles().len() - tiles.len();
    if others > 0 {
        notes.push(format!("it is damaged in {} that the region does not need", counted(others, "tile")));
    }
    if decoder.damaged_sections() > 0 {
        notes.push("alpha or metadata are damaged; they are left out".to_string());
    }
    if decoder.has_trailing_bytes() {
        notes.push("it goes on after its end; that is passed over".to_string());
    }
    if decoder.missing_bytes() > 0 {
        notes.push(format!("{here} bytes of {}; the rest would make it finer", decoder.info().bytes));
    }
    notes
}

/// What goes with the pixels into the output, and what of the file does not, one line each.
fn metadata_of(args: &DecodeArgs, format: ImageFormat, decoder: &Decoder<'_>) -> Result<(Metadata, Vec<String>), Failure> {
    let stored = decoder.metadata().map_err(|error| Failure::codec(&args.input, &error))?;
    let (mut metadata, mut notes) = metadata::checked(stored, decoder.info().grey);
    Strip::apply(&args.strip, &mut metadata, &mut notes);
    if args.region.is_some() {
        // The small picture in it shows what was cut off.
        metadata.exif.iter_mut().for_each(exif::drop_thumbnail);
    }
    let kept = args.orientation == Some(Turn::Keep) && asked_orientation(&metadata) != Orientation::NoTransforms;
    if kept && format == ImageFormat::WebP {
        notes.push("viewers do not turn a WebP as its Exif asks; without --orientation keep the pixels are turned".to_string());
    }
    Ok((metadata, notes))
}

/// How an output is written.
fn writing(args: &DecodeArgs) -> Result<Writing, Failure> {
    Writing::of(&args.input, Existing::from_flags(args.overwrite, args.resume), args.keep_time)
}

/// Band by band, as they are decoded.
fn in_rows(
    args: &DecodeArgs,
    &Part { format, region, .. }: &Part,
    decoder: &Decoder<'_>,
    mut metadata: Metadata,
    codec: &Codec,
) -> Result<Written, Failure> {
    let failed = |error| Failure::codec(&args.input, &error);
    let bands = decoder.picture_bands(codec, region).map_err(failed)?;
    let [width, height] = [bands.shape().width, bands.shape().height].map(|side| side.div_ceil(args.scale));
    let mut notes = Vec::new();
    let shape = as_named(&args.output, args.format.as_deref(), Shape { width, height, ..bands.shape() }, &mut notes);
    let (shape, lost) = fit(format, shape, &mut metadata);
    notes.extend(lost);
    let mut bands = calotype::scaled(bands, args.scale);
    let (mut decoding, mut hash) = (Duration::ZERO, Sha256::new());
    let timed = std::iter::from_fn(|| {
        let begin = Instant::now();
        let band = bands.next();
        decoding += begin.elapsed();
        if let (true, Some(Ok(band))) = (args.json, &band) {
            hash.update(band.rgb8());
        }
        band.map(|band| band.map_err(failed))
    });
    let mut sink = Sink::create(&args.output, writing(args)?)?;
    write_rows(&mut sink, format, shape, &metadata, timed).map_err(|stopped| match stopped {
        Stopped::Band(failure) => failure,
        Stopped::Write(error) => sink.failure(error),
    })?;
    sink.commit()?;
    Ok(Written { width, height, decode_ms: decoding.as_secs_f64() * 1e3, rgb_sha256: hexadecimal(&hash.finalize()), notes })
}

/// Through the whole picture, where the format or the turning needs it.
fn as_a_whole(
    args: &DecodeArgs,
    &Part { format, region, turn }: &Part,
    decoder: &Decoder<'_>,
    mut metadata: Metadata,
    codec: &Codec,
) -> Result<Written, Failure> {
    let failed = |error| Failure::codec(&args.input, &error);
    let begin = Instant::now();
    let picture = decoder.picture_region(codec, region).map_err(failed)?;
    let picture = Picture::stacked(calotype::scaled(std::iter::once(Ok(picture)), args.scale)).map_err(failed)?;
    let decode_ms = begin.elapsed().as_secs_f64() * 1e3;
    let mut image = pixels::into_image(picture);
    image.apply_orientation(turn);
    let mut notes = Vec::new();
    if turn != Orientation::NoTransforms {
        say_orientation(&mut metadata, Turn::Apply, &mut notes);
    }
    let picture = pixels::from_image(image).map_err(failed)?;
    let (width, height) = (picture.width(), picture.height());
    let rgb_sha256 = if args.json { sha256(&picture.rgb8()) } else { String::new() };
    let shape = as_named(&args.output, args.format.as_deref(), picture.shape(), &mut notes);
    let picture = pixels::fitted(picture, shape);
    notes.extend(write_image(&args.output, format, picture, metadata, writing(args)?)?);
    Ok(Written { width, height, decode_ms, rgb_sha256, notes })
}

/// How the pixels are to be turned, as `--orientation` and the picture's Exif ask for.
fn asked_turn(args: &DecodeArgs, format: ImageFormat, metadata: &Metadata) -> Orientation {
    // Viewers turn no WebP.
    let default = if holds_metadata(format) && format != ImageFormat::WebP { Turn::Keep } else { Turn::Apply };
    let asked = metadata.exif.as_deref().and_then(exif::orientation).and_then(Orientation::from_exif);
    match args.orientation.unwrap_or(default) {
        Turn::Keep => Orientation::NoTransforms,
        Turn::Apply => asked.unwrap_or(Orientation::NoTransforms),
    }
}

fn report(args: &DecodeArgs, decoder: &Decoder<'_>, codec: &Codec, written: Written) -> Report {
    let (info, ran) = (decoder.info(), codec.engine());
    Report {
        input: args.input.display().to_string(),
        output: args.output.display().to_string(),
        width: written.width,
        height: written.height,
        bytes: info.bytes,
        bpp: info.bits_per_pixel(),
        quality: info.quality().ok().flatten().map(Quality::points),
        fineness: info.fineness,
        engine: ran.engine.to_string(),
        adapter: ran.adapter,
        model_id: info.model_id.to_string(),
        decode_ms: written.decode_ms,
        rgb_sha256: written.rgb_sha256,
        damaged_tiles: Vec::new(),
        damaged_sections: decoder.damaged_sections(),
        missing_bytes: decoder.missing_bytes(),
        notes: Vec::new(),
    }
}

/// SHA-256 as 64 hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn sha256_of_nist() {
        assert_eq!(super::sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
