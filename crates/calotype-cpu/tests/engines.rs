//! Every engine against the scalar oracle, bit for bit, stage by stage, on lively and on extreme models.

use std::sync::Arc;

use calotype_cpu::{Engine, Hyper, Isa, Map};
use calotype_engine::{Placed, Quantiser, Rect};
use calotype_model::{Block, Chain, Config, Decoder, Encoder, Layer, Model, Pointwise, Wide, synthetic};

/// A small generator of test numbers (an LCG; the upper bits are used).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }

    fn sign(&mut self) -> i32 {
        if self.next() & 64 == 0 { 1 } else { -1 }
    }

    /// Numbers of all magnitudes up to `most`, among them both extremes.
    fn spread(&mut self, most: i32, count: usize) -> Vec<i16> {
        let value = |random: &mut Random| {
            let largest = most >> (random.next() % 16);
            if random.next().is_multiple_of(8) {
                largest * random.sign()
            } else {
                (random.next() % (2 * largest as u32 + 1)) as i32 - largest
            }
        };
        (0..count).map(|_| value(self).clamp(-32768, 32767) as i16).collect()
    }
}

/// A picture and a quality.
#[derive(Debug, Clone, Copy)]
struct Case {
    width: usize,
    height: usize,
    fineness: u16,
}

const SMALL: [Case; 7] = [
    Case { width: 1, height: 1, fineness: 0 },
    Case { width: 16, height: 17, fineness: 256 },
    Case { width: 33, height: 15, fineness: 16128 },
    Case { width: 64, height: 64, fineness: 8001 },
    Case { width: 65, height: 130, fineness: 12_000 },
    Case { width: 200, height: 70, fineness: 4095 },
    Case { width: 31, height: 257, fineness: 16127 },
];

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
    hostile_q4: Vec<i16>,
    hostile_z: Vec<i16>,
    dead_zone: (Vec<i16>, Map<i16>),
}

fn picture(case: Case, random: &mut Random) -> Vec<u8> {
    let noise = 1 + random.next() % 64;
    let wave = |i: usize| ((i / 3 % case.width) * (i % 3 + 2) + (i / 3 / case.width) * 5) as u32;
    (0..case.width * case.height * 3).map(|i| (wave(i) + random.next() % noise) as u8).collect()
}

fn stages(engine: &Engine, case: Case) -> Stages {
    let mut random = Random(case.width as u64);
    let (decoder, encoder) = (engine.model().decoder(), engine.model().encoder().unwrap());
    let (q, gain_z) = (decoder.quality(case.fineness), encoder.gain_z(case.fineness));
    let place = Rect::of_picture((case.width, case.height), decoder.config.stride);
    let tile = place.size();
    let latents = tile.lh * tile.lw * decoder.config.m;
    let v = engine.analyse(&picture(case, &mut random), case.width, case.height);
    let z = engine.graph().hyper_analyse(&gain_z, &v);
    let hyper = engine.graph().hyper(&q, &z, tile);
    let coded = engine.graph().code(&q, &hyper, &v, &Quantiser::nearest());
    let wild_z = random.spread(32767, z.len());
    let wild_v_hat = Map { height: tile.lh, width: tile.lw, channels: decoder.config.m, data: random.spread(32768, latents) };
    let wild_v = Map { data: random.spread(32768, v.data.len()), ..v.clone() };
    let thresholds = std::array::from_fn(|index| 32 + index as u8 % 33);
    let hostile_hyper = engine.graph().hyper(&q, &wild_z, tile);
    Stages {
        means: engine.graph().means(&q, &hyper.side, &coded.0),
        rgb: engine.synthesise(&q, &coded.1, case.width, case.height),
        hostile_means: engine.graph().means(&q, &hostile_hyper.side, &random.spread(32767, latents)),
        hostile_rgb: engine.synthesise(&q, &wild_v_hat, case.width, case.height),
        hostile_q4: engine.graph().pixels_q4(&q, &[Placed { place, tile: &wild_v_hat }], place, (case.width, case.height)),
        hostile_z: engine.graph().hyper_analyse(&gain_z, &wild_v),
        dead_zone: engine.graph().code(&q, &hostile_hyper, &wild_v, &Quantiser::with_thresholds(thresholds)),
        hostile_hyper,
        v,
        z,
        hyper,
        coded,
    }
}

/// The last rounding.
fn rounded(q4: &[i16]) -> Vec<u8> {
    q4.iter().map(|&p| ((i32::from(p) + 8) >> 4).clamp(0, 255) as u8).collect()
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
        ("synthesise_q4 wild latents", a.hostile_q4 == b.hostile_q4),
        ("pixels and Q4", a.hostile_rgb == rounded(&b.hostile_q4)),
        ("hyper_analyse wild latents", a.hostile_z == b.hostile_z),
        ("code wild latents with dead zones", a.dead_zone == b.dead_zone),
    ];
    equal.into_iter().find(|(_, equal)| !equal).map(|(stage, _)| stage)
}

fn engine(model: &Arc<Model>, isa: Isa) -> Engine {
    Engine::new(Arc::clone(model), isa).unwrap()
}

/// All engines of this machine but the oracle.
fn contestants() -> Vec<Isa> {
    let isas: Vec<Isa> = Isa::available().into_iter().filter(|isa| *isa != Isa::Scalar).collect();
    println!("compared with the oracle: {}", isas.iter().map(Isa::to_string).collect::<Vec<_>>().join(", "));
    assert!(isas.contains(&Isa::Portable));
    isas
}

fn compare(model: Model, cases: &[Case]) {
    let model = Arc::new(model);
    let (oracle, isas) = (engine(&model, Isa::Scalar), contestants());
    for &case in cases {
        let truth = stages(&oracle, case);
        for &isa in &isas {
            let differs = difference(&truth, &stages(&engine(&model, isa), case));
            assert_eq!(differs, None, "{isa}, {case:?}, {:?}", model.decoder().config);
            for band_px in [1, 40 * case.width].into_iter().filter(|_| case.height > 32) {
                let banded = Engine::with_band(Arc::clone(&model), isa, band_px).unwrap();
                assert_eq!(difference(&truth, &stages(&banded, case)), None, "{isa}, {case:?}, bands of {band_px} px");
            }
        }
    }
}

#[test]
fn engines_agree_on_small_channel_counts() {
    compare(synthetic::model(&synthetic::tiny(), 11), &SMALL);
    let smallest = Config { c: 4, m: 4, z: 4, p: 4, n_e: 0, n_d: 1, ..synthetic::tiny() };
    compare(synthetic::model(&smallest, 12), &SMALL);
}

#[test]
fn engines_agree_on_channel_counts_that_fit_no_vector() {
    let odd = Config { c: 36, m: 68, z: 12, p: 20, n_e: 2, n_d: 3, skip_below: 20, ..synthetic::tiny() };
    compare(synthetic::model(&odd, 13), &SMALL[3..6]);
    let no_blocks = Config { c: 28, m: 44, z: 20, p: 52, n_e: 0, n_d: 0, skip_below: 0, ..synthetic::tiny() };
    compare(synthetic::model(&no_blocks, 14), &SMALL[1..4]);
}

#[test]
fn engines_agree_on_channel_counts_that_fill_vectors() {
    let even = Config { c: 64, m: 128, z: 32, p: 96, n_e: 1, n_d: 2, ..synthetic::tiny() };
    compare(synthetic::model(&even, 15), &[Case { width: 80, height: 48, fineness: 8064 }]);
    compare(synthetic::model(&synthetic::fast(), 16), &[Case { width: 48, height: 40, fineness: 9000 }]);
}

/// Networks of other forms, each a file of `tests/networks`.
#[test]
fn engines_agree_on_other_networks() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/networks");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() >= 9, "{files:?}");
    for file in files {
        let (decoder, encoder) =
            synthetic::network(&std::fs::read_to_string(&file).unwrap(), 30).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let model = reload(&decoder, &encoder);
        assert_eq!((model.decoder(), model.encoder()), (&decoder, Some(&encoder)), "{} comes back as it went", file.display());
        println!("{}", file.display());
        compare(model, &SMALL);
    }
}

/// Weights at their largest, biases as large as the loader's proof permits, all shifts.
fn extreme_model(config: &Config, seed: u64) -> Model {
    let (mut decoder, mut encoder) = synthetic::pair(config, seed);
    let mut random = Random(seed);
    extreme_decoder(&mut decoder, &mut random);
    encoder.h_a.as_mut().unwrap().stages[0].read.as_mut().unwrap().fill(0);
    encoder.chains_mut().for_each(|chain| extreme_chain(chain, &mut random));
    decoder.id = decoder.canonical_id();
    encoder.decoder_id = decoder.id;
    reload(&decoder, &encoder)
}

/// Through the loader, which proves that the model is valid.
fn reload(decoder: &Decoder, encoder: &Encoder) -> Model {
    let decoder = Decoder::from_safetensors(&decoder.to_safetensors().unwrap()).unwrap();
    Model::new(decoder, Some(Encoder::from_safetensors(&encoder.to_safetensors().unwrap()).unwrap())).unwrap()
}

fn extreme_chain(chain: &mut Chain, random: &mut Random) {
    for stage in &mut chain.stages {
        match &mut stage.layer {
            Layer::Int8(layer) => extreme_pointwise(layer, random),
            Layer::Wide(layer) => extreme_wide(layer, random),
        }
        stage.blocks.iter_mut().for_each(|block| extreme_block(block, random));
    }
}

fn extreme_decoder(decoder: &mut Decoder, random: &mut Random) {
    decoder.chains_mut().for_each(|chain| extreme_chain(chain, random));
    for table in [&mut decoder.tables.gain_y, &mut decoder.tables.gain_y_dec, &mut decoder.tables.gain_z_dec] {
        table.gain.iter_mut().step_by(3).for_each(|gain| *gain = 32767);
        table.shift.iter_mut().enumerate().for_each(|(channel, shift)| *shift = (channel * 7 % 31) as u8);
    }
}

/// The largest bias that the proof permits beside weights of this reach.
fn largest_bias(reach: i64, shift: u8) -> i32 {
    let rounding = 1_i64 << shift.max(1) >> 1;
    (i64::from(i32::MAX) - reach - rounding) as i32
}

fn extreme_ends(reaches: impl Iterator<Item = i64>, bias: &mut [i32], shift: &mut [u8], random: &mut Random) {
    for (output, reach) in reaches.enumerate() {
        shift[output] = if output % 3 == 0 { (random.next() % 31) as u8 } else { shift[output] };
        let largest = largest_bias(reach, shift[output]);
        bias[output] = if output % 4 == 0 { largest * random.sign() } else { bias[output].clamp(-largest, largest) };
    }
}

fn extreme_codes(weight: &mut [i8], inputs: usize, random: &mut Random) -> Vec<i64> {
    for row in weight.chunks_mut(inputs).step_by(2) {
        let one_sign = random.next().is_multiple_of(2);
        row.iter_mut().for_each(|weight| *weight = (127 * if one_sign { -1 } else { random.sign() }) as i8);
    }
    weight.chunks(inputs).map(|row| row.iter().map(|&weight| i64::from(weight).abs() * 127).sum()).collect()
}

fn extreme_pointwise(layer: &mut Pointwise, random: &mut Random) {
    let reaches = extreme_codes(&mut layer.weight, layer.inputs, random);
    extreme_ends(reaches.into_iter(), &mut layer.bias, &mut layer.shift, random);
}

fn extreme_block(block: &mut Block, random: &mut Random) {
    for layer in [&mut block.pw1, &mut block.pw2, &mut block.ffn1, &mut block.ffn2] {
        extreme_pointwise(layer, random);
    }
    let reaches = extreme_codes(&mut block.dw.weight, 9, random);
    extreme_ends(reaches.into_iter(), &mut block.dw.bias, &mut block.dw.shift, random);
    block.pw1_read.iter_mut().step_by(5).for_each(|shift| *shift = (random.next() % 16) as u8);
}

/// As many weights of 2047 as the proof permits (31), then biases up to the limit.
fn extreme_wide(layer: &mut Wide, random: &mut Random) {
    for (output, row) in layer.weight.chunks_mut(layer.inputs).enumerate() {
        if output % 2 == 0 {
            row.fill(0);
            row.iter_mut().rev().take(31).for_each(|weight| *weight = (2047 * random.sign()) as i16);
        }
        let reach = row.iter().map(|&weight| i64::from(weight).abs() * 32768).sum();
        layer.shift[output] = if output % 3 == 0 { (random.next() % 25) as u8 } else { layer.shift[output].min(24) };
        let largest = largest_bias(reach, layer.shift[output]);
        layer.bias[output] = if output % 4 == 0 { largest * random.sign() } else { layer.bias[output].clamp(-largest, largest) };
    }
}

#[test]
fn engines_agree_on_extreme_models() {
    compare(extreme_model(&synthetic::tiny(), 21), &SMALL);
    let odd = Config { c: 36, m: 68, z: 12, p: 20, n_e: 1, n_d: 2, ..synthetic::tiny() };
    compare(extreme_model(&odd, 22), &SMALL[3..5]);
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let model = Arc::new(synthetic::model(&synthetic::tiny(), 17));
    let case = Case { width: 150, height: 210, fineness: 7000 };
    let on_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| stages(&Engine::with_band(Arc::clone(&model), Isa::detect(), 4096).unwrap(), case))
    };
    let one = on_threads(1);
    assert_eq!(difference(&one, &on_threads(2)), None);
    assert_eq!(difference(&one, &on_threads(7)), None);
}

/// Negative control: one weight bit in any network changes a stage of its own.
#[test]
fn one_weight_bit_is_noticed() {
    let case = Case { width: 80, height: 72, fineness: 9000 };
    let (decoder, encoder) = synthetic::pair(&synthetic::tiny(), 18);
    let noticed = |isa: Isa, edit: &dyn Fn(&mut Decoder, &mut Encoder)| {
        let (mut decoder, mut encoder) = (decoder.clone(), encoder.clone());
        let truth = stages(&engine(&Arc::new(reload(&decoder, &encoder)), Isa::Scalar), case);
        edit(&mut decoder, &mut encoder);
        decoder.id = decoder.canonical_id();
        encoder.decoder_id = decoder.id;
        difference(&truth, &stages(&engine(&Arc::new(reload(&decoder, &encoder)), isa), case))
    };
    for isa in contestants() {
        assert_eq!(noticed(isa, &|_, _| ()), None);
        let in_encoder = |tensor: &'static str| move |_: &mut Decoder, e: &mut Encoder| e.tensor(tensor).unwrap().flip(6);
        let in_decoder = |tensor: &'static str| move |d: &mut Decoder, _: &mut Encoder| d.tensor(tensor).unwrap().flip(6);
        assert_eq!(noticed(isa, &in_encoder("g_a.blocks.0.pw2.weight")), Some("analyse"));
        assert_eq!(noticed(isa, &in_encoder("h_a.mid.weight")), Some("hyper_analyse"));
        assert_eq!(noticed(isa, &in_decoder("h_s.block2.dw.weight")), Some("hyper"));
        assert_eq!(noticed(isa, &in_decoder("context.2.first.weight")), Some("code"));
        assert_eq!(noticed(isa, &in_decoder("g_s.last.weight")), Some("synthesise"));
    }
}
