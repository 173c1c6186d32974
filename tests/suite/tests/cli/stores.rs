//! The store: creating, checking, its passphrase, and what is no store.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use ostler_suite::{Ostler, PASSPHRASE};

#[test]
fn a_new_store_is_whole_empty_and_readable_by_its_owner_only() -> anyhow::Result<()> {
    let ostler = Ostler::new()?;
    let created = ostler.run(&["store", "create"])?.succeeded()?;
    assert!(created.text().contains("created a store in"), "{}", created.text());
    assert!(ostler.run(&["store", "verify"])?.succeeded()?.text().contains("The store is whole"));
    let info = ostler.run(&["store", "info", "--json"])?.succeeded()?.json()?;
    assert_eq!((&info["connections"], &info["secrets"]), (&0.into(), &0.into()));
    assert_eq!(fs::metadata(ostler.store())?.permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(ostler.store().join("store.db"))?.permissions().mode() & 0o777, 0o600);
    Ok(())
}

#[test]
fn a_weak_passphrase_makes_no_store_and_is_told_what_it_lacks() -> anyhow::Result<()> {
    let ostler = Ostler::new()?;
    ostler.file("passphrase", "weak\n")?;
    let refused = ostler.run(&["store", "create"])?.failed(1, "fewer than 8 characters")?;
    assert!(refused.stderr.contains("no digit") && refused.stderr.contains("hint:"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("weak\n"), "{}", refused.stderr);
    assert!(!ostler.store().exists());
    Ok(())
}

#[test]
fn without_a_store_or_a_passphrase_the_hint_says_what_to_do() -> anyhow::Result<()> {
    let ostler = Ostler::new()?;
    let missing = ostler.run(&["connection", "list"])?.failed(1, "there is no store")?;
    assert!(missing.stderr.contains("hint: create one with 'ostler store create'"), "{}", missing.stderr);
    let ostler = Ostler::with_store()?;
    let output = ostler.command(&["store", "info"]).env_remove("OSTLER_PASSPHRASE_FILE").output()?;
    let headless = ostler_suite::Output::from(output).failed(3, "the passphrase is needed")?;
    assert!(headless.stderr.contains("--passphrase-file"), "{}", headless.stderr);
    Ok(())
}

#[test]
fn what_stands_in_the_way_is_set_aside_only_when_asked_and_confirmed() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.run(&["folder", "add", "Old"])?.succeeded()?;
    ostler.run(&["store", "create"])?.failed(1, "is not empty")?;
    ostler.run(&["store", "create", "--replace"])?.failed(1, "must be confirmed")?;
    assert_eq!(ostler.run(&["tree"])?.succeeded()?.text(), "Old/\n");

    ostler.file("passphrase", "weak\n")?;
    ostler.run(&["store", "create", "--replace", "--yes"])?.failed(1, "can't be used")?;
    ostler.file("passphrase", PASSPHRASE)?;
    assert_eq!(ostler.run(&["tree"])?.succeeded()?.text(), "Old/\n");

    let replaced = ostler.run(&["store", "create", "--replace", "--yes", "--json"])?.succeeded()?.json()?;
    assert_eq!(ostler.run(&["tree", "--json"])?.succeeded()?.json()?, serde_json::json!([]));
    let aside = replaced["set_aside"].as_str().unwrap_or_default();
    let old = ostler.run(&["--store", aside, "tree"])?.succeeded()?;
    assert_eq!(old.text(), "Old/\n");
    Ok(())
}

#[test]
fn three_wrong_passphrases_make_the_next_try_wait_even_for_the_right_one() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.file("wrong", "Wrong-Horse-7\n")?;
    for _ in 0..3 {
        ostler.run(&["store", "info", "--passphrase-file", "wrong"])?.failed(3, "the passphrase is wrong")?;
    }
    ostler.run(&["store", "info", "--passphrase-file", "wrong"])?.failed(3, "the next try is possible in")?;
    ostler.run(&["store", "info"])?.failed(3, "the next try is possible in")?;
    Ok(())
}

#[test]
fn after_a_change_of_passphrase_the_old_one_opens_nothing() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.file("weak", "weak")?;
    ostler.run(&["store", "passwd", "--new-passphrase-file", "weak"])?.failed(1, "can't be used")?;
    ostler.file("new", "Battery-Staple-8\n")?;
    ostler.run(&["store", "passwd", "--new-passphrase-file", "new"])?.succeeded()?;
    ostler.run(&["store", "info"])?.failed(3, "the passphrase is wrong")?;
    ostler.run(&["store", "info", "--passphrase-file", "new"])?.succeeded()?;
    Ok(())
}

#[test]
fn a_passphrase_comes_on_a_file_descriptor_too() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.file("passphrase", "Wrong-Horse-7")?;
    let words = ["store", "info", "--passphrase-fd", "0"];
    ostler.run_with_input(&words, format!("{PASSPHRASE}\n").as_bytes())?.succeeded()?;
    ostler.run_with_input(&words, b"\n")?.failed(1, "is empty")?;
    Ok(())
}

#[test]
fn a_passphrase_that_others_can_read_is_warned_about() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    assert_eq!(ostler.run(&["store", "info"])?.succeeded()?.stderr, "");
    fs::set_permissions(ostler.work().join("passphrase"), fs::Permissions::from_mode(0o644))?;
    let warned = ostler.run(&["store", "info"])?.succeeded()?;
    assert!(warned.stderr.contains("can be read by other users"), "{}", warned.stderr);
    Ok(())
}

#[test]
fn a_file_that_is_no_store_is_named_and_left_alone() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let database = ostler.store().join("store.db");
    let foreign = b"PK\x03\x04 this is something else".repeat(200);
    fs::remove_file(&database)?;
    fs::copy(ostler.file("foreign", &foreign)?, &database)?;
    let refused = ostler.run(&["connection", "list"])?;
    assert!(refused.code != 0 && refused.stderr.contains("store.db"), "{} {}", refused.code, refused.stderr);
    assert_eq!(fs::read(&database)?, foreign);
    Ok(())
}

#[test]
fn a_backup_is_sealed_and_never_replaces_a_file() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.run(&["folder", "add", "Customers"])?.succeeded()?;
    ostler.run(&["store", "backup", "copy.db"])?.succeeded()?;
    let copy = fs::read(ostler.work().join("copy.db"))?;
    assert!(!copy.windows(9).any(|bytes| bytes == b"Customers"));
    ostler.run(&["store", "backup", "copy.db"])?.failed(1, "exists already")?;
    assert_eq!(fs::read(ostler.work().join("copy.db"))?, copy);
    Ok(())
}

#[test]
fn a_person_is_asked_for_the_passphrase_and_may_try_again() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let mut terminal = ostler.terminal_without_passphrase(&["store", "info"], 100, 30)?;
    let before = terminal.modes()?;
    terminal.wait_for("Passphrase: ")?;
    terminal.keys("Wrong-Horse-7\r")?;
    terminal.wait_for("the passphrase is wrong")?;
    terminal.wait_until("a second question", |screen| screen.matches("Passphrase: ").count() == 2)?;
    terminal.keys(&format!("{PASSPHRASE}\r"))?;
    assert_eq!(terminal.end()?, 0);
    assert!(terminal.screen().contains("connections"), "{}", terminal.screen());
    assert!(!terminal.screen().contains(PASSPHRASE) && !terminal.screen().contains("Wrong-Horse"));
    assert_eq!(terminal.modes()?, before);
    Ok(())
}

#[test]
fn a_person_enters_a_new_passphrase_twice_and_hears_that_it_can_not_be_recovered() -> anyhow::Result<()> {
    let ostler = Ostler::new()?;
    let mut terminal = ostler.terminal_without_passphrase(&["store", "create"], 160, 30)?;
    terminal.wait_for("can't be recovered")?;
    terminal.wait_for("New passphrase: ")?;
    terminal.keys(&format!("{PASSPHRASE}\r"))?;
    terminal.wait_for("Once more: ")?;
    terminal.keys("Something-Else-9\r")?;
    terminal.wait_for("the two differ")?;
    terminal.wait_until("a second question", |screen| screen.matches("New passphrase: ").count() == 2)?;
    terminal.keys(&format!("{PASSPHRASE}\r"))?;
    terminal.wait_until("a second repetition", |screen| screen.matches("Once more: ").count() == 2)?;
    terminal.keys(&format!("{PASSPHRASE}\r"))?;
    assert_eq!(terminal.end()?, 0);
    ostler.run(&["store", "verify"])?.succeeded()?;
    Ok(())
}

#[test]
fn an_interrupt_at_a_hidden_question_puts_the_terminal_back() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let mut terminal = ostler.terminal_without_passphrase(&["store", "info"], 80, 24)?;
    let before = terminal.modes()?;
    terminal.wait_for("Passphrase: ")?;
    assert_ne!(terminal.modes()?, before);
    terminal.keys("\u{3}")?;
    assert_eq!(terminal.end()?, 130);
    assert_eq!(terminal.modes()?, before);
    Ok(())
}
