//! Real VNC servers: TigerVNC's Xvnc, and x11vnc on a virtual X server; with a terminal on the desktop. What they show can be asked of
//! the X server itself.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long a server may take to be ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// A picture: size, and red, green and blue of each pixel.
#[derive(PartialEq, Eq)]
pub(crate) struct Rgb {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<[u8; 3]>,
}

impl Rgb {
    /// Tells whether the terminal shows its first words: both black and white are where they are.
    fn has_text(&self) -> bool {
        let rows = self.pixels.chunks(self.width).skip(30).take(16);
        let words: Vec<_> = rows.flat_map(|row| &row[30..48]).collect();
        [[0; 3], [255; 3]].iter().all(|colour| words.contains(&colour))
    }
}

/// A desktop that a VNC server serves; both end when it is dropped.
pub(crate) struct Desktop {
    pub(crate) port: u16,
    display: String,
    room: tempfile::TempDir,
    children: Vec<Child>,
    /// Whoever writes there must not be ended by a closed pipe.
    _listening: Vec<BufReader<ChildStdout>>,
}

impl Desktop {
    /// Starts TigerVNC's server, with a desktop of 640 x 480.
    pub(crate) fn tigervnc(arguments: impl FnOnce(&Path) -> Vec<String>) -> Self {
        let room = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut server = program("Xvnc", "tigervnc-standalone-server");
        server.args(["-displayfd", "1", "-geometry", "640x480", "-depth", "24", "-localhost", "-rfbport"]);
        server.arg(port.to_string()).args(arguments(room.path()));
        Self::with_terminal(server, port, room)
    }

    /// Starts x11vnc on a virtual X server of the same size.
    pub(crate) fn x11vnc(password: Option<&str>) -> Self {
        let room = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut screen = program("Xvfb", "xvfb");
        screen.args(["-displayfd", "1", "-screen", "0", "640x480x24"]);
        let mut desktop = Self::with_terminal(screen, port, room);
        let mut server = program("x11vnc", "x11vnc");
        server.args(["-display", &desktop.display, "-rfbport", &port.to_string(), "-localhost", "-forever"]);
        match password {
            Some(password) => server.arg("-rfbauth").arg(password_file(desktop.room.path(), password)),
            None => server.arg("-nopw"),
        };
        let mut child =
            server.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        desktop.children.push(child);
        let mut line = String::new();
        while !line.starts_with("PORT=") {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0, "x11vnc ended before it listened");
        }
        desktop._listening.push(output);
        desktop
    }

    /// Starts an X server, and a terminal on it.
    fn with_terminal(mut server: Command, port: u16, room: tempfile::TempDir) -> Self {
        let mut child =
            server.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut number = String::new();
        output.read_line(&mut number).unwrap();
        let display = format!(":{}", number.trim());
        let mut desktop = Self { port, display, room, children: vec![child], _listening: vec![output] };
        assert!(desktop.display.len() > 1, "{:?} did not start", server.get_program());
        let mut terminal = desktop.on_display("xterm", "xterm");
        // The shell says nothing of its own, so that the picture stands still behind this.
        terminal.args(["-geometry", "60x20+20+30", "-e", "sh", "-c", "printf 'ready> '; PS1='' exec sh"]);
        terminal.current_dir(desktop.room.path()).stdout(Stdio::null()).stderr(Stdio::null());
        desktop.children.push(terminal.spawn().unwrap());
        wait_for("the terminal", || desktop.picture().has_text().then_some(()));
        desktop
    }

    /// Returns a command that works on the desktop.
    pub(crate) fn on_display(&self, name: &str, package: &str) -> Command {
        let mut command = program(name, package);
        command.env("DISPLAY", &self.display);
        command
    }

    /// Returns what a file of the terminal's directory holds.
    pub(crate) fn file(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.room.path().join(name)).ok()
    }

    /// Returns what the X server shows, without the pointer.
    pub(crate) fn picture(&self) -> Rgb {
        let dump = self.on_display("xwd", "x11-apps").args(["-root", "-silent"]).output().unwrap();
        from_xwd(&dump.stdout)
    }

    /// Returns the X server's clipboard.
    pub(crate) fn clipboard(&self) -> String {
        let text =
            self.on_display("xclip", "xclip").args(["-selection", "clipboard", "-o"]).output().unwrap();
        String::from_utf8(text.stdout).unwrap()
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// Writes the file that servers read a VNC password from.
pub(crate) fn password_file(room: &Path, password: &str) -> PathBuf {
    let mut child = program("vncpasswd", "tigervnc-tools")
        .arg("-f")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
    let file = room.join("password");
    std::fs::write(&file, child.wait_with_output().unwrap().stdout).unwrap();
    file
}

fn program(name: &str, package: &str) -> Command {
    let there = Path::new("/usr/bin").join(name);
    assert!(there.exists(), "{name} of the package {package} is needed; 'cargo xtask test' installs it");
    Command::new(there)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until something is there.
pub(crate) fn wait_for<T>(what: &str, mut there: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(there) = there() {
            return there;
        }
        assert!(start.elapsed() < PATIENCE, "{what} is not there");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Reads a dump of a window (X11/XWDFile.h), 32 bits for each pixel, the low byte first.
fn from_xwd(dump: &[u8]) -> Rgb {
    let field = |index: usize| {
        usize::try_from(u32::from_be_bytes(dump[index * 4..index * 4 + 4].try_into().unwrap())).unwrap()
    };
    let (header, width, height, in_row, colours) = (field(0), field(4), field(5), field(12), field(19));
    assert_eq!(field(11), 32, "bits of a pixel");
    let rows = &dump[header + colours * 12..];
    let row = |row: usize| rows[row * in_row..row * in_row + width * 4].chunks(4);
    let pixels = (0..height).flat_map(row).map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect();
    Rgb { width, height, pixels }
}

/// Reads a picture.
pub(crate) fn from_png(file: &Path) -> Rgb {
    let mut reader =
        png::Decoder::new(BufReader::new(std::fs::File::open(file).unwrap())).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
    let pixels = bytes.chunks(3).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    Rgb { width: info.width.try_into().unwrap(), height: info.height.try_into().unwrap(), pixels }
}

/// Stands before a server and counts what it sends.
pub(crate) struct Counter {
    pub(crate) port: u16,
    sent: Arc<AtomicUsize>,
}

impl Counter {
    pub(crate) fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, sent) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&sent);
        // The threads live as long as the test's process: what waits for a connection can't be asked to end.
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(("127.0.0.1", server)).unwrap());
                let (from, to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let counted = Arc::clone(&counted);
                std::thread::spawn(move || {
                    pass(from, to, |bytes| {
                        counted.fetch_add(bytes, Ordering::SeqCst);
                    })
                });
                std::thread::spawn(move || pass(client, server, |_| {}));
            }
        });
        Self { port, sent }
    }

    /// Returns how much was sent since the last time.
    pub(crate) fn take(&self) -> usize {
        self.sent.swap(0, Ordering::SeqCst)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, counted: impl Fn(usize)) {
    let mut bytes = [0; 8192];
    while let Ok(read) = from.read(&mut bytes) {
        if read == 0 || to.write_all(&bytes[..read]).is_err() {
            break;
        }
        counted(read);
    }
    to.shutdown(Shutdown::Both).ok();
}
