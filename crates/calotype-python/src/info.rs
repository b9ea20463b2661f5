//! What a file says about itself, before any pixel is decoded.

use calotype::{DecodeOptions, Decoder, Quality};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::errors::exception;

/// No limits: nothing is allocated for pixels.
const UNLIMITED: DecodeOptions = DecodeOptions { max_pixels: u64::MAX, max_memory: u64::MAX };

/// What a file says about itself.
#[pyclass(frozen, get_all, module = "calotype")]
pub struct Info {
    /// Pixels in a row.
    width: u32,
    /// Rows.
    height: u32,
    /// 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
    channels: usize,
    /// Bits of a sample, 8 or 16.
    depth: u8,
    /// How good it is, 0 to 100; None if its model is not in this version.
    quality: Option<f64>,
    /// The model that wrote it, as hexadecimal digits.
    model: String,
    /// Whether that model was never released, so that later versions need not decode the file.
    development: bool,
    /// Length of the file.
    bytes: usize,
    /// Bits of the file for each pixel.
    bits_per_pixel: f64,
}

#[pymethods]
impl Info {
    /// Of the array that `decode` gives.
    #[getter]
    fn shape(&self) -> Vec<usize> {
        let mut shape = vec![self.height as usize, self.width as usize];
        shape.extend((self.channels > 1).then_some(self.channels));
        shape
    }

    fn __repr__(&self) -> String {
        let Info { width, height, channels, depth, bytes, bits_per_pixel, .. } = self;
        let quality = self.quality.map_or("None".to_string(), |points| format!("{points:.1}"));
        format!(
            "Info(width={width}, height={height}, channels={channels}, depth={depth}, quality={quality}, bytes={bytes}, bits_per_pixel={bits_per_pixel:.3})"
        )
    }
}

/// What a file says about itself: see `Info`.
#[pyfunction]
pub fn info(py: Python<'_>, data: &[u8]) -> PyResult<Info> {
    let info = Decoder::partial(data, &UNLIMITED).map_err(|error| exception(py, &error))?.info();
    Ok(Info {
        width: info.width,
        height: info.height,
        channels: if info.grey { 1 } else { 3 } + usize::from(info.alpha),
        depth: info.depth,
        quality: info.quality().map_err(|error| exception(py, &error))?.map(Quality::points),
        model: info.model_id.to_string(),
        development: info.development,
        bytes: info.bytes,
        bits_per_pixel: info.bits_per_pixel(),
    })
}

/// A file's `icc`, `exif` and `xmp` as bytes and `cicp` as four numbers, those that it has.
#[pyfunction]
pub fn metadata<'py>(py: Python<'py>, data: &[u8]) -> PyResult<Bound<'py, PyDict>> {
    let found = Decoder::new(data, &UNLIMITED).and_then(|decoder| decoder.metadata()).map_err(|error| exception(py, &error))?;
    let all = PyDict::new(py);
    for (name, bytes) in [("icc", found.icc), ("exif", found.exif), ("xmp", found.xmp)] {
        if let Some(bytes) = bytes {
            all.set_item(name, PyBytes::new(py, &bytes))?;
        }
    }
    if let Some([primaries, transfer, matrix, range]) = found.cicp {
        all.set_item("cicp", (primaries, transfer, matrix, range))?;
    }
    Ok(all)
}
