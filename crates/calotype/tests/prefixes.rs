//! What the first bytes of a file show: something at every byte after the index, the better the more there are, in the end the picture.

use calotype::{
    Channels, Codec, DecodeOptions, Decoder, EncodeOptions, Error, Image, Incremental, Isa, Malformation, Picture, Quality, RgbImage,
    Samples,
};
use calotype_model::synthetic;

const WIDTH: u32 = 150;
const HEIGHT: u32 = 100;

fn tiny() -> Codec {
    let (decoder, encoder) = synthetic::pair(&synthetic::tiny(), 7);
    Codec::from_parts(&decoder.to_safetensors().unwrap(), Some(&encoder.to_safetensors().unwrap()), Some(Isa::detect())).unwrap()
}

fn rgb() -> Vec<u8> {
    waves(1.0)
}

/// `slower` times as long as 107 x 57 pixels.
fn waves(slower: f64) -> Vec<u8> {
    let wave = |i: u32| (f64::from(i % WIDTH) / 17.0 + f64::from(i / WIDTH) / 9.0) / slower;
    (0..WIDTH * HEIGHT).flat_map(|i| [0.0, 1.0, 2.0].map(|c| (128.0 + 90.0 * (wave(i) + c).sin()) as u8)).collect()
}

fn encode(codec: &Codec, tile_log2: u8, percent: f64) -> Vec<u8> {
    encode_picture(codec, &rgb(), tile_log2, percent)
}

fn encode_picture(codec: &Codec, rgb: &[u8], tile_log2: u8, percent: f64) -> Vec<u8> {
    let options = EncodeOptions { tile_log2, quality: Quality::new(percent).unwrap(), ..EncodeOptions::default() };
    codec.encode(&RgbImage::new(WIDTH, HEIGHT, rgb).unwrap(), &options).unwrap().bytes
}

fn whole(codec: &Codec, bytes: &[u8]) -> Result<Image, Error> {
    Decoder::new(bytes, &DecodeOptions::default())?.decode(codec)
}

fn partial(codec: &Codec, bytes: &[u8]) -> Result<Image, Error> {
    Decoder::partial(bytes, &DecodeOptions::default())?.decode(codec)
}

fn square_error(image: &Image) -> u64 {
    image.rgb.iter().zip(rgb()).map(|(a, b)| u64::from(a.abs_diff(b)).pow(2)).sum()
}

/// At every byte: refused while the index is not there, else a picture; the whole one only from the whole file.
#[test]
fn every_prefix_is_refused_or_shown() {
    let codec = tiny();
    for (tile_log2, before) in [(7, 28 + 2 * 40 + 4), (10, 44)] {
        let file = encode(&codec, tile_log2, 70.0);
        for length in 0..file.len() {
            assert!(whole(&codec, &file[..length]).is_err(), "{length}");
            match partial(&codec, &file[..length]) {
                Ok(image) => assert!(length >= before && image.rgb.len() == rgb().len(), "{length}"),
                Err(error) => assert!(length < before, "{length}: {error}"),
            }
        }
        assert_eq!(partial(&codec, &file).unwrap(), whole(&codec, &file).unwrap());
        assert!(partial(&codec, &[&file[..], &[0]].concat()).is_err());
    }
}

#[test]
fn bytes_may_come_in_any_pieces() {
    let codec = tiny();
    let file = encode(&codec, 6, 70.0);
    let picture = whole(&codec, &file).unwrap();
    for length in [1, 7, 100, file.len()] {
        let mut incremental = Incremental::new(DecodeOptions::default());
        for (i, piece) in file.chunks(length).enumerate() {
            assert!(!incremental.is_complete());
            incremental.push(piece).unwrap();
            let come = &file[..file.len().min((i + 1) * length)];
            let shown = incremental.decoder().unwrap().map(|decoder| decoder.decode(&codec).unwrap());
            assert_eq!(shown, partial(&codec, come).ok());
        }
        assert!(incremental.is_complete());
        assert_eq!(incremental.decoder().unwrap().unwrap().decode(&codec).unwrap(), picture);
        assert!(incremental.push(b"more").is_err());
    }
}

/// A file in many pieces, a picture after each: the symbols of one decoding and a few more; none are kept where there is no room.
#[test]
fn pieces_take_the_entropy_decoding_of_one_picture() {
    let codec = Codec::new(None).unwrap();
    for tile_log2 in [7, 10] {
        let file = encode(&codec, tile_log2, 90.0);
        let taken = |pieces: usize, max_memory| {
            let mut incremental = Incremental::new(DecodeOptions { max_memory, ..DecodeOptions::default() });
            for piece in file.chunks(file.len().div_ceil(pieces)) {
                incremental.push(piece).unwrap();
                let decoder = incremental.decoder().unwrap();
                let shown = decoder.map(|decoder| decoder.decode(&codec).unwrap());
                assert!(!incremental.is_complete() || shown == whole(&codec, &file).ok());
            }
            incremental.decoded_symbols()
        };
        let (one, many) = (taken(1, u64::MAX), taken(12, u64::MAX));
        println!("{} bytes: {one} symbols at once, {many} in 12 pieces", file.len());
        assert!(one > 5_000 && many < one * 3 / 2, "{many} of {one}");
        let refused = Decoder::new(&file, &DecodeOptions { max_memory: 1, ..DecodeOptions::default() }).unwrap().decode(&codec);
        let Err(Error::Memory { needed, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(taken(3, needed), 0, "no room to keep anything");
    }
}

/// As soon as it shows, not only at the end.
#[test]
fn what_is_no_file_is_refused_at_once() {
    let refused = |bytes: &[u8]| {
        let mut incremental = Incremental::new(DecodeOptions { max_pixels: 100, ..DecodeOptions::default() });
        bytes.iter().position(|byte| incremental.push(&[*byte]).is_err())
    };
    assert_eq!(refused(b"CAKO and so on"), Some(2));
    assert_eq!(refused(&encode(&tiny(), 10, 50.0)), Some(27), "over the limit of pixels");
    let mut damaged = encode(&tiny(), 10, 50.0);
    damaged[41] ^= 1;
    let mut incremental = Incremental::new(DecodeOptions::default());
    assert!(matches!(incremental.push(&damaged), Err(Error::Malformed { what: Malformation::Container(_), .. })));
}

/// The embedded model: channels come in the order of what they matter.
#[test]
fn pictures_get_better_with_every_tenth() {
    let codec = Codec::new(None).unwrap();
    for (percent, tile_log2, before) in [(60.0, 10, 44), (90.0, 7, 28 + 2 * 40 + 4)] {
        let file = encode(&codec, tile_log2, percent);
        let length = |tenth: usize| before + (file.len() - before) * tenth / 10;
        let errors: Vec<u64> = (3..=10).map(|tenth| square_error(&partial(&codec, &file[..length(tenth)]).unwrap())).collect();
        println!("quality {percent}, {} bytes, square errors from 30 % on: {errors:?}", file.len());
        assert!(errors.windows(2).all(|pair| pair[1] <= pair[0]));
        assert!(errors[0] > 4 * errors[7]);
    }
}

/// Near to the means of the picture, with the model that people use; a flat picture would be far from them.
#[test]
fn the_coarse_picture_is_near_to_the_means() {
    let codec = Codec::new(Some(Isa::detect())).unwrap();
    for (tile_log2, percent) in [(6, 70.0), (6, 10.0), (10, 50.0)] {
        let file = encode_picture(&codec, &waves(3.0), tile_log2, percent);
        let decoder = Decoder::new(&file, &DecodeOptions::default()).unwrap();
        let coarse = decoder.coarse(&codec).unwrap();
        assert_eq!((coarse.width, coarse.height), (WIDTH.div_ceil(16), HEIGHT.div_ceil(16)));
        let whole = decoder.decode(&codec).unwrap();
        let whole = Picture::new(WIDTH, HEIGHT, Channels::Rgb, Samples::U8(whole.rgb)).unwrap();
        let means: Vec<u8> = calotype::scaled(std::iter::once(Ok(whole)), 16).flat_map(|band| band.unwrap().rgb8().into_owned()).collect();
        let error = |rgb: &[u8]| rgb.iter().zip(&means).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / means.len() as f64;
        let flat = vec![128; means.len()];
        println!("{tile_log2} {percent}: {:.2} levels, flat {:.2}", error(&coarse.rgb), error(&flat));
        // Waves of a few positions are no field: what g_s adds to them is missing. These are longer.
        assert!(15.0 * error(&coarse.rgb) < error(&flat), "{} {}", error(&coarse.rgb), error(&flat));
    }
}
