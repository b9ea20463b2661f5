//! What comes with a picture: colour space, Exif, XMP (docs/FORMAT.md section 3).

use calotype_format::layout::{CICP_BYTES, section};
use calotype_format::{Fault, File, Section};

use crate::error::{Error, Malformation};

/// Metadata, carried byte by byte and not looked into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// An ICC profile of the picture's channels.
    pub icc: Option<Vec<u8>>,
    /// Colour primaries, transfer function, matrix (0), full range (1) of ITU-T H.273; it wins over the profile. With another matrix or range
    /// it is not written, and says nothing where it is read (docs/FORMAT.md section 3).
    pub cicp: Option<[u8; CICP_BYTES]>,
    /// Exif from its byte order mark. Its Orientation says how the picture is to be turned when it is shown.
    pub exif: Option<Vec<u8>>,
    /// An XMP packet.
    pub xmp: Option<Vec<u8>>,
}

impl Metadata {
    pub(crate) fn of(file: &File<'_>) -> Result<Metadata, Error> {
        let bytes = |tag| file.section(tag).map(|section| section.bytes.to_vec());
        Ok(Metadata { icc: bytes(section::ICC), cicp: cicp(file)?, exif: bytes(section::EXIF), xmp: bytes(section::XMP) })
    }

    pub(crate) fn sections(&self) -> impl Iterator<Item = Section> {
        let section = |tag, bytes: Option<Vec<u8>>| bytes.map(|bytes| Section { tag, bytes });
        let cicp = self.cicp.map(|cicp| cicp.to_vec());
        let sections = [
            section(section::ICC, self.icc.clone()),
            section(section::CICP, cicp),
            section(section::EXIF, self.exif.clone()),
            section(section::XMP, self.xmp.clone()),
        ];
        sections.into_iter().flatten()
    }
}

fn cicp(file: &File<'_>) -> Result<Option<[u8; CICP_BYTES]>, Error> {
    let Some(section) = file.section(section::CICP) else { return Ok(None) };
    let what = Fault::SectionLength { tag: section.tag, bytes: section.bytes.len(), expected: CICP_BYTES as u64 };
    let malformed = Error::Malformed { offset: section.offset as u64, what: Malformation::Container(what) };
    <[u8; CICP_BYTES]>::try_from(section.bytes).map(Some).map_err(|_| malformed)
}
