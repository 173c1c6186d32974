//! The guide's chapter 'Fifteen tasks': each command is typed into a real terminal, and what the chapter says that one sees
//! must be there.

use std::path::{Path, PathBuf};

use ostler_fakes::ssh::{FakeSshOptions, FakeSshServer, FakeUser};
use ostler_suite::{Ostler, Terminal};

const CHAPTER: &str = include_str!("../../../../host/guide/fifteen-tasks.md");
const USER: &str = "deploy";
const PASSWORD: &str = "Wonder-Land-42";
const PASSPHRASES: [&str; 2] = ["Correct-Horse-7", "Battery-Staple-8"];

/// A block of commands, and what one sees then.
struct Step {
    task: String,
    commands: String,
    seen: Vec<String>,
}

/// Takes the chapter apart: its file of connections, and its steps.
fn chapter(text: &str) -> (String, Vec<Step>) {
    let (mut file, mut steps, mut task) = (String::new(), Vec::<Step>::new(), String::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix("## ") {
            task = heading.to_owned();
        } else if let Some(kind) = line.strip_prefix("```") {
            let block: String =
                lines.by_ref().take_while(|line| *line != "```").map(|line| line.to_owned() + "\n").collect();
            match kind {
                "csv" => file = block,
                _ => steps.push(Step { task: task.clone(), commands: block, seen: Vec::new() }),
            }
        } else if let Some(sentence) = line.strip_prefix("You see ") {
            let sentence = sentence.split(". ").next().unwrap_or_default();
            let named = sentence.split('`').skip(1).step_by(2).map(str::to_owned);
            steps.last_mut().unwrap().seen.extend(named);
        }
    }
    (file, steps)
}

/// A person who knows the passphrase and the password, and what to answer.
struct Person {
    passphrase: usize,
    new_passphrase: usize,
    last: String,
}

impl Person {
    /// Answers a question, unless it is none.
    fn answer(&mut self, question: &str) -> Option<String> {
        self.last = match question {
            "New passphrase: " => PASSPHRASES[self.new_passphrase].to_owned(),
            "Passphrase: " => PASSPHRASES[self.passphrase].to_owned(),
            "Password: " => PASSWORD.to_owned(),
            "Connect? [1-3]: " => "3".to_owned(),
            "fake$ " => "exit".to_owned(),
            "Type 'delete' to go on: " => "delete".to_owned(),
            "Type 'restore' to go on: " => "restore".to_owned(),
            "Once more: " => {
                if PASSPHRASES.contains(&self.last.as_str()) {
                    self.passphrase = self.new_passphrase;
                    self.new_passphrase = (self.new_passphrase + 1) % PASSPHRASES.len();
                }
                self.last.clone()
            }
            _ => return None,
        };
        Some(self.last.clone())
    }

    /// Carries commands out in a terminal, and returns what was shown.
    fn carry_out(&mut self, ostler: &Ostler, commands: &str) -> anyhow::Result<String> {
        let script = ostler.file("commands", format!("set -e\n{commands}"))?;
        let directory = ostler.program().parent().unwrap_or(Path::new("/"));
        let path = PathBuf::from(format!("{}:/usr/bin:/bin", directory.display()));
        let mut environment = ostler.environment();
        environment.retain(|(name, _)| !matches!(*name, "PATH" | "OSTLER_PASSPHRASE_FILE"));
        environment.extend([("PATH", path), ("NO_COLOR", PathBuf::from("1"))]);
        let script = script.display().to_string();
        let mut terminal =
            Terminal::start(Path::new("/bin/bash"), &[&script], &environment, &ostler.work(), 200, 100)?;
        let (mut seen, mut shown, mut asked) = (0, String::new(), 0);
        while let Some(raw) = terminal.raw_beyond(seen)? {
            seen = raw.len();
            shown = String::from_utf8_lossy(&raw).into_owned();
            // A question stands at the end: the program waits for its answer.
            let question = shown
                .get(asked..)
                .unwrap_or_default()
                .rsplit(['\n', '\r'])
                .next()
                .unwrap_or_default()
                .to_owned();
            if let Some(answer) = self.answer(&question) {
                asked = shown.len();
                terminal.keys(&format!("{answer}\r"))?;
            }
        }
        anyhow::ensure!(terminal.end()? == 0, "these commands failed:\n{commands}\n{shown}");
        Ok(shown)
    }
}

#[test]
fn each_task_of_the_guide_does_what_it_says() -> anyhow::Result<()> {
    let server = FakeSshServer::start(FakeSshOptions {
        users: vec![FakeUser::with_password(USER, PASSWORD)],
        ..FakeSshOptions::default()
    })?;
    let chapter_text =
        CHAPTER.replace("server.example", &server.host()).replace("2222", &server.port().to_string());
    let (file, steps) = chapter(&chapter_text);
    let ostler = Ostler::new()?;
    ostler.file("servers.csv", file)?;
    let mut person = Person { passphrase: 0, new_passphrase: 0, last: String::new() };
    let mut tasks = Vec::new();
    for step in steps {
        let shown = person.carry_out(&ostler, &step.commands)?;
        for words in &step.seen {
            assert!(
                shown.contains(words.as_str()),
                "{}: '{words}' is not to be seen in:\n{shown}",
                step.task
            );
        }
        assert!(!shown.contains(PASSWORD) && !PASSPHRASES.iter().any(|secret| shown.contains(secret)));
        tasks.push(step.task);
    }
    tasks.dedup();
    assert_eq!(tasks.len(), 15, "{tasks:#?}");
    Ok(())
}
