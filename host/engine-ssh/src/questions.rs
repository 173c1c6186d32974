//! Keyboard-interactive log-in (RFC 4256): the server asks, round by round.
//!
//! The password in the slot answers one question: the first with a hidden answer that does not ask for a one-time code.
//! Every other question, and the same one asked again, goes to the person: a password is not tried twice.

use ostler_core::{
    Field, FieldKind, Form, FormAnswer, FormAnswers, SecretBytes, SecretField, SessionError, SlotName,
};
use russh::client::{Handle, KeyboardInteractiveAuthResponse as Reply, Prompt};

use crate::handshake::Client;
use crate::login::{Answer, Login};
use crate::text;

/// In whose name this crate asks a person.
pub(crate) const ASKER: &str = "ostler";

/// Answers the server's questions until it is content or not.
pub(crate) async fn answer(
    login: Login<'_>,
    handle: &mut Handle<Client>,
    user: &str,
    slot: Option<&SlotName>,
) -> Result<Answer, SessionError> {
    let mut slot = slot;
    let mut reply = login.checked(handle.authenticate_keyboard_interactive_start(user, None).await).await?;
    loop {
        let (name, instructions, prompts) = match reply {
            Reply::Success => return Ok(Answer::Content),
            Reply::Failure { remaining_methods, .. } => return Ok(Answer::GoOn(remaining_methods)),
            Reply::InfoRequest { name, instructions, prompts } => (name, instructions, prompts),
        };
        let mut answers = vec![None; prompts.len()];
        if let Some(place) = prompts.iter().position(asks_for_password)
            && let Some(slot) = slot.take()
            && let Some(answer) = answers.get_mut(place)
        {
            *answer = Some(login.text(slot, SecretField::Password)?);
        }
        if answers.contains(&None) {
            let form = form(login, &name, &instructions, &prompts, &answers);
            let given = login.deadline.off_the_clock(login.context.prompter.ask(ASKER, &form)).await?;
            fill(&mut answers, given);
        }
        // russh does not wipe these.
        let answers = answers.into_iter().map(Option::unwrap_or_default).collect();
        reply = login.checked(handle.authenticate_keyboard_interactive_respond(answers).await).await?;
    }
}

/// Tells whether a question wants the password: its answer is hidden, and it does not ask for a one-time code.
fn asks_for_password(prompt: &Prompt) -> bool {
    const CODES: [&str; 8] =
        ["one-time", "one time", "otp", "passcode", "verification", "authenticator", "token", "2fa"];
    let words = prompt.prompt.to_lowercase();
    !prompt.echo && !CODES.iter().any(|code| words.contains(code))
}

/// Returns the form with the questions that have no answer yet; a field's id is the question's place.
fn form(
    login: Login<'_>,
    name: &str,
    instructions: &str,
    prompts: &[Prompt],
    answers: &[Option<String>],
) -> Form {
    let open = prompts.iter().zip(answers).enumerate().filter(|(_, (_, answer))| answer.is_none());
    let fields = open.map(|(place, (prompt, _))| Field {
        id: format!("answer-{place}"),
        label: text::one_line(&prompt.prompt),
        kind: if prompt.echo { FieldKind::Text { default: None } } else { FieldKind::Password },
        // An empty answer is an answer.
        required: false,
    });
    let name = text::one_line(name);
    let title = format!("{} asks", login.plan.target);
    Form {
        title: if name.is_empty() { title } else { format!("{title}: {name}") },
        message: text::lines(instructions),
        fields: fields.collect(),
    }
}

fn fill(answers: &mut [Option<String>], given: FormAnswers) {
    for (id, answer) in given {
        let place = id.strip_prefix("answer-").and_then(|place| place.parse::<usize>().ok());
        let Some(slot) = place.and_then(|place| answers.get_mut(place)) else { continue };
        *slot = match answer {
            FormAnswer::Text(text) => Some(text),
            FormAnswer::Secret { bytes, .. } => SecretBytes::expose_text(&bytes).map(str::to_owned),
            FormAnswer::Flag(_) => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_answers_hidden_questions_that_ask_for_no_code() {
        let prompt = |words: &str, echo| Prompt { prompt: words.to_owned(), echo };
        assert!(asks_for_password(&prompt("Password: ", false)));
        assert!(asks_for_password(&prompt("(root@box) Kennwort: ", false)));
        assert!(!asks_for_password(&prompt("Password: ", true)));
        assert!(!asks_for_password(&prompt("Verification code: ", false)));
        assert!(!asks_for_password(&prompt("One-time password (OATH) for `root': ", false)));
    }
}
