//! Tests that stand above all crates, and what several crates' tests share: `golden/` (a tiny model, layer vectors and a file that PyTorch and
//! NumPy made: `python -m calotype_training.golden tests/golden`) and `networks/` (tiny networks of other forms than the first, which every
//! engine's tests run: a new file there is a new test).

#![forbid(unsafe_code)]

#[cfg(feature = "yardstick")]
pub mod yardstick;
