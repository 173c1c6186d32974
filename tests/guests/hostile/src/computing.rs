//! Attacks on the processor: computing, waiting and calling without an end.

use std::hint::black_box;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::guest::ostler::log::log::{self, Level};
use crate::guest::ostler::secrets::use_slots;
use crate::guest::ostler::storage::storage;
use crate::guest::wasi::clocks::monotonic_clock;
use crate::guest::wasi::io::poll;
use crate::guest::{Tried, said};

pub(crate) fn attack(attack: &str) -> Tried {
    match attack {
        "loop" => loop {
            black_box(0);
        },
        "loop-of-copies" => {
            let mut block = vec![1_u8; 8 << 20];
            loop {
                block.fill(black_box(2));
                block.copy_within(..4 << 20, 4 << 20);
            }
        }
        "loop-of-log-lines" => loop {
            log::write(Level::Info, "again");
        },
        "loop-of-refused-calls" => loop {
            drop(storage::set("", b""));
        },
        "loop-of-slots" => loop {
            drop(use_slots::slots());
        },
        "loop-of-clock-readings" => loop {
            black_box((Instant::now(), monotonic_clock::now()));
        },
        "recursion" => drop(black_box(deep(0))),
        "recursion-through-pointers" => drop(black_box(one(0))),
        "sleep" => sleep(Duration::from_secs(3600)),
        "sleep-in-small-pieces" => loop {
            sleep(Duration::from_millis(1));
        },
        "wait-for-many-alarms" => {
            let hour = 3_600_000_000_000;
            let alarms: Vec<_> = (0..100).map(|_| monotonic_clock::subscribe_duration(hour)).collect();
            drop(poll::poll(&alarms.iter().collect::<Vec<_>>()));
        }
        "spin-on-an-alarm" => {
            let alarm = monotonic_clock::subscribe_duration(u64::MAX);
            while !alarm.ready() {}
        }
        "wait-for-nothing" => drop(poll::poll(&[])),
        _ => return None,
    }
    Some(said("it came to an end"))
}

fn deep(depth: u32) -> u32 {
    if black_box(depth) == u32::MAX { 0 } else { deep(depth + 1).wrapping_add(depth) }
}

fn one(depth: u32) -> u32 {
    let next: fn(u32) -> u32 = black_box(other);
    next(depth).wrapping_add(1)
}

fn other(depth: u32) -> u32 {
    let next: fn(u32) -> u32 = black_box(one);
    next(depth).wrapping_mul(3)
}
