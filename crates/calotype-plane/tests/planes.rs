//! Planes come back exactly, are small, and damaged streams are errors.

use calotype_plane::{Error, Size, decode, encode};
use proptest::prelude::*;

fn eight(width: usize, height: usize) -> Size {
    Size { width, height, depth: 8 }
}

fn plane(size: Size, sample: impl Fn(i64, i64) -> u16) -> Vec<u16> {
    (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x as i64, y as i64))).map(|(x, y)| sample(x, y)).collect()
}

/// An antialiased disc.
fn disc(size: Size) -> Vec<u16> {
    let radius = size.width as f64 / 3.0;
    plane(size, |x, y| {
        let (dx, dy) = (x as f64 - size.width as f64 / 2.0, y as f64 - size.height as f64 / 2.0);
        (f64::from(size.largest()) * (radius - dx.hypot(dy) + 0.5).clamp(0.0, 1.0)) as u16
    })
}

#[test]
fn usual_masks_are_small() {
    let size = eight(512, 512);
    let bytes = |samples: &[u16]| {
        let stream = encode(samples, size).unwrap();
        assert_eq!(decode(&stream, size).unwrap(), samples);
        stream.len()
    };
    assert_eq!(bytes(&vec![255; 512 * 512]), 0);
    assert!(bytes(&vec![0; 512 * 512]) < 60);
    // 1072 pixels of edge, each with a grey of its own.
    assert!(bytes(&disc(size)) < 2300, "{}", bytes(&disc(size)));
    assert!(bytes(&plane(size, |x, y| if (x - 200).abs() + (y - 200).abs() < 150 { 255 } else { 0 })) < 200);
    let ramp = bytes(&plane(size, |x, _| (x / 2) as u16));
    assert!(ramp < 600, "{ramp}");
}

#[test]
fn a_stream_stays_what_it_is() {
    // The format: docs/FORMAT.md section 3.1. Written by this encoder, read by training/calotype_training/reference_decoder.py.
    let stream = encode(&[255, 255, 0, 255, 128, 0], eight(3, 2)).unwrap();
    assert_eq!(stream, STREAM);
}

const STREAM: [u8; 7] = [39, 0, 219, 48, 56, 0, 0];

#[test]
fn damaged_streams_are_errors_or_other_samples() {
    let size = eight(40, 30);
    let samples = disc(size);
    let stream = encode(&samples, size).unwrap();
    for length in 1..stream.len() {
        assert!(decode(&stream[..length], size).is_err(), "{length}");
    }
    assert_eq!(decode(&[&stream[..], &[0]].concat(), size), Err(Error::End));
    for bit in 0..8 * stream.len() {
        let mut flipped = stream.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_ne!(decode(&flipped, size), Ok(samples.clone()), "bit {bit}");
    }
}

#[test]
fn sizes_are_checked() {
    assert!(encode(&[0; 5], eight(3, 2)).is_err());
    assert!(encode(&[256], eight(1, 1)).is_err());
    assert!(encode(&[], eight(0, 2)).is_err());
    assert!(decode(&[], eight(usize::MAX, 2)).is_err());
    assert!(decode(&[0; 5], Size { depth: 17, ..eight(1, 1) }).is_err());
    assert!(decode(&[0; 5], Size { depth: 0, ..eight(1, 1) }).is_err());
}

fn any_plane() -> impl Strategy<Value = (Size, Vec<u16>)> {
    (1_usize..20, 1_usize..20, 1_u8..=16, 0_u16..4).prop_flat_map(|(width, height, depth, kind)| {
        let size = Size { width, height, depth };
        let largest = size.largest();
        let sample = move |sample: u16| match kind {
            0 => sample & largest,
            1 => {
                if sample & 1 == 1 {
                    largest
                } else {
                    0
                }
            }
            2 => largest - (sample & 3 & largest),
            _ => {
                if sample < 60_000 {
                    largest
                } else {
                    sample & largest
                }
            }
        };
        prop::collection::vec(any::<u16>().prop_map(sample), width * height).prop_map(move |samples| (size, samples))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_plane_comes_back((size, samples) in any_plane()) {
        let stream = encode(&samples, size).unwrap();
        prop_assert_eq!(decode(&stream, size), Ok(samples));
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), depth in 1_u8..=16) {
        let _ = decode(&bytes, Size { width: 9, height: 7, depth });
    }
}
