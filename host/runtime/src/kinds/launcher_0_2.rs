//! Launchers that were built for `ostler:launcher` 0.2: the whole request, with plans and refusals as in 0.1.
//!
//! Checks nothing that it is told.

use ostler_core::LaunchRequest;
use wasmtime::Store;

use super::launcher_0_1::wit as shared;
use super::launcher_convert::run_to_wit;
use crate::capabilities::setting_to_wit;
use crate::instance::State;

mod bindings {
    wasmtime::component::bindgen!({
        world: "ostler:launcher/launcher-plugin@0.2.0",
        path: [
            "../../plugin-api/wit/types-0.1.0",
            "../../plugin-api/wit/launcher-0.1.0",
            "../../plugin-api/wit/launcher-0.2.0",
        ],
        with: {
            "ostler:types": crate::capabilities::ostler::types,
            "ostler:launcher/types@0.1.0": crate::kinds::launcher_0_1::bindings::ostler::launcher::types,
        },
        exports: { default: async },
    });
}

use bindings::ostler::launcher0_2_0::types as wit;

/// The interface that tells this version.
pub(super) const INTERFACE: &str = "ostler:launcher/launcher@0.2.0";

/// A linked launcher of this version.
pub(crate) type Pre = bindings::LauncherPluginPre<State>;

pub(super) async fn describe(pre: &Pre, store: &mut Store<State>) -> wasmtime::Result<Vec<shared::KindInfo>> {
    let plugin = pre.instantiate_async(&mut *store).await?;
    plugin.ostler_launcher0_2_0_launcher().call_describe(store).await
}

pub(super) async fn plan(
    pre: &Pre,
    store: &mut Store<State>,
    request: &LaunchRequest,
) -> wasmtime::Result<Result<shared::SessionPlan, shared::PlanError>> {
    let request = request_to_wit(request);
    let plugin = pre.instantiate_async(&mut *store).await?;
    plugin.ostler_launcher0_2_0_launcher().call_plan(store, &request).await
}

fn request_to_wit(request: &LaunchRequest) -> wit::LaunchRequest {
    let credential = &request.credential;
    let slot = |slot: &ostler_core::SlotDescription| wit::Slot {
        name: slot.name.to_string(),
        field: slot.field.name().to_owned(),
    };
    wit::LaunchRequest {
        connection_id: request.connection.to_string(),
        name: request.name.clone(),
        kind: request.kind.clone(),
        host: request.host.clone(),
        port: request.port,
        folder: request.folder.clone(),
        tags: request.tags.clone(),
        custom_fields: request.custom_fields.clone().into_iter().collect(),
        settings: request.settings.0.iter().map(|(key, value)| setting_to_wit(key, value)).collect(),
        credential: wit::CredentialDescription {
            user: credential.user.clone(),
            domain: credential.domain.clone(),
            slots: credential.slots.iter().map(slot).collect(),
        },
        run: run_to_wit(&request.run),
        terminal: request.terminal.map(|size| wit::TerminalSize { columns: size.columns, rows: size.rows }),
    }
}
