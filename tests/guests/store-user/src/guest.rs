//! What it does: the setting `do` of the connection names a function, further settings are its arguments, and the answer
//! comes back as the text of `unsupported`. Without it, it makes a plain plan.

wit_bindgen::generate!({
    inline: "
        package test:store-user;

        world store-user {
            import ostler:clock/clock@0.1.0;
            import ostler:connections/read@0.1.0;
            import ostler:connections/write@0.1.0;
            import ostler:recording/annotate@0.1.0;
            import ostler:recording/read@0.1.0;
            import ostler:events/events@0.1.0;
            import ostler:prompt/prompt@0.1.0;
            import ostler:secrets/use-slots@0.1.0;
            import ostler:secrets-reveal/reveal@0.1.0;
            import ostler:secrets-store/store@0.1.0;
            import ostler:terminal/terminal@0.1.0;
            export ostler:driver/driver@0.1.0;
            export ostler:launcher/launcher@0.1.0;
        }
    ",
    path: [
        "../../../plugin-api/wit/types-0.1.0",
        "../../../plugin-api/wit/clock-0.1.0",
        "../../../plugin-api/wit/connections-0.1.0",
        "../../../plugin-api/wit/recording-0.1.0",
        "../../../plugin-api/wit/events-0.1.0",
        "../../../plugin-api/wit/prompt-0.1.0",
        "../../../plugin-api/wit/secrets-0.1.0",
        "../../../plugin-api/wit/secrets-reveal-0.1.0",
        "../../../plugin-api/wit/secrets-store-0.1.0",
        "../../../plugin-api/wit/terminal-0.1.0",
        "../../../plugin-api/wit/driver-0.1.0",
        "../../../plugin-api/wit/launcher-0.1.0",
    ],
    generate_all,
});

use exports::ostler::driver::driver::{DriveError, DriveRequest, EndReason, Guest as Driver};
use exports::ostler::launcher::launcher::Guest;
use ostler::clock::clock;
use ostler::connections::read::{self, Query};
use ostler::connections::types::{Connection, ConnectionData, Folder, FolderData};
use ostler::connections::write;
use ostler::events::events;
use ostler::launcher::types::{
    DrivenPlan, DrivenSurface, KindInfo, LaunchRequest, PlanError, RunRequest, SessionPlan, SshAuth, SshPlan,
    SshRun,
};
use ostler::prompt::prompt::{self, Field, FieldKind, Form};
use ostler::recording::read::{Chunk, Filter, Happening};
use ostler::recording::{annotate, read as recordings};
use ostler::secrets::use_slots;
use ostler::secrets_reveal::reveal;
use ostler::secrets_store::store::{self, Sink};
use ostler::terminal::terminal;
use ostler::types::types::{Endpoint, Setting, SettingValue, Value};

#[unsafe(link_section = "ostler:plugin.toml")]
#[used]
static MANIFEST: [u8; include_bytes!("../plugin.toml").len()] = *include_bytes!("../plugin.toml");

struct StoreUser;

export!(StoreUser);

/// The settings of the connection that is launched.
struct Arguments(Vec<Setting>);

impl Arguments {
    fn text(&self, key: &str) -> Option<String> {
        self.0.iter().find(|setting| setting.key == key).map(|setting| match &setting.value {
            SettingValue::Text(text) => text.clone(),
            SettingValue::Integer(number) => number.to_string(),
            other => format!("{other:?}"),
        })
    }

    fn of(&self, key: &str) -> String {
        self.text(key).unwrap_or_default()
    }

    fn number(&self, key: &str) -> u32 {
        self.text(key).and_then(|text| text.parse().ok()).unwrap_or(1)
    }
}

impl Guest for StoreUser {
    fn describe() -> Vec<KindInfo> {
        vec![KindInfo { kind: "ssh".into(), title: "Store user".into(), default_port: 22 }]
    }

    fn plan(request: LaunchRequest) -> Result<SessionPlan, PlanError> {
        let arguments = Arguments(request.settings.clone());
        let answer = match arguments.of("do").as_str() {
            "" => {
                let slots = request.credential.slots.iter().map(|slot| slot.name.clone()).collect();
                return Ok(plan(&request, slots));
            }
            "store.plan" => return Ok(plan(&request, vec![arguments.of("slot")])),
            drive if drive.starts_with("drive.") => {
                return Ok(SessionPlan::Driven(DrivenPlan {
                    target: Endpoint { host: request.host, port: request.port },
                    surface: DrivenSurface::Terminal,
                }));
            }
            "clock.now" => format!("{:?}", clock::now()),
            "clock.monotonic" => format!("{:?}", clock::monotonic_nanos()),
            "clock.sleep" => (0..arguments.number("times"))
                .map(|_| format!("{:?}", clock::sleep(arguments.number("ms"))))
                .last()
                .unwrap_or_default(),
            other if other.starts_with("reveal") => revealing(&arguments, other),
            other if other.starts_with("store.") => storing(&arguments, other),
            "mark" => format!("{:?}", annotate::mark("nowhere")),
            other if other.starts_with("recordings.") => replaying(&arguments, other),
            other if other.starts_with("events.") => hearing(&arguments, other),
            other if other.starts_with("read.") => reading(&arguments, other),
            other if other.starts_with("write.") => writing(&arguments, other),
            other => format!("it can't do '{other}'"),
        };
        Err(PlanError::Unsupported(answer))
    }
}

impl Driver for StoreUser {
    /// Shows what the marker came to, with a marker in the middle of it.
    fn drive(request: DriveRequest) -> Result<EndReason, DriveError> {
        let arguments = Arguments(request.settings);
        let show = |text: String| {
            terminal::show(text.as_bytes()).map_err(|error| DriveError::Refused(format!("{error:?}")))
        };
        show("before ".to_owned())?;
        let marker = arguments.text("marker").unwrap_or_else(|| "here\u{1b}[2J".into());
        let marker = if marker == "long" { "x".repeat(1025) } else { marker };
        let many = (0..arguments.number("times")).map(|_| annotate::mark(&marker));
        show(format!("{:?}", many.last()))?;
        Ok(EndReason::Finished(Some(0)))
    }
}

fn revealing(arguments: &Arguments, what: &str) -> String {
    let slot = arguments.text("slot").unwrap_or_else(|| "login.password".into());
    let told = |revealed: Result<Vec<u8>, _>| {
        format!("{:?}", revealed.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    };
    match what {
        "reveal" => {
            (0..arguments.number("times")).map(|_| told(reveal::reveal(&slot))).last().unwrap_or_default()
        }
        "reveal.prompted" => {
            let kind = FieldKind::Password;
            let pin = Field { id: "pin".into(), label: "PIN".into(), kind, required: true };
            let form = Form { title: "PIN".into(), message: String::new(), fields: vec![pin] };
            match prompt::ask(&form) {
                Ok(_) => told(reveal::reveal("prompt.pin")),
                Err(error) => format!("{error:?}"),
            }
        }
        // Fills its memory with what it read, and counts.
        "reveal.fill" => match reveal::reveal(&slot) {
            Err(error) => format!("{error:?}"),
            Ok(secret) => {
                let copies: Vec<u8> = secret.iter().copied().cycle().take(BALLAST).collect();
                std::mem::forget(copies);
                found_in_memory(arguments).to_string()
            }
        },
        // Takes as much memory as it gets, writes nothing into it, and counts what another call may have left.
        "reveal.look" => {
            std::mem::forget(Vec::<u8>::with_capacity(BALLAST));
            found_in_memory(arguments).to_string()
        }
        other => format!("it can't do '{other}'"),
    }
}

/// Bytes that are filled, and looked through.
const BALLAST: usize = 4 << 20;
/// What each byte of the needle is masked with, so that the needle itself is nowhere in the memory.
const MASK: u8 = 0x55;

/// Counts a needle in all of the linear memory. It comes in hexadecimal digits, masked.
fn found_in_memory(arguments: &Arguments) -> usize {
    let masked: Vec<u8> = arguments
        .of("masked")
        .as_bytes()
        .chunks(2)
        .filter_map(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok())
        .collect();
    let end = core::arch::wasm32::memory_size(0) * 65_536;
    // SAFETY: all of the linear memory is there to be read up to its size, and nothing else runs meanwhile.
    let memory = unsafe { std::slice::from_raw_parts(1024 as *const u8, end - 1024) };
    let here = |window: &&[u8]| window.iter().zip(&masked).all(|(byte, masked)| byte ^ MASK == *masked);
    memory.windows(masked.len()).filter(here).count()
}

fn storing(arguments: &Arguments, what: &str) -> String {
    let name = arguments.text("name").unwrap_or_else(|| "token".into());
    let sink = Sink {
        protocol: arguments.text("protocol").unwrap_or_else(|| "ssh".into()),
        host: arguments.text("host").unwrap_or_else(|| "db.example".into()),
        port: arguments.text("port").and_then(|port| port.parse().ok()).unwrap_or(22),
        field: arguments.text("field").unwrap_or_else(|| "password".into()),
    };
    let sinks = vec![sink; arguments.number("sinks") as usize];
    let value = match arguments.text("bytes") {
        Some(bytes) => vec![b'v'; bytes.parse().unwrap_or(0)],
        None => arguments.text("value").unwrap_or_else(|| "the-token".into()).into_bytes(),
    };
    match what {
        "store.put" => format!("{:?}", store::put(&name, &value, &sinks)),
        "store.many" => format!(
            "{:?}",
            (0..arguments.number("times"))
                .map(|index| store::put(&format!("{name}{index}"), &value, &sinks))
                .last()
        ),
        "store.stored" => format!("{:?}", store::stored()),
        "store.delete" => format!("{:?}", store::delete(&name)),
        "store.slots" => format!(
            "{:?}",
            use_slots::slots().map(|slots| slots.into_iter().map(|slot| slot.name).collect::<Vec<_>>())
        ),
        other => format!("it can't do '{other}'"),
    }
}

fn hearing(arguments: &Arguments, what: &str) -> String {
    let cursor = arguments.text("cursor").and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
    let told = |batch: events::Batch| {
        let told = |event: events::Event| format!("{} {}", event.name, event.path.unwrap_or_default());
        let events: Vec<String> = batch.events.into_iter().map(told).collect();
        format!("{events:?} {}", batch.cursor)
    };
    match what {
        "events.latest" => format!("{:?}", events::latest()),
        "events.since" => format!("{:?}", events::since(cursor).map(told)),
        "events.all" => {
            let (mut cursor, mut all) = (cursor, Vec::new());
            loop {
                match events::since(cursor) {
                    Err(error) => return format!("{error:?}"),
                    Ok(batch) if batch.cursor == cursor => return format!("{all:?}"),
                    Ok(batch) => {
                        cursor = batch.cursor;
                        all.extend(
                            batch
                                .events
                                .into_iter()
                                .map(|event| format!("{} {}", event.name, event.path.unwrap_or_default())),
                        );
                    }
                }
            }
        }
        "events.next" => (0..arguments.number("times"))
            .map(|_| format!("{:?}", events::next(cursor, arguments.number("ms")).map(told)))
            .last()
            .unwrap_or_default(),
        other => format!("it can't do '{other}'"),
    }
}

fn replaying(arguments: &Arguments, what: &str) -> String {
    let filter = Filter {
        under: arguments.of("under"),
        connection: arguments.text("connection"),
        since_micros: arguments.text("since").and_then(|since| since.parse().ok()),
        until_micros: arguments.text("until").and_then(|until| until.parse().ok()),
    };
    let list = || recordings::list_recordings(&filter, arguments.text("after").as_deref());
    match what {
        "recordings.list" => match list() {
            Err(error) => format!("{error:?}"),
            Ok(page) => {
                let of: Vec<String> = page.recordings.into_iter().map(|found| found.path).collect();
                if of.len() > 20 {
                    format!("{} {:?}", of.len(), page.next)
                } else {
                    format!("{of:?} {:?}", page.next)
                }
            }
        },
        // The newest one, or the one that is named, from a moment on.
        "recordings.read" => {
            let newest = || list().ok().and_then(|page| Some(page.recordings.last()?.id.clone()));
            let id = arguments.text("id").or_else(newest).unwrap_or_default();
            let (mut first, mut shown) =
                (Some(u64::from(arguments.number("first").saturating_sub(1))), String::new());
            let mut chunks = 0;
            while let Some(at) = first {
                match recordings::read_moments(&id, at) {
                    Err(error) => return format!("{error:?}"),
                    Ok(Chunk { moments, next }) => {
                        chunks += 1;
                        first = next;
                        for moment in moments {
                            match moment.what {
                                Happening::Output(bytes) => shown += &String::from_utf8_lossy(&bytes),
                                Happening::Marker(text) => shown += &format!("<{text}>"),
                                Happening::Resize(size) => {
                                    shown += &format!("<{}x{}>", size.columns, size.rows)
                                }
                                Happening::Exit(status) => shown += &format!("<exit {status:?}>"),
                            }
                        }
                    }
                }
            }
            if shown.len() > 500 {
                format!("{} in {chunks}", shown.len())
            } else {
                format!("{shown:?} in {chunks}")
            }
        }
        other => format!("it can't do '{other}'"),
    }
}

fn reading(arguments: &Arguments, what: &str) -> String {
    let query =
        || Query { under: arguments.of("under"), kind: arguments.text("kind"), tag: arguments.text("tag") };
    match what {
        "read.connections" => {
            let (mut after, mut pages, mut names) = (None, 0, Vec::new());
            loop {
                match read::list_connections(&query(), after.as_deref()) {
                    Err(error) => return format!("{error:?} after {pages}"),
                    Ok(page) => {
                        pages += 1;
                        names.extend(page.connections.into_iter().map(|found| path(&found)));
                        after = page.next;
                    }
                }
                if after.is_none() {
                    break;
                }
            }
            names.sort();
            if names.len() > 20 { format!("{} in {pages}", names.len()) } else { format!("{names:?}") }
        }
        "read.after" => format!("{:?}", read::list_connections(&query(), Some(&arguments.of("after")))),
        "read.connection" => format!("{:?}", read::get_connection(&arguments.of("id"))),
        "read.folders" => match read::list_folders(&arguments.of("under"), None) {
            Err(error) => format!("{error:?}"),
            Ok(page) => {
                let mut paths: Vec<String> = page.folders.into_iter().map(|found| found.path).collect();
                paths.sort();
                format!("{paths:?}")
            }
        },
        "read.folder" => format!("{:?}", read::get_folder(&arguments.of("path"))),
        other => format!("it can't do '{other}'"),
    }
}

fn writing(arguments: &Arguments, what: &str) -> String {
    let data = ConnectionData {
        name: arguments.text("name").unwrap_or_else(|| "new".into()),
        kind: arguments.text("kind").unwrap_or_else(|| "ssh".into()),
        host: arguments.text("host").unwrap_or_else(|| "new.example".into()),
        port: arguments.text("port").and_then(|port| port.parse().ok()).unwrap_or(22),
        notes: arguments.of("notes"),
        tags: vec!["plugin".into()],
        custom_fields: vec![("rack".into(), "7".into())],
        settings: Vec::new(),
    };
    let folder = FolderData {
        name: arguments.text("name").unwrap_or_else(|| "New".into()),
        notes: arguments.of("notes"),
        settings: Vec::new(),
    };
    let (id, at) = (arguments.of("id"), arguments.of("path"));
    // Reads the revision where the test does not give one.
    let revision = |seen: Option<String>| arguments.text("revision").or(seen).unwrap_or_default();
    let of_connection = || {
        let found = read::get_connection(&id).ok().flatten();
        revision(found.map(|found| found.revision))
    };
    let of_folder = || revision(read::get_folder(&at).ok().flatten().map(|found| found.revision));
    let made = |made: Result<Connection, _>| made.map(|made| path(&made));
    let folded = |made: Result<Folder, _>| made.map(|made| made.path);
    match what {
        "write.create" => {
            let many = (0..arguments.number("times")).map(|_| write::create_connection(&at, &data));
            format!("{:?}", many.last().map(made))
        }
        "write.change" => format!("{:?}", made(write::change_connection(&id, &of_connection(), &data))),
        "write.delete" => format!("{:?}", write::delete_connection(&id, &of_connection())),
        "write.create-folder" => format!("{:?}", folded(write::create_folder(&at, &folder))),
        "write.change-folder" => format!("{:?}", folded(write::change_folder(&at, &of_folder(), &folder))),
        "write.delete-folder" => format!("{:?}", write::delete_folder(&at, &of_folder())),
        other => format!("it can't do '{other}'"),
    }
}

fn path(connection: &Connection) -> String {
    format!("{}/{}", connection.folder, connection.data.name)
}

fn plan(request: &LaunchRequest, slots: Vec<String>) -> SessionPlan {
    SessionPlan::Ssh(SshPlan {
        target: Endpoint { host: request.host.clone(), port: request.port },
        user: Value::Text(request.credential.user.clone().unwrap_or_default()),
        auth: slots.into_iter().map(SshAuth::Password).collect(),
        run: match &request.run {
            RunRequest::Interactive => SshRun::Shell,
            RunRequest::Command(command) => SshRun::Command(command.line.clone()),
        },
        terminal: false,
        environment: Vec::new(),
        connect_timeout_seconds: 10,
        keepalive_seconds: 0,
    })
}
