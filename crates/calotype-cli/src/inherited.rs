//! What the program inherits from the one that starts it: signals that are ignored, and a standard output that is closed.

/// Whether this signal is ignored since before the program began, as `nohup` asks for; it stays so.
#[cfg(unix)]
pub fn is_ignored(signal: i32) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: without a new action the call only writes the present one, of the type that it is given, and says 0 if it has.
    unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0 && action.assume_init().sa_sigaction == libc::SIG_IGN }
}

/// Whether standard output was closed when the program began. Rust opens /dev/null instead before `main`; what is written there would be lost.
pub fn stdout_was_closed() -> bool {
    #[cfg(target_os = "linux")]
    return closed::STDOUT.load(std::sync::atomic::Ordering::Relaxed);
    #[cfg(not(target_os = "linux"))]
    false
}

#[cfg(target_os = "linux")]
mod closed {
    use std::sync::atomic::{AtomicBool, Ordering};

    pub static STDOUT: AtomicBool = AtomicBool::new(false);

    // SAFETY: the loader calls what this section holds once before `main`; the function has the type that it expects.
    #[used]
    #[unsafe(link_section = ".init_array")]
    static BEFORE_MAIN: extern "C" fn() = look;

    extern "C" fn look() {
        // SAFETY: F_GETFD only asks for the flags of a descriptor; without one it fails.
        let is_open = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) } >= 0;
        STDOUT.store(!is_open, Ordering::Relaxed);
    }
}
