//! Creating studies: what is sent, and how mistakes in study files are shown.

use std::{env, fs, process};

use tonic::Code;

use super::server::{Answers, Server, refusal};
use crate::{Error, Float, NewStudy, v1};

/// Answers with what was sent, in the names of the study.
fn echo(_: usize, request: v1::CreateStudyRequest) -> Result<v1::Study, tonic::Status> {
    let display_name = format!("{}{}", request.study_file, request.study.unwrap_or_default().display_name);
    let name = format!("{}/studies/{}", request.parent, request.study_id);
    let annotations = [
        ("exist_ok".to_owned(), request.exist_ok.to_string()),
        ("validate_only".to_owned(), request.validate_only.to_string()),
    ];
    Ok(v1::Study { name, display_name, annotations: annotations.into(), ..Default::default() })
}

#[tokio::test]
async fn a_study_comes_from_a_message_a_text_or_a_file() {
    let server = Server::start(Answers { create_study: Some(Box::new(echo)), ..Answers::default() }).await;
    let client = server.client();
    let message = v1::Study { display_name: "mine".to_owned(), ..Default::default() };
    let study = client.create_study("s", message).await.unwrap().info();
    assert_eq!((study.name.as_str(), study.display_name.as_str()), ("projects/default/studies/s", "mine"));
    assert_eq!((&*study.annotations["exist_ok"], &*study.annotations["validate_only"]), ("false", "false"));

    let study = client.create_or_open_study(None, NewStudy::from_text("name: a")).await.unwrap().info();
    assert_eq!((study.name.as_str(), study.display_name.as_str()), ("projects/default/studies/", "name: a"));
    assert_eq!(study.annotations["exist_ok"], "true");

    let file = env::temp_dir().join(format!("asktell-{}.yaml", process::id()));
    fs::write(&file, "name: b").unwrap();
    let new = NewStudy::from_file(&file);
    fs::remove_file(&file).unwrap();
    let checked = client.check_study("other", new.unwrap()).await.unwrap();
    assert_eq!((checked.name.as_str(), checked.display_name.as_str()), ("projects/default/studies/other", "name: b"));
    assert_eq!((&*checked.annotations["exist_ok"], &*checked.annotations["validate_only"]), ("false", "true"));

    let request = v1::CreateStudyRequest { parent: "projects/p".to_owned(), ..Default::default() };
    assert_eq!(client.create_study("s", request).await.unwrap().name(), "projects/p/studies/s");
    assert!(server.calls("CreateStudy").iter().all(|call| !call.request_id.is_empty()));
}

#[tokio::test]
async fn a_mistake_in_a_file_names_file_line_and_column() {
    let wrong = |_, _| {
        let place = [("field", "study_file"), ("line", "4"), ("column", "17")];
        Err(refusal(Code::InvalidArgument, "INVALID_STUDY_FILE", &place, None))
    };
    let server = Server::start(Answers { create_study: Some(Box::new(wrong)), ..Answers::default() }).await;
    let client = server.client();
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let error = client.create_study(None, NewStudy::from_file(manifest).unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::InvalidArgument(_)));
    assert_eq!((error.to_string(), error.field()), (format!("{manifest}:in words"), Some("study_file")));
    let error = client.check_study(None, NewStudy::from_text("")).await.unwrap_err();
    assert_eq!(error.to_string(), "in words");
}

#[tokio::test]
async fn an_error_without_a_place_does_not_name_the_file() {
    let exists = |_, _| Err(refusal(Code::AlreadyExists, "STUDY_EXISTS", &[], None));
    let server = Server::start(Answers { create_study: Some(Box::new(exists)), ..Answers::default() }).await;
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let error = server.client().create_study(None, NewStudy::from_file(manifest).unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::StudyExists(_)));
    assert_eq!(error.to_string(), "in words");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = NewStudy::from_file("none.yaml").unwrap_err();
    assert!(matches!(&error, Error::UnreadableFile { path, .. } if path.ends_with("none.yaml")));
    assert!(error.to_string().starts_with("none.yaml: "), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test]
async fn an_update_sends_the_fields_and_their_names() {
    let server = Server::start(Answers::default()).await;
    let study = server.study().await;
    let wanted = v1::Study::default().with_parameter("lr", Float::new(1e-5, 1e-3).log()).with_max_trials(9);
    let updated = study.update(wanted, ["stopping_rules.max_trials"]).await.unwrap();
    assert_eq!((updated.name.as_str(), updated.etag.as_str()), (study.name(), "stopping_rules.max_trials"));
    assert_eq!(updated.stopping_rules.as_ref().unwrap().max_trials, Some(9));
    assert_eq!(study.info(), updated);
    study.pause().await.unwrap();
    assert_eq!((study.info().state(), study.info().etag.as_str()), (v1::StudyState::Paused, "state"));
}
