//! What the host calls. The setting `attack` of the connection names what a plan tries, the plugin's own setting
//! `describe` what its description tries, and the first line of a file what reading it tries. Without any it is honest.

wit_bindgen::generate!({
    inline: "
        package test:hostile;

        world hostile {
            import ostler:log/log@0.1.0;
            import ostler:storage/storage@0.1.0;
            import ostler:settings/settings@0.1.0;
            import ostler:prompt/prompt@0.1.0;
            import ostler:secrets/use-slots@0.1.0;
            import ostler:importer/feed@0.1.0;
            import wasi:clocks/monotonic-clock@0.2.0;
            export ostler:launcher/launcher@0.2.0;
            export ostler:importer/importer@0.1.0;
        }

        package wasi:io@0.2.0 {
            interface poll {
                resource pollable {
                    ready: func() -> bool;
                    block: func();
                }
                poll: func(in: list<borrow<pollable>>) -> list<u32>;
            }
        }

        package wasi:clocks@0.2.0 {
            interface monotonic-clock {
                use wasi:io/poll@0.2.0.{pollable};
                type instant = u64;
                type duration = u64;
                now: func() -> instant;
                resolution: func() -> duration;
                subscribe-instant: func(when: instant) -> pollable;
                subscribe-duration: func(when: duration) -> pollable;
            }
        }
    ",
    path: [
        "../../../plugin-api/wit/types-0.1.0",
        "../../../plugin-api/wit/log-0.1.0",
        "../../../plugin-api/wit/storage-0.1.0",
        "../../../plugin-api/wit/settings-0.1.0",
        "../../../plugin-api/wit/prompt-0.1.0",
        "../../../plugin-api/wit/secrets-0.1.0",
        "../../../plugin-api/wit/importer-0.1.0",
        "../../../plugin-api/wit/launcher-0.1.0",
        "../../../plugin-api/wit/launcher-0.2.0",
    ],
    generate_all,
});

use exports::ostler::importer::importer::Guest as Importer;
use exports::ostler::launcher0_2_0::launcher::Guest as Launcher;
use ostler::importer::types::{Failure, Info, Summary};
use ostler::launcher0_1_0::types::{KindInfo, PlanError, SessionPlan, SshAuth, SshPlan, SshRun};
use ostler::launcher0_2_0::types::LaunchRequest;
use ostler::settings::settings;
use ostler::types::types::{Endpoint, SettingValue, Value};

use crate::{answers, computing, ends, floods, handles, hoards, importing, surroundings};

#[unsafe(link_section = "ostler:plugin.toml")]
#[used]
static MANIFEST: [u8; include_bytes!("../plugin.toml").len()] = *include_bytes!("../plugin.toml");

struct Hostile;

export!(Hostile);

impl Launcher for Hostile {
    fn describe() -> Vec<KindInfo> {
        match settings::get("describe") {
            Ok(Some(SettingValue::Text(attack))) => answers::describe(&attack),
            _ => vec![KindInfo { kind: "ssh".into(), title: "Hostile".into(), default_port: 22 }],
        }
    }

    fn plan(request: LaunchRequest) -> Result<SessionPlan, PlanError> {
        let setting = request.settings.iter().find(|setting| setting.key == "attack");
        let Some(SettingValue::Text(attack)) = setting.map(|setting| &setting.value) else {
            return Ok(SessionPlan::Ssh(honest(&request)));
        };
        let plan = honest(&request);
        let tried = answers::plan(attack, &request, plan)
            .or_else(|| computing::attack(attack))
            .or_else(|| hoards::attack(attack))
            .or_else(|| handles::attack(attack))
            .or_else(|| floods::attack(attack))
            .or_else(|| ends::attack(attack))
            .or_else(|| surroundings::attack(attack));
        tried.unwrap_or_else(|| said(format!("there is no attack '{attack}'")))
    }
}

impl Importer for Hostile {
    fn describe() -> Info {
        Info { title: "Hostile".into(), extensions: Vec::new(), options: Vec::new() }
    }

    fn detect(head: Vec<u8>, _: String) -> u8 {
        importing::detect(&head)
    }

    fn parse(_: Vec<(String, String)>) -> Result<Summary, Failure> {
        importing::parse()
    }
}

/// What came of an attack; none where it is not of this module.
pub(crate) type Tried = Option<Result<SessionPlan, PlanError>>;

/// Tells the host what the attack found.
pub(crate) fn said(text: impl Into<String>) -> Result<SessionPlan, PlanError> {
    Err(PlanError::Unsupported(text.into()))
}

fn honest(request: &LaunchRequest) -> SshPlan {
    SshPlan {
        target: Endpoint { host: request.host.clone(), port: request.port },
        user: Value::Text(request.credential.user.clone().unwrap_or_default()),
        auth: request.credential.slots.iter().map(|slot| SshAuth::Password(slot.name.clone())).collect(),
        run: SshRun::Shell,
        terminal: true,
        environment: Vec::new(),
        connect_timeout_seconds: 10,
        keepalive_seconds: 0,
    }
}
