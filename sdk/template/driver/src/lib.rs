//! Speaks a protocol itself: bytes of a wire, as they come.

use ostler_sdk::driver::{DriveError, DriveRequest, Driver, EndReason, Event, next_event};
use ostler_sdk::launcher::{
    DrivenPlan, DrivenSurface, KindInfo, LaunchRequest, Launcher, PlanError, SessionPlan,
};
use ostler_sdk::types::Endpoint;
use ostler_sdk::{net, terminal};

/// The plugin.
pub struct Plugin;
ostler_sdk::export_plugin!(Plugin, kinds: [launcher, driver]);

impl Launcher for Plugin {
    fn describe() -> Vec<KindInfo> {
        vec![KindInfo::new("PLUGIN_NAME", "PLUGIN_NAME", 23)]
    }

    fn plan(request: LaunchRequest) -> Result<SessionPlan, PlanError> {
        let target = Endpoint::new(&request.host, request.port);
        Ok(DrivenPlan { target, surface: DrivenSurface::Terminal }.into())
    }
}

impl Driver for Plugin {
    fn drive(request: DriveRequest) -> Result<EndReason, DriveError> {
        let wire = net::connect(&request.target)?;
        loop {
            match next_event(None) {
                Event::Readable(_) => {
                    let bytes = wire.read(65_536)?;
                    if bytes.is_empty() {
                        return Ok(EndReason::ClosedByServer(String::new()));
                    }
                    terminal::show(&bytes)?;
                }
                Event::Input(bytes) => wire.write(&bytes)?,
                Event::Close => return Ok(EndReason::ClosedHere),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_where_the_connection_does() {
        let Ok(SessionPlan::Driven(plan)) = Plugin::plan(LaunchRequest::new("PLUGIN_NAME", "a.example", 7)) else {
            panic!("it drives its sessions")
        };
        assert_eq!(plan.target, Endpoint::new("a.example", 7));
    }
}
