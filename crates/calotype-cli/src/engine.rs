//! The choice of engine and threads.

use calotype::{Codec, Isa};
use rayon::ThreadPoolBuilder;

use crate::failure::Failure;

/// What `--json` calls the engine of this program.
pub const ENGINE: &str = "cpu";

/// Limits the threads of the whole program.
///
/// # Errors
/// Usage for 0 threads.
pub fn set_threads(threads: Option<usize>) -> Result<(), Failure> {
    match threads {
        None => Ok(()),
        Some(0) => Err(Failure::usage("--threads 0: give 1 or more")),
        Some(threads) => {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build_global();
            pool.map_err(|error| Failure::usage(format!("--threads {threads}: {error}")))
        }
    }
}

/// The code path that `--isa` names.
///
/// # Errors
/// Usage for an unknown name; engine (exit code 4) for one that this machine lacks.
pub fn chosen_isa(name: Option<&str>) -> Result<Option<Isa>, Failure> {
    let Some(name) = name else { return Ok(None) };
    let every = [Isa::Scalar, Isa::Portable, Isa::Avx2, Isa::Avx512];
    let Some(isa) = every.into_iter().find(|isa| isa.to_string() == name) else {
        let names = every.map(|isa| isa.to_string()).join(", ");
        return Err(Failure::usage(format!("--isa {name}: unknown; give one of {names}")));
    };
    if Isa::available().contains(&isa) {
        return Ok(Some(isa));
    }
    Err(Failure { code: 4, message: format!("--isa {name}: this machine does not have it; see `calotype devices`") })
}

/// What `--json` calls the engine's adapter: the instruction set.
pub fn adapter(codec: &Codec) -> String {
    codec.isa().to_string()
}
