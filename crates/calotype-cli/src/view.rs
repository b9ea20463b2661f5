//! `calotype view`: pictures in a window, or a picture of the window.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calotype::gpu::AdapterFacts;
use calotype::{Channels, Codec, DecodeOptions, EngineChoice, GpuFailure, Metadata, Picture, Samples};
use calotype_view::{Choice as Side, Compare, Foreign, Host, Overlay, Shot, Start, Zoom};
use etcetera::base_strategy::{BaseStrategy, choose_base_strategy};
use image::ImageFormat;

use crate::args::{Style, ViewArgs};
use crate::engine::Choice;
use crate::eval::tool_folders;
use crate::failure::Failure;
use crate::output::{self, Existing, Remedies};
use crate::read_image::{AfterEnd, decode_image, read_calo, read_image_bytes};
use crate::reading::Reading;
use crate::write_image::{output_format, write_image};

/// This program, as the viewer sees it.
struct Program {
    choice: Choice,
    limits: DecodeOptions,
    /// For tests: the codec's GPU fails before this submit.
    lose_device: Option<u64>,
}

/// What helps in the window where a file is in the way.
const IN_THE_WINDOW: Remedies<'_> = Remedies { folder: "give the name of a file", exists: "tick replace, or give another name" };

fn foreign(failure: Failure) -> Foreign {
    Arc::new(failure)
}

impl Host for Program {
    fn adapter(&self) -> Option<AdapterFacts> {
        self.choice.for_one_file().adapter()
    }

    fn codec(&self, instead: Option<EngineChoice>) -> Result<Codec, Foreign> {
        let codec = self.choice.codec_on(instead.unwrap_or_else(|| self.choice.for_one_file())).map_err(foreign)?;
        self.lose_device.into_iter().for_each(|submits| codec.inject(GpuFailure::LostAtSubmit(submits)));
        Ok(codec)
    }

    fn read(&self, path: &Path, is_calo: bool) -> Result<Vec<u8>, Foreign> {
        let read = if is_calo { read_calo(path, &self.limits, AfterEnd::Refused) } else { read_image_bytes(path, self.limits.max_memory) };
        read.map_err(foreign)
    }

    fn read_picture(&self, path: &Path, bytes: &[u8]) -> Result<(Picture, Metadata), Foreign> {
        let source = decode_image(bytes, path, &Reading::plain(self.limits.max_pixels)).map_err(foreign)?;
        Ok((source.picture, source.metadata))
    }

    fn write(&self, path: &Path, bytes: &[u8], replace: bool) -> Result<(), Foreign> {
        let existing = Existing::from_flag(replace);
        let written = output::check_file(path, existing, IN_THE_WINDOW).and_then(|()| output::write(path, &[bytes], existing));
        written.map_err(foreign)
    }

    fn explain(&self, path: &Path, error: &calotype::Error) -> Foreign {
        foreign(Failure::codec(path, error))
    }

    fn limits(&self) -> DecodeOptions {
        self.limits
    }

    fn tool_folders(&self) -> Vec<PathBuf> {
        tool_folders()
    }

    fn log(&self, line: &str) {
        if self.choice.verbose {
            output::say(&format!("calotype: view: {line}"));
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Engine (exit code 4) without a display; input (5) for files that do not exist, where a picture of the window is made.
pub fn run(args: &ViewArgs, choice: &Choice) -> Result<(), Failure> {
    let limits = DecodeOptions { max_pixels: args.max_pixels, ..DecodeOptions::default() };
    let host = Arc::new(Program { choice: choice.clone(), limits, lose_device: args.lose_device });
    match &args.screenshot {
        Some(path) => screenshot(args, host, path),
        None => calotype_view::run(host, start(args)).map_err(|error| {
            let remedy = "; `calotype view --screenshot OUT.png` needs no display";
            Failure { code: 4, message: format!("view: {error}{remedy}") }
        }),
    }
}

fn start(args: &ViewArgs) -> Start {
    let compare = match &args.compare[..] {
        [a, b] => Some([Side::parse(a), Side::parse(b)]),
        _ => None,
    };
    let style = match args.style {
        Style::Split => Compare::Split,
        Style::Difference => Compare::Difference,
        Style::Flicker => Compare::Flicker,
    };
    let zoom = args.zoom.filter(|scale| *scale > 0.0).map(|scale| Zoom::At(scale, args.at));
    let overlay = args.overlay.unwrap_or(Overlay::None);
    let recent = choose_base_strategy().ok().map(|strategy| strategy.cache_dir().join("calotype/recent"));
    // Pictures of the window do not depend on what was looked at before.
    let recent = recent.filter(|_| args.screenshot.is_none());
    Start { files: args.files.clone(), compare, style, overlay, zoom, recent, ..Start::default() }
}

fn screenshot(args: &ViewArgs, host: Arc<Program>, path: &Path) -> Result<(), Failure> {
    let existing = Existing::from_flag(args.overwrite);
    // A pipe and a device have no ending.
    let format = if output::is_file(path) { output_format(path, None)? } else { ImageFormat::Png };
    output::check("--screenshot", path, existing)?;
    for file in &args.files {
        fs::metadata(file).map_err(|error| Failure::io(file, "read", error))?;
    }
    let (width, height) = args.size;
    let shot = Shot { width, height, split: args.split.clamp(0.0, 1.0), panel: !args.no_panel, ..Shot::default() };
    let image = calotype_view::screenshot(host, start(args), &shot).map_err(|error| Failure { code: 4, message: error.to_string() })?;
    let picture = Picture::new(image.width, image.height, Channels::Rgb, Samples::U8(image.rgb));
    let picture = picture.map_err(|error| Failure::codec(path, &error))?;
    write_image(path, format, picture, Metadata::default(), existing).map(drop)
}
