//! A virtual screen with the real window on it, moved by real keys and mouse events.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::harness::Desk;

/// The screen, and the window that fills it.
pub const WIDTH: usize = 1280;
pub const HEIGHT: usize = 800;
/// Longer than this nothing takes, on the busiest machine: tests wait for what happens, and this only ends those that would wait for ever.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// How the window is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Graphics {
    /// Vulkan by Mesa's software driver.
    Lavapipe,
    /// OpenGL by Mesa's software driver, on a machine without Vulkan.
    OpenGl,
}

/// A screen of its own.
pub struct Display {
    server: Child,
    name: String,
    folder: tempfile::TempDir,
}

/// What the screen shows.
pub struct Screen {
    pub rgb: Vec<[u8; 3]>,
}

/// The program with its window.
pub struct Window<'a> {
    child: Child,
    lines: Receiver<String>,
    display: &'a Display,
    /// All that it has said.
    pub said: Vec<String>,
}

/// Whether a program can be run.
pub fn there(program: &str) -> bool {
    Command::new(program).arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Whether this machine can show windows; CALOTYPE_REQUIRE_WINDOW=1 says that it must.
pub fn can_show() -> bool {
    let can = there("Xvfb") && there("xdotool");
    let required = std::env::var("CALOTYPE_REQUIRE_WINDOW").as_deref() == Ok("1");
    assert!(can || !required, "no Xvfb or no xdotool, and CALOTYPE_REQUIRE_WINDOW=1");
    if !can {
        println!("skipped: no Xvfb or no xdotool");
    }
    can
}

impl Display {
    pub fn new() -> Display {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", &format!("{WIDTH}x{HEIGHT}x24"), "-nolisten", "tcp", "-fbdir"]).arg(folder.path());
        let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut name = String::new();
        BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut name).unwrap();
        Display { server, name: format!(":{}", name.trim()), folder }
    }

    /// Moves mouse or keys: words of `line` are xdotool's.
    pub fn act(&self, line: &str) {
        let seconds = PATIENCE.as_secs().to_string();
        let status =
            Command::new("timeout").args([&seconds, "xdotool"]).args(line.split_whitespace()).env("DISPLAY", &self.name).status().unwrap();
        assert!(status.success(), "xdotool {line}");
    }

    /// The screen as it is now: Xvfb keeps it in a file of the XWD format, 4 bytes a pixel, blue first.
    pub fn screen(&self) -> Screen {
        let file = fs::read(self.folder.path().join("Xvfb_screen0")).unwrap();
        let word = |place: usize| u32::from_be_bytes(file[4 * place..4 * place + 4].try_into().unwrap()) as usize;
        let (header, row_bytes, colours) = (word(0), word(12), word(19));
        assert_eq!((word(4), word(5), word(11)), (WIDTH, HEIGHT, 32));
        let pixels = &file[header + 12 * colours..];
        let row = |y: usize| pixels[y * row_bytes..][..4 * WIDTH].as_chunks::<4>().0.iter().map(|&[b, g, r, _]| [r, g, b]);
        Screen { rgb: (0..HEIGHT).flat_map(row).collect() }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Screen {
    /// Where a picture lies on the screen, pixel by pixel: the left and the top of its first place.
    pub fn find(&self, width: usize, rgb: &[u8]) -> Option<(usize, usize)> {
        let rows: Vec<&[[u8; 3]]> = rgb.as_chunks::<3>().0.chunks(width).collect();
        let at = |(x, y): &(usize, usize)| rows.iter().enumerate().all(|(i, row)| self.row(*x, y + i, width) == *row);
        let places = (0..=HEIGHT - rows.len()).flat_map(|y| (0..=WIDTH - width).map(move |x| (x, y)));
        places.into_iter().find(at)
    }

    fn row(&self, x: usize, y: usize, width: usize) -> &[[u8; 3]] {
        &self.rgb[y * WIDTH + x..][..width]
    }

    pub fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        self.rgb[y * WIDTH + x]
    }

    /// How many pixels differ from another screen.
    pub fn changes(&self, other: &Screen) -> usize {
        self.rgb.iter().zip(&other.rgb).filter(|(a, b)| a != b).count()
    }

    /// Keeps the screen for eyes, where CALOTYPE_KEEP_SCREENS names a folder.
    pub fn keep(&self, name: &str) {
        let Some(folder) = std::env::var_os("CALOTYPE_KEEP_SCREENS") else { return };
        let flat: Vec<u8> = self.rgb.iter().flatten().copied().collect();
        let path = Path::new(&folder).join(format!("{name}.png"));
        image::save_buffer(path, &flat, WIDTH as u32, HEIGHT as u32, image::ExtendedColorType::Rgb8).unwrap();
    }
}

impl Window<'_> {
    /// `calotype view -v` with the words of `line`.
    pub fn open<'a>(display: &'a Display, graphics: Graphics, desk: &Desk, line: &str) -> Window<'a> {
        let vulkan = match graphics {
            Graphics::Lavapipe => lavapipe(),
            Graphics::OpenGl => PathBuf::from("/nonexistent"),
        };
        let mut command = desk.prepared(&format!("view -v {line}"));
        command.env("DISPLAY", &display.name).env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
        command.env("VK_DRIVER_FILES", &vulkan).env("LIBGL_ALWAYS_SOFTWARE", "1");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (said, lines) = channel();
        let stderr = child.stderr.take().unwrap();
        std::thread::spawn(move || BufReader::new(stderr).lines().map_while(Result::ok).try_for_each(|line| said.send(line)));
        let mut window = Window { child, lines, display, said: Vec::new() };
        window.wait("the window is open");
        window.focus();
        window
    }

    /// Gives it the keyboard: without a window manager nobody else does.
    pub fn focus(&self) {
        self.display.act("search --sync --onlyvisible --name Calotype windowfocus");
    }

    /// Waits for a line that holds `words`, and gives it back.
    pub fn wait(&mut self, words: &str) -> String {
        let begin = Instant::now();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE.saturating_sub(begin.elapsed())) {
            self.said.push(line.clone());
            if line.contains(words) {
                return line;
            }
        }
        self.display.screen().keep("failed");
        panic!("it did not say {words:?}, but:\n{}", self.said.join("\n"));
    }

    /// What it has said since it was last asked.
    pub fn heard(&mut self) -> Vec<String> {
        let lines: Vec<String> = self.lines.try_iter().collect();
        self.said.extend(lines.iter().cloned());
        lines
    }

    /// Drags the mouse from the first place to the last. Each step is seen before the next: what comes within one frame is a click.
    pub fn drag(&mut self, places: [(usize, usize); 3]) {
        let [from, over, to] = places.map(|(x, y)| format!("mousemove {x} {y}"));
        let seen = |what: &str, (x, y): (usize, usize)| format!("pointer {what} at {x},{y}");
        self.display.act(&format!("{from} mousedown 1"));
        self.wait(&seen("pressed", places[0]));
        self.display.act(&over);
        self.wait(&seen("moved", places[1]));
        self.display.act(&to);
        self.wait(&seen("moved", places[2]));
        self.display.act("mouseup 1");
        self.wait(&seen("released", places[2]));
    }

    /// Clicks at a place, and waits until that is seen.
    pub fn click(&mut self, (x, y): (usize, usize)) {
        self.display.act(&format!("mousemove {x} {y} click 1"));
        self.wait(&format!("pointer released at {x},{y}"));
    }

    /// Presses a key, or some, and waits for a line that holds `words`.
    pub fn key(&mut self, key: &str, words: &str) -> String {
        self.display.act(&format!("key {key}"));
        self.wait(words)
    }

    /// Waits until the screen is as wanted.
    pub fn wait_for(&mut self, what: &str, wanted: impl Fn(&Screen) -> bool) -> Screen {
        let begin = Instant::now();
        loop {
            let screen = self.display.screen();
            if wanted(&screen) {
                return screen;
            }
            if begin.elapsed() > PATIENCE {
                screen.keep("failed");
                self.heard();
                panic!("the screen does not show {what}; the window said:\n{}", self.said.join("\n"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The screen once it stands still.
    pub fn still(&mut self) -> Screen {
        let mut before = self.display.screen();
        let begin = Instant::now();
        loop {
            std::thread::sleep(Duration::from_millis(250));
            let now = self.display.screen();
            if now.changes(&before) == 0 || begin.elapsed() > PATIENCE {
                return now;
            }
            before = now;
        }
    }

    /// Memory of the process, in MiB.
    pub fn resident_mib(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
    }

    /// Closes the window by its key, and gives back the last line.
    pub fn quit(mut self) -> String {
        let last = self.key("ctrl+q", "frames, the longest");
        assert!(self.child.wait().unwrap().success());
        last
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The driver's file: where VK_DRIVER_FILES or Mesa's package has it.
fn lavapipe() -> PathBuf {
    let named = std::env::var("VK_DRIVER_FILES").unwrap_or_default();
    let known = format!("/usr/share/vulkan/icd.d/lvp_icd.{}.json", std::env::consts::ARCH);
    let plain = "/usr/share/vulkan/icd.d/lvp_icd.json".to_owned();
    let candidates = named.split(':').map(str::to_owned).filter(|path| path.contains("lvp")).chain([known, plain]);
    candidates.map(PathBuf::from).find(|path| path.is_file()).expect("lavapipe's driver file; install mesa-vulkan-drivers")
}
