//! Watching a study.

use std::sync::Arc;

use tokio::time::sleep;

use crate::error::{Error, Failure, Result};
use crate::list::Items;
use crate::retry::Backoff;
use crate::session::Session;
use crate::status::Trouble;
use crate::study_info::StudyInfo;
use crate::trial_info::{Measurement, TrialInfo, number};
use crate::v1;
use crate::v1::watch_study_response::Change as Wire;

const LONGEST_DELAY: std::time::Duration = std::time::Duration::from_secs(5);

/// A stream of a study's changes.
pub type Changes = Items<Change>;

/// One change of a study.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// Where to go on from.
    pub cursor: String,
    /// What changed.
    pub kind: ChangeKind,
}

/// What changed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ChangeKind {
    /// The study itself, as it is after the change.
    Study(Box<StudyInfo>),
    /// A trial, as it is after the change.
    Trial(Box<TrialInfo>),
    /// The trial of this number is no more.
    DeletedTrial(i64),
    /// A running trial reported.
    Reported {
        /// The trial's number.
        trial: i64,
        /// What it reported.
        measurement: Measurement,
    },
    /// A kind of change that is newer than this client.
    Unknown,
}

/// A stream that is opened again, after the last change seen, where it broke off.
pub(crate) fn changes(session: Arc<Session>, study: String, mut cursor: String) -> Changes {
    Items::new(async_stream::try_stream! {
        // A call with a deadline first: a stream would look for ever for a server that is not there at all.
        session.call(v1::GetStudyRequest { name: study.clone(), ..Default::default() }).await?;
        let mut delays = Backoff::default();
        loop {
            let request = v1::WatchStudyRequest { study: study.clone(), cursor: cursor.clone(), ..Default::default() };
            let broken = match until_closed(&session, session.connection.watch(&request)).await? {
                Err(trouble) => trouble,
                Ok(mut stream) => loop {
                    let message = until_closed(&session, stream.message()).await?;
                    match message {
                        Ok(Some(message)) => {
                            delays = Backoff::default();
                            cursor.clone_from(&message.cursor);
                            yield Change::from(message);
                        }
                        Ok(None) => break Trouble::Failed(Error::Unavailable(Failure::new("the server ended the watch"))),
                        Err(status) if status.code() == tonic::Code::Cancelled => {
                            break Trouble::NoConnection(status.message().to_owned()); // a server that goes down
                        }
                        Err(status) => break status.into(),
                    }
                },
            };
            let hint = match broken {
                Trouble::Failed(error @ Error::Unavailable(_)) => error.retry_after(),
                Trouble::Failed(error) => Err(error)?,
                Trouble::NoConnection(_) | Trouble::TooLate => None,
            };
            until_closed(&session, sleep(delays.next(LONGEST_DELAY, hint))).await?;
        }
    })
}

async fn until_closed<T>(session: &Session, work: impl Future<Output = T>) -> Result<T> {
    tokio::select! {
        biased;
        () = session.until_closed() => Err(Error::ClientClosed),
        done = work => Ok(done),
    }
}

impl From<v1::WatchStudyResponse> for Change {
    fn from(wire: v1::WatchStudyResponse) -> Self {
        let kind = match wire.change {
            Some(Wire::Study(study)) => ChangeKind::Study(Box::new(study.into())),
            Some(Wire::Trial(trial)) => ChangeKind::Trial(Box::new(trial.into())),
            Some(Wire::DeletedTrial(trial)) => ChangeKind::DeletedTrial(number(&trial.name)),
            Some(Wire::Reported(reported)) => ChangeKind::Reported {
                trial: number(&reported.name),
                measurement: reported.measurement.unwrap_or_default().into(),
            },
            None => ChangeKind::Unknown,
        };
        Self { cursor: wire.cursor, kind }
    }
}
