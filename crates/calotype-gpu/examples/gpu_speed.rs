//! Times the network on an adapter and on the CPU, and compares: `gpu_speed MODEL_STEM WIDTH HEIGHT [ADAPTER]`,
//! e.g. `gpu_speed assets/models/fast 768 512 llvmpipe`. Pixels are synthetic, tiles have 1024 pixels a side; no entropy coding.
//! Then the parts of the time by the device's clock, and each shape of layer beside the device's own ceilings.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use calotype_gpu::{Choice, Engine, Hyper, Options, adapters, choose};
use calotype_model::measure::{LayerKind, Phase};
use calotype_model::{Decoder, EncodeTables, Encoder, Map, Model, PixelRows, Quantiser, Rect, TileSize, TileSymbols};

/// Latents on a side of a tile.
const TILE: usize = 64;
/// The middle of the range.
const QUALITY: u16 = 8064;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A picture with what is known about it.
struct Job {
    tables: EncodeTables,
    rgb: Vec<u8>,
    size: (usize, usize),
    tiles: Vec<Rect>,
}

fn load(stem: &str) -> Result<Arc<Model>> {
    let decoder = Decoder::from_safetensors(&std::fs::read(format!("{stem}.decoder.safetensors"))?)?;
    let encoder = Encoder::from_safetensors(&std::fs::read(format!("{stem}.encoder.safetensors"))?)?;
    Ok(Arc::new(Model::new(decoder, Some(encoder))?))
}

/// Smooth colours with a little noise.
fn picture(width: usize, height: usize) -> Vec<u8> {
    let pixel = |i: usize| (i / 3 % width / 4 + i / 3 / width / 3 + i % 3 * 60 + i * i % 7) as u8;
    (0..width * height * 3).map(pixel).collect()
}

fn timed<T>(what: &str, job: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let result = job();
    println!("  {what:<18}{:>9.1} ms", begin.elapsed().as_secs_f64() * 1e3);
    result
}

fn tiles(whole: Rect) -> Vec<Rect> {
    let tile = |y: usize, x: usize| Rect { y, x, height: TILE.min(whole.height - y), width: TILE.min(whole.width - x) };
    (0..whole.height).step_by(TILE).flat_map(|y| (0..whole.width).step_by(TILE).map(move |x| tile(y, x))).collect()
}

fn encode_on_cpu(cpu: &calotype_cpu::Engine, job: &Job) -> Vec<TileSymbols> {
    let (v, q) = (cpu.analyse(&job.rgb, job.size.0, job.size.1), &job.tables.quality);
    let encode = |tile: &Rect| {
        let padded = tile.padded();
        let v = v.crop((tile.y, tile.x), (padded.height, padded.width));
        let z = cpu.hyper_analyse(&job.tables.gain_z, &v);
        let hyper = cpu.hyper(q, &z, tile.size());
        TileSymbols { y: cpu.code(q, &hyper, &v, &job.tables.quantiser).0, z, scale_index: hyper.scale_index }
    };
    job.tiles.iter().map(encode).collect()
}

fn decode_on_cpu(cpu: &calotype_cpu::Engine, job: &Job, symbols: &[TileSymbols]) -> Vec<u8> {
    let (whole, q) = (Rect::of_picture(job.size.0, job.size.1), &job.tables.quality);
    let mut v_hat: Map<i16> = Map::zeros(whole.height, whole.width, cpu.model().decoder().config.m);
    for (tile, symbols) in job.tiles.iter().zip(symbols) {
        let part = cpu.means(q, &cpu.hyper(q, &symbols.z, tile.size()), &symbols.y);
        for (y, x) in (0..tile.height).flat_map(|y| (0..tile.width).map(move |x| (y, x))) {
            v_hat.at_mut(tile.y + y, tile.x + x).copy_from_slice(part.at(y, x));
        }
    }
    cpu.synthesise(q, &v_hat, job.size.0, job.size.1)
}

fn decode_on_gpu(gpu: &Engine, job: &Job, symbols: &[TileSymbols]) -> Result<Vec<u8>> {
    let q = &job.tables.quality;
    let z: Vec<(TileSize, &[i16])> = job.tiles.iter().zip(symbols).map(|(tile, symbols)| (tile.size(), &symbols.z[..])).collect();
    let hyper: Vec<(Hyper, Vec<u8>)> = gpu.hyper(q, &z)?;
    let y: Vec<(&Hyper, &[i16])> = hyper.iter().zip(symbols).map(|((hyper, _), symbols)| (hyper, &symbols.y[..])).collect();
    let latents = gpu.latents(q, &y)?;
    let placed: Vec<_> = job.tiles.iter().copied().zip(&latents).collect();
    Ok(gpu.pixels(q, &placed, Rect::of_picture(job.size.0, job.size.1), job.size)?)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [stem, width, height, rest @ ..] = &arguments[..] else { return Err("gpu_speed MODEL_STEM WIDTH HEIGHT [ADAPTER]".into()) };
    let (model, size) = (load(stem)?, (width.parse()?, height.parse()?));
    let gain_z = model.encoder().ok_or("no encoder")?.gain_z(QUALITY);
    let tables = EncodeTables { quality: model.decoder().quality(QUALITY), gain_z, quantiser: Quantiser::nearest() };
    let job = Job { tables, rgb: picture(size.0, size.1), size, tiles: tiles(Rect::of_picture(size.0, size.1)) };
    let cpu = calotype_cpu::Engine::new(Arc::clone(&model), calotype_cpu::Isa::detect())?;
    println!("CPU {}", cpu.isa());
    let symbols = timed("encode", || encode_on_cpu(&cpu, &job));
    let pixels = timed("decode", || decode_on_cpu(&cpu, &job, &symbols));
    let adapters = timed("adapters", adapters);
    let choice = rest.first().map_or(Choice::Auto, |name| Choice::Named(name.clone()));
    let adapter = choose(&adapters, &choice)?;
    println!("{}", adapter.facts());
    // Tiles that suit the adapter; timed anew each time.
    let folder = std::env::temp_dir().join(format!("calotype-gpu-speed-{}", std::process::id()));
    let options = Options { cache: Some(folder.clone()), ..Options::default() };
    let gpu = timed("open, time tiles", || Engine::with_options(Arc::clone(&model), adapter, &options))?;
    for file in std::fs::read_dir(&folder)? {
        println!("  {}", std::fs::read_to_string(file?.path())?.lines().skip(2).collect::<Vec<_>>().join(", "));
    }
    std::fs::remove_dir_all(&folder)?;
    for run in ["first run", "second run", "third run"] {
        println!(" {run}");
        gpu.take_times();
        let equal = timed("encode", || gpu.encode(&job.tables, PixelRows::whole(&job.rgb, size.0, size.1), &job.tiles))? == symbols;
        let equal = timed("decode", || decode_on_gpu(&gpu, &job, &symbols))? == pixels && equal;
        println!("  equal to the CPU: {equal}");
        let times = gpu.take_times();
        Phase::ALL.into_iter().for_each(|phase| println!("    {:<12}{:>9.2} ms", phase.name(), times[phase].as_secs_f64() * 1e3));
    }
    layers(&gpu)
}

/// Layers beside what the device does at most.
fn layers(gpu: &Engine) -> Result<()> {
    let ceilings = gpu.ceilings()?;
    println!(
        " at most {:.0} GOP/s int8, {:.0} wide, {:.0} GB/s",
        ceilings.int8_gop_per_s, ceilings.int16_gop_per_s, ceilings.copy_gb_per_s
    );
    for speed in gpu.layer_speeds()? {
        let (ceiling, reached) = match speed.kind {
            LayerKind::Int8 => (ceilings.int8_gop_per_s, speed.gop_per_s),
            LayerKind::Wide => (ceilings.int16_gop_per_s, speed.gop_per_s),
            _ => (ceilings.copy_gb_per_s, speed.gb_per_s),
        };
        let shape = format!("{} {} -> {}", speed.kind.name(), speed.inputs, speed.outputs);
        let percent = 100.0 * reached / ceiling;
        println!("  {:<24}{shape:<24}{:>9.1} GOP/s {:>8.1} GB/s {percent:>5.0} %", speed.layer, speed.gop_per_s, speed.gb_per_s);
    }
    Ok(())
}
