//! What came of the cases.

use std::collections::BTreeMap;
use std::fmt;

use ostler_plugin_api::Capability;
use ostler_runtime::Usage;
use ostler_sdk::cases::differences;
use serde::Serialize;
use serde_json::Value;

use crate::case::Case;
use crate::outcome::Outcome;

/// How a case was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variant {
    /// With all that the plugin asks for.
    Granted,
    /// Without one capability.
    Without(Capability),
    /// With a broken file; the text says how.
    Hostile(String),
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted => f.write_str("as it stands"),
            Self::Without(capability) => write!(f, "without '{capability}'"),
            Self::Hostile(how) => write!(f, "its file {how}"),
        }
    }
}

/// One run of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseReport {
    /// The case.
    pub case: String,
    /// How it was run, for people.
    pub variant: String,
    /// What is wrong; nothing where it came out as it should.
    pub faults: Vec<String>,
}

/// Whether the cases used a capability, and whether they saw it refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Coverage {
    /// Calls that were let.
    pub used: u64,
    /// Calls that were refused.
    pub refused: u64,
}

/// What came of all cases.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// Every run.
    pub cases: Vec<CaseReport>,
    /// Every capability that the plugin asks for.
    pub coverage: BTreeMap<String, Coverage>,
}

impl Report {
    /// Returns the runs that did not come out as they should.
    pub fn failed(&self) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(|case| !case.faults.is_empty())
    }

    /// Returns the capabilities that no case used, or that no case saw refused.
    pub fn uncovered(&self) -> impl Iterator<Item = &str> {
        let bare = |(_, coverage): &(&String, &Coverage)| coverage.used == 0 || coverage.refused == 0;
        self.coverage.iter().filter(bare).map(|(name, _)| name.as_str())
    }

    pub(crate) fn add(&mut self, case: &Case, variant: Variant, outcome: &Outcome, usage: &Usage) {
        let mut faults: Vec<String> = outcome.broke.iter().cloned().collect();
        match &variant {
            Variant::Granted => faults.extend(compared(&case.expected, outcome)),
            Variant::Without(capability) => {
                let own: Result<Option<Value>, _> =
                    case.further(&format!("expected-without-{capability}.json"));
                match own {
                    Ok(Some(expected)) => faults.extend(compared(&expected, outcome)),
                    Ok(None) => {}
                    Err(error) => faults.push(error.to_string()),
                }
            }
            Variant::Hostile(_) => {}
        }
        let asked = |capability: &&Capability| {
            usage.capabilities.get(*capability).is_some_and(|count| count.used + count.refused > 0)
                || variant == Variant::Without(**capability)
        };
        for capability in Capability::ALL.iter().filter(asked) {
            let count = usage.capabilities.get(capability).copied().unwrap_or_default();
            let coverage = self.coverage.entry(capability.to_string()).or_default();
            coverage.used = coverage.used.saturating_add(count.used);
            coverage.refused = coverage.refused.saturating_add(count.refused);
        }
        self.cases.push(CaseReport { case: case.name.clone(), variant: variant.to_string(), faults });
    }
}

fn compared(expected: &Value, outcome: &Outcome) -> Vec<String> {
    let mut expected = expected.clone();
    for problem in expected.get_mut("problems").and_then(Value::as_array_mut).into_iter().flatten() {
        // The host cleans and cuts what is shown of a plugin's words; the importer's own tests compare them whole.
        let name = problem.get("entry").and_then(Value::as_str);
        let shown = name.is_none_or(|name| name.len() <= 200 && !name.contains(char::is_control));
        if let (false, Some(problem)) = (shown, problem.as_object_mut()) {
            problem.remove("entry");
        }
    }
    differences(&expected, &outcome.value)
}
