//! A bar on the terminal while work goes on; nothing where standard error is none.

use calotype_bench::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::visible;

/// How far the work is, with the time left.
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// An empty bar.
    pub fn new() -> Bar {
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len}, {eta} left, {msg}");
        let bar = ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Bar { bar }
    }

    /// Draws it anew.
    pub fn show(&self, progress: &Progress<'_>) {
        self.bar.set_length(progress.of as u64);
        self.bar.set_position(progress.done as u64);
        self.bar.set_message(visible(progress.what).into_owned());
    }

    /// Draws it anew for files of which `pixels` are done, with the rate since the bar was made.
    pub fn show_rate(&self, done: usize, of: usize, pixels: u64) {
        let rate = pixels as f64 / 1e6 / self.bar.elapsed().as_secs_f64().max(1e-3);
        self.show(&Progress { done, of, what: &format!("{rate:.1} MP/s") });
    }

    /// Takes it away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
