//! The runner speaks of studies and values in messages of the contract; here they become the client's own.

use std::collections::BTreeMap;
use std::time::Duration;

use asktell::{
    Algorithm, Bool, Categorical, Discrete, Domain, Float, Goal, ImportedTrial, Int, Metric, Metrics, Objective,
    Observation, Outcome, Params, Problem, QueuedTrial, Scale, Split, StudySpec, TrackedMetric, TrialState, Value,
};

use crate::v1;
use crate::v1::algorithm::Kind as AlgorithmKind;
use crate::v1::parameter::Domain as DomainWire;
use crate::v1::parameter_value::Kind;

pub fn count(wire: i32) -> u32 {
    u32::try_from(wire).expect("no case has a negative count: this client's API cannot say one")
}

fn value(wire: v1::ParameterValue) -> Value {
    match wire.kind.expect("a value has a kind") {
        Kind::DoubleValue(value) => value.into(),
        Kind::IntValue(value) => value.into(),
        Kind::StringValue(value) => value.into(),
        Kind::BoolValue(value) => value.into(),
    }
}

fn params(wire: BTreeMap<String, v1::ParameterValue>) -> Params {
    wire.into_iter().map(|(name, wire)| (name, value(wire))).collect()
}

pub fn metrics(wire: BTreeMap<String, v1::Metric>) -> Metrics {
    let metric = |wire: v1::Metric| match wire.standard_error {
        Some(error) => Metric::with_error(wire.value, error),
        None => wire.value.into(),
    };
    wire.into_iter().map(|(name, wire)| (name, metric(wire))).collect()
}

pub fn outcome(wire: v1::TellOutcome) -> Outcome {
    match wire {
        v1::TellOutcome::Stopped => Outcome::Stopped,
        v1::TellOutcome::Failed => Outcome::Failed,
        v1::TellOutcome::Infeasible => Outcome::Infeasible,
        _ => Outcome::Succeeded,
    }
}

pub fn state(wire: v1::TrialState) -> TrialState {
    match wire {
        v1::TrialState::Unspecified => TrialState::Unknown,
        v1::TrialState::Queued => TrialState::Queued,
        v1::TrialState::Running => TrialState::Running,
        v1::TrialState::Succeeded => TrialState::Succeeded,
        v1::TrialState::Stopped => TrialState::Stopped,
        v1::TrialState::Failed => TrialState::Failed,
        v1::TrialState::Infeasible => TrialState::Infeasible,
        v1::TrialState::Cancelled => TrialState::Cancelled,
        v1::TrialState::Abandoned => TrialState::Abandoned,
    }
}

pub fn spec(wire: v1::Study) -> StudySpec {
    let rules = wire.stopping_rules.unwrap_or_default();
    let policy = wire.lease_policy.unwrap_or_default();
    let mut spec = StudySpec::new()
        .display_name(wire.display_name)
        .max_running(count(wire.max_running_trials))
        .algorithm(algorithm(wire.algorithm));
    for (name, domain) in space(wire.search_space) {
        spec = spec.parameter(name, domain);
    }
    for objective in objectives(wire.objectives) {
        spec = spec.objective(objective);
    }
    for metric in wire.tracked_metrics {
        let split = split(metric.split());
        spec = spec.metric(TrackedMetric::new(metric.metric).on(split));
    }
    spec.max_trials = rules.max_trials.map(count);
    spec.target = rules.target_value;
    spec.patience = rules.patience_trials.map(count);
    spec.deadline = rules.deadline.map(|time| time.try_into().expect("a time"));
    spec.lease = policy.lease_duration.map(|lease| Duration::try_from(lease).expect("a duration"));
    spec.max_attempts = Some(policy.max_attempts).filter(|attempts| *attempts != 0).map(count);
    spec.replicates = Some(wire.replicates).filter(|replicates| *replicates != 0).map(count);
    spec.max_staleness = wire.max_staleness.map(count);
    spec.seed = wire.seed;
    spec.labels = wire.labels;
    spec.annotations = wire.annotations;
    spec
}

fn objectives(wire: Vec<v1::Objective>) -> impl Iterator<Item = Objective> {
    wire.into_iter().map(|objective| {
        let goal = match objective.goal() {
            v1::Goal::Minimize => Goal::Minimize,
            v1::Goal::Maximize => Goal::Maximize,
            v1::Goal::Unspecified => Goal::Unknown,
        };
        let split = split(objective.split());
        Objective::new(objective.metric, goal).on(split)
    })
}

fn split(wire: v1::Split) -> Split {
    match wire {
        v1::Split::Train => Split::Train,
        v1::Split::Test => Split::Test,
        _ => Split::Validation,
    }
}

fn scale(wire: v1::Scale) -> Scale {
    match wire {
        v1::Scale::Log => Scale::Log,
        v1::Scale::ReverseLog => Scale::ReverseLog,
        _ => Scale::Linear,
    }
}

fn algorithm(wire: Option<v1::Algorithm>) -> Algorithm {
    let chosen = |wire: i32| Some(wire).filter(|wire| *wire != 0).map(count);
    match wire.and_then(|wire| wire.kind) {
        Some(AlgorithmKind::Manual(_)) => Algorithm::Manual,
        Some(AlgorithmKind::Random(_)) => Algorithm::Random,
        Some(AlgorithmKind::Sobol(_)) => Algorithm::Sobol,
        Some(AlgorithmKind::Bayesian(wire)) => Algorithm::Bayesian { start_trials: chosen(wire.start_trials) },
        Some(AlgorithmKind::Grid(wire)) => Algorithm::Grid {
            default_levels: chosen(wire.default_levels),
            levels: wire.levels.into_iter().map(|(name, levels)| (name, count(levels))).collect(),
        },
        _ => Algorithm::Auto,
    }
}

fn space(wire: Option<v1::SearchSpace>) -> impl Iterator<Item = (String, Domain)> {
    wire.unwrap_or_default().parameters.into_iter().map(|wire| {
        let default = wire.default_value.map(value);
        (wire.name, domain(wire.domain.expect("a parameter has a domain"), default))
    })
}

fn domain(wire: DomainWire, default: Option<Value>) -> Domain {
    match wire {
        DomainWire::FloatDomain(wire) => {
            let mut float = Float::new(wire.min, wire.max).scale(scale(wire.scale()));
            if let Some(step) = wire.step {
                float = float.step(step);
            }
            match default {
                Some(Value::Float(value)) => float.default_value(value).into(),
                _ => float.into(),
            }
        }
        DomainWire::IntDomain(wire) => {
            let mut int = Int::new(wire.min, wire.max).scale(scale(wire.scale()));
            if let Some(step) = wire.step {
                int = int.step(step);
            }
            match default {
                Some(Value::Int(value)) => int.default_value(value).into(),
                _ => int.into(),
            }
        }
        DomainWire::DiscreteDomain(wire) => {
            let discrete = Discrete::new(wire.values.into_iter().map(value));
            match default {
                Some(value) => discrete.default_value(value).into(),
                None => discrete.into(),
            }
        }
        DomainWire::CategoricalDomain(wire) => match default {
            Some(Value::Category(value)) => Categorical::new(wire.values).default_value(value).into(),
            _ => Categorical::new(wire.values).into(),
        },
        DomainWire::BoolDomain(_) => match default {
            Some(Value::Bool(value)) => Bool::new().default_value(value).into(),
            _ => Bool::new().into(),
        },
    }
}

pub fn queued(wire: v1::EnqueuedTrial) -> QueuedTrial {
    let mut trial = QueuedTrial::new(params(wire.parameters));
    trial.labels = wire.labels;
    trial.annotations = wire.annotations;
    trial
}

pub fn imported(wire: v1::ImportedTrial) -> ImportedTrial {
    let told = outcome(wire.outcome());
    let mut trial = ImportedTrial::new(wire.import_key, params(wire.parameters), metrics(wire.metrics));
    trial.outcome = told;
    trial.reason = wire.reason;
    trial.labels = wire.labels;
    trial.annotations = wire.annotations;
    trial
}

pub fn problem(wire: v1::SuggestRequest) -> Problem {
    let stated = wire.problem.unwrap_or_default();
    let mut problem = Problem::new();
    for (name, domain) in space(stated.search_space) {
        problem = problem.parameter(name, domain);
    }
    problem.objectives = objectives(stated.objectives).collect();
    problem.algorithm = algorithm(stated.algorithm);
    for run in wire.observations {
        let ended = match run.state() {
            v1::TrialState::Stopped => Outcome::Stopped,
            v1::TrialState::Failed => Outcome::Failed,
            v1::TrialState::Infeasible => Outcome::Infeasible,
            _ => Outcome::Succeeded,
        };
        problem = problem.observation(Observation::new(params(run.parameters), metrics(run.metrics)).outcome(ended));
    }
    problem.pending = wire.pending.into_iter().map(|running| params(running.parameters)).collect();
    problem.replicates = count(stated.replicates);
    problem.count = count(wire.count);
    problem.seed = wire.seed;
    problem.warm_start = wire.warm_start;
    problem
}
