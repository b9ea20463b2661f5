//! What is missing for what is in view: the threads' plan.

use super::*;

impl Viewer {
    /// What belongs to sides that are no longer shown.
    pub(super) fn forget_what_has_changed(&mut self) {
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
    pub(super) fn wanted_files(&self) -> Vec<PathBuf> {
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

    pub(super) fn plan(&mut self, wanted: &[PathBuf]) -> Plan {
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

    pub(super) fn slots(&self) -> std::ops::Range<usize> {
        0..if self.compare == Compare::Off { 1 } else { 2 }
    }

    fn studio_plan(&self) -> Vec<Task> {
        let mut tasks = self.errands.clone();
        let missing = self.slots().filter(|slot| self.refusals[*slot].is_none());
        let missing: Vec<(usize, Side)> = missing.filter_map(|slot| Some((slot, self.side(slot)?))).collect();
        let render = |slot: usize, side: &Side| self.renders[slot].as_ref().filter(|render| render.side == *side);
        // What is in view comes first. Before the size is known, nothing is.
        if let Some(transform) = self.transform() {
            let region = region_of(transform.visible()).filter(|_| !transform.shows_all());
            for (slot, side) in &missing {
                if let (Side::Calotype(photo, quality), None) = (side, render(*slot, side)) {
                    tasks.push(Task::Develop(*slot, photo.clone(), *quality, region));
                }
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
    pub(super) fn pair(&self) -> Option<Pair> {
        let side = |slot| Some((self.side(slot)?, self.shown(slot).filter(|shown| shown.complete)?.picture.clone()));
        let ((a, first), (b, second)) = (side(0)?, side(1)?);
        Some(Pair { sides: [a, b], pictures: [first, second] })
    }
}
