//! Native plugins: the C ABI of their library, and what the host and such a plugin say to each other.
//!
//! A native plugin is a shared library that the host loads in a process of its own. It exports three functions
//! (`plugin-api/native/ostler_native.h` is the same in C):
//!
//! | symbol | type |
//! |---|---|
//! | `ostler_native_abi` | `extern "C" fn() -> u32`: the version of this ABI, [`NATIVE_ABI`] |
//! | `ostler_native_call` | `extern "C" fn(request: *const u8, length: usize, answer: *mut Buffer) -> i32`: 0 where `answer` is filled |
//! | `ostler_native_free` | `extern "C" fn(answer: Buffer)`: takes the answer back, once |
//!
//! Request and answer are JSON texts in UTF-8: a [`NativeRequest`] and a [`NativeReply`]. The manifest stands in the ELF section
//! [`NATIVE_SECTION`], so that it can be read without running a line of the library.
//!
//! The ABI grows by new versions only: a host tells the version that it speaks in each request, and loads no library of another
//! one. Within a version, members that are unknown are ignored, and members that are new are optional.
//!
//! Secrets are in [`NativeSecret`], which prints nothing. This module never runs and never loads anything.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The version of the C ABI and of the messages.
pub const NATIVE_ABI: u32 = 1;

/// The section of the shared library that holds the manifest.
pub const NATIVE_SECTION: &str = ".ostler.plugin";

/// The most bytes of a request or an answer.
pub const LARGEST_NATIVE_MESSAGE: usize = 1 << 20;

/// What the plugin returns its answer in. `bytes` and `capacity` are its own business; `ostler_native_free` takes it back.
#[derive(Debug)]
#[repr(C)]
pub struct NativeBuffer {
    /// The first byte.
    pub bytes: *mut u8,
    /// How many bytes are filled.
    pub length: usize,
    /// How many bytes were allocated.
    pub capacity: usize,
}

/// A secret in a message, as text: a password, a PIN, a private key in its PEM form.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NativeSecret(pub String);

impl fmt::Debug for NativeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NativeSecret(..)")
    }
}

/// One call of a native plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NativeRequest {
    /// The version that the host speaks.
    pub abi: u32,
    /// What was set for the plugin, checked against its schema.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// What to do.
    pub call: NativeCall,
}

/// What a native credential source can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NativeCall {
    /// List what is in a folder; none is the top.
    Browse {
        /// The folder, as the source names it.
        folder: Option<String>,
    },
    /// Describe one entry, without its secrets.
    Describe {
        /// The entry, as the source names it.
        reference: String,
    },
    /// Acquire the secrets of an entry for one purpose.
    Acquire {
        /// The entry.
        reference: String,
        /// What for, in words for the source's own log.
        purpose: String,
        /// What was given for the requirements of the description, by their ids.
        answers: BTreeMap<String, NativeSecret>,
    },
}

/// What a native plugin answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NativeReply {
    /// To `browse`: the entries, at most 1000.
    Entries(Vec<NativeEntry>),
    /// To `describe`.
    Description(NativeDescription),
    /// To `acquire`.
    Lease(Vec<NativeLeasedSecret>),
    /// To any: it could not be done.
    Failed(NativeFailure),
}

/// One entry of a credential source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NativeEntry {
    /// How the source names it, the same each time.
    pub reference: String,
    /// The name for people.
    pub name: String,
    /// Whether there are entries in it.
    #[serde(default)]
    pub folder: bool,
}

/// An entry without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NativeDescription {
    /// The name for people.
    pub name: String,
    /// The user name, if the source knows one.
    #[serde(default)]
    pub user: Option<String>,
    /// The domain, if any.
    #[serde(default)]
    pub domain: Option<String>,
    /// What can be acquired: fields such as `password` or `private-key`.
    pub fields: Vec<String>,
    /// What must be given before it can be acquired.
    #[serde(default)]
    pub requirements: Vec<NativeRequirement>,
}

/// Something that a person must give before a credential can be acquired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NativeRequirement {
    /// The key of the answer: 1 to 48 of `a-z`, `0-9` and `-`.
    pub id: String,
    /// What the person reads beside it.
    pub label: String,
    /// Whether the answer is a secret, such as a PIN.
    pub secret: bool,
}

/// One secret of a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NativeLeasedSecret {
    /// The field, one of the description's.
    pub field: String,
    /// The value.
    pub value: NativeSecret,
}

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NativeFailure {
    /// What kind of failure it is.
    pub kind: NativeFailureKind,
    /// The plugin's words, one clause, without a secret.
    pub text: String,
}

/// Kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NativeFailureKind {
    /// There is no such entry.
    NotFound,
    /// What was given (a PIN) is wrong, or the source says no.
    Refused,
    /// A setting is missing or can't be used.
    BadSetting,
    /// The source can't be reached: no token, no library.
    Unavailable,
}
