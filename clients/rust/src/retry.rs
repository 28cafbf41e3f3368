//! The one way in which calls are made: with a deadline, and again where that is safe.

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::connection::Connection;
use crate::error::{Error, Failure, Result};
use crate::rpcs::Rpc;
use crate::status::Trouble;

const FIRST_DELAY: Duration = Duration::from_millis(100);
pub(crate) const LONGEST_DELAY: Duration = Duration::from_secs(5);
/// Looking for a server that is being started again costs nothing.
pub(crate) const LONGEST_SEARCH_DELAY: Duration = Duration::from_secs(1);
const RACES: u32 = 8;

impl Connection {
    /// Makes a call, always with the same request and so with the same request id: again on UNAVAILABLE and on lost
    /// races (CONTENTION: nothing was changed), on nothing else. Without a connection it looks for one until the
    /// deadline.
    pub(crate) async fn call<R: Rpc>(&self, request: &R, limit: Duration) -> Result<R::Answer> {
        let deadline = Instant::now() + limit;
        let mut delays = Backoff::default();
        let (mut unreached, mut races) = (0, 0);
        let mut why = String::new();
        loop {
            let began = Instant::now();
            let answer = timeout_at(deadline, self.attempt(request, deadline)).await;
            match answer.unwrap_or(Err(Trouble::TooLate)) {
                Ok(answer) => return Ok(answer),
                // The deadline came while there was still no connection: nobody is there, rather than slow.
                Err(Trouble::TooLate) if unreached > 0 && began.elapsed() < self.connect_timeout => {
                    return Err(Error::Unavailable(Failure::new(self.unreachable(&why))));
                }
                Err(Trouble::TooLate) => {
                    let message = format!("no answer within {limit:?}");
                    return Err(Error::DeadlineExceeded(Failure::new(message)));
                }
                Err(Trouble::NoConnection(reason)) => {
                    why = reason;
                    unreached += 1;
                    if unreached % self.servers() != 0 {
                        continue; // the next address at once
                    }
                    let again = Instant::now() + delays.next(LONGEST_SEARCH_DELAY, None);
                    sleep_until(again.min(deadline)).await;
                    if again >= deadline {
                        return Err(Error::Unavailable(Failure::new(self.unreachable(&why))));
                    }
                }
                Err(Trouble::Failed(error)) => {
                    unreached = 0;
                    races += u32::from(matches!(error, Error::Contention(_)));
                    let again = matches!(error, Error::Unavailable(_))
                        || matches!(error, Error::Contention(_)) && races < RACES;
                    let delay = delays.next(LONGEST_DELAY, error.retry_after());
                    if !again || Instant::now() + delay >= deadline {
                        return Err(error);
                    }
                    sleep(delay).await;
                }
            }
        }
    }
}

/// Jittered and exponential delays, so that the clients of a restarted server do not come back in step.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    last: Duration,
}

impl Backoff {
    /// At most `longest`, and never less than the server's hint.
    pub(crate) fn next(&mut self, longest: Duration, hint: Option<Duration>) -> Duration {
        self.last = (2 * self.last).clamp(FIRST_DELAY, longest);
        jitter(self.last, 0.5, 1.0).max(jitter(hint.unwrap_or_default(), 1.0, 1.1))
    }
}

pub(crate) fn jitter(delay: Duration, low: f64, high: f64) -> Duration {
    delay.mul_f64(low + (high - low) * fastrand::f64())
}
