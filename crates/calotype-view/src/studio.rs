//! Encoding while it is looked at: g_a's result of one photograph is kept, everything else follows the slider.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use calotype::{Codec, Decoder, EncodeOptions, Exposure, Goal, Inside, Quality, Region};

use crate::error::Error;
use crate::host::Shared;
use crate::picture::Patch;

/// Something that has latents.
#[derive(Clone, Debug, PartialEq)]
pub enum Coded {
    /// A `.calo` file.
    File(PathBuf),
    /// A photograph at a quality.
    Photo(PathBuf, Quality),
}

/// A task of the studio.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// Pixels of a photograph at a quality: for this side of the comparison, a region or all.
    Develop(usize, PathBuf, Quality, Option<Region>),
    /// Latents and what they cost.
    Inside(Coded),
    /// The quality of a photograph's file that has at most so many bytes.
    Meet(PathBuf, u64),
    /// Encode a photograph as a file, which may replace another or not.
    Save(PathBuf, Quality, PathBuf, bool),
}

/// Pixels of a photograph at a quality.
#[derive(Clone, Debug)]
pub struct Developed {
    /// The side of the comparison that asked.
    pub slot: usize,
    /// The photograph.
    pub photo: PathBuf,
    /// The quality.
    pub quality: Quality,
    /// The pixels.
    pub patch: Arc<Patch>,
    /// Whether they are all.
    pub whole: bool,
    /// Length of the whole file.
    pub bytes: u64,
    /// What it took.
    pub time: Duration,
}

/// What the studio tells.
#[derive(Clone, Debug)]
pub enum Done {
    /// Of [`Task::Develop`].
    Developed(Developed),
    /// Of [`Task::Inside`].
    Inside(Coded, Result<Arc<Inside>, Error>),
    /// Of [`Task::Meet`]: the quality and its bytes, and whether they meet the wish.
    Met(Quality, u64, bool),
    /// Of [`Task::Save`]: the file and its length.
    Saved(PathBuf, u64),
    /// The task cannot be done.
    Failed(Task, Error),
}

/// Photographs are developed one after the other; only the last one is kept.
pub struct Studio<'a> {
    shared: &'a Shared,
    exposed: Option<(PathBuf, Exposure<'a>)>,
}

impl<'a> Studio<'a> {
    /// Nothing is exposed yet.
    pub fn new(shared: &'a Shared) -> Studio<'a> {
        Studio { shared, exposed: None }
    }

    /// Does a task.
    pub fn work(&mut self, task: &Task) -> Done {
        let done = match task {
            Task::Develop(slot, photo, quality, region) => self.develop(*slot, photo, *quality, *region),
            Task::Inside(coded) => return Done::Inside(coded.clone(), self.inside(coded).map(Arc::new)),
            Task::Meet(photo, bytes) => self.meet(photo, *bytes),
            Task::Save(photo, quality, path, replace) => self.save(photo, *quality, path, *replace),
        };
        done.unwrap_or_else(|error| Done::Failed(task.clone(), error))
    }

    fn develop(&mut self, slot: usize, photo: &Path, quality: Quality, region: Option<Region>) -> Result<Done, Error> {
        let shared = self.shared;
        let exposure = self.expose(photo)?;
        let begin = Instant::now();
        let region = region.unwrap_or(exposure.whole());
        let developed = exposure.develop(quality, region).map_err(|error| shared.explained(photo, &error))?;
        Ok(Done::Developed(Developed {
            slot,
            photo: photo.to_owned(),
            quality,
            whole: region == exposure.whole(),
            patch: Arc::new(Patch::new(region, developed.image, 1)),
            bytes: developed.encoded.bytes.len() as u64,
            time: begin.elapsed(),
        }))
    }

    fn inside(&mut self, coded: &Coded) -> Result<Inside, Error> {
        let (path, bytes) = match coded {
            Coded::File(path) => (path, self.shared.read(path)?),
            Coded::Photo(photo, quality) => (photo, self.encode(photo, *quality)?),
        };
        let inside = Decoder::new(&bytes, &self.shared.host.limits()).and_then(|decoder| {
            if decoder.info().folded {
                return Ok(Err(Error::Folded));
            }
            let codec = self.shared.codec();
            codec.map_or_else(|error| Ok(Err(error)), |codec| decoder.inside(codec).map(Ok))
        });
        inside.map_err(|error| self.shared.explained(path, &error))?
    }

    fn meet(&mut self, photo: &Path, bytes: u64) -> Result<Done, Error> {
        let shared = self.shared;
        let hit = self.expose(photo)?.meet(&Goal::Bytes(bytes)).map_err(|error| shared.explained(photo, &error))?;
        Ok(Done::Met(hit.quality, hit.encoded.bytes.len() as u64, hit.met))
    }

    fn save(&mut self, photo: &Path, quality: Quality, path: &Path, replace: bool) -> Result<Done, Error> {
        let bytes = self.encode(photo, quality)?;
        self.shared.host.write(path, &bytes, replace)?;
        Ok(Done::Saved(path.to_owned(), bytes.len() as u64))
    }

    fn encode(&mut self, photo: &Path, quality: Quality) -> Result<Vec<u8>, Error> {
        let shared = self.shared;
        let encoded = self.expose(photo)?.encode(quality).map_err(|error| shared.explained(photo, &error))?;
        Ok(encoded.bytes)
    }

    /// Runs g_a, if it has not been run for this photograph.
    fn expose(&mut self, photo: &Path) -> Result<&Exposure<'a>, Error> {
        let known = self.exposed.take().filter(|(path, _)| path == photo);
        let exposed = match known {
            Some(known) => known,
            None => (photo.to_owned(), exposure(self.shared, self.shared.codec()?, photo)?),
        };
        Ok(&self.exposed.insert(exposed).1)
    }
}

fn exposure<'a>(shared: &Shared, codec: &'a Codec, photo: &Path) -> Result<Exposure<'a>, Error> {
    let (picture, metadata) = shared.host.read_picture(photo, &shared.read(photo)?)?;
    codec.expose(&picture, &metadata, &EncodeOptions::default()).map_err(|error| shared.explained(photo, &error))
}
