//! The choice of engine, model and threads.

use std::path::{Path, PathBuf};

use calotype::{Codec, EngineChoice, Isa, exact, has_memory};
use rayon::ThreadPoolBuilder;

use crate::args::{Cli, Engine};
use crate::failure::Failure;
use crate::output;

/// The engine and the model to use, and whether to say so.
#[derive(Clone, Debug)]
pub struct Choice {
    engine: EngineChoice,
    model: Option<PathBuf>,
    /// `-v`
    pub verbose: bool,
}

/// What threads, tables and a small picture take. Memory that ends in the middle of them would end the program without a word.
const BEGIN_BYTES: u64 = 20 << 20;
/// What a thread asks for at its start, its stack: where that is not there any more, the C library may end the program.
const THREAD_BYTES: u64 = 2 << 20;

/// Starts the threads of the whole program.
///
/// # Errors
/// Usage for none and for too many; limits (exit code 3) where there is no memory to begin with; engine (4) where the machine does not give threads.
pub fn set_threads(threads: Option<usize>) -> Result<(), Failure> {
    if !has_memory(BEGIN_BYTES) {
        let needed = exact(BEGIN_BYTES);
        return Err(Failure {
            code: 3,
            message: format!("{needed} of memory are needed to begin with, more than there is; make some free"),
        });
    }
    if let Some(threads) = threads.filter(|threads| !(1..=most_threads()).contains(threads)) {
        return Err(Failure::usage(format!("--threads {threads}: give 1 to {}", most_threads())));
    }
    let count = threads.unwrap_or_else(cores);
    let failed = |why: String| Failure {
        code: 4,
        message: format!("cannot start {count} threads: {why}; give fewer with --threads, or more memory"),
    };
    if !has_memory(BEGIN_BYTES + count as u64 * THREAD_BYTES) {
        return Err(failed(format!("each takes {} of memory", exact(THREAD_BYTES))));
    }
    // 0 stands for one per core, unless rayon's own variable says otherwise.
    ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build_global().map_err(|error| failed(error.to_string()))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// More threads than cores only take memory; so many are allowed for experiments.
fn most_threads() -> usize {
    cores().max(256)
}

/// What `--engine`, `--adapter` and `--isa` ask for.
///
/// # Errors
/// Usage for flags that contradict each other; engine (exit code 4) for an `--isa` that this machine lacks.
pub fn chosen(cli: &Cli) -> Result<Choice, Failure> {
    let isa = chosen_isa(cli.isa.as_deref())?;
    let engine = match (cli.engine, &cli.adapter, isa) {
        (Engine::Cpu, Some(_), _) => return Err(Failure::usage("--adapter: names a GPU; leave --engine cpu away")),
        (Engine::Gpu, _, Some(_)) | (_, Some(_), Some(_)) => return Err(Failure::usage("--isa: is for the CPU; leave the GPU away")),
        (Engine::Gpu, name, None) => EngineChoice::Gpu(name.clone()),
        (Engine::Auto, Some(name), None) => EngineChoice::Gpu(Some(name.clone())),
        (Engine::Cpu, None, isa) => EngineChoice::Cpu(isa),
        (Engine::Auto, None, isa) => isa.into(),
    };
    Ok(Choice { engine, model: cli.model.clone(), verbose: cli.verbose })
}

impl Choice {
    /// The codec for both ways.
    ///
    /// # Errors
    /// Engine (exit code 4) if the machine lacks the engine; input (5) or model (4) for a `--model` that cannot be read or is damaged.
    pub fn codec(&self) -> Result<Codec, Failure> {
        self.codec_on(self.for_one_file())
    }

    /// The codec for both ways on another engine.
    ///
    /// # Errors
    /// As [`Choice::codec`].
    pub fn codec_on(&self, engine: EngineChoice) -> Result<Codec, Failure> {
        let Some(path) = &self.model else { return Codec::new(engine).map_err(|error| Failure::engine(&error)) };
        let beside = encoder_beside(path)?;
        let decoder = read(path)?;
        let encoder = std::fs::read(&beside).map_err(|error| Failure::io(path, &format!("read {} beside it", beside.display()), error))?;
        from_parts(path, &decoder, Some(&encoder), engine)
    }

    /// The codec for decoding alone, which is ready sooner.
    ///
    /// # Errors
    /// As [`Choice::codec`].
    pub fn decoder(&self) -> Result<Codec, Failure> {
        self.decoder_on(self.for_one_file())
    }

    /// The codec for decoding alone on another engine.
    ///
    /// # Errors
    /// As [`Choice::codec`].
    pub fn decoder_on(&self, engine: EngineChoice) -> Result<Codec, Failure> {
        let Some(path) = &self.model else { return Codec::decode_only(engine).map_err(|error| Failure::engine(&error)) };
        from_parts(path, &read(path)?, None, engine)
    }

    /// One file is not shared out.
    pub fn for_one_file(&self) -> EngineChoice {
        if self.is_all() { EngineChoice::Auto } else { self.engine.clone() }
    }

    /// Whether `--adapter all` asks for every engine.
    pub fn is_all(&self) -> bool {
        matches!(&self.engine, EngineChoice::Gpu(Some(name)) if name == "all")
    }

    /// What `--engine`, `--adapter` and `--isa` name.
    pub fn engine(&self) -> &EngineChoice {
        &self.engine
    }

    /// What `--model` names.
    pub fn model(&self) -> Option<&Path> {
        self.model.as_deref()
    }

    /// Says what the codec has to say after its work: what ran, with `-v`, and what went wrong on the way.
    pub fn say(&self, codec: &Codec) {
        for warning in codec.take_warnings() {
            output::say(&format!("calotype: warning: {warning}"));
        }
        if self.verbose {
            let ran = codec.engine();
            output::say(&format!("calotype: engine: {} {}", ran.engine, ran.adapter));
        }
    }
}

fn from_parts(path: &Path, decoder: &[u8], encoder: Option<&[u8]>, engine: EngineChoice) -> Result<Codec, Failure> {
    Codec::from_parts(decoder, encoder, engine).map_err(|error| Failure::codec(path, &error))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::io(path, "read the model", error))
}

/// NAME.encoder.safetensors of NAME.decoder.safetensors.
fn encoder_beside(path: &Path) -> Result<PathBuf, Failure> {
    let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".decoder.safetensors"));
    let Some(name) = name else {
        return Err(Failure::usage(format!("--model {}: give the path of a NAME.decoder.safetensors", path.display())));
    };
    Ok(path.with_file_name(format!("{name}.encoder.safetensors")))
}

/// The code path that `--isa` names.
///
/// # Errors
/// Usage for an unknown name; engine (exit code 4) for one that this machine lacks.
fn chosen_isa(name: Option<&str>) -> Result<Option<Isa>, Failure> {
    let Some(name) = name else { return Ok(None) };
    let every = Isa::ALL;
    let Some(isa) = every.into_iter().find(|isa| isa.to_string() == name) else {
        let names = every.map(|isa| isa.to_string()).join(", ");
        return Err(Failure::usage(format!("--isa {name}: unknown; give one of {names}")));
    };
    if Isa::available().contains(&isa) {
        return Ok(Some(isa));
    }
    Err(Failure { code: 4, message: format!("--isa {name}: this machine does not have it; see `calotype devices`") })
}
