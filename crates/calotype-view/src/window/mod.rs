//! The window: egui draws the viewer and brings it keys, mouse and files.

mod canvas;
mod cards;
mod open;
mod panel;
mod textures;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use calotype::EngineChoice;
use calotype::gpu::Adapter;
use egui::{Color32, Context, Event, KeyboardShortcut, Ui, ViewportCommand};

use crate::command::{BINDINGS, Binding};
use crate::host::Host;
use crate::side::Compare;
use crate::viewer::{Start, Viewer};
use crate::words;
use open::Next;
pub use open::run;
use textures::Textures;

/// Half a period of flicker.
const FLICKER: Duration = Duration::from_millis(500);
/// Longer than this nobody may wait for the interface.
const LONGEST_FRAME: Duration = Duration::from_millis(50);
const PANEL_WIDTH: f32 = 280.0;
/// What the window is cleared to. Neither canvas nor panel is filled once more: that would be half of a software driver's work.
pub const BACKGROUND: Color32 = Color32::from_rgb(24, 24, 26);

/// The viewer with what it needs to be drawn by egui.
pub struct Screen {
    /// What is shown.
    pub viewer: Viewer,
    textures: Textures,
    began: Instant,
    frames: Frames,
    title: String,
    was_full_screen: bool,
    /// Where to leave what another window is to begin with.
    next: Next,
}

/// How long frames kept the interface.
#[derive(Default)]
struct Frames {
    count: u64,
    longest: Duration,
    over: u64,
}

impl Frames {
    fn add(&mut self, time: Duration) {
        self.count += 1;
        self.longest = self.longest.max(time);
        self.over += u64::from(time > LONGEST_FRAME);
    }

    fn words(&self) -> String {
        let (longest, limit) = (self.longest.as_secs_f64() * 1e3, LONGEST_FRAME.as_millis());
        format!("{} frames, the longest kept the interface for {longest:.1} ms, {} for over {limit} ms", self.count, self.over)
    }
}

impl Screen {
    /// For an egui context that is repainted when there is something new.
    pub fn new(ctx: &Context, host: Arc<dyn Host>, start: Start) -> Screen {
        ctx.set_theme(egui::Theme::Dark);
        ctx.all_styles_mut(|style| {
            style.visuals.override_text_color = Some(egui::Color32::from_gray(215));
            style.visuals.weak_text_alpha = 0.65;
            style.visuals.panel_fill = Color32::TRANSPARENT;
        });
        let waker = ctx.clone();
        let viewer = Viewer::new(host, start, Arc::new(move || waker.request_repaint()));
        Screen {
            viewer,
            textures: Textures::default(),
            began: Instant::now(),
            frames: Frames::default(),
            title: String::new(),
            was_full_screen: false,
            next: Next::default(),
        }
    }

    /// In a real window: on its device, if that is the codec's, too.
    fn in_window(creation: &eframe::CreationContext<'_>, host: Arc<dyn Host>, next: Next) -> Screen {
        let mut start = next.take();
        let card = creation.wgpu_render_state.clone();
        let wanted = host.adapter().filter(|_| start.engine.is_none());
        let shared = card.as_ref().map(|card| Adapter::shared(card.adapter.clone(), card.device.clone(), card.queue.clone()));
        if let Some(adapter) = shared.filter(|adapter| Some(adapter.facts()) == wanted.as_ref()) {
            start.engine = Some(EngineChoice::Shared(Box::new(adapter)));
        }
        let mut screen = Screen::new(&creation.egui_ctx, host, start);
        (screen.textures.card, screen.next) = (card, next);
        screen
    }

    /// For pictures of the window: everything that a frame needs is in it.
    pub fn at_once(mut self) -> Screen {
        self.textures.at_once = true;
        self
    }

    /// Draws everything, and does what keys, mouse and dropped files say.
    pub fn show(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.viewer.pump();
        tell_pointer(&ctx, &self.viewer);
        take_files(&ctx, &mut self.viewer);
        take_keys(&ctx, &mut self.viewer);
        self.flicker(&ctx);
        if self.textures.begin_frame() {
            ctx.request_repaint();
        }
        let viewer = &mut self.viewer;
        if viewer.panel && !viewer.full_screen {
            egui::Panel::right("panel").exact_size(PANEL_WIDTH).resizable(false).show(ui, |ui| panel::show(ui, viewer));
        }
        if !viewer.full_screen {
            egui::Panel::bottom("status").resizable(false).show(ui, |ui| panel::status(ui, viewer));
        }
        let frame = egui::Frame::NONE;
        egui::CentralPanel::default().frame(frame).show(ui, |ui| canvas::show(ui, viewer, &mut self.textures));
        if viewer.help {
            panel::help(ui, viewer);
        }
        // What was clicked changes what is to be done.
        viewer.pump();
    }

    fn flicker(&mut self, ctx: &Context) {
        if self.viewer.compare == Compare::Flicker {
            let half = self.began.elapsed().as_millis() / FLICKER.as_millis();
            self.viewer.second = half % 2 == 1;
            ctx.request_repaint_after(FLICKER / 4);
        }
    }

    /// What only a real window does: title, full screen, the end.
    fn command_window(&mut self, ctx: &Context) {
        let name = self.viewer.files().current().map(words::file_name);
        let title = name.map_or("Calotype".to_owned(), |name| format!("{name} - Calotype"));
        if title != self.title {
            ctx.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.title = title;
        }
        if self.viewer.full_screen != self.was_full_screen {
            self.was_full_screen = self.viewer.full_screen;
            ctx.send_viewport_cmd(ViewportCommand::Fullscreen(self.was_full_screen));
        }
        if self.viewer.quit {
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
    }
}

impl eframe::App for Screen {
    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        if self.viewer.has_lost_its_device() {
            // Nothing can be drawn on it any more, not even this frame.
            return ui.ctx().send_viewport_cmd(ViewportCommand::Close);
        }
        // Of the frame before: layout, tessellation, and what the graphics card was told.
        match frame.info().cpu_usage {
            Some(seconds) => self.frames.add(Duration::from_secs_f32(seconds)),
            None => self.viewer.log("the window is open"),
        }
        self.show(ui);
        self.command_window(ui.ctx());
    }

    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        BACKGROUND.to_normalized_gamma_f32()
    }

    fn on_exit(&mut self) {
        self.viewer.log(&self.frames.words());
    }
}

/// However the window ends. A frame that panics on the codec's device may know of its loss before the codec does.
impl Drop for Screen {
    fn drop(&mut self) {
        let in_a_frame = std::thread::panicking() && self.viewer.is_on_device();
        if in_a_frame || self.viewer.has_lost_its_device() {
            self.next.put(self.viewer.again());
        }
    }
}

/// Says what the mouse does while its button is down, for those who move it and want to know whether it has been seen.
fn tell_pointer(ctx: &Context, viewer: &Viewer) {
    let words: Vec<String> = ctx.input(|input| {
        let said = |event: &Event| match event {
            Event::PointerMoved(place) if input.pointer.any_down() => Some(("moved", *place)),
            Event::PointerButton { pos, pressed, .. } => Some((if *pressed { "pressed" } else { "released" }, *pos)),
            _ => None,
        };
        input.events.iter().filter_map(said).map(|(what, place)| format!("pointer {what} at {:.0},{:.0}", place.x, place.y)).collect()
    });
    words.iter().for_each(|words| viewer.log(words));
}

fn take_files(ctx: &Context, viewer: &mut Viewer) {
    let dropped: Vec<PathBuf> = ctx.input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect());
    if !dropped.is_empty() {
        viewer.open(&dropped);
    }
}

/// Keys belong to a field of text while one is being typed into.
fn take_keys(ctx: &Context, viewer: &mut Viewer) {
    if ctx.text_edit_focused() {
        return;
    }
    // A slow frame may have had a key more than once.
    let pressed = |binding: &Binding| {
        let KeyboardShortcut { modifiers, logical_key } = binding.shortcut;
        let times = ctx.input_mut(|input| input.count_and_consume_key(modifiers, logical_key));
        std::iter::repeat_n(binding.command, times)
    };
    // Longer combinations first: without, Shift+G would be G.
    let (with, without): (Vec<_>, Vec<_>) = BINDINGS.iter().partition(|binding| binding.shortcut.modifiers.any());
    let commands: Vec<_> = with.into_iter().chain(without).flat_map(pressed).collect();
    commands.into_iter().for_each(|command| viewer.apply(command));
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use egui::{DroppedFile, RawInput};

    use super::*;
    use crate::host::tests::Program;

    #[derive(Debug)]
    struct Dropped(PathBuf);

    impl DroppedFile for Dropped {
        fn path(&self) -> &Path {
            &self.0
        }

        fn bytes(&self) -> Result<Vec<u8>, String> {
            Err("the viewer opens it itself".to_owned())
        }
    }

    /// Drops files onto the window, and waits until what it then shows has come.
    fn drop_files(ctx: &Context, screen: &mut Screen, paths: &[&Path]) {
        let mut input = RawInput::default();
        input.dropped_files.extend(paths.iter().map(|path| Arc::new(Dropped(path.to_path_buf())) as _));
        // Minutes: what is waited for comes, on the busiest machine.
        for _ in 0..240_000 {
            let _ = ctx.run_ui(std::mem::take(&mut input), |ui| screen.show(ui));
            if screen.viewer.current().is_some_and(|document| document.is_settled()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("nothing came");
    }

    /// Windows hand dropped files to egui, and here egui hands them to the viewer. (xdotool cannot drop files.)
    #[test]
    fn dropped_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second, text] = ["a.png", "b.png", "c.png"].map(|name| folder.path().join(name));
        image::RgbImage::new(5, 4).save(&first).unwrap();
        image::RgbImage::new(9, 4).save(&second).unwrap();
        std::fs::write(&text, "no picture").unwrap();
        let ctx = Context::default();
        let mut screen = Screen::new(&ctx, Arc::new(Program), Start::default());
        let size =
            |screen: &Screen| screen.viewer.current().and_then(|document| document.facts.as_ref()).map(|facts| [facts.width, facts.height]);
        drop_files(&ctx, &mut screen, &[&second]);
        assert_eq!((size(&screen), screen.viewer.files().place()), (Some([9, 4]), (1, 3)), "one brings its folder with it");
        drop_files(&ctx, &mut screen, &[&first, &second]);
        assert_eq!((size(&screen), screen.viewer.files().place()), (Some([5, 4]), (0, 2)));
        assert_eq!(screen.viewer.recent().iter().collect::<Vec<_>>(), [&first, &second]);
        drop_files(&ctx, &mut screen, &[&text]);
        assert!(screen.viewer.current().unwrap().error.as_ref().unwrap().to_string().contains("c.png"));
    }
}
