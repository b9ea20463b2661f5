//! Benchmarks of one or more machines as one page of HTML that needs no other file.

use maud::{Markup, html};

use crate::bench::{Bench, EngineBench, RaceBench, SizeBench};
use crate::meter::{KernelSpeed, PhaseTime};
use crate::point::OURS;
use crate::report::number::{number, number_or_dash};
use crate::report::page;
use crate::speed::{Speed, Spread};

/// A benchmark and what it is called beside others.
pub struct Named<'a> {
    /// E.g. its file's name.
    pub name: &'a str,
    /// What was measured.
    pub bench: &'a Bench,
}

/// Draws the page. Numbers name their place in the JSON of their benchmark; with several, the pointer begins with the benchmark's number.
pub fn bench_page(benches: &[Named<'_>]) -> String {
    let one = benches.len() == 1;
    let at = |place: usize| if one { String::new() } else { format!("/{place}") };
    page(
        "calotype bench",
        html! {
            h1 { "How fast calotype is" }
            (sections(benches, &at))
        },
    )
}

/// The sections of a page about benchmarks that are the list `pointer` of its JSON file.
pub(crate) fn bench_sections(benches: &[Named<'_>], pointer: &str) -> Markup {
    sections(benches, &|place| format!("{pointer}/{place}"))
}

/// `at` gives the JSON pointer of a benchmark.
fn sections(benches: &[Named<'_>], at: &dyn Fn(usize) -> String) -> Markup {
    let one = benches.len() == 1;
    html! {
        @for named in benches { (facts(named, one)) }
        h2 { "Engines" }
        p.note { "From pixels in memory to a file in memory and back. Medians; in brackets the fastest and the slowest run. Every engine must give the same file and the same pixels." }
        (engines(benches, at))
        @for (place, named) in benches.iter().enumerate() {
            (details(named, &at(place), one))
        }
    }
}

fn facts(named: &Named<'_>, one: bool) -> Markup {
    let Bench { program, model_id, quality, machine, threads, load_average, .. } = named.bench;
    let load = load_average.map(|load| load.map_or_else(|| "unknown".to_string(), |load| format!("{load:.2}")));
    html! {
        p {
            @if !one { b { (named.name) ": " } }
            (program) ", model " code { (model_id) } ", quality " (quality) "; "
            (machine.cpu) ", " (machine.cores) " cores, " (threads) " threads, " (machine.os) "; load average " (load[0]) " before, " (load[1]) " after."
        }
        @if !named.bench.engines_agree() { p.warning { "The engines of " (named.name) " do NOT agree." } }
    }
}

/// The fastest median of all rows, for the length of bars.
fn fastest(benches: &[Named<'_>], value: fn(&SizeBench) -> f64) -> f64 {
    let sizes = benches.iter().flat_map(|named| &named.bench.engines).flat_map(|engine| &engine.sizes);
    sizes.map(value).fold(f64::MIN_POSITIVE, f64::max)
}

fn engines(benches: &[Named<'_>], at: &dyn Fn(usize) -> String) -> Markup {
    let most = [fastest(benches, |size| size.encode_mp_per_s), fastest(benches, |size| size.decode_mp_per_s)];
    let rows = |place: usize, named: &Named<'_>| -> Markup {
        html! {
            @for (nth, engine) in named.bench.engines.iter().enumerate() {
                @for (which, size) in engine.sizes.iter().enumerate() {
                    @let at = format!("{}/engines/{nth}/sizes/{which}", at(place));
                    tr {
                        th { @if which == 0 { @if benches.len() > 1 { (named.name) ": " } (engine_name(engine)) } }
                        (size_cells(&at, size, most))
                    }
                }
            }
        }
    };
    html! {
        table {
            thead { tr { th { "engine" } th { "picture" } th { "bytes" } th colspan="2" { "encode MP/s" } th { "ms" } th colspan="2" { "decode MP/s" } th { "ms" } th { "pixels" } } }
            tbody { @for (place, named) in benches.iter().enumerate() { (rows(place, named)) } }
        }
    }
}

fn size_cells(at: &str, size: &SizeBench, most: [f64; 2]) -> Markup {
    html! {
        td { (size.picture) }
        td { (number(&format!("{at}/bytes"), size.bytes as f64, 0)) }
        (bar(size.encode_mp_per_s / most[0]))
        td { (number(&format!("{at}/encode_mp_per_s"), size.encode_mp_per_s, 2)) }
        td { (spread(&format!("{at}/encode_ms"), &size.encode_ms)) }
        (bar(size.decode_mp_per_s / most[1]))
        td { (number(&format!("{at}/decode_mp_per_s"), size.decode_mp_per_s, 2)) }
        td { (spread(&format!("{at}/decode_ms"), &size.decode_ms)) }
        td { code title=(size.rgb_sha256) { (size.rgb_sha256.get(..8).unwrap_or_default()) } }
    }
}

fn engine_name(engine: &EngineBench) -> String {
    let gpu = engine.gpu.as_ref().map_or_else(String::new, |gpu| format!(" ({}, {}, {})", gpu.backend, gpu.driver, gpu.kind));
    format!("{} {}{gpu}", engine.engine, engine.adapter)
}

/// A bar whose length is this share of the column.
fn bar(share: f64) -> Markup {
    html! { td.bar { div style=(format!("width:{:.1}%", 100.0 * share.clamp(0.0, 1.0))) {} } }
}

fn spread(at: &str, spread: &Spread) -> Markup {
    html! {
        (number(&format!("{at}/median"), spread.median, 1)) " (" (number(&format!("{at}/min"), spread.min, 1)) "–" (number(&format!("{at}/max"), spread.max, 1)) ")"
    }
}

/// Phases, kernels and races of one machine.
fn details(named: &Named<'_>, at: &str, one: bool) -> Markup {
    html! {
        @if !one { h2 { (named.name) } }
        @for (nth, race) in named.bench.races.iter().enumerate() { (race_table(&format!("{at}/races/{nth}"), race, named.bench)) }
        @for (nth, engine) in named.bench.engines.iter().enumerate() {
            (phase_tables(&format!("{at}/engines/{nth}"), engine))
            (kernel_table(&format!("{at}/engines/{nth}"), engine))
        }
    }
}

fn race_table(at: &str, race: &RaceBench, bench: &Bench) -> Markup {
    let most = |value: fn(&Speed) -> f64| race.speeds.iter().map(value).fold(f64::MIN_POSITIVE, f64::max);
    let most = [most(|speed| speed.encode_mp_per_s), most(|speed| speed.decode_mp_per_s)];
    let row = |place: usize, speed: &Speed| -> Markup {
        let at = format!("{at}/speeds/{place}");
        html! {
            tr class=[(speed.codec == OURS).then_some("ours")] {
                th { (speed.codec) }
                td { (number(&format!("{at}/quality"), speed.quality, 1)) }
                td { (number(&format!("{at}/bpp"), speed.bpp, 3)) }
                (bar(speed.encode_mp_per_s / most[0]))
                td { (number(&format!("{at}/encode_mp_per_s"), speed.encode_mp_per_s, 2)) }
                td { (spread(&format!("{at}/encode_ms"), &speed.encode_ms)) }
                (bar(speed.decode_mp_per_s / most[1]))
                td { (number(&format!("{at}/decode_mp_per_s"), speed.decode_mp_per_s, 2)) }
                td { (spread(&format!("{at}/decode_ms"), &speed.decode_ms)) }
                td { (number_or_dash(&format!("{at}/load_average"), speed.load_average, 2)) }
            }
        }
    };
    html! {
        h3 { "Whole processes, " (race.picture) }
        p.note { "From file to file on " (bench.machine.cores) " cores, PPM in and out (uncompressed PNG for avifenc and avifdec, which know no PPM), each told to use " (bench.threads) " threads where it can be told." }
        table {
            thead { tr { th { "codec" } th { "setting" } th { "bpp" } th colspan="2" { "encode MP/s" } th { "ms" } th colspan="2" { "decode MP/s" } th { "ms" } th { "load" } } }
            tbody { @for (place, speed) in race.speeds.iter().enumerate() { (row(place, speed)) } }
        }
    }
}

fn phase_tables(at: &str, engine: &EngineBench) -> Markup {
    let shown = engine.sizes.iter().enumerate().filter(|(_, size)| !size.encode_phases.is_empty());
    html! {
        @for (nth, size) in shown {
            h3 { "Where the time goes: " (engine_name(engine)) ", " (size.picture) }
            p.note { "On the CPU the work of all threads together, so it adds up to the wall clock times the threads. On a GPU the device's own clock for the network, the host's for transfers." }
            div.side {
                (phase_table("encode", &format!("{at}/sizes/{nth}/encode_phases"), &size.encode_phases))
                (phase_table("decode", &format!("{at}/sizes/{nth}/decode_phases"), &size.decode_phases))
            }
        }
    }
}

fn phase_table(what: &str, at: &str, phases: &[PhaseTime]) -> Markup {
    let total: f64 = phases.iter().map(|phase| phase.ms).sum::<f64>().max(f64::MIN_POSITIVE);
    html! {
        table {
            thead { tr { th { (what) } th colspan="2" { "ms" } } }
            tbody {
                @for (nth, phase) in phases.iter().enumerate() {
                    tr { th { (phase.phase) } (bar(phase.ms / total)) td { (number(&format!("{at}/{nth}/ms"), phase.ms, 2)) } }
                }
            }
        }
    }
}

fn kernel_table(at: &str, engine: &EngineBench) -> Markup {
    let row = |place: usize, kernel: &KernelSpeed| -> Markup {
        let at = format!("{at}/kernels/{place}");
        html! {
            tr {
                th { (kernel.layer) } td { (kernel.kind) } td { (kernel.inputs) " → " (kernel.outputs) }
                (bar(kernel.of_gop_ceiling))
                td { (number(&format!("{at}/of_gop_ceiling"), kernel.of_gop_ceiling, 2)) }
                td { (number(&format!("{at}/gop_per_s"), kernel.gop_per_s, 0)) }
                (bar(kernel.of_gb_ceiling))
                td { (number(&format!("{at}/of_gb_ceiling"), kernel.of_gb_ceiling, 2)) }
                td { (number(&format!("{at}/gb_per_s"), kernel.gb_per_s, 1)) }
            }
        }
    };
    html! {
        @if !engine.kernels.is_empty() {
            h3 { "Kernels against what the device can do: " (engine_name(engine)) }
            p.note { "Shares of the ceilings measured on this device (1 is all; maps that lie in a cache can exceed a copy in main memory): " @for (nth, ceiling) in engine.ceilings.iter().enumerate() {
                @if nth > 0 { ", " } (ceiling.name) " " (number(&format!("{at}/ceilings/{nth}/value"), ceiling.value, 1)) " " (ceiling.unit)
            } "." }
            table {
                thead { tr { th { "layer" } th { "kind" } th { "channels" } th colspan="2" { "of GOP/s" } th { "GOP/s" } th colspan="2" { "of GB/s" } th { "GB/s" } } }
                tbody { @for (place, kernel) in engine.kernels.iter().enumerate() { (row(place, kernel)) } }
            }
        }
    }
}
