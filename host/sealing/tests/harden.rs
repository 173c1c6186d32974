//! Hardening changes the whole process, so it is tested in one of its own.

use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

#[test]
fn a_hardened_process_leaves_no_core_dump_and_is_not_dumpable() {
    assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::Dumpable, "before");
    ostler_sealing::harden_process().unwrap();
    let limit = getrlimit(Resource::Core);
    assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
    assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    ostler_sealing::harden_process().unwrap();
}
