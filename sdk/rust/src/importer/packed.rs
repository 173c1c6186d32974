//! Entries as Borsh writes them, for `put-packed`: field by field in the order of the WIT package.
//!
//! Written out, since Borsh's derive would pull a parser of TOML into the build of every plugin.

use std::io::{self, Write};

use borsh::BorshSerialize;

use super::{Connection, Credential, Entry, Folder, Item, LocalCredential, Position, Secret};
use crate::types::{SecretField, Setting, SettingValue};

/// Packs the named fields one behind the other; natively it also unpacks them, for the tests.
macro_rules! record {
    ($type:ty: $($field:ident),+) => {
        impl BorshSerialize for $type {
            fn serialize<W: Write>(&self, to: &mut W) -> io::Result<()> {
                $(self.$field.serialize(to)?;)+
                Ok(())
            }
        }
        #[cfg(not(target_family = "wasm"))]
        impl borsh::BorshDeserialize for $type {
            fn deserialize_reader<R: io::Read>(from: &mut R) -> io::Result<Self> {
                Ok(Self { $($field: borsh::BorshDeserialize::deserialize_reader(from)?),+ })
            }
        }
    };
}

/// Packs the case's number, then its value, if it has one.
macro_rules! variant {
    ($type:ty: $($number:literal $case:ident $(($value:ident))?),+) => {
        impl BorshSerialize for $type {
            fn serialize<W: Write>(&self, to: &mut W) -> io::Result<()> {
                match self {
                    $(Self::$case $(($value))? => {
                        to.write_all(&[$number])?;
                        $($value.serialize(to)?;)?
                    })+
                }
                Ok(())
            }
        }
        #[cfg(not(target_family = "wasm"))]
        impl borsh::BorshDeserialize for $type {
            fn deserialize_reader<R: io::Read>(from: &mut R) -> io::Result<Self> {
                match u8::deserialize_reader(from)? {
                    $($number => {
                        $(let $value = borsh::BorshDeserialize::deserialize_reader(from)?;)?
                        Ok(Self::$case $(($value))?)
                    })+
                    _ => Err(io::ErrorKind::InvalidData.into()),
                }
            }
        }
    };
}

record!(Entry<'_>: position, identity, folder, defaults, item);
record!(Position: line, column, field);
variant!(Item<'_>: 0 Folder(folder), 1 Connection(connection));
record!(Folder<'_>: name, notes, credential, settings);
record!(Connection<'_>: name, kind, host, port, credential, settings, notes, tags, custom_fields);
variant!(Credential<'_>: 0 None, 1 Inherit, 2 Local(local));
record!(LocalCredential<'_>: user, domain, secrets);
record!(Secret<'_>: field, value);
variant!(SecretField: 0 Password, 1 PrivateKey, 2 KeyPassphrase, 3 UserName, 4 Environment);
record!(Setting: key, value);
variant!(SettingValue: 0 Flag(flag), 1 Integer(number), 2 Text(text), 3 Items(items));
