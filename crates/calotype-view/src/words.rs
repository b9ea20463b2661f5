//! Numbers and names as people read them.

use std::path::Path;

use calotype::Info;

use crate::side::{Choice, Side};

/// A length in bytes.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1000 => format!("{bytes} bytes"),
        1000..100_000 => format!("{:.2} kB", bytes as f64 / 1e3),
        100_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.2} MB", bytes as f64 / 1e6),
    }
}

/// A length in bytes, and what that is in bits per pixel of a picture.
pub fn size_and_rate(bytes: u64, width: u32, height: u32) -> String {
    let rate = bytes as f64 * 8.0 / (f64::from(width) * f64::from(height));
    format!("{}, {rate:.3} bits per pixel", size(bytes))
}

/// The last part of a path.
pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// What a side is.
pub fn label(side: &Side) -> String {
    match side {
        Side::File(path) => file_name(path),
        Side::Calotype(_, quality) => format!("Calotype, quality {:.1}", quality.points()),
        Side::Peer(_, name, _) => codec(name).to_owned(),
    }
}

/// The quality of a file, in points if its model is known.
pub fn quality(info: &Info) -> String {
    let points = info.quality().ok().flatten();
    points.map_or_else(|| format!("fineness {}", info.fineness), |quality| format!("quality {:.2}", quality.points()))
}

/// What can be chosen for a side.
pub fn choice(choice: &Choice) -> String {
    match choice {
        Choice::Current => "this file".to_owned(),
        Choice::Original => "original".to_owned(),
        Choice::Calotype(_) => "Calotype".to_owned(),
        Choice::Peer(name) => format!("{} of the same size", codec(name)),
        Choice::File(path) => file_name(path),
    }
}

/// The name of a codec.
pub fn codec(name: &str) -> &str {
    match name {
        "jpeg" => "JPEG",
        "webp" => "WebP",
        "avif" => "AVIF",
        "jxl" => "JPEG XL",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let sizes = [999, 1000, 99_940, 123_456, 1_234_567].map(size);
        assert_eq!(sizes, ["999 bytes", "1.00 kB", "99.94 kB", "123.5 kB", "1.23 MB"]);
        assert_eq!(size_and_rate(1000, 100, 80), "1.00 kB, 1.000 bits per pixel");
    }
}
