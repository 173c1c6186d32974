//! A session to a real OpenSSH server in a real terminal: a full-screen program, a resize, UTF-8, raw bytes and the exit
//! status; then its recording, played by `ostler recording play` and read by asciinema's own player.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::sshd::Sshd;
use crate::tmux::Tmux;
use crate::world::World;

/// A store with one connection to a real server.
struct Stage {
    ostler: World,
    server: TempDir,
    _sshd: Sshd,
}

impl Stage {
    fn new() -> Self {
        let server = tempfile::tempdir().unwrap();
        let sshd = Sshd::start(server.path());
        let ostler = World::new();
        let port = sshd.port.to_string();
        ostler.ok(&[
            "connection",
            "add",
            "real",
            "--type",
            "ssh",
            "--host",
            "127.0.0.1",
            "--port",
            &port,
            "--user",
            &sshd.user,
            "--key-file",
            sshd.key.to_str().unwrap(),
        ]);
        Self { ostler, server, _sshd: sshd }
    }

    /// Runs `ostler` with these words in a terminal.
    fn terminal(&self, name: &str, columns: u16, rows: u16, words: &str) -> Tmux {
        let line = format!("{}; echo \"status $?\"; cat", self.ostler.shell_line(words));
        Tmux::start(
            self.server.path().join(name),
            columns,
            rows,
            &format!("env LANG=C.UTF-8 sh -c {}", quoted(&line)),
        )
    }

    fn recording(&self) -> String {
        let list = self.ostler.ok(&["recording", "list", "--json"]).json();
        assert_eq!(list[0]["state"], "complete", "{list}");
        list[0]["id"].as_str().unwrap().to_owned()
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[test]
fn a_full_screen_session_is_shown_recorded_and_replayed() {
    let stage = Stage::new();
    let pane = stage.terminal("tmux", 100, 30, "connect real --host-key accept-new");
    // The prompt of whatever shell the user has.
    pane.type_text("PS1='remote> '; export LANG=C.UTF-8");
    pane.press("Enter");
    pane.wait_for("\nremote>");
    pane.type_text("vim -u NONE -N --cmd 'set encoding=utf-8'");
    pane.press("Enter");
    pane.wait_for("~");
    pane.press("i");
    pane.type_text("Grüße aus Ostler ✓ 日本語");
    pane.press("Escape");
    pane.wait_for("Grüße aus Ostler ✓ 日本語");
    pane.resize(120, 40);
    // vim may have painted before the news of the size got to it, so it is asked again until it knows.
    pane.ask_until("size 120x40", |pane| {
        pane.type_text(":echo 'size' &columns . 'x' . &lines");
        pane.press("Enter");
    });
    pane.type_text(":q!");
    pane.press("Enter");
    pane.wait_for("\nremote>");
    pane.type_text("printf 'raw \\377\\376 bytes\\n'; stty size; exit 7");
    pane.press("Enter");
    let screen = pane.wait_for("status 7");
    assert!(screen.contains("40 120"), "{screen}");

    let id = stage.recording();
    stage.ostler.ok(&["recording", "verify", &id]);
    let cast = stage.server.path().join("session.cast");
    stage.ostler.ok(&["recording", "export", &id, "--format", "asciicast", "--out", cast.to_str().unwrap()]);
    let played = player(&cast);
    let shown: String = played
        .iter()
        .filter_map(|event| event["output"].as_array())
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for piece in ["ü", "✓", "日", "raw \u{fffd}"] {
        assert!(shown.contains(piece), "asciinema's player shows {piece:?}: {shown:?}");
    }
    assert!(played.iter().any(|event| event["resize"]["cols"] == 120), "and the resize");

    let replay =
        stage.terminal("replay", 120, 40, &format!("recording play {id} --speed 1000 --idle-limit 0.01"));
    let screen = replay.wait_for("status 0");
    assert!(screen.contains("40 120"), "{screen}");
}

#[test]
fn raw_bytes_pass_through_unchanged_and_so_does_the_exit_status() {
    let stage = Stage::new();
    let every_byte =
        "i=0; while [ $i -lt 256 ]; do printf \"\\\\$(printf %03o $i)\"; i=$((i+1)); done; exit 42";
    let output = stage
        .ostler
        .command(&["connect", "real", "--host-key", "accept-new", "--", every_byte])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(42), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, (0..=255).collect::<Vec<u8>>());
}

/// Plays a file with asciinema's own player and returns what it did.
fn player(cast: &std::path::Path) -> Vec<Value> {
    let tools = std::env::var_os("OSTLER_TEST_TOOLS").expect(
        "OSTLER_TEST_TOOLS names the directory of asciinema's player: run the tests with 'cargo xtask test'",
    );
    let script = PathBuf::from(tools).join("play-asciicast.mjs");
    let output =
        Command::new("node").arg(script).arg(cast).output().expect("node is missing: install nodejs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
