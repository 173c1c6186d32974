//! Every case of the folder `cases`, run natively.

use importer_csv::Csv;

#[test]
fn every_case_comes_out_as_expected() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/cases");
    let cases = ostler_sdk::cases::check_importer::<Csv>(folder.as_ref());
    assert!(cases.unwrap() >= 12);
}
