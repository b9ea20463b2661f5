//! Every codec over every picture: what is measured, in which order, and what is kept of it.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use calotype::{Codec, EncodeOptions, Encoded, Image};
use rayon::prelude::*;

use crate::command_codec::{CommandCodec, Desk};
use crate::error::{Error, Foreign};
use crate::journal::Journal;
use crate::ours;
use crate::picture::Picture;
use crate::point::{Measured, Point};

/// What to measure.
pub struct Plan<'a> {
    /// Picture files.
    pub files: Vec<PathBuf>,
    /// Our qualities, ascending.
    pub qualities: Vec<f64>,
    /// Our options but for the quality.
    pub options: EncodeOptions,
    /// The other codecs.
    pub peers: Vec<CommandCodec>,
    /// What earlier runs measured.
    pub journal: Journal,
    /// What our times depend on besides the machine: engine and threads, in words.
    pub engine: String,
    /// Functions of the caller.
    pub hooks: Hooks<'a>,
}

/// Takes one of our files.
pub type Keep<'a> = dyn Fn(&Kept<'_>) -> Result<(), Foreign> + Sync + 'a;

/// What the caller does.
#[derive(Clone, Copy)]
pub struct Hooks<'a> {
    /// Reads a picture file.
    pub read: &'a (dyn Fn(&Path) -> Result<Picture, Foreign> + Sync),
    /// Takes each of our files with its decoded picture; nothing is taken from an earlier run then.
    pub keep: Option<&'a Keep<'a>>,
    /// Learns how far the work is.
    pub progress: &'a (dyn Fn(&Progress<'_>) + Sync),
}

/// One of our files.
pub struct Kept<'a> {
    /// The picture's name.
    pub name: &'a str,
    /// Of the file.
    pub quality: f64,
    /// The file.
    pub encoded: &'a Encoded,
    /// What it decodes to.
    pub decoded: &'a Image,
}

/// How far the work is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Steps done.
    pub done: usize,
    /// Steps in all.
    pub of: usize,
    /// The picture at work.
    pub what: &'a str,
}

/// Counts steps and tells the caller.
struct Steps<'a> {
    hooks: Hooks<'a>,
    done: AtomicUsize,
    of: usize,
}

impl Steps<'_> {
    fn advance(&self, steps: usize, what: &str) {
        let done = self.done.fetch_add(steps, Ordering::Relaxed) + steps;
        (self.hooks.progress)(&Progress { done, of: self.of, what });
    }
}

impl Plan<'_> {
    fn steps(&self) -> Steps<'_> {
        let each = self.qualities.len() + self.peers.iter().map(|peer| peer.qualities.len()).sum::<usize>();
        Steps { hooks: self.hooks, done: AtomicUsize::new(0), of: each * self.files.len() }
    }

    /// Reads a picture through the caller.
    pub(crate) fn read(&self, path: &Path) -> Result<Picture, Error> {
        (self.hooks.read)(path).map_err(Error::Foreign)
    }
}

/// Measures every picture at every quality of every codec, one picture at a time. Rates and distortions of other codecs are measured in parallel.
///
/// # Errors
/// Those of the caller's functions, of our codec, of a peer's tools, of the journal.
pub fn measure(codec: &Codec, plan: &Plan<'_>) -> Result<Vec<Measured>, Error> {
    let steps = plan.steps();
    plan.files.iter().map(|file| measure_picture(codec, plan, &steps, file)).collect()
}

fn measure_picture(codec: &Codec, plan: &Plan<'_>, steps: &Steps<'_>, file: &Path) -> Result<Measured, Error> {
    let picture = plan.read(file)?;
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
