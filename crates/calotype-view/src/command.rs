//! What the viewer can be told, and the keys that say it.

use egui::{Key, KeyboardShortcut, Modifiers};

use crate::side::{Compare, Overlay};

/// Something to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Command {
    /// So many files further.
    Go(isize),
    /// All of the picture in the view.
    Fit,
    /// One pixel of the picture for each of the screen.
    OneToOne,
    /// The next larger zoom, or the next smaller one.
    Step {
        /// Which.
        larger: bool,
    },
    /// By so many tenths of the view, to the right and down.
    Pan(f64, f64),
    /// This way of comparing, or off if it is on.
    Compare(Compare),
    /// The other side first.
    Swap,
    /// The border between the sides, by so much of the view.
    MoveSplit(f64),
    /// The difference enlarged by this factor.
    Gain(f64),
    /// This overlay, or none if it is on.
    Overlay(Overlay),
    /// So many channels further.
    Channel(isize),
    /// The quality, by so many points.
    Quality(f64),
    /// Save the photograph at this quality.
    Save,
    /// The panel, shown or hidden.
    Panel,
    /// The list of keys, shown or hidden.
    Help,
    /// The whole screen or a window.
    FullScreen,
    /// Lets go of what is in the way: the list of keys, full screen, a message, a comparison.
    Escape,
    /// The end.
    Quit,
}

/// A key and what it does.
pub struct Binding {
    /// The key with its modifiers.
    pub shortcut: KeyboardShortcut,
    /// What it does.
    pub command: Command,
    /// The same in words; empty where another line tells it.
    pub words: &'static str,
}

const fn key(key: Key, command: Command, words: &'static str) -> Binding {
    Binding { shortcut: KeyboardShortcut::new(Modifiers::NONE, key), command, words }
}

const fn with(modifiers: Modifiers, key: Key, command: Command, words: &'static str) -> Binding {
    Binding { shortcut: KeyboardShortcut::new(modifiers, key), command, words }
}

/// All keys, in the order of the list that F1 shows.
pub const BINDINGS: [Binding; 43] = [
    key(Key::ArrowRight, Command::Go(1), "next file"),
    key(Key::Space, Command::Go(1), ""),
    key(Key::PageDown, Command::Go(1), ""),
    key(Key::ArrowLeft, Command::Go(-1), "previous file"),
    key(Key::PageUp, Command::Go(-1), ""),
    key(Key::F, Command::Fit, "fit the picture into the window"),
    key(Key::Num0, Command::Fit, ""),
    key(Key::Num1, Command::OneToOne, "pixel by pixel"),
    key(Key::Plus, Command::Step { larger: true }, "zoom in (or the wheel)"),
    key(Key::Equals, Command::Step { larger: true }, ""),
    key(Key::Minus, Command::Step { larger: false }, "zoom out"),
    with(Modifiers::SHIFT, Key::ArrowRight, Command::Pan(1.0, 0.0), "move the view (or drag)"),
    with(Modifiers::SHIFT, Key::ArrowLeft, Command::Pan(-1.0, 0.0), ""),
    with(Modifiers::SHIFT, Key::ArrowUp, Command::Pan(0.0, -1.0), ""),
    with(Modifiers::SHIFT, Key::ArrowDown, Command::Pan(0.0, 1.0), ""),
    key(Key::ArrowUp, Command::Pan(0.0, -1.0), ""),
    key(Key::ArrowDown, Command::Pan(0.0, 1.0), ""),
    key(Key::C, Command::Compare(Compare::Split), "compare side by side"),
    key(Key::D, Command::Compare(Compare::Difference), "difference"),
    key(Key::X, Command::Compare(Compare::Flicker), "flicker"),
    key(Key::S, Command::Swap, "swap the sides"),
    key(Key::Comma, Command::MoveSplit(-0.05), "move the border to the left"),
    key(Key::Period, Command::MoveSplit(0.05), "move the border to the right"),
    key(Key::G, Command::Gain(2.0), "enlarge the difference"),
    with(Modifiers::SHIFT, Key::G, Command::Gain(0.5), "and less"),
    key(Key::B, Command::Overlay(Overlay::Bits), "bits per latent"),
    key(Key::M, Command::Overlay(Overlay::Sigma), "sigma"),
    key(Key::L, Command::Overlay(Overlay::Channel(0)), "latent channels"),
    key(Key::CloseBracket, Command::Channel(1), "next channel"),
    key(Key::OpenBracket, Command::Channel(-1), "previous channel"),
    key(Key::W, Command::Quality(1.0), "quality up"),
    key(Key::Q, Command::Quality(-1.0), "quality down"),
    with(Modifiers::SHIFT, Key::W, Command::Quality(10.0), "by ten"),
    with(Modifiers::SHIFT, Key::Q, Command::Quality(-10.0), ""),
    with(Modifiers::COMMAND, Key::S, Command::Save, "save as .calo"),
    key(Key::Tab, Command::Panel, "panel"),
    key(Key::F11, Command::FullScreen, "full screen"),
    key(Key::Enter, Command::FullScreen, ""),
    key(Key::F1, Command::Help, "this list"),
    key(Key::H, Command::Help, ""),
    key(Key::Questionmark, Command::Help, ""),
    key(Key::Escape, Command::Escape, "back"),
    with(Modifiers::COMMAND, Key::Q, Command::Quit, "quit"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_does_one_thing_and_every_thing_is_told() {
        for (place, binding) in BINDINGS.iter().enumerate() {
            assert!(BINDINGS[..place].iter().all(|other| other.shortcut != binding.shortcut), "{:?}", binding.shortcut);
            let told = BINDINGS.iter().any(|other| other.command == binding.command && !other.words.is_empty());
            assert!(told || matches!(binding.command, Command::Pan(..) | Command::Quality(_)), "{:?}", binding.command);
        }
    }
}
