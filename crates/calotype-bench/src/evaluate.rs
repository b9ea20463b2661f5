//! Every codec over every picture: what is measured, in which order, and what is kept of it.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use calotype::Codec;
use rayon::prelude::*;

use crate::command_codec::{CommandCodec, Desk};
use crate::error::Error;
use crate::ours;
use crate::picture::Picture;
use crate::plan::{Hooks, Plan, Progress};
use crate::point::{Measured, Point};

/// Counts steps and tells the caller.
struct Steps<'a> {
    hooks: Hooks<'a>,
    done: AtomicUsize,
    of: usize,
}

impl<'a> Steps<'a> {
    fn of(plan: &Plan<'a>) -> Steps<'a> {
        let each = plan.qualities.len() + plan.peers.iter().map(|peer| peer.qualities.len()).sum::<usize>();
        Steps { hooks: plan.hooks, done: AtomicUsize::new(0), of: each * plan.files.len() }
    }

    fn advance(&self, steps: usize, what: &str) {
        let done = self.done.fetch_add(steps, Ordering::Relaxed) + steps;
        (self.hooks.progress)(&Progress { done, of: self.of, what });
    }
}

/// What [`measure`] found.
pub struct Measurements {
    /// In the order of the plan.
    pub images: Vec<Measured>,
    /// Files that were left out, and why.
    pub left_out: Vec<(PathBuf, Error)>,
}

/// Measures every picture at every quality of every codec, one picture at a time. Rates and distortions of other codecs are measured in parallel.
/// A picture that cannot be read, or that our codec refuses, is left out.
///
/// # Errors
/// Those of the caller's other functions, of a peer's tools, of the journal.
pub fn measure(codec: &Codec, plan: &Plan<'_>) -> Result<Measurements, Error> {
    let steps = Steps::of(plan);
    let mut found = Measurements { images: Vec::new(), left_out: Vec::new() };
    for file in &plan.files {
        let picture = match plan.read(file) {
            Ok(picture) => picture,
            Err(error) => {
                found.left_out.push((file.clone(), error));
                continue;
            }
        };
        match measure_picture(codec, plan, &steps, file, picture) {
            Ok(measured) => found.images.push(measured),
            Err(error @ Error::Codec { .. }) => found.left_out.push((file.clone(), error)),
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn measure_picture(codec: &Codec, plan: &Plan<'_>, steps: &Steps<'_>, file: &Path, picture: Picture) -> Result<Measured, Error> {
    steps.advance(0, &picture.name);
    let points = ours::points(codec, plan, file, &picture)?;
    steps.advance(plan.qualities.len(), &picture.name);
    let peers = peer_points(plan, steps, &picture)?;
    Ok(Measured { file: picture.name, width: picture.width, height: picture.height, points, peers })
}

/// A setting of a peer to measure, and the name under which it is kept.
struct Job<'a> {
    peer: &'a CommandCodec,
    quality: f64,
    key: String,
}

fn peer_points(plan: &Plan<'_>, steps: &Steps<'_>, picture: &Picture) -> Result<BTreeMap<String, Vec<Point>>, Error> {
    let fingerprint = picture.fingerprint();
    let key = |peer: &CommandCodec, quality: f64| format!("point 1|{fingerprint}|{}|{}|{quality}", peer.version, peer.settings());
    let job = |peer, quality: &f64| Job { peer, quality: *quality, key: key(peer, *quality) };
    let jobs: Vec<Job<'_>> =
        plan.peers.iter().flat_map(|peer| peer.qualities.iter().map(move |q| (peer, q))).map(|(p, q)| job(p, q)).collect();
    let known = jobs.iter().filter_map(|job| Some((job.key.clone(), plan.journal.get(&job.key)?)));
    let mut points: HashMap<String, Point> = known.collect();
    steps.advance(points.len(), &picture.name);
    let missing: Vec<&Job<'_>> = jobs.iter().filter(|job| !points.contains_key(&job.key)).collect();
    points.extend(measure_missing(plan, steps, picture, &missing)?);
    let mut of_peer = |peer: &CommandCodec| peer.qualities.iter().filter_map(|quality| points.remove(&key(peer, *quality))).collect();
    Ok(plan.peers.iter().map(|peer| (peer.label.clone(), of_peer(peer))).collect())
}

fn measure_missing(plan: &Plan<'_>, steps: &Steps<'_>, picture: &Picture, missing: &[&Job<'_>]) -> Result<HashMap<String, Point>, Error> {
    let desk = Desk::new(picture, &missing.iter().map(|job| job.peer).collect::<Vec<_>>())?;
    let measured = missing.par_iter().map(|job| {
        // One thread each: the cores are busy with other settings.
        let result = desk.round_trip(job.peer, job.quality, 1)?;
        let point = Point::of(picture, job.quality, result.bytes, &result.rgb);
        plan.journal.put(&job.key, &point)?;
        steps.advance(1, &picture.name);
        Ok((job.key.clone(), point))
    });
    measured.collect()
}
