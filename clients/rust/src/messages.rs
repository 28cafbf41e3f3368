//! Short ways to write and read messages. Whatever has no method here is a field.

use std::time::Duration;

use crate::named::Named;
use crate::v1;

/// The longest that a message can carry, in seconds.
const LONGEST_DURATION_S: i64 = 315_576_000_000;

/// What is nested in a study, or awkward as a field:
///
/// ```
/// use asktell::{Float, Named, v1};
///
/// let study = v1::Study {
///     max_running_trials: 8,
///     labels: [("by", "me")].into_map(),
///     ..v1::Study::default()
///         .with_parameter("lr", Float::new(1e-5, 1e-3).log())
///         .with_objective(v1::Objective::minimize("val_loss"))
///         .with_max_trials(50)
/// };
/// ```
impl v1::Study {
    /// Adds a metric that is logged and never optimised, measured on validation data.
    #[must_use]
    pub fn with_metric(mut self, metric: impl Into<String>) -> Self {
        self.tracked_metrics.push(v1::TrackedMetric { metric: metric.into(), ..Default::default() });
        self
    }

    /// Adds a bound that good trials keep: `v1::OutcomeConstraint::at_most("latency_ms", 50.0)`.
    #[must_use]
    pub fn with_outcome_constraint(mut self, constraint: v1::OutcomeConstraint) -> Self {
        self.outcome_constraints.push(constraint);
        self
    }

    /// Sets when a running trial is told to stop: `v1::EarlyStopping::median(3)`.
    #[must_use]
    pub fn with_early_stopping(self, rule: v1::EarlyStopping) -> Self {
        Self { early_stopping: Some(rule), ..self }
    }

    /// Sets the budget: the study ends when this many trials have ended.
    #[must_use]
    pub fn with_max_trials(mut self, trials: i32) -> Self {
        self.stopping_rules.get_or_insert_default().max_trials = Some(trials);
        self
    }

    /// Sets how long a trial stays with a worker that is not heard of; zero = for ever.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        let longest = prost_types::Duration { seconds: LONGEST_DURATION_S, nanos: 0 };
        let duration = lease.try_into().unwrap_or(longest); // the server refuses it by its own limit
        self.lease_policy.get_or_insert_default().lease_duration = Some(duration);
        self
    }
}

impl v1::Objective {
    /// Lower is better; on validation data.
    pub fn minimize(metric: impl Into<String>) -> Self {
        Self { metric: metric.into(), goal: v1::Goal::Minimize.into(), ..Self::default() }
    }

    /// Higher is better; on validation data.
    pub fn maximize(metric: impl Into<String>) -> Self {
        Self { metric: metric.into(), goal: v1::Goal::Maximize.into(), ..Self::default() }
    }

    /// Beside other objectives, the worst value still of interest, from which the hypervolume is measured.
    #[must_use]
    pub fn with_reference(self, worst: f64) -> Self {
        Self { reference_value: Some(worst), ..self }
    }
}

impl v1::OutcomeConstraint {
    /// The metric of a good trial is at most `bound`.
    pub fn at_most(metric: impl Into<String>, bound: f64) -> Self {
        Self { metric: metric.into(), bound: Some(v1::outcome_constraint::Bound::Max(bound)), ..Self::default() }
    }

    /// The metric of a good trial is at least `bound`.
    pub fn at_least(metric: impl Into<String>, bound: f64) -> Self {
        Self { metric: metric.into(), bound: Some(v1::outcome_constraint::Bound::Min(bound)), ..Self::default() }
    }

    /// The bound is that many times the value of the study's baseline trial: the first imported one, or `baseline_trial`.
    #[must_use]
    pub fn relative_to_baseline(self) -> Self {
        Self { of_baseline: true, ..self }
    }
}

macro_rules! fixing {
    ($($message:ident),+) => {
        $(impl v1::$message {
            /// Only configurations that have these values, for example those that fit a small GPU; context parameters are
            /// stated so: `.with_fixed([("batch_size", 8)])`.
            #[must_use]
            pub fn with_fixed(mut self, values: impl Named<v1::ParameterValue>) -> Self {
                self.fixed_parameters.append(&mut values.into_map());
                self
            }

            /// Looks for improvement per expected cost, where a metric says what trials cost.
            #[must_use]
            pub fn with_cost_awareness(self) -> Self {
                Self { cost_aware: true, ..self }
            }
        })+
    };
}

fixing!(AskRequest, SuggestRequest);

impl v1::Metric {
    /// A value whose standard error is known.
    pub fn with_error(value: f64, standard_error: f64) -> Self {
        Self { standard_error: Some(standard_error), ..value.into() }
    }
}

impl From<f64> for v1::Metric {
    fn from(value: f64) -> Self {
        Self { value, ..Self::default() }
    }
}

impl From<f32> for v1::Metric {
    fn from(value: f32) -> Self {
        f64::from(value).into()
    }
}

impl From<v1::TrialFilter> for v1::ListTrialsRequest {
    fn from(filter: v1::TrialFilter) -> Self {
        Self { filter: Some(filter), ..Self::default() }
    }
}

/// The number at the end of a trial's name, such as those in the changes of [`Study::watch`](crate::Study::watch).
pub fn trial_number(name: &str) -> Option<i64> {
    name.rsplit('/').next()?.parse().ok()
}
