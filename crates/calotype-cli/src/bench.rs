//! `calotype bench`: how fast this machine's engines are, beside other codecs and other machines.

use std::env;
use std::path::{Path, PathBuf};

use calotype::{AdapterKind, EncodeOptions, EngineChoice, GpuFacts, Quality, gpus};
use calotype_bench::{
    Bench, BenchOptions, CommandCodec, Journal, Named, Picture, Progress, Race, RaceBench, Spread, bench_engine, bench_page,
    calotype_command, load_average, test_picture,
};

use crate::args::BenchArgs;
use crate::engine::Choice;
use crate::eval::{image_files, peers, read};
use crate::failure::Failure;
use crate::output::{self, Existing};
use crate::progress::Bar;
use crate::read_image::read_bytes;

/// Runs the command.
///
/// # Errors
/// Every failure of engines, tools, reading and writing.
pub fn run(args: &BenchArgs, choice: &Choice) -> Result<(), Failure> {
    let existing = Existing::from_flag(args.overwrite);
    for (flag, path) in [("--json", &args.json), ("--report", &args.report)] {
        path.as_deref().map_or(Ok(()), |path| output::check(flag, path, existing))?;
    }
    if !args.compare.is_empty() {
        return compare(args);
    }
    let bench = measure(args, choice)?;
    let text = json_text(&bench)?;
    if let Some(path) = &args.json {
        output::write(path, &[text.as_bytes()], existing)?;
    }
    if let Some(path) = &args.report {
        output::write(path, &[bench_page(&[Named { name: "this machine", bench: &bench }]).as_bytes()], existing)?;
    }
    if args.json.as_deref().is_some_and(output::is_pipe) {
        return Ok(());
    }
    print(&bench)
}

fn json_text(value: &impl serde::Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::io(Path::new("results"), "write", error.into()))?;
    Ok(text + "\n")
}

/// Reads benchmarks of other runs and puts them side by side.
fn compare(args: &BenchArgs) -> Result<(), Failure> {
    let benches: Vec<(String, Bench)> =
        args.compare.iter().map(|path| Ok((name(path), read_bench(path)?))).collect::<Result<_, Failure>>()?;
    let existing = Existing::from_flag(args.overwrite);
    if let Some(path) = &args.report {
        let named: Vec<Named<'_>> = benches.iter().map(|(name, bench)| Named { name, bench }).collect();
        output::write(path, &[bench_page(&named).as_bytes()], existing)?;
    }
    if let Some(path) = &args.json {
        let all: Vec<&Bench> = benches.iter().map(|(_, bench)| bench).collect();
        output::write(path, &[json_text(&all)?.as_bytes()], existing)?;
    }
    for (name, bench) in &benches {
        output::print(&format!("{name}:"))?;
        print(bench)?;
    }
    Ok(())
}

fn name(path: &Path) -> String {
    path.file_stem().map_or_else(|| path.display().to_string(), |stem| stem.to_string_lossy().into_owned())
}

fn read_bench(path: &Path) -> Result<Bench, Failure> {
    serde_json::from_slice(&read_bytes(path)?)
        .map_err(|error| Failure::malformed(path, format!("is not what `calotype bench --json` writes: {error}")))
}

fn measure(args: &BenchArgs, choice: &Choice) -> Result<Bench, Failure> {
    let photographs: Vec<Picture> = match &args.pictures {
        Some(folder) => image_files(folder)?.iter().map(|path| read(path)).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let pictures: Vec<Picture> = args.sizes.iter().map(|(width, height)| test_picture(&photographs, *width, *height)).collect();
    let quality = Quality::new(args.quality).map_err(|error| Failure::engine(&error))?;
    let options = BenchOptions { encode: EncodeOptions { quality, ..EncodeOptions::default() }, runs: args.runs };
    let (peers, _) = peers(&args.peers)?;
    let engines = engines(choice)?;
    let model_id = choice.decoder()?.model_id().to_string();
    let mut bench = Bench::new(model_id, &options);
    let bar = Bar::new();
    for (done, (engine, gpu)) in engines.iter().enumerate() {
        let what = gpu.as_ref().map_or("CPU", |gpu| &gpu.name);
        bar.show(&Progress { done, of: engines.len(), what });
        bench.engines.push(bench_engine(&choice.codec_on(engine.clone())?, gpu.as_ref(), &pictures, &options)?);
    }
    if !args.peers.is_empty() {
        bench.races = races(args, calotype_command(program()?, &bench.model_id, choice.model()), &peers, pictures)?;
    }
    bar.finish();
    bench.load_average[1] = load_average();
    Ok(bench)
}

/// The CPU, and the GPUs that are asked for: all real ones, or those of `--adapter`.
fn engines(choice: &Choice) -> Result<Vec<(EngineChoice, Option<GpuFacts>)>, Failure> {
    let by_number = |number: usize| EngineChoice::Gpu(Some(number.to_string()));
    let usable = || gpus().into_iter().enumerate().filter(|(_, gpu)| gpu.lacks.is_none());
    let gpu = |(number, gpu): (usize, GpuFacts)| (by_number(number), Some(gpu));
    let cpu = |isa| vec![(EngineChoice::Cpu(isa), None)];
    match choice.engine() {
        EngineChoice::Cpu(isa) => Ok(cpu(*isa)),
        EngineChoice::Gpu(Some(name)) if name == "all" => Ok(cpu(None).into_iter().chain(usable().map(gpu)).collect()),
        EngineChoice::Gpu(Some(name)) => {
            let found =
                usable().find(|(number, gpu)| number.to_string() == *name || gpu.name.to_lowercase().contains(&name.to_lowercase()));
            let missing = || Failure { code: 4, message: format!("--adapter {name}: no such GPU; see `calotype devices`") };
            Ok(cpu(None).into_iter().chain([gpu(found.ok_or_else(missing)?)]).collect())
        }
        _ => Ok(cpu(None).into_iter().chain(usable().filter(|(_, gpu)| gpu.kind != AdapterKind::Cpu).map(gpu)).collect()),
    }
}

/// This program.
///
/// # Errors
/// Io if the system does not know where it lies.
pub fn program() -> Result<PathBuf, Failure> {
    env::current_exe().map_err(|error| Failure::io(Path::new("calotype"), "find", error))
}

/// Whole processes over each picture: ours as this very program, and the peers at the middle one of their qualities.
fn races(args: &BenchArgs, ours: CommandCodec, peers: &[CommandCodec], pictures: Vec<Picture>) -> Result<Vec<RaceBench>, Failure> {
    let journal = Journal::default();
    let race = |picture: Picture| {
        let name = picture.name.clone();
        let race = Race { pictures: vec![picture], runs: args.runs, threads: rayon::current_num_threads(), journal: &journal };
        let middle = |peer: &CommandCodec| peer.qualities[peer.qualities.len() / 2];
        let all = std::iter::once((&ours, args.quality)).chain(peers.iter().map(|peer| (peer, middle(peer))));
        Ok(RaceBench { picture: name, speeds: all.map(|(codec, quality)| race.time(codec, quality)).collect::<Result<_, _>>()? })
    };
    pictures.into_iter().map(race).collect()
}

fn print(bench: &Bench) -> Result<(), Failure> {
    let load = bench.load_average.map(|load| load.map_or_else(|| "unknown".to_string(), |load| format!("{load:.2}")));
    let Bench { program, model_id, quality, machine, threads, .. } = bench;
    output::print(&format!("{program}, model {model_id}, quality {quality}"))?;
    output::print(&format!(
        "{}, {} cores, {threads} threads, load average {} before, {} after",
        machine.cpu, machine.cores, load[0], load[1]
    ))?;
    for engine in &bench.engines {
        let gpu = engine.gpu.as_ref().map_or_else(String::new, |gpu| format!(" [{}, {}, {}]", gpu.backend, gpu.driver, gpu.kind));
        output::print(&format!("{} {}{gpu}", engine.engine, engine.adapter))?;
        for size in &engine.sizes {
            let (encode, decode) = (rate(size.encode_mp_per_s, &size.encode_ms), rate(size.decode_mp_per_s, &size.decode_ms));
            let hash = size.rgb_sha256.get(..8).unwrap_or_default();
            output::print(&format!("  {:12} {:9} bytes   encode {encode}   decode {decode}   pixels {hash}", size.picture, size.bytes))?;
        }
        print_details(engine)?;
    }
    output::print(if bench.engines_agree() { "all engines agree" } else { "the engines do NOT agree" })?;
    for race in &bench.races {
        output::print(&format!("whole processes, {}", race.picture))?;
        for speed in &race.speeds {
            let (encode, decode) = (rate(speed.encode_mp_per_s, &speed.encode_ms), rate(speed.decode_mp_per_s, &speed.decode_ms));
            output::print(&format!("  {:26} {:6.3} bpp   encode {encode}   decode {decode}", speed.codec, speed.bpp))?;
        }
    }
    Ok(())
}

fn print_details(engine: &calotype_bench::EngineBench) -> Result<(), Failure> {
    for size in engine.sizes.iter().filter(|size| !size.encode_phases.is_empty()) {
        let phases = |phases: &[calotype_bench::PhaseTime]| {
            phases.iter().map(|phase| format!("{} {:.1}", phase.phase, phase.ms)).collect::<Vec<_>>().join(", ")
        };
        output::print(&format!(
            "  {:12} encode ms: {}; decode ms: {}",
            size.picture,
            phases(&size.encode_phases),
            phases(&size.decode_phases)
        ))?;
    }
    for ceiling in &engine.ceilings {
        output::print(&format!("  ceiling {} {:.0} {}", ceiling.name, ceiling.value, ceiling.unit))?;
    }
    for kernel in &engine.kernels {
        let [gop, gb] = [kernel.of_gop_ceiling, kernel.of_gb_ceiling].map(|share| 100.0 * share);
        let shape = format!("{} -> {}", kernel.inputs, kernel.outputs);
        output::print(&format!(
            "  {:24} {:9} {shape:12} {:8.0} GOP/s {gop:4.0} % {:7.1} GB/s {gb:4.0} %",
            kernel.layer, kernel.kind, kernel.gop_per_s, kernel.gb_per_s
        ))?;
    }
    Ok(())
}

fn rate(mp_per_s: f64, spread: &Spread) -> String {
    format!("{mp_per_s:8.2} MP/s ({:.1} ms, {:.1}-{:.1})", spread.median, spread.min, spread.max)
}
