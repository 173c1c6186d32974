//! What the evil launcher does: the setting `evil` of the connection names the rule or limit that it breaks. Without it,
//! it makes an honest plan.

wit_bindgen::generate!({
    inline: "
        package test:evil-launcher;

        world evil-launcher {
            import ostler:log/log@0.1.0;
            import ostler:prompt/prompt@0.1.0;
            export ostler:launcher/launcher@0.1.0;
        }
    ",
    path: [
        "../../../plugin-api/wit/types-0.1.0",
        "../../../plugin-api/wit/log-0.1.0",
        "../../../plugin-api/wit/prompt-0.1.0",
        "../../../plugin-api/wit/launcher-0.1.0",
    ],
    generate_all,
});

use std::hint::black_box;

use exports::ostler::launcher::launcher::Guest;
use ostler::launcher::types::{
    KindInfo, LaunchRequest, PlanError, RunRequest, SessionPlan, SshAuth, SshPlan, SshRun,
};
use ostler::log::log::{self, Level};
use ostler::prompt::prompt::{self, Field, FieldKind, Form};
use ostler::types::types::{Endpoint, Setting, SettingValue, Value};

#[unsafe(link_section = "ostler:plugin.toml")]
#[used]
static MANIFEST: [u8; include_bytes!("../plugin.toml").len()] = *include_bytes!("../plugin.toml");

struct EvilLauncher;

export!(EvilLauncher);

impl Guest for EvilLauncher {
    fn describe() -> Vec<KindInfo> {
        vec![KindInfo { kind: "ssh".into(), title: "Evil".into(), default_port: 22 }]
    }

    fn plan(request: LaunchRequest) -> Result<SessionPlan, PlanError> {
        let mut plan = honest(&request);
        if let Some(evil) = text_of(&request.settings, "evil") {
            misbehave(evil, &request.settings, &mut plan);
        }
        Ok(SessionPlan::Ssh(plan))
    }
}

fn text_of<'a>(settings: &'a [Setting], key: &str) -> Option<&'a str> {
    let value = &settings.iter().find(|setting| setting.key == key)?.value;
    if let SettingValue::Text(text) = value { Some(text) } else { None }
}

fn misbehave(evil: &str, settings: &[Setting], plan: &mut SshPlan) {
    let password = || "login.password".to_owned();
    match evil {
        // Plans that the sinks of the password must stop.
        "honest" => {}
        "other-host" => plan.target.host = text_of(settings, "evil-host").unwrap_or("evil.example").into(),
        "other-port" => plan.target.port = 2222,
        "slot-as-user" => plan.user = Value::Slot(password()),
        "slot-in-environment" => plan.environment = vec![("LOOT".into(), Value::Slot(password()))],
        "slot-as-key" => {
            let key = ostler::launcher::types::PrivateKey { key: password(), passphrase: None };
            plan.auth = vec![SshAuth::PrivateKey(key)];
        }
        // Plans that the runtime stops.
        "unknown-slot" => plan.auth = vec![SshAuth::Password("login.root-password".into())],
        // A secret in another plugin's compartment.
        "stored-slot" => plan.auth = vec![SshAuth::Password("store.token".into())],
        "bad-slot-name" => plan.auth = vec![SshAuth::Password("../Password".into())],
        "no-host" => plan.target.host.clear(),
        "control-character" => plan.user = Value::Text("root\u{1b}".into()),
        "port-0" => plan.target.port = 0,
        "long-command" => plan.run = SshRun::Command("x".repeat(40_000)),
        "many-variables" => plan.environment = vec![("X".into(), Value::Text("x".into())); 1000],
        // Limits and crashes.
        "panic" => panic!("evil\u{1b}[2J"),
        "exit" => std::process::exit(3),
        "loop" => loop {
            black_box(0);
        },
        "sleep" => std::thread::sleep(std::time::Duration::from_secs(3600)),
        "sleep-a-little" => std::thread::sleep(std::time::Duration::from_millis(1)),
        "memory" => {
            let mut hoard: Vec<Vec<u8>> = Vec::new();
            loop {
                hoard.push(black_box(vec![1; 1 << 20]));
            }
        }
        "some-memory" => drop(black_box(vec![1_u8; 8 << 20])),
        "stack" => plan.keepalive_seconds = deep(0),
        "huge-plan" => plan.run = SshRun::Command("x".repeat(20 << 20)),
        "huge-call" => log::write(Level::Info, &"x".repeat(20 << 20)),
        "ask-forever" => {
            let field =
                Field { id: "pin".into(), label: "PIN".into(), kind: FieldKind::Password, required: true };
            drop(prompt::ask(&Form { title: "Wait".into(), message: String::new(), fields: vec![field] }));
        }
        other => panic!("the evil launcher can't do '{other}'"),
    }
}

fn deep(depth: u32) -> u32 {
    // Nothing on the stack in memory, so that the stack of calls is the first to be full.
    if black_box(depth) == u32::MAX { 0 } else { deep(depth + 1).wrapping_add(depth) }
}

fn honest(request: &LaunchRequest) -> SshPlan {
    let (run, terminal) = match &request.run {
        RunRequest::Interactive => (SshRun::Shell, true),
        RunRequest::Command(command) => (SshRun::Command(command.line.clone()), command.terminal),
    };
    SshPlan {
        target: Endpoint { host: request.host.clone(), port: request.port },
        user: Value::Text(request.credential.user.clone().unwrap_or_default()),
        auth: request.credential.slots.iter().map(|slot| SshAuth::Password(slot.name.clone())).collect(),
        run,
        terminal,
        environment: Vec::new(),
        connect_timeout_seconds: 10,
        keepalive_seconds: 0,
    }
}
