//! Trials, and what becomes of them.

use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use crate::error::Result;
use crate::lease::Lease;
use crate::named::{Named, Params};
use crate::session::Session;
use crate::{show, v1};

/// In characters.
pub(crate) const LONGEST_REASON: usize = 4096;

/// One configuration and what became of it. One that came from [`Study::ask`](crate::Study::ask) is open: it heartbeats
/// until it is told, released or dropped.
#[must_use = "dropping an open trial gives it back"]
pub struct Trial {
    session: Arc<Session>,
    /// `None` unless this client asked for the trial.
    lease: Option<Arc<Lease>>,
    /// The trial when this handle was made. Its name, number, parameters and lease id do not change.
    first: Arc<v1::Trial>,
    info: Mutex<Arc<v1::Trial>>,
}

/// Name, state, configuration and metrics, as of the last call that answered with the trial.
impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show::trial(&self.info(), f)
    }
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trial({self})")
    }
}

/// An answer with trials: handles of them, and what else the server answers.
#[derive(Debug)]
#[non_exhaustive]
pub struct Answer<R> {
    /// The trials.
    pub trials: Vec<Trial>,
    /// The server's answer. Its `trials` are empty: they are above.
    pub message: R,
}

impl Trial {
    pub(crate) fn new(session: &Arc<Session>, message: v1::Trial, lease: Option<Arc<Lease>>) -> Self {
        let first = Arc::new(message);
        Self { session: Arc::clone(session), lease, info: Mutex::new(Arc::clone(&first)), first }
    }

    /// `projects/{project}/studies/{study}/trials/{number}`.
    pub fn name(&self) -> &str {
        &self.first.name
    }

    /// Counts from 1 in its study.
    pub fn number(&self) -> i64 {
        self.first.number
    }

    /// The configuration, with its derived parameters.
    pub fn params(&self) -> Params<'_> {
        self.first.params()
    }

    /// The trial as of the last call that answered with it; [`Trial::refresh`] reads it anew.
    pub fn info(&self) -> Arc<v1::Trial> {
        Arc::clone(&self.info.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// This client asked for the trial, and has neither told it nor given it back.
    pub fn is_open(&self) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.is_open())
    }

    /// The server wants the trial to end now, as of the last report or heartbeat: tell it with [`Trial::stop`].
    pub fn should_stop(&self) -> bool {
        self.lease.as_ref().is_some_and(|lease| *lease.stop.borrow())
    }

    /// Why it should stop, for people.
    pub fn stop_reason(&self) -> String {
        self.lease.as_ref().map(|lease| lease.stop_reason()).unwrap_or_default()
    }

    /// Waits until the trial should stop; for ever for one that this client did not ask for.
    pub async fn stopping(&self) {
        match &self.lease {
            Some(lease) => {
                let _ = lease.stop.subscribe().wait_for(|stop| *stop).await; // the sender lives as long as this
            }
            None => pending().await,
        }
    }

    /// The open trial's lease ran out, or the trial was called off. A result that is told nevertheless is still taken if
    /// it is the first.
    pub fn lease_lost(&self) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.is_lost())
    }

    /// Reports intermediate metrics at a step and renews the lease. Without metrics it is a heartbeat.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`](crate::Error), [`Error::LimitExceeded`](crate::Error). A lost lease is none: see the
    /// answer.
    pub async fn report(&self, step: i64, metrics: impl Named<v1::Metric>) -> Result<v1::ReportResponse> {
        self.report_with(v1::ReportRequest { step, metrics: metrics.into_map(), ..Default::default() }).await
    }

    /// Reports with any fields of the request; `name` and `lease_id` are filled in.
    pub async fn report_with(&self, request: v1::ReportRequest) -> Result<v1::ReportResponse> {
        let (name, lease_id) = (self.name().to_owned(), self.first.lease_id.clone());
        let sent_at = Instant::now();
        let answer = self.session.call(v1::ReportRequest { name, lease_id, ..request }).await?;
        if let Some(lease) = &self.lease {
            lease.heard(&answer, sent_at);
        }
        Ok(answer)
    }

    /// Tells the result. Once it returns, the result is on the server's disk; telling it again is harmless.
    ///
    /// # Errors
    ///
    /// Here and in the other methods that tell: [`Error::InvalidArgument`](crate::Error) (nothing was changed),
    /// [`Error::ResultConflict`](crate::Error) (there is another result), [`Error::IllegalTransition`](crate::Error).
    pub async fn tell(&self, metrics: impl Named<v1::Metric>) -> Result<v1::TellResponse> {
        self.end_with(v1::TellOutcome::Succeeded, metrics, "").await
    }

    /// Tells that the trial ended early, with its last known metrics; without any, the last report counts. An empty
    /// reason is replaced by the server's, if it was the server that wanted the trial to stop.
    pub async fn stop(&self, metrics: impl Named<v1::Metric>, reason: &str) -> Result<v1::TellResponse> {
        let servers = self.stop_reason();
        self.end_with(v1::TellOutcome::Stopped, metrics, if reason.is_empty() { &servers } else { reason }).await
    }

    /// Tells that the trial ended without a result: crashed, diverged. Tracked metrics may be given.
    pub async fn fail(&self, reason: &str, tracked: impl Named<v1::Metric>) -> Result<v1::TellResponse> {
        self.end_with(v1::TellOutcome::Failed, tracked, reason).await
    }

    /// Tells that the configuration cannot be run at all, for example does not fit in memory. Tracked metrics may be
    /// given.
    pub async fn infeasible(&self, reason: &str, tracked: impl Named<v1::Metric>) -> Result<v1::TellResponse> {
        self.end_with(v1::TellOutcome::Infeasible, tracked, reason).await
    }

    async fn end_with(
        &self,
        outcome: v1::TellOutcome,
        metrics: impl Named<v1::Metric>,
        reason: &str,
    ) -> Result<v1::TellResponse> {
        let (metrics, reason) = (metrics.into_map(), reason.to_owned());
        self.tell_with(v1::TellRequest { outcome: outcome.into(), metrics, reason, ..Default::default() }).await
    }

    /// Tells with any fields of the request; `name` is filled in, and `lease_id` if this client asked for the trial.
    pub async fn tell_with(&self, request: v1::TellRequest) -> Result<v1::TellResponse> {
        let lease_id = self.lease.as_ref().map_or(request.lease_id, |lease| lease.id.clone());
        let (name, reason) = (self.name().to_owned(), shortened(&request.reason));
        let answer = self.session.call(v1::TellRequest { name, lease_id, reason, ..request }).await?;
        self.end();
        self.take(answer.trial.clone().unwrap_or_default());
        Ok(answer)
    }

    /// Corrects the result of a trial that has ended; the former one stays in [`v1::Trial::amendments`]. The metrics
    /// replace all former ones.
    ///
    /// # Errors
    ///
    /// As of [`Trial::tell`]; [`Error::IllegalTransition`](crate::Error) (it has no result yet),
    /// [`Error::LimitExceeded`](crate::Error).
    pub async fn amend(&self, outcome: v1::TellOutcome, metrics: impl Named<v1::Metric>, reason: &str) -> Result<()> {
        let (name, reason) = (self.name().to_owned(), shortened(reason));
        let (outcome, metrics) = (outcome.into(), metrics.into_map());
        let request = v1::AmendTrialRequest { name, outcome, metrics, reason, ..Default::default() };
        self.take(self.session.call(request).await?);
        Ok(())
    }

    /// Gives the trial back at once: the next asker gets it, and this attempt does not count.
    ///
    /// # Errors
    ///
    /// [`Error::LeaseLost`](crate::Error), [`Error::IllegalTransition`](crate::Error).
    pub async fn release(&self) -> Result<()> {
        let (name, lease_id) = (self.name().to_owned(), self.first.lease_id.clone());
        let request = v1::ReleaseTrialRequest { name, lease_id, ..Default::default() };
        self.take(self.session.call(request).await?);
        self.end();
        Ok(())
    }

    /// Gives the trial back if it is still open, as dropping it does, and waits for that: a few seconds at most.
    ///
    /// # Errors
    ///
    /// When no server answered: the lease then runs out by itself.
    pub async fn close(self) -> Result<()> {
        match &self.lease {
            Some(lease) if self.session.forget(lease) && lease.duration.is_some() => {
                lease.release(&self.session.connection).await
            }
            _ => Ok(()),
        }
    }

    /// Calls a queued or running trial off; its worker is told to stop.
    ///
    /// # Errors
    ///
    /// [`Error::IllegalTransition`](crate::Error).
    pub async fn cancel(&self, reason: &str) -> Result<()> {
        let (name, reason) = (self.name().to_owned(), shortened(reason));
        let request = v1::CancelTrialRequest { name, reason, ..Default::default() };
        self.take(self.session.call(request).await?);
        self.end();
        Ok(())
    }

    /// Sets a label; others stay.
    pub async fn label(&self, key: &str, value: &str) -> Result<()> {
        let labels = [(key.to_owned(), value.to_owned())].into();
        self.update(v1::Trial { labels, ..Default::default() }, [format!("labels.{key}")]).await
    }

    /// Sets an annotation; others stay.
    pub async fn annotate(&self, key: &str, value: &str) -> Result<()> {
        let annotations = [(key.to_owned(), value.to_owned())].into();
        self.update(v1::Trial { annotations, ..Default::default() }, [format!("annotations.{key}")]).await
    }

    /// Changes the fields that `paths` name to what they are in `changes`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`](crate::Error).
    pub async fn update<P: Into<String>>(&self, changes: v1::Trial, paths: impl IntoIterator<Item = P>) -> Result<()> {
        let trial = Some(v1::Trial { name: self.name().to_owned(), ..changes });
        let update_mask = Some(prost_types::FieldMask { paths: paths.into_iter().map(Into::into).collect() });
        self.take(self.session.call(v1::UpdateTrialRequest { trial, update_mask, ..Default::default() }).await?);
        Ok(())
    }

    /// Reads the trial anew, with its measurements.
    pub async fn refresh(&self) -> Result<Arc<v1::Trial>> {
        let request = v1::GetTrialRequest { name: self.name().to_owned(), ..Default::default() };
        self.take(self.session.call(request).await?);
        Ok(self.info())
    }

    /// Removes the trial.
    ///
    /// # Errors
    ///
    /// [`Error::IllegalTransition`](crate::Error) (it is running; cancel it first).
    pub async fn delete(&self) -> Result<()> {
        self.session.call(v1::DeleteTrialRequest { name: self.name().to_owned(), ..Default::default() }).await
    }

    fn take(&self, message: v1::Trial) {
        *self.info.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(message);
    }

    fn end(&self) {
        if let Some(lease) = &self.lease {
            self.session.forget(lease);
        }
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        if let Some(lease) = &self.lease {
            self.session.dropped(lease);
        }
    }
}

/// Keeps the text of a long error from being refused with the result it comes with.
pub(crate) fn shortened(reason: &str) -> String {
    match reason.char_indices().nth(LONGEST_REASON) {
        None => reason.to_owned(),
        Some(_) => reason.chars().take(LONGEST_REASON - 1).chain(['…']).collect(),
    }
}
