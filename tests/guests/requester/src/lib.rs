//! A launcher for tests: the settings `method`, `url`, `header`, `slot`, `ask`, `store` and `then` say what it sends; the answer comes back as the text of
//! `unsupported`. Never plans anything.

use ostler_sdk::http::{HttpError, Request, Response};
use ostler_sdk::launcher::{KindInfo, LaunchRequest, Launcher, PlanError, SessionPlan};
use ostler_sdk::prompt::{self, Field, Form};
use ostler_sdk::secrets_store::{self, Sink};

struct Requester;

ostler_sdk::export_plugin!(Requester, kinds: [launcher]);

impl Launcher for Requester {
    fn describe() -> Vec<KindInfo> {
        vec![KindInfo::new("requests", "Requests", 80)]
    }

    fn plan(request: LaunchRequest) -> Result<SessionPlan, PlanError> {
        let text = |key: &str| request.text(key).ok().flatten().map(str::to_owned);
        if text("ask").is_some() {
            let form = Form::new("Sign in").field(Field::password("secret", "Secret"));
            prompt::ask(&form).map_err(|error| PlanError::Unsupported(format!("{error:?}")))?;
        }
        if let Some(sink) = text("store") {
            let (host, port) = sink.split_once(':').unwrap_or((&sink, ""));
            let port = port.parse().unwrap_or_default();
            let sink = Sink { protocol: "http".into(), host: host.into(), port, field: "request".into() };
            let stored = secrets_store::put("kept", b"S3cret-that-was-kept", &[sink]);
            stored.map_err(|error| PlanError::Unsupported(format!("{error:?}")))?;
        }
        let (mut slot, mut said) =
            (text("slot").unwrap_or_else(|| "prompt.secret".to_owned()), String::new());
        for key in ["url", "then"] {
            let Some(url) = text(key) else { continue };
            match sent(&url, &text, &slot) {
                Ok(response) => {
                    said.push_str(&described(&response));
                    if let Some(received) = response.slots().first() {
                        slot = received.name.clone();
                    }
                }
                Err(error) => said.push_str(&format!("{error:?}")),
            }
            said.push('\n');
        }
        Err(PlanError::Unsupported(said.trim_end().to_owned()))
    }
}

fn sent(url: &str, text: &dyn Fn(&str) -> Option<String>, slot: &str) -> Result<Response, HttpError> {
    let mut request = Request::new(text("method").unwrap_or_else(|| "GET".to_owned()), url);
    if let Some(name) = text("query") {
        request.query.push(ostler_sdk::http::Field { name, value: vec![Request::slot(slot)] });
    }
    if let Some(name) = text("header") {
        request = request.header_parts(name, vec!["Token ".into(), Request::slot(slot)]);
    }
    if text("basic").is_some() {
        request = request.basic("anna", slot);
    }
    if text("basic-user").is_some() {
        request.basic = Some((ostler_sdk::types::Value::slot(slot), ostler_sdk::types::Value::text("x")));
    }
    if text("json").is_some() {
        let parts = ["{\"password\":\"".into(), Request::slot(slot).json(), "\"}".into()];
        request = request.json_template(&parts);
    }
    request.send()
}

fn described(response: &Response) -> String {
    let projected: Vec<String> = response
        .projected()
        .iter()
        .map(|projected| format!("{}={}", projected.path, projected.nodes))
        .collect();
    let slots: Vec<String> =
        response.slots().iter().map(|slot| format!("{}:{}", slot.name, slot.field)).collect();
    let mut body = Vec::new();
    let body = loop {
        match response.read(1000) {
            Ok(bytes) if bytes.is_empty() => {
                break format!("{} bytes {}", body.len(), String::from_utf8_lossy(&body));
            }
            Ok(bytes) => body.extend(bytes),
            Err(error) => break error.reason().to_owned(),
        }
    };
    format!(
        "{} {} {:?} {projected:?} {slots:?} {body}",
        response.status(),
        response.url(),
        response.headers()
    )
}
