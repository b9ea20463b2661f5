//! Notes on what is not taken.

/// Of a profile, of Exif or of XMP no more bytes are taken.
pub const MOST_BYTES: u64 = 16 << 20;

/// The note on what cannot be read.
pub fn damaged(what: &str) -> String {
    format!("its {what} is damaged and left out")
}

/// The note on a comment in a file.
pub const COMMENT: &str = "its comment is left out";

/// The note on colours of a space that a `.calo` file does not have.
pub fn converted(space: &str) -> String {
    format!("its {space} colours were converted to sRGB without a profile")
}

/// Whether a note is on the loss of what is so called, e.g. `Exif`.
pub fn is_on(note: &str, what: &str) -> bool {
    let said = note.strip_prefix("some of ").unwrap_or(note).strip_prefix("its ");
    said.and_then(|said| said.strip_prefix("second ").unwrap_or(said).strip_prefix(what)).is_some_and(|rest| rest.starts_with(' '))
}

/// The note on what is over [`MOST_BYTES`].
pub fn too_long(what: &str) -> String {
    format!("its {what} is left out, for it is longer than {} MiB", MOST_BYTES >> 20)
}
