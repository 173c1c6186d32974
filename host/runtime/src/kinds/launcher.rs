//! Launchers: a connection in, a checked session plan out, whatever version of the interface a launcher was built for.
//!
//! Never opens anything, and never sees a secret but the ones that the person typed for this plugin, which go past it to
//! the caller, and those that the plugin was granted to read.

use std::sync::Arc;

use ostler_core::{LaunchRequest, SecretBytes, SecretInjector, SessionPlan, SlotName};
use wasmtime::Store;
use wasmtime::component::InstancePre;

use super::launcher_0_1::{self, wit};
use super::{launcher_0_2, launcher_convert as convert};
use crate::PluginError;
use crate::instance::{Budget, Call, State, within};
use crate::plugin::Loaded;

/// A linked launcher, ready to be instantiated.
pub(crate) enum LauncherPre {
    V0_1(launcher_0_1::Pre),
    V0_2(launcher_0_2::Pre),
}

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

impl LauncherPre {
    /// Takes the newest version of the interface that the component exports.
    pub(crate) fn new(pre: InstancePre<State>) -> wasmtime::Result<Self> {
        if pre.component().get_export_index(None, launcher_0_2::INTERFACE).is_some() {
            launcher_0_2::Pre::new(pre).map(Self::V0_2)
        } else {
            launcher_0_1::Pre::new(pre).map(Self::V0_1)
        }
    }

    async fn describe(&self, store: &mut Store<State>) -> wasmtime::Result<Vec<wit::KindInfo>> {
        match self {
            Self::V0_1(pre) => launcher_0_1::describe(pre, store).await,
            Self::V0_2(pre) => launcher_0_2::describe(pre, store).await,
        }
    }

    async fn plan(
        &self,
        store: &mut Store<State>,
        request: &LaunchRequest,
    ) -> wasmtime::Result<Result<wit::SessionPlan, wit::PlanError>> {
        match self {
            Self::V0_1(pre) => launcher_0_1::plan(pre, store, request).await,
            Self::V0_2(pre) => launcher_0_2::plan(pre, store, request).await,
        }
    }
}

pub(crate) async fn kinds(loaded: &Loaded, pre: &LauncherPre) -> Result<Vec<LauncherKind>, PluginError> {
    let budget = Budget { name: "describing time", time: loaded.limits.detect_time };
    let mut call = Call::begin(loaded, budget).await;
    let (waits, allowance) = (call.waits(), call.allowance());
    let described = Box::pin(within(allowance, &waits, pre.describe(&mut call.store))).await;
    convert::kinds(call.end(described)?)
}

pub(crate) async fn plan(
    loaded: &Loaded,
    pre: &LauncherPre,
    request: &LaunchRequest,
    secrets: Option<&Arc<dyn SecretInjector>>,
) -> Result<PlanOutcome, PluginError> {
    let offered = &request.credential.slots;
    let budget = Budget { name: "planning time", time: loaded.limits.plan_time };
    let mut call = Call::begin_with(loaded, offered, budget, secrets).await;
    let (waits, allowance) = (call.waits(), call.allowance());
    let planned = Box::pin(within(allowance, &waits, pre.plan(&mut call.store, request))).await;
    let planned = call.end(planned)?.map_err(|no| PluginError::Said(convert::said(no)))?;
    let plan = convert::plan_from_wit(planned).map_err(PluginError::BadPlan)?;
    plan.check().map_err(PluginError::BadPlan)?;
    let prompted = call.store.data_mut().capabilities.prompt.take_prompted();
    let prompted_slots: Vec<&SlotName> = prompted.iter().map(|(slot, _)| slot).collect();
    loaded.capabilities.secrets.check_named(&plan, offered, &prompted_slots)?;
    Ok(PlanOutcome { plan, prompted })
}
