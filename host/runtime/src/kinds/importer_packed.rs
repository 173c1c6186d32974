//! Entries as Borsh writes them, from `put-packed`: field by field in the order of the WIT package.
//!
//! Total on any bytes: a length is believed only as far as there are bytes behind it. What an entry may hold is checked
//! afterwards, as that of any entry.

use std::io::{self, Read};

use borsh::BorshDeserialize;

use super::importer::wit;
use crate::PluginError;
use crate::capabilities::ostler::types::types as shared;

/// Bytes of one packed block, as the WIT document says.
const LARGEST_BLOCK: usize = 4 << 20;

/// Reads the entries of a block.
///
/// # Errors
/// The block is too large, or is not what Borsh writes.
pub(super) fn unpack(mut block: &[u8]) -> Result<Vec<wit::Entry>, PluginError> {
    let bad = |reason| PluginError::BadAnswer { what: "a block of packed entries", reason };
    if block.len() > LARGEST_BLOCK {
        return Err(bad("has more than 4 MiB"));
    }
    let mut entries = Vec::new();
    while !block.is_empty() {
        entries.push(wit::Entry::deserialize(&mut block).map_err(|_| bad("is not what Borsh writes"))?);
    }
    Ok(entries)
}

/// Reads the named fields one behind the other.
macro_rules! record {
    ($type:ty: $($field:ident),+) => {
        impl BorshDeserialize for $type {
            fn deserialize_reader<R: Read>(from: &mut R) -> io::Result<Self> {
                Ok(Self { $($field: BorshDeserialize::deserialize_reader(from)?),+ })
            }
        }
    };
}

/// Reads the case's number, then its value, if it has one.
macro_rules! variant {
    ($type:ty: $($number:literal $case:ident $(($value:ident))?),+) => {
        impl BorshDeserialize for $type {
            fn deserialize_reader<R: Read>(from: &mut R) -> io::Result<Self> {
                match u8::deserialize_reader(from)? {
                    $($number => {
                        $(let $value = BorshDeserialize::deserialize_reader(from)?;)?
                        Ok(Self::$case $(($value))?)
                    })+
                    _ => Err(io::ErrorKind::InvalidData.into()),
                }
            }
        }
    };
}

record!(wit::Entry: position, identity, folder, defaults, item);
record!(wit::Position: line, column, field);
variant!(wit::Item: 0 Folder(folder), 1 Connection(connection));
record!(wit::Folder: name, notes, credential, settings);
record!(wit::Connection: name, kind, host, port, credential, settings, notes, tags, custom_fields);
variant!(wit::Credential: 0 None, 1 Inherit, 2 Local(local));
record!(wit::LocalCredential: user, domain, secrets);
record!(wit::Secret: field, value);
variant!(shared::SecretField: 0 Password, 1 PrivateKey, 2 KeyPassphrase, 3 UserName, 4 Environment);
record!(shared::Setting: key, value);
variant!(shared::SettingValue: 0 Flag(flag), 1 Integer(number), 2 Text(text), 3 Items(items));
