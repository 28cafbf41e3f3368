//! Rules that say when a running trial is told to stop.

use crate::v1;
use crate::v1::early_stopping::Rule;

/// The usual rules. What else one may have is a field: `metric`, `goal`, `grace_trials`, `interval_steps`.
///
/// ```
/// use asktell::v1::EarlyStopping;
///
/// let rule = EarlyStopping { grace_trials: 10, ..EarlyStopping::median(3) };
/// let either = EarlyStopping::any([rule, EarlyStopping::above(100.0, 0)]);
/// # assert!(either.rule.is_some());
/// ```
impl v1::EarlyStopping {
    /// Stops a trial that has hardly a chance to end better than the best one, by a model of the curves, from the step
    /// `min_steps` on.
    pub fn auto(min_steps: i64) -> Self {
        Rule::Auto(v1::AutoStopping { min_steps, ..Default::default() }).into()
    }

    /// Stops a trial that is worse than the best one over the steps that both have reported, by Wilcoxon's signed ranks: for
    /// folds of a cross-validation and other repetitions.
    pub fn wilcoxon() -> Self {
        Rule::Wilcoxon(v1::WilcoxonStopping::default()).into()
    }

    /// Stops a trial that is worse than the median of the others at the same step, from the step `min_steps` on.
    pub fn median(min_steps: i64) -> Self {
        Rule::Median(v1::MedianStopping { min_steps, ..Default::default() }).into()
    }

    /// Stops a trial that is not among the best `percent` percent of the others at the same step, from the step `min_steps`
    /// on.
    pub fn percentile(percent: f64, min_steps: i64) -> Self {
        Rule::Percentile(v1::PercentileStopping { percentile: percent, min_steps, ..Default::default() }).into()
    }

    /// Stops a trial that reports a value above `bound`, from the step `min_steps` on.
    pub fn above(bound: f64, min_steps: i64) -> Self {
        Rule::Threshold(v1::ThresholdStopping { max: Some(bound), min_steps, ..Default::default() }).into()
    }

    /// Stops a trial that reports a value below `bound`, from the step `min_steps` on.
    pub fn below(bound: f64, min_steps: i64) -> Self {
        Rule::Threshold(v1::ThresholdStopping { min: Some(bound), min_steps, ..Default::default() }).into()
    }

    /// Stops a trial that has not bettered its own best value by more than `min_gain` for so many steps.
    pub fn patience(patience_steps: i64, min_gain: f64) -> Self {
        Rule::Patience(v1::PatienceStopping { patience_steps, min_gain, ..Default::default() }).into()
    }

    /// Lets one in three trials go on at each rung (asynchronously, Li et al. 2020). Rungs are at `min_steps`, three times as
    /// many, and so on.
    pub fn successive_halving(min_steps: i64) -> Self {
        Rule::SuccessiveHalving(v1::SuccessiveHalvingStopping { min_steps, ..Default::default() }).into()
    }

    /// Successive halving in brackets that begin at later and later rungs (Li et al. 2018), for curves that cross. A trial
    /// that is not stopped has `max_steps` steps.
    pub fn hyperband(min_steps: i64, max_steps: i64) -> Self {
        Rule::Hyperband(v1::HyperbandStopping { min_steps, max_steps, ..Default::default() }).into()
    }

    /// Several rules, of which the first that holds stops a trial.
    pub fn any(rules: impl IntoIterator<Item = Self>) -> Self {
        Rule::Any(v1::AnyStopping { rules: rules.into_iter().collect(), ..Default::default() }).into()
    }
}

impl From<Rule> for v1::EarlyStopping {
    fn from(rule: Rule) -> Self {
        Self { rule: Some(rule), ..Self::default() }
    }
}
