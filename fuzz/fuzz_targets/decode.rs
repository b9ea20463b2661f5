//! Any bytes as a whole file, with its checksums made to fit: pixels or an error.
#![no_main]

use std::sync::LazyLock;

use calotype::{Codec, DecodeOptions, Decoder};
use libfuzzer_sys::fuzz_target;

static CODEC: LazyLock<Codec> = LazyLock::new(calotype_fuzz::codec);

fuzz_target!(|bytes: &[u8]| {
    let options = DecodeOptions { max_pixels: 1 << 16, ..DecodeOptions::default() };
    let file = calotype_fuzz::mended(bytes);
    for bytes in [bytes, &file] {
        if let Ok(decoder) = Decoder::new(bytes, &options) {
            let _ = decoder.metadata();
            let _ = decoder.picture(&CODEC);
        }
    }
});
