//! The memory of the plugins that run in a process, dumped to be searched for what must not be in it.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};

/// Returns the memory of the instances in a process: what stands at the images of their memories, and right behind them.
pub(crate) fn guest_memory(process: u32) -> Vec<u8> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let mut memory = fs::File::open(format!("/proc/{process}/mem")).unwrap();
    let (mut found, mut end_of_guest) = (Vec::new(), 0);
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, rights) = (words.next().unwrap(), words.next().unwrap());
        let (start, end) = range.split_once('-').unwrap();
        let (start, end) = (u64::from_str_radix(start, 16).unwrap(), u64::from_str_radix(end, 16).unwrap());
        if rights.starts_with("rw") && (line.contains("wasm-memory-image") || start == end_of_guest) {
            let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
            memory.seek(SeekFrom::Start(start)).unwrap();
            memory.read_exact(&mut bytes).unwrap();
            found.extend(bytes);
            end_of_guest = end;
        }
    }
    found
}
