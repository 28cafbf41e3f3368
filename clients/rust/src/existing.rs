//! Whether a study that is there is the one that was wanted.

use std::collections::BTreeMap;

use crate::enums::Split;
use crate::error::{Error, Failure, Result};
use crate::space::{Domain, Parameter};
use crate::spec::{StudySpec, TrackedMetric};
use crate::spec_codec::decode;
use crate::v1;

/// Compares decoded values, not messages: a default that the server wrote out is no difference.
///
/// # Errors
///
/// [`Error::StudyExists`] which names what differs and can never be changed.
pub(crate) fn check(wanted: v1::Study, stored: &v1::Study, mut exists: Box<Failure>) -> Result<()> {
    let policy = wanted.lease_policy.unwrap_or_default();
    let left_out = [
        ("lease", policy.lease_duration.is_none()),
        ("max_attempts", policy.max_attempts == 0),
        ("replicates", wanted.replicates == 0),
        ("seed", wanted.seed.is_none()),
    ];
    let (mine, theirs) = (decode(wanted), decode(stored.clone()));
    let mut fixed = fixed_differences(&mine, &theirs);
    fixed.retain(|name| !left_out.contains(&(name, true)));
    if !fixed.is_empty() {
        let differing = fixed.join(", ");
        exists.message =
            format!("{} exists with another {differing}: choose another name, or delete it first", stored.name);
        return Err(Error::StudyExists(exists));
    }
    let rules = changeable_differences(&mine, &theirs);
    if !rules.is_empty() {
        let rules = rules.join(", ");
        tracing::warn!(
            study = stored.name,
            rules,
            "asktell: the study exists with other rules, which stay as they are: Study::update changes them"
        );
    }
    Ok(())
}

fn fixed_differences(mine: &StudySpec, theirs: &StudySpec) -> Vec<String> {
    let space = differing_parameters(&mine.space, &theirs.space);
    [
        (format!("space ({})", space.join(", ")), !space.is_empty()),
        ("objectives".to_owned(), mine.objectives != theirs.objectives),
        ("metrics".to_owned(), splits(&mine.metrics) != splits(&theirs.metrics)),
        ("algorithm".to_owned(), mine.algorithm != theirs.algorithm),
        ("lease".to_owned(), mine.lease != theirs.lease),
        ("max_attempts".to_owned(), mine.max_attempts != theirs.max_attempts),
        ("replicates".to_owned(), mine.replicates != theirs.replicates),
        ("seed".to_owned(), mine.seed != theirs.seed),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}

fn changeable_differences(mine: &StudySpec, theirs: &StudySpec) -> Vec<&'static str> {
    [
        ("max_trials", mine.max_trials != theirs.max_trials),
        ("target", mine.target != theirs.target),
        ("patience", mine.patience != theirs.patience),
        ("deadline", mine.deadline != theirs.deadline),
        ("max_running", mine.max_running != theirs.max_running),
        ("max_staleness", mine.max_staleness.is_some() && mine.max_staleness != theirs.max_staleness),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}

/// Names of parameters that are not the same; their order is for tables only.
fn differing_parameters(mine: &[Parameter], theirs: &[Parameter]) -> Vec<String> {
    let by_name = |space: &[Parameter]| -> BTreeMap<String, Domain> {
        space.iter().map(|parameter| (parameter.name.clone(), parameter.domain.clone())).collect()
    };
    let (left, right) = (by_name(mine), by_name(theirs));
    let mut names: Vec<_> =
        left.keys().chain(right.keys()).filter(|name| left.get(*name) != right.get(*name)).collect();
    names.sort();
    names.dedup();
    names.into_iter().cloned().collect()
}

fn splits(metrics: &[TrackedMetric]) -> BTreeMap<&str, Split> {
    metrics.iter().map(|metric| (metric.metric.as_str(), metric.split)).collect()
}
