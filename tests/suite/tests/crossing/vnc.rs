//! VNC, a desktop that a plugin speaks itself, to real servers: logged in by the host's answer, shown as the server shows it, recorded and
//! replayed; and the password is nowhere but in the vault.

use std::path::PathBuf;
use std::process::{Child, Stdio};

use sha2::Digest as _;

use crate::guest_memory::guest_memory;
use crate::vnc_servers::{Counter, Desktop, Rgb, from_png, password_file, wait_for};
use crate::world::{Run, World};

const PASSWORD: &str = "Vn-5e%a9";

/// The pointer goes where nothing is below it. It has to move for that: TigerVNC paints the pointer into the picture as long as the
/// viewer did not move it, and two moves at once may be none.
const ASIDE: &str = "move 600 470\nwait 0.3\nmove 630 470\nstill 0.8\n";

struct Stage {
    world: World,
    server: Desktop,
}

impl Stage {
    fn new(server: Desktop, password: Option<&str>, settings: &[&str]) -> Self {
        let stage = Self { world: World::new(), server };
        stage.connection("desk", stage.server.port, password, settings);
        stage
    }

    /// TigerVNC's server with a password, and a connection that has it.
    fn with_password(settings: &[&str]) -> Self {
        Self::new(tigervnc(), Some(PASSWORD), settings)
    }

    fn connection(&self, name: &str, port: u16, password: Option<&str>, settings: &[&str]) {
        let port = port.to_string();
        let mut words =
            vec!["connection", "add", name, "--type", "vnc", "--host", "127.0.0.1", "--port", &port];
        let file = password.map(|password| self.world.file("password", password).display().to_string());
        words.extend(file.iter().flat_map(|file| ["--password-file", file]));
        words.extend(settings.iter().flat_map(|setting| ["--set", *setting]));
        self.world.ok(&words);
    }

    fn script(&self, script: &str) -> String {
        self.world.file("script", script).display().to_string()
    }

    fn connect(&self, script: &str) -> Run {
        self.world.run(&["connect", "desk", "--script", &self.script(script)])
    }

    fn drive(&self, script: &str) {
        self.world.ok(&["connect", "desk", "--script", &self.script(script)]);
    }

    /// A place for a picture that is not there yet.
    fn place(&self, name: &str) -> PathBuf {
        self.world.home().join("work").join(name)
    }

    /// Drives the session, and returns what it showed at last.
    fn seen_after(&self, script: &str) -> Rgb {
        let file = self.place("seen.png");
        std::fs::remove_file(&file).ok();
        self.drive(&format!("{script}{ASIDE}picture {}\n", file.display()));
        from_png(&file)
    }

    /// Returns what the last recording shows at its end.
    fn replayed(&self) -> Rgb {
        let list = self.world.ok(&["recording", "list", "--json"]).json();
        let (id, file) = (list[0]["id"].as_str().unwrap(), self.place("replayed.png"));
        std::fs::remove_file(&file).ok();
        self.world.ok(&["recording", "verify", id]);
        self.world.ok(&["recording", "picture", id, "--at", "86400", "--out", file.to_str().unwrap()]);
        from_png(&file)
    }

    /// Starts a session that goes on until it is ended, once the script was done.
    fn started(&self, script: &str) -> Session {
        let done = self.place("done.png");
        let script = self.script(&format!("{script}still 0.5\npicture {}\nwait 600\n", done.display()));
        let mut command = self.world.command(&["connect", "desk", "--script", &script]);
        let session = Session(command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        wait_for("the picture", || done.exists().then_some(()));
        session
    }
}

/// A session that is ended when it is dropped.
struct Session(Child);

impl Drop for Session {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn tigervnc() -> Desktop {
    Desktop::tigervnc(|room| {
        let file = password_file(room, PASSWORD);
        vec![
            "-SecurityTypes".to_owned(),
            "VncAuth".to_owned(),
            "-PasswordFile".to_owned(),
            file.display().to_string(),
        ]
    })
}

fn without_password() -> Desktop {
    Desktop::tigervnc(|_| vec!["-SecurityTypes".to_owned(), "None".to_owned()])
}

/// Says where pictures differ, without a page of numbers.
fn same(one: &Rgb, other: &Rgb, what: &str) {
    assert_eq!((one.width, one.height), (other.width, other.height), "{what}");
    let differs = one.pixels.iter().zip(&other.pixels).position(|(one, other)| one != other);
    let at = differs.map(|index| (index % one.width, index / one.width));
    assert_eq!(at, None, "{what}");
}

#[test]
fn what_is_typed_is_seen_as_the_server_shows_it_and_so_is_its_replay() {
    let stage = Stage::with_password(&[]);
    let before = stage.seen_after("");
    let seen = stage
        .seen_after("click 100 100\ntype echo \"Typed: 5 > 4\" > typed; ls -d /\nkey Return\nstill 0.5\n");
    assert_eq!(stage.server.file("typed").as_deref(), Some("Typed: 5 > 4\n"));
    assert!(before != seen, "the terminal shows what was typed");
    same(&seen, &stage.server.picture(), "what was seen and what the server shows");
    same(&seen, &stage.replayed(), "what was seen and what was recorded");
    let list = stage.world.ok(&["recording", "list", "--json"]).json();
    assert_eq!((&list[0]["state"], &list[0]["type"]), (&"complete".into(), &"vnc".into()), "{list}");
    let audit = stage.world.ok(&["audit", "show", "--json"]);
    let used = stage.world.ok(&["audit", "show", "--event", "secret.inject", "--json"]).json();
    assert_eq!(
        (&used[0]["outcome"], &used[0]["details"]["protocol"]),
        (&"success".into(), &"vnc".into()),
        "{used}"
    );
    assert!(!audit.stdout.contains(PASSWORD));
}

#[test]
fn each_encoding_alone_shows_what_the_server_shows() {
    for (server, encodings) in [
        (without_password(), ["hextile", "zrle", "tight"]),
        (Desktop::x11vnc(None), ["zlib", "zrle", "tight"]),
    ] {
        let stage = Stage::new(server, None, &[]);
        let counter = Counter::before(stage.server.port);
        stage.world.ok(&["connection", "edit", "desk", "--port", &counter.port.to_string()]);
        let seen = |encoding: &str| {
            stage.world.ok(&["connection", "edit", "desk", "--set", &format!("vnc.encodings={encoding}")]);
            counter.take();
            same(&stage.seen_after(""), &stage.server.picture(), &format!("{encoding} of {encodings:?}"));
            counter.take()
        };
        let raw = seen("raw");
        assert!(raw > 640 * 480 * 4, "raw pixels have {raw} bytes");
        for encoding in encodings {
            let bytes = seen(encoding);
            // Raw is what a server falls back to, and would be shown just as well.
            assert!(bytes < raw / 4, "{encoding}: {bytes} bytes, raw has {raw}");
        }
    }
}

#[test]
fn x11vnc_takes_the_password_and_what_is_typed() {
    let stage = Stage::new(Desktop::x11vnc(Some(PASSWORD)), Some(PASSWORD), &[]);
    let seen = stage.seen_after("click 100 100\ntype echo \"Typed\" > typed\nkey Return\nstill 1\n");
    assert_eq!(stage.server.file("typed").as_deref(), Some("Typed\n"));
    same(&seen, &stage.server.picture(), "what was seen and what the server shows");
    same(&seen, &stage.replayed(), "what was seen and what was recorded");
}

#[test]
fn a_wrong_password_and_a_missing_one_are_told() {
    let stage = Stage::new(tigervnc(), Some("not-it"), &[]);
    let refused = stage.connect("still 1\n");
    assert_eq!(refused.code, 255, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("did not accept the credential: Authentication failure"),
        "{}",
        refused.stderr
    );
    stage.connection("bare", stage.server.port, None, &[]);
    let refused = stage.world.run(&["connect", "bare", "--script", &stage.script("still 1\n")]);
    assert_eq!(refused.code, 255, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("a password, which the server asks for, is missing"),
        "{}",
        refused.stderr
    );
}

#[test]
fn the_desktop_gets_another_size_where_the_setting_allows_it() {
    let stage = Stage::new(without_password(), None, &[]);
    let seen = stage.seen_after("still 0.5\nresize 720x500\nstill 1\n");
    assert_eq!((seen.width, seen.height), (720, 500));
    same(&seen, &stage.server.picture(), "what was seen and what the server shows");
    same(&seen, &stage.replayed(), "what was seen and what was recorded");
    stage.world.ok(&["connection", "edit", "desk", "--set", "vnc.resize=false"]);
    let seen = stage.seen_after("still 0.5\nresize 640x480\nstill 1\n");
    assert_eq!((seen.width, seen.height), (720, 500));
}

#[test]
fn a_large_desktop_is_seen_and_recorded_whole() {
    let stage = Stage::new(without_password(), None, &["vnc.encodings=zrle"]);
    let seen = stage.seen_after("still 0.5\nresize 3840x2160\nstill 2\n");
    same(&seen, &stage.server.picture(), "what was seen and what the server shows");
    same(&seen, &stage.replayed(), "what was seen and what was recorded");
    assert_eq!((seen.width, seen.height), (3840, 2160));
}

#[test]
fn who_only_views_types_nothing() {
    let stage = Stage::new(without_password(), None, &["vnc.view-only=true"]);
    let before = stage.seen_after("");
    let seen = stage.seen_after("click 100 100\ntype echo typed > typed\nkey Return\nstill 0.5\n");
    assert_eq!(stage.server.file("typed"), None);
    // The server paints the pointer where it is not the viewer's, so that this is not what the X server shows.
    same(&seen, &before, "what was seen before and behind the typing");
}

#[test]
fn what_is_copied_there_comes_here() {
    for server in [without_password(), Desktop::x11vnc(None)] {
        let stage = Stage::new(server, None, &[]);
        let file = stage.place("copied");
        // In the terminal, a double click selects a word, which copies it.
        let script = format!("click 40 40\nclick 40 40\nclipboard {}\n", file.display());
        stage.drive(&script);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "ready");
    }
}

#[test]
fn what_is_copied_here_can_be_pasted_there_unless_the_setting_forbids_it() {
    let stage = Stage::new(without_password(), None, &[]);
    let session = stage.started("still 0.5\ncopy grün \u{20ac} 5\n");
    wait_for("the clipboard", || (stage.server.clipboard() == "grün \u{20ac} 5").then_some(()));
    drop(session);
    let stage = Stage::new(without_password(), None, &["vnc.clipboard=false"]);
    let _session = stage.started("still 0.5\ncopy secret\n");
    assert_eq!(stage.server.clipboard(), "");
}

#[test]
fn a_server_with_tls_is_reached_by_its_pinned_certificate_alone() {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["desk.example".to_owned()]).unwrap();
    let pin = sha2::Sha256::digest(cert.der()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let server = Desktop::tigervnc(|room| {
        let (certificate, key) = (room.join("cert.pem"), room.join("key.pem"));
        std::fs::write(&certificate, cert.pem()).unwrap();
        std::fs::write(&key, signing_key.serialize_pem()).unwrap();
        let file = password_file(room, PASSWORD);
        let words =
            ["-SecurityTypes", "X509Vnc", "-PasswordFile", "-X509Cert", "-X509Key"].map(str::to_owned);
        let [types, x509, password, certificate_word, key_word] = words;
        let path = |path: PathBuf| path.display().to_string();
        vec![types, x509, password, path(file), certificate_word, path(certificate), key_word, path(key)]
    });
    let setting = format!("vnc.tls-pin={pin}");
    let stage = Stage::new(server, Some(PASSWORD), &["vnc.tls=true", &setting]);
    same(&stage.seen_after(""), &stage.server.picture(), "what was seen and what the server shows");
    stage.world.ok(&["connection", "edit", "desk", "--set", &format!("vnc.tls-pin={}", "0".repeat(64))]);
    let refused = stage.connect("still 1\n");
    assert!(refused.code == 255 && refused.stderr.contains("certificate"), "{}", refused.stderr);
}

#[test]
fn a_server_without_tls_is_refused_where_the_setting_asks_for_it() {
    let stage = Stage::with_password(&["vnc.tls=true"]);
    let refused = stage.connect("still 1\n");
    assert!(
        refused.code == 255 && refused.stderr.contains("'vnc.tls' asks for VeNCrypt"),
        "{}",
        refused.stderr
    );
}

#[test]
fn the_password_is_not_in_the_plugins_memory_nor_in_its_arguments() {
    let stage = Stage::with_password(&[]);
    let session = stage.started("still 0.5\ncopy marker-for-the-memory\n");
    let memory = guest_memory(session.0.id());
    let holds = |text: &str| memory.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("marker-for-the-memory"), "this is not the memory of the plugin");
    assert!(!holds(PASSWORD), "the password is in the plugin's memory");
    for file in ["cmdline", "environ"] {
        let content = std::fs::read(format!("/proc/{}/{file}", session.0.id())).unwrap();
        assert!(!content.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes()), "{file}");
    }
}

#[test]
fn what_is_no_vnc_server_is_told() {
    let stage = Stage::new(without_password(), None, &[]);
    let ssh = crate::telnetd::Telnetd::start(stage.world.home().as_path());
    stage.world.ok(&["connection", "edit", "desk", "--port", &ssh.port.to_string()]);
    let refused = stage.connect("still 1\n");
    assert!(refused.code == 255 && refused.stderr.contains("no VNC server"), "{}", refused.stderr);
}
