//! Why there is no window, no picture of it, or nothing to be seen in it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// An error of the host, which is a line in plain words that names the file: only the host knows its type.
pub type Foreign = Arc<dyn std::error::Error + Send + Sync>;

/// Why the viewer, a file, or a side of a comparison is not shown. It is cloned from thread to thread.
#[non_exhaustive]
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The machine has no display, or no way to draw on it.
    #[error("no window can be opened: {0}")]
    Window(String),
    /// It did not come in time.
    #[error("nothing to be seen after {0} s")]
    Late(u64),
    /// The host failed.
    #[error(transparent)]
    Host(#[from] Foreign),
    /// A file cannot be read.
    #[error("{}: cannot read: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: Arc<io::Error>,
    },
    /// Another codec gives no picture.
    #[error(transparent)]
    Peer(Arc<calotype_bench::Error>),
    /// A look inside a file whose latents have no places.
    #[error("a thin picture is coded folded: none of its latents stands for one place")]
    Folded,
    /// Two pictures of different sizes.
    #[error("pictures of {}x{} and {}x{} pixels cannot be compared", .0[0][0], .0[0][1], .0[1][0], .0[1][1])]
    Sizes([[u32; 2]; 2]),
    /// The photograph of a `.calo` file is not known.
    #[error("the photograph of this file is not beside it; name it with --compare, or open it")]
    NoPhotograph,
    /// Another codec does not know which size to come near to.
    #[error("another codec needs a Calotype picture on the other side, for its size")]
    NoSize,
    /// A file made the program panic.
    #[error("{}: the program made a mistake with it", .0.display())]
    Panicked(PathBuf),
}

impl From<calotype_bench::Error> for Error {
    fn from(error: calotype_bench::Error) -> Error {
        Error::Peer(Arc::new(error))
    }
}
