//! `ostler plugin new`, `build`, `check`, `test`, `pack`, `keygen`, `sign` and `verify`: for the authors of plugins. None of them needs a store,
//! but for `dev`, which has a file of its own.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use ostler_plugin_tools::{
    Checked, NewPlugin, Project, TemplateKind, ToolError, check_file, create, keygen, pack, sign, verify,
};
use ostler_testkit::{Report, Wishes};
use serde_json::json;
use zeroize::Zeroizing;

use super::dev::Dev;
use crate::context::Context;
use crate::error::{CliError, FAILED};
use crate::output::escape;
use crate::secret_file::SecretSource;

/// For the authors of plugins.
#[derive(Debug, Subcommand)]
pub(crate) enum Author {
    /// Write the project of a new plugin.
    #[command(after_help = "\
Examples:
  ostler plugin new importer-hosts --kind importer --publisher acme
  ostler plugin new launcher-switch --kind launcher --publisher acme --sdk ../ostler/sdk/rust")]
    New {
        /// Its name: the second part of its id.
        name: String,
        /// Of which kind.
        #[arg(long, value_enum, value_name = "KIND")]
        kind: Kind,
        /// Whose it is: the first part of its id.
        #[arg(long, default_value = "example")]
        publisher: String,
        /// The folder to make; without it, the name.
        #[arg(long, value_name = "FOLDER")]
        path: Option<PathBuf>,
        /// The folder 'sdk/rust' of a checkout of Ostler; without it, one here or above.
        #[arg(long, value_name = "FOLDER")]
        sdk: Option<PathBuf>,
    },
    /// Build a project's component.
    #[command(after_help = "Examples:\n  ostler plugin build")]
    Build {
        /// The project; without it, the current folder.
        #[arg(default_value = ".")]
        project: PathBuf,
    },
    /// Check a component, or a project's, as installing it would.
    #[command(after_help = "Examples:\n  ostler plugin check\n  ostler plugin check importer.wasm --json")]
    Check {
        /// The component, or the project; without it, the current folder.
        #[arg(default_value = ".")]
        what: PathBuf,
    },
    /// Run a project's own tests, build and check it, and run its cases on the component.
    ///
    /// The cases run in the real runtime, with all that the plugin asks for and once more without each capability.
    #[command(after_help = "\
Examples:
  ostler plugin test
  ostler plugin test --hostile
  ostler plugin test --component importer.wasm --cases cases
  OSTLER_BLESS=1 ostler plugin test")]
    Test {
        /// The project; without it, the current folder.
        #[arg(default_value = ".")]
        project: PathBuf,
        /// Only this component, which was built by other means.
        #[arg(long, value_name = "FILE", requires = "cases")]
        component: Option<PathBuf>,
        /// The folder of the cases; without it, 'cases' in the project.
        #[arg(long, value_name = "FOLDER")]
        cases: Option<PathBuf>,
        /// Only cases with this in their name.
        #[arg(long, value_name = "NAME")]
        case: Option<String>,
        /// Also give importers broken files.
        #[arg(long)]
        hostile: bool,
    },
    Dev(Dev),
    /// Write a project's component as one file to hand on.
    ///
    /// It is named by its id and version; the same component gives the same bytes.
    #[command(after_help = "\
Examples:
  ostler plugin pack
  ostler plugin pack --component importer.wasm --manifest plugin.toml --out .")]
    Pack {
        /// The project; without it, the current folder.
        #[arg(default_value = ".")]
        project: PathBuf,
        /// This component, which was built by other means.
        #[arg(long, value_name = "FILE")]
        component: Option<PathBuf>,
        /// The manifest to put into a component that has none, such as one that was not written in Rust.
        #[arg(long, value_name = "FILE")]
        manifest: Option<PathBuf>,
        /// The folder that the file is written to; without it, 'dist' in the project.
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
    /// Make a publisher's pair of keys, as minisign has them.
    #[command(after_help = "Examples:\n  ostler plugin keygen publisher.key")]
    Keygen {
        /// The file of the secret key; the public one is written beside it, with '.pub'.
        key: PathBuf,
        #[command(flatten)]
        protection: Protection,
    },
    /// Sign a component: writes FILE.minisig beside it.
    #[command(
        after_help = "Examples:\n  ostler plugin sign dist/acme.importer-hosts-0.1.0.wasm --secret-key-file publisher.key"
    )]
    Sign {
        /// The component.
        file: PathBuf,
        /// The file of the secret key.
        #[arg(long, value_name = "FILE")]
        secret_key_file: PathBuf,
        #[command(flatten)]
        protection: Protection,
    },
    /// Verify the signature beside a component.
    #[command(
        after_help = "Examples:\n  ostler plugin verify importer.wasm --publisher-key publisher.key.pub"
    )]
    Verify {
        /// The component.
        file: PathBuf,
        /// The publisher's public key, or the file with it.
        #[arg(long, value_name = "KEY")]
        publisher_key: String,
    },
}

/// The kinds of plugin that there are skeletons for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Reads files of other tools.
    Importer,
    /// Plans sessions of a protocol that Ostler speaks.
    Launcher,
    /// Speaks a protocol of its own.
    Driver,
}

/// How a secret key lies on the disk.
#[derive(Debug, Args)]
pub(crate) struct Protection {
    /// Read the key's passphrase from this file.
    #[arg(long, value_name = "FILE", conflicts_with = "no_key_passphrase")]
    key_passphrase_file: Option<PathBuf>,
    /// The key has no passphrase: whoever reads its file can sign.
    #[arg(long)]
    no_key_passphrase: bool,
}

impl Protection {
    fn passphrase(&self, context: &Context, twice: bool) -> Result<Option<Zeroizing<String>>, CliError> {
        if self.no_key_passphrase {
            return Ok(None);
        }
        let unanswered = |_| CliError::NoPassphrase;
        let secret = match &self.key_passphrase_file {
            Some(file) => {
                SecretSource::File(file.clone()).read_line("the key's passphrase", &context.output)?
            }
            None => context.asker.hidden("Passphrase of the key: ").map_err(unanswered)?,
        };
        if twice && self.key_passphrase_file.is_none() {
            let again = context.asker.hidden("Once more: ").map_err(unanswered)?;
            if again != secret {
                return Err(CliError::Declined("the two passphrases differ"));
            }
        }
        let text = secret.expose_text().map(|text| Zeroizing::new(text.to_owned()));
        let reason =
            || CliError::Secret { what: "the key's passphrase".to_owned(), reason: "is no text".to_owned() };
        text.ok_or_else(reason).map(Some)
    }
}

/// Takes a public key: the line itself, or the file that it is in.
///
/// # Errors
/// Fails where a file can't be read.
pub(crate) fn public_key(key: String) -> Result<String, CliError> {
    let path = Path::new(&key);
    if !path.is_file() {
        return Ok(key);
    }
    std::fs::read_to_string(path)
        .map_err(|source| CliError::File { what: format!("the key {}", path.display()), source })
}

impl Author {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, CliError> {
        match self {
            Self::New { name, kind, publisher, path, sdk } => {
                let kind = match kind {
                    Kind::Importer => TemplateKind::Importer,
                    Kind::Launcher => TemplateKind::Launcher,
                    Kind::Driver => TemplateKind::Driver,
                };
                let folder = create(&NewPlugin { kind, name, publisher, path, sdk })?;
                let words = format!(
                    "The project is in {0}. Go there with 'cd {0}'; then 'ostler plugin test' builds and tests it.",
                    escape(&folder.display().to_string())
                );
                say(context, &words, &json!({ "project": folder }))
            }
            Self::Build { project } => {
                let file = Project::open(&project)?.build()?;
                let size = std::fs::metadata(&file).map_or(0, |facts| facts.len());
                let words = format!("{} ({} KiB)", escape(&file.display().to_string()), size.div_ceil(1024));
                say(context, &words, &json!({ "component": file, "bytes": size }))
            }
            Self::Check { what } => {
                let file = if what.is_dir() { Project::open(&what)?.build()? } else { what };
                checked(context, &check_file(&file)?, "fits")
            }
            Self::Test { project, component, cases, case, hostile } => {
                let wishes = Wishes { only: case, hostile };
                test(context, &project, component, cases, &wishes).await
            }
            Self::Dev(dev) => dev.run(context).await,
            Self::Pack { project, component, manifest, out } => {
                let (component, manifest, folder) = match component {
                    Some(component) => {
                        let read = |path: PathBuf| {
                            std::fs::read(&path).map_err(|source| ToolError::File { path, source })
                        };
                        (
                            component,
                            manifest.map(read).transpose()?,
                            out.unwrap_or_else(|| PathBuf::from(".")),
                        )
                    }
                    None => {
                        let own = Project::open(&project)?;
                        let folder = out.unwrap_or_else(|| project.join("dist"));
                        (own.build()?, Some(own.manifest()?), folder)
                    }
                };
                let packed = pack(&component, manifest.as_deref(), &folder)?;
                checked(context, &packed.checked, "is packed")
            }
            Self::Keygen { key, protection } => {
                let passphrase = protection.passphrase(context, true)?;
                let files = keygen(&key, passphrase.as_ref())?;
                let words = format!(
                    "{} is for you alone; a copy that nobody else has saves you from losing it.\n{} is for everybody: {}",
                    escape(&files.secret.display().to_string()),
                    escape(&files.public.display().to_string()),
                    files.public_text
                );
                say(
                    context,
                    &words,
                    &json!({ "secret": files.secret, "public": files.public, "key": files.public_text }),
                )
            }
            Self::Sign { file, secret_key_file: key, protection } => {
                let passphrase = protection.passphrase(context, false)?;
                let signed = sign(&file, &key, passphrase.as_ref())?;
                let words = format!(
                    "{} signs {}",
                    escape(&signed.signature.display().to_string()),
                    escape(&signed.comment)
                );
                say(context, &words, &json!({ "signature": signed.signature, "comment": signed.comment }))
            }
            Self::Verify { file, publisher_key: key } => {
                let key = verify(&file, &public_key(key)?)?;
                let words = format!("{} is signed with {key}", escape(&file.display().to_string()));
                say(context, &words, &json!({ "file": file, "key": key }))
            }
        }
    }
}

/// Runs a project's own tests, and its cases on the component.
async fn test(
    context: &Context,
    project: &Path,
    component: Option<PathBuf>,
    cases: Option<PathBuf>,
    wishes: &Wishes,
) -> Result<u8, CliError> {
    let file = match component {
        Some(component) => component,
        None => {
            let own = Project::open(project)?;
            own.test()?;
            own.build()?
        }
    };
    let fits = check_file(&file)?;
    let cases = cases.unwrap_or_else(|| project.join("cases"));
    if !cases.is_dir() {
        return checked(context, &fits, "passes its tests and fits");
    }
    let bytes = std::fs::read(&file).map_err(|source| ToolError::File { path: file, source })?;
    let report = ostler_testkit::run(&bytes, &cases, wishes).await?;
    let failed = report.failed().next().is_some();
    if context.output.json() {
        context.output.value(&json!({
            "plugin": of_checked(&fits),
            "cases": report.cases,
            "coverage": report.coverage,
        }))?;
    } else {
        tested(context, &report)?;
        if !failed {
            checked(context, &fits, "passes its tests and fits")?;
        }
    }
    Ok(if failed { FAILED } else { 0 })
}

/// Says what came of the cases.
fn tested(context: &Context, report: &Report) -> Result<(), CliError> {
    let mut text = String::new();
    for case in report.failed() {
        for fault in &case.faults {
            text.push_str(&format!("{}, {}: {}\n", escape(&case.case), escape(&case.variant), escape(fault)));
        }
    }
    let failed = report.failed().count();
    text.push_str(&format!("{} runs of cases on the component, {failed} failed\n", report.cases.len()));
    context.output.text(&text)?;
    for capability in report.uncovered() {
        context.output.note(&format!("no case uses '{capability}', or sees it refused"));
    }
    Ok(())
}

fn say(context: &Context, words: &str, value: &serde_json::Value) -> Result<u8, CliError> {
    if context.output.json() {
        context.output.value(value)?;
    } else {
        context.output.text(&format!("{words}\n"))?;
    }
    Ok(0)
}

/// A checked component, for programs.
fn of_checked(checked: &Checked) -> serde_json::Value {
    let Checked { file, inspection, warnings } = checked;
    let manifest = &inspection.manifest;
    let asked: Vec<&str> = manifest.capabilities.iter().map(|request| request.name.name()).collect();
    json!({
        "file": file,
        "id": manifest.id.as_str(),
        "version": manifest.version.to_string(),
        "digest": inspection.digest.to_string(),
        "bytes": inspection.size,
        "imports": inspection.imports.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "capabilities": asked,
        "warnings": warnings,
    })
}

fn checked(context: &Context, checked: &Checked, what: &str) -> Result<u8, CliError> {
    let Checked { file, inspection, warnings } = checked;
    let manifest = &inspection.manifest;
    if context.output.json() {
        context.output.value(&of_checked(checked))?;
        return Ok(0);
    }
    let shown = escape(&file.display().to_string());
    context.output.text(&format!(
        "{} {} {what}: {shown} ({} KiB)\n{}\n",
        manifest.id,
        manifest.version,
        inspection.size.div_ceil(1024),
        inspection.digest
    ))?;
    for warning in warnings {
        context.output.warning(warning);
    }
    Ok(0)
}
