//! Median times of each stage for a picture of 768x512 pixels, on every instruction set of this machine, with the default model.
//!
//! `cargo run --release -p calotype-cpu --example engine_speed [WIDTH HEIGHT] [ISA]`; RAYON_NUM_THREADS sets the threads.

mod support;

use std::sync::Arc;
use std::time::Instant;

use calotype_cpu::{Engine, Isa, TileSize};
use calotype_engine::Quantiser;
use calotype_model::Model;

const ROUNDS: usize = 15;
const QUALITY: u16 = 8000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<usize> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let (width, height) = if let [width, height] = numbers[..] { (width, height) } else { (768, 512) };
    let wanted = |isa: Isa| arguments.len() == numbers.len() || arguments.contains(&isa.to_string());
    let model = Arc::new(support::model());
    println!("{width}x{height}, {} threads, median of {ROUNDS} rounds, ms", rayon::current_num_threads());
    for isa in Isa::available().into_iter().filter(|&isa| isa != Isa::Scalar && wanted(isa)) {
        report(&model, isa, (width, height));
    }
}

fn report(model: &Arc<Model>, isa: Isa, size: (usize, usize)) {
    let rounds: Vec<Vec<(&str, f64)>> = (0..ROUNDS).map(|_| round(model, isa, size)).collect();
    let median = |stage: usize| {
        let mut times: Vec<f64> = rounds.iter().map(|round| round[stage].1).collect();
        times.sort_by(f64::total_cmp);
        times[ROUNDS / 2]
    };
    print!("{isa:>9}");
    for (stage, (name, _)) in rounds[0].iter().enumerate() {
        print!("  {name} {:.2}", median(stage));
    }
    println!("  | encode {:.2}  decode {:.2}", median(1) + median(2) + median(3) + median(4), median(3) + median(5) + median(6));
}

/// One encoding and decoding with a fresh engine.
fn round(model: &Arc<Model>, isa: Isa, (width, height): (usize, usize)) -> Vec<(&'static str, f64)> {
    let rgb: Vec<u8> = (0..width * height * 3).map(|i| (i / 7 + i * i % 31) as u8).collect();
    let (decoder, encoder) = (model.decoder(), model.encoder().expect("the default model has one"));
    let (q, gain_z) = (decoder.quality(QUALITY), encoder.gain_z(QUALITY));
    let tile = TileSize { lh: height.div_ceil(16), lw: width.div_ceil(16) };
    let mut times = Vec::new();
    let engine = timed(&mut times, "pack", || Engine::new(Arc::clone(model), isa).expect("available"));
    let v = timed(&mut times, "analyse", || engine.analyse(&rgb, width, height));
    let z = timed(&mut times, "hyper_analyse", || engine.graph().hyper_analyse(&gain_z, &v));
    let hyper = timed(&mut times, "hyper", || engine.graph().hyper(&q, &z, tile));
    let (symbols, _) = timed(&mut times, "code", || engine.graph().code(&q, &hyper, &v, &Quantiser::nearest()));
    let v_hat = timed(&mut times, "means", || engine.graph().means(&q, &hyper.side, &symbols));
    timed(&mut times, "synthesise", || engine.synthesise(&q, &v_hat, width, height));
    times
}

fn timed<R>(times: &mut Vec<(&'static str, f64)>, name: &'static str, task: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let result = task();
    times.push((name, start.elapsed().as_secs_f64() * 1e3));
    result
}
