//! NumPy arrays and pictures: [h, w] is grey, [h, w, 2] has alpha besides, [h, w, 3] is RGB, [h, w, 4] RGBA; samples are uint8 or uint16.

use calotype::{Channels, Picture, Samples};
use numpy::{Element, PyArray1, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::errors::{exception, usage};

/// A copy of an array: it may change while the codec runs without the interpreter's lock.
pub fn picture(array: &Bound<'_, PyAny>) -> PyResult<Picture> {
    let py = array.py();
    if let Ok(array) = array.extract::<PyReadonlyArrayDyn<'_, u8>>() {
        return of_samples(py, array.shape(), Samples::U8(samples(&array)));
    }
    if let Ok(array) = array.extract::<PyReadonlyArrayDyn<'_, u16>>() {
        return of_samples(py, array.shape(), Samples::U16(samples(&array)));
    }
    Err(usage(py, "a picture is an array of uint8 or uint16"))
}

/// Row by row, whatever the array's strides are.
fn samples<T: Element + Copy>(array: &PyReadonlyArrayDyn<'_, T>) -> Vec<T> {
    let view = array.as_array();
    // Of the view, not of the array: NumPy's slice is in the order of memory, which may be column by column.
    view.as_slice().map_or_else(|| view.iter().copied().collect(), <[T]>::to_vec)
}

fn of_samples(py: Python<'_>, shape: &[usize], samples: Samples) -> PyResult<Picture> {
    let channels = match shape {
        [_, _] | [_, _, 1] => Channels::Grey,
        [_, _, 2] => Channels::GreyAlpha,
        [_, _, 3] => Channels::Rgb,
        [_, _, 4] => Channels::Rgba,
        _ => {
            return Err(usage(
                py,
                format!("an array of shape {shape:?} is no picture: it must be [height, width] or [height, width, 1 to 4]"),
            ));
        }
    };
    let [height, width] = [shape[0], shape[1]].map(|side| u32::try_from(side).unwrap_or(u32::MAX));
    Picture::new(width, height, channels, samples).map_err(|error| exception(py, &error))
}

/// The samples of a picture as an array, not copied.
pub fn array(py: Python<'_>, picture: Picture) -> PyResult<Bound<'_, PyAny>> {
    let [height, width] = [picture.height(), picture.width()].map(|side| side as usize);
    let channels = picture.channels().count();
    match picture.into_samples() {
        Samples::U8(samples) => shaped(PyArray1::from_vec(py, samples), height, width, channels),
        Samples::U16(samples) => shaped(PyArray1::from_vec(py, samples), height, width, channels),
    }
}

fn shaped<'py, T: Element>(flat: Bound<'py, PyArray1<T>>, height: usize, width: usize, channels: usize) -> PyResult<Bound<'py, PyAny>> {
    match channels {
        1 => Ok(flat.reshape([height, width])?.into_any()),
        _ => Ok(flat.reshape([height, width, channels])?.into_any()),
    }
}
