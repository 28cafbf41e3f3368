//! What gRPC reports, as errors of this client.

use std::error::Error as StdError;
use std::time::Duration;

use tonic::{Code, ConnectError, Status, TimeoutExpired};
use tonic_types::StatusExt;

use crate::error::{Error, Failure};

const DOMAIN: &str = "asktell";
const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// Why an attempt failed.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// There was no connection to be had: nothing was sent.
    NoConnection(String),
    /// The call's time is up.
    TooLate,
    /// The server said so, or the connection broke under the call.
    Failed(Error),
}

impl From<Status> for Trouble {
    fn from(status: Status) -> Self {
        // A status without a source came over the wire; one with a source was made of it here.
        let Some(cause) = status.source() else {
            return Self::Failed(from_server(&status));
        };
        let mut next = Some(cause);
        while let Some(error) = next {
            if let Some(connect) = error.downcast_ref::<ConnectError>() {
                return Self::NoConnection(root(connect));
            }
            if error.is::<TimeoutExpired>() {
                return Self::TooLate;
            }
            next = error.source();
        }
        Self::Failed(Error::Unavailable(Failure::new(format!("the connection broke: {}", root(cause)))))
    }
}

/// The innermost cause in words: the outer ones say no more than that there was an error.
fn root(error: &(dyn StdError + 'static)) -> String {
    let mut deepest = error;
    while let Some(inner) = deepest.source() {
        deepest = inner;
    }
    deepest.to_string()
}

fn from_server(status: &Status) -> Error {
    let details = status.get_error_details();
    let mut failure =
        Failure::new(if status.message().is_empty() { status.code().description() } else { status.message() });
    if let Some(info) = details.error_info().filter(|info| info.domain == DOMAIN) {
        failure.reason.clone_from(&info.reason);
        failure.metadata = info.metadata.clone().into_iter().collect();
    }
    let hint = details.retry_info().and_then(|info| info.retry_delay);
    failure.retry_after = hint.max(pushback(status)).filter(|delay| !delay.is_zero());
    Error::of_reason(&failure.reason).unwrap_or_else(|| of_code(status.code()))(failure)
}

fn pushback(status: &Status) -> Option<Duration> {
    let text = status.metadata().get(PUSHBACK)?.to_str().ok()?;
    text.parse().ok().map(Duration::from_millis)
}

/// For a status without a reason (a proxy's, or gRPC's own) and for reasons newer than this client.
fn of_code(code: Code) -> fn(Box<Failure>) -> Error {
    match code {
        Code::InvalidArgument => Error::InvalidArgument,
        Code::Unimplemented => Error::NotSupported,
        Code::NotFound => Error::NotFound,
        Code::Unavailable => Error::Unavailable,
        Code::DeadlineExceeded => Error::DeadlineExceeded,
        Code::Unauthenticated => Error::Unauthenticated,
        Code::Internal => Error::Internal,
        _ => Error::Other,
    }
}
