//! Watching a study.

use std::sync::Arc;

use tokio::time::sleep;

use crate::error::{Error, Failure, Result};
use crate::list::Items;
use crate::retry::{Backoff, LONGEST_DELAY};
use crate::session::Session;
use crate::status::Trouble;
use crate::v1;

/// A stream that is opened again, after the last change seen, where it broke off.
pub(crate) fn changes(session: Arc<Session>, study: String, mut cursor: String) -> Items<v1::WatchStudyResponse> {
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
                        Ok(Some(change)) => {
                            delays = Backoff::default();
                            cursor.clone_from(&change.cursor);
                            yield change;
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
