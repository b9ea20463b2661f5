//! An exposure is developed at any quality, to the bytes of a plain encoding, and meets sizes and measures.

use calotype::{
    Channels, Codec, DecodeOptions, Decoder, EncodeOptions, Exposure, Goal, Image, Isa, Metadata, Picture, Quality, Region, Samples,
};

const SIDE: u32 = 200;

fn codec() -> Codec {
    Codec::new(Some(Isa::detect())).unwrap()
}

/// Waves and grain: costs more the finer it is coded.
fn picture(channels: Channels) -> Picture {
    let pixels = (0..SIDE * SIDE).map(|i| (f64::from(i % SIDE), f64::from(i / SIDE), i.wrapping_mul(2_654_435_761) >> 28));
    let sample = |(x, y, grain): (f64, f64, u32), c: usize| {
        (128.0 + 60.0 * (x / 9.0 + c as f64).sin() * (y / (5.0 + x / 40.0)).cos() + f64::from(grain)) as u8
    };
    let samples = pixels.flat_map(|at| (0..channels.count()).map(move |c| sample(at, c)));
    Picture::new(SIDE, SIDE, channels, Samples::U8(samples.collect())).unwrap()
}

fn exposure<'a>(codec: &'a Codec, picture: &Picture, tile_log2: u8) -> Exposure<'a> {
    codec.expose(picture, &Metadata::default(), &EncodeOptions { tile_log2, ..EncodeOptions::default() }).unwrap()
}

fn psnr_db(original: &[u8], image: &Image) -> f64 {
    let squares: f64 = original.iter().zip(&image.rgb).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * original.len() as f64 / squares).log10()
}

#[test]
fn developing_gives_the_bytes_and_pixels_of_encoding() {
    let codec = codec();
    for (channels, tile_log2) in [(Channels::Rgb, 10), (Channels::GreyAlpha, 6)] {
        let picture = picture(channels);
        let exposure = exposure(&codec, &picture, tile_log2);
        for percent in [3.0, 40.0, 97.0] {
            let quality = Quality::new(percent).unwrap();
            let options = EncodeOptions { quality, tile_log2, ..EncodeOptions::default() };
            let plain = codec.encode_picture(&picture, &Metadata::default(), &options).unwrap();
            assert_eq!(exposure.encode(quality).unwrap(), plain);
            let decoded = Decoder::new(&plain.bytes, &DecodeOptions::default()).unwrap().decode(&codec).unwrap();
            assert_eq!(exposure.preview(quality).unwrap(), decoded);
        }
    }
}

#[test]
fn regions_are_developed_as_they_are_decoded() {
    let codec = codec();
    for (channels, tile_log2) in [(Channels::Rgb, 6), (Channels::Grey, 10)] {
        let picture = picture(channels);
        let exposure = exposure(&codec, &picture, tile_log2);
        let quality = Quality::new(60.0).unwrap();
        for region in [exposure.whole(), Region { x: 37, y: 70, width: 91, height: 130 }, Region { x: 199, y: 0, width: 1, height: 1 }] {
            let developed = exposure.develop(quality, region).unwrap();
            assert_eq!(developed.encoded, exposure.encode(quality).unwrap());
            let decoder = Decoder::new(&developed.encoded.bytes, &DecodeOptions::default()).unwrap();
            assert_eq!(developed.image, decoder.decode_region(&codec, region).unwrap(), "{region:?}");
        }
        assert!(exposure.develop(quality, Region { x: 199, y: 0, width: 2, height: 1 }).is_err());
    }
}

#[test]
fn the_view_inside_adds_up_to_the_file() {
    let codec = codec();
    for tile_log2 in [6, 10] {
        let options = EncodeOptions { tile_log2, statistics: true, ..EncodeOptions::default() };
        let encoded = codec.encode_picture(&picture(Channels::Rgb), &Metadata::default(), &options).unwrap();
        let inside = Decoder::new(&encoded.bytes, &DecodeOptions::default()).unwrap().inside(&codec).unwrap();
        assert_eq!((inside.columns, inside.rows), (13, 13));
        let bound = encoded.cross_entropy_bits.unwrap();
        let (sum, by_position) = (inside.z_bits + inside.y_bits, inside.bits.iter().map(|bits| f64::from(*bits)).sum::<f64>());
        // Positions are kept in f32.
        assert!((sum / bound - 1.0).abs() < 1e-6 && (by_position / bound - 1.0).abs() < 1e-6, "{bound} {sum} {by_position}");
        assert!(inside.z_bits > 0.0 && inside.y_bits > inside.z_bits);
        assert_eq!(inside.channel(3)[20], inside.latents[20 * inside.channels + 3]);
        assert!(inside.channel(0).iter().any(|value| *value != 0) && inside.channel(inside.channels).is_empty());
        // From a table whose symbols are 0 but for the least frequency to the widest one.
        assert!(inside.log2_sigma.iter().all(|sigma| (-9.0..9.0).contains(sigma)));
    }
}

#[test]
fn sizes_are_met() {
    let codec = codec();
    let exposure = exposure(&codec, &picture(Channels::Rgb), 10);
    let bytes = |quality| exposure.encode(quality).unwrap().bytes.len() as f64;
    let ends = codec.qualities().unwrap();
    let [smallest, largest] = ends.map(bytes);
    assert_eq!([Quality::LOWEST, Quality::HIGHEST].map(bytes), [smallest, largest], "beyond the scale it is its end");
    for step in 1..20 {
        let target = smallest * (largest / smallest).powf(f64::from(step) / 20.0);
        let hit = exposure.meet(&Goal::Bytes(target as u64)).unwrap();
        println!("{target:.0}: {} bytes at {:.2} after {} tries", hit.value, hit.quality.points(), hit.tries);
        assert!(hit.met && hit.value <= target && hit.value >= 0.98 * (target - 1.0), "{target} {}", hit.value);
        assert_eq!(hit.value, hit.encoded.bytes.len() as f64);
        assert_eq!(hit.encoded, exposure.encode(hit.quality).unwrap());
    }
    let least = exposure.meet(&Goal::Bytes(10)).unwrap();
    assert_eq!((least.met, least.value, least.quality), (false, smallest, ends[0]));
    let most = exposure.meet(&Goal::Bytes(1 << 40)).unwrap();
    assert_eq!((most.met, most.value, most.quality), (true, largest, ends[1]), "the best picture is small enough");
}

#[test]
fn measures_are_met() {
    let codec = codec();
    let picture = picture(Channels::Rgb);
    let exposure = exposure(&codec, &picture, 10);
    let original = picture.rgb8();
    let psnr = |image: &Image| psnr_db(&original, image);
    let goal = |least| Goal::Score { least, within: 0.1, span: 20.0, measure: &psnr };
    let ends = codec.qualities().unwrap();
    let (worst, best) = (psnr(&exposure.preview(Quality::LOWEST).unwrap()), psnr(&exposure.preview(Quality::HIGHEST).unwrap()));
    for step in 1..10 {
        let least = worst + (best - worst) * f64::from(step) / 10.0;
        let hit = exposure.meet(&goal(least)).unwrap();
        let decoded = Decoder::new(&hit.encoded.bytes, &DecodeOptions::default()).unwrap().decode(&codec).unwrap();
        println!("{least:.2} dB: {:.3} at {:.2} after {} tries", hit.value, hit.quality.points(), hit.tries);
        assert_eq!(hit.value, psnr(&decoded));
        assert!(hit.met && (least..=least + 0.1).contains(&hit.value), "{least} {}", hit.value);
    }
    let beyond = exposure.meet(&goal(best + 1.0)).unwrap();
    assert_eq!((beyond.met, beyond.quality, beyond.value), (false, ends[1], best));
    let below = exposure.meet(&goal(worst - 1.0)).unwrap();
    assert_eq!((below.met, below.quality, below.value), (true, ends[0], worst), "the smallest file is good enough");
}
