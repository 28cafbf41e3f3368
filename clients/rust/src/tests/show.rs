//! What people see of a handle.

use tonic::Code;

use super::server::{Answers, Server, refusal};
use crate::{Error, Named, v1};

const STUDY: &str = "projects/vision/studies/s";

fn study(state: v1::StudyState, reason: v1::FinishReason, ended: i32) -> v1::Study {
    let counts = v1::TrialCounts { succeeded: ended, failed: 1, running: 3 - ended, ..Default::default() };
    let made = v1::Study::default().with_objective(v1::Objective::minimize("val_loss")).with_max_trials(3);
    let (state, finish_reason) = (state.into(), reason.into());
    v1::Study { name: STUDY.to_owned(), state, finish_reason, trial_counts: Some(counts), ..made }
}

#[tokio::test]
async fn handles_show_where_they_stand_and_no_token() {
    let best = v1::Trial {
        name: format!("{STUDY}/trials/7"),
        number: 7,
        state: v1::TrialState::Succeeded.into(),
        parameters: [("rank", v1::ParameterValue::from(8)), ("lr", 1e-4.into())].into_map(),
        metrics: [("val_loss", 0.31), ("seconds", 2.0)].into_map(),
        ..Default::default()
    };
    let server = Server::start(Answers {
        get_study: Some(Box::new(|number, _| match number {
            1 => Ok(study(v1::StudyState::Active, v1::FinishReason::Unspecified, 1)),
            _ => Ok(study(v1::StudyState::Finished, v1::FinishReason::MaxTrials, 3)),
        })),
        list_best: Some(Box::new(move |_, _| {
            Ok(v1::ListBestTrialsResponse { trials: vec![best.clone()], ..Default::default() })
        })),
        ask: Some(Box::new(|_, _| Err(refusal(Code::FailedPrecondition, "STUDY_COMPLETE", &[], None)))),
        ..Answers::default()
    })
    .await;
    let client = server.builder().token("hidden").project("vision").build().unwrap();
    assert_eq!(client.to_string(), format!("{} project vision", server.address));
    assert_eq!(format!("{client:?}"), format!("Client({client})"));

    let study = client.study("s").await.unwrap();
    assert_eq!(study.to_string(), format!("{STUDY} ACTIVE, 2 trials ended, 1 failed, 2 running, budget 3"));
    let best = study.best_trial().await.unwrap().unwrap();
    let shown = format!("{STUDY}/trials/7 SUCCEEDED lr=0.0001 rank=8, seconds=2 val_loss=0.31");
    assert_eq!(best.to_string(), shown);
    assert_eq!(format!("{best:?}"), format!("Trial({shown})"));

    assert!(matches!(study.ask().await, Err(Error::StudyComplete(_))));
    let shown = "FINISHED (MAX_TRIALS), 4 trials ended, 1 failed, budget 3, best: trial 7 with val_loss=0.31";
    assert_eq!(format!("{study:?}"), format!("Study({STUDY} {shown})"));
}
