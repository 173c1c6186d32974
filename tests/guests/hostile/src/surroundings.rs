//! Looking around: what a plugin can see of the machine and of others.

use std::time::SystemTime;

use crate::guest::ostler::secrets::use_slots;
use crate::guest::{Tried, said};

pub(crate) fn attack(attack: &str) -> Tried {
    Some(match attack {
        "environment" => said(format!("{} variables", std::env::vars_os().count())),
        "arguments" => said(format!("{} arguments", std::env::args_os().count())),
        "files" => {
            let tried = ["/etc/passwd", ".", "/", "/proc/self/environ"];
            let opened = tried.iter().filter(|path| std::fs::metadata(path).is_ok()).count();
            let listed = std::fs::read_dir("/").is_ok();
            said(format!("{opened} opened, listed {listed}"))
        }
        "a-file-of-its-own" => said(format!("{}", std::fs::write("/tmp/owned", b"x").is_ok())),
        "input" => said(format!("{:?}", std::io::read_to_string(std::io::stdin()).map_err(|_| ()))),
        "a-program" => said(format!("{}", std::process::Command::new("/bin/sh").spawn().is_ok())),
        "a-thread" => said(format!("{}", std::thread::Builder::new().spawn(|| ()).is_ok())),
        "the-clock" => {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            said(format!("{:?}", now.map(|now| now.as_secs()).map_err(|_| ())))
        }
        "slots" => said(format!("{:?}", use_slots::slots().map(|slots| slots.len()))),
        _ => return None,
    })
}
