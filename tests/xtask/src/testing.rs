//! Testing: what the tests need, then `cargo test` over the whole workspace, or the kills alone.

use crate::building::{self, BUNDLED_PLUGINS, Beside};
use crate::tools;
use crate::workspace::{Workspace, run};

/// Runs every test.
pub(crate) fn test(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    tools::install(workspace, &tools::OF_TESTS)?;
    let player = tools::asciinema_player(workspace)?;
    tools::ocsf_models(workspace, &player)?;
    tools::componentize(workspace, &player)?;
    let built = building::build(workspace, false, Beside::Tests)?;
    let guests = building::guests(workspace)?;
    let mut command = workspace.cargo();
    command
        .args(["test", "--workspace", "--no-fail-fast"])
        // The same value as in the build, or the programs would be built again without their plugins.
        .env(BUNDLED_PLUGINS, &built.plugins)
        .env("OSTLER_GUESTS_DIR", &guests)
        .env("OSTLER_PROGRAM", &built.program)
        .env("OSTLER_TEST_TOOLS", player);
    run(command.args(arguments))
}

/// Kills the program so many times in each kind of write.
pub(crate) fn soak_faults(workspace: &Workspace, kills: u64, seed: Option<u64>) -> anyhow::Result<()> {
    tools::install(workspace, &tools::OF_TESTS)?;
    let built = building::build(workspace, false, Beside::Nothing)?;
    let mut command = workspace.cargo();
    command
        .args(["test", "--workspace", "--test", "faults", "kills::", "--", "--nocapture"])
        .env(BUNDLED_PLUGINS, &built.plugins)
        .env("OSTLER_PROGRAM", &built.program)
        .env("OSTLER_KILLS", kills.to_string());
    if let Some(seed) = seed {
        command.env("OSTLER_SEED", seed.to_string());
    }
    run(&mut command)
}
