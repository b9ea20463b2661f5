//! The threads that work beside the interface, and what they tell it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use calotype_bench::{find_peer, peer_at_size};

use crate::error::Error;
use crate::host::Shared;
use crate::judge::{Question, Verdict, judge};
use crate::load::{Loaded, Loader, seen};
use crate::picture::Picture;
use crate::studio::{Done, Studio, Task};
use crate::worker::Worker;

/// A photograph by another codec, for a side of the comparison, with about so many bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct PeerJob {
    /// The side.
    pub slot: usize,
    /// The photograph.
    pub photo: PathBuf,
    /// The codec.
    pub name: &'static str,
    /// The size to come near to.
    pub bytes: u64,
}

/// What the threads tell.
#[derive(Clone, Debug)]
pub enum Event {
    /// The loader, of a file.
    Loaded(PathBuf, Loaded),
    /// The studio.
    Studio(Done),
    /// The judge.
    Verdict(Verdict),
    /// Another codec's picture and its bytes, or why there is none.
    Peer(PeerJob, Result<(Arc<Picture>, u64), Error>),
    /// A thread failed at something that is not the user's fault.
    Panicked(String),
}

/// What the threads are to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Files to load.
    pub load: Vec<PathBuf>,
    /// Tasks of the studio.
    pub studio: Vec<Task>,
    /// Questions to the judge.
    pub judge: Vec<Question>,
    /// Pictures by other codecs.
    pub peers: Vec<PeerJob>,
}

/// The threads.
pub struct Crew {
    loader: Worker<PathBuf>,
    studio: Worker<Task>,
    judge: Worker<Question>,
    peers: Worker<PeerJob>,
    events: Receiver<Event>,
    /// What they were last told to do.
    plan: Plan,
}

/// Tells an event and wakes the interface.
#[derive(Clone)]
struct Teller {
    events: Sender<Event>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Teller {
    fn tell(&self, event: Event) {
        // An interface that has ended needs to know nothing.
        let _ = self.events.send(event);
        (self.wake)();
    }

    fn panicked(&self, what: impl std::fmt::Debug) {
        self.tell(Event::Panicked(format!("the program made a mistake; please report it with this: {what:?}")));
    }
}

impl Crew {
    /// Starts the threads; `wake` is called after each event.
    pub fn new(shared: &Arc<Shared>, wake: Arc<dyn Fn() + Send + Sync>) -> Crew {
        let (sender, events) = channel();
        let teller = Teller { events: sender, wake };
        Crew {
            loader: spawn_loader(Arc::clone(shared), teller.clone()),
            studio: spawn_studio(Arc::clone(shared), teller.clone()),
            judge: spawn_judge(teller.clone()),
            peers: spawn_peers(Arc::clone(shared), teller),
            events,
            plan: Plan::default(),
        }
    }

    /// The next event, if there is one.
    pub fn event(&mut self) -> Option<Event> {
        let event = self.events.try_recv().ok()?;
        if let Event::Loaded(path, Loaded::Complete | Loaded::Failed(_)) = &event {
            // Whoever wants it once more may ask for it once more.
            self.plan.load.retain(|other| other != path);
        }
        Some(event)
    }

    /// From now on this is what is to be done.
    pub fn set(&mut self, plan: Plan) {
        if plan.load != self.plan.load {
            self.loader.set(plan.load.clone());
        }
        if plan.studio != self.plan.studio {
            self.studio.set(plan.studio.clone());
        }
        if plan.judge != self.plan.judge {
            self.judge.set(plan.judge.clone());
        }
        if plan.peers != self.plan.peers {
            self.peers.set(plan.peers.clone());
        }
        self.plan = plan;
    }

    /// Whether nothing is being done and nothing waits to be told.
    pub fn is_idle(&self) -> bool {
        self.loader.is_idle() && self.studio.is_idle() && self.judge.is_idle() && self.peers.is_idle()
    }
}

fn spawn_loader(shared: Arc<Shared>, teller: Teller) -> Worker<PathBuf> {
    Worker::spawn(move |jobs| {
        let tell = |path: &Path, loaded| teller.tell(Event::Loaded(path.to_owned(), loaded));
        let loader = Loader { shared: &shared, wanted: &|| jobs.wanted(), tell: &tell };
        jobs.each(|path: &PathBuf| loader.load(path), |path| tell(path, Loaded::Failed(Error::Panicked(path.to_owned()))));
    })
}

fn spawn_studio(shared: Arc<Shared>, teller: Teller) -> Worker<Task> {
    Worker::spawn(move |jobs| {
        let mut studio = Studio::new(&shared);
        jobs.each(|task| teller.tell(Event::Studio(studio.work(task))), |task| teller.panicked(task));
    })
}

fn spawn_judge(teller: Teller) -> Worker<Question> {
    Worker::spawn(move |jobs| jobs.each(|question| teller.tell(Event::Verdict(judge(question))), |_| teller.panicked("measures")))
}

fn spawn_peers(shared: Arc<Shared>, teller: Teller) -> Worker<PeerJob> {
    Worker::spawn(move |jobs| {
        jobs.each(|job: &PeerJob| teller.tell(Event::Peer(job.clone(), run_peer(&shared, job))), |job| teller.panicked(job))
    })
}

/// Runs another codec's tools until a size is near.
fn run_peer(shared: &Shared, job: &PeerJob) -> Result<(Arc<Picture>, u64), Error> {
    let peer = find_peer(job.name, &shared.host.tool_folders())?;
    let (picture, _) = shared.host.read_picture(&job.photo, &shared.read(&job.photo)?)?;
    let image = seen(&picture, 0);
    let name = job.photo.display().to_string();
    let picture = calotype_bench::Picture { name, width: image.width, height: image.height, rgb: image.rgb, whole: None };
    let (_, result) = peer_at_size(&picture, &peer, job.bytes)?;
    let image = calotype::Image { width: picture.width, height: picture.height, rgb: result.rgb };
    Ok((Arc::new(Picture::of(&image)), result.bytes))
}
