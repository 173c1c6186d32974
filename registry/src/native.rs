//! What a native plugin says of itself: the manifest in a section of the shared library.
//!
//! Total on any bytes. Never loads a library: that alone would run its code.

use object::read::elf::ElfFile64;
use object::{Architecture, Object as _, ObjectKind, ObjectSection as _};
use ostler_plugin_api::{Manifest, NATIVE_SECTION};

use crate::inspect::{Code, check_size};
use crate::{Digest, InspectError, Inspection};

/// What a shared library begins with.
const ELF: &[u8] = b"\x7fELF";

/// The architecture of this machine.
const HERE: Option<Architecture> = if cfg!(target_arch = "x86_64") {
    Some(Architecture::X86_64)
} else if cfg!(target_arch = "aarch64") {
    Some(Architecture::Aarch64)
} else {
    None
};

/// Tells whether the bytes begin like a shared library.
pub(crate) fn is_library(bytes: &[u8]) -> bool {
    bytes.starts_with(ELF)
}

/// Reads what a native plugin says of itself.
pub(crate) fn inspect(bytes: &[u8]) -> Result<Inspection, InspectError> {
    check_size(bytes)?;
    let unfit = |reason: &str| InspectError::Library { reason: reason.to_owned() };
    let file: ElfFile64<'_> = ElfFile64::parse(bytes).map_err(|error| unfit(&error.to_string()))?;
    if file.kind() != ObjectKind::Dynamic {
        return Err(unfit("it is no shared library"));
    }
    if Some(file.architecture()) != HERE {
        return Err(unfit("it was built for another kind of machine"));
    }
    let mut sections = file.sections().filter(|section| section.name().ok() == Some(NATIVE_SECTION));
    let section = sections.next().ok_or(InspectError::NoManifest)?;
    if sections.next().is_some() {
        return Err(InspectError::SeveralManifests { count: 2 });
    }
    let manifest = section.data().map_err(|error| unfit(&error.to_string()))?;
    Ok(Inspection {
        code: Code::Native,
        manifest: Manifest::parse(manifest)?,
        digest: Digest::of(bytes),
        imports: Vec::new(),
        exports: Vec::new(),
        size: bytes.len() as u64,
    })
}
