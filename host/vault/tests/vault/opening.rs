//! What is there instead of a store, or of a place for one: each is told apart from the others.

use std::fs;

use crate::common::{PASSPHRASE, Store, apply, clock, damage, one_of_each, text};
use ostler_vault::{KdfParameters, LockedVault, VaultError};

/// Opens a directory that holds this as `store.db`.
fn open_file(content: &[u8]) -> Result<LockedVault, VaultError> {
    let home = tempfile::tempdir().unwrap();
    fs::File::create(home.path().join("store.db"))
        .and_then(|mut file| std::io::Write::write_all(&mut file, content))
        .unwrap();
    LockedVault::open(home.path())
}

#[test]
fn a_missing_directory_and_an_empty_one_are_no_store() {
    let home = tempfile::tempdir().unwrap();
    for dir in [home.path().join("nowhere"), home.path().to_owned()] {
        assert!(matches!(LockedVault::open(&dir), Err(VaultError::Missing { path }) if path == dir));
    }
}

#[test]
fn a_text_a_foreign_database_and_a_directory_are_not_a_store() {
    let reason = |opened: Result<LockedVault, VaultError>| match opened {
        Err(VaultError::NotAStore { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(open_file(&b"hosts = [\"a\", \"b\"]\n".repeat(100))), "it is no database");
    assert_eq!(reason(open_file(b"short")), "it is no database");

    let home = tempfile::tempdir().unwrap();
    let foreign = rusqlite::Connection::open(home.path().join("store.db")).unwrap();
    foreign.execute_batch("CREATE TABLE meta (id)").unwrap();
    foreign.close().unwrap();
    assert_eq!(reason(LockedVault::open(home.path())), "it is a database of another program");

    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("store.db")).unwrap();
    assert_eq!(reason(LockedVault::open(home.path())), "it is not a file");
}

#[test]
fn an_empty_a_zeroed_and_a_cut_file_are_damaged() {
    assert!(damage(open_file(b"")).contains("empty"));
    assert!(damage(open_file(&[0; 8192])).contains("filled with zeros"));
    assert!(damage(open_file(b"SQLite f")).contains("cut short"));
}

#[test]
fn a_file_cut_at_any_page_is_damaged() {
    let store = Store::create();
    apply(&store.unlock(), &one_of_each().0);
    let path = store.dir.join("store.db");
    let whole = fs::metadata(&path).unwrap().len();
    assert!(whole >= 8 * 4096, "{whole}");
    let (mut length, clock) = (whole, clock());
    while length > 512 {
        length -= if length.is_multiple_of(4096) { 1000 } else { length % 4096 };
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
        // Tries that failed for another reason count as well, so each comes late enough.
        clock.advance(60);
        let result = LockedVault::open(&store.dir)
            .and_then(|locked| locked.unlock(&text(PASSPHRASE), &clock))
            .and_then(|vault| vault.verify());
        assert!(matches!(result, Err(VaultError::Damaged { .. })), "{length} of {whole}: {result:?}");
    }
}

#[test]
fn a_newer_format_is_left_to_a_newer_program() {
    let store = Store::create();
    // A newer format may have other tables, which must not be taken for damage.
    store.tamper("PRAGMA user_version = 7; CREATE TABLE later (id)");
    let error = store.try_unlock().unwrap_err();
    assert!(matches!(error, VaultError::Newer { found: 7, known: 2 }), "{error}");
    store.tamper("PRAGMA user_version = 1");
    assert!(matches!(store.try_unlock(), Err(VaultError::Older { found: 1 })));
    store.tamper("PRAGMA user_version = 0");
    damage(store.try_unlock());
}

#[test]
fn a_store_is_made_in_an_empty_directory_only() {
    let home = tempfile::tempdir().unwrap();
    let create = || LockedVault::create(home.path(), &text(PASSPHRASE), KdfParameters::FLOOR, &clock());
    fs::create_dir(home.path().join("photos")).unwrap();
    assert!(matches!(create(), Err(VaultError::NotEmpty { .. })));
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "nothing was added");
    fs::remove_dir(home.path().join("photos")).unwrap();
    let id = create().unwrap().store_id();
    assert!(matches!(create(), Err(VaultError::NotEmpty { .. })), "and never over a store");
    assert_eq!(LockedVault::open(home.path()).unwrap().store_id(), id);
}

#[test]
fn what_an_interrupted_creation_left_is_no_obstacle() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("audit")).unwrap();
    fs::File::create(home.path().join("store.lock")).unwrap();
    fs::File::create(home.path().join("store.db.new")).unwrap().set_len(4096).unwrap();
    LockedVault::create(home.path(), &text(PASSPHRASE), KdfParameters::FLOOR, &clock()).unwrap();
    assert!(!home.path().join("store.db.new").exists());
    // But a folder with something in it is somebody's.
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("audit")).unwrap();
    fs::File::create(home.path().join("audit").join("1.log")).unwrap();
    let made = LockedVault::create(home.path(), &text(PASSPHRASE), KdfParameters::FLOOR, &clock());
    assert!(matches!(made, Err(VaultError::NotEmpty { .. })), "{made:?}");
}

#[test]
fn of_two_that_make_a_store_at_once_one_succeeds() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    let made: Vec<_> = std::thread::scope(|scope| {
        let create = || LockedVault::create(&dir, &text(PASSPHRASE), KdfParameters::FLOOR, &clock());
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(create)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let ids: Vec<_> = made.iter().flatten().map(LockedVault::store_id).collect();
    assert_eq!(ids.len(), 1, "{made:?}");
    assert_eq!(LockedVault::open(&dir).unwrap().store_id(), ids[0]);
}

/// Runs as a user who may only read, whoever runs the test.
fn as_nobody<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    let nobody = rustix::process::Uid::from_raw(65534);
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if rustix::process::geteuid().is_root() {
                // Of this thread only, and so gone with it.
                rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
            }
            run()
        });
        thread.join().unwrap()
    })
}

#[test]
fn a_read_only_directory_or_file_is_said_to_be_read_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let store = Store::create();
    let set =
        |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    set(store.home.path(), 0o755);
    let file = store.dir.join("store.db");
    set(&file, 0o666);

    set(&store.dir, 0o555);
    let opened = as_nobody(|| LockedVault::open(&store.dir).map(drop));
    assert!(matches!(opened, Err(VaultError::ReadOnly)), "{opened:?}");
    let made = as_nobody(|| {
        LockedVault::create(&store.dir.join("new"), &text(PASSPHRASE), KdfParameters::FLOOR, &clock())
            .map(drop)
    });
    assert!(matches!(made, Err(VaultError::ReadOnly)), "{made:?}");

    set(&store.dir, 0o777);
    for name in ["store.lock", "recordings", "audit", "plugins"] {
        set(&store.dir.join(name), 0o777);
    }
    as_nobody(|| LockedVault::open(&store.dir).map(drop)).unwrap();
    set(&file, 0o444);
    let opened = as_nobody(|| LockedVault::open(&store.dir).map(drop));
    assert!(matches!(opened, Err(VaultError::ReadOnly)), "{opened:?}");
}
