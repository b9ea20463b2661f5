//! The viewer without its window: what is in view, what is known of it, what is still to be found.

mod commands;
mod events;
mod plan;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use calotype::{EngineChoice, Inside, Quality, Region};

use crate::command::Command;
use crate::crew::{Crew, Event, PeerJob, Plan};
use crate::documents::{Document, Documents};
use crate::error::Error;
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
    picture: Result<Arc<Picture>, Error>,
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
    /// The codec's engine, where it is not the host's: the window's device, or what is left when it is lost.
    pub engine: Option<EngineChoice>,
    /// An error to begin with.
    pub error: Option<String>,
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
    refusals: [Option<Error>; 2],
    inside: Option<(Coded, Result<Arc<Inside>, Error>)>,
    heat: Option<(Overlay, Arc<HeatMap>)>,
    measures: Option<([Side; 2], Result<Measures, Error>)>,
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
        let shared = Arc::new(Shared::new(host, start.engine.clone()));
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
        if let Some(words) = start.error {
            self.say(&words, true);
        }
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

    /// The lowest and the highest quality of the model, as soon as it is loaded.
    pub fn qualities(&self) -> [Quality; 2] {
        self.shared.qualities().unwrap_or([Quality::LOWEST, Quality::HIGHEST])
    }

    /// Whether the codec works on the window's device.
    pub fn is_on_device(&self) -> bool {
        self.shared.is_on_device()
    }

    /// Whether the window's device has failed, and with it what was drawn.
    pub fn has_lost_its_device(&self) -> bool {
        self.shared.has_failed()
    }

    /// What to begin with to be here again, on the CPU.
    pub fn again(&self) -> Start {
        let warnings = self.shared.codec().map(|codec| codec.take_warnings()).unwrap_or_default();
        Start {
            files: self.files.onwards(),
            compare: (self.compare != Compare::Off).then(|| self.choices.clone()),
            style: self.compare,
            overlay: self.overlay,
            zoom: Some(self.zoom),
            recent: self.recent.kept_in(),
            quality: self.quality,
            engine: Some(EngineChoice::Cpu(None)),
            error: Some(warnings.into_iter().next().unwrap_or_else(|| "the GPU was lost; the CPU goes on".to_owned())),
        }
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
            let what = document.error.as_ref().map_or("complete".to_owned(), |error| format!("failed: {error}"));
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
    pub fn refusal(&self, slot: usize) -> Option<Error> {
        if let Some(Side::File(path)) = self.side(slot) {
            return self.documents.get(&path)?.error.clone();
        }
        match (&self.refusals[slot], &self.choices[slot]) {
            (Some(error), _) => Some(error.clone()),
            (None, Choice::Original | Choice::Calotype(_)) if self.original.is_none() => Some(Error::NoPhotograph),
            (None, Choice::Peer(_)) if self.coded_bytes(1 - slot).is_none() && !matches!(self.choices[1 - slot], Choice::Calotype(_)) => {
                Some(Error::NoSize)
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
    pub fn inside(&self) -> Option<&Result<Arc<Inside>, Error>> {
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
    pub fn measures(&self) -> Option<&Result<Measures, Error>> {
        let pair = self.pair()?;
        self.measures.as_ref().filter(|(sides, _)| *sides == pair.sides).map(|(_, measures)| measures)
    }

    /// The difference of the sides in view; that of another gain until the right one comes.
    pub fn difference(&self) -> Option<&Result<Arc<Picture>, Error>> {
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
        if let Some(choice) = self.choices.iter_mut().rev().find(|choice| matches!(choice, Choice::Calotype(_))) {
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
}
