//! Why a GPU did not give a result.

/// A GPU that cannot be used, or that failed. No result is wrong because of it: there is none.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no real GPU within the limits.
    #[error("no GPU; software implementations are taken by name alone, if there are any")]
    NoAdapter,
    /// No adapter has this name or number.
    #[error("no adapter `{wanted}`; there are: {present}")]
    UnknownAdapter {
        /// What was asked for.
        wanted: String,
        /// The names of the adapters of this machine.
        present: String,
    },
    /// The adapter does not have WebGPU's default limits.
    #[error("adapter {adapter}: {limit} is less than WebGPU's default")]
    AdapterLimits {
        /// The adapter's name.
        adapter: String,
        /// The limit.
        limit: &'static str,
    },
    /// The adapter gave no device.
    #[error("adapter {adapter} gives no device: {reason}")]
    NoDevice {
        /// The adapter's name.
        adapter: String,
        /// The driver's words.
        reason: String,
    },
    /// The device went away, or was reset.
    #[error("the GPU was lost: {reason}")]
    Lost {
        /// The driver's words.
        reason: String,
    },
    /// Not enough memory on the device.
    #[error("out of GPU memory")]
    OutOfMemory,
    /// The device did not finish in time.
    #[error("the GPU did not finish within {seconds} s")]
    Timeout {
        /// How long was waited.
        seconds: u64,
    },
    /// A tile or layer is larger than a binding of WebGPU's default limits.
    #[error("a buffer of {bytes} bytes is over the limit of {limit}")]
    TooLarge {
        /// The buffer.
        bytes: u64,
        /// Bytes of the largest binding.
        limit: u64,
    },
    /// The driver refused a shader or a command: a bug here or there.
    #[error("the GPU's driver failed: {reason}")]
    Driver {
        /// Its words.
        reason: String,
    },
}

impl Error {
    /// Whether there is just no GPU here.
    pub fn is_absence(&self) -> bool {
        *self == Error::NoAdapter
    }
}
