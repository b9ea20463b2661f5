//! A kit for a machine with a GPU where nothing is installed: program, model, kernel tests, pictures, and what must come of them.
//!
//! [`fill`] lays the pictures and the CPU's results into the kit's folder, [`run`] checks and times every GPU there within a time limit,
//! [`compare`] is the part of it that one process does on one engine. `tools/gpu_kit.sh` puts a kit together.

mod cases;
mod compare;
mod difference;
mod fill;
mod page;
mod process;
mod report;
mod run;
mod steps;

pub use cases::{Case, Share};
pub use compare::{Comparison, compare};
pub use fill::fill;
pub use report::{KitReport, Outcome, Step};
pub use run::KitRun;
pub use steps::run;
