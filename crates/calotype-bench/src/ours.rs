//! Our codec over one picture, in memory.

use std::path::Path;
use std::time::Instant;

use calotype::{Codec, DecodeOptions, Decoder, EncodeOptions, Encoded, Image, Quality};
use rayon::prelude::*;

use crate::error::{Error, Foreign};
use crate::picture::Picture;
use crate::plan::{Kept, Plan};
use crate::point::{Ours, Point};

/// Why a quality was not measured.
enum Fault {
    Codec(calotype::Error),
    Foreign(Foreign),
}

impl From<calotype::Error> for Fault {
    fn from(error: calotype::Error) -> Fault {
        Fault::Codec(error)
    }
}

/// A file and its picture at one quality, before it is judged.
struct Fresh {
    quality: f64,
    bytes: u64,
    decoded: Vec<u8>,
    ours: Ours,
}

/// One point per quality of the plan. The times are those of one picture at a time: only the metrics run in parallel.
///
/// # Errors
/// Those of the codec, of the journal, of the caller who keeps files.
pub(crate) fn points(codec: &Codec, plan: &Plan<'_>, path: &Path, picture: &Picture) -> Result<Vec<Point>, Error> {
    let fault = |fault| match fault {
        Fault::Codec(error) => Error::Codec { path: path.to_path_buf(), error },
        Fault::Foreign(error) => Error::Foreign(error),
    };
    let fingerprint = picture.fingerprint();
    let key = |quality: f64| key(codec, plan, &fingerprint, quality);
    let known = |quality: f64| if plan.hooks.keep.is_some() { None } else { plan.journal.get::<Point>(&key(quality)) };
    let missing: Vec<f64> = plan.qualities.iter().copied().filter(|quality| known(*quality).is_none()).collect();
    let fresh: Vec<Fresh> = missing.iter().map(|quality| fresh(codec, plan, picture, *quality)).collect::<Result<_, _>>().map_err(fault)?;
    let judged: Vec<Point> = fresh.par_iter().map(|fresh| judge(picture, fresh)).collect();
    for point in &judged {
        plan.journal.put(&key(point.quality), point)?;
    }
    let judged_at = |quality: f64| judged.iter().find(|point| point.quality == quality).cloned();
    Ok(plan.qualities.iter().filter_map(|quality| judged_at(*quality).or_else(|| known(*quality))).collect())
}

/// Whatever a point depends on.
fn key(codec: &Codec, plan: &Plan<'_>, fingerprint: &str, quality: f64) -> String {
    let (version, model, EncodeOptions { tile_log2, dead_zone, .. }) = (crate::VERSION, codec.model_id(), plan.options);
    format!("point 1|{fingerprint}|{version}|{model}|{}|{tile_log2} {dead_zone}|{quality}", plan.engine)
}

fn fresh(codec: &Codec, plan: &Plan<'_>, picture: &Picture, quality: f64) -> Result<Fresh, Fault> {
    let encode = |options: &EncodeOptions| picture.encode(codec, options);
    let options = EncodeOptions { quality: Quality::new(quality)?, ..plan.options };
    let (encoded, encode_ms) = timed(|| encode(&options))?;
    let (decoded, decode_ms) = timed(|| decode(codec, &encoded))?;
    let counted = encode(&EncodeOptions { statistics: true, ..options })?;
    if let Some(keep) = plan.hooks.keep {
        keep(&Kept { name: &picture.name, quality, encoded: &encoded, decoded: &decoded }).map_err(Fault::Foreign)?;
    }
    let ours = Ours { cross_entropy_bits: counted.cross_entropy_bits.unwrap_or(0.0), encode_ms, decode_ms };
    Ok(Fresh { quality, bytes: encoded.bytes.len() as u64, decoded: decoded.rgb, ours })
}

fn decode(codec: &Codec, encoded: &Encoded) -> Result<Image, calotype::Error> {
    Decoder::new(&encoded.bytes, &DecodeOptions::default())?.decode(codec)
}

fn judge(picture: &Picture, fresh: &Fresh) -> Point {
    Point { ours: Some(fresh.ours), ..Point::of(picture, fresh.quality, fresh.bytes, &fresh.decoded) }
}

fn timed<T, E>(task: impl FnOnce() -> Result<T, E>) -> Result<(T, f64), E> {
    let begin = Instant::now();
    task().map(|value| (value, begin.elapsed().as_secs_f64() * 1e3))
}
