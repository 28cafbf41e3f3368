//! What the client shows, as the runner wants to see it.

use std::collections::BTreeMap;

use asktell::{
    ChangeKind, Error, Measurement, Metrics, Params, StudyInfo, Suggestions, Trial, TrialInfo, TrialState, Value,
};

use crate::pb::ErrorKind;
use crate::pb::change::Kind as ChangeWire;
use crate::pb::result::Kind as Answer;
use crate::v1::parameter_value::Kind;
use crate::{pb, v1};

pub fn failed(error: &Error) -> Answer {
    let kind = match error {
        Error::InvalidSetting { .. } | Error::StudyFile(_) => ErrorKind::RefusedLocally,
        Error::InvalidArgument(_) => ErrorKind::InvalidArgument,
        Error::NotFound(_) => ErrorKind::NotFound,
        Error::StudyExists(_) => ErrorKind::StudyExists,
        Error::ResultConflict(_) => ErrorKind::ResultConflict,
        Error::StudyComplete(_) => ErrorKind::StudyComplete,
        Error::StudyPaused(_) => ErrorKind::StudyPaused,
        Error::QueueEmpty(_) => ErrorKind::QueueEmpty,
        Error::NoTrialAvailable(_) => ErrorKind::NoTrialAvailable,
        Error::LeaseLost(_) => ErrorKind::LeaseLost,
        Error::IllegalTransition(_) => ErrorKind::IllegalTransition,
        Error::EtagMismatch(_) => ErrorKind::EtagMismatch,
        Error::Contention(_) => ErrorKind::Contention,
        Error::Overloaded(_) => ErrorKind::Overloaded,
        Error::LimitExceeded(_) => ErrorKind::LimitExceeded,
        Error::NotSupported(_) => ErrorKind::NotSupported,
        Error::Unavailable(_) => ErrorKind::Unavailable,
        Error::DeadlineExceeded(_) => ErrorKind::DeadlineExceeded,
        Error::Unauthenticated(_) => ErrorKind::Unauthenticated,
        Error::Internal(_) => ErrorKind::Internal,
        _ => ErrorKind::Other,
    };
    Answer::Error(pb::Error {
        kind: kind.into(),
        reason: error.reason().to_owned(),
        field: error.field().unwrap_or_default().to_owned(),
        has_retry_after: error.retry_after().is_some(),
        message: error.to_string(),
    })
}

pub fn done() -> Answer {
    Answer::Done(pb::Done {})
}

pub fn study(info: &StudyInfo) -> Answer {
    Answer::Study(encode_study(info))
}

pub fn trial(trial: &Trial) -> Answer {
    Answer::Trials(pb::Trials { trials: vec![trial_result(trial)] })
}

pub fn trials(trials: &[Trial]) -> Answer {
    Answer::Trials(pb::Trials { trials: trials.iter().map(trial_result).collect() })
}

pub fn change(change: &asktell::Change) -> pb::Change {
    let kind = match &change.kind {
        ChangeKind::Study(info) => Some(ChangeWire::Study(encode_study(info))),
        ChangeKind::Trial(info) => Some(ChangeWire::Trial(encode_trial(info))),
        ChangeKind::DeletedTrial(number) => Some(ChangeWire::DeletedTrial(*number)),
        ChangeKind::Reported { trial, measurement } => Some(ChangeWire::Reported(pb::ReportedMeasurement {
            trial: *trial,
            measurement: Some(encode_measurement(measurement)),
        })),
        _ => None,
    };
    pb::Change { cursor: change.cursor.clone(), kind }
}

pub fn suggestions(suggestions: &Suggestions) -> Answer {
    let encoded = |suggestion: &asktell::Suggestion| pb::Suggestion {
        parameters: params(&suggestion.params),
        origin: origin(suggestion.origin),
    };
    Answer::Suggestions(pb::Suggestions { suggestions: suggestions.suggestions.iter().map(encoded).collect() })
}

fn trial_result(trial: &Trial) -> pb::TrialResult {
    pb::TrialResult {
        trial: Some(encode_trial(&trial.info())),
        should_stop: trial.should_stop(),
        lease_lost: trial.lease_lost(),
        superseded: trial.superseded(),
    }
}

fn encode_study(info: &StudyInfo) -> v1::Study {
    let state = v1::StudyState::from_str_name(&format!("STUDY_STATE_{}", info.state)).unwrap_or_default();
    let reason = info.finish_reason.map(|reason| format!("FINISH_REASON_{reason}"));
    let reason = reason.and_then(|name| v1::FinishReason::from_str_name(&name)).unwrap_or_default();
    let counts = info.counts;
    v1::Study {
        name: info.name.clone(),
        display_name: info.spec.display_name.clone(),
        state: state.into(),
        finish_reason: reason.into(),
        trial_counts: Some(v1::TrialCounts {
            queued: count(counts.queued),
            running: count(counts.running),
            succeeded: count(counts.succeeded),
            stopped: count(counts.stopped),
            failed: count(counts.failed),
            infeasible: count(counts.infeasible),
            cancelled: count(counts.cancelled),
            abandoned: count(counts.abandoned),
            ..Default::default()
        }),
        labels: info.spec.labels.clone(),
        annotations: info.spec.annotations.clone(),
        ..v1::Study::default()
    }
}

fn encode_trial(info: &TrialInfo) -> v1::Trial {
    v1::Trial {
        number: info.number,
        state: state(info.state),
        parameters: params(&info.params),
        origin: origin(info.origin),
        metrics: metrics(&info.metrics),
        reason: info.reason.clone(),
        attempt: count(info.attempt),
        worker_id: info.worker_id.clone(),
        labels: info.labels.clone(),
        annotations: info.annotations.clone(),
        import_key: info.import_key.clone(),
        measurement_count: count(info.measurement_count),
        measurements: info.measurements.iter().map(encode_measurement).collect(),
        amendments: info
            .amendments
            .iter()
            .map(|amendment| v1::Amendment {
                previous_state: state(amendment.previous_state),
                previous_metrics: metrics(&amendment.previous_metrics),
                previous_reason: amendment.previous_reason.clone(),
                reason: amendment.reason.clone(),
                ..v1::Amendment::default()
            })
            .collect(),
        superseded_results: info
            .superseded_results
            .iter()
            .map(|result| v1::SupersededResult {
                state: state(result.state),
                metrics: metrics(&result.metrics),
                reason: result.reason.clone(),
                ..v1::SupersededResult::default()
            })
            .collect(),
        ..v1::Trial::default()
    }
}

fn encode_measurement(measurement: &Measurement) -> v1::Measurement {
    v1::Measurement {
        step: measurement.step,
        metrics: metrics(&measurement.metrics),
        report_time: None,
        ..Default::default()
    }
}

fn count(count: u32) -> i32 {
    i32::try_from(count).expect("counts came out of 31 bits")
}

fn state(state: TrialState) -> i32 {
    v1::TrialState::from_str_name(&format!("TRIAL_STATE_{state}")).unwrap_or_default().into()
}

fn origin(origin: asktell::Origin) -> i32 {
    v1::Origin::from_str_name(&format!("ORIGIN_{origin}")).unwrap_or_default().into()
}

fn metrics(metrics: &Metrics) -> BTreeMap<String, v1::Metric> {
    let encoded = |(name, metric): (&str, &asktell::Metric)| {
        (
            name.to_owned(),
            v1::Metric { value: metric.value, standard_error: metric.standard_error, ..Default::default() },
        )
    };
    metrics.iter().map(encoded).collect()
}

fn params(params: &Params) -> BTreeMap<String, v1::ParameterValue> {
    let encoded = |(name, value): (&str, &Value)| {
        let kind = match value {
            Value::Float(value) => Kind::DoubleValue(*value),
            Value::Int(value) => Kind::IntValue(*value),
            Value::Category(value) => Kind::StringValue(value.clone()),
            Value::Bool(value) => Kind::BoolValue(*value),
            other => panic!("a kind of value that the contract does not have: {other:?}"),
        };
        (name.to_owned(), v1::ParameterValue { kind: Some(kind), ..Default::default() })
    };
    params.iter().map(encoded).collect()
}
