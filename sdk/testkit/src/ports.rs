//! Scripted capabilities: settings, storage and a person that answers, out of a case's folder. What is not scripted is not there.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ostler_core::{
    BoxFuture, Clock, CodeAuthenticator, FieldKind, Form, FormAnswer, FormAnswers, NoHost, PluginSettings,
    PluginStorage, PortError, PromptError, Prompter, SecretBytes, Settings, SlotName, Timestamp,
};
use ostler_runtime::Ports;
use serde_json::{Map, Value};

use crate::case::{Case, KitError};

/// The time of every test: the beginning of 2026.
const NOW: Timestamp = Timestamp(1_767_225_600_000_000);

/// What a plugin's capabilities answer with, from case to case.
#[derive(Default)]
pub(crate) struct Script(Mutex<Scripted>);

/// The script of one run.
#[derive(Default)]
struct Scripted {
    settings: Settings,
    storage: BTreeMap<String, Vec<u8>>,
    /// What the person answers to one form after the other; beyond them nobody is there.
    prompts: VecDeque<Value>,
}

impl Script {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Begins a run of a case.
    pub(crate) fn begin(&self, case: &Case) -> Result<(), KitError> {
        let storage: Option<BTreeMap<String, String>> = case.further("storage.json")?;
        let stored = storage.unwrap_or_default().into_iter().map(|(key, value)| (key, value.into_bytes()));
        *self.now() = Scripted {
            settings: case.further("settings.json")?.unwrap_or_default(),
            storage: stored.collect(),
            prompts: case.further("prompts.json")?.unwrap_or_default(),
        };
        Ok(())
    }

    pub(crate) fn ports(self: &Arc<Self>) -> Ports {
        Ports {
            storage: self.clone(),
            settings: self.clone(),
            prompter: self.clone(),
            code: self.clone(),
            clock: self.clone(),
            secret_uses: Arc::new(NoHost),
            resolver: Arc::new(NoHost),
            way_out: Arc::default(),
            zone: Arc::new(NoHost),
            machine_uses: Arc::new(NoHost),
            connections: Arc::new(NoHost),
            recordings: Arc::new(NoHost),
            secrets: Arc::new(NoHost),
            events: Arc::new(NoHost),
        }
    }

    fn now(&self) -> MutexGuard<'_, Scripted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PluginStorage for Script {
    fn get(&self, _: &str, key: &str) -> Result<Option<Vec<u8>>, PortError> {
        Ok(self.now().storage.get(key).cloned())
    }
    fn set(&self, _: &str, key: &str, value: Option<&[u8]>) -> Result<(), PortError> {
        match value {
            Some(value) => self.now().storage.insert(key.to_owned(), value.to_vec()),
            None => self.now().storage.remove(key),
        };
        Ok(())
    }
    fn keys(&self, _: &str) -> Result<Vec<(String, u64)>, PortError> {
        Ok(self.now().storage.iter().map(|(key, value)| (key.clone(), value.len() as u64)).collect())
    }
}

impl PluginSettings for Script {
    fn settings(&self, _: &str) -> Settings {
        self.now().settings.clone()
    }
}

impl Prompter for Script {
    fn ask<'a>(&'a self, _: &'a str, form: &'a Form) -> BoxFuture<'a, Result<FormAnswers, PromptError>> {
        let answer = self.now().prompts.pop_front();
        Box::pin(std::future::ready(match answer {
            None => Err(PromptError::Headless),
            Some(Value::Object(answers)) => Ok(answered(form, &answers)),
            // Anything else, such as null: the person says no.
            Some(_) => Err(PromptError::Declined),
        }))
    }
}

/// Answers the fields that the script names.
fn answered(form: &Form, answers: &Map<String, Value>) -> FormAnswers {
    let answer = |field: &ostler_core::Field| {
        let value = answers.get(&field.id)?;
        let answer = match (&field.kind, value) {
            (FieldKind::Confirm { .. }, Value::Bool(flag)) => FormAnswer::Flag(*flag),
            (FieldKind::Password, Value::String(text)) => FormAnswer::Secret {
                slot: SlotName::new(&format!("prompt.{}", field.id)).ok()?,
                bytes: SecretBytes::from(text.clone()),
            },
            (_, Value::String(text)) => FormAnswer::Text(text.clone()),
            _ => return None,
        };
        Some((field.id.clone(), answer))
    };
    form.fields.iter().filter_map(answer).collect()
}

/// No compiled code is kept, so a tag only has to be one.
impl CodeAuthenticator for Script {
    fn tag(&self, _: &[&[u8]]) -> [u8; 32] {
        [0; 32]
    }
    fn verify(&self, _: &[&[u8]], _: &[u8; 32]) -> bool {
        false
    }
}

impl Clock for Script {
    fn now(&self) -> Timestamp {
        NOW
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}
