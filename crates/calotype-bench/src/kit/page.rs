//! What a kit found as one page of HTML that needs no other file.

use maud::{Markup, html};

use super::report::{KitReport, Step};
use crate::report::{Named, bench_sections, page};

/// Draws the page. Numbers name their place in results.json.
pub(super) fn kit_page(report: &KitReport) -> String {
    let names: Vec<String> = report.benches.iter().map(bench_name).collect();
    let benches: Vec<Named<'_>> = names.iter().zip(&report.benches).map(|(name, bench)| Named { name, bench }).collect();
    page(
        "calotype on this machine's GPUs",
        html! {
            h1 { "calotype on this machine's GPUs" }
            p { (report.program) "; " (report.machine.cpu) ", " (report.machine.cores) " cores, " (report.machine.os) "; " (format!("{:.0}", report.seconds_taken)) " of " (report.seconds_given) " s." }
            @if report.has_failed() { p.warning { "Something is wrong: see the steps that failed." } }
            ul { @for line in &report.devices { li { code { (line) } } } }
            h2 { "Steps" }
            table {
                thead { tr { th { "step" } th { "outcome" } th { "s" } th { "what it said" } } }
                tbody { @for step in &report.steps { (row(step)) } }
            }
            @if !benches.is_empty() {
                h2 { "Speed" }
                (bench_sections(&benches, "/benches"))
            }
        },
    )
}

fn bench_name(bench: &crate::bench::Bench) -> String {
    bench.engines.last().map_or_else(String::new, |engine| engine.adapter.clone())
}

fn row(step: &Step) -> Markup {
    html! {
        tr {
            th { (step.name) }
            td { (step.outcome.word()) }
            td { (format!("{:.1}", step.seconds)) }
            td style="text-align:left" { @for line in &step.details { div { (line) } } }
        }
    }
}
