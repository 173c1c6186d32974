//! The made-up users of a fake server and how they prove who they are.

use std::borrow::Cow;
use std::fmt;

use russh::keys::PublicKey;
use russh::server::Auth;
use russh::{MethodKind, MethodSet};

/// A user of the server.
#[derive(Debug, Clone)]
pub struct FakeUser {
    /// The user name.
    pub name: String,
    /// How the user logs in.
    pub login: FakeLogin,
}

/// How a user logs in.
#[derive(Clone)]
pub enum FakeLogin {
    /// Without any proof.
    Nothing,
    /// With a password.
    Password(String),
    /// With the private key to this public key, in OpenSSH's one-line form.
    PublicKey(String),
    /// With answers to questions, round after round.
    KeyboardInteractive(Vec<FakeRound>),
    /// With a key and then a password: both are needed.
    KeyThenPassword {
        /// The public key, in OpenSSH's one-line form.
        key: String,
        /// The password.
        password: String,
    },
}

/// One round of questions.
#[derive(Clone)]
pub struct FakeRound {
    /// What stands above the questions.
    pub instructions: String,
    /// The questions: prompt, whether the answer may be seen, and the right answer.
    pub questions: Vec<(String, bool, String)>,
}

impl fmt::Debug for FakeLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Password(_) => "Password(..)",
            Self::PublicKey(_) => "PublicKey(..)",
            Self::KeyboardInteractive(_) => "KeyboardInteractive(..)",
            Self::KeyThenPassword { .. } => "KeyThenPassword(..)",
        })
    }
}

impl FakeUser {
    /// Returns a user with a password.
    #[must_use]
    pub fn with_password(name: &str, password: &str) -> Self {
        Self { name: name.to_owned(), login: FakeLogin::Password(password.to_owned()) }
    }

    /// Returns a user with a public key, in OpenSSH's one-line form.
    #[must_use]
    pub fn with_key(name: &str, public_openssh: &str) -> Self {
        Self { name: name.to_owned(), login: FakeLogin::PublicKey(public_openssh.to_owned()) }
    }
}

impl FakeLogin {
    /// Returns the methods that the server offers this user at first.
    pub(crate) fn methods(&self) -> MethodSet {
        MethodSet::from(
            match self {
                Self::Nothing => [MethodKind::None],
                Self::Password(_) => [MethodKind::Password],
                Self::PublicKey(_) | Self::KeyThenPassword { .. } => [MethodKind::PublicKey],
                Self::KeyboardInteractive(_) => [MethodKind::KeyboardInteractive],
            }
            .as_slice(),
        )
    }

    pub(crate) fn knows_key(&self, offered: &PublicKey) -> bool {
        let (Self::PublicKey(line) | Self::KeyThenPassword { key: line, .. }) = self else { return false };
        PublicKey::from_openssh(line).is_ok_and(|key| key.key_data() == offered.key_data())
    }
}

impl FakeRound {
    pub(crate) fn ask(&self) -> Auth {
        let prompts: Vec<_> =
            self.questions.iter().map(|(prompt, echo, _)| (Cow::Owned(prompt.clone()), *echo)).collect();
        Auth::Partial {
            name: Cow::Borrowed("fake"),
            instructions: Cow::Owned(self.instructions.clone()),
            prompts: Cow::Owned(prompts),
        }
    }

    pub(crate) fn fits(&self, answers: &[Vec<u8>]) -> bool {
        answers.len() == self.questions.len()
            && self.questions.iter().zip(answers).all(|((_, _, right), given)| right.as_bytes() == given)
    }
}
