//! Ways to end that must end nothing else.

use std::hint::black_box;

use crate::guest::Tried;

pub(crate) fn attack(attack: &str) -> Tried {
    match attack {
        "panic" => panic!("\u{1b}]0;owned\u{7}"),
        "exit-0" => std::process::exit(0),
        "exit-1" => std::process::exit(1),
        "abort" => std::process::abort(),
        "unreachable" => std::arch::wasm32::unreachable(),
        "a-number-out-of-range" => {
            // SAFETY: it does not fit, and the instruction traps.
            let number: i32 = unsafe { black_box(f32::NAN).to_int_unchecked() };
            panic!("{number}")
        }
        "reading-out-of-bounds" => {
            // SAFETY: it is out of bounds, which the engine has to notice.
            let byte = unsafe { std::ptr::read_volatile(black_box(0xffff_fff0_usize) as *const u8) };
            panic!("{byte}")
        }
        "writing-out-of-bounds" => {
            // SAFETY: as above.
            unsafe { std::ptr::write_volatile(black_box(0xffff_fff0_usize) as *mut u8, 1) };
            panic!("written")
        }
        "calling-nothing" => {
            // SAFETY: it is no function, which the engine has to notice.
            let nothing: fn() = unsafe { std::mem::transmute(black_box(0xffff_usize)) };
            nothing();
            panic!("called")
        }
        "calling-another-type" => {
            let function: fn(u64, u64) -> u64 = black_box(|a, b| a + b);
            // SAFETY: it is of another type, which the engine has to notice.
            let function: fn() = unsafe { std::mem::transmute(function) };
            function();
            panic!("called")
        }
        _ => None,
    }
}
