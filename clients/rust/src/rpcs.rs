//! The methods of the services: which answer belongs to which request, and where it is asked.

use crate::v1;

/// A request of one method.
pub(crate) trait Rpc: prost::Message + Clone + 'static {
    type Answer: prost::Message + Default + 'static;

    const PATH: &'static str;
    /// It may fit a model before it answers, and has the longer deadline.
    const SLOW: bool = false;
}

macro_rules! methods {
    ($($service:ident/$method:ident: $request:ident => $answer:ty $(, slow = $slow:literal)?;)+) => {
        $(impl Rpc for v1::$request {
            type Answer = $answer;

            const PATH: &'static str = concat!("/asktell.v1.", stringify!($service), "/", stringify!($method));
            $(const SLOW: bool = $slow;)?
        })+
    };
}

methods! {
    StudyService/CreateStudy: CreateStudyRequest => v1::Study;
    StudyService/GetStudy: GetStudyRequest => v1::Study;
    StudyService/ListStudies: ListStudiesRequest => v1::ListStudiesResponse;
    StudyService/UpdateStudy: UpdateStudyRequest => v1::Study;
    StudyService/DeleteStudy: DeleteStudyRequest => ();
    TrialService/Ask: AskRequest => v1::AskResponse, slow = true;
    TrialService/Tell: TellRequest => v1::TellResponse;
    TrialService/Report: ReportRequest => v1::ReportResponse;
    TrialService/ReleaseTrial: ReleaseTrialRequest => v1::Trial;
    TrialService/EnqueueTrials: EnqueueTrialsRequest => v1::EnqueueTrialsResponse;
    TrialService/ImportTrials: ImportTrialsRequest => v1::ImportTrialsResponse;
    TrialService/GetTrial: GetTrialRequest => v1::Trial;
    TrialService/ListTrials: ListTrialsRequest => v1::ListTrialsResponse;
    TrialService/ListBestTrials: ListBestTrialsRequest => v1::ListBestTrialsResponse;
    TrialService/UpdateTrial: UpdateTrialRequest => v1::Trial;
    TrialService/AmendTrial: AmendTrialRequest => v1::Trial;
    TrialService/CancelTrial: CancelTrialRequest => v1::Trial;
    TrialService/DeleteTrial: DeleteTrialRequest => ();
    TrialService/WatchStudy: WatchStudyRequest => v1::WatchStudyResponse;
    SuggestionService/Suggest: SuggestRequest => v1::SuggestResponse, slow = true;
}

/// The id by which a server knows a retry from a new request.
pub(crate) fn new_request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}
