//! Testing: what the tests need, then `cargo test` over the whole workspace.

use crate::building::{self, BUNDLED_PLUGINS, Beside};
use crate::tools;
use crate::workspace::{Workspace, run};

/// Runs every test.
pub(crate) fn test(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    tools::install(workspace)?;
    let player = tools::asciinema_player(workspace)?;
    let built = building::build(workspace, false, Beside::Tests)?;
    let guests = building::components(workspace, "tests/guests", "guests")?;
    let mut command = workspace.cargo();
    command
        .args(["test", "--workspace", "--no-fail-fast"])
        // The same value as in the build, or the programs would be built again without their plugins.
        .env(BUNDLED_PLUGINS, &built.plugins)
        .env("OSTLER_GUESTS_DIR", &guests)
        .env("OSTLER_PROGRAM", &built.program);
    if let Some(player) = player {
        command.env("OSTLER_TEST_TOOLS", player);
    }
    run(command.args(arguments))
}
