//! Studies, and asking them for trials.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::{Error, Failure, Result};
use crate::lease::Lease;
use crate::list::{Items, TrialFilter, pages};
use crate::retry::jitter;
use crate::rpcs::new_request_id;
use crate::session::Session;
use crate::spec_codec::count as wire_count;
use crate::study_info::StudyInfo;
use crate::trial::Trial;
use crate::v1;
use crate::watch::{self, Changes};

const PAGE: i32 = 500;
/// Where the server gives no hint when to ask again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// The unit of tuning: one search space, and what to optimise in it. Clones are the same study.
#[derive(Clone)]
pub struct Study {
    pub(crate) session: Arc<Session>,
    name: Arc<str>,
    info: Arc<Mutex<Arc<StudyInfo>>>,
}

impl fmt::Debug for Study {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Study").field(&self.name).finish()
    }
}

/// How to ask.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct AskOptions {
    wait: Option<Duration>,
    worker_id: Option<String>,
}

/// The trial with the best mean of a model. All numbers are in the objective's unit.
#[derive(Debug)]
#[non_exhaustive]
pub struct BestByModel {
    /// The trial.
    pub trial: Trial,
    /// What the objective is expected to be there, without noise.
    pub mean: f64,
    /// Standard deviation of that.
    pub standard_deviation: f64,
    /// Standard deviation of a single result, beyond the standard errors that were told.
    pub noise: f64,
}

impl AskOptions {
    /// Waits for ever, as the client's worker.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits for a trial to become available for so long at most; zero = not at all. The calls themselves may take
    /// longer.
    pub fn wait(self, wait: Duration) -> Self {
        Self { wait: Some(wait), ..self }
    }

    /// Asks as this worker instead of the client's.
    pub fn worker(self, id: impl Into<String>) -> Self {
        Self { worker_id: Some(id.into()), ..self }
    }
}

impl Study {
    pub(crate) fn new(session: &Arc<Session>, wire: v1::Study) -> Self {
        let info = StudyInfo::from(wire);
        let name = info.name.as_str().into();
        Self { session: Arc::clone(session), name, info: Arc::new(Mutex::new(Arc::new(info))) }
    }

    pub(crate) fn created(session: &Arc<Session>, wire: v1::Study) -> Self {
        let study = Self::new(session, wire);
        for warning in &study.info().warnings {
            tracing::warn!(study = study.name(), field = warning.field, "asktell: {}", warning.message);
        }
        study
    }

    /// `projects/{project}/studies/{study}`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The last part of the name.
    pub fn id(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }

    /// The study as of the last call that answered with it; [`Study::refresh`] reads it anew.
    pub fn info(&self) -> Arc<StudyInfo> {
        Arc::clone(&self.info.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the study anew.
    pub async fn refresh(&self) -> Result<Arc<StudyInfo>> {
        let wire =
            self.session.call(v1::GetStudyRequest { name: self.name().to_owned(), ..Default::default() }).await?;
        Ok(self.take(wire))
    }

    pub(crate) fn take(&self, wire: v1::Study) -> Arc<StudyInfo> {
        let info = Arc::new(StudyInfo::from(wire));
        *self.info.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&info);
        info
    }

    /// Asks for a trial to run, whose lease renews itself until the trial is told, released or dropped. When nothing can
    /// be handed out now, it waits.
    ///
    /// # Errors
    ///
    /// [`Error::StudyComplete`] (there is nothing more to do), [`Error::StudyPaused`], [`Error::QueueEmpty`] (manual
    /// search, nothing enqueued).
    pub async fn ask(&self) -> Result<Trial> {
        self.ask_with(&AskOptions::new()).await
    }

    /// The same with options.
    ///
    /// # Errors
    ///
    /// As of [`Study::ask`]; [`Error::NoTrialAvailable`] (not now, and the wait would end before there could be one).
    pub async fn ask_with(&self, options: &AskOptions) -> Result<Trial> {
        let mut trials = self.ask_many(1, options).await?;
        Ok(trials.swap_remove(0)) // there is one at least
    }

    /// Asks for several trials; fewer, but at least one, come back when the study cannot give more now.
    ///
    /// # Errors
    ///
    /// As of [`Study::ask_with`].
    pub async fn ask_many(&self, count: u32, options: &AskOptions) -> Result<Vec<Trial>> {
        let give_up = options.wait.map(|wait| Instant::now() + wait);
        let worker_id = options.worker_id.as_ref().unwrap_or(&self.session.settings.worker_id);
        loop {
            let sent_at = Instant::now();
            let request = v1::AskRequest {
                study: self.name().to_owned(),
                count: wire_count(count),
                worker_id: worker_id.clone(),
                request_id: new_request_id(),
                ..Default::default()
            };
            let error = match self.session.call(request).await {
                Ok(answer) if answer.trials.is_empty() => {
                    return Err(Error::Internal(Failure::new("the server answered an ask without a trial")));
                }
                Ok(answer) => return Ok(answer.trials.into_iter().map(|trial| self.hold(trial, sent_at)).collect()),
                Err(error) => error,
            };
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

    fn hold(&self, wire: v1::Trial, sent_at: Instant) -> Trial {
        let lease = Arc::new(Lease::new(&wire, sent_at));
        self.session.hold(&lease);
        Trial::new(&self.session, wire, Some(lease))
    }

    pub(crate) fn handles(&self, wires: Vec<v1::Trial>) -> Vec<Trial> {
        wires.into_iter().map(|wire| Trial::new(&self.session, wire, None)).collect()
    }

    /// Reads one trial with its measurements.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`].
    pub async fn trial(&self, number: i64) -> Result<Trial> {
        let name = format!("{}/trials/{number}", self.name);
        let wire = self.session.call(v1::GetTrialRequest { name, ..Default::default() }).await?;
        Ok(Trial::new(&self.session, wire, None))
    }

    /// The trials by number, without measurements.
    pub fn trials(&self) -> Items<Trial> {
        self.trials_with(&TrialFilter::new())
    }

    /// The trials that the filter takes, by number, without measurements.
    pub fn trials_with(&self, filter: &TrialFilter) -> Items<Trial> {
        let (study, filter) = (self.clone(), filter.to_wire());
        pages(move |page_token| {
            let (study, filter) = (study.clone(), Some(filter.clone()));
            async move {
                let parent = study.name().to_owned();
                let request =
                    v1::ListTrialsRequest { parent, page_size: PAGE, page_token, filter, ..Default::default() };
                let answer = study.session.call(request).await?;
                Ok((study.handles(answer.trials), answer.next_page_token))
            }
        })
    }

    /// The best trial so far; `None` while there is no result.
    pub async fn best_trial(&self) -> Result<Option<Trial>> {
        Ok(self.best_trials(1).await?.into_iter().next())
    }

    /// The best trials, best first: so many at most, none while there is no result.
    pub async fn best_trials(&self, count: u32) -> Result<Vec<Trial>> {
        let request = v1::ListBestTrialsRequest {
            parent: self.name().to_owned(),
            count: wire_count(count),
            ..Default::default()
        };
        Ok(self.handles(self.session.call(request).await?.trials))
    }

    /// The best trial when noise is taken off: the one with the best mean of a model. Where results differ from run to run,
    /// the one with the best value may have been lucky. `None` where results are not noisy, and while the server is too
    /// busy for a model.
    pub async fn best_by_model(&self) -> Result<Option<BestByModel>> {
        let parent = self.name().to_owned();
        let request = v1::ListBestTrialsRequest { parent, by_model: true, ..Default::default() };
        let Some(best) = self.session.call(request).await?.best_by_model else { return Ok(None) };
        let v1::BestByModel { trial, mean, standard_deviation, noise, .. } = best;
        let handle = |wire| Trial::new(&self.session, wire, None);
        Ok(trial.map(handle).map(|trial| BestByModel { trial, mean, standard_deviation, noise }))
    }

    /// The study's changes as they happen, in order, across restarts of servers: nothing is missed and nothing comes
    /// twice. The stream ends with an error: [`Error::NotFound`] when the study is deleted, [`Error::ClientClosed`].
    ///
    /// The cursor is that of the last change seen, or [`StudyInfo::cursor`] for what comes after that reading; `None` =
    /// from the study's beginning.
    pub fn watch(&self, cursor: Option<&str>) -> Changes {
        watch::changes(Arc::clone(&self.session), self.name().to_owned(), cursor.unwrap_or_default().to_owned())
    }
}
