//! A launcher that opens a TCP connection by itself.

wit_bindgen::generate!({
    world: "ostler:launcher/launcher-plugin",
    path: ["../../../plugin-api/wit/types-0.1.0", "../../../plugin-api/wit/launcher-0.1.0"],
    generate_all,
});

use exports::ostler::launcher::launcher::Guest;
use ostler::launcher::types::{KindInfo, LaunchRequest, PlanError, SessionPlan};

#[unsafe(link_section = "ostler:plugin.toml")]
#[used]
static MANIFEST: [u8; include_bytes!("../plugin.toml").len()] = *include_bytes!("../plugin.toml");

struct Sockets;

export!(Sockets);

impl Guest for Sockets {
    fn describe() -> Vec<KindInfo> {
        Vec::new()
    }

    fn plan(request: LaunchRequest) -> Result<SessionPlan, PlanError> {
        let stream = std::net::TcpStream::connect((request.host, request.port));
        Err(PlanError::Unsupported(format!("{stream:?}")))
    }
}
