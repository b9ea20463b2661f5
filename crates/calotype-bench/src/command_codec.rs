//! A codec as its command-line tools: processes over files.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use serde::Deserialize;
use tempfile::TempDir;

use crate::error::Error;
use crate::picture::Picture;

/// What a tool reads or writes uncompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Container {
    /// PPM.
    Ppm,
    /// PNG without compression, for tools that know no PPM.
    Png,
}

/// An encoder and a decoder with their arguments, separated by spaces, in which `{in}`, `{out}`, `{q}` and `{threads}` stand for what varies.
#[derive(Clone, Debug)]
pub struct CommandCodec {
    /// Name of its curves.
    pub label: String,
    /// The encoder's name and version.
    pub version: String,
    /// The program that encodes.
    pub encoder: PathBuf,
    /// The program that decodes.
    pub decoder: PathBuf,
    /// Arguments of the encoder.
    pub encode: String,
    /// Arguments of the decoder.
    pub decode: String,
    /// Arguments that follow those of either.
    pub more: Vec<OsString>,
    /// What goes in and what comes out.
    pub container: Container,
    /// Of compressed files.
    pub ending: String,
    /// Settings to measure, smallest files first.
    pub qualities: Vec<f64>,
    /// Settings close together, smallest files first, among which one is sought that gives a wanted size; empty if none is.
    pub fine: Vec<f64>,
}

/// A picture laid out as files in a folder that disappears, for tools to work on.
pub struct Desk<'a> {
    picture: &'a Picture,
    folder: TempDir,
}

/// What stands for what in arguments.
type Variables = [(&'static str, OsString); 4];

/// What a codec made of a picture.
pub struct RoundTrip {
    /// Length of the file.
    pub bytes: u64,
    /// The decoded pixels, 8-bit RGB.
    pub rgb: Vec<u8>,
    /// The encoder's process from start to end.
    pub encode: Duration,
    /// The decoder's.
    pub decode: Duration,
}

impl Container {
    fn ending(self) -> &'static str {
        match self {
            Container::Ppm => "ppm",
            Container::Png => "png",
        }
    }

    fn write(self, picture: &Picture, path: &Path) -> io::Result<()> {
        let bytes = match self {
            Container::Ppm => picture.ppm(),
            Container::Png => uncompressed_png(picture)?,
        };
        fs::write(path, bytes)
    }
}

fn uncompressed_png(picture: &Picture) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Uncompressed, FilterType::NoFilter);
    encoder.write_image(&picture.rgb, picture.width, picture.height, ExtendedColorType::Rgb8).map_err(io::Error::other)?;
    Ok(bytes)
}

impl CommandCodec {
    /// The encoder's command line as reports show it.
    pub fn settings(&self) -> String {
        let program = self.encoder.file_stem().unwrap_or_default().to_string_lossy();
        format!("{program} {}", self.encode)
    }
}

impl Desk<'_> {
    /// Lays `picture` out for `codecs`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn new<'a>(picture: &'a Picture, codecs: &[&CommandCodec]) -> Result<Desk<'a>, Error> {
        let folder = tempfile::tempdir().map_err(Error::io("temporary folder", "create"))?;
        let desk = Desk { picture, folder };
        for container in [Container::Ppm, Container::Png] {
            if codecs.iter().any(|codec| codec.container == container) {
                let path = desk.input(container);
                container.write(picture, &path).map_err(Error::io(&path, "write"))?;
            }
        }
        Ok(desk)
    }

    fn input(&self, container: Container) -> PathBuf {
        self.folder.path().join("in").with_extension(container.ending())
    }

    /// Encodes and decodes the picture, each tool with this many threads if it can be told. Calls for other qualities or codecs may run meanwhile.
    ///
    /// # Errors
    /// [`Error::Tool`] if a tool fails or the picture comes back in another size.
    pub fn round_trip(&self, codec: &CommandCodec, quality: f64, threads: usize) -> Result<RoundTrip, Error> {
        let at = |ending: &str| self.folder.path().join(format!("{}-{quality}.{ending}", codec.label.replace(['/', '\\'], "-")));
        let (file, output) = (at(&codec.ending), at(codec.container.ending()));
        let variables = |from: &Path, to: &Path| -> Variables {
            [("{in}", from.into()), ("{out}", to.into()), ("{q}", quality.to_string().into()), ("{threads}", threads.to_string().into())]
        };
        let encode = run(&codec.encoder, codec, &codec.encode, &variables(&self.input(codec.container), &file))?;
        let decode = run(&codec.decoder, codec, &codec.decode, &variables(&file, &output))?;
        let bytes = fs::metadata(&file).map_err(Error::io(&file, "read"))?.len();
        let rgb = self.read(codec, &output)?;
        // A second run of the same must not find these.
        for path in [&file, &output] {
            fs::remove_file(path).map_err(Error::io(path, "remove"))?;
        }
        Ok(RoundTrip { bytes, rgb, encode, decode })
    }

    fn read(&self, codec: &CommandCodec, output: &Path) -> Result<Vec<u8>, Error> {
        let failed = |what: String| Error::Tool { tool: codec.decoder.clone(), what };
        let image = image::open(output).map_err(|error| failed(error.to_string()))?.into_rgb8();
        let expected = (self.picture.width, self.picture.height);
        if image.dimensions() != expected {
            return Err(failed(format!("gives a picture of {:?} pixels for one of {expected:?}", image.dimensions())));
        }
        Ok(image.into_raw())
    }
}

/// `argument` with its variable, if it holds one, replaced.
fn filled(argument: &str, variables: &Variables) -> OsString {
    match variables.iter().find_map(|(name, value)| Some((argument.split_once(name)?, value))) {
        None => argument.into(),
        Some(((before, after), value)) => {
            let mut whole = OsString::from(before);
            whole.push(value);
            whole.push(after);
            whole
        }
    }
}

/// Runs a tool to its end.
fn run(tool: &Path, codec: &CommandCodec, arguments: &str, variables: &Variables) -> Result<Duration, Error> {
    let failed = |what: String| Error::Tool { tool: tool.to_path_buf(), what };
    let mut command = Command::new(tool);
    command.args(arguments.split(' ').map(|argument| filled(argument, variables))).args(&codec.more).stdin(Stdio::null());
    let begin = Instant::now();
    let output = command.output().map_err(|error| failed(format!("cannot run: {error}")))?;
    let duration = begin.elapsed();
    if output.status.success() {
        return Ok(duration);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(failed(format!("{}: {}", output.status, said.trim_end().lines().last().unwrap_or("said nothing"))))
}
