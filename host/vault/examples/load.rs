//! Measures what a large store costs: `cargo run --release -p ostler-vault --example load [ENTRIES]`.
//!
//! Prints seconds for one import, one load of the snapshot as a new process sees it, a full check, and medians of small
//! operations. Machines are noisy: nothing is asserted here.
#![expect(clippy::print_stdout, reason = "printing is what a measurement is for")]

use std::error::Error;
use std::time::{Duration, Instant};

use ostler_core::{
    Clock, Connection, ConnectionId, CredentialMode, HostRule, LocalCredential, PASSWORD_SLOT, SecretBytes,
    SecretField, SecretId, Settings, SinkRule, SlotName, Timestamp,
};
use ostler_vault::{Changes, KdfParameters, LockedVault, StoredSecret, VaultError};

const DEFAULT_ENTRIES: usize = 100_000;
const REPEATS: u32 = 51;

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp(1_800_000_000_000_000)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let entries = std::env::args().nth(1).map_or(Ok(DEFAULT_ENTRIES), |number| number.parse())?;
    let home = tempfile::tempdir()?;
    let dir = home.path().join("store");
    let passphrase = SecretBytes::from("C0rrect horse!".to_owned());
    LockedVault::create(&dir, &passphrase, KdfParameters::FLOOR, &Noon)?;

    let changes = import(entries)?;
    let vault = LockedVault::open(&dir)?.unlock(&passphrase, &Noon)?;
    let based_on = vault.snapshot()?.generation;
    let generation = timed("import", || vault.apply(&changes, based_on))?;
    timed("load after own change", || vault.snapshot())?;
    drop(vault);

    let vault = LockedVault::open(&dir)?.unlock(&passphrase, &Noon)?;
    timed("load at sign-in", || vault.snapshot())?;
    timed("load again (cached)", || vault.snapshot())?;
    let secrets: Vec<SecretId> = changes.put_secrets.iter().map(|secret| secret.id).take(51).collect();
    median("open one secret", secrets.len().try_into()?, |turn| {
        secrets.get(turn).map(|id| vault.open_secret(*id)).transpose().map(drop)
    })?;
    let mut based_on = generation;
    median("change one connection", REPEATS, |turn| {
        let put_connections = changes.put_connections.get(turn).cloned().into_iter().collect();
        based_on = vault.apply(&Changes { put_connections, ..Changes::default() }, based_on)?;
        Ok(())
    })?;
    timed("load after them", || vault.snapshot())?;
    timed("verify", || vault.verify())?;
    println!("{:24} {:>10} KiB", "store.db", vault.info()?.database_bytes / 1024);
    Ok(())
}

fn import(entries: usize) -> Result<Changes, Box<dyn Error>> {
    let mut changes = Changes::default();
    for number in 0..entries {
        let host = format!("host-{number}.site-{}.example", number % 97);
        let secret = StoredSecret {
            id: SecretId::random(),
            field: SecretField::Password,
            rules: vec![SinkRule {
                protocol: Some("ssh".to_owned()),
                host: HostRule::Exact { host: host.clone(), port: 22 },
                field: SecretField::Password,
            }],
            bytes: SecretBytes::from(format!("password-{number}")),
        };
        changes.put_connections.push(Connection {
            id: ConnectionId::random(),
            folder: None,
            name: format!("connection {number}"),
            kind: "ssh".to_owned(),
            host,
            port: 22,
            credential: CredentialMode::Local(LocalCredential {
                user: Some("admin".to_owned()),
                domain: None,
                secrets: [(SlotName::new(PASSWORD_SLOT)?, secret.id)].into(),
            }),
            settings: Settings::default(),
            notes: "patched on Tuesdays".to_owned(),
            tags: ["production".to_owned(), format!("site-{}", number % 97)].into(),
            custom_fields: [("owner".to_owned(), format!("team {}", number % 13))].into(),
            source: None,
            imported: None,
            created: Noon.now(),
            updated: Noon.now(),
        });
        changes.put_secrets.push(secret);
    }
    Ok(changes)
}

fn timed<T>(what: &str, run: impl FnOnce() -> Result<T, VaultError>) -> Result<T, VaultError> {
    let start = Instant::now();
    let done = run()?;
    println!("{what:24} {:>10.1} ms", start.elapsed().as_secs_f64() * 1000.0);
    Ok(done)
}

fn median(
    what: &str,
    repeats: u32,
    mut run: impl FnMut(usize) -> Result<(), VaultError>,
) -> Result<(), VaultError> {
    let mut times = Vec::new();
    for turn in 0..repeats as usize {
        let start = Instant::now();
        run(turn)?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    println!("{what:24} {:>10.1} us (median of {repeats})", middle.as_secs_f64() * 1e6);
    Ok(())
}
