//! Connections to one or several servers, and one attempt at a call over one of them.
//!
//! Turns are taken here: tonic's own balancing goes on choosing addresses at which nobody answers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Streaming};
use tonic_prost::ProstCodec;

use crate::error::{Error, Result};
use crate::rpcs::Rpc;
use crate::settings::Settings;
use crate::status::Trouble;
use crate::v1;

const MAX_MESSAGE: usize = 64 << 20;
const LONGEST_CONNECT: Duration = Duration::from_secs(5);
/// How long others are preferred to a server that could not be reached.
const SHUNNED: Duration = Duration::from_secs(1);

pub(crate) struct Connection {
    servers: Vec<Server>,
    turn: AtomicUsize,
    token: Option<MetadataValue<Ascii>>,
    names: String,
    /// How long connecting may take: short enough that no server is told from a slow one within a call's deadline.
    pub(crate) connect_timeout: Duration,
}

struct Server {
    endpoint: Endpoint,
    /// Made by the first call: a channel lives in the runtime that it is made in.
    channel: OnceLock<Channel>,
    unreached_at: Mutex<Option<Instant>>,
}

impl Connection {
    pub(crate) fn new(settings: &Settings) -> Result<Self> {
        let connect_timeout = LONGEST_CONNECT.min(settings.timeout.min(settings.ask_timeout) / 2);
        let scheme = if settings.tls.is_some() { "https" } else { "http" };
        let mut servers = Vec::new();
        for address in &settings.addresses {
            let wrong = |error: tonic::transport::Error| Error::InvalidSetting {
                setting: if settings.tls.is_some() { "address or tls" } else { "address" },
                message: format!("{address}: {error}"),
            };
            let mut endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))
                .and_then(|endpoint| endpoint.user_agent(concat!("asktell-rust/", env!("CARGO_PKG_VERSION"))))
                .map_err(wrong)?
                .connect_timeout(connect_timeout)
                .http2_keep_alive_interval(Duration::from_secs(30)) // a shorter one gets ENHANCE_YOUR_CALM
                .keep_alive_timeout(Duration::from_secs(10));
            if let Some(tls) = &settings.tls {
                endpoint = endpoint.tls_config(tls.clone()).map_err(wrong)?;
            }
            servers.push(Server { endpoint, channel: OnceLock::new(), unreached_at: Mutex::new(None) });
        }
        Ok(Self {
            servers,
            turn: AtomicUsize::new(0),
            token: settings.token.clone(),
            names: settings.addresses.join(","),
            connect_timeout,
        })
    }

    /// How many servers there are.
    pub(crate) fn servers(&self) -> usize {
        self.servers.len()
    }

    /// What to tell a person when no server answers.
    pub(crate) fn unreachable(&self, why: &str) -> String {
        format!("no server answers at {}: is asktell-server running there? ({why})", self.names)
    }

    /// One attempt, on the server whose turn it is.
    pub(crate) async fn attempt<R: Rpc>(&self, request: &R, deadline: Instant) -> Result<R::Answer, Trouble> {
        let server = self.next();
        let mut message = self.message(request);
        message.set_timeout(deadline.saturating_duration_since(Instant::now()));
        let codec = ProstCodec::<R, R::Answer>::default();
        let answer = async {
            let mut grpc = server.grpc().await?;
            Ok(grpc.unary(message, PathAndQuery::from_static(R::PATH), codec).await?.into_inner())
        };
        server.noted(answer.await)
    }

    /// Opens a stream of changes, which has no deadline.
    pub(crate) async fn watch(
        &self,
        request: &v1::WatchStudyRequest,
    ) -> Result<Streaming<v1::WatchStudyResponse>, Trouble> {
        let server = self.next();
        let path = PathAndQuery::from_static(v1::WatchStudyRequest::PATH);
        let codec = ProstCodec::<v1::WatchStudyRequest, v1::WatchStudyResponse>::default();
        let answer = async {
            let mut grpc = server.grpc().await?;
            Ok(grpc.server_streaming(self.message(request), path, codec).await?.into_inner())
        };
        server.noted(answer.await)
    }

    fn message<R: Rpc>(&self, request: &R) -> Request<R> {
        let mut message = Request::new(request.clone());
        if let Some(token) = &self.token {
            message.metadata_mut().insert("authorization", token.clone());
        }
        message
    }

    /// The next one that has not just failed to be reached; if there is none such, the next one.
    fn next(&self) -> &Server {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut order = (0..self.servers.len()).map(|i| &self.servers[first.wrapping_add(i) % self.servers.len()]);
        let turn = order.clone().next();
        order.find(|server| !server.is_shunned()).or(turn).expect("there is at least one address")
    }
}

impl Server {
    async fn grpc(&self) -> Result<Grpc<Channel>, Trouble> {
        let channel = self.channel.get_or_init(|| self.endpoint.connect_lazy()).clone();
        let mut grpc = Grpc::new(channel).max_decoding_message_size(MAX_MESSAGE);
        grpc.ready().await.map_err(|error| tonic::Status::from_error(Box::new(error)))?;
        Ok(grpc)
    }

    fn is_shunned(&self) -> bool {
        let at = *self.unreached_at.lock().unwrap_or_else(PoisonError::into_inner);
        at.is_some_and(|at| at.elapsed() < SHUNNED)
    }

    fn noted<T>(&self, answer: Result<T, Trouble>) -> Result<T, Trouble> {
        let unreached = matches!(answer, Err(Trouble::NoConnection(_)));
        *self.unreached_at.lock().unwrap_or_else(PoisonError::into_inner) = unreached.then(Instant::now);
        answer
    }
}
