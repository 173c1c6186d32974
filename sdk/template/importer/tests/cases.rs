//! Every case of the folder `cases`, run natively.

#[test]
fn every_case_comes_out_as_expected() {
    let cases = ostler_sdk::cases::check_importer::<PLUGIN_CRATE::Plugin>("cases".as_ref());
    assert!(cases.unwrap() > 0);
}
