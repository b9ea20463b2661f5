//! Why an engine cannot be made.

use crate::Isa;

/// An engine that this machine cannot run.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The machine lacks the instructions.
    #[error("this machine has no {isa}")]
    Unavailable {
        /// What was asked for.
        isa: Isa,
    },
}
