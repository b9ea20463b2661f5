//! GIF: blocks that no decoder here tells of.

/// The signature and the description of the screen.
const HEADER_BYTES: usize = 13;
const EXTENSION: u8 = 0x21;
const COMMENT: u8 = 0xFE;
const IMAGE: u8 = 0x2C;
/// The description of an image, and the byte that its pixels begin with.
const IMAGE_BYTES: usize = 9;
const CODE_BYTES: usize = 1;

/// Whether a comment is among the blocks.
pub fn has_comment(gif: &[u8]) -> bool {
    let mut rest = gif.get(10).and_then(|flags| gif.get(HEADER_BYTES + table_bytes(*flags)..)).unwrap_or_default();
    loop {
        let after = match rest {
            [EXTENSION, COMMENT, ..] => return true,
            [EXTENSION, _, parts @ ..] => behind_parts(parts),
            [IMAGE, image @ ..] => {
                let head = image.get(IMAGE_BYTES - 1).map(|flags| IMAGE_BYTES + table_bytes(*flags) + CODE_BYTES);
                head.and_then(|head| image.get(head..)).and_then(behind_parts)
            }
            _ => None,
        };
        let Some(after) = after else { return false };
        rest = after;
    }
}

/// Bytes of the table of colours that these flags announce.
fn table_bytes(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 6 << (flags & 7) }
}

/// What follows parts that begin with their lengths, after the empty one.
fn behind_parts(mut parts: &[u8]) -> Option<&[u8]> {
    loop {
        let (&length, rest) = parts.split_first()?;
        parts = rest.get(usize::from(length)..)?;
        if length == 0 {
            return Some(parts);
        }
    }
}
