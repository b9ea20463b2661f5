//! Kinds of devices.

use std::fmt;

/// What an adapter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AdapterKind {
    /// A GPU with its own memory.
    Discrete,
    /// A GPU in the processor.
    Integrated,
    /// A GPU of a virtual machine.
    Virtual,
    /// Something else that is no CPU.
    Other,
    /// A software implementation: right, and slower than the native CPU engine.
    Cpu,
}

impl fmt::Display for AdapterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AdapterKind::Discrete => "discrete GPU",
            AdapterKind::Integrated => "integrated GPU",
            AdapterKind::Virtual => "virtual GPU",
            AdapterKind::Other => "other",
            AdapterKind::Cpu => "software",
        })
    }
}
