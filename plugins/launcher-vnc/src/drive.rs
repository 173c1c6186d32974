//! A session: the protocol between the host's wire and the host's desktop.

use ostler_sdk::desktop;
use ostler_sdk::driver::{self, DriveError, DriveRequest, EndReason, Event, Pointer, Surface, next_event};
use ostler_sdk::net::{self, NetError, TlsOptions, Wire};
use ostler_sdk::secrets;
use ostler_sdk::types::{CapabilityError, SlotName};

use crate::rfb::{Act, Area, Buttons, Change, Client, Fault, Shape, Size};
use crate::settings::Settings;

/// Bytes that are read of the wire at once: what the host gives.
const READ: u32 = 64 << 10;

/// Why a session does not go on.
enum Stop {
    /// It was never open.
    NotOpened(DriveError),
    /// It was open, and has an end.
    Ended(EndReason),
}

impl From<CapabilityError> for Stop {
    fn from(error: CapabilityError) -> Self {
        Self::NotOpened(error.into())
    }
}

/// Carries out a session, to its end.
pub(crate) fn drive(request: &DriveRequest) -> Result<EndReason, DriveError> {
    let mut session = Session::open(request)?;
    loop {
        match session.go_on(next_event(None)) {
            Ok(()) => {}
            Err(Stop::Ended(reason)) => return Ok(reason),
            Err(Stop::NotOpened(error)) => return Err(error),
        }
    }
}

struct Session<'a> {
    wire: Wire,
    tls: TlsOptions,
    password: Option<&'a SlotName>,
    client: Client,
}

impl<'a> Session<'a> {
    fn open(request: &'a DriveRequest) -> Result<Self, DriveError> {
        let Surface::Desktop(window) = request.surface else {
            return Err(DriveError::Protocol("VNC shows a desktop".to_owned()));
        };
        let Settings { mut options, tls_pin } =
            Settings::read(&request.settings).map_err(DriveError::BadSetting)?;
        let password = request.slot("password");
        options.password = password.is_some();
        options.window = window.map(size);
        let wire = net::connect(&request.target)?;
        let tls = TlsOptions { server_name: None, pin: tls_pin };
        Ok(Self { wire, tls, password, client: Client::new(options) })
    }

    fn go_on(&mut self, event: Event) -> Result<(), Stop> {
        match event {
            Event::Readable(_) => {
                let bytes = self.wire.read(READ).map_err(|error| self.lost(error))?;
                if bytes.is_empty() {
                    return Err(self.client.closed().map_or_else(
                        || Stop::Ended(EndReason::ClosedByServer(String::new())),
                        |fault| Stop::NotOpened(not_opened(fault)),
                    ));
                }
                self.client.feed(&bytes);
            }
            Event::Key(key) => self.client.key(key.keysym, key.down),
            Event::Pointer(Pointer { at, buttons: down, wheel_x, wheel_y }) => {
                self.client.pointer((at.x, at.y), buttons(down), (wheel_x, wheel_y));
            }
            Event::Clipboard(text) => self.client.copied(&text),
            Event::ResizeDesktop(window) => self.client.window(size(window)),
            Event::Close => return Err(Stop::Ended(EndReason::ClosedHere)),
            _ => {}
        }
        self.act()
    }

    /// Does what there is to do.
    fn act(&mut self) -> Result<(), Stop> {
        loop {
            match self.client.next_act() {
                Ok(None) => return Ok(()),
                Ok(Some(Act::Send(bytes))) => self.send(&bytes)?,
                Ok(Some(Act::StartTls)) => {
                    self.wire.upgrade_tls(&self.tls).map_err(|error| Stop::NotOpened(error.into()))?;
                }
                Ok(Some(Act::Challenge(challenge))) => {
                    let slot =
                        self.password.ok_or_else(|| Stop::NotOpened(not_opened(Fault::PasswordMissing)))?;
                    self.client.answer(&secrets::answer(slot, "vnc-des", &challenge)?);
                }
                Ok(Some(Act::Resize(Size { width, height }))) => {
                    desktop::resize(desktop::Size { width, height })?;
                }
                Ok(Some(Act::Show(changes))) => {
                    let changes: Vec<desktop::Change> = changes.into_iter().map(change).collect();
                    desktop::show(&changes)?;
                }
                Ok(Some(Act::Pointer(pointer))) => desktop::pointer(pointer.map(shape).as_ref())?,
                Ok(Some(Act::Clipboard(text))) => desktop::clipboard(&text)?,
                Ok(Some(Act::Bell)) => desktop::bell()?,
                Err(fault) if self.client.is_open() => {
                    return Err(Stop::Ended(EndReason::Lost(fault.to_string())));
                }
                Err(fault) => return Err(Stop::NotOpened(not_opened(fault))),
            }
        }
    }

    /// Sends bytes, in pieces that the wire takes at once.
    fn send(&self, bytes: &[u8]) -> Result<(), Stop> {
        bytes.chunks(1 << 20).try_for_each(|piece| self.wire.write(piece)).map_err(|error| self.lost(error))
    }

    /// Names how a session ends whose wire breaks.
    fn lost(&self, error: NetError) -> Stop {
        if self.client.is_open() {
            Stop::Ended(EndReason::Lost(error.reason().to_owned()))
        } else {
            Stop::NotOpened(error.into())
        }
    }
}

/// Names why a session did not open.
fn not_opened(fault: Fault) -> DriveError {
    match fault {
        Fault::WrongPassword(reason) => DriveError::WrongCredential(reason),
        Fault::PasswordMissing => DriveError::Missing("a password, which the server asks for,".to_owned()),
        other => DriveError::Protocol(other.to_string()),
    }
}

fn size(size: driver::DesktopSize) -> Size {
    Size { width: size.width, height: size.height }
}

fn buttons(down: driver::Buttons) -> Buttons {
    let has = |button| down & button == button;
    Buttons {
        left: has(driver::Buttons::LEFT),
        middle: has(driver::Buttons::MIDDLE),
        right: has(driver::Buttons::RIGHT),
        back: has(driver::Buttons::BACK),
        forward: has(driver::Buttons::FORWARD),
    }
}

fn area(area: Area) -> desktop::Area {
    desktop::Area { x: area.x, y: area.y, width: area.width, height: area.height }
}

fn change(change: Change) -> desktop::Change {
    match change {
        Change::Pixels { at, bytes } => desktop::Change::pixels(area(at), bytes),
        Change::Copy { from: (x, y), to } => desktop::Change::copy(desktop::Point { x, y }, area(to)),
        Change::Fill { at, colour } => desktop::Change::fill(area(at), colour),
    }
}

fn shape(shape: Shape) -> desktop::Shape {
    let Shape { size: Size { width, height }, hot: (x, y), bytes } = shape;
    desktop::Shape { size: desktop::Size { width, height }, hot: desktop::Point { x, y }, bytes }
}
