//! What studies are created from.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::v1;

/// A study to be created: a message, or a study file, which the server reads.
///
/// ```no_run
/// # async fn begin(client: asktell::Client) -> asktell::Result<()> {
/// use asktell::NewStudy;
///
/// let study = client.create_study(None, NewStudy::from_file("study.yaml")?).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct NewStudy {
    pub(crate) request: v1::CreateStudyRequest,
    /// Of the file that the text came from.
    path: Option<PathBuf>,
}

impl NewStudy {
    /// Takes the text of a study file. What is wrong in it is [`Error::InvalidArgument`] when the study is created, and
    /// its message begins with file, line and column.
    ///
    /// # Errors
    ///
    /// [`Error::UnreadableFile`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Self { path: Some(path), ..Self::from_text(text) }),
            Err(source) => Err(Error::UnreadableFile { path, source: Arc::new(source) }),
        }
    }

    /// The text of a study file, from elsewhere.
    pub fn from_text(text: impl Into<String>) -> Self {
        v1::CreateStudyRequest { study_file: text.into(), ..Default::default() }.into()
    }

    /// Names the file in an error that has a place in it.
    pub(crate) fn locate(&self, mut error: Error) -> Error {
        if let (Some(path), Error::InvalidArgument(failure) | Error::NotSupported(failure)) = (&self.path, &mut error)
            && failure.metadata.contains_key("line")
        {
            failure.message = format!("{}:{}", path.display(), failure.message);
        }
        error
    }
}

impl From<v1::Study> for NewStudy {
    fn from(study: v1::Study) -> Self {
        v1::CreateStudyRequest { study: Some(study), ..Default::default() }.into()
    }
}

/// For fields of the request that no method of [`Client`](crate::Client) has. `exist_ok` and `validate_only` are set by
/// the method that is called.
impl From<v1::CreateStudyRequest> for NewStudy {
    fn from(request: v1::CreateStudyRequest) -> Self {
        Self { request, path: None }
    }
}
