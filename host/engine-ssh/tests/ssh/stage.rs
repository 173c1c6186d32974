//! The stage of every test: a server, a credential, a person, and a plan. Only this file knows how they are put
//! together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ostler_core::{
    BoxFuture, Endpoint, Exit, Form, FormAnswer, FormAnswers, HostKey, HostKeyDecision, HostKeyVerifier,
    InjectError, OpenedSession, OutputStream, PlanValue, PromptError, Prompter, SecretBytes, SecretField,
    SecretInjector, SessionContext, SessionEnd, SessionEngine as _, SessionError, SessionEvent, SessionInput,
    SessionPlan, Sink, SlotName, SshAuth, SshPlan, SshRun, TerminalSize,
};
use ostler_engine_ssh::SshEngine;
use ostler_fakes::ssh::{FakeSshOptions, FakeSshServer, FakeUser, Misbehavior};

pub(crate) const USER: &str = "anna";
pub(crate) const PASSWORD: &str = "open sesame";
pub(crate) const TERMINAL: TerminalSize = TerminalSize { columns: 100, rows: 30 };

pub(crate) fn slot(name: &str) -> SlotName {
    SlotName::new(name).unwrap()
}

pub(crate) fn serve(options: FakeSshOptions) -> FakeSshServer {
    FakeSshServer::start(options).unwrap()
}

/// A server that knows the user with the password.
pub(crate) fn ordinary_server() -> FakeSshServer {
    misbehaving_server(Misbehavior::None)
}

pub(crate) fn misbehaving_server(misbehavior: Misbehavior) -> FakeSshServer {
    let users = vec![FakeUser::with_password(USER, PASSWORD)];
    serve(FakeSshOptions { users, misbehavior, ..FakeSshOptions::default() })
}

/// Secrets with the one sink that each may go to, as the real injector has them.
#[derive(Default)]
pub(crate) struct Safe {
    pub(crate) secrets: BTreeMap<SlotName, (Sink, SecretBytes)>,
    pub(crate) asked: Mutex<Vec<(SlotName, Sink)>>,
}

impl SecretInjector for Safe {
    fn inject(&self, slot: &SlotName, sink: &Sink) -> Result<SecretBytes, InjectError> {
        self.asked.lock().unwrap().push((slot.clone(), sink.clone()));
        let Some((allowed, secret)) = self.secrets.get(slot) else {
            return Err(InjectError::NoSuchSlot { slot: slot.clone() });
        };
        if !allowed.same_place(sink) {
            return Err(InjectError::WrongSink { slot: slot.clone(), sink: sink.clone() });
        }
        Ok(secret.clone())
    }
}

/// A person who knows one host key and has some answers ready, in order.
pub(crate) struct Person {
    pub(crate) host_key: Option<String>,
    pub(crate) algorithms: Vec<String>,
    pub(crate) answers: Mutex<Vec<&'static str>>,
    pub(crate) forms: Mutex<Vec<Form>>,
    pub(crate) keys: Mutex<Vec<HostKey>>,
}

impl HostKeyVerifier for Person {
    fn verify<'a>(&'a self, _: &'a Endpoint, key: &'a HostKey) -> BoxFuture<'a, HostKeyDecision> {
        self.keys.lock().unwrap().push(key.clone());
        let decision = match &self.host_key {
            Some(known) if *known == key.openssh => HostKeyDecision::Accept,
            Some(_) => HostKeyDecision::Reject { reason: "it is another key".to_owned(), changed: true },
            None => HostKeyDecision::Reject { reason: "nobody knows it".to_owned(), changed: false },
        };
        Box::pin(async move { decision })
    }

    fn known_algorithms(&self, _: &Endpoint) -> Vec<String> {
        self.algorithms.clone()
    }
}

impl Prompter for Person {
    fn ask<'a>(&'a self, _: &'a str, form: &'a Form) -> BoxFuture<'a, Result<FormAnswers, PromptError>> {
        self.forms.lock().unwrap().push(form.clone());
        let mut ready = self.answers.lock().unwrap();
        if ready.is_empty() {
            return Box::pin(async { Err(PromptError::Headless) });
        }
        let answers = form.fields.iter().map(|field| {
            let answer = ready.remove(0).to_owned();
            let answer = match field.kind {
                ostler_core::FieldKind::Password => FormAnswer::Secret {
                    slot: slot(&format!("prompt.{}", field.id)),
                    bytes: SecretBytes::from(answer),
                },
                _ => FormAnswer::Text(answer),
            };
            (field.id.clone(), answer)
        });
        let answers: FormAnswers = answers.collect();
        Box::pin(async move { Ok(answers) })
    }
}

/// One launch.
pub(crate) struct Stage {
    pub(crate) plan: SshPlan,
    pub(crate) safe: Safe,
    pub(crate) person: Person,
}

impl Stage {
    /// A launch of `echo` at a server whose key is known, without any way to log in yet.
    pub(crate) fn at(server: &FakeSshServer) -> Self {
        Self::at_endpoint(server.host(), server.port(), Some(server.host_key_openssh().to_owned()))
    }

    pub(crate) fn at_endpoint(host: String, port: u16, host_key: Option<String>) -> Self {
        let plan = SshPlan {
            target: Endpoint { host, port },
            user: PlanValue::Text(USER.to_owned()),
            auth: Vec::new(),
            run: SshRun::Command("echo hello".to_owned()),
            terminal: false,
            environment: Vec::new(),
            connect_timeout_seconds: 30,
            keepalive_seconds: 0,
        };
        let person = Person {
            host_key,
            algorithms: Vec::new(),
            answers: Mutex::default(),
            forms: Mutex::default(),
            keys: Mutex::default(),
        };
        Self { plan, safe: Safe::default(), person }
    }

    /// A launch with the user's password.
    pub(crate) fn with_password(server: &FakeSshServer) -> Self {
        Self::at(server).secret("login.password", SecretField::Password, PASSWORD).by_password()
    }

    pub(crate) fn by_password(self) -> Self {
        self.auth(SshAuth::Password(slot("login.password")))
    }

    pub(crate) fn by_questions(self, password: Option<&str>) -> Self {
        self.auth(SshAuth::KeyboardInteractive(password.map(slot)))
    }

    pub(crate) fn by_key(self, passphrase: Option<&str>) -> Self {
        self.auth(SshAuth::PrivateKey { key: slot("login.key"), passphrase: passphrase.map(slot) })
    }

    pub(crate) fn auth(mut self, auth: SshAuth) -> Self {
        self.plan.auth.push(auth);
        self
    }

    /// Puts a secret into the safe, for this place at the plan's target.
    pub(crate) fn secret(mut self, name: &str, field: SecretField, secret: &str) -> Self {
        let Endpoint { host, port } = self.plan.target.clone();
        let sink = Sink { protocol: "ssh".to_owned(), host, port, field };
        self.safe.secrets.insert(slot(name), (sink, SecretBytes::from(secret.to_owned())));
        self
    }

    pub(crate) fn answers(mut self, answers: &[&'static str]) -> Self {
        self.person.answers = Mutex::new(answers.to_vec());
        self
    }

    pub(crate) fn runs(mut self, command: &str) -> Self {
        self.plan.run = SshRun::Command(command.to_owned());
        self
    }

    pub(crate) fn shell(mut self) -> Self {
        self.plan.run = SshRun::Shell;
        self.terminal()
    }

    pub(crate) fn terminal(mut self) -> Self {
        self.plan.terminal = true;
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: PlanValue) -> Self {
        self.plan.environment.push((name.to_owned(), value));
        self
    }

    /// The plan and what the engine may ask.
    pub(crate) fn launch(self) -> (SessionPlan, SessionContext) {
        let (plan, context, _, _) = self.launch_with_witnesses();
        (plan, context)
    }

    fn launch_with_witnesses(self) -> (SessionPlan, SessionContext, Arc<Safe>, Arc<Person>) {
        let (safe, person) = (Arc::new(self.safe), Arc::new(self.person));
        let context = SessionContext {
            secrets: safe.clone(),
            host_keys: person.clone(),
            prompter: person.clone(),
            terminal: TERMINAL,
            terminal_type: "xterm-256color".to_owned(),
        };
        let plan = SessionPlan::Ssh(self.plan);
        plan.check().unwrap();
        (plan, context, safe, person)
    }

    /// Opens the session; returns what the safe and the person saw besides.
    pub(crate) async fn open(self) -> (Result<OpenedSession, SessionError>, Arc<Safe>, Arc<Person>) {
        let (plan, context, safe, person) = self.launch_with_witnesses();
        (SshEngine::new().open(&plan, context).await, safe, person)
    }

    pub(crate) async fn session(self) -> OpenedSession {
        self.open().await.0.unwrap_or_else(|error| panic!("the session did not open: {error}"))
    }

    pub(crate) async fn error(self) -> SessionError {
        match self.open().await.0 {
            Ok(_) => panic!("the session opened"),
            Err(error) => error,
        }
    }

    /// Opens the session and reads it to its end.
    pub(crate) async fn outcome(self) -> Outcome {
        read_to_end(self.session().await).await
    }
}

/// What a session showed.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) standard: Vec<u8>,
    pub(crate) error: Vec<u8>,
    pub(crate) end: Option<SessionEnd>,
}

impl Outcome {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.standard).unwrap()
    }

    pub(crate) fn exit(&self) -> &Exit {
        &self.end.as_ref().unwrap().exit
    }

    pub(crate) fn reason(&self) -> &ostler_core::EndReason {
        &self.end.as_ref().unwrap().reason
    }
}

pub(crate) async fn read_to_end(mut session: OpenedSession) -> Outcome {
    let mut outcome = Outcome::default();
    while outcome.end.is_none() {
        read_event(&mut session, &mut outcome).await;
    }
    outcome
}

/// Reads until the output holds the text.
pub(crate) async fn read_until(session: &mut OpenedSession, outcome: &mut Outcome, text: &str) {
    while !String::from_utf8_lossy(&outcome.standard).contains(text) {
        assert!(outcome.end.is_none(), "'{text}' did not come in {outcome:?}");
        read_event(session, outcome).await;
    }
}

async fn read_event(session: &mut OpenedSession, outcome: &mut Outcome) {
    match session.events.next().await {
        SessionEvent::Output { stream, bytes } => {
            assert!((1..=64 * 1024).contains(&bytes.len()));
            match stream {
                OutputStream::Standard => outcome.standard.extend(bytes),
                OutputStream::Error => outcome.error.extend(bytes),
            }
        }
        SessionEvent::Ended(end) => outcome.end = Some(end),
        other => panic!("an SSH session shows a terminal, not {other:?}"),
    }
}

pub(crate) async fn type_in(session: &mut OpenedSession, text: &str) {
    session.control.send(SessionInput::Bytes(text.as_bytes().to_vec())).await.unwrap();
}
