//! Statuses as errors.

use std::time::Duration;

use tonic::{Code, Status};

use super::server::refusal;
use crate::status::Trouble;
use crate::{Error, v1};

fn error(status: Status) -> Error {
    match status.into() {
        Trouble::Failed(error) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_reason_counts_and_not_the_status() {
    let complete = error(refusal(Code::Unknown, "STUDY_COMPLETE", &[("finish_reason", "MAX_TRIALS")], None));
    assert!(matches!(complete, Error::StudyComplete(_)));
    assert_eq!(complete.to_string(), "study is complete: its budget of trials is used up");
    assert_eq!(complete.finish_reason(), Some(v1::FinishReason::MaxTrials));

    let field = error(refusal(Code::InvalidArgument, "NOT_FINITE", &[("field", "metrics[loss].value")], None));
    assert!(matches!(field, Error::InvalidArgument(_)));
    assert_eq!((field.reason(), field.field()), ("NOT_FINITE", Some("metrics[loss].value")));

    let later = error(refusal(Code::ResourceExhausted, "NO_TRIAL_AVAILABLE", &[], Some(Duration::from_secs(2))));
    assert!(matches!(later, Error::NoTrialAvailable(_)));
    assert_eq!(later.retry_after(), Some(Duration::from_secs(2)));
}

#[test]
fn a_reason_that_is_not_known_counts_as_its_status() {
    let newer = error(refusal(Code::NotFound, "PROJECT_NOT_FOUND", &[], None));
    assert!(matches!(newer, Error::NotFound(_)));
    assert_eq!(newer.reason(), "PROJECT_NOT_FOUND");
    assert!(matches!(error(refusal(Code::FailedPrecondition, "NEW", &[], None)), Error::Other(_)));
    assert!(matches!(error(Status::unauthenticated("no")), Error::Unauthenticated(_)));
}

#[test]
fn a_conflict_shows_the_stored_metrics() {
    let metadata = [("metrics", r#"{"loss": 0.27, "größe": 1e-05}"#)];
    let conflict = error(refusal(Code::AlreadyExists, "RESULT_CONFLICT", &metadata, None));
    assert_eq!(conflict.stored_metrics(), Some([("loss".to_owned(), 0.27), ("größe".to_owned(), 1e-5)].into()));
    let cut = error(refusal(Code::AlreadyExists, "RESULT_CONFLICT", &[("metrics", r#"{"loss": 0."#)], None));
    assert_eq!(cut.stored_metrics(), None);
}
