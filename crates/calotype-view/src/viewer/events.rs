//! What the threads tell, and what becomes of it.

use super::*;

impl Viewer {
    pub(super) fn take(&mut self, event: Event) {
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
            Event::Studio(Done::Failed(task, error)) => self.take_failed(&task, error),
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
            Loaded::Patch(patch) => {
                let on_device = if patch.texture.is_some() { " on the window's GPU" } else { "" };
                let Region { x, y, width, height } = patch.region;
                format!("columns {x}..{}, rows {y}..{}{on_device}", x + width, y + height)
            }
            Loaded::Complete => "complete".to_owned(),
            Loaded::Failed(error) => format!("failed: {error}"),
        };
        let after = self.asked.map_or(0.0, |asked| asked.elapsed().as_secs_f64() * 1e3);
        self.log(&format!("{}: {what} after {after:.0} ms", path.display()));
    }

    fn take_developed(&mut self, developed: Developed) {
        let Developed { slot, photo, quality, patch, whole, bytes, time } = developed;
        let (width, height) = (patch.region.width, patch.region.height);
        self.log(&format!("quality {:.1}: {bytes} bytes, {width}x{height} pixels in {:.0} ms", quality.points(), time.as_secs_f64() * 1e3));
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
        self.say(&format!("quality {:.2}: {}{reached}", quality.points(), crate::words::size(bytes)), !met);
    }

    fn take_failed(&mut self, task: &Task, error: Error) {
        self.errands.retain(|errand| errand != task);
        self.say(&error.to_string(), true);
        if let Task::Develop(slot, ..) = task {
            self.refusals[*slot] = Some(error);
        }
    }

    fn take_peer(&mut self, job: PeerJob, result: Result<(Arc<Picture>, u64), Error>) {
        let side = Side::Peer(job.photo, job.name, job.bytes);
        if self.side(job.slot).as_ref() != Some(&side) {
            return;
        }
        match result {
            Ok((picture, bytes)) => {
                self.log(&format!("{}: {bytes} bytes for {}", job.name, job.bytes));
                self.renders[job.slot] = Some(Render { side, picture, complete: true, bytes });
            }
            Err(error) => {
                self.say(&error.to_string(), true);
                self.refusals[job.slot] = Some(error);
            }
        }
    }
}
