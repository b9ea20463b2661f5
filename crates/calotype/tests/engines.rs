//! Every engine and adapter of this machine: files and pixels are equal, whoever wrote and whoever reads; a GPU that fails changes nothing.
//!
//! Without adapters the CPU engines are compared alone. CI declares adapters: CALOTYPE_REQUIRE_GPU=1 wants one,
//! CALOTYPE_REQUIRE_ADAPTERS=llvmpipe,SwiftShader those.

use std::collections::BTreeSet;

use calotype::{Codec, DecodeOptions, Decoder, EncodeOptions, EngineChoice, EngineKind, Error, Image, Isa, Quality, RgbImage, gpus};
use calotype_model::synthetic;

fn pixels(width: u32, height: u32) -> Vec<u8> {
    (0..width * height * 3).map(|i| (i / 3 % width * 2 + i / 3 / width + i % 3 * 50 + i * i % 23) as u8).collect()
}

fn encode(codec: &Codec, (width, height): (u32, u32), percent: f64, tile_log2: u8) -> Vec<u8> {
    let rgb = pixels(width, height);
    let options = EncodeOptions { quality: Quality::new(percent).unwrap(), tile_log2, ..EncodeOptions::default() };
    codec.encode(&RgbImage::new(width, height, &rgb).unwrap(), &options).unwrap().bytes
}

fn decode(codec: &Codec, bytes: &[u8]) -> Image {
    Decoder::new(bytes, &DecodeOptions::default()).unwrap().decode(codec).unwrap()
}

/// The numbers of all usable adapters with their names. Fails if one that is declared is missing.
fn adapters() -> Vec<(String, String)> {
    let adapters: Vec<(String, String)> = gpus().into_iter().enumerate().map(|(i, gpu)| (i.to_string(), gpu.name)).collect();
    if std::env::var("CALOTYPE_REQUIRE_GPU").as_deref() == Ok("1") {
        assert!(!adapters.is_empty(), "no adapter, and CALOTYPE_REQUIRE_GPU=1");
    }
    for name in std::env::var("CALOTYPE_REQUIRE_ADAPTERS").unwrap_or_default().split(',') {
        assert!(name.is_empty() || adapters.iter().any(|(_, present)| present.contains(name)), "no adapter {name} in {adapters:?}");
    }
    if adapters.is_empty() {
        println!("skipped: no adapter");
    }
    adapters
}

fn tiny(choice: EngineChoice) -> Codec {
    let (decoder, encoder) = synthetic::pair(&synthetic::tiny(), 7);
    Codec::from_parts(&decoder.to_safetensors().unwrap(), Some(&encoder.to_safetensors().unwrap()), choice).unwrap()
}

/// The embedded model over odd and prime sizes, one tile and several, a thin picture, at three qualities: one file and one picture each.
#[test]
fn all_engines_write_and_read_the_same() {
    let cpu = Isa::available().into_iter().map(|isa| (isa.to_string(), EngineChoice::Cpu(Some(isa))));
    let gpu = adapters().into_iter().map(|(number, name)| (name, EngineChoice::Gpu(Some(number))));
    let engines: Vec<(String, Codec)> = cpu.chain(gpu).map(|(name, choice)| (name, Codec::new(choice).unwrap())).collect();
    let mut seen = BTreeSet::new();
    for (size, tile_log2) in [((1, 1), 10), ((33, 17), 10), ((97, 61), 10), ((131, 71), 6), ((200, 7), 6)] {
        for percent in [5.0, 50.0, 95.0] {
            let file = encode(&engines[0].1, size, percent, tile_log2);
            let picture = decode(&engines[0].1, &file);
            for (name, codec) in &engines {
                assert!(encode(codec, size, percent, tile_log2) == file, "{name}: another file, {size:?}, q {percent}");
                assert!(decode(codec, &file) == picture, "{name}: other pixels, {size:?}, q {percent}");
                seen.insert(format!("{} {name}", codec.engine().engine));
            }
        }
    }
    assert!(engines.iter().all(|(_, codec)| codec.take_warnings().is_empty()));
    println!("equal files and pixels, 5 pictures at 3 qualities: {}", seen.into_iter().collect::<Vec<_>>().join(", "));
}

/// A GPU that fails before, between or within pictures, in any of three ways: one warning, and the same result.
#[cfg(feature = "gpu")]
#[test]
fn a_failing_gpu_changes_nothing() {
    use calotype::GpuFailure::{LostAtSubmit, OutOfMemoryAtBuffer, TimeoutAtWait};
    let cpu = tiny(EngineChoice::Cpu(None));
    let size = (300, 200);
    let file = encode(&cpu, size, 70.0, 6);
    let picture = decode(&cpu, &file);
    for (number, name) in adapters() {
        let mut failed = [0; 3];
        for (kind, failure) in [LostAtSubmit, OutOfMemoryAtBuffer, TimeoutAtWait].into_iter().enumerate() {
            for at in [0, 1, 4, 9, 30, 70, 1_000_000] {
                // Bands of one row of tiles, so that there is something to begin again.
                let codec = tiny(EngineChoice::Gpu(Some(number.clone()))).with_band(1);
                codec.inject(failure(at));
                assert!(encode(&codec, size, 70.0, 6) == file, "{name}, {:?}", failure(at));
                assert!(decode(&codec, &file) == picture, "{name}, {:?}", failure(at));
                let (engine, warnings) = (codec.engine().engine, codec.take_warnings());
                assert_eq!(warnings.len(), usize::from(engine == EngineKind::Cpu), "{warnings:?}");
                let words = [" lost", "memory", "finish"][kind];
                assert!(warnings.iter().all(|warning| warning.contains(words)), "{warnings:?}");
                failed[kind] += warnings.len();
                assert!(decode(&codec, &file) == picture, "{name} afterwards, {:?}", failure(at));
                assert!(engine == EngineKind::Gpu || codec.take_warnings().is_empty(), "{name} afterwards, {:?}", failure(at));
            }
        }
        assert!(failed.iter().all(|&count| (4..7).contains(&count)), "{failed:?}");
        println!("{name}: {failed:?} times lost, out of memory, too slow; always right");
    }
}

#[test]
fn an_absent_gpu_is_an_engine_fault_when_asked_for() {
    let (decoder, _) = synthetic::pair(&synthetic::tiny(), 7);
    let file = decoder.to_safetensors().unwrap();
    let absent = Codec::from_parts(&file, None, EngineChoice::Gpu(Some("no such adapter".to_owned())));
    assert!(matches!(absent, Err(Error::Engine(_))));
    if !gpus().iter().any(|gpu| gpu.auto) {
        assert!(matches!(Codec::from_parts(&file, None, EngineChoice::Gpu(None)), Err(Error::Engine(_))));
    }
}

/// Auto takes a real GPU for every picture, and no software implementation for any.
#[test]
fn auto_takes_real_gpus_alone() {
    let codec = tiny(EngineChoice::Auto);
    decode(&codec, &encode(&codec, (64, 64), 50.0, 10));
    let expected = if gpus().iter().any(|gpu| gpu.auto) { EngineKind::Gpu } else { EngineKind::Cpu };
    assert_eq!((codec.engine().engine, codec.take_warnings()), (expected, vec![]));
}
