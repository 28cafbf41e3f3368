//! What a study is created with.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::enums::{Goal, Split};
use crate::space::{Domain, Parameter};

/// What a study is created with. What is left out takes the server's default.
///
/// ```
/// use asktell::{Discrete, Float, Objective, StudySpec};
///
/// let spec = StudySpec::new()
///     .parameter("lr", Float::new(1e-5, 1e-3).log())
///     .parameter("rank", Discrete::new([4, 8, 16, 32]))
///     .objective(Objective::minimize("val_loss"))
///     .max_trials(50);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct StudySpec {
    /// What may be varied, in the order in which tables show it.
    pub space: Vec<Parameter>,
    /// What is optimised: exactly one for now.
    pub objectives: Vec<Objective>,
    /// Further metrics that trials log; never optimised.
    pub metrics: Vec<TrackedMetric>,
    /// How configurations are found.
    pub algorithm: Algorithm,
    /// The budget, at least 1: the study ends when so many trials have ended.
    pub max_trials: Option<u32>,
    /// The study ends when the objective reaches this value.
    pub target: Option<f64>,
    /// At least 1: the study ends when so many trials in a row did not better the best one.
    pub patience: Option<u32>,
    /// The study ends at this time.
    pub deadline: Option<SystemTime>,
    /// How long a trial stays with a worker that is not heard of; zero = for ever. Default: 60 s.
    pub lease: Option<Duration>,
    /// How many times a trial is started before it is given up. Default: 3.
    pub max_attempts: Option<u32>,
    /// The most trials that run at once; 0 = no limit.
    pub max_running: u32,
    /// How many times each configuration may be tried, where results differ from run to run. Default: 1.
    pub replicates: Option<u32>,
    /// The most trials that may end between the making of a suggestion and its start; 0 = every suggestion knows all
    /// results. Default: 0 with fewer than 6 trials running, above that by how unexpected results are.
    pub max_staleness: Option<u32>,
    /// Seed of everything random in the study, 0 to 2^53 - 1. The server draws one when it is left out.
    pub seed: Option<i64>,
    /// A title for people.
    pub display_name: String,
    /// Short, and can be filtered by.
    pub labels: BTreeMap<String, String>,
    /// Free values, up to 64 KiB in all.
    pub annotations: BTreeMap<String, String>,
}

impl StudySpec {
    /// Nothing chosen yet: at least a parameter and an objective are needed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, domain: impl Into<Domain>) -> Self {
        self.space.push(Parameter::new(name, domain));
        self
    }

    /// Adds an objective.
    #[must_use]
    pub fn objective(mut self, objective: Objective) -> Self {
        self.objectives.push(objective);
        self
    }

    /// Adds a metric that is logged and never optimised.
    #[must_use]
    pub fn metric(mut self, metric: TrackedMetric) -> Self {
        self.metrics.push(metric);
        self
    }

    /// Adds a label.
    #[must_use]
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(key.into(), value.into());
        self
    }

    /// Adds an annotation.
    #[must_use]
    pub fn annotation(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.annotations.insert(key.into(), value.into());
        self
    }

    /// Sets [`StudySpec::lease`] to for ever: trials of people and slow labs.
    #[must_use]
    pub fn endless_lease(self) -> Self {
        self.lease(Duration::ZERO)
    }

    /// Sets [`StudySpec::display_name`].
    #[must_use]
    pub fn display_name(self, name: impl Into<String>) -> Self {
        Self { display_name: name.into(), ..self }
    }

    /// Sets [`StudySpec::max_running`].
    #[must_use]
    pub fn max_running(self, trials: u32) -> Self {
        Self { max_running: trials, ..self }
    }

    /// Sets [`StudySpec::algorithm`].
    #[must_use]
    pub fn algorithm(self, algorithm: Algorithm) -> Self {
        Self { algorithm, ..self }
    }
}

macro_rules! options {
    ($($field:ident: $kind:ty),+) => {
        impl StudySpec {
            $(
                #[doc = concat!("Sets [`StudySpec::", stringify!($field), "`].")]
                #[must_use]
                pub fn $field(self, value: $kind) -> Self {
                    Self { $field: Some(value), ..self }
                }
            )+
        }
    };
}

options!(
    max_trials: u32, target: f64, patience: u32, deadline: SystemTime, lease: Duration, max_attempts: u32,
    replicates: u32, max_staleness: u32, seed: i64
);

/// A metric to optimise. One on the test split is refused: it would be worthless as a test.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Objective {
    /// Its name, as trials report it.
    pub metric: String,
    /// Whether less or more is better.
    pub goal: Goal,
    /// The data on which it is measured.
    pub split: Split,
}

impl Objective {
    /// On validation data.
    pub fn new(metric: impl Into<String>, goal: Goal) -> Self {
        Self { metric: metric.into(), goal, split: Split::Validation }
    }

    /// Less is better; on validation data.
    pub fn minimize(metric: impl Into<String>) -> Self {
        Self::new(metric, Goal::Minimize)
    }

    /// More is better; on validation data.
    pub fn maximize(metric: impl Into<String>) -> Self {
        Self::new(metric, Goal::Maximize)
    }

    /// Measured on other data.
    #[must_use]
    pub fn on(self, split: Split) -> Self {
        Self { split, ..self }
    }
}

/// A metric that trials may log and that is never optimised.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackedMetric {
    /// Its name, as trials report it.
    pub metric: String,
    /// The data on which it is measured.
    pub split: Split,
}

impl TrackedMetric {
    /// On validation data.
    pub fn new(metric: impl Into<String>) -> Self {
        Self { metric: metric.into(), split: Split::Validation }
    }

    /// Measured on other data.
    #[must_use]
    pub fn on(self, split: Split) -> Self {
        Self { split, ..self }
    }
}

/// How configurations are found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// The server chooses: a few space-filling trials, then Bayesian optimisation.
    #[default]
    Auto,
    /// Only configurations that a person enqueues.
    Manual,
    /// Every point of a grid, once (or `replicates` times).
    Grid {
        /// Points of each parameter without levels of its own. Default: 5.
        default_levels: Option<u32>,
        /// Points by parameter name, 2 to 1,000.
        levels: BTreeMap<String, u32>,
    },
    /// Independent uniform draws, after the scale is applied.
    Random,
    /// A scrambled Sobol sequence: random search without clumps.
    Sobol,
    /// A Gaussian process and log expected improvement.
    Bayesian {
        /// Space-filling trials before the model takes over. Default: 5.
        start_trials: Option<u32>,
    },
}
