//! Study files, right and wrong.

use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::{
    Algorithm, Bool, Categorical, Discrete, Float, Int, Objective, Split, StudyFile, StudySpec, TrackedMetric,
};

const FULL: &str = r#"
name: full
display_name: Größer
objectives:
  - {metric: loss, goal: minimize}
metrics: [accuracy, {metric: test_loss, split: test}]
parameters:
  lr: {type: float, min: 1e-4, max: 1.0e-1, scale: log, default: 1}
  momentum: {type: float, min: 0.5, max: 1, scale: reverse_log, step: 0.1}
  layers: {type: int, min: 1, max: 1_000, scale: log, step: 2, default: 3}
  batch: {type: discrete, values: [16, 32], default: 32}
  rate: {type: discrete, values: [0.1, 2]}
  kind: {type: categorical, values: [on, "1", größer], default: on}
  flag: {type: bool, default: no}
algorithm: {grid: {default_levels: 3, levels: {lr: 7}}}
stopping: {max_trials: 50, target: 0.1, patience: 9, deadline: 2026-12-01T12:00:00Z}
lease: {duration_s: 0, max_attempts: 2}
max_running: 8
replicates: 3
max_staleness: 0
seed: 0
labels: {by: me}
annotations: {run: abc}
"#;

#[test]
fn a_file_is_read_whole() {
    let file = StudyFile::parse("full.yaml", FULL).unwrap();
    let want = StudySpec::new()
        .parameter("lr", Float::new(1e-4, 0.1).log().default_value(1.0))
        .parameter("momentum", Float::new(0.5, 1.0).reverse_log().step(0.1))
        .parameter("layers", Int::new(1, 1000).log().step(2).default_value(3))
        .parameter("batch", Discrete::new([16, 32]).default_value(32))
        .parameter("rate", Discrete::new([0.1, 2.0]))
        .parameter("kind", Categorical::new(["on", "1", "größer"]).default_value("on"))
        .parameter("flag", Bool::new().default_value(false))
        .objective(Objective::minimize("loss"))
        .metric(TrackedMetric::new("accuracy"))
        .metric(TrackedMetric::new("test_loss").on(Split::Test))
        .algorithm(Algorithm::Grid { default_levels: Some(3), levels: [("lr".to_owned(), 7)].into() })
        .max_trials(50)
        .target(0.1)
        .patience(9)
        .deadline(SystemTime::UNIX_EPOCH + Duration::from_secs(1_796_126_400))
        .endless_lease()
        .max_attempts(2)
        .max_running(8)
        .replicates(3)
        .max_staleness(0)
        .seed(0)
        .display_name("Größer")
        .label("by", "me")
        .annotation("run", "abc");
    assert_eq!(file.id, "full");
    assert_eq!(file.spec, want);
}

#[test]
fn mistakes_are_found_where_they_are() {
    for (from, to, want) in [
        ("scale: log, default: 1}", "scael: log}", "x.yaml:8:45: parameters.lr: unknown key \"scael\""),
        ("name: full", "nam: full", "x.yaml:2:1: unknown key \"nam\""),
        ("name: full", "name: 7", "x.yaml:2:7: name: must be a string, got the number 7; write \"7\""),
        ("goal: minimize", "goal: minimise", "objectives[0].goal: must be one of minimize, maximize, got \"minimise\""),
        ("min: 1e-4", "min: \"1\"", "parameters.lr.min: must be a number, got \"1\""),
        ("min: 1, max: 1_000", "min: 1.0, max: 1_000", "parameters.layers.min: must be a whole number, got \"1.0\""),
        ("scale: log, step: 2", "scale: reverse_log", "parameters.layers.scale: must be one of linear, log, got"),
        ("type: bool", "type: boolean", "parameters.flag.type: must be one of float, int"),
        ("min: 0.5, ", "", "parameters.momentum: min is missing"),
        ("seed: 0", "seed: 0\nseed: 1", "seed: stands here twice"),
        ("seed: 0", "seed: 9223372036854775808", "seed: must fit 64 bits"),
        ("seed: 0", "seed:", "seed: must be a whole number, got nothing"),
        ("max_running: 8", "max_running: -1", "max_running: must be a count, got -1"),
        ("2026-12-01T12:00:00Z", "2026-12-01T12:00:00", "stopping.deadline: must be a time with its zone"),
        ("default: no", "default: perhaps", "parameters.flag.default: must be true or false"),
        ("{grid: {default_levels: 3, levels: {lr: 7}}}", "{grid: {}, sobol: {}}", "algorithm: must name one algorithm"),
        ("name: full", "name: [full", "x.yaml:"),
    ] {
        let error = StudyFile::parse("x.yaml", &FULL.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.starts_with("x.yaml:") && error.contains(want), "{to}: {error}");
    }
    assert_eq!(StudyFile::parse("x.yaml", "").unwrap_err().to_string(), "x.yaml: is empty");
}

#[test]
fn anchors_stand_for_what_they_name() {
    let text = "name: a\nobjectives: [{metric: l, goal: minimize}]\nparameters:\n  x: &x {type: float, min: 0, max: 1}\n  y: *x\n";
    let file = StudyFile::parse("a.yaml", text).unwrap();
    assert_eq!(file.spec.space[0].domain, file.spec.space[1].domain);
}

#[test]
fn the_examples_files_are_read() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    if !examples.exists() {
        return; // the crate is not in its repository
    }
    assert_eq!(StudyFile::load(examples.join("digits.yaml")).unwrap().spec.space.len(), 5);
    assert_eq!(StudyFile::load(examples.join("lora_finetune/study.yaml")).unwrap().spec.space.len(), 4);
    assert!(StudyFile::load("none.yaml").unwrap_err().to_string().starts_with("none.yaml: "));
}
