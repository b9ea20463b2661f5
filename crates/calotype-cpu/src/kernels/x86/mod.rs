//! x86-64 kernels: the only module tree of this crate with `unsafe`.
//!
//! Two arguments make it sound. **Instructions**: a value of [`avx2::Avx2`] or [`avx512::Avx512`] exists only where `detect` found the
//! features that its functions are compiled for, and the functions are reached only through such a value. **Memory**: every pointer comes from
//! a slice whose length is asserted against the farthest byte touched before the loops run; each `unsafe` block names its bound.

pub(crate) mod avx2;
pub(crate) mod avx512;
mod chains;
