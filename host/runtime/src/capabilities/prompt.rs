//! Capability `prompt`: asking the person with a declarative form.
//!
//! A form has at most 16 fields of bounded text, cleaned before it is shown, and a call shows a bounded number of forms.
//! The answer to a password field stays here, under the slot `prompt.<field id>`: the plugin gets that name. The wait
//! for the person is not charged to the plugin. Never shows a form that was not checked.

use std::sync::Arc;

use ostler_core::{
    Field, FieldKind, Form, FormAnswer, FormAnswers, PromptError, Prompter, SecretBytes, SlotName,
};
use ostler_plugin_api::Capability;
use wasmtime::component::{HasData, Linker};

use super::ostler::prompt::prompt as wit;
use super::ostler::types::types::CapabilityError;
use super::{CallChain, Gate, HostCapability, Setup};
use crate::instance::{State, Waits};
use crate::text;

/// Fields of a form, as the WIT document says.
const MOST_FIELDS: usize = 16;
/// Bytes of each text of a form, as the WIT document says.
const LONGEST_TEXT: usize = 4096;
/// Bytes of a field's id, as the WIT document says: with `prompt.` before it, it is a slot name.
const LONGEST_ID: usize = 48;
/// Texts of a choice: more can't be looked over.
const MOST_CHOICES: usize = 100;

/// The capability of one plugin.
pub(crate) struct Prompt {
    gate: Gate,
    plugin: Arc<str>,
    port: Arc<dyn Prompter>,
    most_forms: u32,
}

/// The forms of one call.
pub(crate) struct Instance {
    own: Arc<Prompt>,
    waits: Arc<Waits>,
    shown: u32,
    prompted: Vec<(SlotName, SecretBytes)>,
}

impl Instance {
    /// Returns the slots of the passwords that the person entered in this call.
    pub(crate) fn prompted_slots(&self) -> impl Iterator<Item = &SlotName> {
        self.prompted.iter().map(|(slot, _)| slot)
    }

    /// Returns the password that the person entered into a slot in this call.
    pub(crate) fn prompted(&self, slot: &SlotName) -> Option<&SecretBytes> {
        self.prompted.iter().find(|(prompted, _)| prompted == slot).map(|(_, bytes)| bytes)
    }

    /// Hands over the passwords that the person entered in this call.
    pub(crate) fn take_prompted(&mut self) -> Vec<(SlotName, SecretBytes)> {
        std::mem::take(&mut self.prompted)
    }
}

impl HostCapability for Prompt {
    const CAPABILITY: Capability = Capability::Prompt;
    type Instance = Instance;

    fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wit::add_to_linker::<State, Access>(linker, |state| &mut state.capabilities.prompt)
    }

    fn configure(setup: &Setup<'_>) -> Self {
        Self {
            gate: Gate::new(Self::CAPABILITY, setup),
            plugin: Arc::clone(setup.plugin),
            port: Arc::clone(&setup.ports.prompter),
            most_forms: setup.limits.forms,
        }
    }

    fn build(self: &Arc<Self>, chain: &CallChain<'_>) -> Instance {
        Instance { own: Arc::clone(self), waits: Arc::clone(chain.waits), shown: 0, prompted: Vec::new() }
    }
}

struct Access;

impl HasData for Access {
    type Data<'a> = &'a mut Instance;
}

impl wit::Host for Instance {
    async fn ask(&mut self, form: wit::Form) -> Result<Vec<wit::Answer>, wit::PromptError> {
        let own = Arc::clone(&self.own);
        own.gate.pass().map_err(wit::PromptError::Refused)?;
        if self.shown == own.most_forms {
            let reason = format!("a call shows at most {} forms", own.most_forms);
            return Err(wit::PromptError::Refused(CapabilityError::Limit(reason)));
        }
        let form = form_from_wit(form)
            .map_err(|reason| wit::PromptError::Refused(CapabilityError::Invalid(reason.to_owned())))?;
        self.shown += 1;
        let waiting = self.waits.begin();
        let answered = own.port.ask(&own.plugin, &form).await;
        drop(waiting);
        match answered {
            Ok(answers) => Ok(self.keep_secrets(&form, answers)),
            Err(PromptError::Declined) => Err(wit::PromptError::Declined),
            Err(PromptError::Headless) => Err(wit::PromptError::Headless),
        }
    }
}

impl Instance {
    /// Turns answers into what the guest may see. Whatever a front end returns for a password field is a secret.
    fn keep_secrets(&mut self, form: &Form, answers: FormAnswers) -> Vec<wit::Answer> {
        let mut shown = Vec::with_capacity(answers.len());
        for (id, answer) in answers {
            let Some(field) = form.fields.iter().find(|field| field.id == id) else { continue };
            let value = match answer {
                FormAnswer::Secret { bytes, .. } => self.keep(&id, bytes),
                FormAnswer::Text(text) if field.kind == FieldKind::Password => self.keep(&id, text.into()),
                FormAnswer::Text(text) => Some(wit::AnswerValue::Text(text)),
                FormAnswer::Flag(flag) => Some(wit::AnswerValue::Flag(flag)),
            };
            shown.extend(value.map(|value| wit::Answer { id, value }));
        }
        shown
    }

    fn keep(&mut self, id: &str, bytes: SecretBytes) -> Option<wit::AnswerValue> {
        // The id was checked with the form, so that this is a slot name.
        let slot = SlotName::new(&format!("prompt.{id}")).ok()?;
        self.prompted.retain(|(other, _)| *other != slot);
        self.prompted.push((slot.clone(), bytes));
        Some(wit::AnswerValue::Slot(slot.to_string()))
    }
}

fn form_from_wit(form: wit::Form) -> Result<Form, &'static str> {
    if form.fields.is_empty() || form.fields.len() > MOST_FIELDS {
        return Err("a form has 1 to 16 fields");
    }
    let mut fields: Vec<Field> = Vec::with_capacity(form.fields.len());
    for field in form.fields {
        check_id(&field.id)?;
        if fields.iter().any(|earlier| earlier.id == field.id) {
            return Err("a field's id is unique in its form");
        }
        let kind = kind_from_wit(field.kind)?;
        fields.push(Field { id: field.id, label: line(&field.label)?, kind, required: field.required });
    }
    check_length(&form.message)?;
    let message = text::paragraph(&form.message, LONGEST_TEXT).into_owned();
    Ok(Form { title: line(&form.title)?, message, fields })
}

fn kind_from_wit(kind: wit::FieldKind) -> Result<FieldKind, &'static str> {
    Ok(match kind {
        wit::FieldKind::Text(default) => {
            FieldKind::Text { default: default.map(|text| line(&text)).transpose()? }
        }
        wit::FieldKind::Password => FieldKind::Password,
        wit::FieldKind::Choice(options) if options.is_empty() || options.len() > MOST_CHOICES => {
            return Err("a choice has 1 to 100 texts");
        }
        wit::FieldKind::Choice(options) => FieldKind::Choice {
            options: options.iter().map(|option| line(option)).collect::<Result<_, _>>()?,
        },
        wit::FieldKind::Confirm(default) => FieldKind::Confirm { default },
    })
}

fn check_id(id: &str) -> Result<(), &'static str> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (1..=LONGEST_ID).contains(&id.len()) && id.chars().all(fits) {
        Ok(())
    } else {
        Err("a field's id has 1 to 48 of a-z, 0-9 and '-'")
    }
}

fn check_length(text: &str) -> Result<(), &'static str> {
    if text.len() > LONGEST_TEXT { Err("a text of a form has at most 4 KiB") } else { Ok(()) }
}

/// Returns one line, cleaned for showing.
fn line(text: &str) -> Result<String, &'static str> {
    check_length(text)?;
    Ok(text::line(text, LONGEST_TEXT).into_owned())
}
