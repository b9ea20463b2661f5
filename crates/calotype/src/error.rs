//! Errors, sorted by whose fault they are.

use calotype_engine::padded_area;
use calotype_format::{Fold, Region};
use rayon::iter::IndexedParallelIterator;

use crate::model_id::ModelId;

/// Why a picture could not be encoded or decoded.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is damaged, or no `.calo` file at all.
    #[error("{}", malformed_line(*.offset, .what))]
    Malformed {
        /// Bytes from the beginning of the file.
        offset: u64,
        /// What is wrong there.
        what: Malformation,
    },
    /// The file is fine, but this program cannot read it.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The picture is larger than the caller allows.
    #[error("{}", too_large_line(*.width, *.height, *.max_pixels))]
    Limits {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// The limit.
        max_pixels: u64,
    },
    /// The picture needs more memory than the caller allows.
    #[error("it needs about {} of memory, over the limit of {}", about(*.needed), exact(*.limit))]
    Memory {
        /// Bytes.
        needed: u64,
        /// The limit.
        limit: u64,
    },
    /// The picture needs more memory than the machine gives now.
    #[error("it needs about {} of memory, more than there is", about(*.needed))]
    NoMemory {
        /// Bytes.
        needed: u64,
    },
    /// The caller asks for something impossible.
    #[error(transparent)]
    Usage(#[from] Usage),
    /// The engine or its model cannot run here.
    #[error(transparent)]
    Engine(#[from] EngineFault),
}

/// What is wrong in a damaged file.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformation {
    /// Another kind of file.
    #[error("not a .calo file")]
    NotCalo,
    /// The container (docs/FORMAT.md sections 1 to 4).
    #[error("{0}")]
    Container(calotype_format::Fault),
    /// A stream of symbols (docs/FORMAT.md section 6).
    #[error("{0}")]
    Stream(calotype_rans::Fault),
    /// A stream of alpha (docs/FORMAT.md section 3.1).
    #[error("alpha: {0}")]
    Alpha(calotype_plane::Error),
    /// Tiles of fewer pixels than a hyper-latent of the model.
    #[error("tiles of 2^{0} pixels a side are smaller than a hyper-latent of the model")]
    Tile(u8),
}

/// What this program cannot read.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// Another version of the format, or one of its reserved features.
    #[error("{} is not supported; {}", .0, .0.reader())]
    Feature(calotype_format::Feature),
    /// The file was written by a model that is not loaded.
    #[error("written by model {wanted}, but this program has model {loaded}; decode it with the calotype version that wrote it")]
    Model {
        /// The file's model.
        wanted: ModelId,
        /// The codec's model.
        loaded: ModelId,
    },
}

/// What a caller did wrong.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Usage {
    /// Quality outside 0..=100.
    #[error("quality {points} is outside 0 to 100")]
    Quality {
        /// The refused value.
        points: f64,
    },
    /// A side is 0, or the bytes are not `width * height * 3`.
    #[error("an image of {width}x{height} pixels cannot have {bytes} bytes of RGB")]
    ImageSize {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Length of the rows together.
        bytes: usize,
    },
    /// A region that is empty or reaches beyond the picture.
    #[error("the region {},{} of {}x{} pixels is not inside the picture of {width}x{height}", .region.x, .region.y, .region.width, .region.height)]
    Region {
        /// The refused region.
        region: Region,
        /// Pixels in a row of the picture.
        width: u32,
        /// Rows of the picture.
        height: u32,
    },
    /// A side is 0, or there are not `width * height * channels` samples.
    #[error("a picture of {width}x{height} pixels of {channels} channels cannot have {samples} samples")]
    PictureSize {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Samples of a pixel.
        channels: usize,
        /// Samples given.
        samples: usize,
    },
    /// A CICP of other than RGB of full range (docs/FORMAT.md section 3).
    #[error("CICP with matrix {matrix} and range {range}; a picture of RGB has matrix 0 and range 1")]
    Cicp {
        /// Matrix coefficients.
        matrix: u8,
        /// Whether the range is full.
        range: u8,
    },
    /// Encoding with a codec that was loaded to decode only.
    #[error("this codec has no encoder part")]
    NoEncoder,
    /// Tiles of fewer pixels than a hyper-latent of the model.
    #[error("tiles of 2^{0} pixels a side are smaller than a hyper-latent of the model")]
    Tile(u8),
    /// The container cannot hold this, e.g. tiles of 2^17 pixels.
    #[error("{0}")]
    Container(calotype_format::Misuse),
    /// A tile with too many symbols for a stream.
    #[error("{0}; choose smaller tiles")]
    Stream(calotype_rans::Error),
}

/// Why the engine cannot run.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum EngineFault {
    /// The machine lacks what the engine needs, or was given maps that do not fit.
    #[error("engine: {0}")]
    Cpu(#[from] calotype_cpu::Error),
    /// There is no GPU, not the one that was asked for, or it cannot run the network.
    #[cfg(feature = "gpu")]
    #[error("{0}")]
    Gpu(#[from] calotype_gpu::Error),
    /// A GPU was asked for in a build without the feature `gpu`.
    #[cfg(not(feature = "gpu"))]
    #[error("this build has no GPU engine (feature `gpu`)")]
    NoGpu,
    /// A model part is damaged.
    #[error("model: {0}")]
    Model(#[from] calotype_model::Error),
    /// The CDF tables of a model are unusable.
    #[error("model: {0}")]
    Tables(#[from] calotype_rans::TableError),
}

/// Bytes as a person says them, to three digits, e.g. `2.15 GB`.
pub fn about(bytes: u64) -> String {
    let units = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    let (unit, size) = units.into_iter().find(|(_, size)| bytes as f64 >= *size).unwrap_or(("bytes", 1.0));
    let number = bytes as f64 / size;
    let digits = if size == 1.0 || number >= 100.0 { 0 } else { 2 - number.log10() as usize };
    format!("{number:.digits$} {unit}")
}

/// Bytes as a person gave them, in the unit of which they are a whole number, e.g. `500 MB`.
pub fn exact(bytes: u64) -> String {
    let units = [
        ("TiB", 1 << 40),
        ("TB", 1_000_000_000_000),
        ("GiB", 1 << 30),
        ("GB", 1_000_000_000),
        ("MiB", 1 << 20),
        ("MB", 1_000_000),
        ("KiB", 1 << 10),
        ("kB", 1000),
    ];
    let whole = units.into_iter().find(|(_, size)| bytes > 0 && bytes.is_multiple_of(*size));
    whole.map_or_else(|| format!("{bytes} bytes"), |(unit, size)| format!("{} {unit}", bytes / size))
}

/// What was worked on side by side, or the first error in its order: which one came first in time is chance, and the same file is
/// to be refused in the same words.
pub(crate) fn in_order<T: Send>(results: impl IndexedParallelIterator<Item = Result<T, Error>>) -> Result<Vec<T>, Error> {
    results.collect::<Vec<_>>().into_iter().collect()
}

fn too_large_line(width: u32, height: u32, max_pixels: u64) -> String {
    // A thin picture may be in a file that was written before such were folded.
    let folded = Fold::of(width, height).map(|fold| padded_area(fold.extent())).filter(|pixels| *pixels > max_pixels);
    let padded = padded_area((width, height));
    let (counted, how) = match folded {
        Some(folded) => (folded, " (folded, and sides padded to multiples of 64)"),
        None if padded > u64::from(width) * u64::from(height) => (padded, " (sides padded to multiples of 64)"),
        None => (padded, ""),
    };
    format!("{width}x{height} pixels count as {counted}{how}, over the limit of {}", exact_count(max_pixels))
}

/// A number as a person gave it, in the unit of which it is a whole number, e.g. `80k`.
fn exact_count(number: u64) -> String {
    let units = [("G", 1_000_000_000), ("M", 1_000_000), ("k", 1000)];
    let whole = units.into_iter().find(|(_, size)| number > 0 && number.is_multiple_of(*size));
    whole.map_or_else(|| number.to_string(), |(unit, size)| format!("{}{unit}", number / size))
}

fn malformed_line(offset: u64, what: &Malformation) -> String {
    match what {
        Malformation::NotCalo => what.to_string(),
        _ => format!("damaged .calo file, byte {offset}: {what}"),
    }
}

impl From<calotype_format::Error> for Error {
    fn from(error: calotype_format::Error) -> Error {
        use calotype_format::Error as Container;
        match error {
            Container::Malformed { offset, what } => Error::Malformed { offset, what: Malformation::Container(what) },
            Container::Unsupported { feature } => Unsupported::Feature(feature).into(),
            Container::TooManyPixels { width, height, limit } => Error::Limits { width, height, max_pixels: limit },
            Container::Unwritable { what } => Usage::Container(what).into(),
            // The remaining kind; a later one has no better place.
            _ => Error::Malformed { offset: 0, what: Malformation::NotCalo },
        }
    }
}

impl From<calotype_cpu::Error> for Error {
    fn from(error: calotype_cpu::Error) -> Error {
        EngineFault::Cpu(error).into()
    }
}

#[cfg(feature = "gpu")]
impl From<calotype_gpu::Error> for Error {
    fn from(error: calotype_gpu::Error) -> Error {
        EngineFault::Gpu(error).into()
    }
}

impl From<calotype_model::Error> for Error {
    fn from(error: calotype_model::Error) -> Error {
        EngineFault::Model(error).into()
    }
}

impl From<calotype_rans::TableError> for Error {
    fn from(error: calotype_rans::TableError) -> Error {
        EngineFault::Tables(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_pixels_are_said_as_they_count() {
        let lines = [(1000, 16, 65_535), (10_000, 1, 12_287), (300, 300, 80_000), (640, 64, 40_000), (u32::MAX, u32::MAX, 1_000_000_000)]
            .map(|(width, height, max_pixels)| Error::Limits { width, height, max_pixels }.to_string());
        assert_eq!(
            lines,
            [
                "1000x16 pixels count as 65536 (sides padded to multiples of 64), over the limit of 65535",
                "10000x1 pixels count as 12288 (folded, and sides padded to multiples of 64), over the limit of 12287",
                "300x300 pixels count as 102400 (sides padded to multiples of 64), over the limit of 80k",
                "640x64 pixels count as 40960, over the limit of 40k",
                "4294967295x4294967295 pixels count as 18446744073709551615 (sides padded to multiples of 64), over the limit of 1G",
            ]
        );
    }

    #[test]
    fn amounts_are_said_as_they_were_given() {
        assert_eq!(
            [500_000_000, 4 << 30, 64 << 10, 1_500_000, 1000, 1234].map(exact),
            ["500 MB", "4 GiB", "64 KiB", "1500 kB", "1 kB", "1234 bytes"]
        );
        assert_eq!([80_000, 1_000_000, 1_500_000, 1_000_000_000, 65_535, 0].map(exact_count), ["80k", "1M", "1500k", "1G", "65535", "0"]);
        assert_eq!([999, 2_147_483_648, 51_200_000_000, 123_456].map(about), ["999 bytes", "2.15 GB", "51.2 GB", "123 kB"]);
    }
}
