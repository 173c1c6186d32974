//! What it does: the setting `do` of the connection names a function, further settings are its arguments, and the answer
//! comes back as the text of `unsupported`. Without it, it makes a plain plan.

wit_bindgen::generate!({
    inline: "
        package test:store-user;

        world store-user {
            import ostler:clock/clock@0.1.0;
            import ostler:connections/read@0.1.0;
            import ostler:connections/write@0.1.0;
            export ostler:launcher/launcher@0.1.0;
        }
    ",
    path: [
        "../../../plugin-api/wit/types-0.1.0",
        "../../../plugin-api/wit/clock-0.1.0",
        "../../../plugin-api/wit/connections-0.1.0",
        "../../../plugin-api/wit/launcher-0.1.0",
    ],
    generate_all,
});

use exports::ostler::launcher::launcher::Guest;
use ostler::clock::clock;
use ostler::connections::read::{self, Query};
use ostler::connections::types::{Connection, ConnectionData, Folder, FolderData};
use ostler::connections::write;
use ostler::launcher::types::{
    KindInfo, LaunchRequest, PlanError, RunRequest, SessionPlan, SshAuth, SshPlan, SshRun,
};
use ostler::types::types::{Endpoint, SettingValue, Value};

#[unsafe(link_section = "ostler:plugin.toml")]
#[used]
static MANIFEST: [u8; include_bytes!("../plugin.toml").len()] = *include_bytes!("../plugin.toml");

struct StoreUser;

export!(StoreUser);

/// The settings of the connection that is launched.
struct Arguments(LaunchRequest);

impl Arguments {
    fn text(&self, key: &str) -> Option<String> {
        self.0.settings.iter().find(|setting| setting.key == key).map(|setting| match &setting.value {
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
        let arguments = Arguments(request);
        let answer = match arguments.of("do").as_str() {
            "" => return Ok(plan(&arguments.0)),
            "clock.now" => format!("{:?}", clock::now()),
            "clock.monotonic" => format!("{:?}", clock::monotonic_nanos()),
            "clock.sleep" => (0..arguments.number("times"))
                .map(|_| format!("{:?}", clock::sleep(arguments.number("ms"))))
                .last()
                .unwrap_or_default(),
            other if other.starts_with("read.") => reading(&arguments, other),
            other if other.starts_with("write.") => writing(&arguments, other),
            other => format!("it can't do '{other}'"),
        };
        Err(PlanError::Unsupported(answer))
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

fn plan(request: &LaunchRequest) -> SessionPlan {
    SessionPlan::Ssh(SshPlan {
        target: Endpoint { host: request.host.clone(), port: request.port },
        user: Value::Text(request.credential.user.clone().unwrap_or_default()),
        auth: request.credential.slots.iter().map(|slot| SshAuth::Password(slot.name.clone())).collect(),
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
