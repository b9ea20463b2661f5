//! The window: egui draws the viewer and brings it keys, mouse and files.

mod canvas;
mod panel;
mod textures;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{Color32, Context, Ui, ViewportCommand};

use crate::command::BINDINGS;
use crate::error::Error;
use crate::host::Host;
use crate::side::Compare;
use crate::viewer::{Start, Viewer};
use crate::words;
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
        }
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
    let pressed = |binding: &&crate::command::Binding| ctx.input_mut(|input| input.consume_shortcut(&binding.shortcut));
    // Longer combinations first: without, Shift+G would be G.
    let (with, without): (Vec<_>, Vec<_>) = BINDINGS.iter().partition(|binding| binding.shortcut.modifiers.any());
    let commands: Vec<_> = with.into_iter().chain(without).filter(pressed).map(|binding| binding.command).collect();
    commands.into_iter().for_each(|command| viewer.apply(command));
}

/// Shows the viewer in a window until it is closed.
///
/// # Errors
/// [`Error::Window`] without a display.
pub fn run(host: Arc<dyn Host>, start: Start) -> Result<(), Error> {
    let viewport = egui::ViewportBuilder::default()
        .with_title("Calotype")
        .with_app_id("calotype")
        .with_inner_size([1280.0, 800.0])
        .with_drag_and_drop(true);
    let options = eframe::NativeOptions { viewport, dithering: false, wgpu_options: graphics(), ..Default::default() };
    let begin = move |creation: &eframe::CreationContext<'_>| -> Result<Box<dyn eframe::App>, _> {
        Ok(Box::new(Screen::new(&creation.egui_ctx, host, start)))
    };
    eframe::run_native("calotype", options, Box::new(begin)).map_err(|error| Error::Window(error.to_string()))
}

/// Any graphics: Vulkan, Metal, Direct3D 12, and OpenGL where there is none of them.
fn graphics() -> eframe::egui_wgpu::WgpuConfiguration {
    eframe::egui_wgpu::WgpuConfiguration::default()
}
