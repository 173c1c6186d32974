//! The closed list of what is worth an event: each class with its name, its place in OCSF, its severity and its fields.
//!
//! This is the one place to add a class. The guide's table (`host/guide/audit-events.md`) is compared with it by a test. Once
//! released, a name is never given another meaning, and fields are added, never taken away.

use crate::Outcome;

/// How much an event should trouble an administrator, with OCSF's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Daily work.
    Informational = 1,
    /// Worth a look when something else is wrong.
    Low = 2,
    /// Worth a look by itself.
    Medium = 3,
    /// Somebody should look today.
    High = 4,
    /// Somebody should look now.
    Critical = 5,
}

impl Severity {
    /// Returns OCSF's `severity_id`.
    #[must_use]
    pub const fn id(self) -> u8 {
        self as u8
    }

    /// Returns OCSF's word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Informational => "Informational",
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
            Self::Critical => "Critical",
        }
    }
}

/// The classes of OCSF 1.3.0 that events are exported as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OcsfClass {
    /// Base Event: fits nowhere else.
    BaseEvent,
    /// Event Log Activity.
    EventLog,
    /// Account Change.
    AccountChange,
    /// Authentication.
    Authentication,
    /// Authorize Session.
    AuthorizeSession,
    /// Entity Management.
    EntityManagement,
    /// User Access Management.
    UserAccess,
    /// SSH Activity; Network Activity where the session's protocol is another.
    SshActivity,
    /// Application Lifecycle.
    ApplicationLifecycle,
    /// API Activity.
    ApiActivity,
    /// Datastore Activity.
    DatastoreActivity,
}

impl OcsfClass {
    /// Returns OCSF's `class_uid`.
    #[must_use]
    pub const fn uid(self) -> u32 {
        match self {
            Self::BaseEvent => 0,
            Self::EventLog => 1008,
            Self::AccountChange => 3001,
            Self::Authentication => 3002,
            Self::AuthorizeSession => 3003,
            Self::EntityManagement => 3004,
            Self::UserAccess => 3005,
            Self::SshActivity => 4007,
            Self::ApplicationLifecycle => 6002,
            Self::ApiActivity => 6003,
            Self::DatastoreActivity => 6005,
        }
    }
}

/// What is known of a class of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassSpec {
    /// Its name in the log, such as `session.start`.
    pub name: &'static str,
    /// What it means, in a sentence.
    pub meaning: &'static str,
    /// What it is in OCSF.
    pub ocsf: OcsfClass,
    /// OCSF's `activity_id` in that class; 99 is 'other'.
    pub activity: u8,
    /// How much a success of it should trouble an administrator.
    pub severity: Severity,
    /// The fields of [`AuditEvent`](crate::AuditEvent) and the names of the details that it may have, besides those that
    /// every event has: class, outcome, reason and actor.
    pub fields: &'static [&'static str],
}

macro_rules! classes {
    ($(
        #[doc = $meaning:literal]
        $class:ident = $name:literal, $ocsf:ident $activity:literal, $severity:ident, [$($field:literal),*];
    )*) => {
        /// What happened. The list is closed: what is not here is not written.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventClass {
            $(#[doc = $meaning] $class,)*
        }

        impl EventClass {
            /// Every class, in the order of the guide.
            pub const ALL: &[Self] = &[$(Self::$class),*];

            /// Returns what is known of the class.
            #[must_use]
            pub const fn spec(self) -> ClassSpec {
                match self {
                    $(Self::$class => ClassSpec {
                        name: $name,
                        meaning: $meaning.trim_ascii(),
                        ocsf: OcsfClass::$ocsf,
                        activity: $activity,
                        severity: Severity::$severity,
                        fields: &[$($field),*],
                    },)*
                }
            }
        }
    };
}

classes! {
    /// A process holds the store unlocked for other processes of the user.
    HostServe = "host.serve", ApplicationLifecycle 3, Informational, ["for", "idle"];
    /// A process that held the store for others has ended.
    HostStop = "host.stop", ApplicationLifecycle 4, Informational, [];
    /// The clock was set, or differs from what earlier events say.
    HostClockStep = "host.clock-step", BaseEvent 99, Medium, ["by-seconds", "seen-by"];

    /// A store was created.
    VaultCreate = "vault.create", DatastoreActivity 6, Low, ["key-derivation", "key-file"];
    /// The store was unlocked, or somebody tried.
    VaultUnlock = "vault.unlock", Authentication 1, Informational, ["means", "version"];
    /// The store was locked.
    VaultLock = "vault.lock", Authentication 2, Informational, ["how"];
    /// Secrets were stored.
    VaultPut = "vault.put", DatastoreActivity 5, Informational, ["connection", "count", "plugin"];
    /// Secrets were removed.
    VaultDelete = "vault.delete", DatastoreActivity 7, Informational, ["connection", "count", "plugin"];
    /// A secret goes to the place that its sink names.
    SecretInject = "secret.inject", DatastoreActivity 10, Informational,
        ["connection", "session", "target", "slot", "field", "protocol"];
    /// A credential was acquired from a credential source for a session.
    CredentialAcquire = "credential.acquire", DatastoreActivity 1, Low, ["session", "connection", "plugin", "entry"];
    /// A plugin is about to read a secret.
    SecretReveal = "secret.reveal", DatastoreActivity 1, Medium, ["plugin", "connection", "session", "slot"];
    /// A file's entries were put into the store.
    Import = "import", EntityManagement 1, Informational,
        ["plugin", "file", "created", "updated", "not-imported"];
    /// Connections were written to a file, with so many secrets in clear text.
    Export = "export", DatastoreActivity 1, Medium, ["file", "format", "connections", "secrets"];
    /// The store was copied to a file.
    VaultBackup = "vault.backup", DatastoreActivity 1, Medium, ["file"];
    /// A backup was put in the place of the store.
    VaultRestore = "vault.restore", DatastoreActivity 2, High, ["backup", "kept"];
    /// Every row of the store was checked.
    VaultVerify = "vault.verify", DatastoreActivity 1, Informational, ["rows"];
    /// The store has new keys.
    VaultRotate = "vault.rotate", DatastoreActivity 9, Low, [];
    /// The passphrase was changed, or somebody tried.
    VaultPassphraseChange = "vault.passphrase-change", AccountChange 3, Medium, ["key-derivation"];
    /// The key file beside the passphrase was added, changed or given up.
    VaultKeyFileChange = "vault.key-file-change", AccountChange 99, Medium, ["key-derivation"];
    /// The store may be opened by the desktop's keyring.
    VaultKeyringEnable = "vault.keyring-enable", AccountChange 99, Medium, [];
    /// The store may not be opened by the desktop's keyring any more.
    VaultKeyringDisable = "vault.keyring-disable", AccountChange 99, Low, [];
    /// A weakly stretched passphrase was stretched anew at the sign-in.
    VaultStrengthen = "vault.strengthen", AccountChange 99, Informational, ["key-derivation"];
    /// The store is older than it was on this device.
    VaultRollbackWarning = "vault.rollback-warning", DatastoreActivity 99, High, [];
    /// An older store was accepted as the present one.
    VaultHistoryAccept = "vault.history-accept", DatastoreActivity 99, High, [];

    /// A connection was made.
    ConnectionCreate = "connection.create", EntityManagement 1, Informational, ["connection", "name", "plugin"];
    /// A connection was changed.
    ConnectionChange = "connection.change", EntityManagement 3, Informational, ["connection", "name", "plugin"];
    /// A connection was copied.
    ConnectionCopy = "connection.copy", EntityManagement 1, Informational, ["connection", "name"];
    /// A connection was moved to another folder.
    ConnectionMove = "connection.move", EntityManagement 5, Informational, ["connection", "name"];
    /// A connection was deleted.
    ConnectionDelete = "connection.delete", EntityManagement 4, Low, ["connection", "name", "plugin"];
    /// A folder was made.
    FolderCreate = "folder.create", EntityManagement 1, Informational, ["path", "plugin"];
    /// A folder was changed.
    FolderChange = "folder.change", EntityManagement 3, Informational, ["path", "plugin"];
    /// A folder was moved into another one.
    FolderMove = "folder.move", EntityManagement 5, Informational, ["path", "into"];
    /// A folder was deleted with what was in it.
    FolderDelete = "folder.delete", EntityManagement 4, Low, ["path", "connections", "plugin"];

    /// A server's key was taken or refused.
    HostKeyDecide = "host-key.decide", SshActivity 99, Low, ["target", "fingerprint", "decision"];
    /// A server's known keys were forgotten.
    HostKeyForget = "host-key.forget", EntityManagement 4, Low, ["host"];

    /// A plugin was installed, or refused.
    PluginInstall = "plugin.install", ApplicationLifecycle 1, Medium, ["plugin", "file"];
    /// A plugin's file was replaced by another one.
    PluginUpdate = "plugin.update", ApplicationLifecycle 8, Medium, ["plugin", "from-version", "from-digest"];
    /// A plugin was removed.
    PluginRemove = "plugin.remove", ApplicationLifecycle 2, Low, ["plugin"];
    /// A plugin may run.
    PluginEnable = "plugin.enable", ApplicationLifecycle 6, Low, ["plugin"];
    /// A plugin may not run any more.
    PluginDisable = "plugin.disable", ApplicationLifecycle 7, Low, ["plugin"];
    /// The settings of a plugin were changed.
    PluginConfigure = "plugin.configure", ApplicationLifecycle 99, Low, ["plugin", "keys"];
    /// A plugin was given a capability.
    PluginGrant = "plugin.grant", UserAccess 1, Medium, ["plugin", "capability"];
    /// A capability was taken from a plugin.
    PluginRevoke = "plugin.revoke", UserAccess 2, Low, ["plugin", "capability"];
    /// Policy did not let a plugin run.
    PluginRefuse = "plugin.refuse", ApplicationLifecycle 99, Medium, ["plugin"];
    /// A plugin did something to the machine, or used a capability that it was not granted.
    CapabilityUse = "capability.use", ApiActivity 99, Medium, ["plugin", "capability", "times", "rule", "what"];
    /// A plugin broke a rule of its world, and was ended.
    PluginCrash = "plugin.crash", ApplicationLifecycle 99, Medium, ["plugin", "times"];
    /// A plugin went over a limit, and was ended.
    PluginLimit = "plugin.limit", ApplicationLifecycle 99, Medium, ["plugin", "times"];
    /// A plugin failed again and again, and does not run for a while, or until it is enabled.
    PluginHold = "plugin.hold", ApplicationLifecycle 99, Medium, ["plugin", "until"];

    /// Somebody asked for a session.
    SessionRequest = "session.request", AuthorizeSession 1, Informational, ["session", "connection", "name"];
    /// A session is about to open, or was denied.
    SessionStart = "session.start", SshActivity 1, Informational,
        ["session", "connection", "target", "plugin", "recording", "name", "user", "protocol"];
    /// A session is over.
    SessionEnd = "session.end", SshActivity 2, Informational,
        ["session", "connection", "target", "recording", "recording_root", "protocol", "exit-status", "segments"];
    /// A session was ended by the host, not by its user or its server.
    SessionKill = "session.kill", SshActivity 3, Medium, ["session", "connection", "target", "protocol"];

    /// A recording began.
    RecordingStart = "recording.start", DatastoreActivity 6, Informational, ["session", "connection", "recording"];
    /// A recording is complete.
    RecordingEnd = "recording.end", DatastoreActivity 5, Informational,
        ["session", "connection", "recording", "recording_root", "segments"];
    /// A recording misses its end.
    RecordingIncomplete = "recording.incomplete", DatastoreActivity 99, High, ["session", "connection", "recording"];
    /// A recording was played.
    RecordingRead = "recording.read", DatastoreActivity 1, Low, ["recording", "how", "plugin"];
    /// A recording was written to a file, unsealed.
    RecordingExport = "recording.export", DatastoreActivity 1, Medium, ["recording", "how"];
    /// A recording was deleted.
    RecordingDelete = "recording.delete", DatastoreActivity 7, Medium, ["recording", "how"];

    /// The rules of the configuration are others than they were.
    PolicyChange = "policy.change", EntityManagement 3, Medium, ["policy", "before"];

    /// A checkpoint was handed out, to be kept elsewhere.
    AuditCheckpoint = "audit.checkpoint", EventLog 99, Informational, [];
    /// The log was verified.
    AuditVerify = "audit.verify", EventLog 99, Informational, ["lines", "root", "anchored"];
    /// Events were handed to another system.
    AuditExport = "audit.export", EventLog 3, Low, ["to", "format", "from", "behind-seconds", "next"];
    /// A proof about an event was handed out.
    AuditProve = "audit.prove", EventLog 99, Informational, ["line"];
    /// A crash left a line of the log unfinished; it was cut off.
    AuditTornTail = "audit.torn-tail", EventLog 99, High, ["bytes"];
}

impl EventClass {
    /// Returns its name in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.spec().name
    }

    /// Finds a class by its name; a log of a newer program may have others.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|class| class.name() == name)
    }

    /// Returns how much an event should trouble an administrator: a failure more than a success, a refusal still more.
    #[must_use]
    pub fn severity(self, outcome: Outcome) -> Severity {
        let least = match outcome {
            Outcome::Success => Severity::Informational,
            Outcome::Failure => Severity::Low,
            Outcome::Denied => Severity::Medium,
        };
        self.spec().severity.max(least)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_belongs_to_one_class() {
        let names: BTreeSet<&str> = EventClass::ALL.iter().map(|class| class.name()).collect();
        assert_eq!(names.len(), EventClass::ALL.len());
        for class in EventClass::ALL {
            assert_eq!(EventClass::find(class.name()), Some(*class));
        }
        assert_eq!(EventClass::find("session.dance"), None);
    }

    #[test]
    fn a_refusal_is_graver_than_a_success() {
        assert_eq!(EventClass::VaultUnlock.severity(Outcome::Success), Severity::Informational);
        assert_eq!(EventClass::VaultUnlock.severity(Outcome::Failure), Severity::Low);
        assert_eq!(EventClass::VaultUnlock.severity(Outcome::Denied), Severity::Medium);
        assert_eq!(EventClass::VaultRestore.severity(Outcome::Success), Severity::High);
    }

    #[test]
    fn the_guide_has_every_class_as_the_code_has_it() {
        let mut rows = String::new();
        for class in EventClass::ALL {
            let ClassSpec { name, meaning, ocsf, activity, severity, fields } = class.spec();
            let fields = fields.iter().map(|field| format!("`{field}`")).collect::<Vec<String>>().join(", ");
            let (uid, severity) = (ocsf.uid(), severity.name());
            rows += &format!("| `{name}` | {meaning} | {uid} / {activity} | {severity} | {fields} |\n");
        }
        let guide = include_str!("../../guide/audit-events.md");
        let table: String =
            guide.lines().filter(|line| line.starts_with("| `")).map(|line| format!("{line}\n")).collect();
        assert_eq!(table, rows, "host/guide/audit-events.md should have these rows:\n{rows}");
    }
}
