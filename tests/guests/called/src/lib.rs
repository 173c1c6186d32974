//! A launcher for tests: it opens the callbacks of the setting `open` (with `|` between), shows the person their addresses, and takes `times`
//! requests from the first, each within `wait` milliseconds, which it answers as `answer` says (`status|type|text`; else not). `send` is a URL that
//! it sends the last secret to. The outcome comes back as the text of `unsupported`. Never plans anything.

use ostler_sdk::http;
use ostler_sdk::inbound::{self, Callback, ContentType, Request};
use ostler_sdk::launcher::{KindInfo, LaunchRequest, Launcher, PlanError, SessionPlan};
use ostler_sdk::prompt::{self, Field, Form};
use ostler_sdk::types::CapabilityError;

struct Called;

ostler_sdk::export_plugin!(Called, kinds: [launcher]);

impl Launcher for Called {
    fn describe() -> Vec<KindInfo> {
        vec![KindInfo::new("calls", "Calls", 1)]
    }

    fn plan(request: LaunchRequest) -> Result<SessionPlan, PlanError> {
        let text = |key: &str| request.text(key).ok().flatten().map(str::to_owned);
        let said = called(&text).unwrap_or_else(|error| format!("{error:?}"));
        Err(PlanError::Unsupported(said))
    }
}

fn called(text: &dyn Fn(&str) -> Option<String>) -> Result<String, CapabilityError> {
    let number = |key: &str, usual: u32| text(key).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let purposes = text("open").unwrap_or_default();
    let open: Vec<Callback> = purposes.split('|').map(inbound::open).collect::<Result<_, _>>()?;
    let urls: Vec<String> = open.iter().map(Callback::url).collect();
    let mut form = Form::new("Sign in").field(Field::text("seen", "Seen"));
    form.message = urls.join(" ");
    // What the person says does not matter.
    drop(prompt::ask(&form));
    let (mut said, mut secret) = (Vec::new(), None);
    for _ in 0..number("times", 1) {
        let Some(callback) = open.first() else { break };
        let Some(request) = callback.next(number("wait", 30_000))? else {
            said.push("nobody called".to_owned());
            continue;
        };
        secret = request.slots.first().map(|slot| slot.name.clone()).or(secret);
        said.push(described(&request));
        if let Some(answer) = text("answer") {
            let mut parts = answer.split('|');
            let status = parts.next().and_then(|status| status.parse().ok()).unwrap_or_default();
            let content = match parts.next() {
                Some("html") => ContentType::Html,
                Some("json") => ContentType::Json,
                _ => ContentType::Plain,
            };
            callback.answer(status, content, parts.next().unwrap_or_default())?;
        }
    }
    if let (Some(url), Some(slot)) = (text("send"), secret) {
        let sent = http::Request::get(url).header_parts("x-token", vec![http::Request::slot(slot)]).send();
        said.push(sent.map_or_else(|error| format!("{error:?}"), |response| response.status().to_string()));
    }
    Ok(said.join(" | "))
}

fn described(request: &Request) -> String {
    let projected: Vec<String> = request
        .projected
        .iter()
        .filter(|projected| projected.nodes != "[]")
        .map(|projected| format!("{}={}", projected.path, projected.nodes))
        .collect();
    let slots: Vec<String> =
        request.slots.iter().map(|slot| format!("{}:{}", slot.name, slot.field)).collect();
    let body = request.body.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    format!("{} '{}' {projected:?} {:?} {slots:?} {body:?}", request.method, request.path, request.headers)
}
