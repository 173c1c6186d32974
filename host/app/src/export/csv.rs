//! A table (RFC 4180) with the headings that `importer-csv` knows. Settings and custom fields have no column.

use ostler_core::CredentialMode;
use zeroize::Zeroizing;

use super::{Made, OpenAll, Selection};
use crate::AppError;

const HEADINGS: [&str; 12] = [
    "Name",
    "Host",
    "Port",
    "Type",
    "Folder",
    "Credential",
    "User Name",
    "Domain",
    "Password",
    "Notes",
    "Tags",
    "UUID",
];

pub(super) fn write(selection: &Selection<'_>, open: &OpenAll<'_>) -> Result<Made, AppError> {
    let failed = |error: ::csv::Error| AppError::bad("export", error.to_string());
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADINGS).map_err(failed)?;
    for connection in &selection.connections {
        let secrets = open(&connection.credential)?;
        let password = secrets.get("password").and_then(|bytes| bytes.expose_text()).unwrap_or_default();
        let (mode, user, domain) = match &connection.credential {
            CredentialMode::Inherit => ("inherited", "", ""),
            CredentialMode::None | CredentialMode::Source(_) => ("none", "", ""),
            CredentialMode::Local(local) => (
                "embedded",
                local.user.as_deref().unwrap_or_default(),
                local.domain.as_deref().unwrap_or_default(),
            ),
        };
        let tags: Vec<&str> = connection.tags.iter().map(String::as_str).collect();
        let (folder, id) = (selection.place(connection.folder).join("/"), connection.id.to_string());
        let row = [
            &connection.name,
            &connection.host,
            &connection.port.to_string(),
            &connection.kind,
            &folder,
            mode,
            user,
            domain,
            password,
            &connection.notes,
            &tags.join(";"),
            &id,
        ];
        writer.write_record(row).map_err(failed)?;
    }
    let content = writer.into_inner().map_err(|error| AppError::bad("export", error.to_string()))?;
    Ok(Made { content: Zeroizing::new(content), left_out: Vec::new() })
}
