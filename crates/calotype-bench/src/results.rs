//! Everything that an evaluation found, as it stands in its JSON file.

use std::collections::BTreeMap;

use calotype::Codec;
use serde::Serialize;

use crate::command_codec::CommandCodec;
use crate::crops::Crop;
use crate::curves::Curve;
use crate::error::Error;
use crate::machine::Machine;
use crate::plan::Plan;
use crate::point::{Mean, Measured, OURS, Point};
use crate::speed::Speed;
use crate::summary::{self, Comparison, Pair, WorstRate};

/// The rate near which speeds are compared, bits per pixel.
const SPEED_BPP: f64 = 0.75;

/// Everything that `calotype eval --json` writes.
#[derive(Serialize)]
pub struct Results {
    /// Name and version.
    pub program: &'static str,
    /// What ran the network.
    pub engine: String,
    /// Its instruction set.
    pub adapter: String,
    /// Threads.
    pub threads: usize,
    /// Where.
    pub machine: Machine,
    /// The model in 16 hexadecimal digits.
    pub model_id: String,
    /// Ours, ascending.
    pub qualities: Vec<f64>,
    /// Ours, per quality.
    pub means: Vec<Mean>,
    /// Whether our mean rate and PSNR rise with every step.
    pub strictly_rising: bool,
    /// Against the cross entropy.
    pub worst_rate: Option<WorstRate>,
    /// Ours against the curves below.
    pub bd_rate: Vec<Comparison>,
    /// Every curve, ours included, against every other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<Pair>,
    /// The curves compared with: published ones that were asked for, and the means of other codecs.
    pub curves: BTreeMap<String, Curve>,
    /// The other codecs that ran.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub codecs: Vec<CodecFacts>,
    /// Codecs that were asked for but whose tools are missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
    /// Pictures that could not be measured.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// Whole processes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub speed: Vec<Speed>,
    /// Pictures side by side.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub crops: Vec<Crop>,
    /// Every measurement.
    pub images: Vec<Measured>,
}

/// Another codec and its means.
#[derive(Clone, Debug, Serialize)]
pub struct CodecFacts {
    /// Its curve's name.
    pub label: String,
    /// Encoder and version.
    pub version: String,
    /// The encoder's arguments.
    pub settings: String,
    /// Per setting.
    pub means: Vec<Mean>,
}

impl Results {
    /// Draws together what was measured; `published` are the curves of a file.
    pub fn new(codec: &Codec, plan: &Plan<'_>, images: Vec<Measured>, published: BTreeMap<String, Curve>) -> Results {
        let means = summary::means(&images.iter().map(|image| image.points.as_slice()).collect::<Vec<_>>());
        let codecs: Vec<CodecFacts> = plan.peers.iter().map(|peer| facts(peer, &images)).collect();
        let measured = codecs.iter().map(|facts| (facts.label.clone(), Curve::of_means(facts.version.clone(), &facts.means)));
        let curves: BTreeMap<String, Curve> = published.into_iter().chain(measured).collect();
        let mut all = curves.clone();
        all.insert(OURS.to_string(), Curve::of_means(codec.model_id().to_string(), &means));
        let pairs = summary::pairs(&all);
        let ran = codec.engine();
        Results {
            program: crate::VERSION,
            engine: ran.engine.to_string(),
            adapter: ran.adapter,
            threads: rayon::current_num_threads(),
            machine: Machine::this(),
            model_id: codec.model_id().to_string(),
            qualities: plan.qualities.clone(),
            strictly_rising: summary::strictly_rising(&means),
            worst_rate: summary::worst_rate(&images),
            bd_rate: pairs.iter().filter(|pair| pair.tested == OURS).map(|pair| pair.comparison.clone()).collect(),
            pairs: if curves.is_empty() { Vec::new() } else { pairs },
            means,
            curves,
            codecs,
            skipped: Vec::new(),
            left_out: Vec::new(),
            speed: Vec::new(),
            crops: Vec::new(),
            images,
        }
    }

    /// Each codec's quality at which speeds are compared: the one whose mean rate is nearest to 0.75 bpp. Ours comes first.
    pub fn speed_qualities(&self) -> Vec<(&str, f64)> {
        let ours = (OURS, &self.means);
        let all = std::iter::once(ours).chain(self.codecs.iter().map(|facts| (facts.label.as_str(), &facts.means)));
        all.filter_map(|(label, means)| Some((label, nearest_rate(means)?.quality))).collect()
    }

    /// As JSON text.
    ///
    /// # Errors
    /// None that is known: every key is text.
    pub fn to_json(&self) -> Result<String, Error> {
        serde_json::to_string_pretty(self).map_err(|error| Error::io("results", "write")(error.into()))
    }

    /// Every point as a line of CSV, with a heading.
    ///
    /// # Errors
    /// None that is known: the text is written to memory.
    pub fn to_csv(&self) -> Result<String, Error> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        let failed = |error: csv::Error| Error::io("points.csv", "write")(error.into());
        csv.write_record(["image", "codec", "quality", "bytes", "bpp", "psnr_db", "ms_ssim", "ssimulacra2"]).map_err(failed)?;
        for image in &self.images {
            let ours = (OURS, &image.points);
            let all = std::iter::once(ours).chain(image.peers.iter().map(|(label, points)| (label.as_str(), points)));
            for (label, point) in all.flat_map(|(label, points)| points.iter().map(move |point| (label, point))) {
                csv.write_record(record(&image.file, label, point)).map_err(failed)?;
            }
        }
        let bytes = csv.into_inner().map_err(|error| Error::io("points.csv", "write")(error.into_error()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn record(image: &str, label: &str, point: &Point) -> [String; 8] {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let Point { quality, bytes, bpp, psnr_db, .. } = point;
    let numbers = [quality.to_string(), bytes.to_string(), bpp.to_string(), psnr_db.to_string()];
    let [quality, bytes, bpp, psnr_db] = numbers;
    [image.to_string(), label.to_string(), quality, bytes, bpp, psnr_db, number(point.ms_ssim), number(point.ssimulacra2)]
}

fn facts(peer: &CommandCodec, images: &[Measured]) -> CodecFacts {
    let points: Vec<&[Point]> = images.iter().filter_map(|image| image.peers.get(&peer.label)).map(Vec::as_slice).collect();
    CodecFacts { label: peer.label.clone(), version: peer.version.clone(), settings: peer.settings(), means: summary::means(&points) }
}

fn nearest_rate(means: &[Mean]) -> Option<&Mean> {
    let distance = |mean: &&Mean| (mean.bpp / SPEED_BPP).ln().abs();
    means.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))
}
