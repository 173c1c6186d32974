//! Which column fills which field: chosen by the options, else guessed by the heading.

use ostler_sdk::importer::{Failure, MappedField, MappingState, Options};

use crate::mend;
use crate::records::Record;
use crate::target::{Kind, Target, known, plain};

/// Bytes of an example.
const LONGEST_EXAMPLE: usize = 80;

/// One field with the column that fills it.
#[derive(Debug, Clone)]
struct Mapped {
    target: Target,
    column: Option<usize>,
    state: MappingState,
    example: Option<String>,
}

/// The columns of a file.
#[derive(Debug)]
pub(crate) struct Columns {
    /// The headings as they stand in the file; empty where it has none.
    pub(crate) headings: Vec<String>,
    /// How many columns a row has.
    pub(crate) count: usize,
    /// Whether the last heading is the one of a mended file, which is not among the others.
    pub(crate) mended: bool,
    mapped: Vec<Mapped>,
    /// The columns of all fields by their place in `Target`: asked for with every row.
    places: [Option<usize>; Target::COUNT],
    /// How many fields that have a column still lack an example.
    without_example: usize,
}

impl Columns {
    /// Works out the mapping from the first row.
    pub(crate) fn new(first: &Record, kind: Option<Kind>, options: &Options) -> Result<Self, Failure> {
        let mut names: Vec<String> = first.fields().map(|name| name.trim().to_owned()).collect();
        let wanted = options.get("headers").unwrap_or("auto");
        let headed = wanted == "yes" || (wanted == "auto" && look_like_headings(&names, options));
        let mended = headed && names.last().is_some_and(|name| name == mend::HEADING);
        if mended {
            names.pop();
        }
        let count = names.len();
        if !headed {
            names.clear();
        }
        let mut columns = Self {
            headings: names,
            count,
            mended,
            mapped: Vec::new(),
            places: [None; Target::COUNT],
            without_example: 0,
        };
        columns.mapped = Target::of(kind)
            .map(|target| Mapped { target, column: None, state: MappingState::Unmapped, example: None })
            .collect();
        columns.choose(options, kind)?;
        columns.guess(options);
        columns.check_needed(options)?;
        columns.without_example = columns.places.iter().flatten().count();
        Ok(columns)
    }

    pub(crate) fn has_headings(&self) -> bool {
        !self.headings.is_empty()
    }

    /// Returns the column of a field.
    pub(crate) fn of(&self, target: Target) -> Option<usize> {
        self.places.get(target.place()).copied().flatten()
    }

    /// Returns what a field is called in the file, for a position.
    pub(crate) fn label(&self, target: Target) -> String {
        self.of(target).map_or_else(|| target.name().to_owned(), |column| self.name(column))
    }

    /// Returns what people call a column: its heading, else its number.
    fn name(&self, column: usize) -> String {
        match self.headings.get(column) {
            Some(heading) if !heading.is_empty() => heading.clone(),
            _ => format!("column {}", column + 1),
        }
    }

    /// Keeps the first value of each field as an example.
    pub(crate) fn keep_examples(&mut self, record: &Record) {
        if self.without_example == 0 {
            return;
        }
        for mapped in self.mapped.iter_mut().filter(|mapped| mapped.example.is_none()) {
            let value = mapped.column.map_or("", |column| record.field(column));
            if !value.is_empty() {
                let end = value.floor_char_boundary(LONGEST_EXAMPLE);
                mapped.example = value.get(..end).map(str::to_owned);
                self.without_example = self.without_example.saturating_sub(1);
            }
        }
    }

    /// Returns how fields are filled; never with a password as an example.
    pub(crate) fn mapping(&self) -> Vec<MappedField> {
        let field = |mapped: &Mapped| MappedField {
            target: mapped.target.name().to_owned(),
            source: mapped.column.map(|column| self.name(column)),
            example: mapped.example.clone().filter(|_| mapped.target != Target::Password),
            state: mapped.state,
        };
        self.mapped.iter().map(field).collect()
    }

    /// Returns the columns that fill nothing.
    pub(crate) fn unused(&self) -> Vec<String> {
        let used = |column: &usize| self.mapped.iter().any(|mapped| mapped.column == Some(*column));
        (0..self.count).filter(|column| !used(column)).map(|column| self.name(column)).collect()
    }

    fn choose(&mut self, options: &Options, kind: Option<Kind>) -> Result<(), Failure> {
        for (name, source) in options.below("map.") {
            let option = format!("map.{name}");
            let Some(target) = Target::parse(name, kind) else {
                let of = kind.map_or_else(String::new, |kind| format!(" of type {}", kind.name()));
                let names: Vec<&str> = Target::of(kind).map(Target::name).collect();
                let reason =
                    format!("connections{of} have no field '{name}'; they have {}", names.join(", "));
                return Err(Failure::option(option, reason));
            };
            if source.trim().is_empty() {
                continue;
            }
            let column = self.find(source).map_err(|reason| Failure::option(&option, reason))?;
            if let Some(taken) = self.mapped.iter().find(|mapped| mapped.column == Some(column)) {
                let reason = format!(
                    "column '{}' is already chosen for {}; a column fills one field",
                    self.name(column),
                    taken.target.name()
                );
                return Err(Failure::option(option, reason));
            }
            self.set(target, column, MappingState::Chosen);
        }
        Ok(())
    }

    /// Finds a column by its heading, as it is or nearly so, else by its number.
    fn find(&self, source: &str) -> Result<usize, String> {
        let source = source.trim();
        let exact = |heading: &String| heading == source;
        let near = |heading: &String| !plain(source).is_empty() && plain(heading) == plain(source);
        for same in [&exact as &dyn Fn(&String) -> bool, &near] {
            let mut fits = self.headings.iter().enumerate().filter(|(_, heading)| same(heading));
            match (fits.next(), fits.next()) {
                (Some((column, _)), None) => return Ok(column),
                (Some((first, _)), Some((second, _))) => {
                    let (first, second) = (first + 1, second + 1);
                    return Err(format!(
                        "columns {first} and {second} are both called '{source}'; give its number"
                    ));
                }
                (None, _) => {}
            }
        }
        match source.parse::<usize>() {
            Ok(number) if (1..=self.count).contains(&number) => Ok(number - 1),
            Ok(number) => Err(format!("there is no column {number}; the file has {}", self.count)),
            Err(_) if self.has_headings() => {
                Err(format!("there is no column '{source}'; the file has {}", self.headings.join(", ")))
            }
            Err(_) => Err(format!("'{source}' is no number, and the file has no headings")),
        }
    }

    fn guess(&mut self, options: &Options) {
        let headings: Vec<String> = self.headings.iter().map(|heading| plain(heading)).collect();
        let decided = |target: Target| options.below("map.").any(|(name, _)| name == target.name());
        let open: Vec<Target> =
            self.mapped.iter().map(|mapped| mapped.target).filter(|target| !decided(*target)).collect();
        for target in open {
            if let Some(column) = target.guess(&headings)
                && !self.mapped.iter().any(|mapped| mapped.column == Some(column))
            {
                self.set(target, column, MappingState::Guessed);
            }
        }
    }

    fn check_needed(&self, options: &Options) -> Result<(), Failure> {
        for target in [Target::Name, Target::Host] {
            if self.of(target).is_none() {
                let name = target.name();
                let columns = if self.has_headings() {
                    format!("the file has {}", self.headings.join(", "))
                } else {
                    format!("the file has {} columns and no headings", self.count)
                };
                let reason =
                    format!("no column is known as the {name}; {columns}; choose one by heading or number");
                return Err(Failure::option(format!("map.{name}"), reason));
            }
        }
        if self.of(Target::Type).is_none() && options.get("type").is_none() {
            let types = Kind::ALL.map(Kind::name).join(" or ");
            let reason =
                format!("no column says the type of the connections; choose {types} for all of them");
            return Err(Failure::option("type", reason));
        }
        Ok(())
    }

    fn set(&mut self, target: Target, column: usize, state: MappingState) {
        if let Some(mapped) = self.mapped.iter_mut().find(|mapped| mapped.target == target) {
            mapped.column = Some(column);
            mapped.state = state;
        }
        if let Some(place) = self.places.get_mut(target.place()) {
            *place = Some(column);
        }
    }
}

/// Two headings that are known, or one that the options name, are no accident.
fn look_like_headings(names: &[String], options: &Options) -> bool {
    let headings: Vec<String> = names.iter().map(|name| plain(name)).collect();
    let named = |source: &str| !plain(source).is_empty() && headings.contains(&plain(source));
    let chosen = options.below("map.").any(|(_, source)| source.parse::<usize>().is_err() && named(source));
    chosen || known(&headings) >= 2
}
