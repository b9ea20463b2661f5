//! Opens windows: on the codec's GPU where that can draw, and another one when its device is lost.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use calotype::gpu::AdapterFacts;
use eframe::egui_wgpu::{WgpuConfiguration, WgpuSetup, WgpuSetupCreateNew};

use super::Screen;
use crate::error::Error;
use crate::host::Host;
use crate::viewer::Start;

/// A machine whose devices are lost again and again shows no more windows.
const MOST_WINDOWS: usize = 8;

/// Shows the viewer in a window until it is closed; in another one, when the first one's device is lost.
///
/// # Errors
/// [`Error::Window`] without a display.
pub fn run(host: Arc<dyn Host>, start: Start) -> Result<(), Error> {
    let next = Next::default();
    next.put(start);
    (0..MOST_WINDOWS).take_while(|_| next.is_there()).try_for_each(|_| open(&host, &next))
}

/// Shows one window, which takes what it begins with and leaves what another one is to begin with, if its device is lost.
fn open(host: &Arc<dyn Host>, next: &Next) -> Result<(), Error> {
    let viewport = egui::ViewportBuilder::default()
        .with_title("Calotype")
        .with_app_id("calotype")
        .with_inner_size([1280.0, 800.0])
        .with_drag_and_drop(true);
    let options = eframe::NativeOptions { viewport, dithering: false, wgpu_options: graphics(host.adapter()), ..Default::default() };
    let (host, screens_next) = (Arc::clone(host), next.clone());
    let begin = move |creation: &eframe::CreationContext<'_>| -> Result<Box<dyn eframe::App>, _> {
        Ok(Box::new(Screen::in_window(creation, host, screens_next)))
    };
    // egui panics where its device is lost in the middle of a frame. After a panic, winit's loop ends once before any window has begun.
    match catch_unwind(AssertUnwindSafe(|| eframe::run_native("calotype", options, Box::new(begin)))) {
        Ok(ended) => ended.map_err(|error| Error::Window(plain(&error.to_string()))),
        Err(_) if next.is_there() => Ok(()),
        Err(panic) => resume_unwind(panic),
    }
}

/// What winit says, without the place in its source that it names first: "... at PATH.rs:LINE: REASON."
fn plain(said: &str) -> String {
    let reason = said.rsplit_once(".rs:").and_then(|(_, place)| place.split_once(": ")).map_or(said, |(_, reason)| reason);
    reason.trim_end_matches('.').to_owned()
}

/// What the next window begins with, if there is to be one.
#[derive(Clone, Default)]
pub struct Next(Arc<Mutex<Option<Start>>>);

impl Next {
    fn slot(&self) -> MutexGuard<'_, Option<Start>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is to be one.
    pub fn put(&self, start: Start) {
        *self.slot() = Some(start);
    }

    /// It begins.
    pub fn take(&self) -> Start {
        self.slot().take().unwrap_or_default()
    }

    fn is_there(&self) -> bool {
        self.slot().is_some()
    }
}

/// The GPU that the codec takes, if it can draw; else any graphics: Vulkan, Metal, Direct3D 12, and OpenGL where there is none of them.
fn graphics(wanted: Option<AdapterFacts>) -> WgpuConfiguration {
    let mut setup = WgpuSetupCreateNew::without_display_handle();
    if let Some(wanted) = wanted {
        let select = move |adapters: &[wgpu::Adapter], surface: Option<&wgpu::Surface<'_>>| {
            let mut able = adapters.iter().filter(|adapter| surface.is_none_or(|surface| adapter.is_surface_supported(surface)));
            let found = able.clone().find(|adapter| AdapterFacts::of(adapter) == wanted).or_else(|| able.next());
            found.cloned().ok_or_else(|| "no graphics for this display".to_owned())
        };
        setup.native_adapter_selector = Some(Arc::new(select));
    }
    WgpuConfiguration { wgpu_setup: WgpuSetup::CreateNew(setup), ..Default::default() }
}
