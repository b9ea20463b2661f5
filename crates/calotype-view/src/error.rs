//! Why there is no window, or no picture of it.

/// Why the viewer cannot be shown.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The machine has no display, or no way to draw on it.
    #[error("no window can be opened: {0}")]
    Window(String),
    /// What was to be seen does not come.
    #[error("{0}")]
    Picture(String),
    /// It did not come in time.
    #[error("nothing to be seen after {0} s")]
    Late(u64),
}
