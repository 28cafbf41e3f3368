//! What a client and all its handles share: the connections, the heartbeats and the open leases.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::connection::Connection;
use crate::error::{Error, Failure, Result};
use crate::lease::Lease;
use crate::rpcs::Rpc;
use crate::settings::Settings;

const CLOSING: Duration = Duration::from_secs(10);

pub(crate) struct Session {
    pub(crate) settings: Settings,
    pub(crate) connection: Arc<Connection>,
    pub(crate) closed: watch::Sender<bool>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// By [`Lease::key`].
    leases: HashMap<String, Arc<Lease>>,
    /// Releases of dropped trials that are under way.
    releases: Vec<JoinHandle<()>>,
}

impl Session {
    pub(crate) fn new(settings: Settings) -> Result<Arc<Self>> {
        let connection = Arc::new(Connection::new(&settings)?);
        Ok(Arc::new(Self { settings, connection, closed: watch::Sender::new(false), open: Mutex::default() }))
    }

    /// A call with the deadline of its kind, which ends when the client is closed.
    pub(crate) async fn call<R: Rpc>(&self, mut request: R) -> Result<R::Answer> {
        request.identify();
        let limit = if R::SLOW { self.settings.ask_timeout } else { self.settings.timeout };
        tokio::select! {
            biased;
            () = self.until_closed() => Err(Error::ClientClosed),
            answer = self.connection.call(&request, limit) => answer,
        }
    }

    pub(crate) async fn until_closed(&self) {
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await; // the sender lives as long as this
    }

    /// The full name of a study of this client's project.
    pub(crate) fn study_name(&self, name: &str) -> String {
        if name.starts_with("projects/") {
            return name.to_owned();
        }
        format!("projects/{}/studies/{}", self.settings.project, name.strip_prefix("studies/").unwrap_or(name))
    }

    /// Renews a lease from now on, until it is closed or lost.
    pub(crate) fn keep(&self, lease: &Arc<Lease>) {
        let mut open = self.open();
        if *self.closed.borrow() {
            return; // an Ask that was answered while the client was being closed: the lease runs out by itself
        }
        open.leases.insert(lease.key(), Arc::clone(lease));
        lease.keep(&self.connection);
    }

    /// Ends a lease on this side.
    pub(crate) fn forget(&self, lease: &Arc<Lease>) -> bool {
        self.open().leases.remove(&lease.key());
        lease.close()
    }

    /// Gives a dropped trial back, without waiting for it. One whose lease never ends belongs to a person or a slow
    /// lab, who tell it with another client.
    pub(crate) fn dropped(&self, lease: &Arc<Lease>) {
        if !self.forget(lease) || lease.duration.is_none() || *self.closed.borrow() {
            return;
        }
        let (lease, connection) = (Arc::clone(lease), Arc::clone(&self.connection));
        let task = lease.runtime.clone().spawn(async move {
            if let Err(error) = lease.release(&connection).await {
                tracing::warn!(trial = lease.name, %error, "asktell: the trial was not given back, its lease runs out");
            }
        });
        let mut open = self.open();
        open.releases.retain(|release| !release.is_finished());
        open.releases.push(task);
    }

    /// Gives back the open trials whose leases would run out otherwise, and waits for those that are being given back.
    pub(crate) async fn close(&self) -> Result<()> {
        let Open { leases, releases } = {
            let mut open = self.open();
            self.closed.send_replace(true);
            std::mem::take(&mut *open)
        };
        let unended: Vec<_> = leases.into_values().filter(|lease| lease.close() && lease.duration.is_some()).collect();
        let closing = async {
            for lease in unended {
                lease.release(&self.connection).await?; // one that fails for want of a server says enough about all
            }
            for release in releases {
                let _ = release.await; // it has said itself what went wrong
            }
            Ok(())
        };
        let late = || Error::DeadlineExceeded(Failure::new("the trials could not be given back in time"));
        timeout_at(Instant::now() + CLOSING, closing).await.unwrap_or_else(|_| Err(late()))
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
