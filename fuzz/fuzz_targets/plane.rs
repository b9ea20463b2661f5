//! Any bytes as a plane of samples; and any samples come back.
#![no_main]

use calotype_plane::{Size, decode, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u8, u8, &[u8])| {
    let (width, height, depth, bytes) = input;
    let size = Size { width: usize::from(width), height: usize::from(height), depth: depth % 20 };
    if let Ok(samples) = decode(bytes, size) {
        assert!(samples.iter().all(|&sample| sample <= size.largest()));
        let stream = encode(&samples, size).expect("samples that were read");
        assert_eq!(decode(&stream, size), Ok(samples));
    }
    let rows = bytes.len() / usize::from(width).max(1);
    let samples: Vec<u16> = bytes[..rows * usize::from(width)].iter().map(|&byte| byte.into()).collect();
    let size = Size { height: rows, depth: 8, ..size };
    if let Ok(stream) = encode(&samples, size) {
        assert_eq!(decode(&stream, size), Ok(samples));
    }
});
