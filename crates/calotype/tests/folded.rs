//! Thin pictures are folded to be coded, and come back as they were (docs/FORMAT.md section 2.1).

use calotype::{
    Channels, Codec, DecodeOptions, Decoder, EncodeOptions, Error, Goal, Incremental, Isa, Malformation, Metadata, Picture, Quality,
    Region, Samples, padded_pixels,
};
use calotype_format::{Fault, File, Header, TileStreams};
use calotype_model::synthetic;

fn codec() -> Codec {
    let (decoder, encoder) = synthetic::pair(&synthetic::tiny(), 7);
    Codec::from_parts(&decoder.to_safetensors().unwrap(), Some(&encoder.to_safetensors().unwrap()), Some(Isa::detect())).unwrap()
}

fn options(tile_log2: u8) -> EncodeOptions {
    EncodeOptions { quality: Quality::new(70.0).unwrap(), tile_log2, ..EncodeOptions::default() }
}

/// Each pixel is another; alpha is 0 here and there.
fn picture(width: u32, height: u32, channels: Channels, depth: u8) -> Picture {
    let (count, pixels) = (channels.count() as u32, (0..height).flat_map(|y| (0..width).map(move |x| (x, y))));
    let sample = |x: u32, y: u32, c: u32| match channels.has_alpha() && c + 1 == count {
        true if (x + y) % 23 < 4 => 0,
        true => (65_535 - 300 * (x % 50) - 7 * y) as u16,
        false => (x * 331 + y * 1777 + c * 5000) as u16,
    };
    let samples: Vec<u16> = pixels.flat_map(|(x, y)| (0..count).map(move |c| sample(x, y, c))).collect();
    let samples = if depth == 16 { Samples::U16(samples) } else { Samples::U8(samples.iter().map(|s| (s >> 8) as u8).collect()) };
    Picture::new(width, height, channels, samples).unwrap()
}

fn encoded(codec: &Codec, picture: &Picture, tile_log2: u8) -> Vec<u8> {
    codec.encode_picture(picture, &Metadata::default(), &options(tile_log2)).unwrap().bytes
}

fn decoder(bytes: &[u8]) -> Decoder<'_> {
    Decoder::new(bytes, &DecodeOptions::default()).unwrap()
}

/// Samples as u16, whatever the depth.
fn samples(picture: &Picture) -> Vec<u16> {
    match picture.samples() {
        Samples::U8(samples) => samples.iter().map(|&sample| sample.into()).collect(),
        Samples::U16(samples) => samples.clone(),
    }
}

/// The equations of the document.
struct Equations {
    /// Number of strips, n.
    strips: u32,
    /// L.
    length: u32,
    /// s.
    shorter: u32,
    wide: bool,
}

impl Equations {
    fn of(width: u32, height: u32) -> Equations {
        let (shorter, longer) = (width.min(height), width.max(height));
        let strips = 64 / shorter;
        Equations { strips, length: longer.div_ceil(strips), shorter, wide: width > height }
    }

    /// Sides of what is coded.
    fn sides(&self) -> (u32, u32) {
        let (along, across) = (self.length, self.strips * self.shorter);
        if self.wide { (along, across) } else { (across, along) }
    }

    /// Where pixel (x, y) lies in it.
    fn place(&self, x: u32, y: u32) -> (u32, u32) {
        let (length, shorter) = (self.length, self.shorter);
        if self.wide { (x % length, y + shorter * (x / length)) } else { (x + shorter * (y / length), y % length) }
    }
}

/// What a thin picture is coded as; places without a pixel have the last one of their row or column.
fn folded_by_hand(picture: &Picture) -> Picture {
    let (width, height, count) = (picture.width(), picture.height(), picture.channels().count());
    let equations = Equations::of(width, height);
    let (columns, rows) = equations.sides();
    let mut by_hand = vec![None; (columns * rows) as usize];
    let all = samples(picture);
    let pixel = |x: u32, y: u32| all[(y * width + x) as usize * count..][..count].to_vec();
    // Beyond the end: as if the picture went on with its last pixels.
    for b in 0..equations.shorter {
        for a in 0..equations.strips * equations.length {
            let clamped = a.min(width.max(height) - 1);
            let ((x, y), from) = if width > height { ((a, b), (clamped, b)) } else { ((b, a), (b, clamped)) };
            let (column, row) = equations.place(x, y);
            by_hand[(row * columns + column) as usize] = Some(pixel(from.0, from.1));
        }
    }
    let by_hand: Vec<u16> = by_hand.into_iter().flat_map(|pixel| pixel.expect("every place has a pixel")).collect();
    let by_hand =
        if picture.depth() == 16 { Samples::U16(by_hand) } else { Samples::U8(by_hand.iter().map(|sample| *sample as u8).collect()) };
    Picture::new(columns, rows, picture.channels(), by_hand).unwrap()
}

fn streams(bytes: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    File::parse(bytes, u64::MAX).unwrap().tiles.iter().map(|tile| (tile.z.to_vec(), tile.y.concat())).collect()
}

/// The file with another header.
fn with_header(bytes: &[u8], change: impl Fn(&mut Header)) -> Vec<u8> {
    let file = File::parse(bytes, u64::MAX).unwrap();
    let mut header = file.header;
    change(&mut header);
    let tiles: Vec<TileStreams> = file.tiles.iter().map(|tile| TileStreams { z: tile.z.to_vec(), y: tile.y.map(<[u8]>::to_vec) }).collect();
    calotype_format::write(&header, &[], &tiles).unwrap()
}

#[test]
fn every_size_comes_back() {
    let codec = codec();
    let mut folded = 0;
    for shorter in 1..=40 {
        for longer in [1, 15, 16, 63, 64, 65, 200, 1000] {
            for (width, height) in [(shorter, longer), (longer, shorter)] {
                let bytes = encoded(&codec, &picture(width, height, Channels::Rgb, 8), 6);
                let decoder = decoder(&bytes);
                let (info, back) = (decoder.info(), decoder.picture(&codec).unwrap());
                assert_eq!((info.width, info.height, back.width(), back.height()), (width, height, width, height));
                assert_eq!(info.folded, width.min(height) < 16 && width.max(height) > 64, "{width}x{height}");
                folded += u32::from(info.folded);
            }
        }
    }
    // Sides below 16 with 65, 200 and 1000, both ways.
    assert_eq!(folded, 15 * 3 * 2);
}

/// The same symbols, the same alpha, and each pixel from its place.
#[test]
fn a_folded_picture_is_the_one_that_was_folded_by_hand() {
    let codec = codec();
    let kinds = [(Channels::Rgb, 8), (Channels::Rgb, 16), (Channels::Grey, 8), (Channels::GreyAlpha, 16), (Channels::Rgba, 8)];
    for ((width, height), tile_log2) in [((1000, 1), 6), ((1, 700), 10), ((300, 15), 6), ((9, 1500), 6), ((65, 2), 10), ((13, 66), 6)] {
        for (channels, depth) in kinds {
            let what = format!("{width}x{height} {channels:?} {depth}");
            let original = picture(width, height, channels, depth);
            let by_hand = folded_by_hand(&original);
            let (bytes, coded) = (encoded(&codec, &original, tile_log2), encoded(&codec, &by_hand, tile_log2));
            assert_eq!(streams(&bytes), streams(&coded), "{what}");
            let (back, coded) = (decoder(&bytes).picture(&codec).unwrap(), decoder(&coded).picture(&codec).unwrap());
            assert_eq!(back.shape(), original.shape(), "{what}");
            let equations = Equations::of(width, height);
            let (all, count) = (samples(&coded), channels.count());
            let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| equations.place(x, y));
            let unfolded = pixels.flat_map(|(x, y)| all[(y * coded.width() + x) as usize * count..][..count].iter().copied());
            assert!(unfolded.eq(samples(&back)), "{what}");
            assert_eq!(back.alpha(), original.alpha(), "{what}: alpha is exact");
            let exposed = codec.expose(&original, &Metadata::default(), &options(tile_log2)).unwrap();
            assert!(exposed.encode(options(tile_log2).quality).unwrap().bytes == bytes, "{what}: another file exposed");
        }
    }
}

fn crop(rgb: &[u8], width: u32, region: Region) -> Vec<u8> {
    let rows = rgb.chunks_exact(3 * width as usize).skip(region.y as usize).take(region.height as usize);
    rows.flat_map(|row| &row[3 * region.x as usize..][..3 * region.width as usize]).copied().collect()
}

/// Regions, bands, exposures and measures are of the picture, not of what is coded.
#[test]
fn parts_are_parts_of_the_picture() {
    let codec = codec();
    for (width, height) in [(900, 10), (10, 900)] {
        let original = picture(width, height, Channels::Rgba, 8);
        let bytes = encoded(&codec, &original, 6);
        let (decoder, banded) = (decoder(&bytes), self::codec().with_band(0));
        let whole = decoder.decode(&codec).unwrap();
        let long = |begin, length, across, count| match width > height {
            true => Region { x: begin, y: across, width: length, height: count },
            false => Region { x: across, y: begin, width: count, height: length },
        };
        for region in [long(0, 1, 0, 1), long(899, 1, 9, 1), long(100, 300, 3, 4), long(149, 2, 0, 10)] {
            let (part, picture) = (decoder.decode_region(&banded, region).unwrap(), decoder.picture_region(&codec, region).unwrap());
            assert_eq!(
                (part.width, part.height, picture.width(), picture.height()),
                (region.width, region.height, region.width, region.height)
            );
            assert!(part.rgb == crop(&whole.rgb, width, region) && part.rgb == *picture.rgb8(), "{region:?}");
            let alpha = original.alpha().unwrap();
            let rows = alpha.chunks(width as usize).skip(region.y as usize).take(region.height as usize);
            assert!(rows.flat_map(|row| &row[region.x as usize..][..region.width as usize]).eq(picture.alpha().as_ref().unwrap()));
        }
        let bands: Vec<_> = decoder.bands(&banded, decoder.whole()).unwrap().map(Result::unwrap).collect();
        assert_eq!((bands.len(), bands[0].height, &bands[0].rgb), (1, height, &whole.rgb));
        assert_eq!(decoder.bands(&banded, decoder.whole()).unwrap().region(), decoder.whole());
        let exposed = codec.expose(&original, &Metadata::default(), &options(6)).unwrap();
        assert!(exposed.preview(options(6).quality).unwrap() == whole);
        let region = long(300, 200, 2, 5);
        assert!(exposed.develop(options(6).quality, region).unwrap().image.rgb == crop(&whole.rgb, width, region));
        let measure = |image: &calotype::Image| f64::from(u8::from((image.width, image.height) == (width, height)));
        assert!(exposed.meet(&Goal::Score { least: 1.0, within: 0.5, span: 1.0, measure: &measure }).unwrap().met);
        let coarse = decoder.coarse(&codec).unwrap();
        assert_eq!((coarse.width, coarse.height), (width.div_ceil(16), height.div_ceil(16)));
        let mean = |rgb: &[u8]| rgb.iter().map(|sample| f64::from(*sample)).sum::<f64>() / rgb.len() as f64;
        assert!((mean(&coarse.rgb) - mean(&whole.rgb)).abs() < 3.0);
    }
}

#[test]
fn what_has_come_of_a_folded_picture_is_shown() {
    let codec = codec();
    let original = picture(2000, 3, Channels::Rgb, 8);
    let bytes = encoded(&codec, &original, 6);
    let whole = decoder(&bytes).decode(&codec).unwrap();
    let mut incremental = Incremental::new(DecodeOptions::default());
    let mut shown = 0;
    for piece in bytes.chunks(1 + bytes.len() / 9) {
        incremental.push(piece).unwrap();
        if let Some(decoder) = incremental.decoder().unwrap() {
            let image = decoder.decode(&codec).unwrap();
            assert_eq!((image.width, image.height), (2000, 3));
            assert!(!incremental.is_complete() || image == whole);
            shown += 1;
        }
    }
    assert!(shown > 5 && incremental.is_complete());
}

/// A tile of a folded picture lies in several places.
#[test]
fn damage_is_named_where_it_is_seen() {
    let codec = codec();
    for (width, height) in [(1500, 15), (15, 1500)] {
        let mut bytes = encoded(&codec, &picture(width, height, Channels::Rgb, 8), 6);
        let whole = decoder(&bytes).decode(&codec).unwrap();
        // Four strips of 375 pixels in six tiles: the first tile's z stream follows header, index and checksum.
        bytes[28 + 6 * 40 + 4] ^= 1;
        let salvaged = Decoder::salvage(&bytes, &DecodeOptions::default()).unwrap();
        let expected = [0, 375, 750, 1125].map(|begin| match width > height {
            true => Region { x: begin, y: 0, width: 64, height },
            false => Region { x: 0, y: begin, width, height: 64 },
        });
        assert_eq!(salvaged.damaged_tiles(), expected);
        let seen = salvaged.decode(&codec).unwrap();
        let part = |rgb: &[u8], begin| {
            let (x, y, length) = if width > height { (begin, 0, [40, 15]) } else { (0, begin, [15, 40]) };
            crop(rgb, width, Region { x, y, width: length[0], height: length[1] })
        };
        assert!(part(&seen.rgb, 200) == part(&whole.rgb, 200), "far from the damage");
        assert!(part(&seen.rgb, 380) != part(&whole.rgb, 380), "in the second strip");
    }
    let mut bytes = encoded(&codec, &picture(500, 2, Channels::Rgb, 8), 10);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let salvaged = Decoder::salvage(&bytes, &DecodeOptions::default()).unwrap();
    assert_eq!(salvaged.damaged_tiles(), [Region { x: 0, y: 0, width: 500, height: 2 }]);
}

/// A picture 16 rows high has the latents of one of 9 rows that is not folded: files from before the flag.
#[test]
fn thin_pictures_without_the_flag_decode_as_they_are() {
    let codec = codec();
    for (width, height) in [(300, 16), (16, 300)] {
        let bytes = encoded(&codec, &picture(width, height, Channels::Rgb, 8), 6);
        let whole = decoder(&bytes).decode(&codec).unwrap();
        let (columns, rows) = (if width == 16 { 9 } else { width }, if height == 16 { 9 } else { height });
        let old = with_header(&bytes, |header| (header.width, header.height) = (columns, rows));
        let decoder = decoder(&old);
        assert!(!decoder.info().folded);
        let region = Region { x: 0, y: 0, width: columns, height: rows };
        assert!(decoder.decode(&codec).unwrap().rgb == crop(&whole.rgb, width, region));
        // Padded to 64, not folded.
        let limited = |max_pixels| Decoder::new(&old, &DecodeOptions { max_pixels, ..DecodeOptions::default() }).map(|_| ());
        assert!(matches!(limited(320 * 64 - 1), Err(Error::Limits { .. })) && limited(320 * 64).is_ok());
    }
}

#[test]
fn the_flag_on_other_pictures_is_malformed() {
    let bytes = encoded(&codec(), &picture(100, 16, Channels::Rgb, 8), 10);
    let mut flagged = bytes.clone();
    flagged[6] |= 8;
    let what = Malformation::Container(Fault::Fold { width: 100, height: 16 });
    assert!(matches!(Decoder::new(&flagged, &DecodeOptions::default()), Err(Error::Malformed { offset: 6, what: found }) if found == what));
}

#[test]
fn limits_count_what_is_coded() {
    // 64 strips of 15625; 4 of 75; not folded.
    assert_eq!(
        [(1_000_000, 1), (15, 300), (64, 1), (16, 1000)].map(|(w, h)| padded_pixels(w, h)),
        [15_680 * 64, 64 * 128, 64 * 64, 64 * 1024]
    );
    let codec = codec();
    let original = picture(5000, 1, Channels::Rgb, 8);
    let bytes = encoded(&codec, &original, 10);
    let limited = |max_pixels| Decoder::new(&bytes, &DecodeOptions { max_pixels, ..DecodeOptions::default() }).map(|_| ());
    assert!(limited(128 * 64).is_ok());
    let refused = limited(128 * 64 - 1).unwrap_err();
    assert_eq!(refused.to_string(), "5000x1 pixels count as 8192 (folded, and sides padded to multiples of 64), over the limit of 8191");
    let within = |max_memory| codec.encode_picture(&original, &Metadata::default(), &EncodeOptions { max_memory, ..options(10) });
    let Err(Error::Memory { needed, .. }) = within(1000) else { panic!("a picture in 1000 bytes") };
    assert!(within(needed).is_ok() && within(needed - 1).is_err());
}
