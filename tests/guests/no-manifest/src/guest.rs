//! A launcher whose file does not carry its manifest.

wit_bindgen::generate!({
    world: "ostler:launcher/launcher-plugin",
    path: ["../../../plugin-api/wit/types-0.1.0", "../../../plugin-api/wit/launcher-0.1.0"],
    generate_all,
});

use exports::ostler::launcher::launcher::Guest;
use ostler::launcher::types::{KindInfo, LaunchRequest, PlanError, SessionPlan};

struct NoManifest;

export!(NoManifest);

impl Guest for NoManifest {
    fn describe() -> Vec<KindInfo> {
        Vec::new()
    }

    fn plan(request: LaunchRequest) -> Result<SessionPlan, PlanError> {
        Err(PlanError::Unsupported(request.name))
    }
}
