//! Lists, watching, and studies that are there already.

use tonic::{Code, Status};

use super::server::{Answers, Server, refusal};
use crate::{ChangeKind, Error, Float, Objective, StudySpec, v1};

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
        change: Some(v1::watch_study_response::Change::DeletedTrial(v1::DeletedTrial {
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
        assert_eq!((change.cursor, change.kind), (format!("c{number}"), ChangeKind::DeletedTrial(number)));
    }
    assert!(matches!(changes.next().await, Some(Err(Error::NotFound(_)))));
    assert!(changes.next().await.is_none());
}

#[tokio::test]
async fn a_study_that_is_there_is_opened_if_it_is_the_same() {
    let spec = StudySpec::new()
        .parameter("lr", Float::new(1e-5, 1e-1).log())
        .objective(Objective::minimize("loss"))
        .max_trials(5);
    let create_study = |_, _| Err(refusal(Code::AlreadyExists, "STUDY_EXISTS", &[], None));
    let stored = crate::spec_codec::encode(&spec.clone().max_trials(9).seed(7));
    let get_study = move |_, request: v1::GetStudyRequest| Ok(v1::Study { name: request.name, ..stored.clone() });
    let server = Server::start(Answers {
        create_study: Some(Box::new(create_study)),
        get_study: Some(Box::new(get_study)),
        ..Answers::default()
    })
    .await;
    let client = server.client();
    let study = client.create_or_open_study("s", &spec).await.unwrap();
    assert_eq!(study.info().spec.max_trials, Some(9), "what update can change stays as it is");
    let other = StudySpec { space: vec![], ..spec.clone() }.parameter("lr", Float::new(1e-5, 1.0).log());
    let error = client.create_or_open_study("s", &other).await.unwrap_err();
    assert!(matches!(error, Error::StudyExists(_)));
    assert!(error.to_string().contains("exists with another space (lr)"), "{error}");
    let error = client.create_or_open_study("s", &spec.clone().seed(8)).await.unwrap_err();
    assert!(error.to_string().contains("exists with another seed"), "{error}");
    assert!(matches!(client.create_study("s", &spec).await, Err(Error::StudyExists(_))));
}
