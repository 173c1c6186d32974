//! What the caller does: the setting `do` of the connection names a function, `times` says how often it is called. The answer is
//! the number of calls that were answered with a value.

wit_bindgen::generate!({
    inline: "
        package test:caller;

        world caller {
            import ostler:storage/storage@0.1.0;
            import ostler:settings/settings@0.1.0;
            import ostler:secrets/use-slots@0.2.0;
            import ostler:clock/clock@0.1.0;
            import ostler:connections/read@0.1.0;
            import ostler:recording/read@0.1.0;
            import ostler:events/events@0.1.0;
            export ostler:launcher/launcher@0.1.0;
        }
    ",
    path: [
        "../../../plugin-api/wit/types-0.1.0",
        "../../../plugin-api/wit/storage-0.1.0",
        "../../../plugin-api/wit/settings-0.1.0",
        "../../../plugin-api/wit/net-0.1.0",
        "../../../plugin-api/wit/secrets-0.2.0",
        "../../../plugin-api/wit/clock-0.1.0",
        "../../../plugin-api/wit/connections-0.1.0",
        "../../../plugin-api/wit/recording-0.1.0",
        "../../../plugin-api/wit/events-0.1.0",
        "../../../plugin-api/wit/launcher-0.1.0",
    ],
    generate_all,
});

use exports::ostler::launcher::launcher::Guest;
use ostler::clock::clock;
use ostler::connections::read as connections;
use ostler::events::events;
use ostler::launcher::types::{KindInfo, LaunchRequest, PlanError, SessionPlan};
use ostler::recording::read as recordings;
use ostler::secrets::use_slots;
use ostler::settings::settings;
use ostler::storage::storage;
use ostler::types::types::SettingValue;

#[unsafe(link_section = "ostler:plugin.toml")]
#[used]
static MANIFEST: [u8; include_bytes!("../plugin.toml").len()] = *include_bytes!("../plugin.toml");

struct Caller;

export!(Caller);

/// An id that no connection has.
const NOBODY: &str = "00000000000000000000000000000000";

impl Guest for Caller {
    fn describe() -> Vec<KindInfo> {
        Vec::new()
    }

    fn plan(request: LaunchRequest) -> Result<SessionPlan, PlanError> {
        let text = |key: &str| {
            request.settings.iter().find(|setting| setting.key == key).and_then(|setting| {
                match &setting.value {
                    SettingValue::Text(text) => Some(text.as_str()),
                    _ => None,
                }
            })
        };
        let times = text("times").and_then(|times| times.parse().ok()).unwrap_or(1);
        let answered = |call: &dyn Fn() -> bool| (0..times).filter(|_| call()).count();
        let all = || recordings::Filter {
            under: String::new(),
            connection: None,
            since_micros: None,
            until_micros: None,
        };
        let answered = match text("do").unwrap_or_default() {
            "storage" => answered(&|| storage::get("k").is_ok()),
            "settings" => answered(&|| settings::get("k").is_ok()),
            "secrets" => answered(&|| use_slots::slots().is_ok()),
            "clock" => answered(&|| clock::now().is_ok()),
            "connections" => answered(&|| connections::get_connection(NOBODY).is_ok()),
            "recordings" => answered(&|| recordings::list_recordings(&all(), None).is_ok()),
            "events" => answered(&|| events::latest().is_ok()),
            _ => 0,
        };
        Err(PlanError::Unsupported(answered.to_string()))
    }
}
