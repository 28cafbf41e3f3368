//! Heartbeats, and giving trials back.

use std::time::Duration;

use super::server::{Answers, Server};
use crate::v1;

const LEASE: Duration = Duration::from_millis(900);

fn reported(stop: bool, valid: bool) -> v1::ReportResponse {
    let stop_reason = if stop { "enough".to_owned() } else { String::new() };
    v1::ReportResponse {
        should_stop: stop,
        stop_reason,
        lease_valid: valid,
        lease_expire_time: None,
        ..Default::default()
    }
}

#[tokio::test]
async fn an_open_trial_heartbeats_and_a_told_one_does_not() {
    let server = Server::start(Answers { lease: LEASE, ..Answers::default() }).await;
    let trial = server.study().await.ask().await.unwrap();
    assert!(trial.is_open());
    server.called("Report", 2).await;
    trial.tell([("loss", 1.0)]).await.unwrap();
    let beats = server.calls("Report");
    assert!(!trial.is_open());
    assert!(beats[0].request_id.is_empty(), "a heartbeat is harmless to repeat");
    assert!(beats[1].at - beats[0].at >= Duration::from_millis(250), "a third of the lease, about");
    tokio::time::timeout(LEASE, server.called("Report", beats.len() + 1)).await.unwrap_err();
    drop(trial);
    assert!(server.calls("ReleaseTrial").is_empty());
}

#[tokio::test]
async fn a_heartbeat_brings_the_wish_to_stop() {
    let report = |number, _| Ok(reported(number > 1, true));
    let server = Server::start(Answers { lease: LEASE, report: Some(Box::new(report)), ..Answers::default() }).await;
    let trial = server.study().await.ask().await.unwrap();
    assert!(!trial.should_stop());
    trial.stopping().await;
    assert!(trial.should_stop());
    assert_eq!(trial.stop_reason(), "enough");
    assert!(!trial.lease_lost());
}

#[tokio::test]
async fn a_lost_lease_is_not_renewed_and_not_given_back() {
    let report = |_, _| Ok(reported(true, false));
    let server = Server::start(Answers { lease: LEASE, report: Some(Box::new(report)), ..Answers::default() }).await;
    let study = server.study().await;
    let trial = study.ask().await.unwrap();
    let progress = trial.report(1, [("loss", 1.0)]).await.unwrap();
    assert!(progress.should_stop && !progress.lease_valid);
    assert!(trial.lease_lost() && trial.is_open());
    trial.close().await.unwrap();
    assert!(server.calls("ReleaseTrial").is_empty());
    assert_eq!(server.calls("Report").len(), 1);
}

#[tokio::test]
async fn dropping_an_open_trial_gives_it_back() {
    let server = Server::start(Answers { lease: Duration::from_secs(60), ..Answers::default() }).await;
    drop(server.study().await.ask().await.unwrap());
    server.called("ReleaseTrial", 1).await;
}

#[tokio::test]
async fn a_trial_may_be_dropped_outside_of_a_runtime() {
    let server = Server::start(Answers { lease: Duration::from_secs(60), ..Answers::default() }).await;
    let trial = server.study().await.ask().await.unwrap();
    std::thread::spawn(move || drop(trial)).join().unwrap();
    server.called("ReleaseTrial", 1).await;
}

#[tokio::test]
async fn closing_gives_open_trials_back_once_and_waits_for_dropped_ones() {
    let server = Server::start(Answers { lease: Duration::from_secs(60), ..Answers::default() }).await;
    let client = server.client();
    let study = client.study("s").await.unwrap();
    let (told, dropped, open) = (study.ask().await.unwrap(), study.ask().await.unwrap(), study.ask().await.unwrap());
    told.tell([("loss", 1.0)]).await.unwrap();
    drop(dropped);
    client.close().await.unwrap();
    assert_eq!(server.calls("ReleaseTrial").len(), 2);
    drop((told, open));
    assert_eq!(server.calls("ReleaseTrial").len(), 2);
}

#[tokio::test]
async fn endless_leases_are_kept_without_heartbeats() {
    let server = Server::start(Answers::default()).await;
    let client = server.client();
    let study = client.study("s").await.unwrap();
    drop(study.ask().await.unwrap());
    let trial = study.ask().await.unwrap();
    client.close().await.unwrap();
    drop(trial);
    assert!(server.calls("ReleaseTrial").is_empty() && server.calls("Report").is_empty());
}
