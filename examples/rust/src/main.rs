//! Tunes a softmax regression on handwritten digits. Any number of these, and of its siblings in other languages, may
//! work on one study at once.
//!
//! `digits [STUDY] [--trials N] [--study-file FILE] [--data FILE]`

mod data;
mod model;

use std::error::Error;
use std::time::Instant;
use std::{env, process};

use asktell::{Client, NO_METRICS, NewStudy, Study, Trial};
use tokio::signal;
use tokio::sync::mpsc;

use crate::data::Dataset;
use crate::model::{Hyperparameters, Model, Score};

type Outcome<T> = Result<T, Box<dyn Error>>;

struct Settings {
    study: Option<String>,
    trials: u32,
    file: String,
    data: String,
}

impl Settings {
    fn parse(arguments: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut settings = Self {
            study: None,
            trials: 30,
            file: "examples/digits.yaml".to_owned(),
            data: "examples/data/digits.csv".to_owned(),
        };
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--trials" => settings.trials = value()?.parse().map_err(|error| format!("--trials: {error}"))?,
                "--study-file" => settings.file = value()?,
                "--data" => settings.data = value()?,
                option if option.starts_with('-') => return Err(format!("unknown option {option}").into()),
                _ => settings.study = Some(argument),
            }
        }
        Ok(settings)
    }
}

#[tokio::main]
async fn main() {
    if let Err(error) = run().await {
        eprintln!("digits: {error}");
        process::exit(1);
    }
}

async fn run() -> Outcome<()> {
    let settings = Settings::parse(env::args().skip(1))?;
    let digits = Dataset::read(&settings.data)?;
    let file = NewStudy::from_file(&settings.file)?;
    let worker = format!("rust:{}:{}", gethostname::gethostname().display(), process::id());
    let client = Client::builder().worker_id(worker).build()?;
    let study = client.create_or_open_study(settings.study.as_deref(), file).await?;
    let worked = tokio::select! {
        worked = work(&study, &digits, settings.trials) => worked,
        interrupted = interruption() => interrupted.map_err(Into::into).and(Err("interrupted".into())),
    };
    client.close().await?; // an interrupted trial is given back
    worked
}

/// Ctrl-C, or the signal with which service managers end a program.
async fn interruption() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminated = signal::unix::signal(signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = signal::ctrl_c() => interrupted,
            _ = terminated.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    signal::ctrl_c().await
}

async fn work(study: &Study, digits: &Dataset, trials: u32) -> Outcome<()> {
    for _ in 0..trials {
        match study.ask().await {
            Ok(trial) => one_trial(&trial, digits).await?,
            Err(complete @ asktell::Error::StudyComplete(_)) => {
                println!("{complete}");
                break;
            }
            Err(error) => return Err(error.into()),
        }
    }
    match study.best_trial().await? {
        Some(best) => println!("best: trial {}  val_loss {:.4}", best.number(), best.info().metrics["val_loss"].value),
        None => println!("no results yet"),
    }
    Ok(())
}

/// Trains and tells. An error drops the trial, which gives it back.
async fn one_trial(trial: &Trial, digits: &Dataset) -> Outcome<()> {
    let (params, began) = (trial.params(), Instant::now());
    let hyperparameters = Hyperparameters {
        learning_rate: params.float("lr")?,
        l2: params.float("l2")?,
        momentum: params.float("momentum")?,
        batch_size: usize::try_from(params.int("batch_size")?)?,
    };
    let mut epochs = train(hyperparameters.clone(), params.int("epochs")?, digits.clone());
    let mut result = Score::default();
    let mut epoch = 0;
    while let Some(score) = epochs.recv().await {
        result = score;
        if !result.loss.is_finite() {
            trial.fail(&format!("diverged in epoch {epoch}"), NO_METRICS).await?;
            return Ok(());
        }
        let progress = trial.report(epoch, result.metrics()).await?;
        if !progress.lease_valid {
            return Ok(()); // called off, or with another worker: there is nothing to tell
        }
        if progress.should_stop {
            trial.stop(result.metrics(), "").await?;
            return Ok(());
        }
        epoch += 1;
    }
    trial.tell(result.metrics()).await?;
    println!(
        "rust  trial {:3}  val_loss {:.4}  val_accuracy {:.4}  {:.2} s  lr {:.2e}  l2 {:.2e}  batch {}  momentum {:.2}",
        trial.number(),
        result.loss,
        result.accuracy,
        began.elapsed().as_secs_f64(),
        hyperparameters.learning_rate,
        hyperparameters.l2,
        hyperparameters.batch_size,
        hyperparameters.momentum
    );
    Ok(())
}

/// Trains on a thread of its own, so that heartbeats go on; the score of each epoch comes when the one before has been
/// reported. Dropping the receiver ends it.
fn train(hyperparameters: Hyperparameters, epochs: i64, digits: Dataset) -> mpsc::Receiver<Score> {
    let (scores, received) = mpsc::channel(1);
    tokio::task::spawn_blocking(move || {
        let mut model = Model::new(hyperparameters);
        for _ in 0..epochs {
            model.train(digits.training());
            if scores.blocking_send(model.evaluate(digits.validation())).is_err() {
                break;
            }
        }
    });
    received
}
