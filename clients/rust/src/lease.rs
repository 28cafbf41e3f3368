//! The lease of a trial that this client asked for, and what renews it.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::rpcs::Rpc;
use crate::v1;

const BEATS_PER_LEASE: u32 = 3;
const SHORTEST_BEAT: Duration = Duration::from_millis(200);
/// How long one heartbeat may take.
const LONGEST_BEAT: Duration = Duration::from_secs(10);
/// A failed one is tried again soon, not an interval later.
const FAILED_BEAT: Duration = Duration::from_secs(2);
/// A program that ends should end.
const RELEASE: Duration = Duration::from_secs(3);

pub(crate) struct Lease {
    pub(crate) name: String,
    pub(crate) id: String,
    /// `None` = for ever.
    pub(crate) duration: Option<Duration>,
    /// Where a dropped trial's release is sent from.
    pub(crate) runtime: Handle,
    pub(crate) stop: watch::Sender<bool>,
    beating: OnceLock<AbortHandle>,
    state: Mutex<State>,
}

struct State {
    renewed_at: Instant,
    closed: bool,
    lost: bool,
    stop_reason: String,
}

impl Lease {
    /// `taken_at`: when the Ask was sent, so that a slow answer does not lengthen the lease.
    pub(crate) fn new(trial: &v1::Trial, taken_at: Instant) -> Self {
        Self {
            name: trial.name.clone(),
            id: trial.lease_id.clone(),
            duration: duration(trial),
            runtime: Handle::current(),
            stop: watch::Sender::new(false),
            beating: OnceLock::new(),
            state: Mutex::new(State { renewed_at: taken_at, closed: false, lost: false, stop_reason: String::new() }),
        }
    }

    /// Names the attempt.
    pub(crate) fn key(&self) -> String {
        format!("{} {}", self.name, self.id)
    }

    /// Heartbeats in the background until the lease is closed or lost.
    pub(crate) fn keep(self: &Arc<Self>, connection: &Arc<Connection>) {
        let Some(duration) = self.duration else { return };
        let interval = SHORTEST_BEAT.max(duration / BEATS_PER_LEASE);
        let beats = Arc::clone(self).beats(Arc::clone(connection), interval);
        let task = self.runtime.spawn(beats).abort_handle();
        let _ = self.beating.set(task); // this is called once
    }

    async fn beats(self: Arc<Self>, connection: Arc<Connection>, interval: Duration) {
        let limit = LONGEST_BEAT.min(interval.max(Duration::from_secs(1)));
        let mut failing = false;
        while self.is_open() && !self.is_lost() {
            let due = self.state().renewed_at + interval; // reports renew the lease too, and put the next beat off
            if due > Instant::now() {
                sleep_until(due).await;
                continue;
            }
            if let Err(error) = self.beat(&connection, limit).await {
                if failing {
                    tracing::debug!(trial = self.name, %error, "asktell: heartbeat failed");
                } else {
                    tracing::warn!(trial = self.name, %error, "asktell: heartbeat failed"); // an outage is one line
                }
                failing = true;
                sleep_until(Instant::now() + interval.min(FAILED_BEAT)).await;
            } else {
                failing = false;
            }
        }
    }

    /// A report without metrics.
    async fn beat(&self, connection: &Connection, limit: Duration) -> Result<()> {
        let sent_at = Instant::now();
        let report = v1::ReportRequest { name: self.name.clone(), lease_id: self.id.clone(), ..Default::default() };
        match connection.call(&report, limit).await {
            Ok(answer) => self.heard(&answer, sent_at),
            Err(Error::NotFound(_)) => {
                // The trial or its study has been deleted.
                self.stop.send_replace(true);
                self.state().lost = true;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Takes over what the server said to a report that was sent at `sent_at`.
    pub(crate) fn heard(&self, answer: &v1::ReportResponse, sent_at: Instant) {
        let mut state = self.state();
        if state.closed {
            return;
        }
        state.renewed_at = sent_at;
        state.stop_reason.clone_from(&answer.stop_reason);
        state.lost |= !answer.lease_valid;
        if answer.should_stop {
            self.stop.send_replace(true);
        }
    }

    /// Ends the lease on this side. Returns whether it was open.
    pub(crate) fn close(&self) -> bool {
        if let Some(task) = self.beating.get() {
            task.abort();
        }
        !std::mem::replace(&mut self.state().closed, true)
    }

    /// Gives the trial back. Somebody else having ended it is no failure.
    pub(crate) async fn release(&self, connection: &Connection) -> Result<()> {
        if self.state().lost {
            return Ok(());
        }
        let mut request =
            v1::ReleaseTrialRequest { name: self.name.clone(), lease_id: self.id.clone(), ..Default::default() };
        request.identify();
        match connection.call(&request, RELEASE).await {
            Ok(_) | Err(Error::LeaseLost(_) | Error::IllegalTransition(_) | Error::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.state().closed
    }

    pub(crate) fn is_lost(&self) -> bool {
        let state = self.state();
        state.lost && !state.closed
    }

    pub(crate) fn stop_reason(&self) -> String {
        self.state().stop_reason.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both are times of the server's one clock: this machine's own may differ.
fn duration(trial: &v1::Trial) -> Option<Duration> {
    let expires = SystemTime::try_from(trial.lease_expire_time?).ok()?;
    let started = SystemTime::try_from(trial.start_time.unwrap_or_default()).ok()?;
    Some(expires.duration_since(started).unwrap_or_default().max(SHORTEST_BEAT))
}
