//! Pictures of the window without a window.

use std::sync::Arc;
use std::time::{Duration, Instant};

use calotype::Image;
use egui::{Context, Event, Pos2, RawInput, Rect, ViewportId, vec2};

use crate::error::Error;
use crate::host::Host;
use crate::raster::Raster;
use crate::viewer::Start;
use crate::window::{BACKGROUND, Screen};

/// Frames after which everything has its place.
const SETTLING: usize = 4;

/// A picture of the window to be made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shot {
    /// Columns of the window.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Where the mouse is.
    pub pointer: Option<[f32; 2]>,
    /// Where the border between the sides is, 0 to 1.
    pub split: f64,
    /// Whether the panel is shown.
    pub panel: bool,
    /// How long to wait until everything is there.
    pub patience: Duration,
}

impl Default for Shot {
    fn default() -> Shot {
        Shot { width: 1280, height: 800, pointer: None, split: 0.5, panel: true, patience: Duration::from_secs(120) }
    }
}

/// Draws the window as it looks when all work is done. The error of a file is part of the picture.
///
/// # Errors
/// [`Error::Late`].
pub fn screenshot(host: Arc<dyn Host>, start: Start, shot: &Shot) -> Result<Image, Error> {
    let ctx = Context::default();
    let mut screen = Screen::new(&ctx, host, start).at_once();
    (screen.viewer.split, screen.viewer.panel) = (shot.split, shot.panel);
    let mut raster = Raster::new(shot.width as usize, shot.height as usize, BACKGROUND);
    let begin = Instant::now();
    let mut settled = 0;
    loop {
        let frame = frame(&ctx, shot, &mut screen, begin.elapsed().as_secs_f64());
        raster.update(&frame.textures_delta);
        // A thread may have told of its end before the last frame heard of it.
        let happened = screen.viewer.pump();
        settled = if screen.viewer.is_idle() && !happened { settled + 1 } else { 0 };
        if settled > SETTLING {
            raster.draw(&ctx.tessellate(frame.shapes, 1.0));
            return Ok(Image { width: shot.width, height: shot.height, rgb: raster.rgb() });
        }
        if begin.elapsed() > shot.patience {
            return Err(Error::Late(shot.patience.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn frame(ctx: &Context, shot: &Shot, screen: &mut Screen, time: f64) -> egui::FullOutput {
    let mut input = RawInput {
        screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(shot.width as f32, shot.height as f32))),
        time: Some(time),
        max_texture_side: Some(8192),
        ..RawInput::default()
    };
    input.viewports.entry(ViewportId::ROOT).or_default().native_pixels_per_point = Some(1.0);
    input.events.extend(shot.pointer.map(|[x, y]| Event::PointerMoved(Pos2::new(x, y))));
    ctx.run_ui(input, |ui| screen.show(ui))
}
