//! Networks of other forms than the first, each a file of `tests/networks`, through all that the library does with a file.

use calotype::{Codec, DecodeOptions, Decoder, EncodeOptions, Error, Image, Isa, Malformation, Quality, Region, RgbImage, Usage};
use calotype_model::synthetic;

const WIDTH: u32 = 150;
const HEIGHT: u32 = 131;

fn codecs() -> Vec<(String, Codec)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/networks");
    let codec = |file: std::path::PathBuf| {
        let (decoder, encoder) = synthetic::network(&std::fs::read_to_string(&file).unwrap(), 5).unwrap();
        let (decoder, encoder) = (decoder.to_safetensors().unwrap(), encoder.to_safetensors().unwrap());
        (file.display().to_string(), Codec::from_parts(&decoder, Some(&encoder), Some(Isa::detect())).unwrap())
    };
    let codecs: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| codec(file.unwrap().path())).collect();
    assert!(codecs.len() >= 9);
    codecs
}

/// The rows and columns of a region of a picture.
fn cut(image: &Image, region: Region) -> Vec<u8> {
    let rows = image.rgb.chunks_exact(3 * image.width as usize).skip(region.y as usize).take(region.height as usize);
    rows.flat_map(|row| &row[3 * region.x as usize..][..3 * region.width as usize]).copied().collect()
}

#[test]
fn files_of_other_networks_are_written_read_and_looked_into() {
    let rgb: Vec<u8> = (0..WIDTH * HEIGHT * 3).map(|i| (i / 3 % WIDTH * 2 + i / 450 + i % 3 * 50) as u8).collect();
    for (name, codec) in codecs() {
        let options = EncodeOptions { quality: Quality::new(60.0).unwrap(), tile_log2: 7, ..EncodeOptions::default() };
        let encoded = codec.encode(&RgbImage::new(WIDTH, HEIGHT, &rgb).unwrap(), &options).unwrap();
        let whole = Decoder::new(&encoded.bytes, &DecodeOptions::default()).unwrap();
        let image = whole.decode(&codec).unwrap();
        let region = Region { x: 40, y: 70, width: 61, height: 33 };
        assert_eq!(whole.decode_region(&codec, region).unwrap().rgb, cut(&image, region), "{name}");
        assert_eq!(whole.coarse(&codec).unwrap().width, WIDTH.div_ceil(codec.model().stride as u32), "{name}");
        let inside = whole.inside(&codec).unwrap();
        let bits = 8.0 * encoded.bytes.len() as f64;
        assert!(
            inside.y_bits > 0.5 * bits && inside.y_bits + inside.z_bits < bits,
            "{name}: {} and {} of {bits}",
            inside.y_bits,
            inside.z_bits
        );
        assert_eq!(inside.z_bits == 0.0, name.contains("factorised"), "{name}: {}", inside.z_bits);
        for share in [2, 3] {
            let part = &encoded.bytes[..encoded.bytes.len() / share * (share - 1)];
            let begun = Decoder::partial(part, &DecodeOptions::default()).unwrap().decode(&codec).unwrap();
            assert!(begun.rgb != image.rgb && begun.rgb.len() == image.rgb.len(), "{name}: a beginning shows less");
        }
    }
}

#[test]
fn tiles_that_hold_no_hyper_latent_are_refused() {
    let codecs = codecs();
    let codec = |stride| codecs.iter().map(|(_, codec)| codec).find(|codec| codec.model().stride == stride).unwrap();
    let rgb = [9; 3 * 200 * 100];
    let encode = |stride, tile_log2| {
        let options = EncodeOptions { tile_log2, ..EncodeOptions::default() };
        codec(stride).encode(&RgbImage::new(200, 100, &rgb).unwrap(), &options)
    };
    assert!(matches!(encode(32, 6), Err(Error::Usage(Usage::Tile(6)))));
    assert!(encode(32, 7).is_ok() && encode(16, 6).is_ok() && encode(8, 6).is_ok());
    let encoded = encode(32, 7).unwrap();
    let file = calotype_format::File::parse(&encoded.bytes, u64::MAX).unwrap();
    let header = calotype_format::Header { tile_log2: 6, ..file.header };
    let tiles: Vec<_> = header.tiles().map(|_| calotype_format::TileStreams { z: Vec::new(), y: Default::default() }).collect();
    let small = calotype_format::write(&header, &[], &tiles).unwrap();
    let refused = Decoder::new(&small, &DecodeOptions::default()).unwrap().decode(codec(32));
    assert!(matches!(refused, Err(Error::Malformed { offset: 26, what: Malformation::Tile(6) })), "{refused:?}");
}
