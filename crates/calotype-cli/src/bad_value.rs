//! Why a flag's value is refused, with what is possible instead. clap names the flag and the value before it.

/// A value that its flag cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadValue {
    /// No length of a file.
    #[error("give bytes, as 100000, 100kB, 1.5MB, 64KiB, 2GiB or 1TB")]
    Bytes,
    /// No whole number.
    #[error("give a number, as 100000, 100k, 1.5M, 2G or 1T")]
    Count,
    /// No whole number, where none needs a unit.
    #[error("give a whole number, as 4")]
    Number,
    /// Nothing that lies over a picture.
    #[cfg(feature = "view")]
    #[error("give bits, sigma, or the number of a channel")]
    Overlay,
    /// No point of a picture.
    #[cfg(feature = "view")]
    #[error("give two numbers, e.g. 300,200")]
    Place,
    /// No size of a picture, or too large a one.
    #[error("not a size; give e.g. 1920x1080")]
    Size,
    /// No rectangle.
    #[error("give four numbers: left, top, width, height, e.g. 100,50,256,256")]
    Region,
    /// No reduction that can be decoded.
    #[error("give 1/2, 1/4 or 1/8")]
    Scale,
    /// No number, or none above 0.
    #[error("give a number above 0")]
    NotPositive,
    /// No number where a quality should be.
    #[error("not a number; give 0 to 100, e.g. -q 62.5")]
    NoQuality,
    /// A quality beyond the scale.
    #[error("out of range; give 0 to 100")]
    BeyondQuality,
}
