//! Deadlines, retries and turns.

use std::time::Duration;

use tonic::{Code, Status};

use super::server::{Answers, Server, dead_address, refusal};
use crate::retry::{Backoff, LONGEST_DELAY, LONGEST_SEARCH_DELAY};
use crate::{Error, v1};

#[tokio::test]
async fn unavailable_is_retried_with_the_same_request_id() {
    let server = Server::start(Answers {
        tell: Some(Box::new(|number, _| match number {
            1 | 2 => Err(refusal(Code::Unavailable, "STORE_UNAVAILABLE", &[], None)),
            _ => Ok(v1::TellResponse::default()),
        })),
        ..Answers::default()
    })
    .await;
    let trial = server.study().await.ask().await.unwrap();
    trial.tell([("loss", 0.1)]).await.unwrap();
    let calls = server.calls("Tell");
    assert_eq!(calls.len(), 3);
    assert!(!calls[0].request_id.is_empty());
    assert!(calls.iter().all(|call| call.request_id == calls[0].request_id));
}

#[tokio::test]
async fn lost_races_are_retried_a_few_times() {
    let server = Server::start(Answers {
        get_study: Some(Box::new(|_, _| Err(refusal(Code::Aborted, "CONTENTION", &[], None)))),
        ..Answers::default()
    })
    .await;
    let client = server.builder().timeout(Duration::from_secs(1)).build().unwrap();
    let error = client.study("s").await.unwrap_err();
    assert!(matches!(error, Error::Contention(_)), "{error:?}");
    assert!(server.calls("GetStudy").len() >= 3);
}

#[tokio::test]
async fn nothing_else_is_retried() {
    for code in [Code::ResourceExhausted, Code::Internal, Code::Aborted, Code::Unknown, Code::Cancelled] {
        let get_study = move |_, _| Err(Status::new(code, "no"));
        let server = Server::start(Answers { get_study: Some(Box::new(get_study)), ..Answers::default() }).await;
        assert!(server.client().study("s").await.is_err());
        assert_eq!(server.calls("GetStudy").len(), 1, "{code:?}");
    }
}

#[tokio::test]
async fn the_servers_delay_is_obeyed() {
    const DELAY: Duration = Duration::from_millis(400);
    let pushback = || {
        let mut status = Status::unavailable("by a trailer alone");
        status.metadata_mut().insert("grpc-retry-pushback-ms", "400".parse().unwrap());
        status
    };
    let server = Server::start(Answers {
        get_study: Some(Box::new(move |number, _| match number {
            1 => Err(refusal(Code::Unavailable, "SERVER_DRAINING", &[], Some(DELAY))),
            2 => Err(pushback()),
            _ => Ok(v1::Study::default()),
        })),
        ..Answers::default()
    })
    .await;
    server.study().await;
    for pair in server.calls("GetStudy").windows(2) {
        assert!(pair[1].at - pair[0].at >= DELAY);
    }
}

#[tokio::test]
async fn a_restart_within_the_deadline_costs_no_failed_call() {
    let server = Server::start(Answers::default()).await;
    let client = server.client();
    client.study("s").await.unwrap();
    server.stop().await;
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.study("s").await })
        })
        .collect();
    server.start_again().await;
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn nobody_there_is_unavailable_when_the_deadline_has_passed() {
    const LIMIT: Duration = Duration::from_millis(300);
    let address = format!("{},{}", dead_address().await, dead_address().await);
    let client = crate::Client::builder().address(address).timeout(LIMIT).build().unwrap();
    let began = std::time::Instant::now();
    let error = client.study("s").await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert!(error.to_string().contains("is asktell-server running there"), "{error}");
    assert!(began.elapsed() >= LIMIT);
}

#[tokio::test]
async fn a_slow_server_exceeds_the_deadline() {
    let server = Server::start(Answers { hang: true, ..Answers::default() }).await;
    let client = server.builder().timeout(Duration::from_millis(200)).build().unwrap();
    let error = client.study("s").await.unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded(_)), "{error:?}");
    assert!(server.calls("GetStudy")[0].headers.contains_key("grpc-timeout"));
}

#[tokio::test]
async fn addresses_take_turns_and_a_dead_one_does_no_harm() {
    let (one, two) = (Server::start(Answers::default()).await, Server::start(Answers::default()).await);
    let addresses = format!("{}, {}, {}", one.address, dead_address().await, two.address);
    let client = one.builder().address(addresses).token("secret").build().unwrap();
    for _ in 0..12 {
        client.study("s").await.unwrap();
    }
    let (at_one, at_two) = (one.calls("GetStudy"), two.calls("GetStudy"));
    assert_eq!(at_one.len() + at_two.len(), 12);
    assert!(at_one.len() >= 4 && at_two.len() >= 4, "{} and {}", at_one.len(), at_two.len());
    assert_eq!(at_one[0].headers.get("authorization").unwrap(), "Bearer secret");
}

#[tokio::test]
async fn a_closed_client_says_so() {
    let server = Server::start(Answers { hang: true, ..Answers::default() }).await;
    let client = server.client();
    let calling = tokio::spawn({
        let client = client.clone();
        async move { client.study("s").await }
    });
    server.called("GetStudy", 1).await;
    client.close().await.unwrap();
    assert!(matches!(calling.await.unwrap(), Err(Error::ClientClosed)));
    assert!(matches!(client.study("s").await, Err(Error::ClientClosed)));
    client.close().await.unwrap();
}

#[test]
fn delays_double_up_to_a_limit() {
    let mut delays = Backoff::default();
    for doubled in [100, 200, 400, 800, 1000, 1000] {
        let delay = delays.next(LONGEST_SEARCH_DELAY, None);
        let whole = Duration::from_millis(doubled);
        assert!(whole / 2 <= delay && delay <= whole, "{delay:?}, want about {whole:?}");
    }
}

#[test]
fn a_hint_is_never_cut_short() {
    let hint = Duration::from_secs(7);
    let delay = Backoff::default().next(LONGEST_DELAY, Some(hint));
    assert!(hint <= delay && delay <= hint.mul_f64(1.1), "{delay:?}");
}
