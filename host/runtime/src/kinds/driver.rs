//! Drivers: a launcher that carries out a session itself, one event at a time.
//!
//! A drive is one call of one instance, for as long as the session lasts. What it computes is bounded from event to event, since it
//! may last for days. It shows and sends only through capabilities, so everything is recorded; it sees names of slots only.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ostler_core::{
    DriveRequest, DrivenSurface, EndReason, Endpoint, Exit, PointerButtons, SecretInjector, SessionEnd,
    SessionEvent, SessionInput,
};
use tokio::sync::mpsc;
use wasmtime::component::{HasData, Linker};

use crate::capabilities::{net, setting_to_wit};
use crate::instance::{Budget, Call, Computing, State, Waits, within};
use crate::plugin::Loaded;
use crate::{PluginError, text};

mod bindings {
    wasmtime::component::bindgen!({
        world: "ostler:driver/driver-plugin",
        path: ["../../plugin-api/wit/types-0.1.0", "../../plugin-api/wit/driver-0.1.0"],
        with: { "ostler:types": crate::capabilities::ostler::types },
        imports: { default: async },
        exports: { default: async },
    });
}

use bindings::ostler::driver::events;
use bindings::ostler::driver::types as wit;

/// A linked driver, ready to be instantiated.
pub(crate) type DriverPre = bindings::DriverPluginPre<State>;

/// The interface that a launcher exports beside its own, to drive sessions.
pub(crate) const INTERFACE: &str = "ostler:driver/driver";

/// Both ends of a driven session, and what it may use.
pub struct DriveLink {
    /// What the user does.
    pub input: mpsc::Receiver<SessionInput>,
    /// Where what the session shows goes; a full queue makes the plugin wait.
    pub output: mpsc::Sender<SessionEvent>,
    /// Opens slots for the places that their sinks allow.
    pub secrets: Arc<dyn SecretInjector>,
}

/// Why a driven session did not open, in the plugin's words where it has any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DriveFailure {
    /// The target could not be reached.
    Unreachable(String),
    /// The server did not accept the credential.
    WrongCredential(String),
    /// The server speaks in a way that can't be understood.
    Protocol(String),
    /// Something else: what is missing, a bad setting, what the host refused.
    Other(String),
}

/// What capabilities know of the session that a call drives.
pub(crate) struct DriveContext {
    pub(crate) target: Endpoint,
    /// The protocol of the sinks of its secrets.
    pub(crate) protocol: String,
    /// What the session shows.
    pub(crate) surface: DrivenSurface,
    pub(crate) output: mpsc::Sender<SessionEvent>,
    pub(crate) secrets: Arc<dyn SecretInjector>,
}

/// What happens to the session: empty but while `drive` runs.
#[derive(Default)]
pub(crate) struct EventsSlot(Option<Inputs>);

struct Inputs {
    input: mpsc::Receiver<SessionInput>,
    closing: bool,
    waits: Arc<Waits>,
}

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    events::add_to_linker::<State, Access>(linker, |state| View {
        events: &mut state.events,
        net: &mut state.capabilities.net,
        computing: &mut state.computing,
    })
}

struct Access;

impl HasData for Access {
    type Data<'a> = View<'a>;
}

struct View<'a> {
    events: &'a mut EventsSlot,
    net: &'a mut net::Instance,
    computing: &'a mut Computing,
}

impl events::Host for View<'_> {
    async fn next_event(&mut self, timeout: Option<u32>) -> wit::Event {
        let Some(inputs) = &mut self.events.0 else { return wit::Event::Close };
        if inputs.closing {
            return wit::Event::Close;
        }
        self.computing.renew();
        inputs.waits.renew();
        let waits = Arc::clone(&inputs.waits);
        let _waiting = waits.begin();
        let next = std::future::poll_fn(|context| {
            // What the user does comes first: a server that floods must not keep the session from being closed.
            if let Poll::Ready(input) = inputs.input.poll_recv(context) {
                return Poll::Ready(event(input));
            }
            self.net.poll_readable(context).map(wit::Event::Readable)
        });
        let event = match timeout.map(u64::from).map(Duration::from_millis) {
            None => next.await,
            Some(timeout) => tokio::time::timeout(timeout, next).await.unwrap_or(wit::Event::Timeout),
        };
        inputs.closing = matches!(event, wit::Event::Close);
        event
    }
}

fn event(input: Option<SessionInput>) -> wit::Event {
    match input {
        Some(SessionInput::Bytes(bytes)) => wit::Event::Input(bytes),
        Some(SessionInput::EndOfInput) => wit::Event::EndOfInput,
        Some(SessionInput::Resize(size)) => {
            wit::Event::ResizeTerminal(wit::TerminalSize { columns: size.columns, rows: size.rows })
        }
        Some(SessionInput::ResizeDesktop(size)) => {
            wit::Event::ResizeDesktop(wit::DesktopSize { width: size.width, height: size.height })
        }
        Some(SessionInput::Pointer(pointer)) => wit::Event::Pointer(wit::Pointer {
            at: wit::Point { x: pointer.at.x, y: pointer.at.y },
            buttons: buttons(pointer.buttons),
            wheel_x: pointer.wheel_x,
            wheel_y: pointer.wheel_y,
        }),
        Some(SessionInput::Key(key)) => wit::Event::Key(wit::Key { keysym: key.keysym, down: key.down }),
        Some(SessionInput::Clipboard(text)) => wit::Event::Clipboard(text),
        // Whoever held the session is gone.
        Some(SessionInput::Close) | None => wit::Event::Close,
    }
}

fn buttons(down: PointerButtons) -> wit::Buttons {
    let pick = |down, button| if down { button } else { wit::Buttons::empty() };
    pick(down.left, wit::Buttons::LEFT)
        | pick(down.middle, wit::Buttons::MIDDLE)
        | pick(down.right, wit::Buttons::RIGHT)
        | pick(down.back, wit::Buttons::BACK)
        | pick(down.forward, wit::Buttons::FORWARD)
}

pub(crate) async fn drive(
    loaded: &Loaded,
    pre: &DriverPre,
    request: &DriveRequest,
    link: DriveLink,
) -> Result<Result<SessionEnd, DriveFailure>, PluginError> {
    let context = Arc::new(DriveContext {
        target: request.target.clone(),
        protocol: request.kind.clone(),
        surface: request.surface,
        output: link.output,
        secrets: link.secrets,
    });
    let budget = Budget { name: "computing time of an event", time: loaded.limits.event_time };
    let mut call = Call::begin_drive(loaded, &request.slots, budget, &context).await;
    let (waits, allowance) = (call.waits(), call.allowance());
    let inputs = Inputs { input: link.input, closing: false, waits: call.waits() };
    call.store.data_mut().events = EventsSlot(Some(inputs));
    let request = request_to_wit(request);
    let driven = within(allowance, &waits, async {
        let plugin = pre.instantiate_async(&mut call.store).await?;
        plugin.ostler_driver_driver().call_drive(&mut call.store, &request).await
    });
    let driven = Box::pin(driven).await;
    Ok(call.end(driven)?.map(end).map_err(failure))
}

fn request_to_wit(request: &DriveRequest) -> wit::DriveRequest {
    let size = wit::TerminalSize { columns: request.terminal.columns, rows: request.terminal.rows };
    wit::DriveRequest {
        connection_id: request.connection.to_string(),
        name: request.name.clone(),
        kind: request.kind.clone(),
        target: wit::Endpoint { host: request.target.host.clone(), port: request.target.port },
        user: request.user.clone(),
        domain: request.domain.clone(),
        settings: request.settings.0.iter().map(|(key, value)| setting_to_wit(key, value)).collect(),
        slots: request
            .slots
            .iter()
            .map(|slot| wit::Slot { name: slot.name.to_string(), field: slot.field.name().to_owned() })
            .collect(),
        surface: match request.surface {
            DrivenSurface::Terminal => wit::Surface::Terminal(size),
            DrivenSurface::Desktop => wit::Surface::Desktop(None),
        },
        terminal_type: request.terminal_type.clone(),
    }
}

fn end(reason: wit::EndReason) -> SessionEnd {
    let (exit, reason) = match reason {
        wit::EndReason::Finished(status) => (status.map_or(Exit::Unknown, Exit::Status), EndReason::Finished),
        wit::EndReason::ClosedHere => (Exit::Unknown, EndReason::ClosedHere),
        wit::EndReason::ClosedByServer(words) => (Exit::Unknown, EndReason::ClosedByServer(said(&words))),
        wit::EndReason::Lost(words) => (Exit::Unknown, EndReason::ConnectionLost(said(&words))),
    };
    SessionEnd { exit, reason }
}

/// Cleans a plugin's words for showing.
fn said(words: &str) -> String {
    text::line(words, 1000).into_owned()
}

fn failure(error: wit::DriveError) -> DriveFailure {
    match error {
        wit::DriveError::Unreachable(words) => DriveFailure::Unreachable(said(&words)),
        wit::DriveError::WrongCredential(words) => DriveFailure::WrongCredential(said(&words)),
        wit::DriveError::Protocol(words) => DriveFailure::Protocol(said(&words)),
        wit::DriveError::Missing(words) => DriveFailure::Other(format!("{} is missing", said(&words))),
        wit::DriveError::BadSetting((key, reason)) => {
            DriveFailure::Other(format!("setting '{}': {}", said(&key), said(&reason)))
        }
        wit::DriveError::Refused(words) => DriveFailure::Other(said(&words)),
    }
}
