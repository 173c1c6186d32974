//! What it does: the setting `script` of the connection has steps, parted by `;`, each a word and its arguments. What each step
//! got comes back, parted by ` | `, as the text of `refused`; a script that ends with `finish` ends the session in order.

wit_bindgen::generate!({
    inline: "
        package test:driver;

        world scripted-driver {
            import ostler:net/net@0.1.0;
            import ostler:terminal/terminal@0.1.0;
            import ostler:secrets/use-slots@0.2.0;
            import ostler:secrets/wire-slots@0.2.0;
            import ostler:driver/events@0.1.0;
            export ostler:launcher/launcher@0.1.0;
            export ostler:driver/driver@0.1.0;
        }
    ",
    path: [
        "../../../plugin-api/wit/types-0.1.0",
        "../../../plugin-api/wit/net-0.1.0",
        "../../../plugin-api/wit/terminal-0.1.0",
        "../../../plugin-api/wit/secrets-0.2.0",
        "../../../plugin-api/wit/driver-0.1.0",
        "../../../plugin-api/wit/launcher-0.1.0",
    ],
    generate_all,
});

use std::fmt::Debug;
use std::hint::black_box;

use exports::ostler::driver::driver::{DriveError, DriveRequest, EndReason, Guest as Driver};
use exports::ostler::launcher::launcher::Guest as Launcher;
use ostler::driver::events::next_event;
use ostler::driver::types::Event;
use ostler::launcher::types::{DrivenPlan, DrivenSurface, KindInfo, LaunchRequest, PlanError, SessionPlan};
use ostler::net::net::{TlsOptions, Wire, connect};
use ostler::secrets::{use_slots, wire_slots};
use ostler::terminal::terminal::show;
use ostler::types::types::{Endpoint, SettingValue};

#[unsafe(link_section = "ostler:plugin.toml")]
#[used]
static MANIFEST: [u8; include_bytes!("../plugin.toml").len()] = *include_bytes!("../plugin.toml");

struct Scripted;

export!(Scripted);

impl Launcher for Scripted {
    fn describe() -> Vec<KindInfo> {
        vec![KindInfo { kind: "scripted".into(), title: "Scripted".into(), default_port: 7 }]
    }

    fn plan(request: LaunchRequest) -> Result<SessionPlan, PlanError> {
        let target = Endpoint { host: request.host, port: request.port };
        Ok(SessionPlan::Driven(DrivenPlan { target, surface: DrivenSurface::Terminal }))
    }
}

impl Driver for Scripted {
    fn drive(request: DriveRequest) -> Result<EndReason, DriveError> {
        let script = request.settings.iter().find(|setting| setting.key == "script");
        let Some(SettingValue::Text(script)) = script.map(|setting| &setting.value) else {
            return Err(DriveError::Missing("a script".into()));
        };
        let mut stage = Stage { target: request.target, wires: Vec::new() };
        let mut got = Vec::new();
        for step in script.split(';') {
            let words: Vec<&str> = step.split_whitespace().collect();
            if words == ["finish"] {
                return Ok(EndReason::Finished(Some(0)));
            }
            got.push(stage.does(&words));
        }
        Err(DriveError::Refused(got.join(" | ")))
    }
}

struct Stage {
    target: Endpoint,
    wires: Vec<Wire>,
}

impl Stage {
    fn does(&mut self, words: &[&str]) -> String {
        let number = |at: usize| words.get(at).and_then(|word| word.parse::<usize>().ok()).unwrap_or(0);
        let word = |at: usize| words.get(at).copied().unwrap_or_default();
        // The wire that a step names; the first where it names none.
        let wire = |at: usize| &self.wires[number(at)];
        match word(0) {
            // connect [host port]
            "connect" => {
                let target = match words.get(1) {
                    Some(host) => Endpoint { host: (*host).into(), port: number(2) as u16 },
                    None => self.target.clone(),
                };
                match connect(&target) {
                    Ok(wire) => {
                        self.wires.push(wire);
                        "connected".into()
                    }
                    Err(error) => format!("{error:?}"),
                }
            }
            // write wire text
            "write" => got(wire(1).write(word(2).as_bytes())),
            // write-bytes wire count
            "write-bytes" => got(wire(1).write(&vec![b'x'; number(2)])),
            // read wire
            "read" => match wire(1).read(u32::MAX) {
                Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Err(error) => format!("{error:?}"),
            },
            // tls wire [pin]
            "tls" => {
                let pin = words.get(2).map(|pin| (*pin).to_owned());
                got(wire(1).upgrade_tls(&TlsOptions { server_name: None, pin }))
            }
            "slots" => format!("{:?}", use_slots::slots()),
            // send wire slot [length of the ending]
            "send" => got(wire_slots::send(word(2), wire(1), &vec![b'\r'; number(3).max(1)])),
            // answer slot algorithm length-of-the-challenge
            "answer" => match use_slots::answer(word(1), word(2), &vec![7; number(3)]) {
                Ok(answer) => String::from_utf8_lossy(&answer).into_owned(),
                Err(error) => format!("{error:?}"),
            },
            // show text
            "show" => got(show(word(1).as_bytes())),
            // show-bytes count
            "show-bytes" => got(show(&vec![b'x'; number(1)])),
            // next [milliseconds]
            "next" => match next_event(words.get(1).map(|_| number(1) as u32)) {
                Event::Input(bytes) => format!("Input {}", String::from_utf8_lossy(&bytes)),
                event => format!("{event:?}"),
            },
            // compute turns
            "compute" => {
                for turn in 0..number(1) {
                    black_box(turn);
                }
                "computed".into()
            }
            "compute-forever" => loop {
                black_box(0);
            },
            // Looks at no event any more, and waits for a server that says nothing.
            "ignore" => loop {
                drop(wire(1).read(1));
            },
            // Looks at no event any more, and shows without end.
            "flood" => loop {
                drop(show(&[b'.'; 1 << 10]));
            },
            // Hears that it is to close, and asks on.
            "ask-on" => loop {
                next_event(None);
            },
            "trap" => panic!("as the script says"),
            other => format!("there is no step '{other}'"),
        }
    }
}

fn got<E: Debug>(result: Result<(), E>) -> String {
    match result {
        Ok(()) => "done".into(),
        Err(error) => format!("{error:?}"),
    }
}
