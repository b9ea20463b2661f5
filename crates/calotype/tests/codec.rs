//! The codec over small synthetic models: round trips, hostile streams, engines, models that do not fit.

use calotype::{
    Codec, DecodeOptions, Decoder, EncodeOptions, Error, Image, Isa, Malformation, Quality, Region, RgbImage, Unsupported, Usage,
};
use calotype_format::{File, Header, TileRef, TileStreams};
use calotype_model::{Layer, synthetic};

const WIDTH: u32 = 150;
const HEIGHT: u32 = 100;

/// The two files of a small model, the decoder's changed by `change`.
fn parts(change: fn(&mut calotype_model::Decoder)) -> (Vec<u8>, Vec<u8>) {
    let (mut decoder, mut encoder) = synthetic::pair(&synthetic::tiny(), 7);
    change(&mut decoder);
    decoder.id = decoder.canonical_id();
    encoder.decoder_id = decoder.id;
    (decoder.to_safetensors().unwrap(), encoder.to_safetensors().unwrap())
}

fn codec(isa: Isa) -> Codec {
    let (decoder, encoder) = parts(|_| {});
    Codec::from_parts(&decoder, Some(&encoder), Some(isa)).unwrap()
}

fn rgb() -> Vec<u8> {
    (0..WIDTH * HEIGHT * 3).map(|i| (i * 7 / 5 + i / 450 * 3 + i % 11) as u8).collect()
}

fn encoded(codec: &Codec, tile_log2: u8) -> Vec<u8> {
    let options = EncodeOptions { quality: Quality::new(70.0).unwrap(), tile_log2, ..EncodeOptions::default() };
    codec.encode(&RgbImage::new(WIDTH, HEIGHT, &rgb()).unwrap(), &options).unwrap().bytes
}

fn decode(bytes: &[u8], codec: &Codec) -> Result<Image, Error> {
    Decoder::new(bytes, &DecodeOptions::default())?.decode(codec)
}

/// The file with another header and other streams, checksums made anew.
fn rewritten(bytes: &[u8], change: impl Fn(&mut Header, &mut [TileStreams])) -> Vec<u8> {
    let file = File::parse(bytes, u64::MAX).unwrap();
    let mut header = file.header;
    let streams = |tile: &TileRef<'_>| TileStreams { z: tile.z.to_vec(), y: tile.y.map(<[u8]>::to_vec) };
    let mut tiles: Vec<TileStreams> = file.tiles.iter().map(streams).collect();
    change(&mut header, &mut tiles);
    calotype_format::write(&header, &[], &tiles).unwrap()
}

#[test]
fn engines_agree_on_files_and_pixels() {
    let scalar = codec(Isa::Scalar);
    for tile_log2 in [6, 10] {
        let bytes = encoded(&scalar, tile_log2);
        let pixels = decode(&bytes, &scalar).unwrap();
        for isa in Isa::available() {
            let fast = codec(isa);
            assert_eq!(encoded(&fast, tile_log2), bytes, "{isa}");
            assert_eq!(decode(&bytes, &fast).unwrap(), pixels, "{isa}");
        }
    }
}

#[test]
fn one_changed_weight_is_noticed() {
    let honest = codec(Isa::detect());
    let bytes = encoded(&honest, 10);
    let (decoder, encoder) = parts(|decoder| {
        let Layer::Wide(last) = &mut decoder.g_s.stages[1].layer else { panic!("g_s ends with a wide layer") };
        let weight = last.weight.iter_mut().max_by_key(|weight| weight.abs()).unwrap();
        *weight ^= 1 << 6;
    });
    let altered = Codec::from_parts(&decoder, Some(&encoder), None).unwrap();
    assert!(matches!(decode(&bytes, &altered), Err(Error::Unsupported(Unsupported::Model { .. }))));
    let forged = rewritten(&bytes, |header, _| header.model_id = altered.model_id().0);
    assert_ne!(decode(&forged, &altered).unwrap(), decode(&bytes, &honest).unwrap());
}

#[test]
fn facts_come_before_pixels() {
    let codec = codec(Isa::detect());
    let bytes = encoded(&codec, 6);
    let info = Decoder::new(&bytes, &DecodeOptions::default()).unwrap().info();
    assert_eq!((info.width, info.height, info.tiles, info.bytes), (WIDTH, HEIGHT, 6, bytes.len()));
    assert_eq!(info.fineness, 11290, "70 % of 16128: the model has no scale");
    assert_eq!(info.quality().unwrap(), None, "nor is it in the program");
    assert!(info.development);
}

#[test]
fn every_cut_and_every_flipped_bit_is_an_error() {
    let codec = codec(Isa::detect());
    let bytes = encoded(&codec, 10);
    for length in 0..bytes.len() {
        assert!(decode(&bytes[..length], &codec).is_err(), "cut at {length}");
    }
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(decode(&flipped, &codec).is_err(), "bit {bit}");
    }
}

#[test]
fn streams_of_any_bytes_are_decoded_or_refused() {
    let codec = codec(Isa::detect());
    let bytes = encoded(&codec, 6);
    let mut state = 1841_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    for _ in 0..300 {
        let (tile, place, value) = (random(), random(), random() as u8);
        let forged = rewritten(&bytes, |_, tiles| {
            let tile = &mut tiles[tile % 6];
            let stream = if value & 1 == 0 { &mut tile.z } else { &mut tile.y[usize::from(value) % 4] };
            let place = place % stream.len().max(1);
            stream.get_mut(place).into_iter().for_each(|byte| *byte ^= value | 1);
        });
        match decode(&forged, &codec) {
            Ok(image) => assert_eq!(image.rgb.len(), (WIDTH * HEIGHT * 3) as usize),
            Err(Error::Malformed { offset, what: Malformation::Stream(_) }) => assert!(offset <= forged.len() as u64),
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn a_damaged_stream_is_located() {
    let codec = codec(Isa::detect());
    let bytes = encoded(&codec, 10);
    let z_bytes = File::parse(&bytes, u64::MAX).unwrap().tiles[0].z.len();
    let forged = rewritten(&bytes, |_, tiles| tiles[0].y[0].clear());
    let Err(Error::Malformed { offset, .. }) = decode(&forged, &codec) else { panic!("not malformed") };
    assert_eq!(offset, (44 + z_bytes) as u64);
}

#[test]
fn limits_hold_before_anything_is_read() {
    let bytes = encoded(&codec(Isa::detect()), 10);
    // Sides count as multiples of 64.
    let giant = |max_pixels| Decoder::new(&bytes, &DecodeOptions { max_pixels, ..DecodeOptions::default() }).err();
    assert!(matches!(giant(24_575), Some(Error::Limits { width: WIDTH, height: HEIGHT, max_pixels: 24_575 })));
    assert!(giant(24_576).is_none());
}

/// Of bands, of a region, of a whole picture; a file may promise more than there is.
#[test]
fn memory_is_limited_before_it_is_taken() {
    let codec = codec(Isa::detect());
    let bytes = encoded(&codec, 6);
    let decoder = |max_memory| Decoder::new(&bytes, &DecodeOptions { max_memory, ..DecodeOptions::default() }).unwrap();
    let needed = |result: Result<Image, Error>| match result {
        Err(Error::Memory { needed, limit: 1000 }) => needed,
        other => panic!("{other:?}"),
    };
    let whole = needed(decoder(1000).decode(&codec));
    assert!(decoder(whole).decode(&codec).is_ok() && decoder(whole - 1).decode(&codec).is_err());
    let corner = Region { x: 0, y: 0, width: 1, height: 1 };
    let part = needed(decoder(1000).decode_region(&codec, corner));
    assert!(part < whole && decoder(part).decode_region(&codec, corner).is_ok());
    assert!(matches!(decoder(part).bands(&codec, decoder(part).whole()).err(), Some(Error::Memory { .. })));
    let giant = rewritten(&encoded(&codec, 10), |header, _| (header.width, header.height, header.tile_log2) = (30_000, 30_000, 15));
    let refused = Decoder::new(&giant, &DecodeOptions::default()).unwrap().decode(&codec);
    assert!(matches!(refused, Err(Error::Memory { needed: 9_900_000_000.., .. })));
}

#[test]
fn callers_mistakes_are_usage() {
    let (decoder, _) = parts(|_| {});
    let decode_only = Codec::from_parts(&decoder, None, None).unwrap();
    let pixels = rgb();
    let image = RgbImage::new(WIDTH, HEIGHT, &pixels).unwrap();
    let refused = decode_only.encode(&image, &EncodeOptions::default());
    assert!(matches!(refused, Err(Error::Usage(Usage::NoEncoder))));
    let options = EncodeOptions { tile_log2: 17, ..EncodeOptions::default() };
    assert!(matches!(codec(Isa::detect()).encode(&image, &options), Err(Error::Usage(Usage::Container(_)))));
}

#[test]
fn statistics_are_counted_on_request_only() {
    let codec = codec(Isa::detect());
    let pixels = rgb();
    let image = RgbImage::new(WIDTH, HEIGHT, &pixels).unwrap();
    let plain = codec.encode(&image, &EncodeOptions::default()).unwrap();
    let counted = codec.encode(&image, &EncodeOptions { statistics: true, ..EncodeOptions::default() }).unwrap();
    assert_eq!((plain.bytes, plain.cross_entropy_bits), (counted.bytes.clone(), None));
    assert!(counted.cross_entropy_bits.is_some_and(|bits| bits > 0.0));
}

/// Files that no Rust code wrote: `python -m calotype_training.golden` coded them, and decoded them with NumPy.
#[test]
fn the_golden_files_decode_to_the_pixels_of_the_reference_decoder() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden");
    let read = |name: &str| std::fs::read(format!("{golden}/{name}")).unwrap();
    for (name, size) in [("tiny", (97, 70)), ("folded", (7, 800))] {
        let (file, ppm) = (read(&format!("{name}.calo")), read(&format!("{name}.ppm")));
        for isa in Isa::available() {
            let codec = Codec::from_parts(&read("tiny.decoder.safetensors"), None, Some(isa)).unwrap();
            let image = decode(&file, &codec).unwrap();
            assert_eq!((image.width, image.height), size);
            assert!(ppm.ends_with(&image.rgb) && ppm.len() - image.rgb.len() < 20, "{name}, {isa}: other pixels than NumPy's");
        }
    }
}
