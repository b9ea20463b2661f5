//! Whole-program tests: the binary as a user runs it.

mod batch;
mod bench;
mod damage;
mod engines;
mod eval;
mod harness;
mod models;
mod pipes;
mod refusals;
mod round_trip;
