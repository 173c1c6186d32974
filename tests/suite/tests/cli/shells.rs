//! What shells, pagers and packagers take: completions in real shells, long lists, man pages.

use std::path::{Path, PathBuf};

use ostler_suite::{Ostler, Terminal};

/// A world with one connection and, in the path of programs, this program.
fn world() -> anyhow::Result<Ostler> {
    let ostler = Ostler::with_store()?;
    let add = ["connection", "add", "kestrel", "--folder", "Birds", "--type", "ssh", "--host", "k.example"];
    ostler.run(&add)?.succeeded()?;
    Ok(ostler)
}

fn shell(ostler: &Ostler, program: &str, arguments: &[&str]) -> anyhow::Result<Terminal> {
    let directory = ostler.program().parent().unwrap_or(Path::new("/"));
    let path = PathBuf::from(format!("{}:/usr/bin:/bin", directory.display()));
    let mut environment = ostler.environment();
    environment.retain(|(name, _)| !matches!(*name, "PATH" | "OSTLER_PASSPHRASE_FILE"));
    environment.extend([("PATH", path), ("LANG", PathBuf::from("C.UTF-8"))]);
    Terminal::start(Path::new(program), arguments, &environment, &ostler.work(), 100, 30)
}

/// Types the setup line, then a word and a tabulator, first locked, then unlocked.
fn completes(program: &str, arguments: &[&str], setup: &str) -> anyhow::Result<()> {
    let ostler = world()?;
    let mut terminal = shell(&ostler, program, arguments)?;
    terminal.keys(&format!("{setup}; echo set''up\r"))?;
    terminal.wait_for("setup")?;
    terminal.keys("ostler connection sh\t")?;
    terminal.wait_for("ostler connection show")?;
    terminal.keys(" Bir\t\u{15}")?;
    terminal.keys("echo lo''cked\r")?;
    terminal.wait_for("locked")?;
    assert!(
        !terminal.screen().contains("kestrel"),
        "nothing is told while it is locked: {}",
        terminal.screen()
    );
    ostler.run(&["unlock"])?.succeeded()?;
    terminal.keys("ostler connection show Bir\t")?;
    let done = terminal.wait_for("Birds/kestrel");
    ostler.run(&["lock"])?.succeeded()?;
    done?;
    terminal.keys("\u{15}exit\r")
}

#[test]
fn bash_completes_words_and_names() -> anyhow::Result<()> {
    completes("/bin/bash", &["--norc", "-i"], "source <(ostler completions bash)")
}

#[test]
fn zsh_completes_words_and_names() -> anyhow::Result<()> {
    completes(
        "/usr/bin/zsh",
        &["-f", "-i"],
        "autoload -U compinit; compinit -D; source <(ostler completions zsh)",
    )
}

#[test]
fn fish_completes_words_and_names() -> anyhow::Result<()> {
    completes("/usr/bin/fish", &["--no-config", "-i"], "ostler completions fish | source")
}

#[test]
fn a_list_that_does_not_fit_is_paged_on_a_terminal_only() -> anyhow::Result<()> {
    let ostler = world()?;
    let rows: String = (0..60).map(|number| format!("n{number:02},h{number:02}.example\n")).collect();
    let file = ostler.file("many.csv", format!("Name,Host\n{rows}"))?;
    ostler.run(&["import", file.to_str().unwrap(), "--type", "ssh"])?.succeeded()?;
    let mut terminal = ostler.terminal(&["connection", "list"], 80, 20)?;
    terminal.wait_for("n05")?;
    assert!(!terminal.screen().contains("n59"), "less waits: {}", terminal.screen());
    terminal.keys("q")?;
    assert_eq!(terminal.end()?, 0, "who has seen enough makes no error");
    let mut terminal = ostler.terminal(&["--no-pager", "connection", "list"], 80, 20)?;
    assert_eq!(terminal.end()?, 0);
    assert!(terminal.screen().contains("n59"));
    assert!(ostler.run(&["connection", "list"])?.succeeded()?.text().contains("n59"));
    Ok(())
}

#[test]
fn an_interrupt_is_the_pagers_key() -> anyhow::Result<()> {
    let ostler = world()?;
    let pager = "cat >/dev/null; trap 'echo stopped' INT; echo paging; read word </dev/tty; read word </dev/tty; echo $word";
    let pager = ostler.file("pager", pager)?;
    let mut environment = ostler.environment();
    environment.push(("OSTLER_PAGER", PathBuf::from(format!("sh {}", pager.display()))));
    let arguments = ["connection", "list"];
    let mut terminal = Terminal::start(ostler.program(), &arguments, &environment, &ostler.work(), 80, 2)?;
    terminal.wait_for("paging")?;
    terminal.keys("\u{3}")?;
    terminal.wait_for("stopped")?;
    terminal.keys("go\ron\r")?;
    assert_eq!(terminal.end()?, 0, "{}", terminal.screen());
    Ok(())
}

#[test]
fn there_is_a_man_page_for_each_verb_without_errors() -> anyhow::Result<()> {
    let ostler = Ostler::new()?;
    ostler.run(&["man", "--out", "man"])?.succeeded()?;
    let mut pages = Vec::new();
    for entry in std::fs::read_dir(ostler.work().join("man"))? {
        pages.push(entry?.path());
    }
    for page in ["ostler.1", "ostler-connect.1", "ostler-store-rekey.1", "ostler-unlock.1"] {
        assert!(pages.iter().any(|path| path.ends_with(page)), "{page}");
    }
    #[expect(clippy::disallowed_methods, reason = "tests start other programs")]
    let lint =
        std::process::Command::new("mandoc").args(["-T", "lint", "-W", "error"]).args(&pages).output()?;
    assert!(lint.status.success(), "{}", String::from_utf8_lossy(&lint.stdout));
    Ok(())
}
