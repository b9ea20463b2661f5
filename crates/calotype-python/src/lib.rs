//! The extension module of the Python package `calotype`: arrays in, bytes out, and back. What users call stands in `python/calotype/__init__.py`.

#![forbid(unsafe_code)]

mod arrays;
mod codec;
mod errors;
mod info;
mod loaded;

/// The compiled part of the package `calotype`.
#[pyo3::pymodule]
mod _calotype {
    #[pymodule_export]
    use super::codec::Codec;
    #[pymodule_export]
    use super::info::{Info, info, metadata};

    /// Version of the package and of the library.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
}
