//! A secret on its way from the person to the host.

use std::fmt;

use ostler_core::SecretBytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A secret on its way from the person to the host. Unlike a secret inside the host it can be serialized, for the socket
/// between a front end and its host; it still prints nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretInput(pub SecretBytes);

impl fmt::Debug for SecretInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretInput(..)")
    }
}

impl Serialize for SecretInput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for SecretInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<u8>::deserialize(deserializer).map(|bytes| Self(SecretBytes::new(bytes)))
    }
}
