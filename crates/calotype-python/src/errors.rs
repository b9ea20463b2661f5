//! The library's errors as the classes of `calotype.errors`, with the library's words.

use calotype::Error;
use pyo3::prelude::*;

/// The class of an error, by whose fault it is.
fn class_of(error: &Error) -> &'static str {
    match error {
        Error::Malformed { .. } => "MalformedError",
        Error::Usage(_) => "UsageError",
        Error::Limits { .. } | Error::Memory { .. } | Error::NoMemory { .. } => "LimitError",
        Error::Unsupported(_) => "UnsupportedError",
        _ => "EngineError",
    }
}

/// An exception of a class of `calotype.errors`.
pub fn raised(py: Python<'_>, class: &str, message: String) -> PyErr {
    let made = py.import("calotype.errors").and_then(|module| module.getattr(class)?.call1((message,)));
    made.map_or_else(|error| error, PyErr::from_value)
}

/// The exception of an error.
pub fn exception(py: Python<'_>, error: &Error) -> PyErr {
    raised(py, class_of(error), error.to_string())
}

/// A caller's mistake that the library does not know of.
pub fn usage(py: Python<'_>, message: impl Into<String>) -> PyErr {
    raised(py, "UsageError", message.into())
}
