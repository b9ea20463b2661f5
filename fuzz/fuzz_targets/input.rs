//! Any bytes as an image that the command line reads; what it reads is written in every format.
#![no_main]
#![allow(dead_code)]

#[path = "../../crates/calotype-cli/src/exif.rs"]
mod exif;
#[path = "../../crates/calotype-cli/src/pixels.rs"]
mod pixels;
#[path = "../../crates/calotype-cli/src/read_image.rs"]
mod read_image;
#[path = "../../crates/calotype-cli/src/write_image.rs"]
mod write_image;

/// As in the program, without what it stands on there.
mod failure {
    use std::fmt::Display;
    use std::path::Path;

    #[derive(Debug)]
    pub struct Failure;

    impl Failure {
        pub fn malformed(_: &Path, _: impl Display) -> Failure {
            Failure
        }

        pub fn usage(_: impl Display) -> Failure {
            Failure
        }

        pub fn unsupported(_: &Path, _: impl Display) -> Failure {
            Failure
        }

        pub fn io(_: &Path, _: &str, _: std::io::Error) -> Failure {
            Failure
        }

        pub fn codec(_: &Path, error: &calotype::Error) -> Failure {
            panic!("an image that was read makes no picture: {error}")
        }
    }
}

mod output {
    use std::path::Path;

    use crate::failure::Failure;

    #[derive(Clone, Copy)]
    pub enum Existing {}

    pub fn is_pipe(_: &Path) -> bool {
        false
    }

    pub fn write(_: &Path, _: &[&[u8]], existing: Existing) -> Result<(), Failure> {
        match existing {}
    }
}

use std::path::Path;

use image::ImageFormat;
use libfuzzer_sys::fuzz_target;
use read_image::{Turn, decode_image};

fuzz_target!(|bytes: &[u8]| {
    let _ = exif::of_tiff(bytes);
    let turn = if bytes.len() % 2 == 0 { Turn::Apply } else { Turn::Keep };
    let Ok(source) = decode_image(bytes, Path::new("input"), 1 << 16, turn) else { return };
    for format in [ImageFormat::Png, ImageFormat::Tiff, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Pnm] {
        let _ = write_image::encode_image(format, source.picture.clone(), source.metadata.clone());
    }
});
