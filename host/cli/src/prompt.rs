//! Questions to the person at the terminal: forms, confirmations, passphrases. They go to `/dev/tty`, so that a pipe on
//! standard input or output does not get in the way; where there is no terminal, nobody is asked.

use std::fs::File;
use std::io::{self, Read as _, Write as _};

use ostler_app::core::{
    BoxFuture, Field, FieldKind, Form, FormAnswer, FormAnswers, PromptError, Prompter, SecretBytes, SlotName,
};
use zeroize::Zeroizing;

use crate::output::{escape, escape_lines};
use crate::terminal;

/// A terminal gives at most this many bytes of a line (`MAX_CANON` of Linux).
const LONGEST_LINE: usize = 4096;

/// How often an answer that does not fit is asked for again.
const TRIES: u32 = 3;

/// The asker where it is the host itself and not a plugin.
const HOST: &str = "ostler";

/// Asks at the terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asker {
    /// Never ask, whatever there is.
    pub(crate) batch: bool,
}

impl Asker {
    fn terminal(self) -> Result<File, PromptError> {
        if self.batch {
            return Err(PromptError::Headless);
        }
        File::options().read(true).write(true).open("/dev/tty").map_err(|_| PromptError::Headless)
    }

    /// Asks for a line that is not shown.
    ///
    /// # Errors
    /// Fails where nobody is there or nothing is entered.
    pub(crate) fn hidden(self, question: &str) -> Result<SecretBytes, PromptError> {
        let mut terminal = self.terminal()?;
        hidden_line(&mut terminal, question)
    }

    /// Asks for a word that confirms what can't be undone.
    ///
    /// # Errors
    /// Fails where nobody is there.
    pub(crate) fn confirm(self, question: &str, word: &str) -> Result<bool, PromptError> {
        let mut terminal = self.terminal()?;
        let answer = shown_line(&mut terminal, &format!("{question}\nType '{word}' to go on: "))?;
        Ok(answer.trim() == word)
    }

    fn form(self, asker: &str, form: &Form) -> Result<FormAnswers, PromptError> {
        let mut terminal = self.terminal()?;
        let mut head = String::new();
        if asker != HOST {
            head.push_str(&format!("The plugin {} asks:\n", escape(asker)));
        }
        for text in [&form.title, &form.message] {
            if !text.is_empty() {
                head.push_str(&escape_lines(text));
                head.push('\n');
            }
        }
        write(&mut terminal, &head)?;
        let mut answers = FormAnswers::new();
        for field in &form.fields {
            if let Some(answer) = ask_field(&mut terminal, field)? {
                answers.push((field.id.clone(), answer));
            }
        }
        Ok(answers)
    }
}

impl Prompter for Asker {
    fn ask<'a>(&'a self, asker: &'a str, form: &'a Form) -> BoxFuture<'a, Result<FormAnswers, PromptError>> {
        let (own, asker, form) = (*self, asker.to_owned(), form.clone());
        Box::pin(async move {
            let asked = tokio::task::spawn_blocking(move || own.form(&asker, &form));
            asked.await.unwrap_or(Err(PromptError::Declined))
        })
    }
}

/// Asks until the answer fits, some times. None is an optional field left empty.
fn ask_field(terminal: &mut File, field: &Field) -> Result<Option<FormAnswer>, PromptError> {
    for _ in 0..TRIES {
        let answer = match &field.kind {
            FieldKind::Password => secret_answer(terminal, field)?,
            _ => {
                let line = shown_line(terminal, &question(field))?;
                match understand(field, line.trim()) {
                    Ok(answer) => answer,
                    Err(complaint) => {
                        write(terminal, &format!("{complaint}\n"))?;
                        continue;
                    }
                }
            }
        };
        if answer.is_some() || !field.required {
            return Ok(answer);
        }
        write(terminal, "An answer is needed.\n")?;
    }
    Err(PromptError::Declined)
}

fn secret_answer(terminal: &mut File, field: &Field) -> Result<Option<FormAnswer>, PromptError> {
    let bytes = hidden_line(terminal, &question(field))?;
    if bytes.expose().is_empty() {
        return Ok(None);
    }
    match SlotName::new(&format!("prompt.{}", field.id)) {
        Ok(slot) => Ok(Some(FormAnswer::Secret { slot, bytes })),
        Err(error) => {
            tracing::warn!(%error, "a form has a password field whose id is no slot name");
            Err(PromptError::Declined)
        }
    }
}

/// Words the question for one field.
fn question(field: &Field) -> String {
    let label = escape(&field.label);
    let label = label.trim_end().trim_end_matches(':');
    match &field.kind {
        FieldKind::Text { default: Some(default) } => format!("{label} [{}]: ", escape(default)),
        FieldKind::Text { default: None } | FieldKind::Password => format!("{label}: "),
        FieldKind::Confirm { default } => format!("{label} [{}]: ", if *default { "Y/n" } else { "y/N" }),
        FieldKind::Choice { options } => {
            let listed: String = options
                .iter()
                .zip(1..)
                .map(|(option, number)| format!("  {number}) {}\n", escape(option)))
                .collect();
            format!("{listed}{label} [1-{}]: ", options.len())
        }
    }
}

/// Takes what was typed as the answer to a field, or says what is wrong with it.
fn understand(field: &Field, line: &str) -> Result<Option<FormAnswer>, String> {
    match &field.kind {
        FieldKind::Text { default } => {
            let text = if line.is_empty() { default.clone().unwrap_or_default() } else { line.to_owned() };
            Ok((!text.is_empty()).then_some(FormAnswer::Text(text)))
        }
        FieldKind::Confirm { default } => match line.to_lowercase().as_str() {
            "" => Ok(Some(FormAnswer::Flag(*default))),
            "y" | "yes" => Ok(Some(FormAnswer::Flag(true))),
            "n" | "no" => Ok(Some(FormAnswer::Flag(false))),
            _ => Err("Please answer y or n.".to_owned()),
        },
        FieldKind::Choice { .. } if line.is_empty() => Ok(None),
        FieldKind::Choice { options } => {
            let by_number = line.parse::<usize>().ok().and_then(|number| options.get(number.checked_sub(1)?));
            let chosen =
                by_number.or_else(|| options.iter().find(|option| option.eq_ignore_ascii_case(line)));
            match chosen {
                Some(option) => Ok(Some(FormAnswer::Text(option.clone()))),
                None => Err(format!("Please answer with a number from 1 to {}.", options.len())),
            }
        }
        FieldKind::Password => Ok(None),
    }
}

fn shown_line(terminal: &mut File, question: &str) -> Result<String, PromptError> {
    let _modes = terminal::lines(&*terminal, true).map_err(|_| PromptError::Headless)?;
    write(terminal, question)?;
    let line = read_line(terminal)?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn hidden_line(terminal: &mut File, question: &str) -> Result<SecretBytes, PromptError> {
    let _modes = terminal::lines(&*terminal, false).map_err(|_| PromptError::Headless)?;
    write(terminal, question)?;
    Ok(SecretBytes::new(read_line(terminal)?.to_vec()))
}

/// Reads one line without its newline. No bytes at all mean that the person ended the input: declined.
fn read_line(terminal: &mut File) -> Result<Zeroizing<Vec<u8>>, PromptError> {
    let mut buffer = Zeroizing::new(vec![0_u8; LONGEST_LINE]);
    let count = loop {
        match terminal.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) | Ok(0) => return Err(PromptError::Declined),
            Ok(count) => break count,
        }
    };
    buffer.truncate(count);
    while buffer.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        buffer.pop();
    }
    Ok(buffer)
}

fn write(terminal: &mut File, text: &str) -> Result<(), PromptError> {
    terminal.write_all(text.as_bytes()).map_err(|_| PromptError::Headless)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(kind: FieldKind) -> Field {
        Field { id: "f".to_owned(), label: "Go on:".to_owned(), kind, required: true }
    }

    #[test]
    fn a_choice_is_answered_by_number_or_by_word() {
        let choice = field(FieldKind::Choice { options: vec!["refuse".to_owned(), "remember".to_owned()] });
        let remember = Ok(Some(FormAnswer::Text("remember".to_owned())));
        assert_eq!(understand(&choice, "2"), remember);
        assert_eq!(understand(&choice, "Remember"), remember);
        assert!(understand(&choice, "3").is_err());
        assert!(understand(&choice, "0").is_err());
        assert_eq!(question(&choice), "  1) refuse\n  2) remember\nGo on [1-2]: ");
    }

    #[test]
    fn an_empty_line_takes_the_default() {
        let text = field(FieldKind::Text { default: Some("root".to_owned()) });
        assert_eq!(understand(&text, ""), Ok(Some(FormAnswer::Text("root".to_owned()))));
        assert_eq!(
            understand(&field(FieldKind::Confirm { default: false }), ""),
            Ok(Some(FormAnswer::Flag(false)))
        );
        assert_eq!(understand(&field(FieldKind::Text { default: None }), ""), Ok(None));
    }

    #[test]
    fn a_label_can_not_smuggle_control_sequences_into_the_terminal() {
        let mut evil = field(FieldKind::Password);
        evil.label = "Password\u{1b}[2J".to_owned();
        assert!(!question(&evil).contains('\u{1b}'));
    }
}
