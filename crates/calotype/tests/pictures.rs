//! Pictures of every kind come back: channels, depth, exact alpha, metadata.

use calotype::{
    Channels, Codec, DecodeOptions, Decoder, EncodeOptions, Error, Isa, Malformation, Metadata, Picture, Quality, RgbImage, Samples, Usage,
};
use calotype_format::{File, Section, TileStreams};
use calotype_model::synthetic;

const WIDTH: u32 = 101;
const HEIGHT: u32 = 70;
const KINDS: [Channels; 4] = [Channels::Grey, Channels::GreyAlpha, Channels::Rgb, Channels::Rgba];

fn codec() -> Codec {
    let (decoder, encoder) = synthetic::pair(&synthetic::tiny(), 7);
    Codec::from_parts(&decoder.to_safetensors().unwrap(), Some(&encoder.to_safetensors().unwrap()), Some(Isa::detect())).unwrap()
}

/// Smooth colours; alpha from 0 to the largest.
fn picture(channels: Channels, depth: u8) -> Picture {
    let pixels = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
    let sample = |(x, y): (u32, u32), c: usize| match c + 1 == channels.count() && channels.has_alpha() {
        true => ((x * 1300).saturating_sub(y * 700)).min(65_535) as u16,
        false => (x * 300 + y * 200 + c as u32 * 5000) as u16,
    };
    let samples: Vec<u16> = pixels.flat_map(|at| (0..channels.count()).map(move |c| sample(at, c))).collect();
    let samples = if depth == 16 { Samples::U16(samples) } else { Samples::U8(samples.iter().map(|s| (s >> 8) as u8).collect()) };
    Picture::new(WIDTH, HEIGHT, channels, samples).unwrap()
}

fn metadata() -> Metadata {
    Metadata { icc: Some(b"a profile".to_vec()), cicp: Some([9, 16, 0, 1]), exif: Some(b"II*\0".to_vec()), xmp: Some(b"<x/>".to_vec()) }
}

fn options(tile_log2: u8) -> EncodeOptions {
    EncodeOptions { quality: Quality::new(70.0).unwrap(), tile_log2, ..EncodeOptions::default() }
}

fn encoded(codec: &Codec, picture: &Picture, metadata: &Metadata, tile_log2: u8) -> Vec<u8> {
    codec.encode_picture(picture, metadata, &options(tile_log2)).unwrap().bytes
}

/// The last channel.
fn last_channel(picture: &Picture) -> Vec<u16> {
    let count = picture.channels().count();
    match picture.samples() {
        Samples::U8(samples) => samples.iter().skip(count - 1).step_by(count).map(|&sample| sample.into()).collect(),
        Samples::U16(samples) => samples.iter().skip(count - 1).step_by(count).copied().collect(),
    }
}

#[test]
fn every_kind_comes_back() {
    let codec = codec();
    for (channels, depth, tile_log2) in KINDS.iter().flat_map(|kind| [(*kind, 8, 6), (*kind, 8, 10), (*kind, 16, 6), (*kind, 16, 10)]) {
        let original = picture(channels, depth);
        let bytes = encoded(&codec, &original, &metadata(), tile_log2);
        let decoder = Decoder::new(&bytes, &DecodeOptions::default()).unwrap();
        let (back, info) = (decoder.picture(&codec).unwrap(), decoder.info());
        assert_eq!((back.width(), back.height(), back.channels(), back.depth()), (WIDTH, HEIGHT, channels, depth));
        assert_eq!((info.grey, info.alpha, info.depth), (channels.is_grey(), channels.has_alpha(), depth));
        assert_eq!(decoder.metadata().unwrap(), metadata());
        assert_eq!(last_channel(&back) == last_channel(&original), channels.has_alpha(), "{channels:?}: alpha alone is exact");
        let rgb = decoder.decode(&codec).unwrap().rgb;
        let furthest = back.rgb8().iter().zip(&rgb).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(furthest <= Some(u8::from(depth == 16)), "{channels:?} {depth}: two roundings differ by one at most");
        if channels.is_grey() {
            assert!(rgb.as_chunks::<3>().0.iter().all(|[r, g, b]| r == g && g == b));
        }
    }
}

#[test]
fn sixteen_bits_are_finer_than_eight() {
    let codec = codec();
    let picture = picture(Channels::Rgb, 16);
    let bytes = encoded(&codec, &picture, &Metadata::default(), 10);
    let back = Decoder::new(&bytes, &DecodeOptions::default()).unwrap().picture(&codec).unwrap();
    let Samples::U16(samples) = back.samples() else { panic!("8 bits") };
    assert!(samples.iter().any(|sample| sample % 257 != 0));
}

#[test]
fn a_plain_picture_is_the_file_it_was() {
    let codec = codec();
    let picture = picture(Channels::Rgb, 8);
    let image = RgbImage::new(WIDTH, HEIGHT, &picture.rgb8()).unwrap().rgb().to_vec();
    let plain = codec.encode(&RgbImage::new(WIDTH, HEIGHT, &image).unwrap(), &options(10)).unwrap().bytes;
    assert_eq!(encoded(&codec, &picture, &Metadata::default(), 10), plain);
}

#[test]
fn colours_that_nobody_sees_do_not_matter() {
    let codec = codec();
    let file = |hidden: u8, alpha: u8| {
        let pixels = (0..WIDTH * HEIGHT).map(|i| (i % WIDTH < 32, i as u8));
        let rgba = pixels.flat_map(|(left, i)| if left { [i, i ^ hidden, hidden, alpha] } else { [100, 110, i, 255] });
        let picture = Picture::new(WIDTH, HEIGHT, Channels::Rgba, Samples::U8(rgba.collect())).unwrap();
        encoded(&codec, &picture, &Metadata::default(), 10)
    };
    assert_eq!(file(0, 0), file(99, 0));
    assert_ne!(file(0, 1), file(99, 1));
}

/// The file with other sections.
fn with_sections(bytes: &[u8], change: impl Fn(&mut Vec<Section>)) -> Vec<u8> {
    let file = File::parse(bytes, u64::MAX).unwrap();
    let mut sections = file.sections.iter().map(|section| Section { tag: section.tag, bytes: section.bytes.to_vec() }).collect();
    change(&mut sections);
    let tiles: Vec<TileStreams> = file.tiles.iter().map(|tile| TileStreams { z: tile.z.to_vec(), y: tile.y.map(<[u8]>::to_vec) }).collect();
    calotype_format::write(&file.header, &sections, &tiles).unwrap()
}

#[test]
fn damaged_sections_are_malformed() {
    let codec = codec();
    let bytes = encoded(&codec, &picture(Channels::Rgba, 8), &metadata(), 6);
    let picture = |bytes: &[u8]| Decoder::new(bytes, &DecodeOptions::default()).unwrap().picture(&codec).map(|_| ());
    assert!(picture(&with_sections(&bytes, |_| ())).is_ok());
    let short = with_sections(&bytes, |sections| sections[0].bytes.truncate(40));
    assert!(matches!(picture(&short), Err(Error::Malformed { what: Malformation::Container(_), .. })));
    let damaged = with_sections(&bytes, |sections| *sections[0].bytes.last_mut().unwrap() ^= 1);
    assert!(matches!(picture(&damaged), Err(Error::Malformed { what: Malformation::Alpha(_), offset }) if offset < bytes.len() as u64));
    let cicp = with_sections(&bytes, |sections| sections.iter_mut().for_each(|section| section.bytes.truncate(3)));
    let decoder = Decoder::new(&cicp, &DecodeOptions::default()).unwrap();
    assert!(matches!(decoder.metadata(), Err(Error::Malformed { what: Malformation::Container(_), .. })));
}

#[test]
fn sections_that_cannot_be_are_usage() {
    assert!(matches!(Picture::new(2, 2, Channels::Rgba, Samples::U8(vec![0; 15])), Err(Error::Usage(Usage::PictureSize { .. }))));
}
