//! The crate through its public face: what opens, and above all what does not.

#[cfg(test)]
mod device;
#[cfg(test)]
mod envelope;
#[cfg(test)]
mod outside;
#[cfg(test)]
mod record;
#[cfg(test)]
mod silence;
#[cfg(test)]
mod slot;
#[cfg(test)]
mod stream;

/// Reads hexadecimal digits.
#[cfg(test)]
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Calls `check` with the bytes changed in one bit of one byte, for every byte.
#[cfg(test)]
fn each_flip(bytes: &[u8], mut check: impl FnMut(usize, &[u8])) {
    for place in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[place] ^= 1 << (place % 8);
        check(place, &changed);
    }
}

/// Writes a file of a test; nothing reads it while it is written.
#[cfg(test)]
fn write_file(path: &std::path::Path, content: &[u8]) {
    let mut file = std::fs::File::create(path).unwrap();
    std::io::Write::write_all(&mut file, content).unwrap();
}
