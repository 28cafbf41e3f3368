//! Study specifications as messages.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::enums::{Goal, Split};
use crate::space;
use crate::spec::{Algorithm, Objective, StudySpec, TrackedMetric};
use crate::v1;
use crate::v1::algorithm::Kind;

const DEFAULT_LEASE: Duration = Duration::from_secs(60);
const DEFAULT_ATTEMPTS: u32 = 3;
const DEFAULT_LEVELS: u32 = 5;
const DEFAULT_START_TRIALS: u32 = 5;

/// The wire's counts have 31 bits; what does not fit is far above every limit that servers have, and refused there.
pub(crate) fn count(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// No server sends a negative count.
pub(crate) fn natural(wire: i32) -> u32 {
    u32::try_from(wire).unwrap_or(0)
}

pub(crate) fn time(wire: Option<prost_types::Timestamp>) -> Option<SystemTime> {
    wire.and_then(|time| time.try_into().ok())
}

pub(crate) fn encode(spec: &StudySpec) -> v1::Study {
    v1::Study {
        display_name: spec.display_name.clone(),
        search_space: Some(space::to_wire(&spec.space)),
        objectives: objectives(&spec.objectives),
        tracked_metrics: spec
            .metrics
            .iter()
            .map(|metric| v1::TrackedMetric {
                metric: metric.metric.clone(),
                split: metric.split.to_wire(),
                ..Default::default()
            })
            .collect(),
        algorithm: Some(algorithm(&spec.algorithm)),
        stopping_rules: Some(v1::StoppingRules {
            max_trials: spec.max_trials.map(count),
            target_value: spec.target,
            patience_trials: spec.patience.map(count),
            deadline: spec.deadline.map(Into::into),
            ..Default::default()
        }),
        lease_policy: Some(v1::LeasePolicy {
            lease_duration: spec.lease.and_then(|lease| lease.try_into().ok()),
            max_attempts: count(spec.max_attempts.unwrap_or(0)),
            ..Default::default()
        }),
        max_running_trials: count(spec.max_running),
        replicates: count(spec.replicates.unwrap_or(0)),
        max_staleness: spec.max_staleness.map(count),
        seed: spec.seed,
        labels: spec.labels.clone(),
        annotations: spec.annotations.clone(),
        ..v1::Study::default()
    }
}

pub(crate) fn objectives(objectives: &[Objective]) -> Vec<v1::Objective> {
    objectives
        .iter()
        .map(|objective| v1::Objective {
            metric: objective.metric.clone(),
            goal: objective.goal.to_wire(),
            split: objective.split.to_wire(),
            ..v1::Objective::default()
        })
        .collect()
}

pub(crate) fn algorithm(algorithm: &Algorithm) -> v1::Algorithm {
    let kind = match algorithm {
        Algorithm::Auto => Kind::Auto(v1::AutoAlgorithm::default()),
        Algorithm::Manual => Kind::Manual(v1::ManualAlgorithm::default()),
        Algorithm::Random => Kind::Random(v1::RandomAlgorithm::default()),
        Algorithm::Sobol => Kind::Sobol(v1::SobolAlgorithm::default()),
        Algorithm::Bayesian { start_trials } => Kind::Bayesian(v1::BayesianAlgorithm {
            start_trials: count(start_trials.unwrap_or(0)),
            ..Default::default()
        }),
        Algorithm::Grid { default_levels, levels } => Kind::Grid(v1::GridAlgorithm {
            default_levels: count(default_levels.unwrap_or(0)),
            levels: levels.iter().map(|(name, levels)| (name.clone(), count(*levels))).collect(),
            ..Default::default()
        }),
    };
    v1::Algorithm { kind: Some(kind), ..Default::default() }
}

/// Fills the defaults in, so that what a server wrote out equals what a program left out.
pub(crate) fn decode(wire: v1::Study) -> StudySpec {
    let rules = wire.stopping_rules.unwrap_or_default();
    let policy = wire.lease_policy.unwrap_or_default();
    StudySpec {
        space: space::from_wire(wire.search_space),
        objectives: wire
            .objectives
            .into_iter()
            .map(|objective| Objective {
                metric: objective.metric,
                goal: Goal::from_wire(objective.goal).unwrap_or(Goal::Unknown),
                split: split(objective.split),
            })
            .collect(),
        metrics: wire
            .tracked_metrics
            .into_iter()
            .map(|metric| TrackedMetric { metric: metric.metric, split: split(metric.split) })
            .collect(),
        algorithm: decode_algorithm(wire.algorithm),
        max_trials: rules.max_trials.map(natural),
        target: rules.target_value,
        patience: rules.patience_trials.map(natural),
        deadline: time(rules.deadline),
        lease: policy.lease_duration.map_or(Some(DEFAULT_LEASE), |lease| lease.try_into().ok()),
        max_attempts: Some(or(policy.max_attempts, DEFAULT_ATTEMPTS)),
        max_running: natural(wire.max_running_trials),
        replicates: Some(or(wire.replicates, 1)),
        max_staleness: wire.max_staleness.map(natural),
        seed: wire.seed,
        display_name: wire.display_name,
        labels: wire.labels,
        annotations: wire.annotations,
    }
}

fn split(wire: i32) -> Split {
    Split::from_wire(wire).unwrap_or(Split::Validation)
}

fn or(wire: i32, default: u32) -> u32 {
    if wire == 0 { default } else { natural(wire) }
}

fn decode_algorithm(wire: Option<v1::Algorithm>) -> Algorithm {
    match wire.and_then(|algorithm| algorithm.kind) {
        Some(Kind::Manual(_)) => Algorithm::Manual,
        Some(Kind::Random(_)) => Algorithm::Random,
        Some(Kind::Sobol(_)) => Algorithm::Sobol,
        Some(Kind::Bayesian(bayesian)) => {
            Algorithm::Bayesian { start_trials: Some(or(bayesian.start_trials, DEFAULT_START_TRIALS)) }
        }
        Some(Kind::Grid(grid)) => Algorithm::Grid {
            default_levels: Some(or(grid.default_levels, DEFAULT_LEVELS)),
            levels: grid.levels.into_iter().map(|(name, levels)| (name, natural(levels))).collect::<BTreeMap<_, _>>(),
        },
        Some(Kind::Auto(_)) | None => Algorithm::Auto,
    }
}
