//! The whole engine on every adapter against the CPU engine, bit for bit, stage by stage.

use std::path::PathBuf;
use std::sync::Arc;

use calotype_cpu::Engine as Cpu;
use calotype_engine::{EncodeTables, Engine, Map, PixelRows, Placed, Quantiser, Rect, TileSize, TileSymbols};
use calotype_model::{Config, Decoder, Encoder, Model, QualityTables, synthetic};
use pollster::block_on;

use super::{Random, all_adapters};
use crate::{Adapter, Engine as Gpu, Error, Failure, Options, Piece};

/// A picture, its quality, and the side of its tiles in latents (a multiple of 4).
#[derive(Debug, Clone, Copy)]
struct Case {
    width: usize,
    height: usize,
    fineness: u16,
    tile: usize,
}

const fn case(width: usize, height: usize, fineness: u16) -> Case {
    Case { width, height, fineness, tile: 64 }
}

const SMALL: [Case; 8] = [
    case(1, 1, 0),
    case(16, 17, 256),
    case(33, 15, 16128),
    case(64, 64, 8001),
    case(65, 130, 12_000),
    Case { tile: 4, ..case(197, 71, 4095) },
    case(31, 257, 16127),
    Case { tile: 8, ..case(271, 149, 9000) },
];

/// What an engine makes of a case: a picture to symbols and back, in two windows and whole, then symbols that no encoder would write.
#[derive(PartialEq)]
struct Stages {
    encoded: Vec<TileSymbols>,
    dead_zone: Vec<TileSymbols>,
    decoded: Decoded,
    hostile: Decoded,
}

/// From symbols to pixels.
#[derive(PartialEq)]
struct Decoded {
    scale_index: Vec<Vec<u8>>,
    v_hat: Vec<Map<i16>>,
    rgb: Vec<u8>,
}

/// Symbols of a tile.
struct Symbols {
    z: Vec<i16>,
    y: Vec<i16>,
}

/// A case with all that goes into it.
struct Job<'a> {
    model: &'a Model,
    case: Case,
    rgb: Vec<u8>,
    tables: EncodeTables,
    tiles: Vec<Rect>,
    hostile: Vec<Symbols>,
}

impl<'a> Job<'a> {
    fn new(model: &'a Model, case: Case) -> Job<'a> {
        let (config, mut random) = (&model.decoder().config, Random(case.width as u64));
        let rgb = picture(case, &mut random);
        let tables = EncodeTables {
            quality: model.decoder().quality(case.fineness),
            gain_z: model.encoder().unwrap().gain_z(case.fineness),
            quantiser: Quantiser::nearest(),
        };
        let tiles = tiles(case, Rect::of_picture((case.width, case.height), config.stride));
        let wild = |tile: &Rect| {
            let (zh, zw) = tile.size().hyper();
            Symbols { z: random.spread(32767, zh * zw * config.z), y: random.spread(32767, tile.height * tile.width * config.m) }
        };
        let hostile = tiles.iter().map(wild).collect();
        Job { model, case, rgb, tables, tiles, hostile }
    }

    fn q(&self) -> &QualityTables {
        &self.tables.quality
    }

    fn dead_zone(&self) -> EncodeTables {
        EncodeTables { quantiser: Quantiser::with_thresholds(std::array::from_fn(|index| 32 + index as u8 % 33)), ..self.tables.clone() }
    }

    fn size(&self) -> (usize, usize) {
        (self.case.width, self.case.height)
    }

    /// The latents of the picture.
    fn whole(&self) -> Rect {
        Rect::of_picture(self.size(), self.model.decoder().config.stride)
    }
}

fn picture(case: Case, random: &mut Random) -> Vec<u8> {
    let noise = 1 + random.next() % 64;
    let wave = |i: usize| ((i / 3 % case.width) * (i % 3 + 2) + (i / 3 / case.width) * 5) as i64;
    (0..case.width * case.height * 3).map(|i| (wave(i) + random.next() % noise) as u8).collect()
}

fn tiles(case: Case, whole: Rect) -> Vec<Rect> {
    let rows = (0..whole.height).step_by(case.tile);
    let tile = |y: usize, x: usize| Rect { y, x, height: case.tile.min(whole.height - y), width: case.tile.min(whole.width - x) };
    rows.flat_map(|y| (0..whole.width).step_by(case.tile).map(move |x| tile(y, x))).collect()
}

/// The truth, with the CPU engine's finer steps.
fn on_cpu(cpu: &Cpu, job: &Job<'_>) -> Stages {
    let v = cpu.analyse(&job.rgb, job.case.width, job.case.height);
    let encode = |tables: &EncodeTables| {
        let v = Placed { place: Rect { y: 0, x: 0, height: v.height, width: v.width }, tile: &v };
        job.tiles.iter().map(|&tile| cpu.code_tile(tables, v, tile).0).collect::<Vec<TileSymbols>>()
    };
    let encoded = encode(&job.tables);
    let symbols: Vec<Symbols> = encoded.iter().map(|tile| Symbols { z: tile.z.clone(), y: tile.y.clone() }).collect();
    Stages {
        dead_zone: encode(&job.dead_zone()),
        decoded: decode_on_cpu(cpu, job, &symbols),
        hostile: decode_on_cpu(cpu, job, &job.hostile),
        encoded,
    }
}

fn decode_on_cpu(cpu: &Cpu, job: &Job<'_>, symbols: &[Symbols]) -> Decoded {
    let whole = job.whole();
    let mut all: Map<i16> = Map::zeros(whole.height, whole.width, job.model.decoder().config.m);
    let (mut scale_index, mut v_hat) = (Vec::new(), Vec::new());
    for (tile, symbols) in job.tiles.iter().zip(symbols) {
        let hyper = cpu.graph().hyper(job.q(), &symbols.z, tile.size());
        let part = cpu.graph().means(job.q(), &hyper.side, &symbols.y);
        for (y, x) in (0..tile.height).flat_map(|y| (0..tile.width).map(move |x| (y, x))) {
            all.at_mut(tile.y + y, tile.x + x).copy_from_slice(part.at(y, x));
        }
        scale_index.push(hyper.scale_index);
        v_hat.push(part);
    }
    Decoded { scale_index, v_hat, rgb: cpu.synthesise(job.q(), &all, job.case.width, job.case.height) }
}

fn on_gpu(gpu: &Gpu, job: &Job<'_>) -> Result<Stages, Error> {
    let pixels = PixelRows::whole(&job.rgb, job.case.width, job.case.height);
    let encode = |tables: &EncodeTables| block_on(gpu.symbols(&gpu.encoding(tables)?, pixels, &job.tiles));
    let encoded = encode(&job.tables)?;
    let symbols: Vec<Symbols> = encoded.iter().map(|tile| Symbols { z: tile.z.clone(), y: tile.y.clone() }).collect();
    Ok(Stages {
        dead_zone: encode(&job.dead_zone())?,
        decoded: block_on(decode_on_gpu(gpu, job, &symbols))?,
        hostile: block_on(decode_on_gpu(gpu, job, &job.hostile))?,
        encoded,
    })
}

async fn decode_on_gpu(gpu: &Gpu, job: &Job<'_>, symbols: &[Symbols]) -> Result<Decoded, Error> {
    let q = gpu.quality(job.q())?;
    let (z, y): (Vec<_>, Vec<_>) = symbols.iter().map(|symbols| (symbols.z.clone(), symbols.y.clone())).unzip();
    let sizes: Vec<_> = job.tiles.iter().map(|tile| tile.size()).collect();
    let (side, scale_index) = gpu.scales(&q, &sizes, &z).await?.into_iter().map(|hyper| (hyper.side, hyper.scale_index)).unzip();
    let latents = gpu.latents(&q, side, &y)?;
    let tiles: Vec<_> = job.tiles.iter().zip(&latents).map(|(&place, tile)| Placed { place, tile }).collect();
    let whole = job.whole();
    let cut = whole.height.div_ceil(3);
    let mut rgb = gpu.pixels(&q, &tiles, Rect { height: cut, ..whole }, job.size()).await?;
    if cut < whole.height {
        rgb.extend(gpu.pixels(&q, &tiles, Rect { y: cut, height: whole.height - cut, ..whole }, job.size()).await?);
    }
    assert!(gpu.pixels(&q, &tiles, whole, job.size()).await? == rgb, "windows have the pixels of the whole picture");
    let mut on_device = vec![0; rgb.len()];
    for piece in gpu.pieces(&q, &tiles, whole, job.size()).await? {
        paste(&mut on_device, job.case.width, &piece, &gpu.read(&piece)?);
    }
    assert!(on_device == rgb, "pieces on the device have the pixels of the whole picture");
    let v_hat = latents.iter().map(|latents| gpu.download(latents)).collect::<Result<_, Error>>()?;
    Ok(Decoded { scale_index, v_hat, rgb })
}

fn paste(picture: &mut [u8], width: usize, piece: &Piece, rgb: &[u8]) {
    let bytes = 3 * piece.size()[0] as usize;
    for (y, row) in rgb.chunks_exact(bytes).enumerate() {
        picture[3 * ((piece.place.y + y) * width + piece.place.x)..][..bytes].copy_from_slice(row);
    }
}

/// The first stage that differs.
fn difference(a: &Stages, b: &Stages) -> Option<&'static str> {
    let all = |equal: fn(&TileSymbols, &TileSymbols) -> bool| a.encoded.iter().zip(&b.encoded).all(|(a, b)| equal(a, b));
    let equal = [
        ("z symbols", all(|a, b| a.z == b.z)),
        ("scale indices in the encoder", all(|a, b| a.scale_index == b.scale_index)),
        ("y symbols", a.encoded == b.encoded),
        ("symbols with dead zones", a.dead_zone == b.dead_zone),
        ("scale indices", a.decoded.scale_index == b.decoded.scale_index),
        ("latents", a.decoded.v_hat == b.decoded.v_hat),
        ("pixels", a.decoded == b.decoded),
        ("scale indices of wild symbols", a.hostile.scale_index == b.hostile.scale_index),
        ("latents of wild symbols", a.hostile.v_hat == b.hostile.v_hat),
        ("pixels of wild symbols", a.hostile == b.hostile),
    ];
    equal.into_iter().find(|(_, equal)| !equal).map(|(stage, _)| stage)
}

fn cpu(model: &Arc<Model>) -> Cpu {
    Cpu::new(Arc::clone(model), calotype_cpu::Isa::detect()).unwrap()
}

fn gpu(model: &Arc<Model>, adapter: &Adapter) -> Gpu {
    Gpu::new(Arc::clone(model), adapter).unwrap()
}

/// Whether whole pictures, and pieces of `pieces` latents, give what the CPU gives.
fn compare(model: Model, cases: &[Case], pieces: &[usize]) {
    let model = Arc::new(model);
    let jobs: Vec<Job<'_>> = cases.iter().map(|&case| Job::new(&model, case)).collect();
    let truth: Vec<Stages> = jobs.iter().map(|job| on_cpu(&cpu(&model), job)).collect();
    for adapter in all_adapters() {
        for &piece in pieces {
            let engine = Gpu::with_options(Arc::clone(&model), &adapter, &Options { piece, ..Options::default() }).unwrap();
            for (job, truth) in jobs.iter().zip(&truth) {
                let differs = difference(truth, &on_gpu(&engine, job).unwrap());
                assert_eq!(differs, None, "{}, {:?}, pieces of {piece}, {:?}", adapter.facts(), job.case, model.decoder().config);
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

/// Networks of other forms, each a file of `tests/networks`, or where there is no repository, of CALOTYPE_TEST_MODELS/networks.
#[test]
fn engines_agree_on_other_networks() {
    let repository = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/networks");
    let folder = std::env::var_os("CALOTYPE_TEST_MODELS").map_or_else(repository, |models| PathBuf::from(models).join("networks"));
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() >= 9, "{files:?}");
    for file in files {
        println!("{}", file.display());
        let (decoder, encoder) = synthetic::network(&std::fs::read_to_string(&file).unwrap(), 31).unwrap();
        compare(Model::new(decoder, Some(encoder)).unwrap(), &[case(1, 1, 8064), Case { tile: 4, ..case(131, 149, 9000) }], &[96]);
    }
}

/// The repository's, or where there is none, as in the kit for machines with a GPU, that of CALOTYPE_TEST_MODELS.
fn model_folder() -> PathBuf {
    let repository = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../assets/models");
    std::env::var_os("CALOTYPE_TEST_MODELS").map_or_else(repository, PathBuf::from)
}

fn real_model() -> Model {
    let folder = model_folder();
    let read = |part: &str| {
        std::fs::read(folder.join(format!("fast.{part}.safetensors"))).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
    };
    let decoder = Decoder::from_safetensors(&read("decoder")).unwrap();
    Model::new(decoder, Some(Encoder::from_safetensors(&read("encoder")).unwrap())).unwrap()
}

#[test]
fn engines_agree_on_the_real_model() {
    compare(real_model(), &[case(1, 1, 8064), case(97, 61, 806), Case { tile: 4, ..case(131, 149, 15_322) }], &[96]);
}

/// Negative control: one weight bit, or one shift, in any network changes a stage of its own.
#[test]
fn one_weight_bit_or_shift_is_noticed() {
    type Edit = &'static dyn Fn(&mut Decoder, &mut Encoder);
    let edits: [(&[&str], Edit); 12] = [
        (&[], &|_, _| ()),
        (&["z symbols", "y symbols"], &|_, e| e.tensor("g_a.first.weight").unwrap().flip(6)),
        (&["z symbols", "y symbols"], &|_, e| e.tensor("g_a.blocks.0.pw2.weight").unwrap().flip(6)),
        (&["z symbols", "y symbols"], &|_, e| e.tensor("g_a.last.shift").unwrap().flip(0)),
        (&["z symbols"], &|_, e| e.tensor("h_a.mid.weight").unwrap().flip(6)),
        (&["z symbols"], &|_, e| e.gain_z.shift[0] += 1),
        (&["scale indices in the encoder"], &|d, _| d.tensor("h_s.block2.dw.weight").unwrap().flip(6)),
        (&["scale indices in the encoder"], &|d, _| d.tensor("scale_head.shift").unwrap().flip(0)),
        (&["y symbols"], &|d, _| d.tensor("context.2.first.weight").unwrap().flip(6)),
        (&["y symbols"], &|d, _| d.tensor("mean_head.shift").unwrap().flip(0)),
        (&["pixels"], &|d, _| d.tensor("g_s.last.weight").unwrap().flip(6)),
        (&["pixels"], &|d, _| d.g_s.stages[0].blocks[1].ffn1_read.iter_mut().for_each(|shift| *shift += 1)),
    ];
    let case = Case { tile: 4, ..case(80, 72, 9000) };
    let (decoder, encoder) = synthetic::pair(&synthetic::tiny(), 18);
    let model = Arc::new(synthetic::model(&synthetic::tiny(), 18));
    let truth = on_cpu(&cpu(&model), &Job::new(&model, case));
    for adapter in all_adapters() {
        for (i, (expected, edit)) in edits.iter().enumerate() {
            let (mut decoder, mut encoder) = (decoder.clone(), encoder.clone());
            edit(&mut decoder, &mut encoder);
            decoder.id = decoder.canonical_id();
            encoder.decoder_id = decoder.id;
            let edited = Arc::new(Model::new(decoder, Some(encoder)).unwrap());
            let differs = difference(&truth, &on_gpu(&gpu(&edited, &adapter), &Job::new(&edited, case)).unwrap());
            let as_expected = differs.map_or(expected.is_empty(), |stage| expected.contains(&stage));
            assert!(as_expected, "{}, edit {i}: {differs:?}", adapter.facts());
        }
    }
}

/// Pictures, at once from several threads, on one engine.
#[test]
fn threads_do_not_matter() {
    let model = Arc::new(synthetic::model(&synthetic::tiny(), 19));
    let cases = [case(80, 72, 9000), case(33, 90, 300), Case { tile: 4, ..case(160, 64, 16_000) }, case(16, 16, 5000)];
    let jobs = cases.map(|case| Job::new(&model, case));
    let truth = cases.map(|case| on_cpu(&cpu(&model), &Job::new(&model, case)));
    for adapter in all_adapters() {
        let engine = Gpu::with_options(Arc::clone(&model), &adapter, &Options { piece: 4, ..Options::default() }).unwrap();
        std::thread::scope(|scope| {
            for (job, truth) in jobs.iter().zip(&truth) {
                let engine = &engine;
                scope.spawn(move || (0..3).for_each(|_| assert_eq!(difference(truth, &on_gpu(engine, job).unwrap()), None)));
            }
        });
    }
}

/// A failing device is an error, then and ever after, and no panic; never a wrong result.
#[test]
fn a_failure_at_any_point_is_an_error() {
    let model = Arc::new(synthetic::model(&synthetic::tiny(), 20));
    let job = Job::new(&model, Case { tile: 4, ..case(150, 70, 8000) });
    let truth = on_cpu(&cpu(&model), &job);
    let failures: [fn(u64) -> Failure; 3] = [Failure::LostAtSubmit, Failure::OutOfMemoryAtBuffer, Failure::TimeoutAtWait];
    for adapter in all_adapters() {
        let mut errors = [0; 3];
        for (kind, failure) in failures.into_iter().enumerate() {
            for at in [0, 1, 2, 5, 10, 20, 50, 100, 1_000_000] {
                let engine = gpu(&model, &adapter);
                engine.inject(failure(at));
                match on_gpu(&engine, &job) {
                    Ok(stages) => assert_eq!(difference(&truth, &stages), None, "{:?}", failure(at)),
                    Err(error) => {
                        errors[kind] += 1;
                        let as_injected = match failure(at) {
                            Failure::LostAtSubmit(_) => matches!(error, Error::Lost { .. }),
                            Failure::OutOfMemoryAtBuffer(_) => error == Error::OutOfMemory,
                            Failure::TimeoutAtWait(_) => matches!(error, Error::Timeout { .. }),
                        };
                        assert!(as_injected && !engine.is_usable(), "{:?}: {error}", failure(at));
                        assert!(on_gpu(&engine, &job).is_err(), "{:?}: the device works again", failure(at));
                    }
                }
            }
        }
        assert!(errors.iter().all(|&count| (4..9).contains(&count)), "{errors:?}");
        println!("{}: {errors:?} failures by loss, memory and timeout", adapter.facts());
        assert_eq!(difference(&truth, &on_gpu(&gpu(&model, &adapter), &job).unwrap()), None, "another engine on the same adapter");
    }
}

/// A tile that does not fit into a binding is an error, and the engine goes on.
#[test]
fn too_large_tiles_are_errors() {
    let model = Arc::new(synthetic::model(&synthetic::tiny(), 21));
    let q = model.decoder().quality(8000);
    for adapter in all_adapters() {
        let engine = gpu(&model, &adapter);
        let tile = TileSize { lh: 2048, lw: 2400 };
        let z = vec![1; 512 * 600 * 8];
        let q = engine.quality(&q).unwrap();
        assert!(matches!(block_on(engine.scales(&q, &[tile], &[z])), Err(Error::TooLarge { .. })));
        assert!(engine.is_usable());
        assert!(block_on(engine.scales(&q, &[TileSize { lh: 4, lw: 4 }], &[vec![1; 8]])).is_ok());
    }
}

/// What the folder remembers of the tiles is used; a file that is no such file, or a folder that is none, does no harm; all tiles give the truth.
#[test]
fn tiles_are_remembered() {
    let model = Arc::new(synthetic::model(&Config { c: 32, m: 48, z: 16, p: 16, n_e: 1, n_d: 2, ..synthetic::tiny() }, 22));
    let job = Job::new(&model, case(90, 70, 9000));
    let truth = on_cpu(&cpu(&model), &job);
    let folder = std::env::temp_dir().join(format!("calotype-tiles-{}", std::process::id()));
    for adapter in all_adapters() {
        std::fs::remove_dir_all(&folder).ok();
        let check = |cache: &std::path::Path| {
            let options = Options { cache: Some(cache.to_owned()), ..Options::default() };
            let engine = Gpu::with_options(Arc::clone(&model), &adapter, &options).unwrap();
            assert_eq!(difference(&truth, &on_gpu(&engine, &job).unwrap()), None, "{}", adapter.facts());
        };
        check(&folder);
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
        let [file] = &files[..] else { panic!("{files:?}") };
        let text = std::fs::read_to_string(file).unwrap();
        println!("{}", text.replace('\n', "; "));
        for tile in calotype_shaders::TILES {
            let lines: Vec<&str> = text.lines().take(2).collect();
            let edited = format!("{}\nint8 {}\nwide {}\n", lines.join("\n"), tile.name, tile.name);
            std::fs::write(file, &edited).unwrap();
            check(&folder);
            assert_eq!(std::fs::read_to_string(file).unwrap(), edited, "a file that is right stays");
        }
        std::fs::write(file, "\u{0}nonsense").unwrap();
        check(&folder);
        assert!(std::fs::read_to_string(file).unwrap().starts_with(&text.lines().take(2).collect::<Vec<_>>().join("\n")));
        check(file);
    }
    std::fs::remove_dir_all(&folder).ok();
}

/// What an engine says of its speed is about the right phases and layers. How large the numbers are is no matter for a test.
#[test]
fn speeds_are_measured() {
    use calotype_engine::measure::{LayerKind, Phase};
    let model = Arc::new(synthetic::model(&synthetic::tiny(), 23));
    let job = Job::new(&model, case(90, 70, 9000));
    for adapter in all_adapters() {
        let engine = gpu(&model, &adapter);
        on_gpu(&engine, &job).unwrap();
        assert!(engine.take_times().total().is_zero(), "nothing before the first call");
        let (sizes, z): (Vec<_>, Vec<_>) =
            job.tiles.iter().zip(&job.hostile).map(|(tile, symbols)| (tile.size(), symbols.z.clone())).unzip();
        block_on(engine.scales(&engine.quality(job.q()).unwrap(), &sizes, &z)).unwrap();
        let times = engine.take_times();
        let ran: Vec<Phase> = Phase::ALL.into_iter().filter(|&phase| !times[phase].is_zero()).collect();
        assert_eq!(ran, [Phase::Upload, Phase::HyperSynthesis, Phase::Scales, Phase::Readback], "{}", adapter.facts());
        let (ceilings, speeds) = (engine.ceilings().unwrap(), engine.layer_speeds().unwrap());
        assert!(ceilings.int8_gop_per_s > 0.0 && ceilings.int16_gop_per_s > 0.0 && ceilings.copy_gb_per_s > 0.0);
        let config = &model.decoder().config;
        let shape_of =
            |layer: &str| speeds.iter().find(|speed| speed.layer == layer).map(|speed| (speed.kind, speed.inputs, speed.outputs));
        assert_eq!(shape_of("g_s.first"), Some((LayerKind::Wide, config.m, 4 * config.c)));
        assert_eq!(shape_of("g_s.blocks.0.ffn1"), Some((LayerKind::Int8, config.c, 2 * config.c)));
        assert_eq!(shape_of("g_s.blocks.0.dw"), Some((LayerKind::Depthwise, config.c, config.c)));
        assert!(speeds.iter().all(|speed| speed.gop_per_s > 0.0 && speed.gb_per_s > 0.0));
        println!("{}: {ceilings:?}", adapter.facts());
    }
}
