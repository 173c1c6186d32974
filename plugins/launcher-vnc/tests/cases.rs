//! Every case of the folder `cases`, run natively.

use launcher_vnc::VncLauncher;

#[test]
fn every_case_comes_out_as_expected() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/cases");
    let cases = ostler_sdk::cases::check_launcher::<VncLauncher>(folder.as_ref());
    assert!(cases.unwrap() >= 10);
}
