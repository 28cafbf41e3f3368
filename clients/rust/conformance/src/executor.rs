//! Does what it is told on the public API of the client. It is as a program that tunes would be: it has no logic of its
//! own.

use std::collections::HashMap;
use std::time::Duration;

use asktell::{Client, Items, NewStudy, Result, Study, Trial, v1};

use crate::pb::action::Kind as Action;
use crate::pb::analyse::Question;
use crate::pb::create_study::Source;
use crate::pb::result::Kind as Answer;
use crate::pb::start_watch::Start;
use crate::pb::update_study::Change;
use crate::{pb, results};

/// The objects by their handles.
#[derive(Default)]
pub struct Executor {
    clients: HashMap<String, Client>,
    studies: HashMap<String, Study>,
    trials: HashMap<String, Trial>,
    watches: HashMap<String, Watch>,
    /// Trials without a handle, and those whose handle has another one now: they go on heartbeating.
    others: Vec<Trial>,
}

struct Watch {
    /// `None` when it has been stopped.
    changes: Option<Items<v1::WatchStudyResponse>>,
    cursor: Option<String>,
}

impl Executor {
    pub async fn execute(&mut self, action: Action) -> Result<Answer> {
        match action {
            Action::Reset(_) => {
                self.reset().await;
                Ok(results::done())
            }
            Action::CreateClient(action) => self.create_client(action),
            Action::CloseClient(action) => self.clients[&action.client].close().await.map(|()| results::done()),
            Action::CreateStudy(action) => self.create_study(action).await,
            Action::OpenStudy(action) => {
                let study = self.clients[&action.client].study(&action.study_id).await?;
                Ok(self.keep_study(action.study, study))
            }
            Action::GetStudy(action) => Ok(results::study(&*self.studies[&action.study].refresh().await?)),
            Action::UpdateStudy(action) => self.update_study(action).await,
            Action::DeleteStudy(action) => self.studies[&action.study].delete().await.map(|()| results::done()),
            Action::Ask(action) => self.ask(action).await,
            Action::Report(action) => {
                let trial = &self.trials[&action.trial];
                trial.report(action.step, action.metrics).await?;
                Ok(results::trial(trial))
            }
            Action::Tell(action) => self.tell(action).await,
            Action::Release(action) => self.trials[&action.trial].release().await.map(|()| results::done()),
            Action::Cancel(action) => {
                let trial = &self.trials[&action.trial];
                trial.cancel(&action.reason).await?;
                Ok(results::trial(trial))
            }
            Action::Amend(action) => {
                let trial = &self.trials[&action.trial];
                trial.amend(action.outcome(), action.metrics, &action.reason).await?;
                Ok(results::trial(trial))
            }
            Action::PeekTrial(action) => Ok(results::trial(&self.trials[&action.trial])),
            Action::GetTrial(action) => {
                let trial = self.studies[&action.study].trial(action.number).await?;
                let names = if action.trial.is_empty() { vec![] } else { vec![action.trial] };
                Ok(self.keep_trials(names, vec![trial]))
            }
            Action::ListTrials(action) => {
                let filter = action.filter.unwrap_or_default();
                let trials = self.studies[&action.study].trials_with(filter).collect().await?;
                Ok(results::trials(&trials))
            }
            Action::Best(action) => self.best(action).await,
            Action::Enqueue(action) => {
                let queued = self.studies[&action.study].enqueue(action.trials).await?;
                Ok(self.keep_trials(action.handles, queued))
            }
            Action::ImportTrials(action) => {
                Ok(results::trials(&self.studies[&action.study].import(action.trials).await?.trials))
            }
            Action::StartWatch(action) => Ok(self.start_watch(action)),
            Action::NextChanges(action) => self.next_changes(&action).await,
            Action::StopWatch(action) => {
                if let Some(watch) = self.watches.get_mut(&action.watch) {
                    watch.changes = None; // its cursor is asked for later
                }
                Ok(results::done())
            }
            Action::Suggest(action) => {
                let request = action.request.unwrap_or_default();
                Ok(results::suggestions(self.clients[&action.client].suggest(request).await?))
            }
            Action::Analyse(action) => analyse(&self.studies[&action.study], action.question).await,
        }
    }

    /// Closes what is open; errors of that are nobody's concern any more.
    pub async fn reset(&mut self) {
        for client in self.clients.values() {
            let _ = client.close().await;
        }
        *self = Self::default();
    }

    fn create_client(&mut self, action: pb::CreateClient) -> Result<Answer> {
        let mut builder = Client::builder();
        if !action.addresses.is_empty() {
            builder = builder.address(action.addresses.join(","));
        }
        if !action.token.is_empty() {
            builder = builder.token(action.token);
        }
        if !action.tls_ca_file.is_empty() {
            builder = builder.tls_ca_file(action.tls_ca_file);
        }
        if let Some(timeout) = milliseconds(action.timeout_ms).filter(|timeout| !timeout.is_zero()) {
            builder = builder.timeout(timeout).ask_timeout(timeout);
        }
        if !action.worker_id.is_empty() {
            builder = builder.worker_id(action.worker_id);
        }
        self.clients.insert(action.client, builder.build()?);
        Ok(results::done())
    }

    async fn create_study(&mut self, action: pb::CreateStudy) -> Result<Answer> {
        let new = match action.source {
            Some(Source::StudyFile(text)) => NewStudy::from_text(text),
            Some(Source::Spec(study)) => study.into(),
            None => NewStudy::default(),
        };
        let id = Some(action.study_id.as_str()).filter(|id| !id.is_empty());
        let client = &self.clients[&action.client];
        let study = match action.exist_ok {
            true => client.create_or_open_study(id, new).await?,
            false => client.create_study(id, new).await?,
        };
        Ok(self.keep_study(action.study, study))
    }

    fn keep_study(&mut self, name: String, study: Study) -> Answer {
        let answer = results::study(&study.info());
        self.studies.insert(name, study);
        answer
    }

    async fn update_study(&self, action: pb::UpdateStudy) -> Result<Answer> {
        let study = &self.studies[&action.study];
        let info = match action.change {
            Some(Change::MaxTrials(trials)) => {
                let mut changes = v1::Study::default().with_max_trials(trials);
                if action.use_etag {
                    changes.etag.clone_from(&study.info().etag);
                }
                study.update(changes, ["stopping_rules.max_trials"]).await?
            }
            Some(Change::State(state)) if state == i32::from(v1::StudyState::Active) => study.resume().await?,
            Some(Change::State(state)) if state == i32::from(v1::StudyState::Paused) => study.pause().await?,
            _ => study.finish().await?,
        };
        Ok(results::study(&info))
    }

    async fn ask(&mut self, action: pb::Ask) -> Result<Answer> {
        let study = &self.studies[&action.study];
        let trials = match (action.count, action.wait_ms, action.worker_id.as_str()) {
            (None, None, "") if action.fixed_parameters.is_empty() && !action.cost_aware => vec![study.ask().await?],
            (count, wait_ms, worker_id) => {
                let request = v1::AskRequest {
                    count: count.unwrap_or(1),
                    worker_id: worker_id.to_owned(),
                    cost_aware: action.cost_aware,
                    ..v1::AskRequest::default().with_fixed(action.fixed_parameters.clone())
                };
                study.ask_with(request, wait_ms.and_then(milliseconds)).await?.trials
            }
        };
        Ok(self.keep_trials(action.trials, trials))
    }

    fn keep_trials(&mut self, names: Vec<String>, trials: Vec<Trial>) -> Answer {
        let answer = results::trials(&trials);
        let mut names = names.into_iter();
        for trial in trials {
            match names.next() {
                Some(name) => self.others.extend(self.trials.insert(name, trial)),
                None => self.others.push(trial),
            }
        }
        answer
    }

    async fn tell(&self, action: pb::Tell) -> Result<Answer> {
        let trial = &self.trials[&action.trial];
        let answer = match action.outcome() {
            v1::TellOutcome::Stopped => trial.stop(action.metrics, &action.reason).await?,
            v1::TellOutcome::Failed => trial.fail(&action.reason, action.metrics).await?,
            v1::TellOutcome::Infeasible => trial.infeasible(&action.reason, action.metrics).await?,
            _ => trial.tell(action.metrics).await?,
        };
        Ok(results::told(trial, &answer))
    }

    async fn best(&self, action: pb::Best) -> Result<Answer> {
        let study = &self.studies[&action.study];
        let trials = match action.count {
            0 => study.best_trial().await?.into_iter().collect(),
            count => study.best_trials(count).await?,
        };
        Ok(results::trials(&trials))
    }

    fn start_watch(&mut self, action: pb::StartWatch) -> Answer {
        let study = &self.studies[&action.study];
        let cursor = match action.start {
            Some(Start::FromStudyCursor(_)) => Some(study.info().cursor.clone()),
            Some(Start::AfterWatch(other)) => self.watches[&other].cursor.clone(),
            None => None,
        };
        let watch = Watch { changes: Some(study.watch(cursor.as_deref())), cursor };
        self.watches.insert(action.watch, watch);
        results::done()
    }

    async fn next_changes(&mut self, action: &pb::NextChanges) -> Result<Answer> {
        let watch = self.watches.get_mut(&action.watch).expect("the watch has been started");
        let stream = watch.changes.as_mut().expect("the watch has not been stopped");
        let mut changes = Vec::new();
        for _ in 0..action.count {
            let change = stream.next().await.expect("a watch ends with an error only")?;
            watch.cursor = Some(change.cursor.clone());
            changes.push(results::change(change));
        }
        Ok(Answer::Changes(pb::Changes { changes }))
    }
}

async fn analyse(study: &Study, question: Option<Question>) -> Result<Answer> {
    let items = match question.expect("there is a question") {
        Question::Importances(asked) => study.importances(&asked.metric).await?.importances.len(),
        Question::Predict(asked) => {
            study.predict(asked.configurations.into_iter().map(|each| each.parameters)).await?.predictions.len()
        }
        Question::Slice(asked) => study.slice(asked).await?.points.len(),
        Question::CrossValidate(asked) => study.cross_validate(&asked.metric).await?.results.len(),
        Question::TradeOffs(_) => study.trade_offs().await?.trade_offs.len(),
        Question::Health(_) => study.health().await?.findings.len(),
    };
    Ok(results::analysis(items))
}

fn milliseconds(count: i32) -> Option<Duration> {
    u64::try_from(count).ok().map(Duration::from_millis)
}
