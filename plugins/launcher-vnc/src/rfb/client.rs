//! One connection: bytes of the server and what the user does go in, [`Act`]s come out, one at a time.

use std::collections::VecDeque;

use super::bytes::{Reader, Stop};
use super::clipboard::MOST_TEXT;
use super::desktop::Desktop;
use super::fault::Fault;
use super::handshake::Handshake;
use super::messages::{self, Buttons, Encoding};
use super::picture::{Change, Shape, Size};

/// What the user wants of the connection.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether others may stay connected.
    pub shared: bool,
    /// Whether nothing of what the user does is sent.
    pub view_only: bool,
    /// Whether clipboards are exchanged.
    pub clipboard: bool,
    /// Whether the pointer's picture is shown here; otherwise the server paints it into the desktop.
    pub local_cursor: bool,
    /// Whether the desktop gets the size of the window, where the server can do that.
    pub resize: bool,
    /// The encodings that the server may choose from, the preferred one first. Raw is always allowed.
    pub encodings: Vec<Encoding>,
    /// How hard the server compresses, 0 to 9.
    pub compression: Option<u8>,
    /// Whether nothing but VeNCrypt with a certificate will do.
    pub tls: bool,
    /// The server behind a repeater.
    pub repeater: Option<String>,
    /// Whether challenges can be answered.
    pub password: bool,
    /// The size of the window where it is known.
    pub window: Option<Size>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            shared: true,
            view_only: false,
            clipboard: true,
            local_cursor: true,
            resize: true,
            encodings: Encoding::ALL.to_vec(),
            compression: None,
            tls: false,
            repeater: None,
            password: false,
            window: None,
        }
    }
}

/// What is to be done next.
#[derive(Debug, PartialEq)]
pub enum Act {
    /// Send these bytes.
    Send(Vec<u8>),
    /// Go on over TLS.
    StartTls,
    /// Work out the answer to a challenge, and give it to [`Client::answer`].
    Challenge([u8; 16]),
    /// The desktop has this size from now on. The first one is its beginning.
    Resize(Size),
    /// Show these changes, as one.
    Show(Vec<Change>),
    /// The pointer's picture; none can't be seen.
    Pointer(Option<Shape>),
    /// The server's clipboard.
    Clipboard(String),
    /// Ring.
    Bell,
}

/// What is to be done, in its order.
#[derive(Debug, Default)]
pub(super) struct Outbox(VecDeque<Act>);

impl Outbox {
    pub(super) fn push(&mut self, act: Act) {
        self.0.push_back(act);
    }

    /// Sends bytes, together with those before them.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        match self.0.back_mut() {
            Some(Act::Send(before)) => before.extend_from_slice(bytes),
            _ => self.push(Act::Send(bytes.to_vec())),
        }
    }
}

/// One connection.
#[derive(Debug)]
pub struct Client {
    options: Options,
    input: Vec<u8>,
    /// How much of the input was taken.
    taken: usize,
    phase: Phase,
    out: Outbox,
}

#[derive(Debug)]
enum Phase {
    Handshake(Handshake),
    Open(Box<Desktop>),
}

impl Client {
    /// Begins a connection; the server speaks first.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            input: Vec::new(),
            taken: 0,
            phase: Phase::Handshake(Handshake::new()),
            out: Outbox::default(),
        }
    }

    /// Takes bytes of the server. What comes of them are the next acts.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.input.drain(..self.taken);
        self.taken = 0;
        self.input.extend_from_slice(bytes);
    }

    /// Returns what is to be done next; none where more has to happen first.
    ///
    /// # Errors
    /// Says what ends the session.
    pub fn next_act(&mut self) -> Result<Option<Act>, Fault> {
        loop {
            if let Some(act) = self.out.0.pop_front() {
                return Ok(Some(act));
            }
            let bytes = self.input.get(self.taken..).unwrap_or_default();
            let mut reader = Reader::new(bytes);
            let stepped = match &mut self.phase {
                Phase::Handshake(handshake) => {
                    match handshake.step(&mut reader, &self.options, &mut self.out) {
                        Ok(Some(size)) => {
                            let desktop = Desktop::open(size, &self.options, &mut self.out);
                            self.phase = Phase::Open(Box::new(desktop));
                            Ok(())
                        }
                        other => other.map(|_| ()),
                    }
                }
                Phase::Open(desktop) => desktop.step(&mut reader, &self.options, &mut self.out),
            };
            match stepped {
                Ok(()) => self.taken += bytes.len() - reader.left(),
                Err(Stop::Short) => return Ok(None),
                Err(Stop::Fault(fault)) => return Err(fault),
            }
        }
    }

    /// Gives the answer to the challenge.
    pub fn answer(&mut self, answer: &[u8]) {
        if let Phase::Handshake(handshake) = &mut self.phase {
            handshake.answer(answer, &mut self.out);
        }
    }

    /// Says what it means that the server closes the wire now: none where the session is open, and has an end like any other.
    #[must_use]
    pub fn closed(&self) -> Option<Fault> {
        match &self.phase {
            Phase::Handshake(handshake) => Some(handshake.closed()),
            Phase::Open(_) => None,
        }
    }

    /// Tells whether the desktop is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
    }

    /// Sends a key, by its X11 keysym.
    pub fn key(&mut self, keysym: u32, down: bool) {
        if self.is_open() && !self.options.view_only {
            self.out.send(&messages::key(keysym, down));
        }
    }

    /// Sends where the pointer is, its buttons, and turns of the wheel: to the right, and down.
    pub fn pointer(&mut self, at: (u16, u16), buttons: Buttons, wheel: (i16, i16)) {
        if let Phase::Open(desktop) = &self.phase
            && !self.options.view_only
        {
            desktop.pointer(at, buttons, wheel, &mut self.out);
        }
    }

    /// Sends what the user copied.
    pub fn copied(&mut self, text: &str) {
        if let Phase::Open(desktop) = &mut self.phase
            && self.options.clipboard
            && !self.options.view_only
            && text.len() <= MOST_TEXT
        {
            let message = desktop.clipboard.copied(text);
            self.out.send(&message);
        }
    }

    /// Notes the size of the window, and asks the server for a desktop of that size.
    pub fn window(&mut self, size: Size) {
        self.options.window = Some(size);
        if let Phase::Open(desktop) = &self.phase {
            desktop.ask_for_size(&self.options, &mut self.out);
        }
    }
}
