//! Launchers that were built for `ostler:launcher` 0.1: they get the part of a request that this version has.
//!
//! Plans and refusals are still those of this version; later ones use its types. Checks nothing that it is told.

use ostler_core::LaunchRequest;
use wasmtime::Store;

use super::launcher_convert::run_to_wit;
use crate::capabilities::{setting_to_wit, slot_to_wit};
use crate::instance::State;

pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        world: "ostler:launcher/launcher-plugin@0.1.0",
        path: ["../../plugin-api/wit/types-0.1.0", "../../plugin-api/wit/launcher-0.1.0"],
        with: { "ostler:types": crate::capabilities::ostler::types },
        exports: { default: async },
    });
}

use bindings::LauncherPluginPre;
pub(super) use bindings::ostler::launcher::types as wit;

/// A linked launcher of this version.
pub(crate) type Pre = LauncherPluginPre<State>;

pub(super) async fn describe(pre: &Pre, store: &mut Store<State>) -> wasmtime::Result<Vec<wit::KindInfo>> {
    let plugin = pre.instantiate_async(&mut *store).await?;
    plugin.ostler_launcher_launcher().call_describe(store).await
}

pub(super) async fn plan(
    pre: &Pre,
    store: &mut Store<State>,
    request: &LaunchRequest,
) -> wasmtime::Result<Result<wit::SessionPlan, wit::PlanError>> {
    let request = request_to_wit(request);
    let plugin = pre.instantiate_async(&mut *store).await?;
    plugin.ostler_launcher_launcher().call_plan(store, &request).await
}

fn request_to_wit(request: &LaunchRequest) -> wit::LaunchRequest {
    let credential = &request.credential;
    wit::LaunchRequest {
        connection_id: request.connection.to_string(),
        name: request.name.clone(),
        kind: request.kind.clone(),
        host: request.host.clone(),
        port: request.port,
        settings: request.settings.0.iter().map(|(key, value)| setting_to_wit(key, value)).collect(),
        credential: wit::CredentialDescription {
            user: credential.user.clone(),
            domain: credential.domain.clone(),
            slots: credential.slots.iter().filter_map(slot_to_wit).collect(),
        },
        run: run_to_wit(&request.run),
    }
}
