//! A launcher that calls `use-slots` though its manifest does not ask for `secrets.use`.

wit_bindgen::generate!({
    inline: "
        package test:slots-unasked;

        world slots-unasked {
            import ostler:secrets/use-slots@0.1.0;
            export ostler:launcher/launcher@0.1.0;
        }
    ",
    path: [
        "../../../plugin-api/wit/types-0.1.0",
        "../../../plugin-api/wit/secrets-0.1.0",
        "../../../plugin-api/wit/launcher-0.1.0",
    ],
    generate_all,
});

use exports::ostler::launcher::launcher::Guest;
use ostler::launcher::types::{KindInfo, LaunchRequest, PlanError, SessionPlan};
use ostler::secrets::use_slots;

#[unsafe(link_section = "ostler:plugin.toml")]
#[used]
static MANIFEST: [u8; include_bytes!("../plugin.toml").len()] = *include_bytes!("../plugin.toml");

struct SlotsUnasked;

export!(SlotsUnasked);

impl Guest for SlotsUnasked {
    fn describe() -> Vec<KindInfo> {
        Vec::new()
    }

    fn plan(_: LaunchRequest) -> Result<SessionPlan, PlanError> {
        Err(PlanError::Unsupported(format!("{:?}", use_slots::slots())))
    }
}
