//! What the probe does: the setting `do` of the connection names a capability's use, and the answer comes back as the
//! text of `unsupported`. Without it, the probe makes a plain plan.

wit_bindgen::generate!({
    inline: "
        package test:probe;

        world probe {
            import ostler:log/log@0.1.0;
            import ostler:storage/storage@0.1.0;
            import ostler:settings/settings@0.1.0;
            import ostler:prompt/prompt@0.1.0;
            import ostler:secrets/use-slots@0.1.0;
            export ostler:launcher/launcher@0.1.0;
        }
    ",
    path: [
        "../../../plugin-api/wit/types-0.1.0",
        "../../../plugin-api/wit/log-0.1.0",
        "../../../plugin-api/wit/storage-0.1.0",
        "../../../plugin-api/wit/settings-0.1.0",
        "../../../plugin-api/wit/prompt-0.1.0",
        "../../../plugin-api/wit/secrets-0.1.0",
        "../../../plugin-api/wit/launcher-0.1.0",
    ],
    generate_all,
});

use exports::ostler::launcher::launcher::Guest;
use ostler::launcher::types::{
    KindInfo, LaunchRequest, PlanError, RunRequest, SessionPlan, SshAuth, SshPlan, SshRun,
};
use ostler::log::log::{self, Level};
use ostler::prompt::prompt::{self, Field, FieldKind, Form};
use ostler::secrets::use_slots;
use ostler::settings::settings;
use ostler::storage::storage;
use ostler::types::types::{Endpoint, SettingValue, Value};

#[unsafe(link_section = "ostler:plugin.toml")]
#[used]
static MANIFEST: [u8; include_bytes!("../plugin.toml").len()] = *include_bytes!("../plugin.toml");

struct Probe;

export!(Probe);

impl Guest for Probe {
    fn describe() -> Vec<KindInfo> {
        vec![KindInfo { kind: "ssh".into(), title: "Probe\u{1b}".into(), default_port: 22 }]
    }

    fn plan(request: LaunchRequest) -> Result<SessionPlan, PlanError> {
        let text = |key: &str| {
            request.settings.iter().find(|setting| setting.key == key).map(|setting| match &setting.value {
                SettingValue::Text(text) => text.clone(),
                SettingValue::Integer(number) => number.to_string(),
                other => format!("{other:?}"),
            })
        };
        let number = |key: &str| text(key).and_then(|text| text.parse().ok()).unwrap_or(1_usize);
        let key = text("key").unwrap_or_default();
        let answer = match text("do").unwrap_or_default().as_str() {
            "" => return Ok(plan(&request, Vec::new())),
            "request" => format!("{request:?}"),
            "log" => {
                (0..number("times"))
                    .for_each(|_| log::write(Level::Warn, &text("message").unwrap_or_default()));
                "logged".to_owned()
            }
            "print" => {
                (0..number("times")).for_each(|_| println!("{}", text("message").unwrap_or_default()));
                eprint!("no end of line");
                "printed".to_owned()
            }
            "storage.get" => format!("{:?}", storage::get(&key)),
            "storage.set" => {
                let set = |index| storage::set(&format!("{key}{index}"), &vec![b'v'; number("bytes")]);
                match (0..number("times")).map(set).collect::<Result<Vec<()>, _>>() {
                    Ok(done) => format!("set {}", done.len()),
                    Err(error) => format!("{error:?}"),
                }
            }
            // The same key again and again: what a speed test calls.
            "storage.warm" => (0..number("times"))
                .map(|_| storage::get(&key).map_or(0, |value| value.map_or(0, |value| value.len())))
                .sum::<usize>()
                .to_string(),
            "storage.delete" => format!("{:?}", storage::delete(&key)),
            "storage.keys" => format!("{:?}", storage::keys(&key)),
            "settings.get" => format!("{:?}", settings::get(&key)),
            "settings.all" => format!("{:?}", settings::all()),
            "prompt" => (0..number("times"))
                .map(|_| format!("{:?}", prompt::ask(&form(&text("form").unwrap_or_default()))))
                .last()
                .unwrap_or_default(),
            "secrets" => format!("{:?}", use_slots::slots()),
            "prompt.plan" => {
                prompt::ask(&form("")).map_err(|error| PlanError::Unsupported(format!("{error:?}")))?;
                let slots =
                    use_slots::slots().map_err(|error| PlanError::Unsupported(format!("{error:?}")))?;
                return Ok(plan(&request, slots.into_iter().map(|slot| slot.name).collect()));
            }
            "plan" => {
                let slots = request.credential.slots.iter().map(|slot| slot.name.clone()).collect();
                return Ok(plan(&request, slots));
            }
            "environment" => format!(
                "{:?} {:?} {:?} {:?}",
                std::env::vars().collect::<Vec<_>>(),
                std::env::args().collect::<Vec<_>>(),
                std::fs::read_dir("/").map(|_| "files").map_err(|_| "no files"),
                std::io::read_to_string(std::io::stdin()).map_err(|_| "no input"),
            ),
            "clock" => format!("{:?}", std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)),
            "no.missing" => return Err(PlanError::Missing("a user".into())),
            "no.setting" => return Err(PlanError::BadSetting(("port".into(), "is\nodd".into()))),
            other => format!("the probe can't do '{other}'"),
        };
        Err(PlanError::Unsupported(answer))
    }
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
        terminal: true,
        environment: Vec::new(),
        connect_timeout_seconds: 10,
        keepalive_seconds: 0,
    })
}

/// Makes the form of the tests, with one fault if asked for.
fn form(fault: &str) -> Form {
    let field =
        |id: &str, kind| Field { id: id.into(), label: format!("{id}\u{1b}[2J"), kind, required: true };
    let mut fields = vec![
        field("name", FieldKind::Text(Some("root".into()))),
        field("pin", FieldKind::Password),
        field("color", FieldKind::Choice(vec!["red".into(), "blue".into()])),
        field("sure", FieldKind::Confirm(false)),
    ];
    match fault {
        "empty" => fields.clear(),
        "many" => fields = (0..17).map(|index| field(&format!("f{index}"), FieldKind::Password)).collect(),
        "id" => fields.push(field("Not An Id", FieldKind::Password)),
        "twice" => fields.push(field("pin", FieldKind::Password)),
        "choice" => fields.push(field("none", FieldKind::Choice(Vec::new()))),
        "long" => fields.push(field("long", FieldKind::Text(Some("x".repeat(4097))))),
        _ => {}
    }
    Form { title: "Log in\u{7}".into(), message: "one\ntwo\u{1b}".into(), fields }
}
