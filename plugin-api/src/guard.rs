//! Guards: the checks that refusals rest on, each with a name.
//!
//! A test of a refusal runs once more with its guard switched off and must then succeed: so it proves the guard, and not
//! some other fault on the way. Only builds with debug assertions can switch one off; there is no other way to.

/// One check that a refusal rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// A component imports only what its manifest asks for.
    Asked,
    /// A call uses only what is granted.
    Granted,
    /// The process of a native plugin is shut in.
    Confined,
    /// A name leads to no address that is closed.
    Address,
    /// A redirect takes no secret to another host.
    Redirect,
    /// A body is read only as far as a projection says.
    Projection,
    /// A secret goes only where its sinks allow.
    Sink,
    /// A call names only slots that it was offered.
    Offered,
    /// A secret goes only into a wire to the session's target.
    Wire,
    /// A server has the certificate that is pinned.
    Pin,
    /// A plugin and its capabilities are within the policy.
    Policy,
    /// What lies below a named folder is reached without a link that leads out of it.
    Contained,
    /// A plugin sets no variable by which a program loads other code.
    Variable,
    /// A call's parameter (host, folder, program, file) is within the scopes of the grant.
    Scope,
}

/// Which guards are on: all of them, but in a test that proves one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Guards {
    #[cfg(debug_assertions)]
    off: u64,
}

impl Guards {
    /// Tells whether a guard is on.
    #[must_use]
    #[cfg(debug_assertions)]
    pub const fn on(self, guard: Guard) -> bool {
        self.off & (1 << guard as u64) == 0
    }

    /// Tells whether a guard is on: always, in this build.
    #[must_use]
    #[cfg(not(debug_assertions))]
    pub const fn on(self, _: Guard) -> bool {
        true
    }

    /// Switches a guard off, for the test that proves it.
    #[must_use]
    #[cfg(debug_assertions)]
    pub const fn without(self, guard: Guard) -> Self {
        Self { off: self.off | (1 << guard as u64) }
    }
}
