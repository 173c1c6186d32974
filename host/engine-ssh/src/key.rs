//! Private keys: OpenSSH's own form, PEM (PKCS#1, SEC 1, PKCS#8) and PuTTY's, with or without a passphrase.
//!
//! The key comes from a slot and stays in this process. Nothing that is said about a key holds a part of it.

use ostler_core::{
    Field, FieldKind, Form, FormAnswer, PromptError, SecretBytes, SecretField, SessionError, SlotName,
};
use russh::keys::{Error, PrivateKey, decode_secret_key};

use crate::login::Login;
use crate::questions::ASKER;

/// How often a person may try a passphrase.
const TRIES: usize = 3;

/// What a key file turned out to be.
enum Opened {
    Key(Box<PrivateKey>),
    /// A passphrase is needed, or another one.
    Closed,
    Bad(&'static str),
}

/// Opens the key in a slot, with the passphrase in another one or, without that, of the person.
pub(crate) async fn open(
    login: Login<'_>,
    key: &SlotName,
    passphrase: Option<&SlotName>,
) -> Result<PrivateKey, SessionError> {
    let file = login.secret(key, SecretField::PrivateKey)?;
    if !is_encrypted(&file) {
        return decode(file, None).await.key();
    }
    if let Some(slot) = passphrase {
        let passphrase = login.secret(slot, SecretField::KeyPassphrase)?;
        return decode(file, Some(passphrase)).await.key();
    }
    let mut tries = 1;
    loop {
        match decode(file.clone(), Some(ask(login).await?)).await {
            Opened::Closed if tries < TRIES => tries += 1,
            opened => return opened.key(),
        }
    }
}

impl Opened {
    fn key(self) -> Result<PrivateKey, SessionError> {
        match self {
            Self::Key(key) => Ok(*key),
            Self::Closed => Err(bad("its passphrase does not fit")),
            Self::Bad(reason) => Err(bad(reason)),
        }
    }
}

fn bad(reason: &str) -> SessionError {
    SessionError::BadKey { reason: reason.to_owned() }
}

async fn ask(login: Login<'_>) -> Result<SecretBytes, SessionError> {
    let form = Form {
        title: "Passphrase of the private key".to_owned(),
        message: format!("The private key for {} is encrypted.", login.plan.target),
        fields: vec![Field {
            id: "passphrase".to_owned(),
            label: "Passphrase".to_owned(),
            kind: FieldKind::Password,
            required: true,
        }],
    };
    let answers = login.deadline.off_the_clock(login.context.prompter.ask(ASKER, &form)).await?;
    answers
        .into_iter()
        .find_map(|(_, answer)| match answer {
            FormAnswer::Secret { bytes, .. } => Some(bytes),
            FormAnswer::Text(text) => Some(text.into()),
            FormAnswer::Flag(_) => None,
        })
        .ok_or(SessionError::Prompt(PromptError::Declined))
}

/// Decodes on a thread for long work: passphrases are stretched on purpose.
async fn decode(file: SecretBytes, passphrase: Option<SecretBytes>) -> Opened {
    let work = tokio::task::spawn_blocking(move || decode_now(&file, passphrase.as_ref()));
    work.await.unwrap_or(Opened::Bad("it can't be read"))
}

fn decode_now(file: &SecretBytes, passphrase: Option<&SecretBytes>) -> Opened {
    let Some(text) = file.expose_text() else { return Opened::Bad("it is not text") };
    let text = text.trim();
    if text.starts_with("ssh-") || text.starts_with("ecdsa-") {
        return Opened::Bad("it is a public key");
    }
    let password = match passphrase.map(SecretBytes::expose_text) {
        Some(None) => return Opened::Closed,
        Some(Some(password)) => Some(password),
        None => None,
    };
    // The library's words are left out: some of them quote the file.
    match decode_secret_key(text, password) {
        Ok(key) => Opened::Key(Box::new(key)),
        Err(Error::KeyIsEncrypted) => Opened::Closed,
        Err(_) if text.contains("BEGIN DSA PRIVATE KEY") => Opened::Bad("DSA keys are not supported"),
        Err(Error::UnsupportedKeyType { .. } | Error::UnknownAlgorithm(_)) => {
            Opened::Bad("keys of its type are not supported")
        }
        Err(_) if text.contains("DEK-Info:") && !text.contains("DEK-Info: AES-128-CBC,") => {
            Opened::Bad("its old kind of encryption is not supported")
        }
        Err(_) if password.is_some() && looks_whole(text) => Opened::Closed,
        Err(_) if text.contains("PRIVATE KEY-----") || text.starts_with(PUTTY) => {
            Opened::Bad("it is damaged")
        }
        Err(_) => Opened::Bad("it has no form that is known"),
    }
}

/// How PuTTY's key files start.
const PUTTY: &str = "PuTTY-User-Key-File-";

/// Tells whether a key needs a passphrase, without decoding it where its text tells.
fn is_encrypted(file: &SecretBytes) -> bool {
    let Some(text) = file.expose_text() else { return false };
    let text = text.trim();
    if text.starts_with(PUTTY) {
        return !text.lines().any(|line| line.trim() == "Encryption: none");
    }
    text.contains("BEGIN ENCRYPTED PRIVATE KEY")
        || text.contains("Proc-Type: 4,ENCRYPTED")
        || matches!(decode_secret_key(text, None), Err(Error::KeyIsEncrypted))
}

/// Tells whether a file has both its ends, so that a wrong passphrase is likelier than damage.
fn looks_whole(text: &str) -> bool {
    text.starts_with(PUTTY) || text.contains("-----END ")
}
