//! Asking the person, with a declarative form (capability `prompt`).
//!
//! A form has at most 16 fields and a call may show eight forms. The answer to a password field is a slot: the plugin
//! names it in a plan and never reads it. In a native build the person is never there: `headless`.
//!
//! ```
//! use ostler_sdk::prompt::{Field, Form, PromptError, ask};
//!
//! let form = Form::new("Which site?")
//!     .message("The file names several.")
//!     .field(Field::choice("site", "Site", ["Rome", "Oslo"]))
//!     .field(Field::text("comment", "Comment").optional());
//! match ask(&form) {
//!     Ok(answers) => assert!(answers.text("site").is_some()),
//!     Err(PromptError::Headless) => {} // take a default, or say what is missing
//!     Err(_) => {}
//! }
//! ```

use crate::types::SlotName;

pub use crate::bindings::capabilities::ostler::prompt::prompt::{
    Answer, AnswerValue, Field, FieldKind, Form, PromptError,
};

/// The answers to a form. A field that was left empty has none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answers(pub Vec<Answer>);

/// Shows a form under the plugin's name and waits for the answers. The wait is not charged to the plugin.
///
/// # Errors
/// `declined` if the person said no, `headless` if nobody is there, `refused` without the grant or with a form that is
/// out of bounds.
pub fn ask(form: &Form) -> Result<Answers, PromptError> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::capabilities::ostler::prompt::prompt::ask(form).map(Answers);
    #[cfg(not(target_family = "wasm"))]
    return no_host(form);
}

#[cfg(not(target_family = "wasm"))]
fn no_host(_: &Form) -> Result<Answers, PromptError> {
    Err(PromptError::Headless)
}

impl Form {
    /// Makes a form without fields.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), message: String::new(), fields: Vec::new() }
    }

    /// Sets what the person needs to know to answer.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Adds a field.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }
}

impl Field {
    /// Asks for one line of text.
    pub fn text(id: impl Into<String>, label: impl Into<String>) -> Self {
        Self::new(id, label, FieldKind::Text(None))
    }

    /// Asks for a password; the answer is a slot.
    pub fn password(id: impl Into<String>, label: impl Into<String>) -> Self {
        Self::new(id, label, FieldKind::Password)
    }

    /// Asks for one of several texts.
    pub fn choice<T: Into<String>>(
        id: impl Into<String>,
        label: impl Into<String>,
        options: impl IntoIterator<Item = T>,
    ) -> Self {
        Self::new(id, label, FieldKind::Choice(options.into_iter().map(Into::into).collect()))
    }

    /// Asks yes or no.
    pub fn confirm(id: impl Into<String>, label: impl Into<String>, at_first: bool) -> Self {
        Self::new(id, label, FieldKind::Confirm(at_first))
    }

    /// Lets the person leave the field empty.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    fn new(id: impl Into<String>, label: impl Into<String>, kind: FieldKind) -> Self {
        Self { id: id.into(), label: label.into(), kind, required: true }
    }
}

impl Answers {
    /// Returns the text or choice of a field.
    #[must_use]
    pub fn text(&self, id: &str) -> Option<&str> {
        match self.value(id)? {
            AnswerValue::Text(text) => Some(text),
            AnswerValue::Flag(_) | AnswerValue::Slot(_) => None,
        }
    }

    /// Returns the yes or no of a field.
    #[must_use]
    pub fn flag(&self, id: &str) -> Option<bool> {
        match self.value(id)? {
            AnswerValue::Flag(flag) => Some(*flag),
            AnswerValue::Text(_) | AnswerValue::Slot(_) => None,
        }
    }

    /// Returns the slot of a password field.
    #[must_use]
    pub fn slot(&self, id: &str) -> Option<&SlotName> {
        match self.value(id)? {
            AnswerValue::Slot(slot) => Some(slot),
            AnswerValue::Text(_) | AnswerValue::Flag(_) => None,
        }
    }

    fn value(&self, id: &str) -> Option<&AnswerValue> {
        self.0.iter().find(|answer| answer.id == id).map(|answer| &answer.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_found_by_field_and_type() {
        let answer = |id: &str, value| Answer { id: id.to_owned(), value };
        let answers = Answers(vec![
            answer("site", AnswerValue::Text("Rome".to_owned())),
            answer("sure", AnswerValue::Flag(true)),
            answer("pin", AnswerValue::Slot("prompt.pin".to_owned())),
        ]);
        assert_eq!(answers.text("site"), Some("Rome"));
        assert_eq!(answers.flag("sure"), Some(true));
        assert_eq!(answers.slot("pin").map(String::as_str), Some("prompt.pin"));
        assert_eq!(answers.text("pin"), None);
        assert_eq!(answers.text("missing"), None);
    }
}
