//! What the user tells the viewer to do.

use super::*;

impl Viewer {
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
                let [lowest, highest] = self.qualities().map(Quality::points);
                let points = (self.quality.points() + by).clamp(lowest, highest);
                self.set_quality(Quality::new(points).unwrap_or(self.quality));
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
            self.quality.points()
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
