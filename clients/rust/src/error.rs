//! What a call can end with.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::study_file::{self, StudyFileError};
use crate::{FinishReason, Metrics};

/// What went wrong. The variant comes from the reason that the server gives, never from its text.
///
/// Reasons that are cases of one another share a variant: `InvalidArgument` may be `MISSING_OBJECTIVE` or `NOT_FINITE`,
/// as [`Error::reason`] tells.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A field of the request is wrong, see [`Error::field`]; nothing was changed.
    #[error("{0}")]
    InvalidArgument(Box<Failure>),
    /// The contract has it, this server does not do it; see [`Error::field`].
    #[error("{0}")]
    NotSupported(Box<Failure>),
    /// No such study or trial.
    #[error("{0}")]
    NotFound(Box<Failure>),
    /// A study of that name exists, or one with another specification.
    #[error("{0}")]
    StudyExists(Box<Failure>),
    /// The trial has another result, see [`Error::stored_metrics`]; corrections go through [`Trial::amend`].
    ///
    /// [`Trial::amend`]: crate::Trial::amend
    #[error("{0}")]
    ResultConflict(Box<Failure>),
    /// The study hands out no more trials, see [`Error::finish_reason`].
    #[error("study is complete: {}", finished_because(.0))]
    StudyComplete(Box<Failure>),
    /// The study hands out no trials until it is resumed.
    #[error("{0}")]
    StudyPaused(Box<Failure>),
    /// The study is searched by hand, and nothing is enqueued.
    #[error("{0}")]
    QueueEmpty(Box<Failure>),
    /// The trial's state does not allow the call.
    #[error("{0}")]
    IllegalTransition(Box<Failure>),
    /// The trial is no longer this worker's.
    #[error("{0}")]
    LeaseLost(Box<Failure>),
    /// The study changed since it was read.
    #[error("{0}")]
    EtagMismatch(Box<Failure>),
    /// Too many writers at once, for longer than the client's own retries; nothing was changed.
    #[error("{0}")]
    Contention(Box<Failure>),
    /// All that may run now is running; ask again after [`Error::retry_after`].
    #[error("{0}")]
    NoTrialAvailable(Box<Failure>),
    /// The server has as many calls as it can take.
    #[error("{0}")]
    Overloaded(Box<Failure>),
    /// A limit of the product is reached.
    #[error("{0}")]
    LimitExceeded(Box<Failure>),
    /// No server, or its store is away, for longer than the call's deadline.
    #[error("{0}")]
    Unavailable(Box<Failure>),
    /// The answer was not ready in time. The call may have been carried out; making it again is safe.
    #[error("{0}")]
    DeadlineExceeded(Box<Failure>),
    /// The token is missing or wrong.
    #[error("{0}")]
    Unauthenticated(Box<Failure>),
    /// A bug of the server; its log has more under the incident in [`Failure::metadata`].
    #[error("{0}")]
    Internal(Box<Failure>),
    /// A status that is none of the above.
    #[error("{0}")]
    Other(Box<Failure>),

    /// The client has been closed.
    #[error("the client has been closed")]
    ClientClosed,
    /// A setting of the client cannot be.
    #[error("{setting}: {message}")]
    InvalidSetting {
        /// The setting, or the environment variable.
        setting: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// A study file is wrong.
    #[error(transparent)]
    StudyFile(#[from] StudyFileError),
    /// The program reads a parameter that the space does not have, or takes it for one of another kind.
    #[error("parameter {name:?} is not {wanted}: {found}")]
    WrongParameter {
        /// The name that was asked for.
        name: String,
        /// The kind that was asked for.
        wanted: &'static str,
        /// What is there.
        found: String,
    },
}

/// The result of a call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a server, or the way to it, said about a failed call.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Failure {
    /// What went wrong, for people.
    pub message: String,
    /// What went wrong, for programs: a name such as `STUDY_COMPLETE`; empty when it was not a server of asktell's that
    /// said it.
    pub reason: String,
    /// What the catalogue of reasons promises for the reason.
    pub metadata: BTreeMap<String, String>,
    /// When another try makes sense.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Box<Self> {
        Box::new(Self { message: message.into(), ..Self::default() })
    }
}

impl Error {
    /// What the server said; `None` for what this client found by itself.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::InvalidArgument(failure)
            | Self::NotSupported(failure)
            | Self::NotFound(failure)
            | Self::StudyExists(failure)
            | Self::ResultConflict(failure)
            | Self::StudyComplete(failure)
            | Self::StudyPaused(failure)
            | Self::QueueEmpty(failure)
            | Self::IllegalTransition(failure)
            | Self::LeaseLost(failure)
            | Self::EtagMismatch(failure)
            | Self::Contention(failure)
            | Self::NoTrialAvailable(failure)
            | Self::Overloaded(failure)
            | Self::LimitExceeded(failure)
            | Self::Unavailable(failure)
            | Self::DeadlineExceeded(failure)
            | Self::Unauthenticated(failure)
            | Self::Internal(failure)
            | Self::Other(failure) => Some(failure),
            Self::ClientClosed | Self::InvalidSetting { .. } | Self::StudyFile(_) | Self::WrongParameter { .. } => None,
        }
    }

    /// The reason as the catalogue names it, e.g. `MISSING_OBJECTIVE`; empty when no server gave one.
    pub fn reason(&self) -> &str {
        self.failure().map_or("", |failure| &failure.reason)
    }

    /// The path of the wrong field in the request, e.g. `study.search_space.parameters[0].float_domain.min`.
    pub fn field(&self) -> Option<&str> {
        self.metadata("field")
    }

    /// The server's hint when to try again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.failure()?.retry_after
    }

    /// Why the study is complete, of [`Error::StudyComplete`].
    pub fn finish_reason(&self) -> Option<FinishReason> {
        finish_reason(self.failure()?)
    }

    /// The metrics of the result that [`Error::ResultConflict`] ran into; `None` when they are not told.
    pub fn stored_metrics(&self) -> Option<Metrics> {
        study_file::numbers(self.metadata("metrics")?)
    }

    fn metadata(&self, key: &str) -> Option<&str> {
        self.failure()?.metadata.get(key).map(String::as_str)
    }
}

fn finish_reason(failure: &Failure) -> Option<FinishReason> {
    let code =
        crate::v1::FinishReason::from_str_name(&format!("FINISH_REASON_{}", failure.metadata.get("finish_reason")?))?;
    FinishReason::from_wire(code.into())
}

/// In the words of every client.
fn finished_because(failure: &Failure) -> String {
    let words = match finish_reason(failure) {
        Some(FinishReason::Requested) => "it was finished by request",
        Some(FinishReason::MaxTrials) => "its budget of trials is used up",
        Some(FinishReason::Target) => "a trial reached the target value",
        Some(FinishReason::Patience) => "the last trials did not better the best one",
        Some(FinishReason::Deadline) => "its deadline has passed",
        Some(FinishReason::Exhausted) => "every configuration of its space or grid has been tried",
        None => failure.metadata.get("finish_reason").unwrap_or(&failure.message),
    };
    words.to_owned()
}
