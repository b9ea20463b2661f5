//! `calotype kit`: what the kit for machines with a GPU consists of, and what it does there.

use std::path::Path;

use calotype_bench::kit::{KitRun, Share, compare, fill, run as run_kit};

use crate::args::{KitArgs, KitTask};
use crate::bench::program;
use crate::engine::Choice;
use crate::failure::Failure;
use crate::output;

/// Runs the command.
///
/// # Errors
/// Malformed (exit code 1) if a kit finds anything wrong; failures of engines, reading and writing.
pub fn run(args: &KitArgs, choice: &Choice) -> Result<(), Failure> {
    match &args.task {
        KitTask::Fill { kit } => Ok(fill(kit, &choice.codec()?)?),
        KitTask::Compare { kit, one } => compare_engine(kit, if *one { Share::One } else { Share::All }, choice),
        KitTask::Run { kit, seconds, software } => {
            check_and_time(KitRun { kit: kit.clone(), program: program()?, seconds: *seconds, software: *software })
        }
    }
}

fn compare_engine(kit: &Path, share: Share, choice: &Choice) -> Result<(), Failure> {
    let mut printed = Ok(());
    compare(kit, &choice.codec()?, share, |comparison| {
        if printed.is_ok() {
            printed = output::print_json(&comparison);
        }
    })?;
    printed
}

fn check_and_time(kit: KitRun) -> Result<(), Failure> {
    let report = run_kit(&kit, &output::say)?;
    let page = kit.kit.join("results").join("report.html");
    output::print(&format!("{:.0} of {} s; {}", report.seconds_taken, report.seconds_given, page.display()))?;
    if report.has_failed() {
        return Err(Failure::malformed(&kit.kit, "something is wrong here; the steps that FAILED say what differs first"));
    }
    Ok(())
}
