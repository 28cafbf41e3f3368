//! Asking a study for trials.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::{Error, Failure, Result};
use crate::lease::Lease;
use crate::retry::jitter;
use crate::study::Study;
use crate::trial::{Answer, Trial};
use crate::v1;

/// Where the server gives no hint when to ask again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

impl Study {
    /// Asks for a trial to run, whose lease renews itself until the trial is told, released or dropped. When nothing can
    /// be handed out now, it waits.
    ///
    /// # Errors
    ///
    /// [`Error::StudyComplete`] (there is nothing more to do; [`Study::info`] is read anew), [`Error::StudyPaused`],
    /// [`Error::QueueEmpty`] (manual search, nothing enqueued).
    pub async fn ask(&self) -> Result<Trial> {
        Ok(self.ask_many(1).await?.swap_remove(0)) // there is one at least
    }

    /// Asks for several trials; fewer, but at least one, come back when the study cannot give more now.
    pub async fn ask_many(&self, count: i32) -> Result<Vec<Trial>> {
        Ok(self.ask_with(v1::AskRequest { count, ..Default::default() }, None).await?.trials)
    }

    /// Asks with any fields of the request, and waits for a trial to become available for `wait` at most: `None` = for
    /// ever, zero = not at all. The calls themselves may take longer. `study` is filled in, and `worker_id` where it is
    /// empty.
    ///
    /// # Errors
    ///
    /// As of [`Study::ask`]; [`Error::NoTrialAvailable`] (not now, and the wait would end before there could be one).
    pub async fn ask_with(&self, request: v1::AskRequest, wait: Option<Duration>) -> Result<Answer<v1::AskResponse>> {
        let give_up = wait.and_then(|wait| Instant::now().checked_add(wait));
        let mut request = v1::AskRequest { study: self.name().to_owned(), ..request };
        if request.worker_id.is_empty() {
            request.worker_id.clone_from(&self.session.settings.worker_id);
        }
        loop {
            let sent_at = Instant::now();
            let error = match self.session.call(request.clone()).await {
                Ok(message) if message.trials.is_empty() => {
                    return Err(Error::Internal(Failure::new("the server answered an ask without a trial")));
                }
                Ok(mut message) => {
                    let trials = std::mem::take(&mut message.trials);
                    let trials = trials.into_iter().map(|trial| self.leased(trial, sent_at)).collect();
                    return Ok(Answer { trials, message });
                }
                Err(error) => error,
            };
            if matches!(error, Error::StudyComplete(_)) {
                let _ = self.refresh().await; // what is printed after the last trial is true
            }
            let delay = jitter(error.retry_after().unwrap_or(ASK_AGAIN), 1.0, 1.2);
            let later = matches!(error, Error::NoTrialAvailable(_) | Error::Overloaded(_));
            if !later || give_up.is_some_and(|give_up| Instant::now() + delay > give_up) {
                return Err(error);
            }
            tokio::select! {
                () = self.session.until_closed() => return Err(Error::ClientClosed),
                () = sleep(delay) => {}
            }
        }
    }

    fn leased(&self, message: v1::Trial, sent_at: Instant) -> Trial {
        let lease = Arc::new(Lease::new(&message, sent_at));
        self.session.keep(&lease);
        Trial::new(&self.session, message, Some(lease))
    }
}
