//! A launcher for tests: the setting `do` names a capability that it uses once, `how` is `right` or `wrong` (with a parameter that is
//! refused), `again` asks the person and uses it once more. The outcome comes back as the text of an error. Never opens a session.

use std::fmt::Debug;
use std::time::Duration;

use ostler_sdk::connections::{self, FolderData, Query};
use ostler_sdk::driver::{DriveError, DriveRequest, Driver, EndReason};
use ostler_sdk::http::Request;
use ostler_sdk::launcher::{
    DrivenPlan, DrivenSurface, KindInfo, LaunchRequest, Launcher, PlanError, SessionPlan,
};
use ostler_sdk::process::Command;
use ostler_sdk::prompt::{self, Field, Form};
use ostler_sdk::recording::{self, Filter};
use ostler_sdk::secrets_store::{self, Sink};
use ostler_sdk::types::{Endpoint, Setting, SettingValue};
use ostler_sdk::{
    clock, desktop, events, files, inbound, log, net, secrets, secrets_reveal, settings, storage, terminal,
};

struct Every;

ostler_sdk::export_plugin!(Every, kinds: [launcher, driver]);

/// The capabilities that are used in a session.
const IN_SESSIONS: [&str; 5] = ["secrets.use", "net", "terminal", "desktop", "recording.annotate"];

impl Launcher for Every {
    fn describe() -> Vec<KindInfo> {
        vec![KindInfo::new("every", "Every", 23)]
    }

    fn plan(request: LaunchRequest) -> Result<SessionPlan, PlanError> {
        let told = Told::new(&request.settings, Endpoint::new(&request.host, request.port));
        if IN_SESSIONS.contains(&told.what.as_str()) {
            let desktop = told.what == "desktop";
            let surface = if desktop { DrivenSurface::Desktop } else { DrivenSurface::Terminal };
            return Ok(DrivenPlan { target: told.target, surface }.into());
        }
        Err(PlanError::Unsupported(told.outcome()))
    }
}

impl Driver for Every {
    fn drive(request: DriveRequest) -> Result<EndReason, DriveError> {
        Err(DriveError::Refused(Told::new(&request.settings, request.target).outcome()))
    }
}

/// What it is told.
struct Told {
    what: String,
    wrong: bool,
    again: bool,
    target: Endpoint,
}

impl Told {
    fn new(settings: &[Setting], target: Endpoint) -> Self {
        let text = |key: &str| {
            settings.iter().find(|setting| setting.key == key).and_then(|setting| match &setting.value {
                SettingValue::Text(text) => Some(text.clone()),
                _ => None,
            })
        };
        Self {
            what: text("do").unwrap_or_default(),
            wrong: text("how").as_deref() == Some("wrong"),
            again: text("again").is_some(),
            target,
        }
    }

    fn outcome(&self) -> String {
        let first = self.used();
        if !self.again {
            return first;
        }
        // What comes of it does not matter: in between, the test takes the right away.
        drop(asked("name"));
        format!("{first} | {}", self.used())
    }

    fn pick<T>(&self, right: T, wrong: T) -> T {
        if self.wrong { wrong } else { right }
    }

    /// Uses the capability once.
    fn used(&self) -> String {
        let Endpoint { host, port } = &self.target;
        match self.what.as_str() {
            "secrets.use" => {
                let slot = self.pick("login.password", "other.password");
                described(secrets::answer(slot, "hmac-sha-256", b"challenge"))
            }
            "secrets.reveal" => {
                described(secrets_reveal::reveal(self.pick("login.password", "other.password")))
            }
            "secrets.store" => {
                let sink = Sink::new("ssh", "a.example", 22, "password");
                described(secrets_store::put(self.pick("kept", "No Name"), b"value", &[sink]))
            }
            "http" => {
                let host = self.pick(host.as_str(), "elsewhere.example");
                described(
                    Request::get(format!("http://{host}:{port}/items"))
                        .send()
                        .map(|response| response.status()),
                )
            }
            "net" => {
                let host = self.pick(host.as_str(), "elsewhere.example");
                described(net::connect(&Endpoint::new(host, *port)).map(|_| "a wire"))
            }
            "terminal" => described(terminal::show(&vec![b'x'; self.pick(1, (1 << 20) + 1)])),
            "desktop" => {
                let (width, height) = self.pick((640, 480), (0, 1));
                described(desktop::resize(desktop::Size { width, height }))
            }
            "prompt" => described(asked(self.pick("name", "No Id")).map(|_| "an answer")),
            "connections.read" => {
                let query = Query::under(self.pick("Servers", "Private"));
                described(connections::list(&query, None).map(|_| "a page"))
            }
            "connections.write" => {
                let data = FolderData { name: "New".to_owned(), notes: String::new(), settings: Vec::new() };
                let created = connections::create_folder(self.pick("Servers", "Private"), &data);
                // So that it can be done again.
                described(created.and_then(|folder| connections::delete_folder(&folder)))
            }
            "recording.annotate" => described(recording::mark(self.pick("here", ""))),
            "recording.read" => {
                let filter = Filter::under(self.pick("Servers", "Private"));
                described(recording::list(&filter, None).map(|_| "a page"))
            }
            "files" => {
                described(files::read(self.pick("/etc/hostname", "/proc/version"), 1 << 16).map(|_| "a file"))
            }
            "process" => {
                let program = Command::new(self.pick("true", "echo"));
                described(program.run().map(|outcome| outcome.is_success()))
            }
            "inbound" => described(inbound::open(self.pick("test", "other")).map(|_| "a callback")),
            "storage" => described(storage::set(self.pick("key", ""), b"value")),
            "settings" => described(settings::get("key")),
            "log" => {
                log::info("a line");
                "written, or not".to_owned()
            }
            "clock" => described(clock::sleep(Duration::from_secs(self.pick(0, 1 << 20)))),
            "events" => {
                let since = events::latest().unwrap_or_default();
                described(events::next(since, Duration::from_secs(self.pick(0, 1 << 20))).map(|_| "a batch"))
            }
            other => format!("it can't do '{other}'"),
        }
    }
}

fn asked(field: &str) -> Result<(), prompt::PromptError> {
    prompt::ask(&Form::new("Test").field(Field::text(field, "Go on?").optional())).map(|_| ())
}

fn described<T: Debug, E: Debug>(outcome: Result<T, E>) -> String {
    format!("{outcome:?}")
}
