//! A credential source over PKCS#11 (OASIS PKCS #11 Specification 3.1): secrets are data objects (`CKO_DATA`) of a token.
//!
//! An entry's reference is `<field>:<label>`, such as `password:router1`: the field that the secret is for, and the label of the
//! object. The field stands in the object's application (`CKA_APPLICATION`) as `ostler:<field>`; an object of another application is a
//! password. Private objects are seen only with the PIN, so that browsing shows the public ones; a private one is named by
//! hand. Never changes anything on a token.

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use ostler_sdk_native::{
    CredentialSource, Description, Entry, Failure, FailureKind, LeasedSecret, Requirement, Secret, Secrets,
    Settings,
};

/// The id of the requirement that asks for the token's PIN.
const PIN: &str = "pin";

/// The most entries that are listed.
const MOST_ENTRIES: usize = 1000;

/// The fields that a secret may be for.
const FIELDS: [&str; 3] = ["password", "private-key", "key-passphrase"];

/// What stands before the field in an object's application.
const APPLICATION: &str = "ostler:";

struct Token;

ostler_sdk_native::export_credential_source!(Token);

impl CredentialSource for Token {
    fn browse(settings: &Settings, folder: Option<&str>) -> Result<Vec<Entry>, Failure> {
        if folder.is_some() {
            return Err(failure(FailureKind::NotFound, "a token has no folders"));
        }
        let session = open(settings)?;
        let mut entries = Vec::new();
        for object in session.find_objects(&[Attribute::Class(ObjectClass::DATA)]).map_err(broken)? {
            if let Some((field, label)) = name_of(&session, object)? {
                entries.push(Entry { reference: format!("{field}:{label}"), name: label, folder: false });
            }
            if entries.len() == MOST_ENTRIES {
                break;
            }
        }
        entries.sort_by(|a, b| a.reference.cmp(&b.reference));
        Ok(entries)
    }

    fn describe(settings: &Settings, reference: &str) -> Result<Description, Failure> {
        let (field, label) = parse(reference)?;
        // A token that is not there is told now, before anybody types a PIN.
        open(settings)?;
        Ok(Description {
            name: label.to_owned(),
            fields: vec![field.to_owned()],
            requirements: vec![Requirement {
                id: PIN.to_owned(),
                label: format!("PIN of the token '{}'", text(settings, "token")?),
                secret: true,
            }],
            ..Description::default()
        })
    }

    fn acquire(
        settings: &Settings,
        reference: &str,
        _: &str,
        answers: &Secrets,
    ) -> Result<Vec<LeasedSecret>, Failure> {
        let (field, label) = parse(reference)?;
        let session = open(settings)?;
        let pin = answers.get(PIN).ok_or_else(|| failure(FailureKind::Refused, "the PIN is missing"))?;
        session.login(UserType::User, Some(&AuthPin::new(pin.0.clone().into()))).map_err(refused)?;
        let named = [Attribute::Class(ObjectClass::DATA), Attribute::Label(label.as_bytes().to_vec())];
        for object in session.find_objects(&named).map_err(broken)? {
            if name_of(&session, object)?.is_none_or(|(of, _)| of != field) {
                continue;
            }
            let attributes = session.get_attributes(object, &[AttributeType::Value]).map_err(broken)?;
            let value = attributes.into_iter().find_map(|attribute| match attribute {
                Attribute::Value(value) => Some(value),
                _ => None,
            });
            let value = value
                .ok_or_else(|| failure(FailureKind::Refused, "the token does not give out the value"))?;
            let value = String::from_utf8(value)
                .map_err(|_| failure(FailureKind::Refused, "the value is no text in UTF-8"))?;
            return Ok(vec![LeasedSecret { field: field.to_owned(), value: Secret(value) }]);
        }
        Err(failure(FailureKind::NotFound, &format!("the token has no data object '{label}' for a {field}")))
    }
}

/// Loads the library and opens a session with the token; nothing is signed in.
fn open(settings: &Settings) -> Result<Session, Failure> {
    let unavailable = |text: String| Failure { kind: FailureKind::Unavailable, text };
    let (module, token) = (text(settings, "module")?, text(settings, "token")?);
    set_variables(settings)?;
    let library = Pkcs11::new(module)
        .map_err(|error| unavailable(format!("the library {module} can't be loaded: {error}")))?;
    library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).map_err(broken)?;
    for slot in library.get_slots_with_token().map_err(broken)? {
        if library.get_token_info(slot).map_err(broken)?.label() == token {
            return library.open_ro_session(slot).map_err(broken);
        }
    }
    Err(unavailable(format!("no token with the label '{token}' is there")))
}

/// Sets the variables that the token's library needs: the process has none.
fn set_variables(settings: &Settings) -> Result<(), Failure> {
    let variables = settings.get("environment").and_then(serde_json::Value::as_array);
    for variable in variables.into_iter().flatten() {
        let pair =
            variable.as_str().and_then(|text| text.split_once('=')).filter(|(name, _)| !name.is_empty());
        let fits = |text: &str| !text.contains('\0');
        let (name, value) = pair.filter(|(name, value)| fits(name) && fits(value)).ok_or_else(|| {
            failure(FailureKind::BadSetting, "the setting 'environment' is a list of NAME=VALUE")
        })?;
        #[expect(
            unsafe_code,
            reason = "a variable is the only way to tell such a library where its files are"
        )]
        // SAFETY: the process has one thread, and this runs before the library is loaded.
        unsafe {
            std::env::set_var(name, value);
        };
    }
    Ok(())
}

/// Returns the field and the label of a data object, where it has a label.
fn name_of(session: &Session, object: ObjectHandle) -> Result<Option<(String, String)>, Failure> {
    let (mut field, mut label) = (FIELDS.first().copied().unwrap_or_default().to_owned(), None);
    let wanted = [AttributeType::Label, AttributeType::Application];
    for attribute in session.get_attributes(object, &wanted).map_err(broken)? {
        match attribute {
            Attribute::Label(bytes) => {
                label = String::from_utf8(bytes).ok().filter(|label| !label.is_empty())
            }
            Attribute::Application(bytes) => {
                let application = String::from_utf8_lossy(&bytes);
                let named = application.trim_end_matches('\0').strip_prefix(APPLICATION);
                if let Some(named) = named.filter(|named| FIELDS.contains(named)) {
                    named.clone_into(&mut field);
                }
            }
            _ => {}
        }
    }
    Ok(label.map(|label| (field, label)))
}

fn parse(reference: &str) -> Result<(&str, &str), Failure> {
    let parts =
        reference.split_once(':').filter(|(field, label)| FIELDS.contains(field) && !label.is_empty());
    parts.ok_or_else(|| {
        failure(
            FailureKind::NotFound,
            "an entry is a field and a label, such as 'password:router1' or 'private-key:jump'",
        )
    })
}

fn text<'a>(settings: &'a Settings, key: &str) -> Result<&'a str, Failure> {
    let value = settings.get(key).and_then(serde_json::Value::as_str).filter(|text| !text.is_empty());
    value.ok_or_else(|| failure(FailureKind::BadSetting, &format!("the setting '{key}' is missing")))
}

fn failure(kind: FailureKind, text: &str) -> Failure {
    Failure { kind, text: text.to_owned() }
}

#[expect(clippy::needless_pass_by_value, reason = "it is the shape that map_err takes")]
fn broken(error: Error) -> Failure {
    Failure { kind: FailureKind::Unavailable, text: format!("the token's library failed: {error}") }
}

/// Says what the person can do about a log-in that failed.
fn refused(error: Error) -> Failure {
    match error {
        Error::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _) => {
            failure(FailureKind::Refused, "the PIN is wrong")
        }
        Error::Pkcs11(RvError::PinLocked, _) => {
            failure(FailureKind::Refused, "the PIN is locked after too many wrong ones")
        }
        other => broken(other),
    }
}
