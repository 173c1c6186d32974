//! What it does: the setting `do` of the connection names a function, further settings are its arguments, and the answer
//! comes back as the text of `unsupported`. Without it, it makes a plan that logs in with the setting `use`, a slot.

wit_bindgen::generate!({
    inline: "
        package test:machine-user;

        world machine-user {
            import ostler:settings/settings@0.1.0;
            import ostler:secrets/use-slots@0.1.0;
            import ostler:files/files@0.1.0;
            export ostler:launcher/launcher@0.1.0;
        }
    ",
    path: [
        "../../../plugin-api/wit/types-0.1.0",
        "../../../plugin-api/wit/settings-0.1.0",
        "../../../plugin-api/wit/secrets-0.1.0",
        "../../../plugin-api/wit/files-0.1.0",
        "../../../plugin-api/wit/launcher-0.1.0",
    ],
    generate_all,
});

use exports::ostler::launcher::launcher::Guest;
use ostler::files::files;
use ostler::launcher::types::{
    KindInfo, LaunchRequest, PlanError, RunRequest, SessionPlan, SshAuth, SshPlan, SshRun,
};
use ostler::secrets::use_slots;
use ostler::settings::settings;
use ostler::types::types::{Endpoint, SettingValue, Value};

#[unsafe(link_section = "ostler:plugin.toml")]
#[used]
static MANIFEST: [u8; include_bytes!("../plugin.toml").len()] = *include_bytes!("../plugin.toml");

struct MachineUser;

export!(MachineUser);

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
}

impl Guest for MachineUser {
    fn describe() -> Vec<KindInfo> {
        vec![KindInfo { kind: "ssh".into(), title: "Machine user".into(), default_port: 22 }]
    }

    fn plan(request: LaunchRequest) -> Result<SessionPlan, PlanError> {
        let arguments = Arguments(request);
        let answer = match arguments.of("do").as_str() {
            "" => return Ok(plan(&arguments)),
            "settings.all" => match settings::all() {
                Err(error) => format!("{error:?}"),
                Ok(all) => {
                    let shown = |value: &SettingValue| match value {
                        SettingValue::Flag(flag) => flag.to_string(),
                        SettingValue::Integer(number) => number.to_string(),
                        SettingValue::Text(text) => text.clone(),
                        SettingValue::Items(items) => items.join("+"),
                    };
                    let all: Vec<String> =
                        all.iter().map(|it| format!("{}={}", it.key, shown(&it.value))).collect();
                    all.join(" ")
                }
            },
            "settings.get" => format!("{:?}", settings::get(&arguments.of("key"))),
            other if other.starts_with("files.") => filing(&arguments, other),
            "slots" => format!("{:?}", use_slots::slots()),
            other => format!("it can't do '{other}'"),
        };
        Err(PlanError::Unsupported(answer))
    }
}

fn plan(arguments: &Arguments) -> SessionPlan {
    let request = &arguments.0;
    let slot = arguments.of("use");
    SessionPlan::Ssh(SshPlan {
        target: Endpoint { host: request.host.clone(), port: request.port },
        user: Value::Text(request.credential.user.clone().unwrap_or_default()),
        auth: if slot.is_empty() { Vec::new() } else { vec![SshAuth::Password(slot)] },
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

fn filing(arguments: &Arguments, what: &str) -> String {
    let (path, other) = (arguments.of("path"), arguments.of("other"));
    let done = match what {
        "files.read" => files::open(&path).and_then(|reader| {
            let mut all = Vec::new();
            loop {
                match reader.read(3)? {
                    bytes if bytes.is_empty() => break,
                    bytes => all.extend(bytes),
                }
            }
            Ok(format!("{} {}", reader.size(), String::from_utf8_lossy(&all)))
        }),
        "files.list" => files::list(&path).map(|entries| {
            let shown = |entry: &files::Entry| format!("{}:{:?}:{}", entry.name, entry.kind, entry.size);
            entries.iter().map(shown).collect::<Vec<_>>().join(" ")
        }),
        "files.write" => files::write(&path, arguments.of("content").as_bytes()).map(|()| "written".into()),
        "files.large" => files::write(&path, &vec![0; (8 << 20) + 1]).map(|()| "written".into()),
        "files.watch" => files::watch(&path).and_then(|watcher| {
            files::write(&other, b"new")?;
            let changes = watcher.next(60_000)?;
            let shown = |change: &files::Change| format!("{}:{}", change.name, change.there);
            let last = changes.iter().filter(|change| !change.name.starts_with('.')).map(shown).next_back();
            let quiet = watcher.next(1)?.len();
            Ok(format!("{} then {quiet}", last.unwrap_or_default()))
        }),
        "files.many" => {
            let held: Result<Vec<_>, _> = (0..17).map(|_| files::open(&path)).collect();
            held.map(|held| held.len().to_string())
        }
        "files.connect" => files::connect(&path).and_then(|socket| {
            socket.write(arguments.of("content").as_bytes())?;
            Ok(String::from_utf8_lossy(&socket.read(100)?).into_owned())
        }),
        other => return format!("it can't do '{other}'"),
    };
    done.unwrap_or_else(|error| format!("{error:?}"))
}
