//! The way in.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::existing;
use crate::list::{Items, pages};
use crate::rpcs::new_request_id;
use crate::session::Session;
use crate::settings::ClientBuilder;
use crate::spec::StudySpec;
use crate::spec_codec;
use crate::study::Study;
use crate::v1;

/// How often a study may be deleted between being found and being read.
const TRIES: u32 = 3;

/// A connection to one or several servers. Clones share it, and it lasts as long as any of them, or a study or trial
/// that came from it.
#[derive(Clone)]
pub struct Client {
    session: Arc<Session>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("project", &self.session.settings.project).finish_non_exhaustive()
    }
}

impl Client {
    pub(crate) fn new(session: Arc<Session>) -> Self {
        Self { session }
    }

    /// A client with settings of its own.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client of the servers at `ASKTELL_ADDRESS`, with `ASKTELL_TOKEN` and `ASKTELL_TLS_CA`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`].
    pub fn from_env() -> Result<Self> {
        Self::builder().build()
    }

    /// Creates a study. The id is the last part of its name: 1 to 63 characters out of a–z, 0–9, `-`, `_`, `.`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`], [`Error::StudyExists`], [`Error::NotSupported`].
    pub async fn create_study(&self, id: &str, spec: &StudySpec) -> Result<Study> {
        let created = self.session.call(self.creation(id, spec)).await?;
        Ok(Study::created(&self.session, created))
    }

    /// Creates a study, or opens the one that is there already, if it has the same specification. Rules and limits that
    /// [`Study::update`] can change may differ, and stay as they are.
    ///
    /// # Errors
    ///
    /// As of [`Client::create_study`]; [`Error::StudyExists`] when there is one with another specification.
    pub async fn create_or_open_study(&self, id: &str, spec: &StudySpec) -> Result<Study> {
        let mut left = TRIES;
        loop {
            left -= 1;
            let request = self.creation(id, spec);
            let wanted = request.study.clone().unwrap_or_default();
            let exists = match self.session.call(request).await {
                Ok(created) => return Ok(Study::created(&self.session, created)),
                Err(Error::StudyExists(failure)) => failure,
                Err(error) => return Err(error),
            };
            match self
                .session
                .call(v1::GetStudyRequest { name: self.session.study_name(id), ..Default::default() })
                .await
            {
                Ok(stored) => {
                    existing::check(wanted, &stored, exists)?;
                    return Ok(Study::new(&self.session, stored));
                }
                Err(Error::NotFound(_)) if left > 0 => {} // deleted between the two calls
                Err(error) => return Err(error),
            }
        }
    }

    fn creation(&self, id: &str, spec: &StudySpec) -> v1::CreateStudyRequest {
        v1::CreateStudyRequest {
            parent: self.parent(),
            study_id: id.to_owned(),
            study: Some(spec_codec::encode(spec)),
            request_id: new_request_id(),
            ..Default::default()
        }
    }

    fn parent(&self) -> String {
        format!("projects/{}", self.session.settings.project)
    }

    /// Opens a study by its id or by its full name `projects/…/studies/…`.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`].
    pub async fn study(&self, name: &str) -> Result<Study> {
        let wire = self
            .session
            .call(v1::GetStudyRequest { name: self.session.study_name(name), ..Default::default() })
            .await?;
        Ok(Study::new(&self.session, wire))
    }

    /// The project's studies that have all of these labels, by name; without labels all of them.
    pub fn studies(&self, labels: BTreeMap<String, String>) -> Items<Study> {
        let (session, parent) = (Arc::clone(&self.session), self.parent());
        pages(move |page_token| {
            let (session, parent, labels) = (Arc::clone(&session), parent.clone(), labels.clone());
            async move {
                let request =
                    v1::ListStudiesRequest { parent, page_token, labels, ..v1::ListStudiesRequest::default() };
                let answer = session.call(request).await?;
                let studies = answer.studies.into_iter().map(|study| Study::new(&session, study)).collect();
                Ok((studies, answer.next_page_token))
            }
        })
    }

    /// Stops the heartbeats, gives back the open trials whose leases run out, and ends all calls. It takes ten seconds
    /// at most.
    ///
    /// # Errors
    ///
    /// When trials could not be given back: their leases run out by themselves.
    pub async fn close(&self) -> Result<()> {
        self.session.close().await
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }
}
