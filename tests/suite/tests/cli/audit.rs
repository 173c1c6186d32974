//! The audit log handed to others: exports with a cursor, a real log server, the schema of OCSF, proofs.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use ostler_suite::{Bench, Ostler};
use serde_json::Value;

/// What breaks a format that is not escaped: its quotes, brackets, backslashes and line breaks, and what is no ASCII.
const AWKWARD: &str = "q\"uo]te\\ [x y=\"z\"] \u{fc}\u{6f22}";
const LONGEST_WAIT: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);

fn lines(bytes: &[u8]) -> anyhow::Result<Vec<Value>> {
    let text = std::str::from_utf8(bytes)?;
    text.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

fn sequences(events: &[Value]) -> Vec<u64> {
    events.iter().filter_map(|event| event["sequence"].as_u64()).collect()
}

#[test]
fn an_export_goes_on_where_the_last_one_ended_and_misses_nothing() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let ostler = &bench.ostler;
    let export = ["audit", "export", "--out", "events", "--cursor-file", "cursor", "--json"];
    let first = ostler.run(&export)?.succeeded()?.json()?;
    let exported = || lines(&std::fs::read(ostler.work().join("events"))?);
    assert_eq!(first["count"].as_u64(), Some(u64::try_from(exported()?.len())?));
    bench.on_server("true")?.succeeded()?;
    ostler.run(&export)?.succeeded()?;
    ostler.run(&export)?.succeeded()?;

    // What came after the last run comes with the next one.
    let shown = ostler.run(&["audit", "show", "--json"])?.succeeded()?.json()?;
    let shown = shown.as_array().context("no list")?;
    let exported = exported()?;
    assert_eq!(exported.as_slice(), &shown[..exported.len()], "the same as is shown, each once, in order");
    assert!(!std::fs::read_to_string(ostler.work().join("events"))?.contains(Bench::PASSWORD));

    let printed = ostler.run(&["audit", "export", "--from", &sequences(&exported)[3].to_string()])?;
    assert_eq!(lines(&printed.succeeded()?.stdout)?[..3], exported[3..6]);

    // What went wrong in between is handed over again: an event may come twice, but none is missed.
    let away = ["audit", "export", "--to", "unix:///nobody/listens", "--cursor-file", "cursor"];
    let cursor = std::fs::read(ostler.work().join("cursor"))?;
    ostler.run(&away)?.failed(8, "nobody/listens")?;
    assert_eq!(std::fs::read(ostler.work().join("cursor"))?, cursor);
    Ok(())
}

#[test]
fn an_export_of_some_events_goes_on_behind_all_of_them() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let ostler = &bench.ostler;
    let export = ["audit", "export", "--event", "session", "--out", "events", "--cursor-file", "cursor"];
    ostler.run(&export)?.succeeded()?;
    assert!(!ostler.work().join("events").exists(), "there was no session yet");
    for sessions in 1..3 {
        bench.on_server("true")?.succeeded()?;
        ostler.run(&export)?.succeeded()?;
        let exported = lines(&std::fs::read(ostler.work().join("events"))?)?;
        let shown = ostler.run(&["audit", "show", "--event", "session", "--json"])?.succeeded()?.json()?;
        assert_eq!(Some(&exported), shown.as_array(), "each once");
        assert_eq!(exported.iter().filter(|event| event["class"] == "session.start").count(), sessions);
    }
    Ok(())
}

#[test]
fn two_exports_never_work_with_one_cursor() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let export = ["audit", "export", "--out", "events", "--cursor-file", "cursor"];
    ostler.run(&export)?.succeeded()?;
    let exported = std::fs::read(ostler.work().join("events"))?;
    let lock = std::fs::File::open(ostler.work().join("cursor.lock"))?;
    lock.lock()?;
    ostler.run(&export)?.failed(1, "another export")?;
    assert_eq!(std::fs::read(ostler.work().join("events"))?, exported);
    lock.unlock()?;
    ostler.run(&export)?.succeeded()?;
    Ok(())
}

#[test]
fn a_cursor_that_is_none_or_of_another_store_is_refused_and_left_as_it_is() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let export = ["audit", "export", "--out", "events", "--cursor-file", "cursor"];
    let other = r#"{"store":"00000000-0000-0000-0000-000000000000","next":0}"#;
    for (cursor, complaint) in [("7", "no cursor"), (other, "another store")] {
        ostler.file("cursor", cursor)?;
        ostler.run(&export)?.failed(1, complaint)?;
        assert_eq!(std::fs::read_to_string(ostler.work().join("cursor"))?, cursor);
        assert!(!ostler.work().join("events").exists());
    }
    std::fs::remove_file(ostler.work().join("cursor"))?;
    ostler.run(&export)?.succeeded()?;
    Ok(())
}

#[test]
fn secrets_sessions_and_recordings_are_told_of_from_beginning_to_end() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    bench.on_server("true")?.succeeded()?;
    bench.ostler.run(&["connection", "delete", Bench::CONNECTION, "--yes"])?.succeeded()?;
    let shown = bench.ostler.run(&["audit", "show", "--json"])?.succeeded()?.json()?;
    let events = shown.as_array().context("no list")?;
    let place = |class: &str| {
        let places: Vec<usize> = (0..events.len()).filter(|at| events[*at]["class"] == class).collect();
        ensure!(places.len() == 1, "{class} is there {} times", places.len());
        Ok(places[0])
    };
    let order = [
        "vault.put",
        "session.request",
        "session.start",
        "recording.start",
        "secret.inject",
        "recording.end",
        "session.end",
        "vault.delete",
    ];
    let places = order.map(place).into_iter().collect::<anyhow::Result<Vec<usize>>>()?;
    assert!(places.is_sorted(), "{places:?}");
    let of = |class: &str, field: &str| anyhow::Ok(events[place(class)?][field].clone());
    assert_eq!(of("recording.end", "recording_root")?, of("session.end", "recording_root")?);
    assert_eq!(of("vault.put", "details")?["count"], "1");
    for class in ["session.request", "recording.start", "recording.end"] {
        assert_eq!(of(class, "session")?, of("session.start", "session")?, "{class}");
    }
    assert_eq!(of("vault.delete", "connection")?, of("session.start", "connection")?);
    Ok(())
}

#[test]
fn another_file_of_a_plugin_is_an_update_that_tells_what_was_there() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let guests = std::env::var_os("OSTLER_GUESTS_DIR").context(
        "OSTLER_GUESTS_DIR names the directory of the guests: run the tests with 'cargo xtask test'",
    )?;
    let first = std::fs::read(PathBuf::from(guests).join("guest-importer.wasm"))?;
    // A custom section that is empty, with the name x.
    let second = [&first[..], &[0, 2, 1, b'x']].concat();
    let mut digests = Vec::new();
    for bytes in [first, second] {
        let file = ostler.file("plugin.wasm", bytes)?.display().to_string();
        let installed = ostler.run(&["plugin", "install", &file, "--json"])?.succeeded()?.json()?;
        digests.push(installed["digest"].clone());
    }
    assert_ne!(digests[0], digests[1]);
    let shown = ostler.run(&["audit", "show", "--event", "plugin", "--json"])?.succeeded()?.json()?;
    let events = shown.as_array().context("no list")?;
    assert_eq!(events.len(), 2, "{shown}");
    assert_eq!(
        (&events[0]["class"], &events[1]["class"]),
        (&"plugin.install".into(), &"plugin.update".into())
    );
    assert_eq!(events[1]["details"]["from-digest"], digests[0]);
    assert_eq!(events[1]["plugin_digest"], digests[1]);
    Ok(())
}

#[test]
fn events_are_found_by_time_class_session_and_connection() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    bench.add("other", &[])?;
    bench.on_server("true")?.succeeded()?;
    let shown = |words: &[&str]| -> anyhow::Result<Vec<Value>> {
        let words = [&["audit", "show", "--json"], words].concat();
        let shown = bench.ostler.run(&words)?.succeeded()?.json()?;
        Ok(shown.as_array().context("no list")?.clone())
    };
    let all = shown(&[])?;
    let started = shown(&["--event", "session.start"])?;
    assert_eq!(started.len(), 1);
    let session = started[0]["session"].as_str().context("a session has an id")?;
    let beginning: String = session.chars().take(8).collect();
    let of_session = shown(&["--session", &beginning])?;
    assert!(of_session.len() > 1 && of_session.iter().all(|event| event["session"] == session));
    assert!(shown(&["--event", "session"])?.len() > 1, "a class is found by the beginning of its name");
    assert_eq!(shown(&["--event", "sess"])?, [Value::Null; 0], "by whole words of it only");
    let about = shown(&["--connection", Bench::CONNECTION])?;
    let id = started[0]["connection"].as_str().context("it is about a connection")?;
    assert!(about.len() > 1 && about.iter().all(|event| event["connection"] == id));
    assert!(!shown(&["--connection", "other"])?.iter().any(|event| event["connection"] == id));
    assert_eq!(shown(&["--until", "2000-01-01"])?, [Value::Null; 0]);
    assert!(shown(&["--since", "1h"])?.len() >= all.len());
    assert_eq!(sequences(&shown(&["--last", "2"])?).len(), 2);
    bench.ostler.run(&["audit", "show", "--since", "soon"])?.failed(1, "'soon' is no time")?;
    Ok(())
}

#[test]
fn events_that_come_are_shown_while_they_come() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let mut terminal = ostler.terminal(&["audit", "show", "--last", "5", "--follow"], 160, 30)?;
    terminal.wait_for("vault.")?;
    ostler.run(&["folder", "add", "Kestrels"])?.succeeded()?;
    terminal.wait_for("folder.create")?;
    terminal.keys("\u{3}")?;
    assert_eq!(terminal.end()?, 130);
    Ok(())
}

/// A real log server with a configuration of its own: it takes messages over TCP and from a socket, takes them apart, and
/// writes down what it understood.
struct LogServer {
    process: Child,
    directory: PathBuf,
}

impl LogServer {
    fn start(directory: PathBuf) -> anyhow::Result<Self> {
        std::fs::create_dir(&directory)?;
        let at = |name: &str| directory.join(name).display().to_string();
        let configuration = format!(
            r#"global(workDirectory="{}" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off")
               module(load="imtcp") module(load="imuxsock" SysSock.Use="off") module(load="mmpstrucdata")
               input(type="imtcp" address="127.0.0.1" port="0" listenPortFileName="{}")
               input(type="imuxsock" Socket="{}" useSpecialParser="off")
               template(name="understood" type="list") {{ property(name="jsonmesg") constant(value="\n") }}
               action(type="mmpstrucdata" jsonRoot="!sd")
               action(type="omfile" file="{}" template="understood")"#,
            directory.display(),
            at("port"),
            at("socket"),
            at("messages"),
        );
        let file = directory.join("rsyslog.conf");
        std::fs::File::create(&file)?.write_all(configuration.as_bytes())?;
        #[expect(clippy::disallowed_methods, reason = "tests start other programs")]
        let process = Command::new("rsyslogd")
            .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
            .args(["-n", "-C", "-f"])
            .arg(&file)
            .arg("-i")
            .arg(directory.join("pid"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("rsyslogd is missing: install rsyslog")?;
        Ok(Self { process, directory })
    }

    /// Waits until the server has written what `done` wants of a file.
    fn wait_for<T>(&self, name: &str, done: impl Fn(&str) -> Option<T>) -> anyhow::Result<T> {
        let (file, started) = (self.directory.join(name), Instant::now());
        loop {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            if let Some(found) = done(&text) {
                return Ok(found);
            }
            ensure!(started.elapsed() < LONGEST_WAIT, "the log server wrote only {text:?}");
            // Another program writes; it tells nobody.
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn port(&self) -> anyhow::Result<u16> {
        self.wait_for("port", |text| text.trim().parse().ok())
    }

    /// Returns what the server understood of the first so many messages.
    fn messages(&self, count: usize) -> anyhow::Result<Vec<Value>> {
        let text =
            self.wait_for("messages", |text| (text.matches('\n').count() >= count).then(|| text.to_owned()))?;
        lines(text.as_bytes())
    }
}

impl Drop for LogServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Compares what a log server understood with what was exported.
fn same(understood: &Value, event: &Value) -> anyhow::Result<()> {
    let facts = &understood["$!"]["sd"]["rfc5424-sd"]["ostler@32473"];
    let fact = |name: &str| facts[name].as_str().unwrap_or_default();
    let (sequence, process) = (event["sequence"].to_string(), event["process"].to_string());
    ensure!(fact("sequence") == sequence, "{understood}");
    ensure!(
        understood["app-name"] == "ostler"
            && understood["msgid"] == event["class"]
            && understood["procid"] == process
            && understood["syslogfacility"] == "13"
            && understood["timereported"].as_str().is_some_and(|time| time.len() > 20),
        "{understood}"
    );
    for (name, value) in event["details"].as_object().context("an event has details")? {
        ensure!(Some(fact(name)) == value.as_str(), "{name} of {understood} should be {value}");
    }
    for name in ["outcome", "actor", "reason", "target", "connection", "session"] {
        ensure!(fact(name) == event[name].as_str().unwrap_or_default(), "{name} of {understood}, {event}");
    }
    Ok(())
}

#[test]
fn a_real_log_server_understands_every_field_whatever_is_in_it() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let ostler = &bench.ostler;
    let long = "long ".repeat(200);
    for name in [AWKWARD, long.trim_end()] {
        ostler.run(&["folder", "add", name])?.succeeded()?;
    }
    bench.on_server("true")?.succeeded()?;
    let server = LogServer::start(ostler.home().join("rsyslog"))?;
    let tcp = format!("tcp://127.0.0.1:{}", server.port()?);
    let words = ["audit", "export", "--format", "syslog", "--cursor-file", "cursor", "--json", "--to"];
    let export = |to: &str| ostler.run(&[&words[..], &[to]].concat())?.succeeded()?.json();
    let over_tcp = usize::try_from(export(&tcp)?["count"].as_u64().context("it counts")?)?;
    let socket = server.directory.join("socket");
    let over_socket = export(&format!("unix://{}", socket.display()))?["count"].as_u64();
    let over_socket = usize::try_from(over_socket.context("it counts")?)?;
    assert!(over_socket > 0, "there is the event of this export at least");

    let events = lines(&ostler.run(&["audit", "export"])?.succeeded()?.stdout)?;
    let understood = server.messages(over_tcp + over_socket)?;
    assert_eq!(understood.len(), over_tcp + over_socket);
    for (understood, event) in understood.iter().zip(&events) {
        same(understood, event)?;
    }
    let all = serde_json::to_string(&understood)?;
    assert!(all.contains(&serde_json::to_string(AWKWARD)?) && all.contains(long.trim_end()), "{all}");
    Ok(())
}

#[test]
fn a_datagram_is_one_event() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(LONGEST_WAIT))?;
    let to = format!("udp://{}", socket.local_addr()?);
    let words = ["audit", "export", "--format", "syslog", "--json", "--to", &to];
    let count = ostler.run(&words)?.succeeded()?.json()?["count"].as_u64();
    for number in 0..count.context("it counts")? {
        let mut bytes = [0; 9000];
        let length = socket.recv(&mut bytes)?;
        let text = std::str::from_utf8(&bytes[..length])?;
        assert!(text.starts_with("<1") && text.contains(">1 20") && !text.contains('\n'), "{number}: {text}");
    }
    Ok(())
}

#[test]
fn events_in_ocsf_fit_its_schema() -> anyhow::Result<()> {
    let tools = PathBuf::from(std::env::var_os("OSTLER_TEST_TOOLS").context(
        "OSTLER_TEST_TOOLS names the directory of the models of OCSF: run the tests with 'cargo xtask test'",
    )?);
    let bench = Bench::new()?;
    let ostler = &bench.ostler;
    ostler.run(&["folder", "add", AWKWARD])?.succeeded()?;
    bench.on_server("true")?.succeeded()?;
    ostler.run(&["plugin", "disable", "ostler.importer-csv"])?;
    ostler.run(&["audit", "verify"])?.succeeded()?;
    let events = ostler.run(&["audit", "export", "--format", "ocsf"])?.succeeded()?.stdout;
    #[expect(clippy::disallowed_methods, reason = "tests start other programs")]
    let mut check = Command::new("python3")
        .arg(tools.join("check-ocsf.py"))
        .env("PYTHONPATH", tools.join("python"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    check.stdin.take().context("it reads events")?.write_all(&events)?;
    let output = check.wait_with_output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    let counts: BTreeMap<String, usize> = serde_json::from_slice(&output.stdout)?;
    assert_eq!(counts.values().sum::<usize>(), lines(&events)?.len());
    assert!(counts.contains_key("SshActivity") && counts.contains_key("Authentication"), "{counts:?}");
    Ok(())
}

/// Changes one character in the middle of a file.
fn change(file: &Path) -> anyhow::Result<()> {
    let mut text = std::fs::read_to_string(file)?.into_bytes();
    let middle = text.len() / 2;
    text[middle] = if text[middle] == b'A' { b'B' } else { b'A' };
    std::fs::File::create(file)?.write_all(&text)?;
    Ok(())
}

#[test]
fn others_check_proofs_without_the_store() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.run(&["audit", "checkpoint", "--out", "anchor"])?.succeeded()?;
    ostler.run(&["folder", "add", "Kestrels"])?.succeeded()?;
    let created = ostler.run(&["audit", "show", "--event", "folder.create", "--json"])?.json()?;
    let number = created[0]["sequence"].to_string();
    ostler.run(&["audit", "prove", &number, "--out", "line"])?.succeeded()?;
    ostler.run(&["audit", "prove", "--anchor", "anchor", "--out", "growth"])?.succeeded()?;
    ostler.run(&["audit", "prove", "999999"])?.failed(1, "999999")?;

    // Somebody else, who has the proofs and the public keys.
    let other = Ostler::new()?;
    for (from, name) in [
        (ostler.work().join("line"), "line"),
        (ostler.work().join("growth"), "growth"),
        (ostler.work().join("anchor"), "anchor"),
        (ostler.store().join("audit").join("keys"), "keys"),
    ] {
        std::fs::copy(from, other.work().join(name))?;
    }
    let line = ["audit", "check-proof", "line", "--keys", "keys"];
    let growth = ["audit", "check-proof", "growth", "--keys", "keys", "--anchor", "anchor"];
    assert!(other.run(&line)?.succeeded()?.text().starts_with(&format!("Line {number} is in the log")));
    let grown = other.run(&[&growth[..], &["--json"]].concat())?.succeeded()?.json()?;
    assert!(grown["to"].as_u64() > grown["from"].as_u64(), "{grown}");
    for (words, name) in [(&line[..], "line"), (&growth[..], "growth")] {
        change(&other.work().join(name))?;
        other.run(words)?.failed(7, "proof")?;
    }
    Ok(())
}
