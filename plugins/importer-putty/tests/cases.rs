//! Every case comes out as it says.

#[test]
fn every_case_comes_out_as_expected() {
    let cases = ostler_sdk::cases::check_importer::<importer_putty::Putty>("cases".as_ref());
    assert!(cases.is_ok_and(|cases| cases >= 6));
}
