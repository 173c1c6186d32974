//! One connection as a `.rdp` file, as Microsoft's client and others open it: UTF-16 with a mark, a line for each setting. Never holds a
//! password: that form is bound to the machine that wrote it.

use ostler_core::SettingValue;
use zeroize::Zeroizing;

use super::{Made, Selection};
use crate::AppError;

pub(super) fn write(selection: &Selection<'_>) -> Result<Made, AppError> {
    let [connection] = selection.connections.as_slice() else {
        return Err(AppError::bad("format", "a .rdp file holds one connection: name it with --connection"));
    };
    if connection.kind != "rdp" {
        let reason = format!(
            "'{}' is of the type '{}', and a .rdp file holds an RDP connection",
            connection.name, connection.kind
        );
        return Err(AppError::bad("format", reason));
    }
    let host = match connection.host.contains(':') {
        true => format!("[{}]", connection.host),
        false => connection.host.clone(),
    };
    let (user, domain) = selection.login(connection);
    let number = |key: &str| match connection.settings.0.get(key) {
        Some(SettingValue::Integer(number)) => Some(*number),
        _ => None,
    };
    let mut lines =
        vec![format!("full address:s:{host}:{}", connection.port), "prompt for credentials:i:1".to_owned()];
    lines.extend(user.map(|user| format!("username:s:{user}")));
    lines.extend(domain.map(|domain| format!("domain:s:{domain}")));
    let numbers = [
        ("desktopwidth", number("rdp.desktop-width")),
        ("desktopheight", number("rdp.desktop-height")),
        ("session bpp", number("rdp.color-depth")),
    ];
    let numbers =
        numbers.into_iter().filter_map(|(name, number)| Some((name, number.filter(|number| *number > 0)?)));
    lines.extend(numbers.map(|(name, number)| format!("{name}:i:{number}")));
    if let Some(SettingValue::Flag(expands)) = connection.settings.0.get("rdp.auto-expand") {
        lines.push(format!("dynamic resolution:i:{}", i32::from(*expands)));
    }
    let text: String = lines.iter().map(|line| format!("{}\r\n", line.replace(['\r', '\n'], " "))).collect();
    let content: Vec<u8> =
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    Ok(Made { content: Zeroizing::new(content), left_out: Vec::new() })
}
