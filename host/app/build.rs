//! Compiles the digests of the bundled plugins into the host, so that a plugin file beside the program is trusted for what
//! it is, never for where it lies. `OSTLER_BUNDLED_PLUGINS` names the directory (`.cargo/config.toml` sets it); without it nothing is bundled.

use std::fmt::Write as _;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-env-changed=OSTLER_BUNDLED_PLUGINS");
    let mut table = String::from("&[\n");
    let directory = std::env::var_os("OSTLER_BUNDLED_PLUGINS").map(PathBuf::from);
    // Also where it is not there yet: once it is, this has to run again.
    if let Some(directory) = &directory {
        println!("cargo::rerun-if-changed={}", directory.display());
    }
    // Before the plugins are built for the first time there is nothing to bundle.
    if let Some(directory) = directory.filter(|directory| directory.is_dir()) {
        let mut files: Vec<PathBuf> = std::fs::read_dir(&directory)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "wasm"))
        {
            println!("cargo::rerun-if-changed={}", file.display());
            let digest = Sha256::digest(std::fs::read(file)?);
            let hex = digest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
            let name = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            writeln!(table, "    ({name:?}, \"sha256:{hex}\"),")?;
        }
    }
    table.push_str("]\n");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    #[expect(clippy::disallowed_methods, reason = "cargo owns this directory and starts over after a crash")]
    std::fs::write(out.join("bundled.rs"), table)?;
    Ok(())
}
