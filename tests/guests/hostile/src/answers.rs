//! Answers that the host can't use, or that cost it too much.

use std::hint::black_box;

use crate::guest::ostler::launcher0_1_0::types::{
    DrivenPlan, DrivenSurface, KindInfo, PlanError, PrivateKey, ProcessPlan, SessionPlan, SshAuth, SshPlan,
    SshRun,
};
use crate::guest::ostler::launcher0_2_0::types::LaunchRequest;
use crate::guest::ostler::types::types::Value;
use crate::guest::{Tried, said};

pub(crate) fn plan(attack: &str, request: &LaunchRequest, mut plan: SshPlan) -> Tried {
    match attack {
        "what-it-gets" => return Some(said(format!("{request:?}"))),
        "a-huge-refusal" => return Some(said("x".repeat(20 << 20))),
        "a-refusal-of-escapes" => return Some(said("\u{1b}[2J\u{1b}]0;x\u{7}\u{202e}\nroot@host:~# ")),
        "a-bad-setting-of-escapes" => {
            return Some(Err(PlanError::BadSetting(("\u{1b}[31m".repeat(100), "\n".repeat(10_000)))));
        }
        "a-huge-command" => plan.run = SshRun::Command("x".repeat(20 << 20)),
        "a-million-empty-variables" => {
            plan.environment = vec![(String::new(), Value::Text(String::new())); 1_000_000];
        }
        "a-million-ways-to-log-in" => plan.auth = vec![SshAuth::None; 1_000_000],
        "a-million-arguments" => {
            return Some(Ok(SessionPlan::Process(ProcessPlan {
                program: "sh".into(),
                arguments: vec![Value::Text(String::new()); 1_000_000],
                environment: Vec::new(),
                terminal: false,
            })));
        }
        "a-slot-of-somebody-else" => plan.auth = vec![SshAuth::Password("login.root-password".into())],
        "a-slot-as-a-key-that-is-not-offered" => {
            let key = PrivateKey { key: "vault.master".into(), passphrase: None };
            plan.auth = vec![SshAuth::PrivateKey(key)];
        }
        "a-slot-that-is-no-name" => plan.auth = vec![SshAuth::Password("../../login password\0".into())],
        "a-host-of-escapes" => plan.target.host = "db.example\n\u{1b}[2J".into(),
        "a-command-of-escapes" => plan.run = SshRun::Command("true\0; false".into()),
        "a-time-without-an-end" => plan.connect_timeout_seconds = u32::MAX,
        "a-drive-without-a-driver" => {
            let target = plan.target;
            return Some(Ok(SessionPlan::Driven(DrivenPlan { target, surface: DrivenSurface::Desktop })));
        }
        _ => return None,
    }
    Some(Ok(SessionPlan::Ssh(plan)))
}

pub(crate) fn describe(attack: &str) -> Vec<KindInfo> {
    let kind = |kind: &str, title: &str| KindInfo { kind: kind.into(), title: title.into(), default_port: 1 };
    match attack {
        "describe-loop" => loop {
            black_box(0);
        },
        "describe-panic" => panic!("always"),
        "describe-a-million-kinds" => vec![kind("ssh", ""); 1_000_000],
        "describe-a-huge-title" => vec![kind("ssh", &"t".repeat(20 << 20))],
        "describe-escapes" => vec![kind("ssh", "\u{1b}[2J\u{202e}SSH\n")],
        "describe-a-bad-kind" => vec![kind("../ssh", "SSH")],
        _ => Vec::new(),
    }
}
