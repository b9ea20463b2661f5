//! The viewer without its window: what is in view, what is known of it, what is still to be found.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use calotype::{Inside, Quality};

use crate::command::Command;
use crate::crew::{Crew, Event, PeerJob, Plan};
use crate::documents::{Document, Documents};
use crate::files::{Files, Recent, original_of};
use crate::host::{Host, Shared};
use crate::judge::{Measures, Pair, Question, Verdict};
use crate::load::{Loaded, region_of};
use crate::overlay::{HeatMap, heat_map};
use crate::picture::Picture;
use crate::side::{Choice, Compare, Overlay, Side};
use crate::studio::{Coded, Developed, Done, Task};
use crate::transform::{Transform, Zoom};

/// Memory of pictures beside those in view.
const BUDGET_BYTES: usize = 640 << 20;
/// The largest enlargement of differences.
const MOST_GAIN: u32 = 64;

/// A side that had to be made.
#[derive(Clone, Debug)]
pub struct Render {
    /// What it is.
    pub side: Side,
    /// Its pixels, as far as they have come.
    pub picture: Arc<Picture>,
    /// Whether all have.
    pub complete: bool,
    /// Length of its file.
    pub bytes: u64,
}

/// One side of the view.
#[derive(Clone, Debug)]
pub struct Shown<'a> {
    /// Its pixels.
    pub picture: &'a Arc<Picture>,
    /// Whether they are all there, and what was asked for.
    pub complete: bool,
    /// Length of its file.
    pub bytes: u64,
    /// A name for it.
    pub label: String,
}

/// The difference of two sides as a picture.
struct Difference {
    sides: [Side; 2],
    gain: u32,
    picture: Result<Arc<Picture>, String>,
}

/// A line for the user.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The line.
    pub words: String,
    /// Whether something failed.
    pub is_error: bool,
}

/// What the viewer is to begin with.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// Files and folders.
    pub files: Vec<PathBuf>,
    /// Two sides to compare.
    pub compare: Option<[Choice; 2]>,
    /// How to compare them.
    pub style: Compare,
    /// What lies over the picture.
    pub overlay: Overlay,
    /// How large.
    pub zoom: Option<Zoom>,
    /// Where recent files are remembered.
    pub recent: Option<PathBuf>,
    /// The quality to begin with.
    pub quality: Quality,
}

/// All that the window shows.
pub struct Viewer {
    shared: Arc<Shared>,
    crew: Crew,
    began: Instant,
    /// When the file in view was asked for, until it is complete.
    asked: Option<Instant>,
    files: Files,
    recent: Recent,
    documents: Documents,
    original: Option<PathBuf>,
    /// Neighbours of the file in view that are still to be loaded; `None` until it is there itself.
    ahead: Option<Vec<PathBuf>>,
    choices: [Choice; 2],
    renders: [Option<Render>; 2],
    /// Why a side cannot be made.
    refusals: [Option<String>; 2],
    inside: Option<(Coded, Result<Arc<Inside>, String>)>,
    heat: Option<(Overlay, Arc<HeatMap>)>,
    measures: Option<([Side; 2], Result<Measures, String>)>,
    difference: Option<Difference>,
    /// Tasks that were asked for and are not done.
    errands: Vec<Task>,
    /// Physical pixels of the part of the window that shows pictures.
    pub view: [f64; 2],
    /// How the picture lies in it.
    pub zoom: Zoom,
    /// How sides are compared.
    pub compare: Compare,
    /// Where the border between the sides is, 0 to 1.
    pub split: f64,
    /// How much differences are enlarged.
    pub gain: u32,
    /// Whether flicker shows the second side.
    pub second: bool,
    /// What lies over the picture.
    pub overlay: Overlay,
    /// The quality of the slider.
    pub quality: Quality,
    /// Where to save.
    pub save_as: String,
    /// Whether saving may replace a file.
    pub replace: bool,
    /// The size to ask for, in kB.
    pub wanted_kb: String,
    /// A line for the user.
    pub message: Option<Message>,
    /// Whether the panel is shown.
    pub panel: bool,
    /// Whether the list of keys is shown.
    pub help: bool,
    /// Whether the window fills the screen.
    pub full_screen: bool,
    /// Whether the window is to be closed.
    pub quit: bool,
}

impl Viewer {
    /// Begins; `wake` is called whenever [`Viewer::pump`] has something to do.
    pub fn new(host: Arc<dyn Host>, start: Start, wake: Arc<dyn Fn() + Send + Sync>) -> Viewer {
        let shared = Arc::new(Shared::new(host));
        let mut viewer = Viewer {
            crew: Crew::new(&shared, wake),
            shared,
            began: Instant::now(),
            asked: None,
            files: Files::default(),
            recent: Recent::load(start.recent.clone()),
            documents: Documents::new(BUDGET_BYTES),
            original: None,
            ahead: None,
            choices: [Choice::Current, Choice::Current],
            renders: [None, None],
            refusals: [None, None],
            inside: None,
            heat: None,
            measures: None,
            difference: None,
            errands: Vec::new(),
            view: [1.0, 1.0],
            zoom: start.zoom.unwrap_or(Zoom::Fit),
            compare: Compare::Off,
            split: 0.5,
            gain: 8,
            second: false,
            overlay: start.overlay,
            quality: start.quality,
            save_as: String::new(),
            replace: false,
            wanted_kb: String::new(),
            message: None,
            panel: true,
            help: false,
            full_screen: false,
            quit: false,
        };
        viewer.begin(start);
        viewer
    }

    fn begin(&mut self, start: Start) {
        let named = |choice: &Choice| if let Choice::File(path) = choice { Some(path.clone()) } else { None };
        let files = if start.files.is_empty() { start.compare.iter().flatten().filter_map(named).take(1).collect() } else { start.files };
        if !files.is_empty() {
            self.open(&files);
        }
        self.zoom = start.zoom.unwrap_or(Zoom::Fit);
        if let Some(choices) = start.compare {
            self.choices = choices;
            self.take_quality();
            self.compare = if start.style == Compare::Off { Compare::Split } else { start.style };
        }
    }

    /// The slider shows the quality of the sides.
    fn take_quality(&mut self) {
        let quality = |choice: &Choice| if let Choice::Calotype(quality) = choice { Some(*quality) } else { None };
        self.quality = self.choices.iter().rev().find_map(quality).unwrap_or(self.quality);
    }

    /// Opens files and folders.
    pub fn open(&mut self, named: &[PathBuf]) {
        self.files = Files::of(named);
        named.iter().for_each(|path| self.documents.forget(path));
        self.compare = Compare::Off;
        self.show_current();
        match self.files.current().map(Path::to_owned) {
            Some(path) => self.recent.add(&path),
            None => self.say("there is no picture in it", true),
        }
    }

    /// Turns to the file in view.
    fn show_current(&mut self) {
        self.original = None;
        (self.choices, self.renders) = ([Choice::Current, Choice::Current], [None, None]);
        (self.inside, self.heat, self.message, self.refusals) = (None, None, None, [None, None]);
        self.ahead = None;
        let Some(path) = self.files.current().map(Path::to_owned) else { return };
        self.asked = Some(Instant::now());
        self.find_original(&path);
        if let Some(document) = self.documents.get(&path).filter(|document| document.is_settled()) {
            let what = document.error.as_ref().map_or("complete".to_owned(), |words| format!("failed: {words}"));
            self.log(&format!("{}: {what} after 0 ms, loaded ahead", path.display()));
        }
        let photo = self.original.as_deref().unwrap_or(&path);
        self.save_as = photo.with_extension("calo").display().to_string();
        if self.compare != Compare::Off && !self.choose_sides() {
            self.compare = Compare::Off;
        }
    }

    /// The file itself, or the photograph beside it.
    fn find_original(&mut self, path: &Path) {
        let calo = self.documents.get(path).and_then(|document| document.facts.as_ref()).map(|facts| facts.calo.is_some());
        let by_name = || path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("calo"));
        self.original = if calo.unwrap_or_else(by_name) { original_of(path) } else { Some(path.to_owned()) };
    }

    /// The sides that are compared unless others are chosen; whether there are any.
    fn choose_sides(&mut self) -> bool {
        let Some(original) = &self.original else { return false };
        let is_photo = Some(original.as_path()) == self.files.current();
        let second = if is_photo { Choice::Calotype(self.quality) } else { Choice::Current };
        self.choices = [Choice::Original, second];
        true
    }

    /// Takes what the threads tell, and tells them what is missing. Whether anything happened.
    pub fn pump(&mut self) -> bool {
        let mut happened = false;
        while let Some(event) = self.crew.event() {
            happened = true;
            self.take(event);
        }
        self.forget_what_has_changed();
        let wanted = self.wanted_files();
        self.documents.tidy(&wanted);
        let plan = self.plan(&wanted);
        self.crew.set(plan);
        happened
    }

    /// Whether nothing is to be waited for.
    pub fn is_idle(&self) -> bool {
        self.crew.is_idle()
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Loaded(path, loaded) => self.take_loaded(&path, loaded),
            Event::Studio(Done::Developed(developed)) => self.take_developed(developed),
            Event::Studio(Done::Inside(coded, inside)) => {
                self.heat = None;
                self.inside = Some((coded, inside));
            }
            Event::Studio(Done::Met(quality, bytes, met)) => self.take_met(quality, bytes, met),
            Event::Studio(Done::Saved(path, bytes)) => {
                self.errands.retain(|task| !matches!(task, Task::Save(..)));
                self.say(&format!("saved {}, {}", path.display(), crate::words::size(bytes)), false);
            }
            Event::Studio(Done::Failed(task, words)) => self.take_failed(&task, &words),
            Event::Verdict(Verdict::Measures(sides, measures)) => self.measures = Some((sides, measures)),
            Event::Verdict(Verdict::Difference(sides, gain, picture)) => self.difference = Some(Difference { sides, gain, picture }),
            Event::Peer(job, result) => self.take_peer(job, result),
            Event::Panicked(words) => self.say(&words, true),
        }
    }

    fn take_loaded(&mut self, path: &Path, loaded: Loaded) {
        let is_current = self.files.current() == Some(path);
        let facts = matches!(loaded, Loaded::Facts(_));
        if let (Some(ahead), Loaded::Complete | Loaded::Failed(_)) = (&mut self.ahead, &loaded) {
            ahead.retain(|other| other != path);
        }
        if is_current {
            self.log_loaded(path, &loaded);
        }
        self.documents.take(path, loaded);
        if facts && is_current {
            self.find_original(path);
        }
        if is_current && self.documents.get(path).is_some_and(Document::is_settled) {
            self.asked = None;
            self.take_warnings();
        }
    }

    fn take_warnings(&mut self) {
        for warning in self.shared.codec().map(|codec| codec.take_warnings()).unwrap_or_default() {
            self.say(&warning, false);
        }
    }

    fn log_loaded(&self, path: &Path, loaded: &Loaded) {
        let what = match loaded {
            Loaded::Facts(facts) => format!("opened, {}x{}", facts.width, facts.height),
            Loaded::Patch(patch) if patch.reduction > 1 => "coarse".to_owned(),
            Loaded::Patch(patch) => format!("rows {}..{}", patch.region.y, patch.region.y + patch.region.height),
            Loaded::Complete => "complete".to_owned(),
            Loaded::Failed(words) => format!("failed: {words}"),
        };
        let after = self.asked.map_or(0.0, |asked| asked.elapsed().as_secs_f64() * 1e3);
        self.log(&format!("{}: {what} after {after:.0} ms", path.display()));
    }

    fn take_developed(&mut self, developed: Developed) {
        let Developed { slot, photo, quality, patch, whole, bytes, time } = developed;
        let (width, height) = (patch.region.width, patch.region.height);
        self.log(&format!(
            "quality {:.1}: {bytes} bytes, {width}x{height} pixels in {:.0} ms",
            quality.percent(),
            time.as_secs_f64() * 1e3
        ));
        let side = Side::Calotype(photo, quality);
        let wanted = self.side(slot);
        let has_it = |render: &Render| Some(&render.side) == wanted.as_ref();
        let of_this_photo = matches!((&wanted, &side), (Some(Side::Calotype(a, _)), Side::Calotype(b, _)) if a == b);
        // While the slider moves, a picture on the way is better than none.
        if !of_this_photo || (Some(&side) != wanted.as_ref() && self.renders[slot].as_ref().is_some_and(has_it)) {
            return;
        }
        let picture = self.developed_picture(slot, &side, patch, whole);
        self.renders[slot] = picture.map(|picture| Render { side, picture: Arc::new(picture), complete: whole, bytes });
    }

    /// The new patch on what was there: the whole of another quality, and patches of this one.
    fn developed_picture(&self, slot: usize, side: &Side, patch: Arc<crate::picture::Patch>, whole: bool) -> Option<Picture> {
        let Side::Calotype(photo, _) = side else { return None };
        let facts = self.documents.get(photo).and_then(|document| document.facts.as_ref());
        let size = facts.map_or((patch.region.width, patch.region.height), |facts| (facts.width, facts.height));
        let mut picture = Picture::empty(size.0, size.1);
        if let Some(render) = self.renders[slot].as_ref().filter(|_| !whole) {
            let is_whole = |patch: &&Arc<crate::picture::Patch>| (patch.region.width, patch.region.height) == size;
            let below = if &render.side == side {
                render.picture.patches.clone()
            } else {
                render.picture.patches.iter().find(is_whole).cloned().into_iter().collect()
            };
            picture.patches.extend(below);
        }
        picture.patches.push(patch);
        Some(picture)
    }

    fn take_met(&mut self, quality: Quality, bytes: u64, met: bool) {
        self.errands.retain(|task| !matches!(task, Task::Meet(..)));
        self.set_quality(quality);
        let reached = if met { "" } else { ", the nearest that this picture allows" };
        self.say(&format!("quality {:.2}: {}{reached}", quality.percent(), crate::words::size(bytes)), !met);
    }

    fn take_failed(&mut self, task: &Task, words: &str) {
        self.errands.retain(|errand| errand != task);
        if let Task::Develop(slot, ..) = task {
            self.refusals[*slot] = Some(words.to_owned());
        }
        self.say(words, true);
    }

    fn take_peer(&mut self, job: PeerJob, result: Result<(Arc<Picture>, u64), String>) {
        let side = Side::Peer(job.photo, job.name, job.bytes);
        if self.side(job.slot).as_ref() != Some(&side) {
            return;
        }
        match result {
            Ok((picture, bytes)) => {
                self.log(&format!("{}: {bytes} bytes for {}", job.name, job.bytes));
                self.renders[job.slot] = Some(Render { side, picture, complete: true, bytes });
            }
            Err(words) => {
                self.say(&words, true);
                self.refusals[job.slot] = Some(words);
            }
        }
    }

    /// What belongs to sides that are no longer shown.
    fn forget_what_has_changed(&mut self) {
        if self.overlay == Overlay::None {
            (self.inside, self.heat) = (None, None);
        }
        let compared = [self.side(0), self.side(1)];
        let of_other_files = |sides: &[Side; 2]| {
            self.compare == Compare::Off || sides.iter().zip(&compared).any(|(a, b)| b.as_ref().is_none_or(|b| a.photo() != b.photo()))
        };
        if self.difference.as_ref().is_some_and(|difference| of_other_files(&difference.sides)) {
            self.difference = None;
        }
    }

    /// Files that are in view.
    fn wanted_files(&self) -> Vec<PathBuf> {
        let file = |side| if let Some(Side::File(path)) = side { Some(path) } else { None };
        let mut wanted: Vec<PathBuf> = self.files.current().map(Path::to_owned).into_iter().collect();
        for path in [0, 1].into_iter().filter_map(|slot| file(self.side(slot))).chain(self.photo_of_sides()) {
            if !wanted.contains(&path) {
                wanted.push(path);
            }
        }
        wanted
    }

    /// The photograph whose size a made side has.
    fn photo_of_sides(&self) -> Option<PathBuf> {
        [0, 1].into_iter().find_map(|slot| match self.side(slot) {
            Some(Side::Calotype(photo, _) | Side::Peer(photo, ..)) => Some(photo),
            _ => None,
        })
    }

    fn is_settled(&self, path: &Path) -> bool {
        self.documents.get(path).is_some_and(Document::is_settled)
    }

    fn plan(&mut self, wanted: &[PathBuf]) -> Plan {
        let mut load: Vec<PathBuf> = wanted.iter().filter(|path| !self.is_settled(path)).cloned().collect();
        if load.is_empty() {
            load = self.load_ahead();
        }
        Plan { load, studio: self.studio_plan(), judge: self.judge_plan(), peers: self.peer_plan() }
    }

    /// The neighbours, each once: one that was too large to be kept is not loaded again.
    fn load_ahead(&mut self) -> Vec<PathBuf> {
        if self.ahead.is_none() {
            let neighbours = [1, -1].into_iter().filter_map(|steps| self.files.neighbour(steps));
            let mut ahead: Vec<PathBuf> = neighbours.filter(|path| !self.is_settled(path)).map(Path::to_owned).collect();
            ahead.dedup();
            self.ahead = Some(ahead);
        }
        self.ahead.clone().unwrap_or_default()
    }

    fn slots(&self) -> std::ops::Range<usize> {
        0..if self.compare == Compare::Off { 1 } else { 2 }
    }

    fn studio_plan(&self) -> Vec<Task> {
        let mut tasks = self.errands.clone();
        let missing = self.slots().filter(|slot| self.refusals[*slot].is_none());
        let missing: Vec<(usize, Side)> = missing.filter_map(|slot| Some((slot, self.side(slot)?))).collect();
        let render = |slot: usize, side: &Side| self.renders[slot].as_ref().filter(|render| render.side == *side);
        let region = self.transform().and_then(|transform| region_of(transform.visible()));
        for (slot, side) in &missing {
            if let (Side::Calotype(photo, quality), None) = (side, render(*slot, side)) {
                tasks.push(Task::Develop(*slot, photo.clone(), *quality, region));
            }
        }
        for (slot, side) in &missing {
            if let (Side::Calotype(photo, quality), Some(false)) = (side, render(*slot, side).map(|render| render.complete)) {
                tasks.push(Task::Develop(*slot, photo.clone(), *quality, None));
            }
        }
        if let Some(coded) =
            self.coded().filter(|coded| self.overlay != Overlay::None && self.inside.as_ref().is_none_or(|(known, _)| known != coded))
        {
            tasks.push(Task::Inside(coded));
        }
        tasks
    }

    fn judge_plan(&self) -> Vec<Question> {
        let Some(pair) = self.pair().filter(|_| self.compare != Compare::Off) else { return Vec::new() };
        let mut questions = Vec::new();
        let difference = self.difference.as_ref().is_some_and(|known| known.sides == pair.sides && known.gain == self.gain);
        if self.compare == Compare::Difference && !difference {
            questions.push(Question::Difference(pair.clone(), self.gain));
        }
        if self.measures.as_ref().is_none_or(|(sides, _)| *sides != pair.sides) {
            questions.push(Question::Measures(pair));
        }
        questions
    }

    fn peer_plan(&self) -> Vec<PeerJob> {
        let job = |slot: usize| match self.side(slot) {
            Some(side) if self.renders[slot].as_ref().is_some_and(|render| render.side == side) => None,
            Some(Side::Peer(photo, name, bytes)) if self.refusals[slot].is_none() => Some(PeerJob { slot, photo, name, bytes }),
            _ => None,
        };
        self.slots().filter_map(job).collect()
    }

    /// Both sides, if they are complete.
    fn pair(&self) -> Option<Pair> {
        let side = |slot| Some((self.side(slot)?, self.shown(slot).filter(|shown| shown.complete)?.picture.clone()));
        let ((a, first), (b, second)) = (side(0)?, side(1)?);
        Some(Pair { sides: [a, b], pictures: [first, second] })
    }

    /// What a side is to be.
    pub fn side(&self, slot: usize) -> Option<Side> {
        let original = || self.original.clone();
        match &self.choices[slot] {
            Choice::Current => self.files.current().map(|path| Side::File(path.to_owned())),
            Choice::Original => original().map(Side::File),
            Choice::Calotype(quality) => original().map(|photo| Side::Calotype(photo, *quality)),
            Choice::Peer(name) => Some(Side::Peer(original()?, name, self.coded_bytes(1 - slot)?)),
            Choice::File(path) => Some(Side::File(path.clone())),
        }
    }

    /// Bytes of a side that this codec coded.
    fn coded_bytes(&self, slot: usize) -> Option<u64> {
        match &self.choices[slot] {
            Choice::Peer(_) => None,
            Choice::Calotype(_) => self.shown(slot).filter(|shown| shown.complete).map(|shown| shown.bytes),
            _ => {
                let Some(Side::File(path)) = self.side(slot) else { return None };
                let facts = self.documents.get(&path)?.facts.as_ref()?;
                facts.calo.map(|info| info.bytes as u64)
            }
        }
    }

    /// What a side shows now.
    pub fn shown(&self, slot: usize) -> Option<Shown<'_>> {
        let side = self.side(slot)?;
        if let Side::File(path) = &side {
            let document = self.documents.get(path)?;
            let bytes = document.facts.as_ref().map_or(0, |facts| facts.bytes);
            return Some(Shown {
                picture: document.picture.as_ref()?,
                complete: document.complete,
                bytes,
                label: crate::words::label(&side),
            });
        }
        let render = self.renders[slot].as_ref()?;
        let complete = render.complete && render.side == side;
        Some(Shown { picture: &render.picture, complete, bytes: render.bytes, label: crate::words::label(&render.side) })
    }

    /// Why a side shows nothing.
    pub fn refusal(&self, slot: usize) -> Option<String> {
        if let Some(Side::File(path)) = self.side(slot) {
            return self.documents.get(&path)?.error.clone();
        }
        match (&self.refusals[slot], &self.choices[slot]) {
            (Some(words), _) => Some(words.clone()),
            (None, Choice::Original | Choice::Calotype(_)) if self.original.is_none() => {
                Some("the photograph of this file is not beside it; name it with --compare, or open it".to_owned())
            }
            (None, Choice::Peer(_)) if self.coded_bytes(1 - slot).is_none() && !matches!(self.choices[1 - slot], Choice::Calotype(_)) => {
                Some("another codec needs a Calotype picture on the other side, for its size".to_owned())
            }
            _ => None,
        }
    }

    /// The size of the picture in view.
    fn picture_size(&self) -> Option<[f64; 2]> {
        let picture = self.shown(0).or_else(|| self.shown(1)).map(|shown| [shown.picture.width, shown.picture.height]);
        let facts = || self.current().and_then(|document| document.facts.as_ref()).map(|facts| [facts.width, facts.height]);
        picture.or_else(facts).map(|size| size.map(f64::from))
    }

    /// Where the picture lies, if there is one.
    pub fn transform(&self) -> Option<Transform> {
        self.picture_size().map(|size| Transform::new(self.zoom, self.view, size))
    }

    /// What has latents among the sides, the second one first.
    fn coded(&self) -> Option<Coded> {
        let of = |slot| match self.side(slot)? {
            Side::Calotype(photo, quality) => Some(Coded::Photo(photo, quality)),
            Side::File(path) => self.documents.get(&path)?.facts.as_ref()?.calo.map(|_| Coded::File(path)),
            Side::Peer(..) => None,
        };
        let photo = || self.original.clone().map(|photo| Coded::Photo(photo, self.quality));
        self.slots().rev().find_map(of).or_else(photo)
    }

    /// The latents, as far as they are known; those of another quality until the right ones come.
    pub fn inside(&self) -> Option<&Result<Arc<Inside>, String>> {
        self.inside.as_ref().map(|(_, inside)| inside)
    }

    /// The overlay as colours.
    pub fn heat(&mut self) -> Option<Arc<HeatMap>> {
        if let Some((_, heat)) = self.heat.as_ref().filter(|(overlay, _)| *overlay == self.overlay) {
            return Some(Arc::clone(heat));
        }
        let Some((_, Ok(inside))) = &self.inside else { return None };
        let heat = Arc::new(heat_map(inside, self.overlay)?);
        self.heat = Some((self.overlay, Arc::clone(&heat)));
        Some(heat)
    }

    /// Measures of the sides in view.
    pub fn measures(&self) -> Option<&Result<Measures, String>> {
        let pair = self.pair()?;
        self.measures.as_ref().filter(|(sides, _)| *sides == pair.sides).map(|(_, measures)| measures)
    }

    /// The difference of the sides in view; that of another gain until the right one comes.
    pub fn difference(&self) -> Option<&Result<Arc<Picture>, String>> {
        self.difference.as_ref().map(|difference| &difference.picture)
    }

    /// The file in view.
    pub fn current(&self) -> Option<&Document> {
        self.documents.get(self.files.current()?)
    }

    /// All files, and the place among them.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Files that were opened lately.
    pub fn recent(&self) -> &[PathBuf] {
        self.recent.paths()
    }

    /// The photograph that can be encoded.
    pub fn original(&self) -> Option<&Path> {
        self.original.as_deref()
    }

    /// Memory of pictures.
    pub fn picture_bytes(&self) -> usize {
        self.documents.bytes()
    }

    /// What a side was chosen to be.
    pub fn choice(&self, slot: usize) -> &Choice {
        &self.choices[slot]
    }

    /// Chooses what a side is to be.
    pub fn choose(&mut self, slot: usize, choice: Choice) {
        if self.choices[slot] != choice {
            self.choices[slot] = choice;
            (self.renders[slot], self.refusals) = (None, [None, None]);
            self.take_quality();
        }
    }

    /// Chooses the quality of one side.
    pub fn choose_quality(&mut self, slot: usize, quality: Quality) {
        self.choices[slot] = Choice::Calotype(quality);
        self.quality = quality;
    }

    /// Moves the slider: the second side follows it if it shows a quality, else the first.
    pub fn set_quality(&mut self, quality: Quality) {
        self.quality = quality;
        let choices = self.choices.iter_mut().rev();
        if let Some(choice) = { choices }.find(|choice| matches!(choice, Choice::Calotype(_))) {
            *choice = Choice::Calotype(quality);
        } else if self.original.is_some() && self.compare == Compare::Off {
            self.choices[0] = Choice::Calotype(quality);
        }
    }

    /// Looks for the quality of a file of at most so many bytes.
    pub fn meet(&mut self, bytes: u64) {
        if let Some(photo) = self.original.clone() {
            self.errands.push(Task::Meet(photo, bytes));
        }
    }

    /// A line for the user.
    pub fn say(&mut self, words: &str, is_error: bool) {
        self.log(&format!("{}: {words}", if is_error { "error" } else { "note" }));
        self.message = Some(Message { words: words.to_owned(), is_error });
    }

    /// A line for those who want to know.
    pub fn log(&self, line: &str) {
        self.shared.host.log(&format!("{:9.3} {line}", self.began.elapsed().as_secs_f64()));
    }

    /// Does what it is told.
    pub fn apply(&mut self, command: Command) {
        match command {
            Command::Go(steps) => self.go(steps),
            Command::Fit => self.zoom = Zoom::Fit,
            Command::OneToOne => self.zoom_to(|_| 1.0),
            Command::Step { larger } => self.zoom_to(|transform| transform.next_scale(larger)),
            Command::Pan(right, down) => self.pan([-right * self.view[0] / 10.0, -down * self.view[1] / 10.0]),
            Command::Compare(style) => self.toggle_compare(style),
            Command::Swap => self.swap(),
            Command::MoveSplit(by) => self.split = (self.split + by).clamp(0.0, 1.0),
            Command::Gain(by) => self.gain = ((f64::from(self.gain) * by) as u32).clamp(1, MOST_GAIN),
            Command::Overlay(overlay) => self.toggle_overlay(overlay),
            Command::Channel(steps) => self.change_channel(steps),
            Command::Quality(by) => {
                let percent = (self.quality.percent() + by).clamp(0.0, 100.0);
                self.set_quality(Quality::from_percent(percent).unwrap_or(self.quality));
            }
            Command::Save => self.save(),
            Command::Panel => self.panel = !self.panel,
            Command::Help => self.help = !self.help,
            Command::FullScreen => self.full_screen = !self.full_screen,
            Command::Escape => self.escape(),
            Command::Quit => self.quit = true,
        }
        self.log(&format!("{command:?}: {}", self.state()));
    }

    /// Where things are, in a few words.
    fn state(&self) -> String {
        let (place, count) = self.files.place();
        let scale = self.transform().map_or(1.0, |transform| transform.scale());
        let Viewer { compare, overlay, split, .. } = self;
        format!(
            "file {}/{count}, zoom {scale:.4}, {compare:?} {split:.2}, overlay {overlay:?}, quality {:.1}",
            place + 1,
            self.quality.percent()
        )
    }

    fn go(&mut self, steps: isize) {
        self.files.go(steps);
        self.show_current();
    }

    fn zoom_to(&mut self, scale: impl Fn(&Transform) -> f64) {
        let Some(transform) = self.transform() else { return };
        self.zoom = transform.zoomed(scale(&transform), self.view.map(|side| side / 2.0)).zoom();
    }

    /// Zooms by a factor; what lies at `point` of the view stays there.
    pub fn zoom_by(&mut self, factor: f64, point: [f64; 2]) {
        let Some(transform) = self.transform() else { return };
        self.zoom = transform.zoomed(transform.scale() * factor, point).zoom();
    }

    /// Moves the picture by so many physical pixels.
    pub fn pan(&mut self, by: [f64; 2]) {
        let Some(transform) = self.transform() else { return };
        self.zoom = transform.panned(by).zoom();
    }

    fn toggle_compare(&mut self, style: Compare) {
        if self.compare == style {
            self.compare = Compare::Off;
            self.choices = [Choice::Current, Choice::Current];
            return;
        }
        if self.compare == Compare::Off && style != Compare::Off && !self.choose_sides() {
            self.say("nothing to compare with: the photograph of this file is not beside it; choose another file in the panel", true);
            return;
        }
        self.compare = style;
    }

    fn swap(&mut self) {
        self.choices.swap(0, 1);
        self.renders.swap(0, 1);
        self.refusals.swap(0, 1);
    }

    fn toggle_overlay(&mut self, overlay: Overlay) {
        let same = std::mem::discriminant(&self.overlay) == std::mem::discriminant(&overlay);
        self.overlay = if same { Overlay::None } else { overlay };
    }

    fn change_channel(&mut self, steps: isize) {
        let Some((_, Ok(inside))) = &self.inside else { return };
        if let Overlay::Channel(channel) = self.overlay {
            self.overlay = Overlay::Channel((channel as isize + steps).rem_euclid(inside.channels as isize) as usize);
        }
    }

    fn save(&mut self) {
        match self.original.clone() {
            Some(photo) => self.errands.push(Task::Save(photo, self.quality, PathBuf::from(self.save_as.trim()), self.replace)),
            None => self.say("only a photograph can be encoded; this is a .calo file already", true),
        }
    }

    fn escape(&mut self) {
        if self.help {
            self.help = false;
        } else if self.message.is_some() {
            self.message = None;
        } else if self.full_screen {
            self.full_screen = false;
        } else if self.overlay != Overlay::None {
            self.overlay = Overlay::None;
        } else {
            (self.compare, self.choices) = (Compare::Off, [Choice::Current, Choice::Current]);
        }
    }
}
