//! Importing a file: an importer reads it, [`reconcile`] decides what becomes of each entry, and one transaction makes it so
//! (features CM-42, CM-43, CM-46, NEW-49).
//!
//! Nothing is dropped silently: every entry is created, updated, found present, or named as a problem with its position.

mod mend;
mod reconcile;

use std::fs::File;
use std::io::Read as _;

use ostler_audit::EventClass;
use ostler_core::{
    Field, FieldKind, Form, FormAnswer, ImportEntry, ImportItem, ImportProblem, ProblemSeverity,
};
use ostler_plugin_api::Kind;
use ostler_registry::FoundPlugin;
use ostler_runtime::{ImportOutlet, Plugin};

use self::mend::write_mend_file;
use self::reconcile::Into;
use crate::crashes::CrashInput;
use crate::plugins::plugin_id;
use crate::{AppError, CandidateView, Host, ImportCommand, ImportReport, ProblemView, Reply};

/// How much of a file an importer sees to recognize it, in bytes.
const HEAD: u64 = 64 * 1024;

/// Collects what an importer hands over.
#[derive(Default)]
struct Collected {
    entries: Vec<ImportEntry>,
    problems: Vec<ImportProblem>,
}

impl Collected {
    /// Returns the types of all connections.
    fn kinds(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter_map(|entry| match &entry.item {
            ImportItem::Connection(connection) => Some(connection.kind.as_str()),
            ImportItem::Folder(_) => None,
        })
    }
}

impl ImportOutlet for Collected {
    fn entries(&mut self, entries: Vec<ImportEntry>) -> bool {
        self.entries.extend(entries);
        true
    }

    fn problems(&mut self, problems: Vec<ImportProblem>) {
        self.problems.extend(problems);
    }
}

impl Host {
    pub(crate) async fn import(&self, command: &ImportCommand) -> Result<Reply, AppError> {
        let file_error = |source| AppError::File { file: command.file.clone(), source };
        let mut head = Vec::new();
        let file = File::open(&command.file).map_err(file_error)?;
        file.take(HEAD).read_to_end(&mut head).map_err(file_error)?;
        let (found, plugin, candidates) = self.importer_for(command, &head).await?;
        let file = File::open(&command.file).map_err(file_error)?;
        let mut collected = Collected::default();
        let parsed = plugin.parse(Box::new(file), &command.options, &mut collected).await;
        let input = || CrashInput::file(&file_name(command), &command.options, &head);
        self.count_use(&found, &plugin, &input)?;
        let id = plugin_id(&found);
        let summary = parsed.map_err(|source| AppError::Plugin { plugin: id.clone(), source })?;

        let kinds = self.kinds(collected.kinds()).await?;
        let declared = self.declared_settings()?;
        let vault = self.vault()?;
        let into = Into {
            folder: &command.into,
            plugin: &id,
            kinds: &kinds,
            declared: &declared,
            strips: self.rules()?.deny_local_credentials,
            overwrites: command.overwrite_edited,
            now: self.now(),
            open: &|id| vault.open_secret(id).ok().map(|secret| secret.bytes),
        };
        let done = if command.dry_run {
            into.reconcile(&self.snapshot()?.tree, &collected.entries)?
        } else {
            self.change(|tree| {
                let mut reconciled = into.reconcile(tree, &collected.entries)?;
                Ok((std::mem::take(&mut reconciled.changes), reconciled))
            })?
        };
        let mut problems: Vec<ProblemView> = collected.problems.iter().map(problem_view).collect();
        problems.extend(done.problems);
        problems.sort_by_key(|problem| problem.position.line);
        let mend_file = if command.dry_run {
            None
        } else {
            write_mend_file(command, &summary.mendable_head, &collected)?
        };
        if !command.dry_run {
            let details = [
                ("file", command.file.display().to_string()),
                ("plugin", id.clone()),
                ("created", done.created.len().to_string()),
                ("updated", done.updated.len().to_string()),
                ("not-imported", problems.iter().filter(|problem| !problem.imported).count().to_string()),
            ];
            self.audit.success(EventClass::Import, &details)?;
        }
        Ok(Reply::Imported(Box::new(ImportReport {
            dry_run: command.dry_run,
            plugin: id,
            format: summary.format,
            mapping: summary.mapping,
            unused: summary.unused,
            candidates,
            created: done.created,
            updated: done.updated,
            kept: done.kept,
            stripped: done.stripped,
            folders: done.folders,
            present: done.present,
            secrets: done.secrets,
            defaults: done.defaults,
            problems,
            mend_file,
        })))
    }

    /// Picks the importer: the one asked for, else the one that is surest to recognize the file; where two are as sure, the person.
    /// Returns the others too, with how sure they are.
    async fn importer_for(
        &self,
        command: &ImportCommand,
        head: &[u8],
    ) -> Result<(FoundPlugin, Plugin, Vec<CandidateView>), AppError> {
        if let Some(wanted) = &command.plugin {
            let importers = self.plugins_of(Kind::Importer)?;
            let fits = importers.into_iter().find(|(found, _)| plugin_id(found) == *wanted);
            let (found, held) = fits.ok_or_else(|| AppError::NoPlugin(wanted.clone()))?;
            if let Some(reason) = held {
                return Err(AppError::HeldBack { plugin: wanted.clone(), reason });
            }
            let plugin = self.load(&found)?;
            return Ok((found, plugin, Vec::new()));
        }
        let name = file_name(command);
        let mut sure: Vec<(u8, FoundPlugin, Plugin)> = Vec::new();
        for found in self.enabled_plugins(Kind::Importer)? {
            let plugin = self.load(&found)?;
            match plugin.detect(head, &name).await {
                Ok(0) => {}
                Ok(how_sure) => sure.push((how_sure, found, plugin)),
                Err(error) => {
                    tracing::warn!(plugin = plugin_id(&found), %error, "importer could not look at the file");
                    self.count_use(&found, &plugin, &|| CrashInput::file(&name, &[], head))?;
                }
            }
        }
        sure.sort_by_key(|(how_sure, ..)| std::cmp::Reverse(*how_sure));
        let candidates: Vec<CandidateView> = sure
            .iter()
            .map(|(how_sure, found, _)| CandidateView { plugin: plugin_id(found), how_sure: *how_sure })
            .collect();
        let best = candidates.first().map_or(0, |first| first.how_sure);
        let equals: Vec<String> = candidates
            .iter()
            .filter(|candidate| candidate.how_sure == best)
            .map(|candidate| candidate.plugin.clone())
            .collect();
        let chosen = if equals.len() > 1 { self.choose(&name, equals).await? } else { 0 };
        if chosen >= sure.len() {
            return Err(self.nobody(Kind::Importer, &format!("recognizes '{name}'")));
        }
        let (_, found, plugin) = sure.swap_remove(chosen);
        let others =
            candidates.into_iter().filter(|candidate| candidate.plugin != plugin_id(&found)).collect();
        Ok((found, plugin, others))
    }

    /// Lets the person choose among importers that are as sure of a file, and returns the index.
    async fn choose(&self, file: &str, plugins: Vec<String>) -> Result<usize, AppError> {
        let field = Field {
            id: "importer".to_owned(),
            label: "Importer".to_owned(),
            kind: FieldKind::Choice { options: plugins.clone() },
            required: true,
        };
        let form = Form {
            title: format!("Which importer reads '{file}'?"),
            message: "Several recognize it; --plugin names one.".to_owned(),
            fields: vec![field],
        };
        let answers = self.front.ask("ostler", &form).await.map_err(|source| {
            let what = format!("'{file}' is recognized by {}: name one with --plugin", plugins.join(" and "));
            AppError::Prompt { what, source }
        })?;
        let chosen = answers.into_iter().find_map(|(_, answer)| match answer {
            FormAnswer::Text(text) => plugins.iter().position(|plugin| *plugin == text),
            _ => None,
        });
        Ok(chosen.unwrap_or_default())
    }
}

fn file_name(command: &ImportCommand) -> String {
    command.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn problem_view(problem: &ImportProblem) -> ProblemView {
    ProblemView {
        position: problem.position.clone(),
        entry: problem.entry.clone(),
        imported: problem.severity == ProblemSeverity::Warning,
        reason: problem.reason.clone(),
    }
}
