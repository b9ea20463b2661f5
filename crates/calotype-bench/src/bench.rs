//! How fast our codec is on the engines of this machine.

use std::time::{Duration, Instant};

use calotype::{Codec, DecodeOptions, Decoder, EncodeOptions, GpuFacts, RgbImage};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::machine::{Machine, load_average};
use crate::meter::{Ceiling, KernelSpeed, Meter, PhaseTime};
use crate::picture::Picture;
use crate::speed::{Speed, Spread};

/// Everything that `calotype bench --json` writes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bench {
    /// Name, version and commit.
    pub program: String,
    /// The model in 16 hexadecimal digits.
    pub model_id: String,
    /// 0 to 100.
    pub quality: f64,
    /// Where.
    pub machine: Machine,
    /// Of the CPU engine.
    pub threads: usize,
    /// Runnable processes over the last minute, before and after.
    pub load_average: [Option<f64>; 2],
    /// The engines, the CPU first.
    pub engines: Vec<EngineBench>,
    /// Whole processes, ours among them, by picture.
    pub races: Vec<RaceBench>,
}

/// One engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EngineBench {
    /// `cpu` or `gpu`.
    pub engine: String,
    /// The instruction set or the adapter's name.
    pub adapter: String,
    /// What the system says of a GPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<Gpu>,
    /// By picture.
    pub sizes: Vec<SizeBench>,
    /// What this device can do at most, by a small benchmark.
    pub ceilings: Vec<Ceiling>,
    /// What its kernels do.
    pub kernels: Vec<KernelSpeed>,
}

/// A GPU's interface and driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpu {
    /// The interface, e.g. `vulkan`.
    pub backend: String,
    /// The driver with its version.
    pub driver: String,
    /// Discrete, integrated, virtual or software.
    pub kind: String,
}

/// One engine on one picture, from pixels in memory to a file in memory and back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SizeBench {
    /// Its size in words.
    pub picture: String,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Length of the file.
    pub bytes: usize,
    /// Wall clock.
    pub encode_ms: Spread,
    /// Wall clock.
    pub decode_ms: Spread,
    /// By the median.
    pub encode_mp_per_s: f64,
    /// By the median.
    pub decode_mp_per_s: f64,
    /// Where the time of encoding goes, means over the runs.
    pub encode_phases: Vec<PhaseTime>,
    /// Where the time of decoding goes, means over the runs.
    pub decode_phases: Vec<PhaseTime>,
    /// SHA-256 of the file: the same on every engine.
    pub file_sha256: String,
    /// SHA-256 of the decoded pixels: the same on every engine.
    pub rgb_sha256: String,
}

/// Whole processes over one picture.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RaceBench {
    /// Its size in words.
    pub picture: String,
    /// Ours first.
    pub speeds: Vec<Speed>,
}

/// How to measure.
#[derive(Clone, Copy, Debug)]
pub struct BenchOptions {
    /// Quality and so on.
    pub encode: EncodeOptions,
    /// Timed runs, after one that is not timed.
    pub runs: usize,
}

impl Bench {
    /// A benchmark without measurements yet.
    pub fn new(model_id: String, options: &BenchOptions) -> Bench {
        Bench {
            program: crate::VERSION.to_string(),
            model_id,
            quality: options.encode.quality.points(),
            machine: Machine::this(),
            threads: rayon::current_num_threads(),
            load_average: [load_average(), None],
            engines: Vec::new(),
            races: Vec::new(),
        }
    }

    /// Whether every engine wrote the same files and decoded the same pixels.
    pub fn engines_agree(&self) -> bool {
        let hashes = |engine: &EngineBench| -> Vec<(String, String)> {
            engine.sizes.iter().map(|size| (size.file_sha256.clone(), size.rgb_sha256.clone())).collect()
        };
        self.engines.windows(2).all(|pair| hashes(&pair[0]) == hashes(&pair[1]))
    }
}

/// Measures the engine of a codec on every picture; `gpu` are the facts of its adapter if it is one.
///
/// # Errors
/// [`Error::Engine`] if a picture is refused or the engine fails.
pub fn bench_engine(codec: &Codec, gpu: Option<&GpuFacts>, pictures: &[Picture], options: &BenchOptions) -> Result<EngineBench, Error> {
    let sizes = pictures.iter().map(|picture| bench_size(codec, picture, options)).collect::<Result<_, _>>()?;
    let ran = codec.engine();
    let (ceilings, kernels) = Meter::of(codec).kernels()?;
    let facts = |gpu: &GpuFacts| Gpu { backend: gpu.backend.clone(), driver: gpu.driver.clone(), kind: gpu.kind.to_string() };
    Ok(EngineBench { engine: ran.engine.to_string(), adapter: ran.adapter, gpu: gpu.map(facts), sizes, ceilings, kernels })
}

fn bench_size(codec: &Codec, picture: &Picture, options: &BenchOptions) -> Result<SizeBench, Error> {
    let image = RgbImage::new(picture.width, picture.height, &picture.rgb)?;
    let encode = || Ok(codec.encode(&image, &options.encode)?.bytes);
    let (bytes, encode_times, encode_phases) = repeated(codec, options.runs, encode)?;
    let decode = || Ok(Decoder::new(&bytes, &DecodeOptions::default())?.decode(codec)?.rgb);
    let (rgb, decode_times, decode_phases) = repeated(codec, options.runs, decode)?;
    let (encode_ms, decode_ms) = (spread_ms(&encode_times), spread_ms(&decode_times));
    Ok(SizeBench {
        picture: picture.name.clone(),
        width: picture.width,
        height: picture.height,
        bytes: bytes.len(),
        encode_mp_per_s: picture.pixels() / 1e3 / encode_ms.median,
        decode_mp_per_s: picture.pixels() / 1e3 / decode_ms.median,
        encode_ms,
        decode_ms,
        encode_phases,
        decode_phases,
        file_sha256: sha256(&bytes),
        rgb_sha256: sha256(&rgb),
    })
}

/// The result of `task`, the times of `runs` runs after a first one, and where they went.
fn repeated<T>(codec: &Codec, runs: usize, task: impl Fn() -> Result<T, Error>) -> Result<(T, Vec<Duration>, Vec<PhaseTime>), Error> {
    let (result, meter) = (task()?, Meter::of(codec));
    meter.take_times();
    let time = |_| {
        let begin = Instant::now();
        task()?;
        Ok(begin.elapsed())
    };
    let times: Vec<Duration> = (0..runs).map(time).collect::<Result<_, Error>>()?;
    let phases = meter.phases(&times);
    Ok((result, times, phases))
}

fn spread_ms(times: &[Duration]) -> Spread {
    Spread::of(&times.iter().map(|time| time.as_secs_f64() * 1e3).collect::<Vec<_>>())
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
