//! The device key's file.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use ostler_sealing::{DeviceKey, DeviceKeyError, verify_signature};

use crate::each_flip;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn rewrite(path: &Path, content: &[u8]) {
    OpenOptions::new().write(true).truncate(true).mode(0o600).open(path).unwrap().write_all(content).unwrap();
}

#[test]
fn a_key_is_made_once_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/device.key");
    let made = DeviceKey::load_or_create(&path).unwrap();
    let read = DeviceKey::load_or_create(&path).unwrap();
    assert_eq!(made.public_key(), read.public_key());
    assert_eq!(made.mac(&[b"x"]), read.mac(&[b"x"]));
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn two_machines_have_different_keys() {
    let folder = tempfile::tempdir().unwrap();
    let one = DeviceKey::load_or_create(&folder.path().join("one")).unwrap();
    let two = DeviceKey::load_or_create(&folder.path().join("two")).unwrap();
    assert_ne!(one.public_key(), two.public_key());
    assert!(!two.verify_mac(&[b"x"], &one.mac(&[b"x"])));
}

#[test]
fn processes_that_start_together_get_the_same_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.key");
    let keys: Vec<[u8; 32]> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| DeviceKey::load_or_create(&path).unwrap().public_key())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_signature_verifies_for_its_message_and_key_only() {
    let folder = tempfile::tempdir().unwrap();
    let key = DeviceKey::load_or_create(&folder.path().join("device.key")).unwrap();
    let signature = key.sign(b"checkpoint 5");
    assert!(verify_signature(&key.public_key(), b"checkpoint 5", &signature));
    assert!(!verify_signature(&key.public_key(), b"checkpoint 6", &signature));
    each_flip(&signature, |place, changed| {
        assert!(!verify_signature(&key.public_key(), b"checkpoint 5", changed), "byte {place}");
    });
}

#[test]
fn a_mac_covers_where_its_parts_end() {
    let folder = tempfile::tempdir().unwrap();
    let key = DeviceKey::load_or_create(&folder.path().join("device.key")).unwrap();
    let tag = key.mac(&[b"ab", b"c"]);
    assert!(key.verify_mac(&[b"ab", b"c"], &tag));
    assert!(!key.verify_mac(&[b"a", b"bc"], &tag));
    assert!(!key.verify_mac(&[b"abc"], &tag));
}

#[test]
fn a_key_that_others_may_use_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.key");
    let made = DeviceKey::load_or_create(&path).unwrap();
    for exposed in [0o640, 0o604, 0o620, 0o601, 0o644] {
        fs::set_permissions(&path, Permissions::from_mode(exposed)).unwrap();
        let refused = DeviceKey::load_or_create(&path).unwrap_err();
        assert!(matches!(&refused, DeviceKeyError::Exposed { mode, .. } if *mode == exposed), "{refused:?}");
        assert!(refused.to_string().contains(path.to_str().unwrap()), "{refused}");
        assert_eq!(mode(&path), exposed);
    }
    for fine in [0o600, 0o400] {
        fs::set_permissions(&path, Permissions::from_mode(fine)).unwrap();
        assert_eq!(DeviceKey::load_or_create(&path).unwrap().public_key(), made.public_key());
    }
}

#[test]
fn every_flipped_byte_of_the_file_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.key");
    DeviceKey::load_or_create(&path).unwrap();
    let content = fs::read(&path).unwrap();
    each_flip(&content, |place, changed| {
        rewrite(&path, changed);
        let refused = DeviceKey::load_or_create(&path).unwrap_err();
        assert!(matches!(refused, DeviceKeyError::Damaged { .. }), "byte {place}: {refused:?}");
        assert!(refused.to_string().contains(path.to_str().unwrap()), "{refused}");
        assert_eq!(fs::read(&path).unwrap(), changed, "a damaged key is never replaced");
    });
    rewrite(&path, &content);
    assert!(DeviceKey::load_or_create(&path).is_ok());
}

#[test]
fn a_file_of_another_length_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.key");
    DeviceKey::load_or_create(&path).unwrap();
    let content = fs::read(&path).unwrap();
    for other in [&content[..0], &content[..55], &[content.as_slice(), b"\n"].concat()] {
        rewrite(&path, other);
        assert!(matches!(DeviceKey::load_or_create(&path), Err(DeviceKeyError::Damaged { .. })));
    }
}

#[test]
fn a_place_that_takes_no_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("file");
    drop(OpenOptions::new().write(true).create_new(true).open(&taken).unwrap());
    for path in [taken.join("device.key"), folder.path().to_owned()] {
        let refused = DeviceKey::load_or_create(&path).unwrap_err();
        assert!(refused.to_string().contains(path.to_str().unwrap()), "{refused}");
    }
}

#[test]
fn a_key_of_another_user_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("device.key");
    DeviceKey::load_or_create(&own).unwrap();
    // Root can give its file away; everybody else finds a file of root's.
    let path = match std::os::unix::fs::chown(&own, Some(65_534), None) {
        Ok(()) => own.as_path(),
        Err(_) => Path::new("/etc/passwd"),
    };
    let refused = DeviceKey::load_or_create(path).unwrap_err();
    assert!(matches!(refused, DeviceKeyError::ForeignOwner { .. }), "{refused:?}");
}
