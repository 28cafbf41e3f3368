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

#[tokio::test]
async fn a_study_shows_only_a_single_feasible_best_trial() {
    let trial = v1::Trial { number: 7, metrics: [("loss", 0.5), ("ms", 3.0)].into_map(), ..Default::default() };
    let best = v1::ListBestTrialsResponse { trials: vec![trial], ..Default::default() };
    let infeasible = v1::ListBestTrialsResponse { infeasible: true, ..best.clone() };
    let answers = [Some(best), None, Some(infeasible), Some(v1::ListBestTrialsResponse::default())];
    let next = [0, 1, 2, 0, 1, 3, 0].map(|index: usize| answers[index].clone());
    let server = Server::start(Answers {
        get_study: Some(Box::new(|_, request| {
            let study = v1::Study { name: request.name, ..Default::default() };
            let study = study.with_objective(v1::Objective::minimize("loss"));
            let trial_counts = Some(v1::TrialCounts { succeeded: 1, ..Default::default() });
            let study = v1::Study { trial_counts, ..study };
            Ok(match study.name.ends_with("/two") {
                true => study.with_objective(v1::Objective::minimize("ms")),
                false => study,
            })
        })),
        list_best: Some(Box::new(move |number, _| {
            next[number - 1].clone().ok_or_else(|| refusal(Code::InvalidArgument, "INVALID_FIELD", &[], None))
        })),
        ..Answers::default()
    })
    .await;
    let client = server.client();
    let counted = "UNSPECIFIED, 1 trial ended";
    let one = client.study("one").await.unwrap();
    let (without, with) =
        (format!("{} {counted}", one.name()), format!("{} {counted}, best: trial 7 with loss=0.5", one.name()));
    assert_eq!(one.to_string(), without);
    for _unusable in ["infeasible", "empty"] {
        assert!(one.best_trial().await.unwrap().is_some());
        assert_eq!(one.to_string(), with);
        assert!(matches!(one.best_trial().await, Err(Error::InvalidArgument(_))));
        assert_eq!(one.to_string(), with); // a refusal says nothing about it
        assert!(one.best_trial().await.unwrap().is_none());
        assert_eq!(one.to_string(), without);
    }

    let two = client.study("two").await.unwrap();
    assert_eq!(two.pareto_front().await.unwrap().len(), 1);
    assert_eq!(two.to_string(), format!("{} {counted}", two.name()));
    let error = two.best_trial().await.unwrap_err();
    assert!(matches!(error, Error::SeveralObjectives { .. }));
    let words = "has several objectives and no single best trial: see pareto_front()";
    assert_eq!(error.to_string(), format!("{} {words}", two.name()));
}
