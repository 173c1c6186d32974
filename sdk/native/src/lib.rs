//! Write native plugins for Ostler in Rust: for what WebAssembly can't reach, such as the library of a smart card.
//!
//! A native plugin is a shared library (`crate-type = ["cdylib"]`) with its manifest `plugin.toml` beside `Cargo.toml`. It runs in a
//! process of its own, confined to the files that its grant names, and only where an administrator's policy pins its
//! digest. It is trusted with the secrets that it handles: prefer a WebAssembly plugin wherever one will do.
//!
//! ```
//! use ostler_sdk_native::{
//!     CredentialSource, Description, Entry, Failure, FailureKind, LeasedSecret, Secrets, Settings,
//! };
//!
//! struct Fixed;
//!
//! impl CredentialSource for Fixed {
//!     fn browse(_: &Settings, _: Option<&str>) -> Result<Vec<Entry>, Failure> {
//!         Ok(vec![Entry { reference: "1".into(), name: "Router".into(), folder: false }])
//!     }
//!     fn describe(_: &Settings, reference: &str) -> Result<Description, Failure> {
//!         match reference {
//!             "1" => Ok(Description { name: "Router".into(), fields: vec!["password".into()], ..Description::default() }),
//!             _ => Err(Failure { kind: FailureKind::NotFound, text: "there is one entry, '1'".into() }),
//!         }
//!     }
//!     fn acquire(_: &Settings, _: &str, _: &str, _: &Secrets) -> Result<Vec<LeasedSecret>, Failure> {
//!         Ok(vec![LeasedSecret { field: "password".into(), value: Secret("router".into()) }])
//!     }
//! }
//! # use ostler_sdk_native::Secret;
//! # fn main() {}
//! ```
//!
//! With `ostler_sdk_native::export_credential_source!(Fixed);` the library exports the C ABI. A panic becomes a failed call.
//! This crate never touches a file and never opens a connection.
#![warn(missing_docs)]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use ostler_plugin_api::{
    NATIVE_ABI, NativeBuffer, NativeDescription as Description, NativeEntry as Entry,
    NativeFailure as Failure, NativeFailureKind as FailureKind, NativeLeasedSecret as LeasedSecret,
    NativeRequirement as Requirement, NativeSecret as Secret,
};
use ostler_plugin_api::{NativeCall, NativeReply, NativeRequest};

/// What was set for the plugin, by the keys of its schema.
pub type Settings = serde_json::Map<String, serde_json::Value>;

/// What a person gave for requirements, by their ids.
pub type Secrets = BTreeMap<String, Secret>;

/// A source of credentials that live elsewhere. Each call stands for itself: nothing lasts from one to the next.
pub trait CredentialSource {
    /// Lists what is in a folder, or at the top.
    ///
    /// # Errors
    /// Says why it could not be listed.
    fn browse(settings: &Settings, folder: Option<&str>) -> Result<Vec<Entry>, Failure>;

    /// Describes an entry, without its secrets, and what must be given to acquire them.
    ///
    /// # Errors
    /// Says why it could not be described.
    fn describe(settings: &Settings, reference: &str) -> Result<Description, Failure>;

    /// Acquires the secrets of an entry. `purpose` is for the source's own log.
    ///
    /// # Errors
    /// Says why not.
    fn acquire(
        settings: &Settings,
        reference: &str,
        purpose: &str,
        answers: &Secrets,
    ) -> Result<Vec<LeasedSecret>, Failure>;
}

/// Answers one request, a JSON text, with another: what `ostler_native_call` does.
#[must_use]
pub fn answer<S: CredentialSource>(request: &[u8]) -> Vec<u8> {
    let failed = |kind, text: &str| NativeReply::Failed(Failure { kind, text: text.to_owned() });
    let reply = match serde_json::from_slice::<NativeRequest>(request) {
        Ok(request) if request.abi == NATIVE_ABI => {
            let settings = &request.settings;
            let done = catch_unwind(AssertUnwindSafe(|| match &request.call {
                NativeCall::Browse { folder } => {
                    S::browse(settings, folder.as_deref()).map(NativeReply::Entries)
                }
                NativeCall::Describe { reference } => {
                    S::describe(settings, reference).map(NativeReply::Description)
                }
                NativeCall::Acquire { reference, purpose, answers } => {
                    S::acquire(settings, reference, purpose, answers).map(NativeReply::Lease)
                }
            }));
            match done {
                Ok(reply) => reply.unwrap_or_else(NativeReply::Failed),
                Err(_) => failed(FailureKind::Unavailable, "the plugin panicked"),
            }
        }
        Ok(_) => failed(FailureKind::Unavailable, "the host speaks another version of the ABI"),
        Err(_) => failed(FailureKind::Unavailable, "the request can't be read"),
    };
    serde_json::to_vec(&reply).unwrap_or_default()
}

/// Exports a [`CredentialSource`] and the manifest `plugin.toml` of the crate.
#[macro_export]
macro_rules! export_credential_source {
    ($source:ty) => {
        #[unsafe(link_section = ".ostler.plugin")]
        #[used]
        static OSTLER_MANIFEST: [u8; include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/plugin.toml"))
            .len()] = *include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/plugin.toml"));

        /// Returns the version of the ABI.
        #[unsafe(no_mangle)]
        pub extern "C" fn ostler_native_abi() -> u32 {
            $crate::NATIVE_ABI
        }

        /// Answers a request.
        ///
        /// # Safety
        /// `request` points to `length` bytes, and `answer` to a place for an answer.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn ostler_native_call(
            request: *const u8,
            length: usize,
            answer: *mut $crate::NativeBuffer,
        ) -> i32 {
            if request.is_null() || answer.is_null() {
                return 1;
            }
            // SAFETY: the caller vouches for both pointers.
            let request = unsafe { ::std::slice::from_raw_parts(request, length) };
            let mut bytes = ::std::mem::ManuallyDrop::new($crate::answer::<$source>(request));
            let filled = $crate::NativeBuffer {
                bytes: bytes.as_mut_ptr(),
                length: bytes.len(),
                capacity: bytes.capacity(),
            };
            // SAFETY: as above.
            unsafe { answer.write(filled) };
            0
        }

        /// Takes an answer back.
        ///
        /// # Safety
        /// `answer` was filled by `ostler_native_call` and is taken back for the first time.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn ostler_native_free(answer: $crate::NativeBuffer) {
            // SAFETY: the parts are those of a vector that was not dropped.
            drop(unsafe { Vec::from_raw_parts(answer.bytes, answer.length, answer.capacity) });
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Panics;

    impl CredentialSource for Panics {
        fn browse(_: &Settings, _: Option<&str>) -> Result<Vec<Entry>, Failure> {
            Ok(vec![Entry { reference: "1".into(), name: "One".into(), folder: false }])
        }
        fn describe(_: &Settings, _: &str) -> Result<Description, Failure> {
            panic!("broken")
        }
        fn acquire(_: &Settings, _: &str, _: &str, answers: &Secrets) -> Result<Vec<LeasedSecret>, Failure> {
            let text = format!("{answers:?}");
            Err(Failure { kind: FailureKind::Refused, text })
        }
    }

    fn ask(request: &str) -> String {
        String::from_utf8(answer::<Panics>(request.as_bytes())).unwrap()
    }

    #[test]
    fn requests_are_answered_and_what_goes_wrong_is_an_answer_too() {
        let listed = ask(r#"{"abi":1,"settings":{},"call":{"browse":{"folder":null}}}"#);
        assert_eq!(listed, r#"{"entries":[{"reference":"1","name":"One","folder":false}]}"#);
        for (request, expected) in [
            (r#"{"abi":1,"settings":{},"call":{"describe":{"reference":"1"}}}"#, "the plugin panicked"),
            (r#"{"abi":2,"settings":{},"call":{"browse":{"folder":null}}}"#, "another version"),
            ("{", "can't be read"),
        ] {
            assert!(ask(request).contains(expected), "{request}");
        }
    }

    #[test]
    fn a_secret_prints_nothing() {
        let request = r#"{"abi":1,"settings":{},"call":{"acquire":{"reference":"1","purpose":"","answers":{"pin":"1234"}}}}"#;
        assert!(!ask(request).contains("1234"));
    }
}
