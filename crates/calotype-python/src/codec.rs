//! `calotype.Codec`: a model, its engine and its threads, for many pictures.

use calotype::{
    DEFAULT_MAX_MEMORY, DEFAULT_MAX_PIXELS, DecodeOptions, Decoder, EncodeOptions, EngineChoice, Error, Goal, Metadata, Picture, Quality,
    Region,
};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::arrays;
use crate::errors::{exception, usage};
use crate::loaded::{Loaded, Reloading, Wanted};

/// Threads beyond this help nobody and cost memory each.
const MOST_THREADS: usize = 1024;

/// What `decode` may be asked to make smaller: sides divided by these.
const SCALES: std::ops::RangeInclusive<u32> = 1..=16;

/// A codec with a model, an engine and threads of its own, for many pictures and from many Python threads.
#[pyclass(frozen, subclass, module = "calotype._calotype")]
pub struct Codec(Reloading);

#[pymethods]
impl Codec {
    #[new]
    #[pyo3(signature = (*, engine = "auto", adapter = None, threads = None))]
    fn new(py: Python<'_>, engine: &str, adapter: Option<String>, threads: Option<usize>) -> PyResult<Codec> {
        let engine = match (engine, adapter) {
            ("auto", None) => EngineChoice::Auto,
            ("cpu", None) => EngineChoice::Cpu(None),
            ("gpu", adapter) => EngineChoice::Gpu(adapter),
            ("auto" | "cpu", Some(_)) => return Err(usage(py, "an adapter is a GPU's: give engine=\"gpu\" with it")),
            (other, _) => return Err(usage(py, format!("the engine \"{other}\" is not known: auto, cpu or gpu"))),
        };
        if threads.is_some_and(|threads| !(1..=MOST_THREADS).contains(&threads)) {
            return Err(usage(py, format!("threads must be 1 to {MOST_THREADS}, or None for one on each core")));
        }
        Ok(Codec(Reloading::new(py, Wanted { engine, threads })?))
    }

    /// `cpu` or `gpu`.
    #[getter]
    fn engine(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.0.get(py)?.codec.engine().engine.to_string())
    }

    /// Name of the GPU, or of the processor's instructions.
    #[getter]
    fn device(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.0.get(py)?.codec.engine().adapter)
    }

    /// Of the threads that share the work of a picture.
    #[getter]
    fn threads(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.0.get(py)?.pool.current_num_threads())
    }

    /// The model's id, as hexadecimal digits.
    #[getter]
    fn model(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.0.get(py)?.codec.model_id().to_string())
    }

    #[pyo3(signature = (image, *, quality = None, target_size = None, icc = None, exif = None, xmp = None, cicp = None, max_memory = DEFAULT_MAX_MEMORY))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn encode<'py>(
        &self,
        py: Python<'py>,
        image: &Bound<'py, PyAny>,
        quality: Option<f64>,
        target_size: Option<u64>,
        icc: Option<Vec<u8>>,
        exif: Option<Vec<u8>>,
        xmp: Option<Vec<u8>>,
        cicp: Option<[u8; 4]>,
        max_memory: u64,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let quality = match quality {
            Some(points) => Quality::new(points).map_err(|error| exception(py, &error))?,
            None => Quality::default(),
        };
        let picture = arrays::picture(image)?;
        let metadata = Metadata { icc, cicp, exif, xmp };
        let options = EncodeOptions { quality, max_memory, ..EncodeOptions::default() };
        let made = self.run(py, |loaded| match target_size {
            None => Ok(Made::File(loaded.codec.encode_picture(&picture, &metadata, &options)?.bytes)),
            Some(size) => of_size(loaded, &picture, &metadata, &options, size),
        })?;
        match made {
            Made::File(bytes) => Ok(PyBytes::new(py, &bytes)),
            Made::TooLarge { wanted, least } => {
                Err(usage(py, format!("the picture cannot be made in {wanted} bytes; at the lowest quality it has {least}")))
            }
        }
    }

    #[pyo3(signature = (data, *, region = None, scale = 1, max_pixels = DEFAULT_MAX_PIXELS, max_memory = DEFAULT_MAX_MEMORY))]
    fn decode<'py>(
        &self,
        py: Python<'py>,
        data: &[u8],
        region: Option<[u32; 4]>,
        scale: u32,
        max_pixels: u64,
        max_memory: u64,
    ) -> PyResult<Bound<'py, PyAny>> {
        if !SCALES.contains(&scale) {
            return Err(usage(py, format!("scale={scale}: sides are divided by {} to {}", SCALES.start(), SCALES.end())));
        }
        let options = DecodeOptions { max_pixels, max_memory };
        let picture = self.run(py, |loaded| {
            let decoder = Decoder::new(data, &options)?;
            let region = region.map_or(decoder.whole(), |[x, y, width, height]| Region { x, y, width, height });
            if scale == 1 {
                return decoder.picture_region(&loaded.codec, region);
            }
            Picture::stacked(calotype::scaled(decoder.picture_bands(&loaded.codec, region)?, scale))
        })?;
        arrays::array(py, picture)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<calotype.Codec {} ({}), {} threads>", self.engine(py)?, self.device(py)?, self.threads(py)?))
    }
}

impl Codec {
    /// Runs a task on the codec's threads, without the interpreter's lock.
    fn run<T: Send>(&self, py: Python<'_>, task: impl FnOnce(&Loaded) -> Result<T, Error> + Send) -> PyResult<T> {
        let loaded = self.0.get(py)?;
        py.detach(|| loaded.pool.install(|| task(&loaded))).map_err(|error| exception(py, &error))
    }
}

enum Made {
    File(Vec<u8>),
    TooLarge { wanted: u64, least: usize },
}

fn of_size(loaded: &Loaded, picture: &Picture, metadata: &Metadata, options: &EncodeOptions, size: u64) -> Result<Made, Error> {
    let hit = loaded.codec.expose(picture, metadata, options)?.meet(&Goal::Bytes(size))?;
    let bytes = hit.encoded.bytes;
    Ok(if bytes.len() as u64 <= size { Made::File(bytes) } else { Made::TooLarge { wanted: size, least: bytes.len() } })
}
