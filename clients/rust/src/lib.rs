//! The Rust client of asktell: ask for a configuration, train, tell the validation loss back.
//!
//! ```no_run
//! # fn train(lr: f64, rank: i64) -> f64 { lr * rank as f64 }
//! use asktell::{Client, Discrete, Error, Float, Objective, StudySpec};
//!
//! # async fn tune() -> asktell::Result<()> {
//! let client = Client::from_env()?; // ASKTELL_ADDRESS, or localhost:50051
//! let spec = StudySpec::new()
//!     .parameter("lr", Float::new(1e-5, 1e-3).log())
//!     .parameter("rank", Discrete::new([4, 8, 16, 32]))
//!     .objective(Objective::minimize("val_loss"))
//!     .max_trials(50);
//! let study = client.create_or_open_study("lora", &spec).await?;
//! loop {
//!     let trial = match study.ask().await {
//!         Err(Error::StudyComplete(_)) => break,
//!         asked => asked?,
//!     };
//!     let loss = train(trial.params().float("lr")?, trial.params().int("rank")?);
//!     trial.tell([("val_loss", loss)]).await?;
//! }
//! client.close().await
//! # }
//! ```
//!
//! A [`Client`] is a connection to one or several servers, a [`Study`] is the unit of tuning, and a [`Trial`] that came
//! from [`Study::ask`] holds a lease which renews itself until the trial is told, released or dropped. They share what
//! they need: a study goes on working when its client is dropped. Calls need a tokio runtime with time and I/O, and one
//! client belongs to one runtime.
//!
//! # Deadlines and retries
//!
//! Every call ends after the client's timeout (see [`ClientBuilder::timeout`]), or when its future is dropped. Within
//! that time a call waits for a connection and is made again, with the same request id, while the server is unavailable:
//! one that is killed and started again in time costs no failed call, and nothing is done twice. Other errors are
//! returned as they are.
//!
//! # Dropping
//!
//! Dropping an open trial gives it back, so that another worker gets it at once, without waiting for the answer: a
//! program that ends right then may end before it is sent. [`Trial::close`] and [`Client::close`] wait. Trials whose
//! lease never ends stay with their worker.

// A message of the contract may grow fields: its literals end in `..Default::default()` though all fields are there.
#![allow(clippy::needless_update)]

mod address;
mod client;
mod connection;
mod enums;
mod error;
mod existing;
mod intake;
mod lease;
mod list;
mod retry;
mod rpcs;
mod session;
mod settings;
mod space;
mod spec;
mod spec_codec;
mod status;
mod study;
mod study_file;
mod study_info;
mod suggest;
mod trial;
mod trial_info;
mod update;
mod values;
mod watch;
mod yaml;

#[cfg(test)]
mod tests;

/// The wire contract, generated.
#[allow(clippy::all, clippy::pedantic, dead_code, missing_docs, rustdoc::all)]
mod v1 {
    include!("generated/asktell.v1.rs");
}

pub use client::Client;
pub use enums::{FinishReason, Goal, Origin, Outcome, Scale, Split, StudyState, TrialState};
pub use error::{Error, Failure, Result};
pub use intake::{ImportedTrial, Imports, QueuedTrial};
pub use list::{Items, TrialFilter};
pub use settings::ClientBuilder;
pub use space::{Bool, Categorical, Discrete, Domain, Float, Int, Parameter};
pub use spec::{Algorithm, Objective, StudySpec, TrackedMetric};
pub use study::{AskOptions, BestByModel, Study};
pub use study_file::{StudyFile, StudyFileError};
pub use study_info::{StudyInfo, StudyWarning, TrialCounts};
pub use suggest::{Observation, Problem, Suggestion, Suggestions};
pub use trial::{Progress, Trial};
pub use trial_info::{Amendment, Measurement, Prediction, SupersededResult, TrialInfo};
pub use update::StudyUpdate;
pub use values::{Metric, Metrics, Params, Value};
pub use watch::{Change, ChangeKind, Changes};

/// Version of this client; all of asktell's clients and its server move in step.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The README's code is compiled with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
