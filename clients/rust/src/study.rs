//! Studies, their trials and their changes. Asking is in `asking.rs`.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::list::{Items, pages};
use crate::session::Session;
use crate::trial::{Answer, Trial};
use crate::{show, v1, watch};

const PAGE: i32 = 500;

/// The unit of tuning: one search space, and what to optimise in it. Clones are the same study.
#[derive(Clone)]
pub struct Study {
    pub(crate) session: Arc<Session>,
    name: Arc<str>,
    info: Arc<Mutex<Arc<v1::Study>>>,
    /// As of the last ListBestTrials; `None` where that has no single feasible one.
    best: Arc<Mutex<Option<Arc<v1::Trial>>>>,
}

/// Name, state, how many trials have ended, the budget and, where there is a single one that keeps the outcome
/// constraints, the best trial; each as of the last call that answered with it.
impl fmt::Display for Study {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let best = self.best.lock().unwrap_or_else(PoisonError::into_inner).clone();
        show::study(&self.info(), best.as_deref(), f)
    }
}

impl fmt::Debug for Study {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Study({self})")
    }
}

impl Study {
    pub(crate) fn new(session: &Arc<Session>, message: v1::Study) -> Self {
        let name = message.name.as_str().into();
        let info = Arc::new(Mutex::new(Arc::new(message)));
        Self { session: Arc::clone(session), name, info, best: Arc::default() }
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
    pub fn info(&self) -> Arc<v1::Study> {
        Arc::clone(&self.info.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the study anew.
    pub async fn refresh(&self) -> Result<Arc<v1::Study>> {
        let request = v1::GetStudyRequest { name: self.name().to_owned(), ..Default::default() };
        Ok(self.take(self.session.call(request).await?))
    }

    fn take(&self, message: v1::Study) -> Arc<v1::Study> {
        let info = Arc::new(message);
        *self.info.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&info);
        info
    }

    fn handles(&self, messages: Vec<v1::Trial>) -> Vec<Trial> {
        messages.into_iter().map(|message| Trial::new(&self.session, message, None)).collect()
    }

    /// Reads one trial with its measurements.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error).
    pub async fn trial(&self, number: i64) -> Result<Trial> {
        let name = format!("{}/trials/{number}", self.name);
        let message = self.session.call(v1::GetTrialRequest { name, ..Default::default() }).await?;
        Ok(Trial::new(&self.session, message, None))
    }

    /// The trials by number, without measurements.
    pub fn trials(&self) -> Items<Trial> {
        self.trials_with(v1::ListTrialsRequest::default())
    }

    /// The trials that a [`v1::TrialFilter`] takes, by number, without measurements; or with any fields of the request,
    /// of which `parent` is filled in.
    pub fn trials_with(&self, request: impl Into<v1::ListTrialsRequest>) -> Items<Trial> {
        let mut request = v1::ListTrialsRequest { parent: self.name().to_owned(), ..request.into() };
        if request.page_size == 0 {
            request.page_size = PAGE;
        }
        let study = self.clone();
        pages(request.page_token.clone(), move |page_token| {
            let (study, request) = (study.clone(), v1::ListTrialsRequest { page_token, ..request.clone() });
            async move {
                let answer = study.session.call(request).await?;
                Ok((study.handles(answer.trials), answer.next_page_token))
            }
        })
    }

    /// The best trial so far; `None` while there is no result, or none that keeps the outcome constraints.
    ///
    /// # Errors
    ///
    /// [`Error::SeveralObjectives`]: there is no single best trial, see [`pareto_front`](Self::pareto_front).
    pub async fn best_trial(&self) -> Result<Option<Trial>> {
        if self.info().objectives.len() > 1 {
            return Err(Error::SeveralObjectives { study: self.name().to_owned() });
        }
        let answer = self.best_trials_with(v1::ListBestTrialsRequest { count: 1, ..Default::default() }).await?;
        Ok(answer.trials.into_iter().next().filter(|_| !answer.message.infeasible))
    }

    /// The feasible trials that no other one betters in all objectives, in the order of the first objective.
    pub async fn pareto_front(&self) -> Result<Vec<Trial>> {
        let answer = self.best_trials_with(v1::ListBestTrialsRequest::default()).await?;
        Ok(if answer.message.infeasible { Vec::new() } else { answer.trials })
    }

    /// What the Pareto front dominates, up to the objectives' references; `None` with one objective, and while no trial is
    /// feasible.
    pub async fn hypervolume(&self) -> Result<Option<f64>> {
        Ok(self.best_trials_with(v1::ListBestTrialsRequest::default()).await?.message.hypervolume)
    }

    /// The best trials, best first: at most `count`, none while there is no result. With several objectives: the whole Pareto
    /// front. Where no trial keeps the outcome constraints: those that miss them least, with a `violation` above 0.
    pub async fn best_trials(&self, count: i32) -> Result<Vec<Trial>> {
        Ok(self.best_trials_with(v1::ListBestTrialsRequest { count, ..Default::default() }).await?.trials)
    }

    /// The best trial when noise is taken off: the one with the best mean of a model. Where results differ from run to run,
    /// the one with the best value may have been lucky. `None` where results are not noisy, and while the server is too
    /// busy for a model.
    pub async fn best_by_model(&self) -> Result<Option<v1::BestByModel>> {
        let request = v1::ListBestTrialsRequest { by_model: true, ..Default::default() };
        Ok(self.best_trials_with(request).await?.message.best_by_model)
    }

    /// The best trials by any fields of the request, of which `parent` is filled in.
    pub async fn best_trials_with(
        &self,
        request: v1::ListBestTrialsRequest,
    ) -> Result<Answer<v1::ListBestTrialsResponse>> {
        let request = v1::ListBestTrialsRequest { parent: self.name().to_owned(), ..request };
        let mut message = self.session.call(request).await?;
        let is_single = self.info().objectives.len() == 1;
        let best = message.trials.first().filter(|_| is_single && !message.infeasible);
        *self.best.lock().unwrap_or_else(PoisonError::into_inner) = best.cloned().map(Arc::new);
        Ok(Answer { trials: self.handles(std::mem::take(&mut message.trials)), message })
    }

    /// Queues configurations; they are handed out before the algorithm's.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`](crate::Error), [`Error::StudyComplete`](crate::Error).
    pub async fn enqueue(&self, trials: impl IntoIterator<Item = v1::EnqueuedTrial>) -> Result<Vec<Trial>> {
        let (study, trials) = (self.name().to_owned(), trials.into_iter().collect());
        let request = v1::EnqueueTrialsRequest { study, trials, ..Default::default() };
        Ok(self.handles(self.session.call(request).await?.trials))
    }

    /// Brings in past results. The trials are those that were given, in order; ones that were there before stand as they
    /// are.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`](crate::Error).
    pub async fn import(
        &self,
        trials: impl IntoIterator<Item = v1::ImportedTrial>,
    ) -> Result<Answer<v1::ImportTrialsResponse>> {
        let (study, trials) = (self.name().to_owned(), trials.into_iter().collect());
        let request = v1::ImportTrialsRequest { study, trials, ..Default::default() };
        let mut message = self.session.call(request).await?;
        Ok(Answer { trials: self.handles(std::mem::take(&mut message.trials)), message })
    }

    /// The study's changes as they happen, in order, across restarts of servers: nothing is missed and nothing comes
    /// twice. The stream ends with an error, such as [`Error::NotFound`](crate::Error) when the study is deleted.
    ///
    /// The cursor is that of the last change seen, or that of [`Study::info`] for what comes after that reading; `None` =
    /// from the study's beginning.
    pub fn watch(&self, cursor: Option<&str>) -> Items<v1::WatchStudyResponse> {
        watch::changes(Arc::clone(&self.session), self.name().to_owned(), cursor.unwrap_or_default().to_owned())
    }

    /// Makes the study hand out no trials until it is resumed; results are still taken.
    pub async fn pause(&self) -> Result<Arc<v1::Study>> {
        self.set_state(v1::StudyState::Paused).await
    }

    /// Makes the study hand out trials again. One that a stopping rule has finished goes on with other rules, by
    /// [`Study::update`].
    ///
    /// # Errors
    ///
    /// [`Error::StudyComplete`](crate::Error): there is nothing more to do.
    pub async fn resume(&self) -> Result<Arc<v1::Study>> {
        self.set_state(v1::StudyState::Active).await
    }

    /// Makes the study hand out no more trials; results of running ones are still taken.
    pub async fn finish(&self) -> Result<Arc<v1::Study>> {
        self.set_state(v1::StudyState::Finished).await
    }

    async fn set_state(&self, state: v1::StudyState) -> Result<Arc<v1::Study>> {
        self.update(v1::Study { state: state.into(), ..Default::default() }, ["state"]).await
    }

    /// Changes the fields that `paths` name to what they are in `changes`; unset there = taken away. With its `etag` set,
    /// the study must still have it.
    ///
    /// ```no_run
    /// # async fn longer(study: asktell::Study) -> asktell::Result<()> {
    /// use asktell::v1;
    ///
    /// study.update(v1::Study::default().with_max_trials(100), ["stopping_rules.max_trials"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`](crate::Error), [`Error::EtagMismatch`](crate::Error).
    pub async fn update<P: Into<String>>(
        &self,
        changes: v1::Study,
        paths: impl IntoIterator<Item = P>,
    ) -> Result<Arc<v1::Study>> {
        let study = Some(v1::Study { name: self.name().to_owned(), ..changes });
        let update_mask = Some(prost_types::FieldMask { paths: paths.into_iter().map(Into::into).collect() });
        let request = v1::UpdateStudyRequest { study, update_mask, ..Default::default() };
        Ok(self.take(self.session.call(request).await?))
    }

    /// Deletes the study with all its trials; this cannot be undone.
    pub async fn delete(&self) -> Result<()> {
        self.delete_if_etag("").await
    }

    /// Deletes the study if it still has this etag.
    ///
    /// # Errors
    ///
    /// [`Error::EtagMismatch`](crate::Error).
    pub async fn delete_if_etag(&self, etag: &str) -> Result<()> {
        let (name, etag) = (self.name().to_owned(), etag.to_owned());
        self.session.call(v1::DeleteStudyRequest { name, etag, ..Default::default() }).await
    }
}
