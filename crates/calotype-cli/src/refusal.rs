//! Why a file is no picture that can be read, before it has a name.

use std::error::Error;
use std::fmt::Display;
use std::io::ErrorKind;
use std::path::Path;

use image::ImageError;
use image::error::{DecodingError, ImageFormatHint, LimitError, LimitErrorKind, UnsupportedError, UnsupportedErrorKind};

use crate::failure::Failure;
use crate::flags;

/// What to do with most pictures that are not read.
const CONVERT: &str = "convert it to PNG first";

/// What is wrong with a file whose end is missing.
pub const BREAKS_OFF: &str = "it breaks off";

/// What is wrong with an image file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is, or uses, what no reader here knows.
    Unsupported {
        /// "is ..." or "uses ...".
        what: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// It takes more than its decoder may take.
    TooLarge(String),
    /// Something in it is damaged.
    Damaged(String),
}

impl Refusal {
    /// It uses something that is not read.
    pub fn uses(what: impl Display) -> Refusal {
        Refusal::Unsupported { what: format!("uses {what}"), remedy: CONVERT }
    }

    /// It is something that is not read.
    pub fn is(what: impl Display, remedy: &'static str) -> Refusal {
        Refusal::Unsupported { what: format!("is {what}"), remedy }
    }

    /// Something is damaged.
    pub fn damaged(what: impl Display) -> Refusal {
        Refusal::Damaged(what.to_string())
    }

    /// The failure of the file `path`.
    pub fn of(self, path: &Path) -> Failure {
        match self {
            Refusal::Unsupported { what, remedy } => Failure::unsupported(path, format!("{what}, which calotype does not read; {remedy}")),
            Refusal::TooLarge(what) => {
                Failure::unsupported(path, format!("{what}; raise the limit with {}", flags::named("max-pixels", "encode")))
            }
            Refusal::Damaged(what) if flags::is_given("salvage") => {
                Failure::malformed(path, format!("is a damaged image of which nothing can be read: {what}; get it again"))
            }
            Refusal::Damaged(what) => {
                let salvage = flags::named("salvage", "encode");
                Failure::malformed(
                    path,
                    format!("is a damaged image: {what}; get it again, or encode what can be read of it with {salvage}"),
                )
            }
        }
    }

    /// What an error of the `image` crate says of a file.
    pub fn from_image(error: ImageError) -> Refusal {
        match error {
            ImageError::Unsupported(error) => match error.kind() {
                UnsupportedErrorKind::GenericFeature(what) => Refusal::uses(what),
                _ => Refusal::uses(format!("what its decoder does not know ({error})")),
            },
            ImageError::Limits(error) => Refusal::TooLarge(error.to_string()),
            ImageError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => Refusal::damaged(BREAKS_OFF),
            // What is wrong, without the name of the format.
            ImageError::Decoding(error) => error.source().map_or_else(|| Refusal::damaged(&error), Refusal::damaged),
            error => Refusal::damaged(error),
        }
    }
}

impl From<Refusal> for ImageError {
    fn from(refusal: Refusal) -> ImageError {
        match refusal {
            Refusal::Unsupported { what, .. } => {
                let kind = UnsupportedErrorKind::GenericFeature(what.trim_start_matches("uses ").to_string());
                ImageError::Unsupported(UnsupportedError::from_format_and_kind(ImageFormatHint::Unknown, kind))
            }
            Refusal::TooLarge(_) => ImageError::Limits(LimitError::from_kind(LimitErrorKind::InsufficientMemory)),
            Refusal::Damaged(what) => ImageError::Decoding(DecodingError::new(ImageFormatHint::Unknown, what)),
        }
    }
}
