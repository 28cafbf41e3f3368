//! The server of the tests.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::v1::study_service_server::{StudyService, StudyServiceServer};
use crate::v1::trial_service_server::{TrialService, TrialServiceServer};
use crate::{Client, ClientBuilder, Study, v1};

type Answer<T> = Result<T, Status>;
type Changes = tonic::codegen::BoxStream<v1::WatchStudyResponse>;
/// What to answer; the number counts the calls of the method from 1.
type Script<R, T> = Box<dyn Fn(usize, R) -> Answer<T> + Send + Sync>;

/// What a test wants to be answered; everything else is answered as a healthy server would.
#[derive(Default)]
pub(super) struct Answers {
    pub(super) ask: Option<Script<v1::AskRequest, v1::AskResponse>>,
    pub(super) tell: Option<Script<v1::TellRequest, v1::TellResponse>>,
    pub(super) report: Option<Script<v1::ReportRequest, v1::ReportResponse>>,
    pub(super) list_trials: Option<Script<v1::ListTrialsRequest, v1::ListTrialsResponse>>,
    pub(super) list_best: Option<Script<v1::ListBestTrialsRequest, v1::ListBestTrialsResponse>>,
    pub(super) create_study: Option<Script<v1::CreateStudyRequest, v1::Study>>,
    pub(super) get_study: Option<Script<v1::GetStudyRequest, v1::Study>>,
    /// Changes, then how the stream ends.
    pub(super) watch: Option<Script<v1::WatchStudyRequest, (Vec<v1::WatchStudyResponse>, Status)>>,
    /// Of trials that are asked for; zero = for ever.
    pub(super) lease: Duration,
    /// Calls of GetStudy are never answered.
    pub(super) hang: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: &'static str,
    pub(super) request_id: String,
    pub(super) at: Instant,
    pub(super) headers: MetadataMap,
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
    running: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

struct Shared {
    answers: Answers,
    calls: watch::Sender<Vec<Call>>,
}

impl Server {
    pub(super) async fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { answers, calls: watch::Sender::default() });
        let server = Self { address, shared, running: Mutex::default() };
        server.serve(listener);
        server
    }

    fn serve(&self, listener: TcpListener) {
        let (end, ended) = oneshot::channel::<()>();
        let services = tonic::transport::Server::builder()
            .add_service(StudyServiceServer::from_arc(Arc::clone(&self.shared)))
            .add_service(TrialServiceServer::from_arc(Arc::clone(&self.shared)));
        let task = tokio::spawn(async move {
            let until = async { drop(ended.await) };
            services.serve_with_incoming_shutdown(TcpListenerStream::new(listener), until).await.unwrap();
        });
        *self.running.lock().unwrap() = Some((end, task));
    }

    pub(super) async fn stop(&self) {
        let running = self.running.lock().unwrap().take();
        if let Some((end, task)) = running {
            drop(end);
            task.await.unwrap();
        }
    }

    pub(super) async fn start_again(&self) {
        self.serve(TcpListener::bind(self.address).await.unwrap());
    }

    pub(super) fn calls(&self, method: &str) -> Vec<Call> {
        self.shared.calls.borrow().iter().filter(|call| call.method == method).cloned().collect()
    }

    /// Waits for so many calls of a method.
    pub(super) async fn called(&self, method: &str, count: usize) {
        let enough = |calls: &Vec<Call>| calls.iter().filter(|call| call.method == method).count() >= count;
        self.shared.calls.subscribe().wait_for(enough).await.unwrap();
    }

    pub(super) fn builder(&self) -> ClientBuilder {
        Client::builder().address(self.address.to_string()).timeout(Duration::from_secs(10))
    }

    pub(super) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    pub(super) async fn study(&self) -> Study {
        self.client().study("s").await.unwrap()
    }
}

/// An address at which nobody listens.
pub(super) async fn dead_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// An error as a server of asktell's sends it.
pub(super) fn refusal(code: Code, reason: &str, metadata: &[(&str, &str)], retry_after: Option<Duration>) -> Status {
    let metadata = metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, "asktell", metadata.collect::<std::collections::HashMap<_, _>>());
    if retry_after.is_some() {
        details.set_retry_info(retry_after);
    }
    Status::with_error_details(code, "in words", details)
}

impl Shared {
    /// Notes a call; its number, from 1.
    fn note<R>(&self, method: &'static str, request: &Request<R>, request_id: &str) -> usize {
        let headers = request.metadata().clone();
        self.calls.send_modify(|calls| {
            calls.push(Call { method, request_id: request_id.to_owned(), at: Instant::now(), headers });
        });
        self.calls.borrow().iter().filter(|call| call.method == method).count()
    }

    fn trial(&self, number: usize) -> v1::Trial {
        let started = prost_types::Timestamp { seconds: 1000, nanos: 500_000_000 };
        let end = Duration::new(1000, 500_000_000) + self.answers.lease;
        let expires = prost_types::Timestamp {
            seconds: i64::try_from(end.as_secs()).unwrap(),
            nanos: i32::try_from(end.subsec_nanos()).unwrap(),
        };
        v1::Trial {
            name: format!("projects/default/studies/s/trials/{number}"),
            number: i64::try_from(number).unwrap(),
            lease_id: format!("l{number}"),
            start_time: Some(started),
            lease_expire_time: Some(expires).filter(|_| !self.answers.lease.is_zero()),
            ..v1::Trial::default()
        }
    }
}

/// The test's answer, or else the healthy one.
fn answer<R, T>(
    script: Option<&Script<R, T>>,
    number: usize,
    request: R,
    usual: impl FnOnce(R) -> T,
) -> Answer<Response<T>> {
    let answer = match script {
        Some(script) => script(number, request)?,
        None => usual(request),
    };
    Ok(Response::new(answer))
}

#[tonic::async_trait]
impl StudyService for Shared {
    async fn create_study(&self, request: Request<v1::CreateStudyRequest>) -> Answer<Response<v1::Study>> {
        let number = self.note("CreateStudy", &request, &request.get_ref().request_id);
        let usual = |request: v1::CreateStudyRequest| {
            let name = format!("{}/studies/{}", request.parent, request.study_id);
            v1::Study { name, ..request.study.unwrap_or_default() }
        };
        answer(self.answers.create_study.as_ref(), number, request.into_inner(), usual)
    }

    async fn get_study(&self, request: Request<v1::GetStudyRequest>) -> Answer<Response<v1::Study>> {
        let number = self.note("GetStudy", &request, "");
        if self.answers.hang {
            std::future::pending::<()>().await;
        }
        let usual = |request: v1::GetStudyRequest| v1::Study { name: request.name, ..v1::Study::default() };
        answer(self.answers.get_study.as_ref(), number, request.into_inner(), usual)
    }

    /// Answers with the changes, and with their mask in the etag.
    async fn update_study(&self, request: Request<v1::UpdateStudyRequest>) -> Answer<Response<v1::Study>> {
        self.note("UpdateStudy", &request, &request.get_ref().request_id);
        let request = request.into_inner();
        let etag = request.update_mask.unwrap_or_default().paths.join(",");
        Ok(Response::new(v1::Study { etag, ..request.study.unwrap_or_default() }))
    }
}

#[tonic::async_trait]
impl TrialService for Shared {
    async fn ask(&self, request: Request<v1::AskRequest>) -> Answer<Response<v1::AskResponse>> {
        let number = self.note("Ask", &request, &request.get_ref().request_id);
        let usual = |_| v1::AskResponse { trials: vec![self.trial(number)], ..Default::default() };
        answer(self.answers.ask.as_ref(), number, request.into_inner(), usual)
    }

    async fn tell(&self, request: Request<v1::TellRequest>) -> Answer<Response<v1::TellResponse>> {
        let number = self.note("Tell", &request, &request.get_ref().request_id);
        let usual = |_| v1::TellResponse { trial: Some(self.trial(1)), superseded: false, ..Default::default() };
        answer(self.answers.tell.as_ref(), number, request.into_inner(), usual)
    }

    async fn report(&self, request: Request<v1::ReportRequest>) -> Answer<Response<v1::ReportResponse>> {
        let number = self.note("Report", &request, &request.get_ref().request_id);
        let usual = |_| v1::ReportResponse { lease_valid: true, ..v1::ReportResponse::default() };
        answer(self.answers.report.as_ref(), number, request.into_inner(), usual)
    }

    async fn release_trial(&self, request: Request<v1::ReleaseTrialRequest>) -> Answer<Response<v1::Trial>> {
        self.note("ReleaseTrial", &request, &request.get_ref().request_id);
        Ok(Response::new(self.trial(1)))
    }

    async fn list_trials(&self, request: Request<v1::ListTrialsRequest>) -> Answer<Response<v1::ListTrialsResponse>> {
        let number = self.note("ListTrials", &request, "");
        answer(self.answers.list_trials.as_ref(), number, request.into_inner(), |_| v1::ListTrialsResponse::default())
    }

    async fn list_best_trials(
        &self,
        request: Request<v1::ListBestTrialsRequest>,
    ) -> Answer<Response<v1::ListBestTrialsResponse>> {
        let number = self.note("ListBestTrials", &request, "");
        answer(self.answers.list_best.as_ref(), number, request.into_inner(), |_| v1::ListBestTrialsResponse::default())
    }

    async fn watch_study(&self, request: Request<v1::WatchStudyRequest>) -> Answer<Response<Changes>> {
        let number = self.note("WatchStudy", &request, &request.get_ref().cursor);
        let script = self.answers.watch.as_ref().expect("the test says what there is to watch");
        let (changes, end) = script(number, request.into_inner())?;
        let messages: Vec<_> = changes.into_iter().map(Ok).chain([Err(end)]).collect();
        Ok(Response::new(Box::pin(tokio_stream::iter(messages))))
    }
}
