//! Lists and watching.

use tonic::{Code, Status};

use super::server::{Answers, Server, refusal};
use crate::v1::watch_study_response::Change;
use crate::{Error, trial_number, v1};

fn page(numbers: &[i64], next: &str) -> v1::ListTrialsResponse {
    let trials = numbers.iter().map(|number| v1::Trial { number: *number, ..v1::Trial::default() }).collect();
    v1::ListTrialsResponse { trials, next_page_token: next.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn pages_are_fetched_as_they_are_read() {
    let list_trials = |_, request: v1::ListTrialsRequest| match request.page_token.as_str() {
        "" => Ok(page(&[1, 2], "a")),
        "a" => Ok(page(&[], "b")), // a page may be empty with more to come
        _ => Ok(page(&[3], "")),
    };
    let server = Server::start(Answers { list_trials: Some(Box::new(list_trials)), ..Answers::default() }).await;
    let study = server.study().await;
    let mut trials = study.trials();
    assert_eq!(trials.next().await.unwrap().unwrap().number(), 1);
    assert_eq!(trials.next().await.unwrap().unwrap().number(), 2);
    assert_eq!(server.calls("ListTrials").len(), 1);
    assert_eq!(trials.next().await.unwrap().unwrap().number(), 3);
    assert!(trials.next().await.is_none());
    assert_eq!(study.trials().collect().await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_watch_goes_on_where_it_broke_off() {
    let change = |number: i64| v1::WatchStudyResponse {
        cursor: format!("c{number}"),
        change: Some(Change::DeletedTrial(v1::DeletedTrial {
            name: format!("projects/default/studies/s/trials/{number}"),
            ..Default::default()
        })),
        ..Default::default()
    };
    let watch = move |_, request: v1::WatchStudyRequest| {
        let draining = refusal(Code::Unavailable, "SERVER_DRAINING", &[], None);
        match request.cursor.as_str() {
            "" => Ok((vec![change(1), change(2)], draining)),
            "c2" => Ok((vec![change(3)], Status::cancelled("a proxy goes down"))),
            _ => Ok((vec![], refusal(Code::NotFound, "STUDY_NOT_FOUND", &[], None))),
        }
    };
    let server = Server::start(Answers { watch: Some(Box::new(watch)), ..Answers::default() }).await;
    let mut changes = server.study().await.watch(None);
    for number in 1..=3 {
        let change = changes.next().await.unwrap().unwrap();
        assert_eq!(change.cursor, format!("c{number}"));
        assert!(
            matches!(change.change, Some(Change::DeletedTrial(trial)) if trial_number(&trial.name) == Some(number))
        );
    }
    assert!(matches!(changes.next().await, Some(Err(Error::NotFound(_)))));
    assert!(changes.next().await.is_none());
}

#[tokio::test]
async fn lists_take_any_field_of_their_request() {
    let list_trials = |_, request: v1::ListTrialsRequest| {
        assert_eq!((request.parent.as_str(), request.page_token.as_str()), ("projects/default/studies/s", "a"));
        assert_eq!((request.page_size, request.filter.unwrap().worker_id), (7, "me".to_owned()));
        Ok(page(&[4], ""))
    };
    let server = Server::start(Answers { list_trials: Some(Box::new(list_trials)), ..Answers::default() }).await;
    let filter = Some(v1::TrialFilter { worker_id: "me".to_owned(), ..Default::default() });
    let request = v1::ListTrialsRequest { page_size: 7, page_token: "a".to_owned(), filter, ..Default::default() };
    let trials = server.study().await.trials_with(request).collect().await.unwrap();
    assert_eq!(trials[0].number(), 4);
}
