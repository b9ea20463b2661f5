//! Times the network on an adapter and on the CPU, and compares: `gpu_speed MODEL_STEM WIDTH HEIGHT [ADAPTER]`,
//! e.g. `gpu_speed assets/models/fast 768 512 llvmpipe`. Pixels are synthetic, tiles have 1024 pixels a side; no entropy coding.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use calotype_gpu::{Choice, Engine, adapters, choose};
use calotype_model::{Decoder, Encoder, Map, Model, Quantiser, TileSize};

/// Latents on a side of a tile.
const TILE: usize = 64;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

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
    println!("  {what:<14}{:>9.1} ms", begin.elapsed().as_secs_f64() * 1e3);
    result
}

fn tiles(height: usize, width: usize) -> Vec<(usize, usize, TileSize)> {
    let rows = (0..height).step_by(TILE);
    let tile = |y: usize, x: usize| (y, x, TileSize { lh: TILE.min(height - y), lw: TILE.min(width - x) });
    rows.flat_map(|y| (0..width).step_by(TILE).map(move |x| tile(y, x))).collect()
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [stem, width, height, rest @ ..] = &arguments[..] else { return Err("gpu_speed MODEL_STEM WIDTH HEIGHT [ADAPTER]".into()) };
    let (width, height): (usize, usize) = (width.parse()?, height.parse()?);
    let (model, quality) = (load(stem)?, 8064);
    let (q, gain_z) = (model.decoder().quality(quality), model.encoder().ok_or("no encoder")?.gain_z(quality));
    let rgb = picture(width, height);
    let cpu = calotype_cpu::Engine::new(Arc::clone(&model), calotype_cpu::Isa::detect())?;
    println!("CPU {}", cpu.isa());
    let v = timed("analyse", || cpu.analyse(&rgb, width, height));
    let (lh, lw) = (height.div_ceil(16), width.div_ceil(16));
    let mut symbols = Vec::new();
    timed("code", || {
        for &(y, x, size) in &tiles(lh, lw) {
            let (zh, zw) = size.hyper();
            let v_tile = v.crop((y, x), (4 * zh, 4 * zw));
            let z = cpu.hyper_analyse(&gain_z, &v_tile);
            let hyper = cpu.hyper(&q, &z, size);
            symbols.push((z, cpu.code(&q, &hyper, &v_tile, &Quantiser::nearest()).0));
        }
    });
    let decode_cpu = || -> Result<Vec<u8>> {
        let latents = timed("latents", || {
            latents(&model, (lh, lw), |i, size| {
                let hyper = cpu.hyper(&q, &symbols[i].0, size);
                Ok(cpu.means(&q, &hyper, &symbols[i].1))
            })
        })?;
        Ok(timed("synthesise", || cpu.synthesise(&q, &latents, width, height)))
    };
    let truth = decode_cpu()?;
    let adapters = adapters();
    let choice = rest.first().map_or(Choice::Auto, |name| Choice::Named(name.clone()));
    let adapter = choose(&adapters, &choice)?;
    println!("{}", adapter.facts());
    let gpu = timed("open", || Engine::new(Arc::clone(&model), adapter))?;
    for run in ["first run", "second run"] {
        println!(" {run}");
        let v_gpu = timed("analyse", || gpu.analyse(&rgb, width, height))?;
        let begin = Instant::now();
        let latents = timed("latents", || {
            latents(&model, (lh, lw), |i, size| {
                let hyper = gpu.hyper(&q, &symbols[i].0, size)?;
                Ok(gpu.means(&q, &hyper, &symbols[i].1)?)
            })
        })?;
        let pixels = timed("synthesise", || gpu.synthesise(&q, &latents, width, height))?;
        println!("  decode        {:>9.1} ms, equal to the CPU: {}", begin.elapsed().as_secs_f64() * 1e3, pixels == truth && v_gpu == v);
    }
    Ok(())
}

/// v_hat of the whole picture, tile by tile.
fn latents(model: &Model, (lh, lw): (usize, usize), tile: impl Fn(usize, TileSize) -> Result<Map<i16>>) -> Result<Map<i16>> {
    let mut whole: Map<i16> = Map::zeros(lh, lw, model.decoder().config.m);
    for (i, (y0, x0, size)) in tiles(lh, lw).into_iter().enumerate() {
        let part = tile(i, size)?;
        (0..size.lh).for_each(|y| (0..size.lw).for_each(|x| whole.at_mut(y0 + y, x0 + x).copy_from_slice(part.at(y, x))));
    }
    Ok(whole)
}
