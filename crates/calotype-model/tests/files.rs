//! Model files: round trips, the id, and each kind of broken file.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use calotype_model::{Config, Decoder, Encoder, Error, LARGEST_FINENESS, Model, QualityScale, synthetic};
use proptest::prelude::*;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

/// A model file taken apart, to be broken.
#[derive(Clone)]
struct Parts {
    metadata: HashMap<String, String>,
    tensors: BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>,
}

impl Parts {
    fn of(bytes: &[u8]) -> Parts {
        let (_, metadata) = SafeTensors::read_metadata(bytes).unwrap();
        let file = SafeTensors::deserialize(bytes).unwrap();
        let owned = |view: TensorView<'_>| (view.dtype(), view.shape().to_vec(), view.data().to_vec());
        Parts {
            metadata: metadata.metadata().clone().unwrap(),
            tensors: file.tensors().into_iter().map(|(name, view)| (name, owned(view))).collect(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let view = |(dtype, shape, bytes)| TensorView::new(dtype, shape, bytes).unwrap();
        let views = self.tensors.iter().map(|(name, (dtype, shape, bytes))| (name.clone(), view((*dtype, shape.clone(), bytes))));
        safetensors::serialize(views, Some(self.metadata.clone())).unwrap()
    }

    fn set(&mut self, name: &str, element: usize, value: &[u8]) {
        let bytes = &mut self.tensors.get_mut(name).unwrap().2;
        bytes[element * value.len()..][..value.len()].copy_from_slice(value);
    }

    fn fill(&mut self, name: &str, value: &[u8]) {
        let bytes = &mut self.tensors.get_mut(name).unwrap().2;
        bytes.chunks_exact_mut(value.len()).for_each(|element| element.copy_from_slice(value));
    }

    fn config(&mut self, from: &str, to: &str) {
        let config = self.metadata.get_mut("config").unwrap();
        assert!(config.contains(from), "{config}");
        *config = config.replace(from, to);
    }
}

static PAIR: LazyLock<(Decoder, Encoder)> = LazyLock::new(|| synthetic::pair(&synthetic::tiny(), 1));
static DECODER_FILE: LazyLock<Vec<u8>> = LazyLock::new(|| PAIR.0.to_safetensors().unwrap());
static ENCODER_FILE: LazyLock<Vec<u8>> = LazyLock::new(|| PAIR.1.to_safetensors().unwrap());

fn pair() -> (Decoder, Encoder) {
    PAIR.clone()
}

fn decoder_parts() -> Parts {
    Parts::of(&DECODER_FILE)
}

fn encoder_parts() -> Parts {
    Parts::of(&ENCODER_FILE)
}

/// The error of a decoder file after `edit`, which says `named`.
fn decoder_error(named: &str, edit: impl Fn(&mut Parts)) -> Error {
    let mut parts = decoder_parts();
    edit(&mut parts);
    named_error(named, Decoder::from_safetensors(&parts.bytes()).unwrap_err())
}

fn encoder_error(named: &str, edit: impl Fn(&mut Parts)) -> Error {
    let mut parts = encoder_parts();
    edit(&mut parts);
    named_error(named, Encoder::from_safetensors(&parts.bytes()).unwrap_err())
}

fn named_error(named: &str, error: Error) -> Error {
    assert!(error.to_string().contains(&format!("`{named}`")), "{error} does not name {named}");
    error
}

#[test]
fn files_come_back_as_they_went() {
    for seed in [1, 2] {
        let (decoder, encoder) = synthetic::pair(&synthetic::tiny(), seed);
        assert_eq!(Decoder::from_safetensors(&decoder.to_safetensors().unwrap()).as_ref(), Ok(&decoder));
        assert_eq!(Encoder::from_safetensors(&encoder.to_safetensors().unwrap()).as_ref(), Ok(&encoder));
    }
    assert_ne!(synthetic::pair(&synthetic::tiny(), 1), synthetic::pair(&synthetic::tiny(), 2));
}

/// The id is over the canonical serialisation, not over the file.
#[test]
fn the_order_of_the_file_does_not_matter() {
    let reordered = backwards(&decoder_parts());
    assert_ne!(reordered, *DECODER_FILE);
    assert_eq!(Decoder::from_safetensors(&reordered).as_ref(), Ok(&PAIR.0));
}

/// A safetensors file with its tensors in descending order of names.
fn backwards(parts: &Parts) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    header.insert("__metadata__".to_owned(), serde_json::json!(parts.metadata));
    let mut contents = Vec::new();
    for (name, (dtype, shape, bytes)) in parts.tensors.iter().rev() {
        let start = contents.len();
        contents.extend(bytes);
        header.insert(
            name.clone(),
            serde_json::json!({ "dtype": format!("{dtype:?}"), "shape": shape, "data_offsets": [start, contents.len()] }),
        );
    }
    let header = serde_json::Value::Object(header).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &contents].concat()
}

#[test]
fn the_real_size_is_valid_too() {
    let (decoder, encoder) = synthetic::pair(&synthetic::fast(), 3);
    assert!(Decoder::from_safetensors(&decoder.to_safetensors().unwrap()).is_ok());
    assert!(Encoder::from_safetensors(&encoder.to_safetensors().unwrap()).is_ok());
}

/// Frozen: it changes only when the canonical serialisation or the synthetic weights do.
#[test]
fn the_synthetic_id_is_the_same_on_every_machine() {
    assert_eq!(u64::from_be_bytes(pair().0.id), 0x3739c407ef510938);
}

#[test]
fn one_bit_changes_the_id() {
    let (decoder, _) = pair();
    let id = decoder.canonical_id();
    let changed = |edit: &dyn Fn(&mut Decoder)| {
        let mut other = decoder.clone();
        edit(&mut other);
        other.canonical_id() != id
    };
    for layer in ["g_s.blocks.1.dw.weight", "g_s.first.bias", "context.2.last.shift", "scale_head.weight"] {
        assert!(changed(&|d| d.tensor(layer).unwrap().flip(1)), "{layer}");
    }
    assert!(changed(&|d| d.g_s.stages[0].blocks[1].ffn2.bias[3] ^= 1));
    assert!(changed(&|d| d.h_s.as_mut().unwrap().stages[1].read.as_mut().unwrap()[2] ^= 1));
    assert!(changed(&|d| d.v_hat_read[0] ^= 1));
    assert!(changed(&|d| d.cdf[1] ^= 1));
    assert!(changed(&|d| d.g_s.stages[0].bias.as_mut().unwrap().rows[5] ^= 1));
    assert!(changed(&|d| d.config.skip_below += 1));
    assert!(changed(&|d| d.config.scale_lut_offset -= 1));
    assert!(!changed(&|d| d.name.push('x')), "the name is not part of the id");
    assert!(!changed(&|d| d.config.released = true), "a release keeps the id");
    assert!(!changed(&|d| d.config.n_e += 1), "n_e is the encoder's");
    assert!(!changed(&|_| ()), "negative control");
}

#[test]
fn an_id_that_does_not_fit_is_refused() {
    let error = Decoder::from_safetensors(&{
        let mut parts = decoder_parts();
        parts.metadata.insert("model_id".to_owned(), "0123456789abcdef".to_owned());
        parts.bytes()
    });
    let computed = format!("{:016x}", u64::from_be_bytes(pair().0.id));
    assert_eq!(error, Err(Error::Id { computed, claimed: "0123456789abcdef".to_owned() }));
    let flipped = {
        let mut parts = decoder_parts();
        parts.tensors.get_mut("g_s.first.bias").unwrap().2[0] ^= 1;
        parts.bytes()
    };
    assert!(matches!(Decoder::from_safetensors(&flipped), Err(Error::Id { .. })));
    for text in ["0123", "0123456789abcdeg", "+123456789abcdef", "0123456789abcdef0", "ä23456789abcdef"] {
        decoder_error("model_id", |parts| drop(parts.metadata.insert("model_id".to_owned(), text.to_owned())));
    }
}

#[test]
fn missing_and_surplus_tensors_are_named() {
    for name in decoder_parts().tensors.keys() {
        let error = decoder_error(name, |parts| drop(parts.tensors.remove(name)));
        assert_eq!(error, Error::MissingTensor { name: name.clone() });
    }
    for name in encoder_parts().tensors.keys() {
        let error = encoder_error(name, |parts| drop(parts.tensors.remove(name)));
        assert_eq!(error, Error::MissingTensor { name: name.clone() });
    }
    let surplus = |parts: &mut Parts| drop(parts.tensors.insert("g_s.blocks.2.pw1.bias".to_owned(), (Dtype::I8, vec![1], vec![0])));
    assert!(matches!(decoder_error("g_s.blocks.2.pw1.bias", surplus), Error::SurplusTensor { .. }));
    assert!(matches!(encoder_error("g_s.blocks.2.pw1.bias", surplus), Error::SurplusTensor { .. }));
}

#[test]
fn shapes_and_element_types_are_checked_for_every_tensor() {
    for name in decoder_parts().tensors.keys() {
        let grown = decoder_error(name, |parts| parts.tensors.get_mut(name).unwrap().1.push(1));
        assert!(matches!(grown, Error::Shape { .. } | Error::Length { .. } | Error::WidthCount { .. }), "{grown}");
        let retyped = decoder_error(name, |parts| {
            let (dtype, shape, bytes) = parts.tensors.get_mut(name).unwrap();
            *bytes = vec![0; shape.iter().product::<usize>() * 8];
            *dtype = Dtype::I64;
        });
        assert!(matches!(retyped, Error::ElementType { .. }), "{retyped}");
    }
    let transposed = encoder_error("h_a.first.weight", |parts| parts.tensors.get_mut("h_a.first.weight").unwrap().1.reverse());
    assert_eq!(transposed, Error::Shape { name: "h_a.first.weight".to_owned(), found: vec![24, 12], expected: vec![12, 24] });
}

fn range_error(error: Error) -> (usize, i64) {
    match error {
        Error::Range { index, value, .. } => (index, value),
        other => panic!("{other}"),
    }
}

#[test]
fn elements_outside_their_range_are_refused() {
    let minus_128 = [-128_i8 as u8];
    for name in ["h_s.first.weight", "context.1.block.dw.weight", "g_s.blocks.0.ffn2.weight", "scale_head.weight"] {
        assert_eq!(range_error(decoder_error(name, |parts| parts.set(name, 5, &minus_128))), (5, -128));
    }
    assert_eq!(range_error(encoder_error("h_a.block2.pw2.weight", |parts| parts.set("h_a.block2.pw2.weight", 0, &minus_128))), (0, -128));
    for value in [2048_i16, -2048, i16::MIN] {
        let set = |name: &'static str| move |parts: &mut Parts| parts.set(name, 7, &value.to_le_bytes());
        assert_eq!(range_error(decoder_error("g_s.last.weight", set("g_s.last.weight"))), (7, value.into()));
        assert_eq!(range_error(encoder_error("g_a.first.weight", set("g_a.first.weight"))), (7, value.into()));
    }
    for name in ["mean_head.shift", "g_s.first.shift", "h_s.block1.dw.shift", "gain.y_shift", "gain.y_dec_shift", "gain.z_dec_shift"] {
        assert_eq!(range_error(decoder_error(name, |parts| parts.set(name, 2, &[31]))), (2, 31));
    }
    for name in ["h.read_shift", "v_hat.read_shift", "h_s.mid.read_shift", "context.0.last.read_shift", "g_s.blocks.1.ffn1.read_shift"] {
        assert_eq!(range_error(decoder_error(name, |parts| parts.set(name, 0, &[16]))), (0, 16));
    }
    for name in ["h_a.first.read_shift", "h_a.mid.read_shift", "h_a.last.read_shift", "g_a.blocks.0.pw1.read_shift"] {
        assert_eq!(range_error(encoder_error(name, |parts| parts.set(name, 1, &[255]))), (1, 255));
    }
    for name in ["gain.y", "gain.y_dec", "gain.z_dec"] {
        assert_eq!(range_error(decoder_error(name, |parts| parts.set(name, 3, &(-1_i16).to_le_bytes()))), (3, -1));
    }
    assert_eq!(range_error(encoder_error("gain.z", |parts| parts.set("gain.z", 3, &(-1_i16).to_le_bytes()))), (3, -1));
    assert_eq!(range_error(encoder_error("gain.z_shift", |parts| parts.set("gain.z_shift", 3, &[31]))), (3, 31));
}

#[test]
fn tables_must_ascend() {
    let order = |name: &str, index| Error::Order { name: name.to_owned(), index };
    assert_eq!(range_error(decoder_error("width.y", |parts| parts.set("width.y", 3, &[0xff; 2]))), (3, -1));
    assert_eq!(range_error(decoder_error("width.y_dec", |parts| parts.set("width.y_dec", 48, &[0, 0x80]))), (48, -32768));
    let even = decoder_error("width.y", |parts| {
        let (_, shape, bytes) = parts.tensors.get_mut("width.y").unwrap();
        (*shape, *bytes) = (vec![48], vec![0; 96]);
    });
    assert_eq!(even, Error::WidthCount { found: 48 });
    let lut = decoder_error("scale_lut", |parts| parts.set("scale_lut", 300, &[0]));
    assert_eq!(lut, order("scale_lut", 300));
    assert_eq!(range_error(decoder_error("scale_lut", |parts| parts.set("scale_lut", 511, &[64]))), (511, 64));
    let (decoder, _) = pair();
    let second = 2 * usize::from(decoder.cdf_sizes[0]) + 2;
    let put = |index: usize, value: u16| move |parts: &mut Parts| parts.set("cdf", index, &value.to_le_bytes());
    assert_eq!(range_error(decoder_error("cdf", put(second, 1))), (second, 1), "each table starts at 0");
    assert_eq!(decoder_error("cdf", put(second + 1, 0)), order("cdf", second + 1), "a frequency of 0");
    assert_eq!(decoder_error("cdf", put(1, decoder.cdf[2])), order("cdf", 2), "equal neighbours");
    assert_eq!(range_error(decoder_error("cdf", put(second - 1, 0x8000))), (second - 1, 0x8000), "the escape needs room");
    let sizes = decoder_error("cdf", |parts| parts.set("cdf_sizes", 0, &2_u16.to_le_bytes()));
    assert!(matches!(sizes, Error::Shape { .. }));
}

fn overflow_at(error: Error) -> (usize, i64) {
    match error {
        Error::Overflow { output, bound, .. } => (output, bound),
        other => panic!("{other}"),
    }
}

/// Sets one output of a wide layer with 20 inputs so that its bound is exactly `bound`, shift 0.
fn wide_bound(bound: i64) -> impl Fn(&mut Parts) {
    move |parts| {
        let weights = 20 * 2047 * 32768;
        parts.set("g_s.last.shift", 4, &[0]);
        (80..100).for_each(|k| parts.set("g_s.last.weight", k, &(if k % 2 == 0 { 2047_i16 } else { -2047 }).to_le_bytes()));
        parts.set("g_s.last.bias", 4, &i32::try_from(-(bound - weights - 1)).unwrap().to_le_bytes());
    }
}

#[test]
fn accumulators_that_could_overflow_are_refused() {
    let far = encoder_error("g_a.first", |parts| parts.fill("g_a.first.weight", &(-2047_i16).to_le_bytes()));
    assert_eq!(overflow_at(far).0, 0);
    let bias = |value: i32| move |parts: &mut Parts| parts.set("context.2.block.pw1.bias", 9, &value.to_le_bytes());
    assert_eq!(overflow_at(decoder_error("context.2.block.pw1", bias(i32::MIN))).0, 9);
    assert_eq!(overflow_at(decoder_error("context.2.block.pw1", bias(i32::MAX))).0, 9);
    let dw = encoder_error("h_a.block1.dw", |parts| parts.set("h_a.block1.dw.bias", 2, &(i32::MAX - 100).to_le_bytes()));
    assert_eq!(overflow_at(dw).0, 2);
}

#[test]
fn the_proof_is_exact_at_its_edge() {
    let load = |bound: i64| {
        let mut parts = decoder_parts();
        wide_bound(bound)(&mut parts);
        Decoder::from_safetensors(&parts.bytes()).unwrap_err()
    };
    assert_eq!(overflow_at(load(1 << 31)), (4, 1 << 31));
    assert!(matches!(load((1 << 31) - 1), Error::Id { .. }), "all but the id is accepted");
}

#[test]
fn metadata_is_checked() {
    let set =
        |key: &'static str, value: &'static str| move |parts: &mut Parts| drop(parts.metadata.insert(key.to_owned(), value.to_owned()));
    for key in ["format", "part", "semantics", "name", "config", "model_id"] {
        let error = decoder_error(key, |parts| drop(parts.metadata.remove(key)));
        assert_eq!(error, Error::MissingMetadata { key });
    }
    assert!(matches!(decoder_error("format", set("format", "onnx")), Error::Metadata { .. }));
    assert!(matches!(decoder_error("part", set("part", "encoder")), Error::Metadata { .. }));
    assert!(matches!(encoder_error("part", set("part", "decoder")), Error::Metadata { .. }));
    let mut other_semantics = decoder_parts();
    set("semantics", "1")(&mut other_semantics);
    let error = Decoder::from_safetensors(&other_semantics.bytes());
    assert_eq!(error, Err(Error::Semantics { found: "1".to_owned(), known: 2 }));
    let (decoder, encoder) = pair();
    assert!(matches!(Decoder::from_safetensors(&encoder.to_safetensors().unwrap()), Err(Error::Metadata { key: "part", .. })));
    assert!(matches!(Encoder::from_safetensors(&decoder.to_safetensors().unwrap()), Err(Error::Metadata { key: "part", .. })));
}

#[test]
fn an_encoder_part_may_have_a_scale_of_quality() {
    let (decoder, encoder) = pair();
    let scale = QualityScale::new(vec![(0, 1000), (8064, 6000), (LARGEST_FINENESS, 8700)]).unwrap();
    let measured = Encoder { quality_scale: scale.clone(), ..encoder.clone() };
    let (with, without) = (measured.to_safetensors().unwrap(), encoder.to_safetensors().unwrap());
    assert_eq!(QualityScale::of_encoder(&with), Ok((decoder.id, scale)));
    assert_eq!(QualityScale::of_encoder(&without), Ok((decoder.id, QualityScale::default())));
    assert_eq!((Encoder::from_safetensors(&with), Encoder::from_safetensors(&without)), (Ok(measured.clone()), Ok(encoder)));
    assert!(Model::new(decoder, Some(measured)).is_ok(), "the scale is the encoder's own");
    let error = encoder_error("quality_scale", |parts| drop(parts.metadata.insert("quality_scale".to_owned(), "[[0, 10]]".to_owned())));
    assert!(matches!(error, Error::Metadata { key: "quality_scale", .. }), "{error}");
}

#[test]
fn config_is_checked() {
    let cases = [
        ("\"C\":20", "\"C\":22", "C"),
        ("\"C\":20", "\"C\":0", "C"),
        ("\"M\":24", "\"M\":-4", "M"),
        ("\"M\":24", "\"M\":\"24\"", "M"),
        ("\"Z\":8", "\"Z\":8.5", "Z"),
        ("\"P\":12", "\"P\":1000000", "P"),
        ("\"P\":12,", "", "P"),
        ("\"n_d\":2", "\"n_d\":18446744073709551615", "n_d"),
        ("\"n_e\":1", "\"n_e\":65", "n_e"),
        ("\"skip_below\":6", "\"skip_below\":256", "skip_below"),
        ("\"scale_lut_offset\":600", "\"scale_lut_offset\":2147483647", "scale_lut_offset"),
        ("\"released\":0", "\"released\":2", "released"),
        ("\"released\":0", "\"released\":0,\"K\":1", "K"),
    ];
    for (from, to, key) in cases {
        assert!(matches!(decoder_error(key, |parts| parts.config(from, to)), Error::Config { .. }), "{to}");
        assert!(matches!(encoder_error(key, |parts| parts.config(from, to)), Error::Config { .. }), "{to}");
    }
    for text in ["", "[]", "{", "7"] {
        decoder_error("config", |parts| drop(parts.metadata.insert("config".to_owned(), text.to_owned())));
    }
}

#[test]
fn parts_of_different_models_do_not_pair() {
    let (decoder, encoder) = pair();
    let (_, stranger) = synthetic::pair(&synthetic::tiny(), 2);
    assert!(matches!(Model::new(decoder.clone(), Some(stranger)), Err(Error::Pair { .. })));
    let mut smaller = encoder.clone();
    smaller.config.m = 20;
    assert!(matches!(Model::new(decoder.clone(), Some(smaller)), Err(Error::PairConfig { .. })));
    let mut deeper = encoder.clone();
    deeper.config = Config { n_e: 3, ..encoder.config.clone() };
    assert!(Model::new(decoder.clone(), Some(deeper)).is_ok(), "n_e is the encoder's own");
    assert!(Model::new(decoder.clone(), Some(encoder)).is_ok());
    assert!(Model::new(decoder, None).unwrap().encoder().is_none());
}

#[test]
fn quality_interpolates_between_rows() {
    let (mut decoder, encoder) = pair();
    let row = |table: &[i16], row: usize| table[row * 24..][..24].to_vec();
    assert_eq!(decoder.quality(0).gain_y, row(&decoder.tables.gain_y.gain, 0));
    assert_eq!(decoder.quality(5 << 8).log_gain_y, row(&decoder.tables.log_gain_y, 5));
    assert_eq!(decoder.quality(LARGEST_FINENESS).gain_y_dec, row(&decoder.tables.gain_y_dec.gain, 63));
    assert_eq!(decoder.quality(u16::MAX), decoder.quality(LARGEST_FINENESS));
    let table = decoder.g_s.stages[0].bias.as_mut().unwrap();
    table.rows[20..60].fill(0);
    (table.rows[20], table.rows[40]) = (-1000, 32767);
    (table.rows[21], table.rows[41]) = (0, -1);
    let bias = |q| table.at(q)[..2].to_vec();
    // (-1000 * 255 + 32767 + 128) >> 8 = -222105 >> 8 = -868; (-1 + 128) >> 8 = 0
    assert_eq!(bias(256 + 1), [-868, 0]);
    // (-1000 + 32767 * 255 + 128) >> 8 = 8354713 >> 8 = 32635; (-255 + 128) >> 8 = -1
    assert_eq!(bias(256 + 255), [32635, -1]);
    assert_eq!(encoder.gain_z(0), encoder.gain_z.gain[..8]);
}

#[test]
fn the_scale_index_clamps_at_both_ends() {
    let (mut decoder, _) = pair();
    decoder.config.scale_lut_offset = 600;
    decoder.scale_lut = (0..512).map(|entry| (entry / 8) as u8).collect();
    // (s + 600) >> 3, then / 8
    let index = |s| decoder.scale_index(s);
    assert_eq!([index(-70_000), index(-601), index(-600), index(-537), index(-536), index(0)], [0, 0, 0, 0, 1, 9]);
    assert_eq!([index(3495), index(3496), index(3497), index(70_000)], [63, 63, 63, 63]);
    let z = decoder.quality(32 << 8).scale_index_z;
    assert_eq!(z, vec![((412 + 600) >> 6) as u8; 8]);
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(Decoder::from_safetensors(&bytes).is_err());
        prop_assert!(Encoder::from_safetensors(&bytes).is_err());
    }

    #[test]
    fn arbitrary_headers_do_not_panic(header in "[\\[\\]{}:,\"a-z0-9 .-]{0,200}") {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.bytes());
        prop_assert!(Decoder::from_safetensors(&bytes).is_err());
    }

    #[test]
    fn damaged_and_truncated_files_do_not_panic(seed in any::<u64>(), length in any::<prop::sample::Index>()) {
        for (mut bytes, is_decoder) in [(DECODER_FILE.clone(), true), (ENCODER_FILE.clone(), false)] {
            let header = u64::from_le_bytes(bytes[..8].try_into().unwrap());
            let place = (seed % (header + 8)) as usize;
            bytes[place] ^= 1 << (seed >> 32 & 7);
            let truncated = &bytes[..length.index(bytes.len())];
            if is_decoder {
                let _ = Decoder::from_safetensors(&bytes);
                prop_assert!(Decoder::from_safetensors(truncated).is_err());
            } else {
                let _ = Encoder::from_safetensors(&bytes);
                prop_assert!(Encoder::from_safetensors(truncated).is_err());
            }
        }
    }
}
