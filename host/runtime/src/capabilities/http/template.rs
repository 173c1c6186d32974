//! Requests as they are sent: parts put together, secrets filled in, everything bounded.
//!
//! What a secret would break (a line end in a header) is refused without a byte of it in the reason.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{HeaderName, HeaderValue};
use ostler_core::SecretBytes;
use ostler_plugin_api::Guard;
use url::Url;
use zeroize::Zeroizing;

use super::super::Gate;
use super::super::filling::Hidden;
use super::super::ostler::http::http as wit;
use super::super::ostler::types::types::{CapabilityError, Value as Part};

/// Headers and parameters of one request.
const MOST_FIELDS: usize = 64;
/// Bytes of all headers.
const LARGEST_HEADERS: usize = 64 << 10;
/// Bytes of a body, as the WIT document says.
const LARGEST_BODY: usize = 8 << 20;
/// Bytes of a URL with its query.
const LONGEST_URL: usize = 16 << 10;

/// Headers that the host writes.
const OF_THE_HOST: [&str; 7] =
    ["host", "content-length", "transfer-encoding", "connection", "upgrade", "proxy-authorization", "te"];

/// A request with everything filled in.
pub(super) struct Prepared {
    pub(super) method: String,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Zeroizing<Vec<u8>>,
    /// The secrets that it carries, in every form in which they are sent.
    pub(super) secrets: Vec<SecretBytes>,
    /// What is blotted out of its answer: all that the call has sent so far.
    pub(super) hidden: Hidden,
}

impl Prepared {
    /// Changes the request as a redirect asks (RFC 9110, 15.4).
    pub(super) fn follow(&mut self, status: u16) {
        let becomes_get = status == 303 || (matches!(status, 301 | 302) && self.method == "POST");
        if becomes_get && self.method != "HEAD" {
            "GET".clone_into(&mut self.method);
            self.body = Zeroizing::default();
            self.headers.retain(|(name, _)| *name != hyper::header::CONTENT_TYPE);
        }
    }
}

/// Finds the secret of a slot for where the request goes.
type Find<'a> = &'a dyn Fn(&str) -> Result<SecretBytes, CapabilityError>;

/// Puts a request together. The parameters of the query go into the URL.
pub(super) fn prepare(
    request: wit::Request,
    url: &mut Url,
    gate: &Gate,
    find: Find<'_>,
) -> Result<Prepared, CapabilityError> {
    let invalid = |reason: &str| CapabilityError::Invalid(reason.to_owned());
    let method = request.method.to_ascii_uppercase();
    let fits = |c: char| c.is_ascii_uppercase() || c == '-';
    if method.is_empty() || method.len() > 20 || !method.chars().all(fits) || method == "CONNECT" {
        return Err(invalid("the method can't be used"));
    }
    if request.headers.len() > MOST_FIELDS || request.query.len() > MOST_FIELDS {
        return Err(CapabilityError::Limit("a request has at most 64 headers and 64 parameters".to_owned()));
    }
    let mut filling = Filling { find, secrets: Vec::new() };
    for field in &request.query {
        let value = filling.text(&field.value)?;
        url.query_pairs_mut().append_pair(&field.name, &value);
    }
    if url.as_str().len() > LONGEST_URL {
        return Err(CapabilityError::Limit("a URL with its query has at most 16 KiB".to_owned()));
    }
    let mut headers = Vec::new();
    for field in &request.headers {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        let name = name.map_err(|_| invalid("a header has a name that can't be one"))?;
        if OF_THE_HOST.contains(&name.as_str()) {
            return Err(CapabilityError::Invalid(format!("the header '{name}' is the host's")));
        }
        let value = filling.text(&field.value)?;
        let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
            CapabilityError::Invalid(format!("the header '{name}' has a value that can't be sent"))
        })?;
        value.set_sensitive(true);
        headers.push((name, value));
    }
    if let Some((user, password)) = &request.basic {
        headers.push((hyper::header::AUTHORIZATION, filling.basic(user, password, gate)?));
    }
    if headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>() > LARGEST_HEADERS
    {
        return Err(CapabilityError::Limit("the headers have at most 64 KiB".to_owned()));
    }
    let body = match request.body {
        wit::Body::None => Vec::new(),
        wit::Body::Bytes(bytes) => bytes,
        wit::Body::Parts(parts) => filling.text(&parts)?.as_bytes().to_vec(),
    };
    if body.len() > LARGEST_BODY {
        return Err(CapabilityError::Limit("a body has at most 8 MiB".to_owned()));
    }
    Ok(Prepared {
        method,
        headers,
        body: Zeroizing::new(body),
        secrets: filling.secrets,
        hidden: Hidden::default(),
    })
}

/// Fills secrets in, and remembers which.
struct Filling<'a> {
    find: Find<'a>,
    secrets: Vec<SecretBytes>,
}

impl Filling<'_> {
    fn text(&mut self, parts: &[wit::Part]) -> Result<Zeroizing<String>, CapabilityError> {
        let mut all = Zeroizing::new(String::new());
        for part in parts {
            let text = self.value(&part.value)?;
            let before = all.len();
            encode(&text, part.encoding, &mut all);
            if let (Part::Slot(_), Some(encoded)) =
                (&part.value, all.get(before..).filter(|encoded| *encoded != text.as_str()))
            {
                self.secrets.push(SecretBytes::from(encoded.to_owned()));
            }
        }
        Ok(all)
    }

    fn value(&mut self, value: &Part) -> Result<Zeroizing<String>, CapabilityError> {
        match value {
            Part::Text(text) => Ok(Zeroizing::new(text.clone())),
            Part::Slot(slot) => {
                let secret = (self.find)(slot)?;
                let text = secret.expose_text().map(|text| Zeroizing::new(text.to_owned()));
                self.secrets.push(secret);
                text.ok_or_else(|| CapabilityError::Invalid(format!("the secret in '{slot}' is no text")))
            }
        }
    }

    /// User and password of RFC 7617.
    fn basic(&mut self, user: &Part, password: &Part, gate: &Gate) -> Result<HeaderValue, CapabilityError> {
        if let Part::Slot(slot) = user {
            // A user name is no sink for a secret: servers show and log it.
            gate.refuse(Guard::Sink, format!("the secret in '{slot}' may not go into a user name"))?;
        }
        let secret = matches!(password, Part::Slot(_));
        let (user, password) = (self.value(user)?, self.value(password)?);
        if user.contains(':') {
            return Err(CapabilityError::Invalid(
                "a user name of basic authentication has no ':'".to_owned(),
            ));
        }
        let pair = Zeroizing::new(format!("{}:{}", &*user, &*password));
        let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
        // What the server sends back of it is hidden in this form, too.
        if secret {
            self.secrets.push(SecretBytes::from(STANDARD.encode(pair.as_bytes())));
        }
        let mut value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| {
            CapabilityError::Invalid("user and password can't be sent in a header".to_owned())
        })?;
        value.set_sensitive(true);
        Ok(value)
    }
}

fn encode(text: &str, encoding: wit::Encoding, to: &mut String) {
    match encoding {
        wit::Encoding::Plain => to.push_str(text),
        wit::Encoding::Base64 => to.push_str(&STANDARD.encode(text.as_bytes())),
        wit::Encoding::Form => to.extend(url::form_urlencoded::byte_serialize(text.as_bytes())),
        wit::Encoding::JsonString => {
            for c in text.chars() {
                match c {
                    '"' | '\\' => to.extend(['\\', c]),
                    c if c.is_control() => write!(to, "\\u{:04x}", u32::from(c)).unwrap_or_default(),
                    c => to.push(c),
                }
            }
        }
    }
}
