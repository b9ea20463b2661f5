//! Whole-program tests: the binary as a user runs it.

mod bands;
mod batch;
mod bench;
mod cases;
mod cases_metadata;
mod damage;
#[cfg(all(feature = "view", unix))]
mod display;
mod engines;
mod eval;
mod files;
mod harness;
mod inputs;
mod kit;
mod limits;
mod makers;
mod messages;
mod metadata;
mod models;
#[path = "../../../calotype/tests/mutation/mod.rs"]
mod mutation;
mod mutations;
mod pictures;
mod pipes;
mod refusals;
mod round_trip;
#[cfg(feature = "view")]
mod screenshot;
#[cfg(all(feature = "view", unix))]
mod slider;
mod targets;
mod whole;
#[cfg(all(feature = "view", unix))]
mod window;
#[cfg(all(feature = "view", unix))]
mod window_files;
