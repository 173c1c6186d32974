//! Requests to granted hosts (capability `http`).
//!
//! The host resolves names and does TLS. A secret is named by its slot, and the host fills it in; of a response the plugin reads what a
//! `[[projection]]` of its manifest names, and what a projection names as a secret arrives as a slot.
//!
//! ```no_run
//! use ostler_sdk::http::{HttpError, Request};
//!
//! # fn ask() -> Result<(), HttpError> {
//! let signed_in = Request::post("https://vault.example/login")
//!     .header("content-type", "application/json")
//!     .json_template(&[r#"{"password":""#.into(), Request::slot("prompt.password").json(), r#""}"#.into()])
//!     .send()?;
//! let token = signed_in.slots().first().map(|slot| slot.name.clone()).unwrap_or_default();
//! let list = Request::get("https://vault.example/items").bearer(&token).send()?;
//! for projected in list.projected() {
//!     println!("{}: {}", projected.path, projected.nodes);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! In a native build [`Request::send`] answers `unavailable`.

use crate::types::{SlotName, Value};

pub use crate::bindings::capabilities::ostler::http::http::{
    Body, Encoding, Field, HttpError, Part, Projected, ReceivedSlot, Request, Response,
};

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self { value: Value::text(text), encoding: Encoding::Plain }
    }
}

impl Part {
    /// Writes it as a text of JSON, without the quotation marks.
    #[must_use]
    pub fn json(mut self) -> Self {
        self.encoding = Encoding::JsonString;
        self
    }

    /// Writes it as `application/x-www-form-urlencoded` has it.
    #[must_use]
    pub fn form(mut self) -> Self {
        self.encoding = Encoding::Form;
        self
    }
}

impl Request {
    /// Makes a request.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            query: Vec::new(),
            headers: Vec::new(),
            basic: None,
            body: Body::None,
            timeout_seconds: None,
        }
    }

    /// Makes a GET.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// Makes a POST.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// Names a secret as a part.
    pub fn slot(name: impl Into<SlotName>) -> Part {
        Part { value: Value::slot(name), encoding: Encoding::Plain }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(self, name: impl Into<String>, value: &str) -> Self {
        self.header_parts(name, vec![value.into()])
    }

    /// Adds a header of parts.
    #[must_use]
    pub fn header_parts(mut self, name: impl Into<String>, value: Vec<Part>) -> Self {
        self.headers.push(Field { name: name.into(), value });
        self
    }

    /// Adds `authorization: Bearer` with the secret of a slot.
    #[must_use]
    pub fn bearer(self, slot: &str) -> Self {
        self.header_parts("authorization", vec!["Bearer ".into(), Self::slot(slot)])
    }

    /// Adds user and password of RFC 7617; the password is the secret of a slot.
    #[must_use]
    pub fn basic(mut self, user: &str, slot: &str) -> Self {
        self.basic = Some((Value::text(user), Value::slot(slot)));
        self
    }

    /// Adds a parameter to the query; the host encodes it.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: &str) -> Self {
        self.query.push(Field { name: name.into(), value: vec![value.into()] });
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Bytes(bytes.into());
        self
    }

    /// Sets a body of parts, such as JSON with a secret in it ([`Part::json`]).
    #[must_use]
    pub fn json_template(mut self, parts: &[Part]) -> Self {
        self.body = Body::Parts(parts.to_vec());
        self
    }

    /// Sets the time that it may take, redirects and all.
    #[must_use]
    pub fn timeout_seconds(mut self, seconds: u32) -> Self {
        self.timeout_seconds = Some(seconds);
        self
    }

    /// Sends it, and waits for the response.
    ///
    /// # Errors
    /// `refused` without the grant, for a host or an address that it does not cover, or for a secret that may not go there;
    /// `unreachable`, `tls`, `lost` and `timed-out` as the wire has it.
    pub fn send(&self) -> Result<Response, HttpError> {
        #[cfg(target_family = "wasm")]
        return crate::bindings::capabilities::ostler::http::http::send(self);
        #[cfg(not(target_family = "wasm"))]
        Err(HttpError::Refused(crate::types::no_host()))
    }
}

impl HttpError {
    /// Returns what went wrong, in the host's words.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Refused(error) => error.reason(),
            Self::Unreachable(reason) | Self::Tls(reason) | Self::Lost(reason) => reason,
            Self::TimedOut => "it took too long",
        }
    }
}
