//! Attacks with handles: very many, forged ones, ones that are gone.

use crate::guest::wasi::clocks::monotonic_clock::subscribe_duration;
use crate::guest::wasi::io::poll::{Pollable, poll};
use crate::guest::{Tried, said};

pub(crate) fn attack(attack: &str) -> Tried {
    match attack {
        "ten-thousand-handles" => {
            let kept: Vec<Pollable> = (0..10_000).map(|_| subscribe_duration(1)).collect();
            return Some(said(format!("has {}", kept.len())));
        }
        "ten-thousand-handles-leaked" => (0..10_000).for_each(|_| std::mem::forget(subscribe_duration(1))),
        "ten-thousand-handles-one-by-one" => (0..10_000).for_each(|_| drop(subscribe_duration(1))),
        "a-forged-handle" => {
            // SAFETY: it is no handle, which the host has to notice.
            let forged = unsafe { Pollable::from_handle(12_345) };
            forged.block();
        }
        "a-handle-dropped-twice" => {
            let alarm = subscribe_duration(1);
            // SAFETY: it is dropped once too often, which the host has to notice.
            let twin = unsafe { Pollable::from_handle(alarm.handle()) };
            drop(alarm);
            drop(twin);
        }
        "a-handle-used-after-its-end" => {
            let alarm = subscribe_duration(1);
            // SAFETY: it is used after its end, which the host has to notice.
            let twin = unsafe { Pollable::from_handle(alarm.handle()) };
            drop(alarm);
            twin.block();
        }
        "a-list-of-the-same-handle" => {
            let alarm = subscribe_duration(1);
            drop(poll(&vec![&alarm; 1_000_000]));
        }
        _ => return None,
    }
    Some(said("it came to an end"))
}
