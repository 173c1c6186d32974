//! Mutations: a good input with some of its bytes changed, cut out, doubled, or taken from another one.
//!
//! The same seed and the same good inputs give the same mutations.

use fastrand::Rng;

use crate::input::Input;

/// The largest file that a mutation makes.
const LARGEST: usize = 1 << 20;
/// The most changes of one input, as a power of two; most have few.
const MOST_CHANGES: u32 = 6;

/// Makes one input out of good ones.
#[must_use]
pub fn mutate(good: &[Input], random: &mut Rng) -> Input {
    let Some(mut input) = random.choice(good).cloned() else { return Input::of(noise(random)) };
    if random.u8(..40) == 0
        && let Some((_, bytes)) = random.choice(&mut input.files)
    {
        *bytes = noise(random);
        return input;
    }
    for _ in 0..=below_power(MOST_CHANGES, random) {
        if input.files.len() > 1 && random.u8(..30) == 0 {
            change_files(&mut input, random);
        } else if let Some((_, bytes)) = random.choice(&mut input.files) {
            let other = random.choice(good).and_then(|other| random.choice(&other.files));
            change(bytes, other.map_or(&[], |(_, bytes)| bytes), random);
            bytes.truncate(LARGEST);
        }
    }
    input
}

fn noise(random: &mut Rng) -> Vec<u8> {
    let length = below_power(12, random);
    std::iter::repeat_with(|| random.u8(..)).take(length).collect()
}

/// Takes a file away, or puts one in the place of another; does nothing where there are none.
pub fn change_files(input: &mut Input, random: &mut Rng) {
    if input.files.is_empty() {
        return;
    }
    let (one, other) = (random.usize(..input.files.len()), random.usize(..input.files.len()));
    match random.u8(..3) {
        0 => drop(input.files.remove(one)),
        action => {
            let replacement = input.files.get(other).map(|(_, bytes)| bytes.clone()).unwrap_or_default();
            if let Some((_, bytes)) = input.files.get_mut(one) {
                let replaced = std::mem::replace(bytes, replacement);
                if action == 1
                    && let Some((_, bytes)) = input.files.get_mut(other)
                {
                    *bytes = replaced;
                }
            }
        }
    }
}

/// Makes one change.
fn change(bytes: &mut Vec<u8>, other: &[u8], random: &mut Rng) {
    let at = random.usize(..=bytes.len());
    match random.u8(..10) {
        0 | 1 => set(bytes, at, |byte| byte ^ (1 << (at % 8))),
        2 => {
            let value = random.choice([0, 1, 0x7F, 0x80, 0xFF, b'"', b'\\', b'\n', b'[', b'{', b'*']);
            set(bytes, at, |_| value.unwrap_or_default());
        }
        3 => {
            // Numbers in text: one digit more, or another one.
            let digit = bytes.iter().skip(at).position(u8::is_ascii_digit).map(|ahead| at + ahead);
            let (digit, new) = (digit.unwrap_or(at), random.u8(b'0'..=b'9'));
            bytes.insert(digit.min(bytes.len()), new);
        }
        4 => {
            // Lengths and counts: four bytes of an extreme number.
            let number: u32 =
                random.choice([0, 1, u32::MAX, i32::MAX.unsigned_abs(), 1 << 16]).unwrap_or_default();
            let number = if random.bool() { number.to_le_bytes() } else { number.to_be_bytes() };
            for (ahead, new) in number.into_iter().enumerate() {
                set(bytes, at + ahead, |_| new);
            }
        }
        5 => bytes.truncate(at),
        6 => drop(bytes.drain(range(bytes.len(), random))),
        7 => {
            let doubled = bytes.get(range(bytes.len(), random)).unwrap_or_default().to_vec();
            insert(bytes, at, &doubled.repeat(1 + below_power(8, random)));
        }
        8 => {
            let foreign = other.get(range(other.len(), random)).unwrap_or_default();
            insert(bytes, at, foreign);
        }
        _ => {
            let foreign = other.get(range(other.len(), random)).unwrap_or_default();
            for (ahead, new) in foreign.iter().enumerate() {
                set(bytes, at + ahead, |_| *new);
            }
        }
    }
}

fn set(bytes: &mut [u8], at: usize, change: impl Fn(u8) -> u8) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte = change(*byte);
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, new: &[u8]) {
    let new = new.get(..new.len().min(LARGEST)).unwrap_or_default();
    bytes.splice(at..at, new.iter().copied());
}

/// A number that is small more often than large, below two to the power of `most`.
fn below_power(most: u32, random: &mut Rng) -> usize {
    let power = random.u32(..=most);
    random.usize(..1 << power)
}

/// A range that is short more often than long.
fn range(length: usize, random: &mut Rng) -> std::ops::Range<usize> {
    let start = random.usize(..=length);
    let longest = (length - start).min(1 << random.u32(..16));
    start..start + random.usize(..=longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_mutations_again_and_another_one_others() {
        let good = [Input::of("a good input of 42 bytes or so"), Input::of("[1, 2, 3]")];
        let some = |seed| {
            let mut random = Rng::with_seed(seed);
            (0..1000).map(|_| mutate(&good, &mut random)).collect::<Vec<_>>()
        };
        assert_eq!(some(1), some(1));
        assert_ne!(some(1), some(2));
        let changed = some(1).iter().filter(|input| !good.contains(input)).count();
        assert!(changed > 900, "{changed} of 1000 are changed");
        assert!(some(1).iter().all(|input| input.bytes().len() <= LARGEST));
    }
}
