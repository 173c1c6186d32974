//! The manifest inside of a component, read and replaced: so a test has two versions of one plugin.

const NAME: &[u8] = b"ostler:plugin.toml";
/// The header of a component, before its sections.
const HEADER: usize = 8;

/// A core module in a component, and a custom section, by their numbers.
const MODULE: u8 = 1;
const CUSTOM: u8 = 0;

/// Returns the manifest of a component, which linkers leave in a module of it.
pub(crate) fn manifest_of(component: &[u8]) -> String {
    let mut found = None;
    rewritten(component, true, &mut |text| {
        found = Some(String::from_utf8(text.to_vec()).unwrap());
        text.to_vec()
    });
    found.unwrap()
}

/// Returns the component with another manifest.
pub(crate) fn with_manifest(component: &[u8], manifest: &str) -> Vec<u8> {
    rewritten(component, true, &mut |_| manifest.as_bytes().to_vec())
}

/// Copies a component, or a module of one, with the text of each manifest changed.
fn rewritten(binary: &[u8], component: bool, change: &mut dyn FnMut(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut copy = binary[..HEADER].to_vec();
    let mut at = HEADER;
    while at < binary.len() {
        let (size, begins) = leb(binary, at + 1);
        let (number, content) = (binary[at], &binary[begins..begins + size]);
        let content = match number {
            MODULE if component => rewritten(content, false, change),
            CUSTOM => custom(content, change),
            _ => content.to_vec(),
        };
        copy.push(number);
        copy.extend(leb_of(content.len()));
        copy.extend(content);
        at = begins + size;
    }
    copy
}

fn custom(content: &[u8], change: &mut dyn FnMut(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let (length, begins) = leb(content, 0);
    let (name, text) = content.split_at(begins + length);
    let text = if name[begins..] == *NAME { change(text) } else { text.to_vec() };
    [name, &text].concat()
}

/// Reads a number, and returns where it ends.
fn leb(bytes: &[u8], mut at: usize) -> (usize, usize) {
    let (mut number, mut shift) = (0, 0);
    loop {
        let byte = usize::from(bytes[at]);
        number |= (byte & 0x7f) << shift;
        at += 1;
        if byte & 0x80 == 0 {
            return (number, at);
        }
        shift += 7;
    }
}

fn leb_of(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        bytes.push(if number == 0 { low } else { low | 0x80 });
        if number == 0 {
            return bytes;
        }
    }
}
