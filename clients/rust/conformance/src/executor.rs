//! Does what it is told on the public API of the client. It is as a program that tunes would be: it has no logic of its
//! own.

use std::collections::HashMap;
use std::time::Duration;

use asktell::{AskOptions, Changes, Client, Result, Study, StudyFile, StudyUpdate, Trial, TrialFilter};

use crate::pb::action::Kind as Action;
use crate::pb::create_study::Source;
use crate::pb::result::Kind as Answer;
use crate::pb::start_watch::Start;
use crate::pb::update_study::Change;
use crate::{pb, results, specs, v1};

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
    changes: Option<Changes>,
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
                trial.report(action.step, specs::metrics(action.metrics)).await?;
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
                let outcome = specs::outcome(action.outcome());
                trial.amend(outcome, specs::metrics(action.metrics), &action.reason).await?;
                Ok(results::trial(trial))
            }
            Action::PeekTrial(action) => Ok(results::trial(&self.trials[&action.trial])),
            Action::GetTrial(action) => {
                let trial = self.studies[&action.study].trial(action.number).await?;
                let names = if action.trial.is_empty() { vec![] } else { vec![action.trial] };
                Ok(self.keep_trials(names, vec![trial]))
            }
            Action::ListTrials(action) => self.list_trials(action).await,
            Action::Best(action) => self.best(action).await,
            Action::Enqueue(action) => {
                let trials = action.trials.into_iter().map(specs::queued);
                let queued = self.studies[&action.study].enqueue(trials).await?;
                Ok(self.keep_trials(action.handles, queued))
            }
            Action::ImportTrials(action) => {
                let trials = action.trials.into_iter().map(specs::imported);
                Ok(results::trials(&self.studies[&action.study].import(trials).await?.trials))
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
                let problem = specs::problem(action.request.unwrap_or_default());
                Ok(results::suggestions(&self.clients[&action.client].suggest(&problem).await?))
            }
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
        let (id, spec) = match action.source {
            Some(Source::StudyFile(text)) => {
                let file = StudyFile::parse("study.yaml", &text)?;
                (file.id, file.spec)
            }
            Some(Source::Spec(spec)) => (action.study_id, specs::spec(spec)),
            None => (action.study_id, asktell::StudySpec::new()),
        };
        let client = &self.clients[&action.client];
        let study = match action.exist_ok {
            true => client.create_or_open_study(&id, &spec).await?,
            false => client.create_study(&id, &spec).await?,
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
                let mut update = StudyUpdate::new().max_trials(Some(specs::count(trials)));
                if action.use_etag {
                    update = update.if_etag(&study.info().etag);
                }
                study.update(update).await?
            }
            Some(Change::State(state)) if state == i32::from(v1::StudyState::Active) => study.resume().await?,
            Some(Change::State(state)) if state == i32::from(v1::StudyState::Paused) => study.pause().await?,
            _ => study.finish().await?,
        };
        Ok(results::study(&info))
    }

    async fn ask(&mut self, action: pb::Ask) -> Result<Answer> {
        let mut options = AskOptions::new();
        if let Some(wait) = action.wait_ms.and_then(milliseconds) {
            options = options.wait(wait);
        }
        if !action.worker_id.is_empty() {
            options = options.worker(action.worker_id);
        }
        let study = &self.studies[&action.study];
        let trials = match action.count {
            Some(count) => study.ask_many(specs::count(count), &options).await?,
            None => vec![study.ask_with(&options).await?],
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
        let outcome = action.outcome();
        let metrics = specs::metrics(action.metrics);
        match outcome {
            v1::TellOutcome::Stopped => trial.stop(metrics, &action.reason).await?,
            v1::TellOutcome::Failed => trial.fail(&action.reason, metrics).await?,
            v1::TellOutcome::Infeasible => trial.infeasible(&action.reason, metrics).await?,
            _ => trial.tell(metrics).await?,
        }
        Ok(results::trial(trial))
    }

    async fn list_trials(&self, action: pb::ListTrials) -> Result<Answer> {
        let wanted = action.filter.unwrap_or_default();
        let mut filter = TrialFilter::new();
        for state in wanted.states() {
            filter = filter.state(specs::state(state));
        }
        if !wanted.worker_id.is_empty() {
            filter = filter.worker(&wanted.worker_id);
        }
        for (key, value) in &wanted.labels {
            filter = filter.label(key, value);
        }
        let trials = self.studies[&action.study].trials_with(&filter).collect().await?;
        Ok(results::trials(&trials))
    }

    async fn best(&self, action: pb::Best) -> Result<Answer> {
        let study = &self.studies[&action.study];
        let trials = match action.count {
            0 => study.best_trial().await?.into_iter().collect(),
            count => study.best_trials(specs::count(count)).await?,
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
            changes.push(results::change(&change));
        }
        Ok(Answer::Changes(pb::Changes { changes }))
    }
}

fn milliseconds(wire: i32) -> Option<Duration> {
    u64::try_from(wire).ok().map(Duration::from_millis)
}
