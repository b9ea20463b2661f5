//! How good and how fast calotype is, beside other codecs: measurements over folders of pictures, and reports of them.
//!
//! [`measure`] runs every codec of a [`Plan`] over every picture, [`Results`] draws together what was found, [`report`] shows it on one page.
//! Other codecs run as their own command-line tools ([`find_peer`]); what was measured is kept in a [`Journal`].

#![forbid(unsafe_code)]

mod bd_rate;
mod bench;
mod command_codec;
mod crops;
mod curves;
mod error;
mod evaluate;
mod journal;
pub mod kit;
mod machine;
mod meter;
#[cfg(test)]
mod metric_tests;
mod ms_ssim;
mod ours;
mod pchip;
mod peers;
mod picture;
mod plan;
mod point;
mod psnr;
mod report;
mod results;
mod speed;
mod ssimulacra2;
mod summary;
mod test_picture;

pub use bd_rate::{BdRate, RateCurve, bd_rate};
pub use bench::{Bench, BenchOptions, EngineBench, Gpu, RaceBench, SizeBench, bench_engine};
pub use command_codec::{CommandCodec, Container, Desk, RoundTrip};
pub use crops::{Cell, Crop, Window, crops, peer_at_size};
pub use curves::{Curve, Metric, ms_ssim_db, read_curves};
pub use error::{Error, Foreign};
pub use evaluate::{Measurements, measure};
pub use journal::Journal;
pub use machine::{Machine, load_average};
pub use meter::{Ceiling, KernelSpeed, PhaseTime};
pub use ms_ssim::ms_ssim;
pub use peers::{find_peer, peer_names, read_peers};
pub use picture::Picture;
pub use plan::{Hooks, Keep, Kept, Plan, Progress};
pub use point::{Mean, Measured, OURS, Ours, Point};
pub use psnr::{SquaredError, psnr_db, seen, seen_psnr_db, with_hidden_of};
pub use report::{Named, bench_page, report};
pub use results::{CodecFacts, Results};
pub use speed::{Race, Speed, Spread, calotype_command};
pub use ssimulacra2::ssimulacra2;
pub use summary::{Comparison, Pair, WorstRate};
pub use test_picture::test_picture;

/// Name, version and, where git knew it, the commit that it was built from. build.rs sets it.
const VERSION: &str = env!("CALOTYPE_VERSION");
