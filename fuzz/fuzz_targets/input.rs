//! Any bytes as an image that the command line reads: row by row it is what it is as a whole, and what is read is written in every format.
#![no_main]
#![allow(dead_code, unused_imports)]

#[path = "../../crates/calotype-cli/src/exif/mod.rs"]
mod exif;
#[path = "../../crates/calotype-cli/src/frames.rs"]
mod frames;
#[path = "../../crates/calotype-cli/src/kind.rs"]
mod kind;
#[path = "../../crates/calotype-cli/src/metadata/mod.rs"]
mod metadata;
#[path = "../../crates/calotype-cli/src/pixels.rs"]
mod pixels;
#[path = "../../crates/calotype-cli/src/read_bmp.rs"]
mod read_bmp;
#[path = "../../crates/calotype-cli/src/read_image.rs"]
mod read_image;
#[path = "../../crates/calotype-cli/src/read_jpeg.rs"]
mod read_jpeg;
#[path = "../../crates/calotype-cli/src/read_jxl.rs"]
mod read_jxl;
#[path = "../../crates/calotype-cli/src/read_palette.rs"]
mod read_palette;
#[path = "../../crates/calotype-cli/src/read_rows.rs"]
mod read_rows;
#[path = "../../crates/calotype-cli/src/read_size.rs"]
mod read_size;
#[path = "../../crates/calotype-cli/src/read_tiff.rs"]
mod read_tiff;
#[allow(dead_code)]
#[path = "../../crates/calotype-cli/src/reading.rs"]
mod reading;
#[path = "../../crates/calotype-cli/src/refusal.rs"]
mod refusal;
#[path = "../../crates/calotype-cli/src/write_image.rs"]
mod write_image;
#[path = "../../crates/calotype-cli/src/write_rows.rs"]
mod write_rows;

/// As in the program, without what it stands on there.
mod failure {
    use std::fmt::Display;
    use std::path::Path;

    #[derive(Debug, thiserror::Error)]
    #[error("failure")]
    pub struct Failure;

    pub fn shown(path: &Path) -> String {
        path.display().to_string()
    }

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
            match error {
                calotype::Error::Limits { .. } => Failure,
                error => panic!("an image that was read makes no picture: {error}"),
            }
        }
    }
}

mod flags {
    pub fn has(_: &str) -> bool {
        true
    }

    pub fn is_given(_: &str) -> bool {
        false
    }

    pub fn named(name: &str, _: &str) -> String {
        format!("--{name}")
    }
}

mod output {
    use std::path::Path;

    use crate::failure::Failure;

    pub struct Writing;

    pub fn is_pipe(path: &Path) -> bool {
        path == Path::new("-")
    }

    pub fn is_stdout(path: &Path) -> bool {
        is_pipe(path)
    }

    pub fn write(_: &Path, _: &[&[u8]], _: impl Into<Writing>) -> Result<(), Failure> {
        Ok(())
    }
}

use std::path::Path;

use image::ImageFormat;
use libfuzzer_sys::fuzz_target;
use metadata::Turn;
use read_image::{Source, decode_image};
use read_rows::RowSource;
use reading::Reading;

const MAX_PIXELS: u64 = 1 << 16;
const MAX_HELD: u64 = 1 << 24;

/// What is read row by row and as a whole is the same; where the whole can be read, so can the rows.
fn compare(bytes: &[u8], reading: &Reading, whole: &Source) {
    let Ok(mut rows) = RowSource::open(Path::new("-"), bytes, reading) else { return };
    if rows.held_bytes <= MAX_HELD {
        assert_eq!(rows.shape, whole.picture.shape());
        assert_eq!((&rows.metadata, &rows.notes), (&whole.metadata, &whole.notes));
        assert!(rows.next(rows.shape.height).expect("rows of an image") == whole.picture);
    }
}

/// Rows of images that cannot be read as a whole.
fn read(bytes: &[u8], reading: &Reading) {
    if let Ok(mut rows) = RowSource::open(Path::new("-"), bytes, reading)
        && rows.shape.pixels() <= MAX_PIXELS
        && rows.held_bytes <= MAX_HELD
    {
        let _ = rows.next(rows.shape.height);
    }
}

fuzz_target!(|bytes: &[u8]| {
    let _ = exif::parts_of_tiff(&mut std::io::Cursor::new(bytes));
    let turn = if bytes.len() % 2 == 0 { Turn::Apply } else { Turn::Keep };
    let reading = Reading { turn, salvage: bytes.len() % 3 == 0, ..Reading::plain(MAX_PIXELS) };
    let Ok(source) = decode_image(bytes, Path::new("input"), &reading) else { return read(bytes, &reading) };
    if !reading.salvage {
        compare(bytes, &reading, &source);
    }
    for format in [ImageFormat::Png, ImageFormat::Tiff, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Pnm] {
        let _ = write_image::encode_image(format, source.picture.clone(), source.metadata.clone());
    }
});
