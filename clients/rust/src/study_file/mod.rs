//! The YAML file that all clients and the command line share.

mod fields;

use std::path::Path;
use std::{fmt, fs};

use crate::enums::{Goal, Scale, Split};
use crate::error::Result;
use crate::space::{Bool, Categorical, Discrete, Domain, Float, Int, Parameter};
use crate::spec::StudySpec;
use crate::spec::{Algorithm, Objective, TrackedMetric};
use crate::values::{Metrics, Value};
use crate::yaml;
use fields::{Field, Fields};

/// A study's id and specification, read from a file.
///
/// ```no_run
/// # async fn begin(client: asktell::Client) -> asktell::Result<()> {
/// let file = asktell::StudyFile::load("study.yaml")?;
/// let study = client.create_or_open_study(&file.id, &file.spec).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StudyFile {
    /// The study's id: `name` in the file.
    pub id: String,
    /// The rest.
    pub spec: StudySpec,
}

/// A mistake in a study file; its text begins with file:line:column.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StudyFileError {
    /// The file, as it was named.
    pub file: String,
    /// From 1; 0 = not known.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for StudyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.message),
            line => write!(f, "{}:{line}:{}: {}", self.file, self.column, self.message),
        }
    }
}

impl std::error::Error for StudyFileError {}

impl StudyFile {
    /// Reads a file. Unknown keys are refused; ranges and names are left to the server to judge.
    ///
    /// # Errors
    ///
    /// [`Error::StudyFile`](crate::Error).
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let file = path.as_ref().display().to_string();
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&file, &text),
            Err(error) => Err(StudyFileError { file, line: 0, column: 0, message: error.to_string() }.into()),
        }
    }

    /// The same for a file that has been read already, for example included into the program. The file's name is for
    /// error messages only.
    ///
    /// # Errors
    ///
    /// [`Error::StudyFile`](crate::Error).
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        let read = || study(&Field::root(yaml::parse(text)?));
        Ok(read().map_err(|mistake| StudyFileError { file: file.to_owned(), ..mistake })?)
    }
}

type Read<T> = Result<T, StudyFileError>;

fn study(root: &Field) -> Read<StudyFile> {
    const KEYS: &[&str] = &[
        "name",
        "display_name",
        "objectives",
        "metrics",
        "parameters",
        "algorithm",
        "stopping",
        "lease",
        "max_running",
        "replicates",
        "max_staleness",
        "seed",
        "labels",
        "annotations",
    ];
    let keys = root.mapping(Some(KEYS), &["name", "objectives", "parameters"])?;
    let stopping = keys.part("stopping", &["max_trials", "target", "patience", "deadline"])?;
    let lease = keys.part("lease", &["duration_s", "max_attempts"])?;
    let spec = StudySpec {
        space: keys.must("parameters")?.mapping(None, &[])?.each(parameter)?,
        objectives: keys.must("objectives")?.items()?.iter().map(objective).collect::<Read<_>>()?,
        metrics: keys.optional("metrics", |list| list.items()?.iter().map(metric).collect())?.unwrap_or_default(),
        algorithm: keys.optional("algorithm", algorithm)?.unwrap_or_default(),
        max_trials: stopping.optional("max_trials", Field::count)?,
        target: stopping.optional("target", Field::number)?,
        patience: stopping.optional("patience", Field::count)?,
        deadline: stopping.optional("deadline", Field::time)?,
        lease: lease.optional("duration_s", Field::seconds)?,
        max_attempts: lease.optional("max_attempts", Field::count)?,
        max_running: keys.optional("max_running", Field::count)?.unwrap_or_default(),
        replicates: keys.optional("replicates", Field::count)?,
        max_staleness: keys.optional("max_staleness", Field::count)?,
        seed: keys.optional("seed", Field::integer)?,
        display_name: keys.optional("display_name", Field::text)?.unwrap_or_default(),
        labels: keys.optional("labels", Field::texts)?.unwrap_or_default(),
        annotations: keys.optional("annotations", Field::texts)?.unwrap_or_default(),
    };
    Ok(StudyFile { id: keys.must("name")?.text()?, spec })
}

fn parameter(name: &str, domain: &Field) -> Read<Parameter> {
    const ALL: &[&str] = &["type", "min", "max", "scale", "step", "values", "default"];
    let kind = domain.mapping(Some(ALL), &["type"])?.must("type")?.choice(&[
        "float",
        "int",
        "discrete",
        "categorical",
        "bool",
    ])?;
    let (known, required): (&[&str], &[&str]) = match kind {
        "float" | "int" => (&["type", "min", "max", "scale", "step", "default"], &["min", "max"]),
        "discrete" | "categorical" => (&["type", "values", "default"], &["values"]),
        _ => (&["type", "default"], &[]),
    };
    let keys = domain.mapping(Some(known), required)?;
    let domain: Domain = match kind {
        "float" => {
            let mut float = Float::new(keys.must("min")?.number()?, keys.must("max")?.number()?);
            float = float.scale(scale(&keys, &[Scale::Linear, Scale::Log, Scale::ReverseLog])?);
            float = keys.apply("step", Field::number, float, Float::step)?;
            keys.apply("default", Field::number, float, Float::default_value)?.into()
        }
        "int" => {
            let mut int = Int::new(keys.must("min")?.integer()?, keys.must("max")?.integer()?);
            int = int.scale(scale(&keys, &[Scale::Linear, Scale::Log])?);
            int = keys.apply("step", Field::integer, int, Int::step)?;
            keys.apply("default", Field::integer, int, Int::default_value)?.into()
        }
        "discrete" => {
            let values = keys.must("values")?.items()?;
            let default = keys.get("default");
            let whole = values.iter().chain(default).all(Field::is_integer);
            let read = |field: &Field| -> Read<Value> {
                Ok(if whole { field.integer()?.into() } else { field.number()?.into() })
            };
            let discrete = Discrete::new(values.iter().map(read).collect::<Read<Vec<_>>>()?);
            keys.apply("default", read, discrete, Discrete::default_value)?.into()
        }
        "categorical" => {
            let values = keys.must("values")?.items()?.iter().map(Field::text).collect::<Read<Vec<_>>>()?;
            keys.apply("default", Field::text, Categorical::new(values), Categorical::default_value)?.into()
        }
        _ => keys.apply("default", Field::boolean, Bool::new(), Bool::default_value)?.into(),
    };
    Ok(Parameter::new(name, domain))
}

fn scale(keys: &Fields, scales: &[Scale]) -> Read<Scale> {
    Ok(keys.optional("scale", |field| field.one_of(scales, Scale::as_str))?.unwrap_or(Scale::Linear))
}

fn objective(item: &Field) -> Read<Objective> {
    let keys = item.mapping(Some(&["metric", "goal", "split"]), &["metric", "goal"])?;
    let goal = keys.must("goal")?.one_of(&[Goal::Minimize, Goal::Maximize], Goal::as_str)?;
    Ok(Objective::new(keys.must("metric")?.text()?, goal).on(split(&keys)?))
}

fn metric(item: &Field) -> Read<TrackedMetric> {
    if !item.is_mapping() {
        return Ok(TrackedMetric::new(item.text()?));
    }
    let keys = item.mapping(Some(&["metric", "split"]), &["metric"])?;
    Ok(TrackedMetric::new(keys.must("metric")?.text()?).on(split(&keys)?))
}

fn split(keys: &Fields) -> Read<Split> {
    let splits = [Split::Validation, Split::Train, Split::Test];
    Ok(keys.optional("split", |field| field.one_of(&splits, Split::as_str))?.unwrap_or(Split::Validation))
}

/// A name, or a mapping of one name to its settings.
fn algorithm(value: &Field) -> Read<Algorithm> {
    const NAMES: &[&str] = &["auto", "manual", "grid", "random", "sobol", "bayesian"];
    if !value.is_mapping() {
        return with_settings(value.choice(NAMES)?, &Fields::default());
    }
    let chosen = value.mapping(Some(NAMES), &[])?;
    let Some((name, settings)) = chosen.only() else {
        return Err(value.mistake("must name one algorithm"));
    };
    let known: &[&str] = match name {
        "grid" => &["default_levels", "levels"],
        "bayesian" => &["start_trials"],
        _ => &[],
    };
    with_settings(name, &settings.mapping(Some(known), &[])?)
}

fn with_settings(name: &str, settings: &Fields) -> Read<Algorithm> {
    Ok(match name {
        "manual" => Algorithm::Manual,
        "random" => Algorithm::Random,
        "sobol" => Algorithm::Sobol,
        "bayesian" => Algorithm::Bayesian { start_trials: settings.optional("start_trials", Field::count)? },
        "grid" => {
            let levels =
                |field: &Field| field.mapping(None, &[])?.each(|name, levels| Ok((name.to_owned(), levels.count()?)));
            Algorithm::Grid {
                default_levels: settings.optional("default_levels", Field::count)?,
                levels: settings.optional("levels", levels)?.unwrap_or_default().into_iter().collect(),
            }
        }
        _ => Algorithm::Auto,
    })
}

/// Metrics that a server wrote as JSON, which is YAML too; `None` where they were cut short.
pub(crate) fn numbers(json: &str) -> Option<Metrics> {
    let root = Field::root(yaml::parse(json).ok()?);
    let pairs = root.mapping(None, &[]).ok()?.each(|name, value| Ok((name.to_owned(), value.number()?))).ok()?;
    Some(pairs.into_iter().collect())
}
