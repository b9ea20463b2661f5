//! How a picture is cut decides memory, not the result: bands of any height, regions anywhere.

use calotype::{
    Channels, Codec, DecodeOptions, Decoder, EncodeOptions, Error, Fault, Isa, Malformation, Metadata, Picture, Region, RgbImage, Samples,
    Shape, Usage,
};
use calotype_format::File;
use calotype_model::{Config, synthetic};

const WIDTH: u32 = 203;
const HEIGHT: u32 = 331;
const SHAPE: Shape = Shape { width: WIDTH, height: HEIGHT, channels: Channels::Rgb, depth: 8 };

fn codec(config: &Config, band_px: u64) -> Codec {
    let (decoder, encoder) = synthetic::pair(config, 7);
    let parts = (decoder.to_safetensors().unwrap(), encoder.to_safetensors().unwrap());
    Codec::from_parts(&parts.0, Some(&parts.1), Some(Isa::detect())).unwrap().with_band(band_px)
}

/// Few blocks, more than a halo of a tile, and none.
fn configs() -> [Config; 3] {
    let tiny = synthetic::tiny();
    [tiny.clone(), Config { n_e: 9, n_d: 11, ..tiny.clone() }, Config { n_e: 0, n_d: 0, ..tiny }]
}

fn rgb() -> Vec<u8> {
    (0..WIDTH * HEIGHT * 3).map(|i| (i / 7 + i / (3 * WIDTH) * 3 + i * i % 41) as u8).collect()
}

fn encode(codec: &Codec, tile_log2: u8) -> Vec<u8> {
    let options = EncodeOptions { tile_log2, ..EncodeOptions::default() };
    codec.encode(&RgbImage::new(WIDTH, HEIGHT, &rgb()).unwrap(), &options).unwrap().bytes
}

fn decoder(bytes: &[u8]) -> Decoder<'_> {
    Decoder::new(bytes, &DecodeOptions::default()).unwrap()
}

fn crop(rgb: &[u8], region: Region) -> Vec<u8> {
    let rows = rgb.chunks_exact(3 * WIDTH as usize).skip(region.y as usize).take(region.height as usize);
    rows.flat_map(|row| &row[3 * region.x as usize..][..3 * region.width as usize]).copied().collect()
}

#[test]
fn bands_do_not_show() {
    for config in configs() {
        let whole = codec(&config, u64::MAX);
        for tile_log2 in [6, 7] {
            let file = encode(&whole, tile_log2);
            let picture = decoder(&file).decode(&whole).unwrap();
            for band_px in [0, 2 * 64 * u64::from(WIDTH)] {
                let banded = codec(&config, band_px);
                assert!(encode(&banded, tile_log2) == file, "another file in bands of {band_px}, tiles 2^{tile_log2}, {config:?}");
                let decoder = decoder(&file);
                let bands: Vec<_> = decoder.bands(&banded, decoder.whole()).unwrap().map(Result::unwrap).collect();
                assert!(bands.len() > 1);
                assert_eq!(bands.iter().map(|band| band.height).sum::<u32>(), HEIGHT);
                let rgb = bands.into_iter().flat_map(|band| band.rgb);
                assert!(rgb.eq(picture.rgb.iter().copied()), "other pixels in bands of {band_px}, tiles 2^{tile_log2}, {config:?}");
            }
        }
    }
}

#[test]
fn a_region_is_a_part_of_the_picture() {
    let region = |x, y, width, height| Region { x, y, width, height };
    let regions = [
        region(0, 0, 1, 1),
        region(202, 330, 1, 1),
        region(64, 64, 64, 64),
        region(63, 127, 2, 2),
        region(17, 0, 100, HEIGHT),
        region(0, 300, WIDTH, 31),
        region(100, 41, 103, 177),
    ];
    for config in configs() {
        let codec = codec(&config, 0);
        let file = encode(&codec, 6);
        let picture = decoder(&file).decode(&codec).unwrap();
        for region in regions {
            let part = decoder(&file).decode_region(&codec, region).unwrap();
            assert_eq!((part.width, part.height), (region.width, region.height));
            assert!(part.rgb == crop(&picture.rgb, region), "{region:?} {config:?}");
        }
    }
}

/// A damaged tile is an error of the regions that it would change, and of no others.
#[test]
fn damage_refuses_the_regions_that_need_it() {
    let codec = codec(&synthetic::tiny(), 0);
    let file = encode(&codec, 6);
    let picture = decoder(&file).decode(&codec).unwrap();
    let options = DecodeOptions::default();
    let regions = [(0, 0, 40, 40), (70, 70, 50, 50), (150, 300, 53, 31), (64, 0, 64, 331), (0, 0, WIDTH, HEIGHT)]
        .map(|(x, y, width, height)| Region { x, y, width, height });
    let tiles: Vec<usize> =
        File::parse(&file, u64::MAX).unwrap().tiles.iter().map(|tile| tile.z.as_ptr() as usize - file.as_ptr() as usize).collect();
    let mut refused = 0;
    for (number, z) in tiles.iter().enumerate() {
        let mut damaged = file.clone();
        damaged[*z] ^= 1;
        assert!(Decoder::new(&damaged, &options).is_err());
        let parts = Decoder::for_regions(&damaged, &options).unwrap();
        let salvaged = Decoder::salvage(&damaged, &options).unwrap();
        let [place] = parts.damaged_tiles()[..] else { panic!("one tile is damaged") };
        assert_eq!((place.x, place.y), (64 * (number as u32 % 4), 64 * (number as u32 / 4)));
        for region in regions {
            let near = !parts.damaged_tiles_of(&codec, region).unwrap().is_empty();
            assert_eq!(salvaged.damaged_tiles_of(&codec, region).unwrap().is_empty(), !near);
            let whole = crop(&picture.rgb, region);
            match parts.decode_region(&codec, region) {
                Ok(part) => assert!(!near && part.rgb == whole, "tile {number}, {region:?}"),
                Err(Error::Malformed { what: Malformation::Container(Fault::TileCrc { tile, .. }), .. }) => {
                    assert!(near && tile == number, "tile {number}, {region:?}");
                    refused += 1;
                }
                Err(other) => panic!("{other}"),
            }
            assert!(near || salvaged.decode_region(&codec, region).unwrap().rgb == whole, "tile {number}, {region:?}");
        }
        assert!(parts.coarse(&codec).is_err() && parts.inside(&codec).is_err());
    }
    // All of the last region, and few of the others: one or four tiles, two columns, or what is seen around them.
    assert!(refused >= tiles.len() + 8 && refused < 4 * tiles.len(), "{refused}");
    for fault in [&[&file[..], b"x"].concat(), &file[..file.len() - 1], &file[..30]] {
        assert!(Decoder::for_regions(fault, &options).is_err());
    }
}

/// The comparison can fail.
#[test]
fn another_region_shows() {
    let codec = codec(&synthetic::tiny(), 0);
    let file = encode(&codec, 6);
    let picture = decoder(&file).decode(&codec).unwrap();
    let part = decoder(&file).decode_region(&codec, Region { x: 8, y: 8, width: 90, height: 90 }).unwrap();
    assert!(part.rgb != crop(&picture.rgb, Region { x: 9, y: 8, width: 90, height: 90 }));
}

#[test]
fn regions_outside_are_usage() {
    let codec = codec(&synthetic::tiny(), 0);
    let file = encode(&codec, 6);
    for region in [(0, 0, 0, 1), (WIDTH, 0, 1, 1), (1, 0, WIDTH, 1), (0, u32::MAX, 1, u32::MAX)] {
        let region = Region { x: region.0, y: region.1, width: region.2, height: region.3 };
        assert!(matches!(decoder(&file).decode_region(&codec, region), Err(Error::Usage(Usage::Region { .. }))), "{region:?}");
    }
}

/// Rows are pulled once, in order; a source that fails ends the work with its own error.
#[test]
fn rows_are_pulled_from_the_top() {
    let codec = codec(&synthetic::tiny(), 0);
    let options = EncodeOptions { tile_log2: 6, ..EncodeOptions::default() };
    let (picture, none) = (Picture::new(WIDTH, HEIGHT, Channels::Rgb, Samples::U8(rgb())).unwrap(), Metadata::default());
    let mut pulled = 0;
    let encoded = codec.encode_rows(SHAPE, &none, &options, |rows| {
        pulled += rows;
        picture.rows(pulled - rows..pulled)
    });
    assert!(encoded.unwrap().bytes == encode(&codec, 6));
    assert_eq!(pulled, HEIGHT);
    let wrong = codec.encode_rows(SHAPE, &none, &options, |rows| picture.rows(0..rows - 1));
    assert!(matches!(wrong, Err(Error::Usage(Usage::PictureSize { .. }))), "too few rows");
    let limited = EncodeOptions { max_memory: 100_000, ..options };
    assert!(matches!(codec.encode_picture(&picture, &none, &limited), Err(Error::Memory { limit: 100_000, .. })));

    #[derive(Debug, PartialEq)]
    enum Failed {
        Source,
        Codec,
    }
    impl From<Error> for Failed {
        fn from(_: Error) -> Failed {
            Failed::Codec
        }
    }
    assert_eq!(codec.encode_rows(SHAPE, &none, &options, |_| Err(Failed::Source)), Err(Failed::Source));
    assert_eq!(codec.encode_rows(Shape { width: 0, ..SHAPE }, &none, &options, |_| Err(Failed::Source)), Err(Failed::Codec));
}

/// A picture of any kind, a part of it clear.
fn picture(channels: Channels, depth: u8) -> Picture {
    let count = channels.count();
    let clear = |pixel: u32| pixel / WIDTH % 150 < 70 && pixel % WIDTH < 90;
    let sample = |i: u32| {
        let alpha = channels.has_alpha() && i as usize % count == count - 1;
        if alpha && clear(i / count as u32) { 0 } else { (i * 331 % 65_521) as u16 }
    };
    let samples = (0..WIDTH * HEIGHT * count as u32).map(sample);
    let samples =
        if depth == 8 { Samples::U8(samples.map(|sample| (sample >> 8) as u8).collect()) } else { Samples::U16(samples.collect()) };
    Picture::new(WIDTH, HEIGHT, channels, samples).unwrap()
}

/// Of every kind: the same file however many rows are worked on together, the same samples in bands, regions and as a whole.
#[test]
fn bands_do_not_show_in_any_kind() {
    let (whole, banded) = (codec(&synthetic::tiny(), u64::MAX), codec(&synthetic::tiny(), 0));
    let options = EncodeOptions { tile_log2: 6, ..EncodeOptions::default() };
    let part = Region { x: 60, y: 100, width: 100, height: 99 };
    for (channels, depth) in
        [(Channels::Grey, 8), (Channels::Rgba, 8), (Channels::Rgb, 16), (Channels::GreyAlpha, 16), (Channels::Rgba, 16)]
    {
        let (original, none) = (picture(channels, depth), Metadata::default());
        let file = whole.encode_picture(&original, &none, &options).unwrap().bytes;
        assert!(banded.encode_picture(&original, &none, &options).unwrap().bytes == file, "another file, {channels:?} {depth}");
        let exposed = whole.expose(&original, &none, &options).unwrap().encode(options.quality).unwrap().bytes;
        assert!(exposed == file, "another file exposed, {channels:?} {depth}");
        let decoder = decoder(&file);
        let picture = decoder.picture(&whole).unwrap();
        assert_eq!((picture.shape(), picture.alpha()), (original.shape(), original.alpha()));
        let bands: Vec<Picture> = decoder.picture_bands(&banded, decoder.whole()).unwrap().map(Result::unwrap).collect();
        assert!(bands.len() > 1);
        assert!(Picture::stacked(bands.into_iter().map(Ok)).unwrap() == picture, "other samples in bands, {channels:?} {depth}");
        let region = decoder.picture_region(&banded, part).unwrap();
        let rows = picture.rows(part.y..part.y + part.height).unwrap();
        assert!(crop(&rows.rgb8(), Region { y: 0, ..part }) == *region.rgb8(), "another region, {channels:?} {depth}");
        let alpha = |picture: &Picture| picture.alpha().unwrap_or_default();
        let columns = |row: &[u16]| row[part.x as usize..][..part.width as usize].to_vec();
        assert!(alpha(&rows).chunks(WIDTH as usize).flat_map(columns).eq(alpha(&region)), "another alpha, {channels:?} {depth}");
    }
}
