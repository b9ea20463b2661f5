//! What a file carries, as it was found.

use std::io::Read;

use calotype::Metadata;

use super::note::{MOST_BYTES, damaged};
use crate::exif;

/// The name that Exif has in a JPEG; some programs write it elsewhere, too.
pub const EXIF_NAME: &[u8] = b"Exif\0\0";
/// The note on IPTC; what becomes of Exif and XMP is another matter.
pub const IPTC: &str = "its IPTC is left out";

/// What a file carries, as it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// What there is.
    pub metadata: Metadata,
    /// What was not taken, one line each.
    pub notes: Vec<String>,
}

impl Found {
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Takes the first Exif of a file.
    pub fn add_exif(&mut self, exif: Vec<u8>) {
        match (&self.metadata.exif, without_name(exif)) {
            (None, Some(exif)) => self.metadata.exif = Some(exif),
            (None, None) => self.note(damaged("Exif")),
            (Some(first), second) => {
                if second.as_ref() != Some(first) {
                    self.note("its second Exif is left out");
                }
            }
        }
    }

    /// Takes the first XMP of a file.
    pub fn add_xmp(&mut self, xmp: Vec<u8>) {
        match &self.metadata.xmp {
            None => self.metadata.xmp = Some(xmp),
            Some(first) if *first == xmp => {}
            Some(_) => self.note("its second XMP is left out"),
        }
    }
}

/// What a stream holds, as far as it is not too long.
pub enum Inflated {
    Whole(Vec<u8>),
    TooLong,
    Damaged,
}

impl Inflated {
    pub fn of(stream: impl Read) -> Inflated {
        let mut bytes = Vec::new();
        match stream.take(MOST_BYTES + 1).read_to_end(&mut bytes) {
            Err(_) => Inflated::Damaged,
            Ok(length) if length as u64 > MOST_BYTES => Inflated::TooLong,
            Ok(_) => Inflated::Whole(bytes),
        }
    }
}

/// So many bytes of a file from where it is, if it has them and they are not too many.
pub fn take(file: &mut impl Read, length: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    (length <= MOST_BYTES).then_some(())?;
    file.take(length).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 == length).then_some(bytes)
}

/// Exif from its byte order mark; `None` if it has none.
pub fn without_name(mut exif: Vec<u8>) -> Option<Vec<u8>> {
    if exif.starts_with(EXIF_NAME) {
        exif.drain(..EXIF_NAME.len());
    }
    exif::is_tiff(&exif).then_some(exif)
}
