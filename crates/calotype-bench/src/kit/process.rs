//! Child processes with a deadline: whatever a driver does, the kit goes on.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// How long to sleep between looks at a process that has closed its output but lives on.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How a process ended, and what it said until then.
#[derive(Clone, Debug)]
pub struct Ended {
    /// `None` if it was killed at the deadline.
    pub status: Option<ExitStatus>,
    /// Lines of its standard output.
    pub stdout: Vec<String>,
    /// Lines of its standard error.
    pub stderr: Vec<String>,
}

enum Line {
    Out(String),
    Err(String),
}

impl Ended {
    /// Whether it ended by itself, and well.
    pub fn is_success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// Its complaint in one line: the last on standard error, or how it ended.
    pub fn complaint(&self) -> String {
        let ended = self.status.map_or_else(|| "did not end in time".to_owned(), |status| status.to_string());
        self.stderr.iter().rev().find(|line| !line.trim().is_empty()).map_or(ended.clone(), |line| format!("{ended}: {line}"))
    }
}

/// Runs `command` until it ends or until `deadline`, when it is killed.
///
/// # Errors
/// What the system says if it cannot be started.
pub fn run_until(command: &mut Command, deadline: Instant) -> std::io::Result<Ended> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (sender, lines) = mpsc::channel();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    forward(stdout, sender.clone(), Line::Out);
    forward(stderr, sender, Line::Err);
    let mut ended = Ended { status: None, stdout: Vec::new(), stderr: Vec::new() };
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Line::Out(line)) => ended.stdout.push(line),
            Ok(Line::Err(line)) => ended.stderr.push(line),
            Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => break,
        }
    }
    ended.status = wait_until(&mut child, deadline)?;
    // What it said last before it was killed.
    for line in lines.try_iter() {
        match line {
            Line::Out(line) => ended.stdout.push(line),
            Line::Err(line) => ended.stderr.push(line),
        }
    }
    Ok(ended)
}

/// Sends each line of a pipe on, from a thread of its own.
fn forward(pipe: Option<impl Read + Send + 'static>, lines: Sender<Line>, kind: fn(String) -> Line) {
    let Some(pipe) = pipe else { return };
    thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            if lines.send(kind(String::from_utf8_lossy(&line).trim_end().to_owned())).is_err() {
                return;
            }
        }
    });
}

fn wait_until(child: &mut Child, deadline: Instant) -> std::io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(LOOK_EVERY);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(script: &str, deadline: Instant) -> Ended {
        run_until(Command::new("sh").args(["-c", script]), deadline).unwrap()
    }

    fn never() -> Instant {
        Instant::now() + Duration::from_secs(3600)
    }

    #[test]
    fn lines_and_status_come_back() {
        let ended = sh("echo one; echo two; echo wrong >&2; exit 3", never());
        assert_eq!((ended.stdout, ended.stderr), (vec!["one".to_owned(), "two".to_owned()], vec!["wrong".to_owned()]));
        assert_eq!(ended.status.and_then(|status| status.code()), Some(3));
    }

    #[test]
    fn a_process_that_hangs_is_killed_at_its_deadline() {
        let ended = sh("exec sleep 3600", Instant::now());
        assert!(ended.status.is_none() && !ended.is_success());
        assert_eq!(ended.complaint(), "did not end in time");
    }

    #[test]
    fn a_complaint_is_the_last_line_on_standard_error() {
        assert!(sh("echo first >&2; echo last >&2; echo >&2; exit 1", never()).complaint().ends_with("1: last"));
    }
}
