//! How fast one core decodes the y streams of `.calo` files of the default model: whole calls, from bytes to a map of symbols.
//!
//! `cargo run --release -p calotype --example rans_rate -- FILE.calo...`

use std::time::Instant;

use calotype::Codec;
use calotype::cpu::Isa;
use calotype_engine::Rect;
use calotype_format::{File, TileRef};
use calotype_model::{Model, QualityTables};
use calotype_rans::{Scales, Tables, decode};

const REPEATS: usize = 21;

/// What was decoded, and how long it took.
#[derive(Default)]
struct Total {
    latents: usize,
    coded: usize,
    bytes: usize,
    seconds: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let codec = Codec::decode_only(Some(Isa::detect()))?;
    let model = codec.cpu().model();
    let tables = Tables::new(&model.decoder().cdf_sizes, &model.decoder().cdf)?;
    let mut total = Total::default();
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(path)?;
        let file = File::parse(&bytes, u64::MAX)?;
        let quality = model.decoder().quality(file.header.fineness);
        for (rect, streams) in file.header.tiles().zip(&file.tiles) {
            let place = Rect::of_picture((rect.width as usize, rect.height as usize), 16);
            total.add(model, &scale_index(&codec, &quality, place, (streams, &tables))?, (streams, &tables))?;
        }
    }
    let Total { latents, coded, bytes, seconds } = total;
    println!("{latents} latents, {coded} coded, {bytes} bytes, fastest of {REPEATS}: {:.2} ms", seconds * 1e3);
    println!("{:.0} million coded symbols/s, {:.0} million latents/s", coded as f64 / seconds / 1e6, latents as f64 / seconds / 1e6);
    Ok(())
}

/// The tables of a tile's y symbols.
fn scale_index(
    codec: &Codec,
    quality: &QualityTables,
    place: Rect,
    (streams, tables): (&TileRef<'_>, &Tables),
) -> Result<Vec<u8>, calotype_rans::Error> {
    let (zh, zw) = place.size().hyper();
    let index = quality.scale_index_z.repeat(zh * zw);
    let mut z = vec![0; index.len()];
    decode(streams.z, Scales::in_order(&index, 0), tables, &mut z)?;
    Ok(codec.cpu().graph().hyper(quality, &z, place.size()).scale_index)
}

impl Total {
    /// Decodes a tile's y stream over and over.
    fn add(&mut self, model: &Model, index: &[u8], (streams, tables): (&TileRef<'_>, &Tables)) -> Result<(), calotype_rans::Error> {
        let config = &model.decoder().config;
        let scales = Scales { index, skip_below: config.skip_below, channels: config.m };
        let bytes = streams.y.concat();
        let mut symbols = vec![0; index.len()];
        let mut fastest = f64::INFINITY;
        for _ in 0..REPEATS {
            let begin = Instant::now();
            decode(&bytes, scales, tables, &mut symbols)?;
            fastest = fastest.min(begin.elapsed().as_secs_f64());
        }
        self.latents += index.len();
        self.coded += index.iter().filter(|&&index| index >= config.skip_below).count();
        self.bytes += bytes.len();
        self.seconds += fastest;
        Ok(())
    }
}
