//! What the client shows, as the runner wants to see it.

use asktell::v1::watch_study_response::Change as Changed;
use asktell::{Error, Trial, trial_number, v1};

use crate::pb;
use crate::pb::ErrorKind;
use crate::pb::change::Kind as Change;
use crate::pb::result::Kind as Answer;

pub fn failed(error: &Error) -> Answer {
    let kind = match error {
        Error::InvalidSetting { .. } | Error::UnreadableFile { .. } => ErrorKind::RefusedLocally,
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

pub fn study(info: &v1::Study) -> Answer {
    Answer::Study(info.clone())
}

pub fn trial(trial: &Trial) -> Answer {
    trials(std::slice::from_ref(trial))
}

pub fn trials(trials: &[Trial]) -> Answer {
    Answer::Trials(pb::Trials { trials: trials.iter().map(|trial| trial_result(trial, false)).collect() })
}

pub fn told(trial: &Trial, answer: &v1::TellResponse) -> Answer {
    Answer::Trials(pb::Trials { trials: vec![trial_result(trial, answer.superseded)] })
}

fn trial_result(trial: &Trial, superseded: bool) -> pb::TrialResult {
    pb::TrialResult {
        trial: Some((*trial.info()).clone()),
        should_stop: trial.should_stop(),
        lease_lost: trial.lease_lost(),
        superseded,
    }
}

pub fn change(message: v1::WatchStudyResponse) -> pb::Change {
    let kind = message.change.map(|change| match change {
        Changed::Study(study) => Change::Study(study),
        Changed::Trial(trial) => Change::Trial(trial),
        Changed::DeletedTrial(trial) => Change::DeletedTrial(number(&trial.name)),
        Changed::Reported(reported) => {
            let (trial, measurement) = (number(&reported.name), reported.measurement);
            Change::Reported(pb::ReportedMeasurement { trial, measurement })
        }
    });
    pb::Change { cursor: message.cursor, kind }
}

fn number(name: &str) -> i64 {
    trial_number(name).expect("names of trials end in a number")
}

pub fn suggestions(answer: v1::SuggestResponse) -> Answer {
    let suggestions = answer.suggestions.into_iter();
    let suggestions =
        suggestions.map(|v1::Suggestion { parameters, origin, .. }| pb::Suggestion { parameters, origin });
    Answer::Suggestions(pb::Suggestions { suggestions: suggestions.collect() })
}

pub fn analysis(items: usize) -> Answer {
    Answer::Analysis(pb::Analysis { items: items.try_into().expect("there are not that many") })
}
