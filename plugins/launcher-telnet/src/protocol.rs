//! The Telnet protocol (RFC 854, RFC 855): commands and options taken out of the stream of bytes, and put into it.
//!
//! Pure: bytes in, bytes and facts out. Total on any bytes. Options: BINARY (RFC 856), ECHO (857), SUPPRESS-GO-AHEAD (858),
//! TERMINAL-TYPE (1091), NAWS (1073), NEW-ENVIRON (1572). Negotiation follows RFC 1143's rule that an option that is as it should be is
//! not answered, so that no two ends answer each other for ever.

const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
const SB: u8 = 250;
const SE: u8 = 240;

const BINARY: u8 = 0;
const ECHO: u8 = 1;
const SUPPRESS_GO_AHEAD: u8 = 3;
const TERMINAL_TYPE: u8 = 24;
const NAWS: u8 = 31;
const NEW_ENVIRON: u8 = 39;

const IS: u8 = 0;
const SEND: u8 = 1;
/// NEW-ENVIRON's kinds of parts.
const VAR: u8 = 0;
const VALUE: u8 = 1;

/// Bytes of one subnegotiation that are kept; what is longer is no option of ours.
const LONGEST_SUBNEGOTIATION: usize = 512;

/// What the client says of itself where it is asked.
#[derive(Debug, Clone)]
pub struct Client {
    /// The terminal's type, such as `xterm-256color`.
    pub terminal_type: String,
    /// Characters in a row, and rows.
    pub size: (u16, u16),
    /// The user name, told to servers that ask for the variable USER.
    pub user: Option<String>,
}

/// One connection.
#[derive(Debug)]
pub struct Telnet {
    client: Client,
    state: State,
    /// Options of ours that are on.
    ours: Options,
    /// Options of theirs that are on.
    theirs: Options,
    /// Whether a carriage return was the last byte shown: a NUL behind it says nothing.
    after_return: bool,
}

/// Where in the stream the next byte is.
#[derive(Debug)]
enum State {
    Data,
    Command,
    /// The option of WILL, WONT, DO or DONT comes next.
    Option(u8),
    Sub(Vec<u8>),
    SubCommand(Vec<u8>),
}

/// Which of the 256 options are on.
#[derive(Debug, Default)]
struct Options([u64; 4]);

impl Options {
    fn has(&self, option: u8) -> bool {
        self.0.get(usize::from(option / 64)).is_some_and(|bits| bits & (1 << (option % 64)) != 0)
    }

    fn set(&mut self, option: u8, on: bool) {
        if let Some(bits) = self.0.get_mut(usize::from(option / 64)) {
            let bit = 1 << (option % 64);
            *bits = if on { *bits | bit } else { *bits & !bit };
        }
    }
}

/// What came of bytes of the server.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// What the terminal shows.
    pub show: Vec<u8>,
    /// What is sent back.
    pub reply: Vec<u8>,
}

impl Telnet {
    /// Begins a connection; nothing is sent before the server asks.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            state: State::Data,
            ours: Options::default(),
            theirs: Options::default(),
            after_return: false,
        }
    }

    /// Tells whether the server echoes what is typed: where it does not, the user sees it only if the client shows it.
    #[must_use]
    pub fn server_echoes(&self) -> bool {
        self.theirs.has(ECHO)
    }

    /// Takes bytes of the server.
    pub fn take(&mut self, bytes: &[u8]) -> Taken {
        let mut taken = Taken::default();
        for byte in bytes {
            self.state = match std::mem::replace(&mut self.state, State::Data) {
                State::Data if *byte == IAC => State::Command,
                State::Data => {
                    self.show(*byte, &mut taken.show);
                    State::Data
                }
                State::Command => self.command(*byte, &mut taken),
                State::Option(command) => {
                    self.negotiate(command, *byte, &mut taken.reply);
                    State::Data
                }
                State::Sub(sub) if *byte == IAC => State::SubCommand(sub),
                State::Sub(mut sub) => {
                    if sub.len() < LONGEST_SUBNEGOTIATION {
                        sub.push(*byte);
                    }
                    State::Sub(sub)
                }
                State::SubCommand(mut sub) if *byte == IAC => {
                    sub.push(IAC);
                    State::Sub(sub)
                }
                State::SubCommand(sub) => {
                    // Anything but SE is a fault of the server; the subnegotiation ends all the same.
                    if *byte == SE {
                        self.subnegotiate(&sub, &mut taken.reply);
                    }
                    State::Data
                }
            };
        }
        taken
    }

    /// Returns what is sent for bytes that the user typed: IAC doubled, and a carriage return alone as the network's end of a line
    /// (RFC 854), unless both ends are binary.
    #[must_use]
    pub fn typed(&self, bytes: &[u8]) -> Vec<u8> {
        let mut sent = Vec::with_capacity(bytes.len() + 8);
        for byte in bytes {
            sent.push(*byte);
            match *byte {
                IAC => sent.push(IAC),
                b'\r' if !self.ours.has(BINARY) => sent.push(0),
                _ => {}
            }
        }
        sent
    }

    /// Notes the terminal's new size, and returns what is sent for it.
    pub fn resize(&mut self, columns: u16, rows: u16) -> Vec<u8> {
        self.client.size = (columns, rows);
        let mut sent = Vec::new();
        if self.ours.has(NAWS) {
            self.send_size(&mut sent);
        }
        sent
    }

    fn show(&mut self, byte: u8, show: &mut Vec<u8>) {
        let padding = self.after_return && byte == 0 && !self.theirs.has(BINARY);
        self.after_return = byte == b'\r';
        if !padding {
            show.push(byte);
        }
    }

    fn command(&mut self, byte: u8, taken: &mut Taken) -> State {
        match byte {
            IAC => {
                self.show(IAC, &mut taken.show);
                State::Data
            }
            WILL | WONT | DO | DONT => State::Option(byte),
            SB => State::Sub(Vec::new()),
            // Go-ahead, no-operation and their like say nothing to a terminal.
            _ => State::Data,
        }
    }

    fn negotiate(&mut self, command: u8, option: u8, reply: &mut Vec<u8>) {
        match command {
            WILL | WONT => {
                let wanted = command == WILL && [BINARY, ECHO, SUPPRESS_GO_AHEAD].contains(&option);
                if command == WILL && !wanted {
                    reply.extend([IAC, DONT, option]);
                } else if self.theirs.has(option) != wanted {
                    reply.extend([IAC, if wanted { DO } else { DONT }, option]);
                }
                self.theirs.set(option, wanted);
            }
            _ => {
                let known = [BINARY, SUPPRESS_GO_AHEAD, TERMINAL_TYPE, NAWS, NEW_ENVIRON];
                let wanted = command == DO && known.contains(&option);
                if command == DO && !wanted {
                    reply.extend([IAC, WONT, option]);
                } else if self.ours.has(option) != wanted {
                    reply.extend([IAC, if wanted { WILL } else { WONT }, option]);
                    self.ours.set(option, wanted);
                    if wanted && option == NAWS {
                        self.send_size(reply);
                    }
                }
            }
        }
    }

    fn subnegotiate(&self, sub: &[u8], reply: &mut Vec<u8>) {
        match sub {
            [TERMINAL_TYPE, SEND, ..] if self.ours.has(TERMINAL_TYPE) => {
                reply.extend([IAC, SB, TERMINAL_TYPE, IS]);
                reply.extend(
                    self.client.terminal_type.to_ascii_uppercase().bytes().filter(u8::is_ascii_graphic),
                );
                reply.extend([IAC, SE]);
            }
            [NEW_ENVIRON, SEND, ..] if self.ours.has(NEW_ENVIRON) => {
                reply.extend([IAC, SB, NEW_ENVIRON, IS]);
                if let Some(user) = &self.client.user {
                    reply.push(VAR);
                    reply.extend(b"USER");
                    reply.push(VALUE);
                    // Bytes that mean something in this option would have to be escaped; no user name has them.
                    reply.extend(user.bytes().filter(|byte| !byte.is_ascii_control() && *byte != IAC));
                }
                reply.extend([IAC, SE]);
            }
            _ => {}
        }
    }

    fn send_size(&self, reply: &mut Vec<u8>) {
        reply.extend([IAC, SB, NAWS]);
        for byte in [self.client.size.0.to_be_bytes(), self.client.size.1.to_be_bytes()].concat() {
            reply.push(byte);
            if byte == IAC {
                reply.push(IAC);
            }
        }
        reply.extend([IAC, SE]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn telnet() -> Telnet {
        let user = Some("anna".to_owned());
        Telnet::new(Client { terminal_type: "xterm".to_owned(), size: (80, 24), user })
    }

    #[test]
    fn text_is_shown_and_commands_are_not() {
        let mut telnet = telnet();
        let taken = telnet.take(b"a\xff\xf1b\xff\xffc\r\0d\r\n");
        assert_eq!(taken.show, b"ab\xffc\rd\r\n");
        assert_eq!(taken.reply, b"");
    }

    #[test]
    fn what_is_cut_anywhere_is_taken_as_if_it_came_whole() {
        let stream = b"x\xff\xfb\x01y\xff\xfa\x18\x01\xff\xf0z\xff\xfd\x18";
        let whole = telnet().take(stream);
        let mut cut = telnet();
        let mut sum = Taken::default();
        for byte in stream {
            let taken = cut.take(&[*byte]);
            sum.show.extend(taken.show);
            sum.reply.extend(taken.reply);
        }
        assert_eq!(sum, whole);
    }

    #[test]
    fn options_are_agreed_on_once_and_others_refused() {
        let mut telnet = telnet();
        assert_eq!(telnet.take(&[IAC, WILL, ECHO]).reply, [IAC, DO, ECHO]);
        assert!(telnet.server_echoes());
        assert_eq!(telnet.take(&[IAC, WILL, ECHO]).reply, b"", "it is on already");
        assert_eq!(telnet.take(&[IAC, WONT, ECHO]).reply, [IAC, DONT, ECHO]);
        assert_eq!(telnet.take(&[IAC, WILL, 99]).reply, [IAC, DONT, 99]);
        assert_eq!(telnet.take(&[IAC, DO, 99]).reply, [IAC, WONT, 99]);
        assert_eq!(telnet.take(&[IAC, DONT, 99]).reply, b"");
    }

    #[test]
    fn type_size_and_user_are_told_where_they_are_asked_for() {
        let mut telnet = telnet();
        assert_eq!(telnet.resize(100, 40), b"", "nobody asked");
        let size = [IAC, SB, NAWS, 0, 100, 0, 40, IAC, SE];
        assert_eq!(telnet.take(&[IAC, DO, NAWS]).reply, [&[IAC, WILL, NAWS], size.as_slice()].concat());
        assert_eq!(telnet.resize(255, 24), [IAC, SB, NAWS, 0, IAC, IAC, 0, 24, IAC, SE]);
        telnet.take(&[IAC, DO, TERMINAL_TYPE, IAC, DO, NEW_ENVIRON]);
        let told = telnet.take(&[IAC, SB, TERMINAL_TYPE, SEND, IAC, SE]).reply;
        assert_eq!(told, [&[IAC, SB, TERMINAL_TYPE, IS], b"XTERM".as_slice(), &[IAC, SE]].concat());
        let told = telnet.take(&[IAC, SB, NEW_ENVIRON, SEND, IAC, SE]).reply;
        assert_eq!(told, [&[IAC, SB, NEW_ENVIRON, IS, VAR], b"USER\x01anna".as_slice(), &[IAC, SE]].concat());
    }

    #[test]
    fn what_is_typed_is_escaped() {
        let mut telnet = telnet();
        assert_eq!(telnet.typed(b"ls\r\xff"), b"ls\r\0\xff\xff");
        telnet.take(&[IAC, DO, BINARY]);
        assert_eq!(telnet.typed(b"ls\r\xff"), b"ls\r\xff\xff");
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_and_the_answers_do_not_grow_beyond_them(
            stream in proptest::collection::vec(prop_oneof![Just(IAC), Just(SB), Just(SE), any::<u8>()], 0..2000)
        ) {
            let taken = telnet().take(&stream);
            prop_assert!(taken.show.len() <= stream.len());
            prop_assert!(taken.reply.len() <= stream.len() * 8);
        }
    }
}
