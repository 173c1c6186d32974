//! Declarative forms: what a plugin or the host asks a person, without a pixel in it.
//!
//! A form never carries a default for a password, and an answer to a password field is a slot, not text.

use serde::{Deserialize, Serialize};

use crate::SlotName;

/// A question to a person, of one or more fields.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Form {
    /// One line that names the matter.
    pub title: String,
    /// What the person needs to know to answer; may be empty.
    pub message: String,
    /// The fields, in order.
    pub fields: Vec<Field>,
}

/// One field of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The key of the answer, unique in the form.
    pub id: String,
    /// What the person reads beside it.
    pub label: String,
    /// What may be entered.
    pub kind: FieldKind,
    /// Whether it must be answered.
    pub required: bool,
}

/// What a field takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldKind {
    /// One line of text.
    Text {
        /// What stands there at first.
        default: Option<String>,
    },
    /// A password; the answer is a slot.
    Password,
    /// One of several texts.
    Choice {
        /// The texts, at least one.
        options: Vec<String>,
    },
    /// Yes or no.
    Confirm {
        /// What stands there at first.
        default: bool,
    },
}

/// The answers to a form, by field id, in the form's order. Optional fields left empty are absent.
pub type FormAnswers = Vec<(String, FormAnswer)>;

/// The answer to one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormAnswer {
    /// Text, or the chosen option.
    Text(String),
    /// Yes or no.
    Flag(bool),
    /// A password, kept by the host: whoever passes answers on to a plugin passes the name only.
    Secret {
        /// The name that a plan may use.
        slot: SlotName,
        /// The bytes, which stay in the host.
        bytes: crate::SecretBytes,
    },
}
