//! A launcher that speaks Telnet itself, on the host's wire and terminal.
//!
//! It logs in by the server's questions; the password is sent by the host, and this plugin never reads it. In the clear, as Telnet
//! is, unless the setting `telnet.tls` asks for TLS. Settings are in the README.

pub mod login;
pub mod protocol;

use ostler_sdk::driver::{DriveError, DriveRequest, Driver, EndReason, Event, Surface, next_event};
use ostler_sdk::launcher::{
    DrivenPlan, DrivenSurface, KindInfo, LaunchRequest, Launcher, PlanError, RunRequest, SessionPlan,
};
use ostler_sdk::net::{NetError, TlsOptions, Wire};
use ostler_sdk::types::Endpoint;
use ostler_sdk::{net, secrets, terminal};

use crate::login::{Answer, Login};
use crate::protocol::{Client, Telnet};

/// The end of the line that answers a question.
const ENTER: &[u8] = b"\r\0";

/// The type of connection.
const KIND: &str = "telnet";

/// The plugin.
pub struct TelnetLauncher;

ostler_sdk::export_plugin!(TelnetLauncher, kinds: [launcher, driver]);

impl Launcher for TelnetLauncher {
    fn describe() -> Vec<KindInfo> {
        vec![KindInfo::new(KIND, "Telnet", 23)]
    }

    fn plan(request: LaunchRequest) -> Result<SessionPlan, PlanError> {
        if request.kind != KIND {
            return Err(PlanError::Unsupported(format!(
                "this launcher opens '{KIND}', not '{}'",
                request.kind
            )));
        }
        if request.host.is_empty() {
            return Err(PlanError::Missing("a host".to_owned()));
        }
        if let RunRequest::Command(_) = request.run {
            return Err(PlanError::Unsupported("Telnet runs no single commands".to_owned()));
        }
        for key in ["telnet.login-prompt", "telnet.password-prompt", "telnet.tls-pin"] {
            request.text(key)?;
        }
        request.flag("telnet.tls")?;
        let target = Endpoint::new(&request.host, request.port);
        Ok(DrivenPlan { target, surface: DrivenSurface::Terminal }.into())
    }
}

impl Driver for TelnetLauncher {
    fn drive(request: DriveRequest) -> Result<EndReason, DriveError> {
        let mut session = Session::open(&request)?;
        loop {
            let went_on = match next_event(None) {
                Event::Readable(_) => session.read()?,
                Event::Input(bytes) => session.input(&bytes),
                Event::ResizeTerminal(size) => {
                    let sent = session.telnet.resize(size.columns, size.rows);
                    session.write(&sent)
                }
                Event::Close => return Ok(EndReason::ClosedHere),
                _ => Ok(()),
            };
            if let Err(end) = went_on {
                return Ok(end);
            }
        }
    }
}

/// An open session.
struct Session<'a> {
    request: &'a DriveRequest,
    wire: Wire,
    telnet: Telnet,
    login: Login,
}

impl<'a> Session<'a> {
    fn open(request: &'a DriveRequest) -> Result<Self, DriveError> {
        let size = match request.surface {
            Surface::Terminal(size) => (size.columns, size.rows),
            Surface::Desktop(_) => return Err(DriveError::Protocol("Telnet shows a terminal".to_owned())),
        };
        let (user, password) = (request.user.as_deref(), request.slot("password"));
        let prompt = |key, usual| Ok::<_, DriveError>(request.text(key)?.unwrap_or(usual));
        let login = Login::new(
            user.map(|_| prompt("telnet.login-prompt", "login:")).transpose()?,
            password.map(|_| prompt("telnet.password-prompt", "password:")).transpose()?,
        );
        let wire = net::connect(&request.target)?;
        if request.flag("telnet.tls")?.unwrap_or(false) {
            let pin = request.text("telnet.tls-pin")?.map(str::to_owned);
            wire.upgrade_tls(&TlsOptions { server_name: None, pin })?;
        }
        let telnet = Telnet::new(Client {
            terminal_type: request.terminal_type.clone(),
            size,
            user: request.user.clone(),
        });
        Ok(Self { request, wire, telnet, login })
    }

    /// Takes what the server sent: shows it, answers its commands, and its questions.
    fn read(&mut self) -> Result<Result<(), EndReason>, DriveError> {
        let bytes = match self.wire.read(65_536) {
            Ok(bytes) if bytes.is_empty() => return Ok(Err(EndReason::ClosedByServer(String::new()))),
            Ok(bytes) => bytes,
            Err(error) => return Ok(Err(lost(&error))),
        };
        let taken = self.telnet.take(&bytes);
        if let Err(end) = self.write(&taken.reply) {
            return Ok(Err(end));
        }
        if !taken.show.is_empty() {
            terminal::show(&taken.show)?;
        }
        match self.login.look(&taken.show) {
            None => Ok(Ok(())),
            Some(Answer::User) => {
                let user = self.request.user.clone().unwrap_or_default();
                let line = [self.telnet.typed(user.as_bytes()).as_slice(), ENTER].concat();
                Ok(self.write(&line))
            }
            Some(Answer::Password) => {
                if let Some(slot) = self.request.slot("password") {
                    secrets::send(slot, &self.wire, ENTER)?;
                }
                Ok(Ok(()))
            }
        }
    }

    fn input(&mut self, bytes: &[u8]) -> Result<(), EndReason> {
        self.login.give_up();
        let sent = self.telnet.typed(bytes);
        self.write(&sent)
    }

    fn write(&self, bytes: &[u8]) -> Result<(), EndReason> {
        if bytes.is_empty() { Ok(()) } else { self.wire.write(bytes).map_err(|error| lost(&error)) }
    }
}

fn lost(error: &NetError) -> EndReason {
    EndReason::Lost(error.reason().to_owned())
}
