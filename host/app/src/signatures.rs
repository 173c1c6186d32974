//! Who signed a plugin that is to be installed: verified with the key that the person names, the one of the version before it, or those that
//! policy names for its publisher.
//!
//! What was found is kept with the consent, bound to the file's digest. Never trusts a key because a signature names it.

use std::io;
use std::path::Path;

use ostler_registry::{Digest, FoundPlugin, PublisherKey, SignatureError, verify_signature};

use crate::plugins::plugin_id;
use crate::{AppError, Event, Host};

/// What is behind a file's name in that of its signature.
const SIGNATURE: &str = "minisig";

/// What the person says about the signature of a file.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SignedBy<'a> {
    /// The public key to verify it with.
    pub(crate) key: Option<&'a str>,
    /// Where it is.
    pub(crate) signature: Option<&'a Path>,
}

impl Host {
    /// Returns the key that signed a file, none for one that is not signed. `before` is the key of the version that is installed.
    ///
    /// # Errors
    /// A signature that is there does not hold, or one is missing that the person, or the version before, wants.
    pub(crate) async fn signer_of(
        &self,
        file: &Path,
        found: &FoundPlugin,
        said: SignedBy<'_>,
        before: Option<&str>,
    ) -> Result<Option<String>, AppError> {
        let id = plugin_id(found);
        let beside = file.with_added_extension(SIGNATURE);
        let path = said.signature.unwrap_or(&beside);
        let refused = |reason: String| AppError::Denied(format!("'{id}' is not installed: {reason}"));
        let signature = match std::fs::read_to_string(path) {
            Ok(signature) => signature,
            Err(error) if error.kind() == io::ErrorKind::NotFound && said.signature.is_none() => {
                return match (said.key, before) {
                    (Some(_), _) => Err(refused(format!("there is no signature {}", path.display()))),
                    (None, Some(_)) => Err(refused(
                        "the installed version is signed, and this file is not; remove that one first to go without".to_owned(),
                    )),
                    (None, None) => Ok(None),
                };
            }
            Err(source) => return Err(AppError::File { file: path.to_owned(), source }),
        };
        let keys = self.keys_for(found, said.key, before).map_err(|error| refused(error.to_string()))?;
        if keys.is_empty() {
            let notice =
                "the file is signed, and no key of its publisher is known: '--publisher-key' names one"
                    .to_owned();
            self.front.show(Event::Notice(notice)).await;
            return Ok(None);
        }
        let bytes = std::fs::read(file).map_err(|source| AppError::File { file: file.to_owned(), source })?;
        if Digest::of(&bytes) != found.inspection.digest {
            return Err(refused("the file changed while it was looked at".to_owned()));
        }
        match verify_signature(&bytes, &signature, &keys) {
            Ok(key) => Ok(Some(key.to_string())),
            Err(error) => Err(refused(format!("{error} ({})", error.advice()))),
        }
    }

    /// Returns the keys that may have signed a plugin: the one that the person names, else the one before and those of policy.
    fn keys_for(
        &self,
        found: &FoundPlugin,
        named: Option<&str>,
        before: Option<&str>,
    ) -> Result<Vec<PublisherKey>, SignatureError> {
        if let Some(named) = named {
            return Ok(vec![PublisherKey::parse(named)?]);
        }
        // A policy that can't be read forbids everything, somewhere else.
        let policy = self.places.read_policy().unwrap_or_default();
        let publisher = found.inspection.manifest.id.publisher();
        before.into_iter().chain(policy.publisher_keys(publisher)).map(PublisherKey::parse).collect()
    }
}
