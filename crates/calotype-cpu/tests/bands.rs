//! The height of bands decides memory, not the result.

use std::sync::Arc;

use calotype_cpu::{Engine, Isa, Map, TileSize};
use calotype_engine::{PixelRows, Placed, Quantiser, Rect};
use calotype_model::{Config, Model, synthetic};

/// The pixels that come back from a picture.
fn round_trip(model: &Arc<Model>, isa: Isa, band_px: usize, (width, height): (usize, usize)) -> (Vec<i16>, Vec<u8>) {
    let engine = Engine::with_band(Arc::clone(model), isa, band_px).expect("available");
    let encoder = model.encoder().expect("synthetic models have one");
    let q = model.decoder().quality(12345);
    let rgb: Vec<u8> = (0..width * height * 3).map(|i| (i / 5 + i * i % 97) as u8).collect();
    let v = engine.analyse(&rgb, width, height);
    let z = engine.graph().hyper_analyse(&encoder.gain_z(12345), &v);
    let hyper = engine.graph().hyper(&q, &z, TileSize { lh: height.div_ceil(16), lw: width.div_ceil(16) });
    let (_, v_hat) = engine.graph().code(&q, &hyper, &v, &Quantiser::nearest());
    (v.data, engine.synthesise(&q, &v_hat, width, height))
}

/// Whether bands of one row, of two, five and many rows of 13 latents give what one band gives.
fn check(config: &Config, sizes: &[(usize, usize)]) {
    let model = Arc::new(synthetic::model(config, 11));
    for &size in sizes {
        let whole = round_trip(&model, Isa::Portable, usize::MAX, size);
        for isa in Isa::available().into_iter().filter(|&isa| isa != Isa::Scalar) {
            for band_px in [0, 256 * 13 * 2, 256 * 13 * 5, 1 << 20] {
                assert!(round_trip(&model, isa, band_px, size) == whole, "{isa}, bands of {band_px} pixels, {size:?}");
            }
        }
    }
}

#[test]
fn bands_do_not_show() {
    check(&synthetic::tiny(), &[(200, 333), (64, 64), (17, 130)]);
}

#[test]
fn bands_do_not_show_with_many_blocks() {
    check(&Config { c: 24, n_e: 4, n_d: 7, ..synthetic::tiny() }, &[(100, 250), (31, 47)]);
}

#[test]
fn bands_do_not_show_without_blocks() {
    check(&Config { n_e: 0, n_d: 0, ..synthetic::tiny() }, &[(200, 333)]);
}

/// The comparison can fail: a picture with a row fewer gives other pixels, or other latents, in the rows that they share.
#[test]
fn another_picture_shows() {
    let model = Arc::new(synthetic::model(&synthetic::tiny(), 11));
    let (a, b) = (round_trip(&model, Isa::detect(), 0, (200, 333)), round_trip(&model, Isa::detect(), 0, (200, 332)));
    assert!(a.1[..200 * 300 * 3] != b.1[..200 * 300 * 3] || a.0 != b.0);
}

/// Every engine, in bands of `band_px` pixels.
fn engines(config: &Config, band_px: usize) -> Vec<Engine> {
    let model = Arc::new(synthetic::model(config, 11));
    Isa::available().into_iter().map(|isa| Engine::with_band(Arc::clone(&model), isa, band_px).expect("available")).collect()
}

/// Lively latents of a picture.
fn latents(rect: Rect, channels: usize) -> Map<i16> {
    let value = |i: usize| ((i * i * 31 + i * 7) % 4001) as i16 - 2000;
    Map { height: rect.height, width: rect.width, channels, data: (0..rect.height * rect.width * channels).map(value).collect() }
}

#[test]
fn a_part_has_the_pixels_of_the_whole() {
    let config = Config { n_d: 3, ..synthetic::tiny() };
    let (width, height) = (300, 250);
    let picture = Rect::of_picture((width, height), 16);
    let v_hat = latents(picture, config.m);
    let cut = |rect: Rect| (rect, v_hat.crop((rect.y, rect.x), (rect.height, rect.width)));
    let rect = |y, x, height, width| Rect { y, x, height, width };
    let tiles = [rect(0, 0, 8, 8), rect(0, 8, 8, 11), rect(8, 0, 8, 8), rect(8, 8, 8, 11)].map(cut);
    for engine in engines(&config, 256 * 19 * 2) {
        let q = engine.model().decoder().quality(9000);
        let whole = engine.synthesise(&q, &v_hat, width, height);
        let held: Vec<_> = tiles.iter().map(|(place, tile)| Placed { place: *place, tile }).collect();
        for wanted in [picture, rect(6, 3, 1, 1), rect(0, 0, 5, 19), rect(9, 7, 7, 4), rect(3, 17, 13, 2)] {
            let columns = 48 * wanted.x..(48 * wanted.right()).min(3 * width);
            let rows = whole.chunks(3 * width).take(16 * wanted.bottom()).skip(16 * wanted.y);
            let expected: Vec<u8> = rows.flat_map(|row| &row[columns.clone()]).copied().collect();
            let seen = wanted.widened(engine.halo(), picture);
            assert!(engine.graph().pixels(&q, &held, wanted, (width, height)) == expected, "{}, {wanted:?}", engine.isa());
            let (place, part) = cut(seen);
            assert!(
                engine.graph().pixels(&q, &[Placed { place, tile: &part }], wanted, (width, height)) == expected,
                "{}, {wanted:?} alone",
                engine.isa()
            );
        }
    }
}

#[test]
#[should_panic(expected = "latents of the picture")]
fn a_part_needs_what_is_around_it() {
    let engine = &engines(&synthetic::tiny(), 1 << 20)[1];
    let tile = latents(Rect { y: 0, x: 0, height: 8, width: 8 }, engine.model().decoder().config.m);
    let wanted = Rect { y: 0, x: 0, height: 8, width: 8 };
    engine.graph().pixels(&engine.model().decoder().quality(9000), &[Placed { place: wanted, tile: &tile }], wanted, (256, 128));
}

#[test]
fn some_rows_have_the_latents_of_the_whole() {
    let config = Config { n_e: 3, ..synthetic::tiny() };
    let (width, height) = (70, 300);
    let rgb: Vec<u8> = (0..width * height * 3).map(|i| (i / 5 + i * i % 97) as u8).collect();
    for engine in engines(&config, 256 * 8) {
        let v = engine.analyse(&rgb, width, height);
        for rows in [0..20usize, 4..8, 8..20, 0..1, 17..20] {
            let (top, bottom) = ((16 * rows.start).saturating_sub(32), (16 * rows.end + 32).min(height));
            let pixels = PixelRows { width, height, top, rgb: &rgb[3 * width * top..3 * width * bottom] };
            let expected = v.crop((rows.start, 0), (rows.len(), v.width));
            assert!(engine.graph().analyse_rows(pixels, rows.clone()) == expected, "{}, {rows:?}", engine.isa());
        }
    }
}
