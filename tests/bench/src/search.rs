//! Searching 100,000 connections as a person types: the slowest of the searches that the keystrokes of `server-9999` make, each
//! for as many as a list shows. Beside it, one search in an open KeePassXC.

use std::hint::black_box;

use anyhow::ensure;
use ostler_core::{Search, Tree};

use crate::keepassxc::{Database, NAME};
use crate::measure::{Limit, Measure, millis, pairs};
use crate::store::{CONNECTIONS, connection};

const TYPED: &str = "server-9999";
/// Rows that a list shows.
const SHOWN: usize = 200;

pub(crate) fn measure() -> anyhow::Result<Measure> {
    let tree = Tree::new([], (0..CONNECTIONS).map(connection));
    let search = Search::new(&tree);
    let own = || {
        let mut slowest: f64 = 0.0;
        for end in 1..=TYPED.len() {
            let text = TYPED.get(..end).unwrap_or(TYPED);
            slowest = slowest.max(millis(|| Ok(black_box(search.find(text, SHOWN))))?);
        }
        // One that is in nothing looks everywhere.
        slowest = slowest.max(millis(|| Ok(black_box(search.find("nowhere", SHOWN))))?);
        ensure!(search.find(TYPED, SHOWN).len() == 11, "the search found something else");
        Ok(slowest)
    };
    let mut opened = Database::make(CONNECTIONS)?.open()?;
    let peer = || {
        millis(|| {
            let shown = opened.ask(&format!("search {TYPED}"))?;
            ensure!(shown.matches("server-9999").count() >= 11, "KeePassXC found something else");
            Ok(())
        })
    };
    let (own, peer) = pairs(own, peer)?;
    Ok(Measure { unit: "ms", own, peer: Some((NAME, peer)), limit: Limit::Value(16.0) })
}
