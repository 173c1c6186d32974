//! Opened events of the audit log: the JSON inside of a sealed line. An input's files are events, which are sealed here
//! as a writer would have; nobody without a batch key can.

use std::path::{Path, PathBuf};

use ostler_audit::{AuditEvent, ReadFrom, fuzzing, read};

use super::audit::{STORE, private};
use super::{Taken, comes_back};
use crate::Input;

const LOG: &str = "log";
const EVENT: &str = r#"{"v":1,"time":1700000000000000,"machine":"host","process":7,"class":"session.end","outcome":"failure","reason":"lost","actor":"root","plugin":{"id":"a.b","version":"1.0.0","digest":"00"},"capability":"log","target":"db.example:22","connection":"03030303-0303-0303-0303-030303030303","recording_root":"00","details":{"bytes":"7"}}"#;
const LEAST: &str = r#"{"v":1,"time":0,"machine":"","process":0,"class":"","outcome":"success","actor":""}"#;

/// More do nothing that these don't.
const MOST: usize = 16;

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let files = [EVENT, LEAST].map(|event| ("event".to_owned(), event.as_bytes().to_vec()));
    Ok(vec![Input { files: files.into() }, Input { files: Vec::new() }])
}

/// A damaged event costs itself only; one that is read comes back as it was written.
pub(super) fn take(input: &Input, scratch: &Path) -> anyhow::Result<Taken> {
    let events: Vec<&[u8]> = input.files.iter().take(MOST).map(|(_, bytes)| bytes.as_slice()).collect();
    let private = private();
    let log = fuzzing::log_of(STORE, &private.public(), &events)?;
    let directory = scratch.join("audit");
    Input { files: vec![(LOG.to_owned(), log.into_bytes())] }.write(&directory)?;
    let (mut taken, mut lines) = (Taken::Read, 0);
    for record in read(&directory, STORE, &private, ReadFrom::Line(0))? {
        lines += 1;
        match record {
            Ok(record) => drop(comes_back::<AuditEvent>(&record.event)?),
            Err(error) => {
                drop(error.to_string());
                taken = Taken::Refused;
            }
        }
    }
    anyhow::ensure!(lines >= events.len(), "of {} events, {lines} came back", events.len());
    Ok(taken)
}
