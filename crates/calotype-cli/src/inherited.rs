//! What the program inherits from the one that starts it, as far as Linux tells in files: signals that are ignored, a standard output that is closed.

use std::fs;
use std::path::Path;

/// Whether this signal is ignored since before the program began, as `nohup` asks for; it stays so.
#[cfg(unix)]
pub fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Whether what goes to standard output is lost because that was closed when the program began.
///
/// Rust then opens /dev/null for reading and writing in its place, before `main`. A shell's `>/dev/null` is open for writing alone; who passes
/// /dev/null for both, as Python and Node do for a child whose lines nobody wants, is not told from one who closed it: so lines may go nowhere,
/// and only files may not.
pub fn stdout_was_closed() -> bool {
    let target = fs::read_link("/proc/self/fd/1");
    target.is_ok_and(|target| target == Path::new("/dev/null")) && is_for_both("/proc/self/fdinfo/1")
}

/// Whether the open file that this file describes can be read and written.
fn is_for_both(fdinfo: &str) -> bool {
    const ACCESS: u32 = 3;
    const READ_AND_WRITE: u32 = 2;
    let text = fs::read_to_string(fdinfo).unwrap_or_default();
    let flags = text.lines().find_map(|line| u32::from_str_radix(line.strip_prefix("flags:")?.trim(), 8).ok());
    flags.is_some_and(|flags| flags & ACCESS == READ_AND_WRITE)
}
