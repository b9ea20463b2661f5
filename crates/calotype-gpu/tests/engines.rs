//! The whole engine on every adapter against the CPU engine, bit for bit, stage by stage.

mod common;

use std::sync::Arc;

use calotype_gpu::{Adapter, Engine, Error};
use calotype_model::{Config, Decoder, Encoder, Hyper, Map, Model, Quantiser, TileSize, synthetic};
use common::{Random, adapters};

/// A picture and a quality.
#[derive(Debug, Clone, Copy)]
struct Case {
    width: usize,
    height: usize,
    quality: u16,
}

const fn case(width: usize, height: usize, quality: u16) -> Case {
    Case { width, height, quality }
}

const SMALL: [Case; 7] = [
    case(1, 1, 0),
    case(16, 17, 256),
    case(33, 15, 16128),
    case(64, 64, 8001),
    case(65, 130, 12_000),
    case(197, 71, 4095),
    case(31, 257, 16127),
];

/// Both engines behind one face.
enum Any {
    Cpu(calotype_cpu::Engine),
    Gpu(Box<Engine>),
}

macro_rules! on {
    ($any:expr, $engine:ident => $cpu:expr) => {
        match $any {
            Any::Cpu($engine) => $cpu,
            Any::Gpu($engine) => $cpu.expect("the GPU works"),
        }
    };
}

/// What an engine makes of a case: a picture there and back, then inputs that no encoder would write.
#[derive(PartialEq)]
struct Stages {
    v: Map<i16>,
    z: Vec<i16>,
    hyper: Hyper,
    coded: (Vec<i16>, Map<i16>),
    means: Map<i16>,
    rgb: Vec<u8>,
    hostile_hyper: Hyper,
    hostile_means: Map<i16>,
    hostile_rgb: Vec<u8>,
    hostile_z: Vec<i16>,
    dead_zone: (Vec<i16>, Map<i16>),
}

fn picture(case: Case, random: &mut Random) -> Vec<u8> {
    let noise = 1 + random.next() % 64;
    let wave = |i: usize| ((i / 3 % case.width) * (i % 3 + 2) + (i / 3 / case.width) * 5) as u32;
    (0..case.width * case.height * 3).map(|i| (wave(i) + random.next() % noise) as u8).collect()
}

fn stages(any: &Any, model: &Model, case: Case) -> Stages {
    let mut random = Random(case.width as u64);
    let (decoder, encoder) = (model.decoder(), model.encoder().unwrap());
    let (q, gain_z) = (decoder.quality(case.quality), encoder.gain_z(case.quality));
    let tile = TileSize { lh: case.height.div_ceil(16), lw: case.width.div_ceil(16) };
    let latents = tile.lh * tile.lw * decoder.config.m;
    let rgb = picture(case, &mut random);
    let v = on!(any, e => e.analyse(&rgb, case.width, case.height));
    let z = on!(any, e => e.hyper_analyse(&gain_z, &v));
    let hyper = on!(any, e => e.hyper(&q, &z, tile));
    let coded = on!(any, e => e.code(&q, &hyper, &v, &Quantiser::nearest()));
    let wild_z = random.spread(32767, z.len());
    let wild_v_hat = Map { height: tile.lh, width: tile.lw, channels: decoder.config.m, data: random.spread(32768, latents) };
    let wild_v = Map { data: random.spread(32768, v.data.len()), ..v.clone() };
    let wild_symbols = random.spread(32767, latents);
    let dead_zones = Quantiser::with_thresholds(std::array::from_fn(|index| 32 + index as u8 % 33));
    let hostile_hyper = on!(any, e => e.hyper(&q, &wild_z, tile));
    Stages {
        means: on!(any, e => e.means(&q, &hyper, &coded.0)),
        rgb: on!(any, e => e.synthesise(&q, &coded.1, case.width, case.height)),
        hostile_means: on!(any, e => e.means(&q, &hostile_hyper, &wild_symbols)),
        hostile_rgb: on!(any, e => e.synthesise(&q, &wild_v_hat, case.width, case.height)),
        hostile_z: on!(any, e => e.hyper_analyse(&gain_z, &wild_v)),
        dead_zone: on!(any, e => e.code(&q, &hostile_hyper, &wild_v, &dead_zones)),
        hostile_hyper,
        v,
        z,
        hyper,
        coded,
    }
}

/// The first stage that differs.
fn difference(a: &Stages, b: &Stages) -> Option<&'static str> {
    let equal = [
        ("analyse", a.v == b.v),
        ("hyper_analyse", a.z == b.z),
        ("hyper", a.hyper == b.hyper),
        ("code", a.coded == b.coded),
        ("means", a.means == b.means),
        ("synthesise", a.rgb == b.rgb),
        ("hyper of wild symbols", a.hostile_hyper == b.hostile_hyper),
        ("means of wild symbols", a.hostile_means == b.hostile_means),
        ("synthesise wild latents", a.hostile_rgb == b.hostile_rgb),
        ("hyper_analyse wild latents", a.hostile_z == b.hostile_z),
        ("code wild latents with dead zones", a.dead_zone == b.dead_zone),
    ];
    equal.into_iter().find(|(_, equal)| !equal).map(|(stage, _)| stage)
}

fn cpu(model: &Arc<Model>) -> Any {
    Any::Cpu(calotype_cpu::Engine::new(Arc::clone(model), calotype_cpu::Isa::detect()).unwrap())
}

fn gpu(model: &Arc<Model>, adapter: &Adapter, piece: usize) -> Any {
    Any::Gpu(Box::new(Engine::with_piece(Arc::clone(model), adapter, piece).unwrap()))
}

/// Whether whole pictures, and pieces of `pieces` latents, give what the CPU gives.
fn compare(model: Model, cases: &[Case], pieces: &[usize]) {
    let model = Arc::new(model);
    let truth: Vec<Stages> = cases.iter().map(|&case| stages(&cpu(&model), &model, case)).collect();
    for adapter in adapters() {
        for &piece in pieces {
            let engine = gpu(&model, &adapter, piece);
            for (&case, truth) in cases.iter().zip(&truth) {
                let differs = difference(truth, &stages(&engine, &model, case));
                assert_eq!(differs, None, "{}, {case:?}, pieces of {piece}, {:?}", adapter.facts(), model.decoder().config);
            }
        }
        println!("{}: equal to the CPU on {} pictures in pieces of {pieces:?} latents", adapter.facts(), cases.len());
    }
}

#[test]
fn engines_agree_on_a_tiny_model() {
    compare(synthetic::model(&synthetic::tiny(), 11), &SMALL, &[96, 3, 1]);
}

#[test]
fn engines_agree_on_odd_channel_counts() {
    let odd = Config { c: 36, m: 68, z: 12, p: 20, n_e: 2, n_d: 3, skip_below: 20, ..synthetic::tiny() };
    compare(synthetic::model(&odd, 13), &SMALL[3..6], &[96, 2]);
    let smallest = Config { c: 4, m: 4, z: 4, p: 4, n_e: 0, n_d: 1, ..synthetic::tiny() };
    compare(synthetic::model(&smallest, 12), &SMALL[..5], &[96]);
    let no_blocks = Config { c: 28, m: 44, z: 20, p: 52, n_e: 0, n_d: 0, skip_below: 0, ..synthetic::tiny() };
    compare(synthetic::model(&no_blocks, 14), &SMALL[1..5], &[96, 2]);
}

fn real_model() -> Model {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/models");
    let read = |part: &str| std::fs::read(folder.join(format!("fast.{part}.safetensors"))).expect("the model is in assets/models");
    let decoder = Decoder::from_safetensors(&read("decoder")).unwrap();
    Model::new(decoder, Some(Encoder::from_safetensors(&read("encoder")).unwrap())).unwrap()
}

#[test]
fn engines_agree_on_the_real_model() {
    compare(real_model(), &[case(1, 1, 8064), case(97, 61, 806), case(131, 149, 15_322)], &[96]);
}

/// Negative control: one weight bit, or one shift, in any network changes a stage of its own.
#[test]
fn one_weight_bit_or_shift_is_noticed() {
    type Edit = &'static dyn Fn(&mut Decoder, &mut Encoder);
    let edits: [(Option<&str>, Edit); 12] = [
        (None, &|_, _| ()),
        (Some("analyse"), &|_, e| e.g_a.first.weight[0] ^= 64),
        (Some("analyse"), &|_, e| e.g_a.blocks[0].pw2.weight[0] ^= 64),
        (Some("analyse"), &|_, e| e.g_a.last.shift[3] += 1),
        (Some("hyper_analyse"), &|_, e| e.h_a.mid.weight[5] ^= 64),
        (Some("hyper_analyse"), &|_, e| e.gain_z.shift[0] += 1),
        (Some("hyper"), &|d, _| d.h_s.block2.dw.weight[4] ^= 64),
        (Some("hyper"), &|d, _| d.scale_head.shift[1] += 1),
        (Some("code"), &|d, _| d.context[2].first.weight[7] ^= 64),
        (Some("code"), &|d, _| d.mean_head.shift[2] += 1),
        (Some("synthesise"), &|d, _| d.g_s.last.weight[0] ^= 64),
        (Some("synthesise"), &|d, _| d.g_s.blocks[1].ffn1_read.iter_mut().for_each(|shift| *shift += 1)),
    ];
    let case = case(80, 72, 9000);
    let (decoder, encoder) = synthetic::pair(&synthetic::tiny(), 18);
    let model = Arc::new(synthetic::model(&synthetic::tiny(), 18));
    let truth = stages(&cpu(&model), &model, case);
    for adapter in adapters() {
        for (i, (expected, edit)) in edits.iter().enumerate() {
            let (mut decoder, mut encoder) = (decoder.clone(), encoder.clone());
            edit(&mut decoder, &mut encoder);
            decoder.id = decoder.canonical_id();
            encoder.decoder_id = decoder.id;
            let edited = Arc::new(Model::new(decoder, Some(encoder)).unwrap());
            let differs = difference(&truth, &stages(&gpu(&edited, &adapter, 96), &edited, case));
            assert_eq!(differs, *expected, "{}, edit {i}", adapter.facts());
        }
    }
}

/// Tiles of a picture, at once from several threads, on one engine.
#[test]
fn threads_do_not_matter() {
    let model = Arc::new(synthetic::model(&synthetic::tiny(), 19));
    let cases = [case(80, 72, 9000), case(33, 90, 300), case(160, 64, 16_000), case(16, 16, 5000)];
    let truth = cases.map(|case| stages(&cpu(&model), &model, case));
    for adapter in adapters() {
        let engine = gpu(&model, &adapter, 4);
        std::thread::scope(|scope| {
            for (case, truth) in cases.into_iter().zip(&truth) {
                let (engine, model) = (&engine, &model);
                scope.spawn(move || (0..3).for_each(|_| assert_eq!(difference(truth, &stages(engine, model, case)), None)));
            }
        });
    }
}

/// A lost device is an error, then and ever after, and no panic.
#[test]
fn a_lost_device_is_an_error() {
    let model = Arc::new(synthetic::model(&synthetic::tiny(), 20));
    let q = model.decoder().quality(8000);
    let rgb = vec![100; 40 * 30 * 3];
    for adapter in adapters() {
        let engine = Engine::new(Arc::clone(&model), &adapter).unwrap();
        let v = engine.analyse(&rgb, 40, 30).unwrap();
        engine.lose_device();
        for _ in 0..2 {
            let lost = [
                engine.analyse(&rgb, 40, 30).err(),
                engine.hyper(&q, &[0; 8], TileSize { lh: 2, lw: 3 }).err(),
                engine.hyper_analyse(&[1; 8], &v).err(),
            ];
            assert!(lost.iter().all(|error| matches!(error, Some(Error::Lost { .. }))), "{lost:?}");
        }
        println!("{}: {}", adapter.facts(), engine.analyse(&rgb, 40, 30).unwrap_err());
        // Another engine on the same adapter works.
        assert!(Engine::new(Arc::clone(&model), &adapter).unwrap().analyse(&rgb, 40, 30).unwrap() == v);
    }
}

/// A tile that does not fit into a binding is an error, and the engine goes on.
#[test]
fn too_large_tiles_are_errors() {
    let model = Arc::new(synthetic::model(&synthetic::tiny(), 21));
    let q = model.decoder().quality(8000);
    for adapter in adapters() {
        let engine = Engine::new(Arc::clone(&model), &adapter).unwrap();
        let tile = TileSize { lh: 2048, lw: 2400 };
        let z = vec![1; 512 * 600 * 8];
        assert!(matches!(engine.hyper(&q, &z, tile), Err(Error::TooLarge { .. })));
        assert!(engine.hyper(&q, &[1; 8], TileSize { lh: 4, lw: 4 }).is_ok());
    }
}
