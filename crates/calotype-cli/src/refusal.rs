//! Why a file is no picture that can be read, before it has a name.

use std::error::Error;
use std::fmt::Display;
use std::io::ErrorKind;
use std::path::Path;

use image::ImageError;
use image::error::{DecodingError, ImageFormatHint};

use crate::failure::Failure;
use crate::flags;

/// What to do with most pictures that are not read.
const CONVERT: &str = "convert it to PNG first";

/// What is wrong with a file whose end is missing.
pub const BREAKS_OFF: &str = "it breaks off";
/// What is wrong with most others.
pub const UNDECODABLE: &str = "not all of its pixels can be decoded";

/// What is wrong, by words that decoders have for it. All they say is for those who wrote them.
const PLAIN: [(&[&str], &str); 2] = [
    (&["end of file", "whole buffer", "truncated", "incomplete", "exhausted", "is missing"], BREAKS_OFF),
    (&["header", "magic", "preamble", "signature", "size", "negative", "maxval"], "its header is damaged"),
];

/// What is wrong with an image file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is, or uses, what no reader here knows.
    #[error("{what}")]
    Unsupported {
        /// "is ..." or "uses ...".
        what: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// It takes more than its decoder may take.
    #[error("needs more memory to decode than the limit on pixels allows")]
    TooLarge,
    /// Something in it is damaged.
    #[error("{0}")]
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

    /// What a decoder complains of, as damage in plain words.
    pub fn of_decoder(error: impl Display) -> Refusal {
        let words = error.to_string();
        if let Some(name) = words.split("ChunkType { type: ").nth(1).and_then(|rest| rest.split(',').next()) {
            return Refusal::Damaged(format!("its chunk {name} is damaged"));
        }
        let words = words.to_lowercase();
        if words.contains("failed to allocate") {
            return Refusal::TooLarge;
        }
        let plain = PLAIN.iter().find(|(parts, _)| parts.iter().any(|part| words.contains(part)));
        Refusal::damaged(plain.map_or(UNDECODABLE, |(_, plain)| plain))
    }

    /// The failure of the file `path`, of which nothing can be read.
    pub fn of(self, path: &Path) -> Failure {
        match self {
            Refusal::Unsupported { what, remedy } => Failure::unsupported(path, format!("{what}, which calotype does not read; {remedy}")),
            Refusal::TooLarge => {
                let flag = flags::named("max-pixels", "encode");
                Failure::unsupported(path, format!("{self}; raise it with {flag}"))
            }
            Refusal::Damaged(what) if flags::is_given("salvage") => {
                Failure::malformed(path, format!("is a damaged image of which nothing can be read: {what}; get it again"))
            }
            Refusal::Damaged(what) => Failure::malformed(path, format!("is a damaged image: {what}; get it again")),
        }
    }

    /// The failure of the damaged file `path`, of which something can be read.
    pub fn of_part(self, path: &Path) -> Failure {
        let salvage = flags::named("salvage", "encode");
        Failure::malformed(path, format!("is a damaged image: {self}; get it again, or encode what can be read of it with {salvage}"))
    }

    /// What an error of the `image` crate says of a file.
    pub fn from_image(error: ImageError) -> Refusal {
        match error {
            ImageError::Unsupported(_) => Refusal::uses("what its decoder does not know"),
            ImageError::Limits(_) => Refusal::TooLarge,
            ImageError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => Refusal::damaged(BREAKS_OFF),
            ImageError::Decoding(error) => match error.source() {
                Some(source) => source.downcast_ref::<Refusal>().cloned().unwrap_or_else(|| Refusal::of_decoder(source)),
                None => Refusal::of_decoder(error),
            },
            error => Refusal::of_decoder(error),
        }
    }
}

/// On its way through the `image` crate.
impl From<Refusal> for ImageError {
    fn from(refusal: Refusal) -> ImageError {
        ImageError::Decoding(DecodingError::new(ImageFormatHint::Unknown, refusal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_decoders_become_plain() {
        let plain = |words: &str| match Refusal::of_decoder(words) {
            Refusal::Damaged(what) => what,
            other => panic!("{other}"),
        };
        let rows = [
            (
                "CRC error: expected 0x1 have 0x2 while decoding ChunkType { type: IHDR, critical: true } chunk.",
                "its chunk IHDR is damaged",
            ),
            ("Unexpected End of File", BREAKS_OFF),
            ("failed to fill whole buffer", BREAKS_OFF),
            ("Non-ASCII-digit character when parsing number in number in preamble", "its header is damaged"),
            ("frame error: modular stream error: entropy decoder error: invalid ANS distribution", UNDECODABLE),
            ("Corrupt deflate stream. BadDistanceHuffmanTree", UNDECODABLE),
        ];
        for (words, expected) in rows {
            assert_eq!(plain(words), expected, "{words}");
        }
    }

    #[test]
    fn a_refusal_comes_through_the_image_crate() {
        for refusal in [Refusal::uses("ink"), Refusal::damaged("its end"), Refusal::TooLarge] {
            assert_eq!(Refusal::from_image(refusal.clone().into()), refusal);
        }
    }
}
