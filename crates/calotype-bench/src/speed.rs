//! How fast codecs are, by the clock on the wall: whole processes over files, one at a time, each with the same number of threads.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::command_codec::{CommandCodec, Desk};
use crate::error::Error;
use crate::journal::Journal;
use crate::machine::load_average;
use crate::picture::Picture;

/// How fast one codec is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Speed {
    /// Its label.
    pub codec: String,
    /// Encoder and version.
    pub version: String,
    /// The setting.
    pub quality: f64,
    /// What the tools were told; some use one whatever they are told.
    pub threads: usize,
    /// Pictures of a run.
    pub pictures: usize,
    /// Their pixels, in millions.
    pub megapixels: f64,
    /// All pictures, from files to files.
    pub encode_ms: Spread,
    /// All pictures, from files to files.
    pub decode_ms: Spread,
    /// By the median.
    pub encode_mp_per_s: f64,
    /// By the median.
    pub decode_mp_per_s: f64,
    /// Mean of the bits per pixel.
    pub bpp: f64,
    /// Runnable processes over the last minute, at the end.
    pub load_average: Option<f64>,
}

/// What several runs took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The middle one.
    pub median: f64,
    /// The shortest.
    pub min: f64,
    /// The longest.
    pub max: f64,
    /// How many.
    pub runs: usize,
}

impl Spread {
    /// Of one value or more; all zero of none.
    pub fn of(values: &[f64]) -> Spread {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |place: usize| sorted.get(place).copied().unwrap_or(0.0);
        let (low, high) = (at(sorted.len().saturating_sub(1) / 2), at(sorted.len() / 2));
        Spread { median: (low + high) / 2.0, min: at(0), max: at(sorted.len().saturating_sub(1)), runs: sorted.len() }
    }
}

/// How to measure speed.
pub struct Race<'a> {
    /// The pictures.
    pub pictures: Vec<Picture>,
    /// Runs over all of them, after one that does not count.
    pub runs: usize,
    /// For each tool.
    pub threads: usize,
    /// What earlier runs measured.
    pub journal: &'a Journal,
}

impl Race<'_> {
    /// Times `codec` at `quality`.
    ///
    /// # Errors
    /// Those of its tools, and of the journal.
    pub fn time(&self, codec: &CommandCodec, quality: f64) -> Result<Speed, Error> {
        let key = self.key(codec, quality);
        if let Some(speed) = self.journal.get(&key) {
            return Ok(speed);
        }
        let speed = self.measure(codec, quality)?;
        self.journal.put(&key, &speed)?;
        Ok(speed)
    }

    fn key(&self, codec: &CommandCodec, quality: f64) -> String {
        let pictures: Vec<String> = self.pictures.iter().map(Picture::fingerprint).collect();
        let (version, settings) = (&codec.version, codec.settings());
        format!("speed 1|{}|{version}|{settings}|{quality}|{}x{}", pictures.join(" "), self.runs, self.threads)
    }

    fn measure(&self, codec: &CommandCodec, quality: f64) -> Result<Speed, Error> {
        let desks: Vec<Desk<'_>> = self.pictures.iter().map(|picture| Desk::new(picture, &[codec])).collect::<Result<_, _>>()?;
        let run = || -> Result<[f64; 3], Error> {
            desks.iter().try_fold([0.0; 3], |[encode, decode, bytes], desk| {
                let result = desk.round_trip(codec, quality, self.threads)?;
                let ms = |duration: std::time::Duration| duration.as_secs_f64() * 1e3;
                Ok([encode + ms(result.encode), decode + ms(result.decode), bytes + result.bytes as f64])
            })
        };
        let [_, _, bytes] = run()?;
        let runs: Vec<[f64; 3]> = (0..self.runs).map(|_| run()).collect::<Result<_, _>>()?;
        let [encode_ms, decode_ms] = [0, 1].map(|which| Spread::of(&runs.iter().map(|run| run[which]).collect::<Vec<_>>()));
        let pixels: f64 = self.pictures.iter().map(Picture::pixels).sum();
        Ok(Speed {
            codec: codec.label.clone(),
            version: codec.version.clone(),
            quality,
            threads: self.threads,
            pictures: desks.len(),
            megapixels: pixels / 1e6,
            encode_ms,
            decode_ms,
            encode_mp_per_s: pixels / 1e3 / encode_ms.median,
            decode_mp_per_s: pixels / 1e3 / decode_ms.median,
            bpp: bytes * 8.0 / pixels,
            load_average: load_average(),
        })
    }
}

/// Our own program as a codec of processes; `model` is the file of another model than the default one.
pub fn calotype_command(program: PathBuf, model_id: &str, model: Option<&Path>) -> CommandCodec {
    let more = model.map_or_else(Vec::new, |model| vec!["--model".into(), model.into()]);
    CommandCodec {
        label: crate::point::OURS.to_string(),
        version: format!("{} {model_id}", crate::VERSION),
        encoder: program.clone(),
        decoder: program,
        encode: "encode {in} -o {out} -q {q} --threads {threads}".to_string(),
        decode: "decode {in} -o {out} --threads {threads}".to_string(),
        more,
        container: crate::command_codec::Container::Ppm,
        ending: "calo".to_string(),
        qualities: Vec::new(),
        fine: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 3.0, runs: 3 });
        assert_eq!(Spread::of(&[1.0, 4.0]).median, 2.5);
        assert_eq!(Spread::of(&[]).runs, 0);
    }
}
