//! How a client is set up. Settings of the builder come before environment variables, and those before defaults.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs, process};

use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, ClientTlsConfig};

use crate::address;
use crate::error::{Error, Result};

const TIMEOUT: Duration = Duration::from_secs(30);
const ASK_TIMEOUT: Duration = Duration::from_secs(60);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Makes a [`Client`](crate::Client).
///
/// ```no_run
/// # fn main() -> asktell::Result<()> {
/// let client = asktell::Client::builder().address("one:50051,two:50051").token("secret").build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ClientBuilder {
    address: Option<String>,
    token: Option<String>,
    tls: Option<Tls>,
    project: Option<String>,
    worker_id: Option<String>,
    timeout: Option<Duration>,
    ask_timeout: Option<Duration>,
}

#[derive(Clone, Debug)]
enum Tls {
    System,
    Authority(PathBuf),
}

pub(crate) struct Settings {
    pub(crate) addresses: Vec<String>,
    pub(crate) token: Option<MetadataValue<Ascii>>,
    pub(crate) tls: Option<ClientTlsConfig>,
    pub(crate) project: String,
    pub(crate) worker_id: String,
    pub(crate) timeout: Duration,
    pub(crate) ask_timeout: Duration,
}

impl ClientBuilder {
    /// Where the servers are: `host:port`, or several with commas between, among which calls take turns. Default:
    /// `ASKTELL_ADDRESS`, then `localhost:50051`.
    pub fn address(self, address: impl Into<String>) -> Self {
        Self { address: Some(address.into()), ..self }
    }

    /// A bearer token for every call. Default: `ASKTELL_TOKEN`.
    pub fn token(self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self }
    }

    /// Encrypts, and trusts the system's certificates. Default: plain text, unless `ASKTELL_TLS_CA` names a file of
    /// certificates to trust.
    pub fn tls(self) -> Self {
        Self { tls: Some(Tls::System), ..self }
    }

    /// Encrypts, and trusts the certificates of a PEM file instead of the system's.
    pub fn tls_ca_file(self, file: impl Into<PathBuf>) -> Self {
        Self { tls: Some(Tls::Authority(file.into())), ..self }
    }

    /// The project of studies that are named by their id alone. Default: `default`.
    pub fn project(self, project: impl Into<String>) -> Self {
        Self { project: Some(project.into()), ..self }
    }

    /// Who asks. Default: host and process.
    pub fn worker_id(self, id: impl Into<String>) -> Self {
        Self { worker_id: Some(id.into()), ..self }
    }

    /// How long a call may take, retries included. Default: 30 s. A call whose future is dropped ends sooner.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// The same for asks and suggestions, which may fit a model before they answer. Default: 60 s.
    pub fn ask_timeout(self, timeout: Duration) -> Self {
        Self { ask_timeout: Some(timeout), ..self }
    }

    pub(crate) fn settings(self) -> Result<Settings> {
        // The environment is only looked at where no setting decides: a broken variable must not spoil a good setting.
        let addresses = match self.address {
            Some(address) => address::parse_all(&address).map_err(|message| wrong("address", message))?,
            None => address::parse_all(&variable("ASKTELL_ADDRESS").unwrap_or_default())
                .map_err(|message| wrong("ASKTELL_ADDRESS", message))?,
        };
        let token = match self.token {
            Some(token) => bearer("token", &token)?,
            None => bearer("ASKTELL_TOKEN", &variable("ASKTELL_TOKEN").unwrap_or_default())?,
        };
        let tls = match self.tls {
            Some(Tls::System) => Some(ClientTlsConfig::new().with_native_roots()),
            Some(Tls::Authority(file)) => Some(trusting("tls_ca_file", &file)?),
            None => variable("ASKTELL_TLS_CA").map(|file| trusting("ASKTELL_TLS_CA", Path::new(&file))).transpose()?,
        };
        Ok(Settings {
            addresses,
            token,
            tls,
            project: self.project.unwrap_or_else(|| "default".to_owned()),
            worker_id: self.worker_id.unwrap_or_else(default_worker),
            timeout: limit("timeout", self.timeout.unwrap_or(TIMEOUT))?,
            ask_timeout: limit("ask_timeout", self.ask_timeout.unwrap_or(ASK_TIMEOUT))?,
        })
    }
}

fn wrong(setting: &'static str, message: impl Into<String>) -> Error {
    Error::InvalidSetting { setting, message: message.into() }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn bearer(setting: &'static str, token: &str) -> Result<Option<MetadataValue<Ascii>>> {
    if token.is_empty() {
        return Ok(None);
    }
    let mut value: MetadataValue<Ascii> =
        format!("Bearer {token}").parse().map_err(|_| wrong(setting, "must be printable ASCII"))?;
    value.set_sensitive(true); // it is not shown in logs
    Ok(Some(value))
}

fn trusting(setting: &'static str, file: &Path) -> Result<ClientTlsConfig> {
    let pem = fs::read_to_string(file).map_err(|error| wrong(setting, format!("{}: {error}", file.display())))?;
    if !pem.contains("-----BEGIN CERTIFICATE-----") {
        return Err(wrong(setting, format!("{}: holds no certificate", file.display())));
    }
    Ok(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)))
}

fn limit(setting: &'static str, timeout: Duration) -> Result<Duration> {
    if timeout.is_zero() {
        return Err(wrong(setting, "must be greater than 0"));
    }
    Ok(timeout.min(YEAR)) // so that a deadline can always be computed
}

fn default_worker() -> String {
    format!("{}:{}", gethostname::gethostname().display(), process::id())
}
