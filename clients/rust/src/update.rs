//! Changing and deleting studies.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use crate::error::Result;
use crate::rpcs::new_request_id;
use crate::spec_codec::count;
use crate::study::Study;
use crate::study_info::StudyInfo;
use crate::v1;

/// Changes of a study that [`Study::update`] makes together. `None` takes a rule away.
///
/// ```no_run
/// # async fn longer(study: asktell::Study) -> asktell::Result<()> {
/// use asktell::StudyUpdate;
///
/// study.update(StudyUpdate::new().max_trials(Some(100)).patience(None)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct StudyUpdate {
    study: v1::Study,
    rules: v1::StoppingRules,
    paths: Vec<String>,
}

impl StudyUpdate {
    /// No change yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Fails with [`Error::EtagMismatch`](crate::Error) unless the study still has this etag.
    pub fn if_etag(mut self, etag: impl Into<String>) -> Self {
        self.study.etag = etag.into();
        self
    }

    /// The budget.
    pub fn max_trials(mut self, trials: Option<u32>) -> Self {
        self.rules.max_trials = trials.map(count);
        self.path("stopping_rules.max_trials")
    }

    /// The value at which the study ends.
    pub fn target(mut self, value: Option<f64>) -> Self {
        self.rules.target_value = value;
        self.path("stopping_rules.target_value")
    }

    /// How many trials in a row may fail to better the best one.
    pub fn patience(mut self, trials: Option<u32>) -> Self {
        self.rules.patience_trials = trials.map(count);
        self.path("stopping_rules.patience_trials")
    }

    /// The time at which the study ends.
    pub fn deadline(mut self, deadline: Option<SystemTime>) -> Self {
        self.rules.deadline = deadline.map(Into::into);
        self.path("stopping_rules.deadline")
    }

    /// How many trials run at once; 0 takes the limit away.
    pub fn max_running(mut self, trials: u32) -> Self {
        self.study.max_running_trials = count(trials);
        self.path("max_running_trials")
    }

    /// How many results a suggestion that was prepared ahead may lack.
    pub fn max_staleness(mut self, trials: Option<u32>) -> Self {
        self.study.max_staleness = trials.map(count);
        self.path("max_staleness")
    }

    /// The title.
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.study.display_name = name.into();
        self.path("display_name")
    }

    /// Replaces all labels.
    pub fn labels(mut self, labels: BTreeMap<String, String>) -> Self {
        self.study.labels = labels;
        self.path("labels")
    }

    /// Replaces all annotations.
    pub fn annotations(mut self, annotations: BTreeMap<String, String>) -> Self {
        self.study.annotations = annotations;
        self.path("annotations")
    }

    fn path(mut self, path: &str) -> Self {
        if !self.paths.iter().any(|known| known == path) {
            self.paths.push(path.to_owned());
        }
        self
    }
}

impl Study {
    /// Makes the study hand out no trials until it is resumed; results are still taken.
    pub async fn pause(&self) -> Result<Arc<StudyInfo>> {
        self.set_state(v1::StudyState::Paused).await
    }

    /// Makes the study hand out trials again.
    pub async fn resume(&self) -> Result<Arc<StudyInfo>> {
        self.set_state(v1::StudyState::Active).await
    }

    /// Makes the study hand out no more trials; results of running ones are still taken.
    pub async fn finish(&self) -> Result<Arc<StudyInfo>> {
        self.set_state(v1::StudyState::Finished).await
    }

    async fn set_state(&self, state: v1::StudyState) -> Result<Arc<StudyInfo>> {
        let study = v1::Study { state: state.into(), ..v1::Study::default() };
        self.change(study, vec!["state".to_owned()]).await
    }

    /// Changes rules, limits, labels and annotations.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`](crate::Error), [`Error::EtagMismatch`](crate::Error).
    pub async fn update(&self, update: StudyUpdate) -> Result<Arc<StudyInfo>> {
        let study = v1::Study { stopping_rules: Some(update.rules), ..update.study };
        self.change(study, update.paths).await
    }

    async fn change(&self, study: v1::Study, paths: Vec<String>) -> Result<Arc<StudyInfo>> {
        let study = Some(v1::Study { name: self.name().to_owned(), ..study });
        let update_mask = Some(prost_types::FieldMask { paths });
        let request = v1::UpdateStudyRequest { study, update_mask, request_id: new_request_id(), ..Default::default() };
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
        self.session
            .call(v1::DeleteStudyRequest { name, etag, request_id: new_request_id(), ..Default::default() })
            .await
    }
}
