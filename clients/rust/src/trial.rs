//! Trials, and what becomes of them.

use std::collections::BTreeMap;
use std::fmt;
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use crate::enums::Outcome;
use crate::error::Result;
use crate::lease::Lease;
use crate::rpcs::new_request_id;
use crate::session::Session;
use crate::trial_info::TrialInfo;
use crate::v1;
use crate::values::{Metrics, Params};

/// In characters.
const LONGEST_REASON: usize = 4096;

/// One configuration and what became of it. One that came from [`Study::ask`](crate::Study::ask) is open: it heartbeats
/// until it is told, released or dropped.
#[must_use = "dropping an open trial gives it back"]
pub struct Trial {
    session: Arc<Session>,
    /// `None` unless this client asked for the trial.
    lease: Option<Arc<Lease>>,
    lease_id: String,
    name: String,
    number: i64,
    params: Params,
    info: Mutex<Arc<TrialInfo>>,
    superseded: AtomicBool,
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trial").field("name", &self.name).field("params", &self.params).finish_non_exhaustive()
    }
}

/// The server's answer to a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// End the trial now, and tell it with [`Trial::stop`], or not at all when `lease_valid` is false.
    pub should_stop: bool,
    /// Why, for people.
    pub stop_reason: String,
    /// The trial is still this worker's. When false the metrics were not taken.
    pub lease_valid: bool,
}

impl Trial {
    pub(crate) fn new(session: &Arc<Session>, wire: v1::Trial, lease: Option<Arc<Lease>>) -> Self {
        let lease_id = wire.lease_id.clone();
        let info = TrialInfo::from(wire);
        Self {
            session: Arc::clone(session),
            lease,
            lease_id,
            name: info.name.clone(),
            number: info.number,
            params: info.params.clone(),
            info: Mutex::new(Arc::new(info)),
            superseded: AtomicBool::new(false),
        }
    }

    /// `projects/{project}/studies/{study}/trials/{number}`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Counts from 1 in its study.
    pub fn number(&self) -> i64 {
        self.number
    }

    /// The configuration.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The trial as of the last call that answered with it; [`Trial::refresh`] reads it anew.
    pub fn info(&self) -> Arc<TrialInfo> {
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

    /// Another attempt's result was there before the one told here, which is kept in the trail.
    pub fn superseded(&self) -> bool {
        self.superseded.load(Ordering::Relaxed)
    }

    /// Tells intermediate metrics at a step and renews the lease. Without metrics it is a heartbeat.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`](crate::Error), [`Error::LimitExceeded`](crate::Error). A lost lease is none: see
    /// [`Progress`].
    pub async fn report(&self, step: i64, metrics: impl Into<Metrics>) -> Result<Progress> {
        let metrics = metrics.into().to_wire();
        let request_id = if metrics.is_empty() { String::new() } else { new_request_id() };
        let (name, lease_id) = (self.name.clone(), self.lease_id.clone());
        let sent_at = Instant::now();
        let answer = self
            .session
            .call(v1::ReportRequest { name, lease_id, step, metrics, request_id, ..Default::default() })
            .await?;
        if let Some(lease) = &self.lease {
            lease.heard(&answer, sent_at);
        }
        let v1::ReportResponse { should_stop, stop_reason, lease_valid, .. } = answer;
        Ok(Progress { should_stop, stop_reason, lease_valid })
    }

    /// Tells the result. Once it returns, the result is on the server's disk; telling it again is harmless.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`](crate::Error) (nothing was changed), [`Error::ResultConflict`](crate::Error) (there is
    /// another result), [`Error::IllegalTransition`](crate::Error).
    pub async fn tell(&self, metrics: impl Into<Metrics>) -> Result<()> {
        self.end_with(Outcome::Succeeded, &metrics.into(), "").await
    }

    /// Tells that the trial ended early, with its last known metrics; without any, the last report counts. An empty
    /// reason is replaced by the server's, if it was the server that wanted the trial to stop.
    ///
    /// # Errors
    ///
    /// As of [`Trial::tell`].
    pub async fn stop(&self, metrics: impl Into<Metrics>, reason: &str) -> Result<()> {
        let told = if reason.is_empty() { self.stop_reason() } else { reason.to_owned() };
        self.end_with(Outcome::Stopped, &metrics.into(), &told).await
    }

    /// Tells that the trial ended without a result: crashed, diverged. Tracked metrics may be given.
    ///
    /// # Errors
    ///
    /// As of [`Trial::tell`].
    pub async fn fail(&self, reason: &str, tracked: impl Into<Metrics>) -> Result<()> {
        self.end_with(Outcome::Failed, &tracked.into(), reason).await
    }

    /// Tells that the configuration cannot be run at all, for example does not fit in memory. Tracked metrics may be
    /// given.
    ///
    /// # Errors
    ///
    /// As of [`Trial::tell`].
    pub async fn infeasible(&self, reason: &str, tracked: impl Into<Metrics>) -> Result<()> {
        self.end_with(Outcome::Infeasible, &tracked.into(), reason).await
    }

    async fn end_with(&self, outcome: Outcome, metrics: &Metrics, reason: &str) -> Result<()> {
        let request = v1::TellRequest {
            name: self.name.clone(),
            lease_id: self.lease.as_ref().map(|lease| lease.id.clone()).unwrap_or_default(),
            outcome: outcome.to_wire(),
            metrics: metrics.to_wire(),
            reason: shortened(reason),
            request_id: new_request_id(),
            ..Default::default()
        };
        let answer = self.session.call(request).await?;
        self.end();
        self.superseded.store(answer.superseded, Ordering::Relaxed);
        self.take(answer.trial.unwrap_or_default());
        Ok(())
    }

    /// Corrects the result of a trial that has ended; the former one stays in [`TrialInfo::amendments`]. The metrics
    /// replace all former ones.
    ///
    /// # Errors
    ///
    /// As of [`Trial::tell`]; [`Error::IllegalTransition`](crate::Error) (it has no result yet),
    /// [`Error::LimitExceeded`](crate::Error).
    pub async fn amend(&self, outcome: Outcome, metrics: impl Into<Metrics>, reason: &str) -> Result<()> {
        let request = v1::AmendTrialRequest {
            name: self.name.clone(),
            outcome: outcome.to_wire(),
            metrics: metrics.into().to_wire(),
            reason: shortened(reason),
            request_id: new_request_id(),
            ..Default::default()
        };
        self.take(self.session.call(request).await?);
        Ok(())
    }

    /// Gives the trial back at once: the next asker gets it, and this attempt does not count.
    ///
    /// # Errors
    ///
    /// [`Error::LeaseLost`](crate::Error), [`Error::IllegalTransition`](crate::Error).
    pub async fn release(&self) -> Result<()> {
        let (name, lease_id) = (self.name.clone(), self.lease_id.clone());
        let request = v1::ReleaseTrialRequest { name, lease_id, request_id: new_request_id(), ..Default::default() };
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
        let (name, reason) = (self.name.clone(), shortened(reason));
        let request = v1::CancelTrialRequest { name, reason, request_id: new_request_id(), ..Default::default() };
        self.take(self.session.call(request).await?);
        self.end();
        Ok(())
    }

    /// Sets a label; others stay.
    pub async fn label(&self, key: &str, value: &str) -> Result<()> {
        let labels = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        self.set(format!("labels.{key}"), v1::Trial { labels, ..v1::Trial::default() }).await
    }

    /// Sets an annotation; others stay.
    pub async fn annotate(&self, key: &str, value: &str) -> Result<()> {
        let annotations = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        self.set(format!("annotations.{key}"), v1::Trial { annotations, ..v1::Trial::default() }).await
    }

    async fn set(&self, path: String, trial: v1::Trial) -> Result<()> {
        let trial = v1::Trial { name: self.name.clone(), ..trial };
        let update_mask = Some(prost_types::FieldMask { paths: vec![path] });
        let request = v1::UpdateTrialRequest {
            trial: Some(trial),
            update_mask,
            request_id: new_request_id(),
            ..Default::default()
        };
        self.take(self.session.call(request).await?);
        Ok(())
    }

    /// Reads the trial anew, with its measurements.
    pub async fn refresh(&self) -> Result<Arc<TrialInfo>> {
        let wire = self.session.call(v1::GetTrialRequest { name: self.name.clone(), ..Default::default() }).await?;
        self.take(wire);
        Ok(self.info())
    }

    /// Removes the trial.
    ///
    /// # Errors
    ///
    /// [`Error::IllegalTransition`](crate::Error) (it is running; cancel it first).
    pub async fn delete(&self) -> Result<()> {
        self.session
            .call(v1::DeleteTrialRequest {
                name: self.name.clone(),
                request_id: new_request_id(),
                ..Default::default()
            })
            .await
    }

    fn take(&self, wire: v1::Trial) {
        *self.info.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(wire.into());
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
fn shortened(reason: &str) -> String {
    match reason.char_indices().nth(LONGEST_REASON) {
        None => reason.to_owned(),
        Some(_) => reason.chars().take(LONGEST_REASON - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_REASON, shortened};

    #[test]
    fn long_reasons_are_cut_between_characters() {
        assert_eq!(shortened("größer"), "größer");
        let cut = shortened(&"ö".repeat(LONGEST_REASON + 1));
        assert_eq!(cut.chars().count(), LONGEST_REASON);
        assert!(cut.ends_with('…'));
    }
}
