//! What a call can end with.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::v1::FinishReason;

/// One table: the errors that come of what a server says, and the reasons that lead to each.
macro_rules! errors {
    ($($(#[$about:meta])* $variant:ident: $($reason:literal)*;)+) => {
        /// What went wrong. The variant comes from the reason that the server gives, never from its text.
        ///
        /// Reasons that are cases of one another share a variant: `InvalidArgument` may be `MISSING_OBJECTIVE` or
        /// `NOT_FINITE`, as [`Error::reason`] tells.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum Error {
            $($(#[$about])* $variant(Box<Failure>),)+
            /// The client has been closed.
            ClientClosed,
            /// A setting of the client cannot be.
            InvalidSetting {
                /// The setting, or the environment variable.
                setting: &'static str,
                /// What is wrong with it.
                message: String,
            },
            /// A study file cannot be read. (What is wrong in one that can be read is [`Error::InvalidArgument`].)
            UnreadableFile {
                /// The file.
                path: PathBuf,
                /// Why it cannot be read.
                source: Arc<std::io::Error>,
            },
            /// There is no single best trial among several objectives; see
            /// [`Study::pareto_front`](crate::Study::pareto_front).
            SeveralObjectives {
                /// The study's name.
                study: String,
            },
            /// The program reads a parameter that the space does not have, or takes it for one of another kind.
            WrongParameter {
                /// The name that was asked for.
                name: String,
                /// The kind that was asked for.
                wanted: &'static str,
                /// What is there.
                found: String,
            },
        }

        impl Error {
            /// What the server said; `None` for what this client found by itself.
            pub fn failure(&self) -> Option<&Failure> {
                match self {
                    $(Self::$variant(failure) => Some(failure),)+
                    _ => None,
                }
            }

            /// `None` for a reason that is newer than this client.
            pub(crate) fn of_reason(reason: &str) -> Option<fn(Box<Failure>) -> Self> {
                match reason {
                    $($($reason => Some(Self::$variant),)*)+
                    _ => None,
                }
            }
        }
    };
}

errors! {
    /// A field of the request or a study file is wrong, see [`Error::field`]; nothing was changed.
    InvalidArgument: "INVALID_FIELD" "NOT_FINITE" "UNKNOWN_METRIC" "MISSING_OBJECTIVE" "VALUE_OUTSIDE_SPACE"
        "REQUEST_ID_REUSED" "TEST_SPLIT_OBJECTIVE" "GRID_TOO_LARGE" "INVALID_TOKEN" "INVALID_STUDY_FILE";
    /// The contract has it, this server does not do it; see [`Error::field`].
    NotSupported: "NOT_SUPPORTED" "STATELESS_SERVER";
    /// No such study or trial.
    NotFound: "STUDY_NOT_FOUND" "TRIAL_NOT_FOUND";
    /// A study of that name exists; or where it may exist, one that differs in what can never be changed.
    StudyExists: "STUDY_EXISTS";
    /// The trial has another result, see [`Error::stored_metrics`]; corrections go through
    /// [`Trial::amend`](crate::Trial::amend).
    ResultConflict: "RESULT_CONFLICT";
    /// The study hands out no more trials, see [`Error::finish_reason`].
    StudyComplete: "STUDY_COMPLETE";
    /// The study hands out no trials until it is resumed.
    StudyPaused: "STUDY_PAUSED";
    /// The study is searched by hand, and nothing is enqueued.
    QueueEmpty: "QUEUE_EMPTY";
    /// Every configuration with the fixed values of the ask has been tried; others are left.
    FixedExhausted: "FIXED_EXHAUSTED";
    /// The study has too few results for a model.
    TooFewResults: "TOO_FEW_RESULTS";
    /// The trial's state does not allow the call.
    IllegalTransition: "ILLEGAL_TRANSITION";
    /// The trial is no longer this worker's.
    LeaseLost: "LEASE_LOST";
    /// The study changed since it was read.
    EtagMismatch: "ETAG_MISMATCH";
    /// Too many writers at once, for longer than the client's own retries; nothing was changed.
    Contention: "CONTENTION";
    /// All that may run now is running; ask again after [`Error::retry_after`].
    NoTrialAvailable: "NO_TRIAL_AVAILABLE";
    /// The server has as many calls as it can take.
    Overloaded: "OVERLOADED";
    /// A limit of the product is reached.
    LimitExceeded: "LIMIT_EXCEEDED";
    /// No server, or its store is away, for longer than the call's deadline.
    Unavailable: "STORE_UNAVAILABLE" "SERVER_DRAINING";
    /// The answer was not ready in time. The call may have been carried out; making it again is safe.
    DeadlineExceeded: "DEADLINE";
    /// The token is missing or wrong.
    Unauthenticated: "UNAUTHENTICATED";
    /// A bug of the server; its log has more under the incident in [`Failure::metadata`].
    Internal: "INTERNAL";
    /// A status that is none of the above.
    Other: ;
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientClosed => f.write_str("the client has been closed"),
            Self::InvalidSetting { setting, message } => write!(f, "{setting}: {message}"),
            Self::UnreadableFile { path, source } => write!(f, "{}: {source}", path.display()),
            Self::SeveralObjectives { study } => {
                write!(f, "{study} has several objectives and no single best trial: see pareto_front()")
            }
            Self::WrongParameter { name, wanted, found } => write!(f, "parameter {name:?} is not {wanted}: {found}"),
            Self::StudyComplete(failure) => write!(f, "study is complete: {}", finished_because(failure)),
            _ => f.write_str(self.failure().map_or("", |failure| &failure.message)),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::UnreadableFile { source, .. } => Some(source),
            _ => None,
        }
    }
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

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Box<Self> {
        Box::new(Self { message: message.into(), ..Self::default() })
    }
}

impl Error {
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

    /// The metrics of the stored result, of [`Error::ResultConflict`]; `None` when the server does not give them.
    pub fn stored_metrics(&self) -> Option<BTreeMap<String, f64>> {
        serde_json::from_str(self.metadata("metrics")?).ok()
    }

    fn metadata(&self, key: &str) -> Option<&str> {
        self.failure()?.metadata.get(key).map(String::as_str)
    }
}

fn finish_reason(failure: &Failure) -> Option<FinishReason> {
    FinishReason::from_str_name(&format!("FINISH_REASON_{}", failure.metadata.get("finish_reason")?))
}

/// In the words of every client.
fn finished_because(failure: &Failure) -> &str {
    match finish_reason(failure) {
        Some(FinishReason::Requested) => "it was finished by request",
        Some(FinishReason::MaxTrials) => "its budget of trials is used up",
        Some(FinishReason::Target) => "a trial reached the target value",
        Some(FinishReason::Patience) => "the last trials did not better the best one",
        Some(FinishReason::Deadline) => "its deadline has passed",
        Some(FinishReason::Exhausted) => "every configuration of its space or grid has been tried",
        Some(FinishReason::LittleToGain) => "another 10 trials are expected to gain too little",
        Some(FinishReason::Unspecified) | None => failure.metadata.get("finish_reason").unwrap_or(&failure.message),
    }
}
