//! Launchers: a connection in, a checked session plan out.
//!
//! Never opens anything, and never sees a secret but the ones that the person typed for this plugin, which go past it to
//! the caller.

use ostler_core::{LaunchRequest, SecretBytes, SessionPlan, SlotName};

use super::launcher_convert as convert;
use crate::PluginError;
use crate::instance::{Budget, Call, State, within};
use crate::plugin::Loaded;

mod bindings {
    wasmtime::component::bindgen!({
        world: "ostler:launcher/launcher-plugin",
        path: ["../../plugin-api/wit/types-0.1.0", "../../plugin-api/wit/launcher-0.1.0"],
        with: { "ostler:types": crate::capabilities::ostler::types },
        exports: { default: async },
    });
}

pub(super) use bindings::exports::ostler::launcher::launcher as export;
pub(super) use bindings::ostler::launcher::types as wit;

/// A linked launcher, ready to be instantiated.
pub(crate) type LauncherPre = bindings::LauncherPluginPre<State>;

/// One type of connection that a launcher opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LauncherKind {
    /// The type, such as `ssh`.
    pub kind: String,
    /// Its name for people.
    pub title: String,
    /// The port of a connection that names none; 0 where the type has no port.
    pub default_port: u16,
}

/// What came of planning.
#[derive(Debug)]
pub struct PlanOutcome {
    /// The plan, checked.
    pub plan: SessionPlan,
    /// Passwords that the person entered while the launcher planned, under the slots that the plan may name.
    pub prompted: Vec<(SlotName, SecretBytes)>,
}

pub(crate) async fn kinds(loaded: &Loaded, pre: &LauncherPre) -> Result<Vec<LauncherKind>, PluginError> {
    let budget = Budget { name: "describing time", time: loaded.limits.detect_time };
    let mut call = Call::begin(loaded, &[], budget).await;
    let (waits, allowance) = (call.waits(), call.allowance());
    let described = within(allowance, &waits, async {
        let plugin = pre.instantiate_async(&mut call.store).await?;
        plugin.ostler_launcher_launcher().call_describe(&mut call.store).await
    });
    let described = Box::pin(described).await;
    convert::kinds(call.end(described)?)
}

pub(crate) async fn plan(
    loaded: &Loaded,
    pre: &LauncherPre,
    request: &LaunchRequest,
) -> Result<PlanOutcome, PluginError> {
    let offered = &request.credential.slots;
    let budget = Budget { name: "planning time", time: loaded.limits.plan_time };
    let mut call = Call::begin(loaded, offered, budget).await;
    let (waits, allowance) = (call.waits(), call.allowance());
    let request = convert::request_to_wit(request);
    let planned = within(allowance, &waits, async {
        let plugin = pre.instantiate_async(&mut call.store).await?;
        plugin.ostler_launcher_launcher().call_plan(&mut call.store, &request).await
    });
    let planned = Box::pin(planned).await;
    let planned = call.end(planned)?.map_err(|no| PluginError::Said(convert::said(no)))?;
    let plan = convert::plan_from_wit(planned).map_err(PluginError::BadPlan)?;
    plan.check().map_err(PluginError::BadPlan)?;
    let prompted = call.store.data_mut().capabilities.prompt.take_prompted();
    let prompted_slots: Vec<&SlotName> = prompted.iter().map(|(slot, _)| slot).collect();
    loaded.capabilities.secrets.check_named(&plan, offered, &prompted_slots)?;
    Ok(PlanOutcome { plan, prompted })
}
