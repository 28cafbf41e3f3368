//! The way in.

use std::fmt;
use std::sync::Arc;

use crate::error::Result;
use crate::list::{Items, pages};
use crate::new_study::NewStudy;
use crate::session::Session;
use crate::settings::ClientBuilder;
use crate::study::Study;
use crate::{show, v1};

/// A connection to one or several servers. Clones share it, and it lasts as long as any of them, or a study or trial
/// that came from it.
#[derive(Clone)]
pub struct Client {
    session: Arc<Session>,
}

/// Where the servers are, and the project; never the token.
impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show::client(&self.session.settings, f)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({self})")
    }
}

impl ClientBuilder {
    /// Opens no connection yet: the first call does, and waits for a server for as long as its deadline.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`](crate::Error), which names the setting or the environment variable.
    pub fn build(self) -> Result<Client> {
        Ok(Client { session: Session::new(self.settings()?)? })
    }
}

impl Client {
    /// A client with settings of its own.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client of the servers at `ASKTELL_ADDRESS`, with `ASKTELL_TOKEN` and `ASKTELL_TLS_CA`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSetting`](crate::Error).
    pub fn from_env() -> Result<Self> {
        Self::builder().build()
    }

    /// Creates a study from a [`v1::Study`] or a [study file](NewStudy::from_file). The id is the last part of its name:
    /// 1 to 63 characters out of a–z, 0–9, `-`, `_`, `.`; `None` = the name that stands in the study file.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`](crate::Error), [`Error::StudyExists`](crate::Error),
    /// [`Error::NotSupported`](crate::Error).
    pub async fn create_study<'a>(&self, id: impl Into<Option<&'a str>>, study: impl Into<NewStudy>) -> Result<Study> {
        self.create(id.into(), study.into(), false).await
    }

    /// Creates a study, or opens the one that is there already, provided that nothing differs from it that can never be
    /// changed. What [`Study::update`] can change may differ, and stays as it is: a warning says so.
    ///
    /// # Errors
    ///
    /// As of [`Client::create_study`]; [`Error::StudyExists`](crate::Error) when there is another study of that name.
    pub async fn create_or_open_study<'a>(
        &self,
        id: impl Into<Option<&'a str>>,
        study: impl Into<NewStudy>,
    ) -> Result<Study> {
        self.create(id.into(), study.into(), true).await
    }

    async fn create(&self, id: Option<&str>, study: NewStudy, exist_ok: bool) -> Result<Study> {
        let created = self.submit(id, study, exist_ok, false).await?;
        for warning in &created.warnings {
            tracing::warn!(study = created.name, field = warning.field, "asktell: {}", warning.message);
        }
        Ok(Study::new(&self.session, created))
    }

    /// Checks a study as [`Client::create_study`] does, and stores nothing. The answer is the study as the server
    /// understands it, with its name and warnings; what was left unset stays unset.
    ///
    /// # Errors
    ///
    /// As of [`Client::create_study`], but a study of that name may exist.
    pub async fn check_study<'a>(
        &self,
        id: impl Into<Option<&'a str>>,
        study: impl Into<NewStudy>,
    ) -> Result<v1::Study> {
        self.submit(id.into(), study.into(), false, true).await
    }

    async fn submit(&self, id: Option<&str>, new: NewStudy, exist_ok: bool, validate_only: bool) -> Result<v1::Study> {
        let mut request = v1::CreateStudyRequest { exist_ok, validate_only, ..new.request.clone() };
        if request.parent.is_empty() {
            request.parent = self.parent();
        }
        if let Some(id) = id {
            id.clone_into(&mut request.study_id);
        }
        self.session.call(request).await.map_err(|error| new.locate(error))
    }

    fn parent(&self) -> String {
        format!("projects/{}", self.session.settings.project)
    }

    /// Opens a study by its id or by its full name `projects/…/studies/…`.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error).
    pub async fn study(&self, name: &str) -> Result<Study> {
        let request = v1::GetStudyRequest { name: self.session.study_name(name), ..Default::default() };
        Ok(Study::new(&self.session, self.session.call(request).await?))
    }

    /// The project's studies by name; all of them for `Default::default()`. `parent` may name another project, and
    /// `page_token` a page to begin at.
    pub fn studies(&self, request: v1::ListStudiesRequest) -> Items<Study> {
        let session = Arc::clone(&self.session);
        let parent = if request.parent.is_empty() { self.parent() } else { request.parent.clone() };
        pages(request.page_token.clone(), move |page_token| {
            let session = Arc::clone(&session);
            let request = v1::ListStudiesRequest { parent: parent.clone(), page_token, ..request.clone() };
            async move {
                let answer = session.call(request).await?;
                let studies = answer.studies.into_iter().map(|study| Study::new(&session, study)).collect();
                Ok((studies, answer.next_page_token))
            }
        })
    }

    /// Suggests configurations for a problem and its history, without a study: nothing is stored, and the same request
    /// gets the same answer.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`](crate::Error), [`Error::NotSupported`](crate::Error),
    /// [`Error::StudyComplete`](crate::Error) (the grid is exhausted), [`Error::QueueEmpty`](crate::Error) (manual search
    /// suggests nothing).
    pub async fn suggest(&self, request: v1::SuggestRequest) -> Result<v1::SuggestResponse> {
        self.session.call(request).await
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
}
