//! The methods of the services: which answer belongs to which request, and where it is asked.

use crate::v1;

/// A request of one method.
pub(crate) trait Rpc: prost::Message + Clone + 'static {
    type Answer: prost::Message + Default + 'static;

    const PATH: &'static str;
    /// It may fit a model before it answers, and has the longer deadline.
    const SLOW: bool = false;

    /// Gives the request an id by which a server knows its retries, if the method takes one and there is none yet.
    fn identify(&mut self) {}
}

macro_rules! methods {
    ($($service:ident/$method:ident: $request:ident => $answer:ty $(, $property:ident)*;)+) => {
        $(impl Rpc for v1::$request {
            type Answer = $answer;

            const PATH: &'static str = concat!("/asktell.v1.", stringify!($service), "/", stringify!($method));
            $(methods!(@$property);)*
        })+
    };
    (@slow) => {
        const SLOW: bool = true;
    };
    (@identified) => {
        fn identify(&mut self) {
            if self.request_id.is_empty() {
                self.request_id = uuid::Uuid::new_v4().to_string();
            }
        }
    };
}

methods! {
    StudyService/CreateStudy: CreateStudyRequest => v1::Study, identified;
    StudyService/GetStudy: GetStudyRequest => v1::Study;
    StudyService/ListStudies: ListStudiesRequest => v1::ListStudiesResponse;
    StudyService/UpdateStudy: UpdateStudyRequest => v1::Study, identified;
    StudyService/DeleteStudy: DeleteStudyRequest => (), identified;
    TrialService/Ask: AskRequest => v1::AskResponse, slow, identified;
    TrialService/Tell: TellRequest => v1::TellResponse, identified;
    TrialService/Report: ReportRequest => v1::ReportResponse, identified;
    TrialService/ReleaseTrial: ReleaseTrialRequest => v1::Trial, identified;
    TrialService/EnqueueTrials: EnqueueTrialsRequest => v1::EnqueueTrialsResponse, identified;
    TrialService/ImportTrials: ImportTrialsRequest => v1::ImportTrialsResponse, identified;
    TrialService/GetTrial: GetTrialRequest => v1::Trial;
    TrialService/ListTrials: ListTrialsRequest => v1::ListTrialsResponse;
    TrialService/ListBestTrials: ListBestTrialsRequest => v1::ListBestTrialsResponse;
    TrialService/UpdateTrial: UpdateTrialRequest => v1::Trial, identified;
    TrialService/AmendTrial: AmendTrialRequest => v1::Trial, identified;
    TrialService/CancelTrial: CancelTrialRequest => v1::Trial, identified;
    TrialService/DeleteTrial: DeleteTrialRequest => (), identified;
    TrialService/WatchStudy: WatchStudyRequest => v1::WatchStudyResponse;
    SuggestionService/Suggest: SuggestRequest => v1::SuggestResponse, slow;
    AnalysisService/GetImportances: GetImportancesRequest => v1::GetImportancesResponse, slow;
    AnalysisService/PredictOutcomes: PredictOutcomesRequest => v1::PredictOutcomesResponse, slow;
    AnalysisService/GetSlice: GetSliceRequest => v1::GetSliceResponse, slow;
    AnalysisService/CrossValidate: CrossValidateRequest => v1::CrossValidateResponse, slow;
    AnalysisService/GetTradeOffs: GetTradeOffsRequest => v1::GetTradeOffsResponse, slow;
    AnalysisService/GetHealth: GetHealthRequest => v1::GetHealthResponse, slow;
}
