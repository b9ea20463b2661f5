//! The viewer: a window that shows what the codec does.
//!
//! [`Viewer`] is the viewer without its window: files, zoom, comparisons, overlays, and threads that load, encode and measure beside it.
//! [`run`] shows it in a window, [`screenshot`] draws the same without one. The program around it is a [`Host`].

#![forbid(unsafe_code)]

mod command;
mod crew;
mod documents;
mod error;
mod files;
mod host;
mod judge;
mod load;
mod overlay;
mod picture;
mod raster;
mod shot;
mod side;
mod studio;
mod transform;
mod viewer;
mod window;
mod words;
mod worker;

pub use command::{BINDINGS, Binding, Command};
pub use error::{Error, Foreign};
pub use host::Host;
pub use shot::{Shot, screenshot};
pub use side::{Choice, Compare, Overlay};
pub use transform::Zoom;
pub use viewer::{Start, Viewer};
pub use window::run;
