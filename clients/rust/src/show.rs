//! What people see of a handle: its text, which is also what `{:?}` shows in its brackets.

use std::fmt::{self, Display, Formatter};

use crate::settings::Settings;
use crate::v1;
use crate::v1::parameter_value::Kind;

/// `localhost:50051 project default`: nothing that is secret.
pub(crate) fn client(settings: &Settings, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "{} project {}", settings.addresses.join(","), settings.project)
}

/// `projects/…/studies/lora ACTIVE, 12 trials ended, 2 running, budget 50, best: trial 7 with val_loss=0.31`.
pub(crate) fn study(study: &v1::Study, best: Option<&v1::Trial>, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "{} {}", study.name, study.state().as_str_name().trim_start_matches("STUDY_STATE_"))?;
    if study.finish_reason() != v1::FinishReason::Unspecified {
        write!(f, " ({})", study.finish_reason().as_str_name().trim_start_matches("FINISH_REASON_"))?;
    }
    let counts = study.trial_counts.unwrap_or_default();
    let ended =
        [counts.succeeded, counts.stopped, counts.failed, counts.infeasible, counts.cancelled, counts.abandoned];
    // Not "12 of 50": imported and cancelled trials have ended, and use nothing of the budget up.
    let ended = ended.iter().sum::<i32>();
    write!(f, ", {ended} {} ended", if ended == 1 { "trial" } else { "trials" })?;
    for (count, state) in [(counts.failed, "failed"), (counts.running, "running"), (counts.queued, "queued")] {
        if count > 0 {
            write!(f, ", {count} {state}")?;
        }
    }
    if let Some(budget) = study.stopping_rules.as_ref().and_then(|rules| rules.max_trials) {
        write!(f, ", budget {budget}")?;
    }
    if let Some(best) = best {
        write!(f, ", best: trial {} with ", best.number)?;
        let metrics = study.objectives.iter().map(|objective| &objective.metric);
        pairs(metrics.map(|name| (name, best.metrics.get(name).map_or(f64::NAN, |metric| metric.value))), f)?;
    }
    Ok(())
}

/// `projects/…/trials/7 SUCCEEDED lr=0.0001 rank=8, val_loss=0.31`, with the last line of why it failed.
pub(crate) fn trial(trial: &v1::Trial, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "{} {} ", trial.name, trial.state().as_str_name().trim_start_matches("TRIAL_STATE_"))?;
    pairs(trial.params().iter().map(|(name, value)| (name, Value(value))), f)?;
    if !trial.metrics.is_empty() {
        f.write_str(", ")?;
        pairs(trial.metrics.iter().map(|(name, metric)| (name, metric.value)), f)?;
    }
    trial.reason.trim().lines().last().map_or(Ok(()), |why| write!(f, ": {why}"))
}

fn pairs<'a, V: Display>(values: impl Iterator<Item = (&'a String, V)>, f: &mut Formatter<'_>) -> fmt::Result {
    for (index, (name, value)) in values.enumerate() {
        write!(f, "{}{name}={value}", if index == 0 { "" } else { " " })?;
    }
    Ok(())
}

struct Value<'a>(&'a v1::ParameterValue);

impl Display for Value<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            Some(Kind::DoubleValue(value)) => value.fmt(f),
            Some(Kind::IntValue(value)) => value.fmt(f),
            Some(Kind::StringValue(value)) => value.fmt(f),
            Some(Kind::BoolValue(value)) => value.fmt(f),
            None => f.write_str("?"), // of a kind that is newer than this client
        }
    }
}
