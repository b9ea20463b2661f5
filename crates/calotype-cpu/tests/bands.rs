//! The height of bands decides memory, not the result.

use std::sync::Arc;

use calotype_cpu::{Engine, Isa, TileSize};
use calotype_model::{Config, Model, Quantiser, synthetic};

/// The pixels that come back from a picture.
fn round_trip(model: &Arc<Model>, isa: Isa, band_px: usize, (width, height): (usize, usize)) -> (Vec<i16>, Vec<u8>) {
    let engine = Engine::with_band(Arc::clone(model), isa, band_px).expect("available");
    let encoder = model.encoder().expect("synthetic models have one");
    let q = model.decoder().quality(12345);
    let rgb: Vec<u8> = (0..width * height * 3).map(|i| (i / 5 + i * i % 97) as u8).collect();
    let v = engine.analyse(&rgb, width, height);
    let z = engine.hyper_analyse(&encoder.gain_z(12345), &v);
    let hyper = engine.hyper(&q, &z, TileSize { lh: height.div_ceil(16), lw: width.div_ceil(16) });
    let (_, v_hat) = engine.code(&q, &hyper, &v, &Quantiser::nearest());
    (v.data, engine.synthesise(&q, &v_hat, width, height))
}

/// Whether bands of one row, of two and of five rows of 13 latents give what one band gives.
fn check(config: &Config, sizes: &[(usize, usize)]) {
    let model = Arc::new(synthetic::model(config, 11));
    for &size in sizes {
        let whole = round_trip(&model, Isa::Portable, usize::MAX, size);
        for isa in Isa::available().into_iter().filter(|&isa| isa != Isa::Scalar) {
            for band_px in [0, 256 * 13 * 2, 256 * 13 * 5] {
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
