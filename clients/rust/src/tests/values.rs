//! Messages written and read in short.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::trial::{LONGEST_REASON, shortened};
use crate::v1::algorithm::Kind as Algorithm;
use crate::v1::parameter::Domain;
use crate::v1::parameter_value::Kind;
use crate::{Bool, Categorical, Discrete, Error, Float, Int, NO_METRICS, Named, Params, Prior, trial_number, v1};

#[test]
fn parameters_are_of_their_kind() {
    let params = [("lr", v1::ParameterValue::from(0.1)), ("layers", 3.into()), ("kind", "a".into())].into_map();
    let params = Params::from(&params);
    assert_eq!(params.float("lr").unwrap().to_bits(), 0.1_f64.to_bits());
    assert_eq!((params.float("layers").unwrap(), params.int("layers").unwrap()), (3.0, 3));
    assert_eq!(params.string("kind").unwrap(), "a");
    assert!(params.int("lr").is_err() && params.bool("none").is_err());
    assert_eq!(params.int("lr").unwrap_err().to_string(), "parameter \"lr\" is not an int: DoubleValue(0.1)");
    assert!(matches!(params.bool("none"), Err(Error::WrongParameter { found, .. }) if found.contains("no such")));
    assert_eq!(format!("{params:?}"), r#"{"kind": StringValue("a"), "layers": IntValue(3), "lr": DoubleValue(0.1)}"#);
}

#[test]
fn params_have_derived_parameters_too() {
    let study = v1::Study::default().with_parameter("x", Int::new(1, 9)).with_derived("twice", "2 * x");
    assert_eq!(study.search_space.unwrap().derived_parameters[0].expression, "2 * x");
    let (parameters, derived_parameters) = ([("x", 4)].into_map(), [("twice", 8)].into_map());
    let trial = v1::Trial { parameters, derived_parameters, ..Default::default() };
    assert_eq!((trial.params().int("x").unwrap(), trial.params().int("twice").unwrap()), (4, 8));
    assert_eq!(trial.params().iter().count(), 2);
}

#[test]
fn domains_become_parameters() {
    let study = v1::Study::default()
        .with_parameter("lr", Float::new(1e-4, 0.1).log().with_default(1.0))
        .with_parameter(
            "momentum",
            Float::new(0.5, 1.0).reverse_log().with_step(0.1).with_prior(Prior::normal(0.9, 0.2)),
        )
        .with_parameter("layers", Int::new(1, 1000).log().with_step(2).with_default(3))
        .with_parameter("batch", Discrete::new([16, 32]).with_default(32))
        .with_parameter("kind", Categorical::new(["a", "b"]).with_default("b"))
        .with_parameter("flag", Bool::default().with_default(false).with_prior(Prior::weights([1.0, 3.0])));
    let parameters = study.search_space.unwrap().parameters;
    let names: Vec<_> = parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    assert_eq!(names, ["lr", "momentum", "layers", "batch", "kind", "flag"]);
    let scale = v1::Scale::Log.into();
    let lr = v1::FloatDomain { min: 1e-4, max: 0.1, scale, ..Default::default() };
    assert_eq!(parameters[0].domain, Some(Domain::FloatDomain(lr)));
    let layers = v1::IntDomain { min: 1, max: 1000, scale, step: Some(2), ..Default::default() };
    assert_eq!(parameters[2].domain, Some(Domain::IntDomain(layers)));
    let normal = v1::NormalPrior { mean: 0.9, relative_standard_deviation: 0.2 };
    assert_eq!(parameters[1].prior.as_ref().unwrap().kind, Some(v1::prior::Kind::Normal(normal)));
    let weights = v1::WeightsPrior { weights: vec![1.0, 3.0] };
    assert_eq!(parameters[5].prior.as_ref().unwrap().kind, Some(v1::prior::Kind::Weights(weights)));
    let defaults: Vec<_> = parameters.into_iter().map(|parameter| parameter.default_value?.kind).collect();
    let [text, int] = [Kind::StringValue("b".to_owned()), Kind::IntValue(32)];
    let numbers = [Some(Kind::DoubleValue(1.0)), None, Some(Kind::IntValue(3))];
    assert_eq!(defaults, [&numbers[..], &[Some(int), Some(text), Some(Kind::BoolValue(false))]].concat());
}

#[test]
fn a_parameter_may_exist_only_while_another_one_has_certain_values() {
    let study = v1::Study::default()
        .with_parameter("opt", Categorical::new(["sgd", "adam"]).when("layers", [2, 3]).with_default("sgd"))
        .with_parameter("momentum", Float::new(0.0, 0.99).with_default(0.9).when("opt", ["sgd"]))
        .with_parameter("layers", Int::new(1, 3).when("deep", [true]))
        .with_parameter("rank", Discrete::new([4, 8]).when("rate", [0.5]))
        .with_parameter("deep", Bool::default().when("kind", vec![String::from("a")]));
    let parameters = study.search_space.unwrap().parameters;
    let conditions: Vec<_> = parameters.iter().map(|parameter| parameter.condition.clone().unwrap()).collect();
    let parents: Vec<_> = conditions.iter().map(|condition| condition.parent.as_str()).collect();
    assert_eq!(parents, ["layers", "opt", "deep", "rate", "kind"]);
    assert_eq!(conditions[0].values, [2.into(), v1::ParameterValue::from(3)]);
    let first: Vec<_> = conditions.iter().map(|condition| condition.values[0].clone()).collect();
    assert_eq!(first[1..], ["sgd".into(), true.into(), 0.5.into(), v1::ParameterValue::from("a")]);
    let defaults: Vec<_> = parameters.into_iter().map(|parameter| parameter.default_value).collect();
    assert_eq!(defaults[..3], [Some("sgd".into()), Some(0.9.into()), None]);
}

#[test]
fn what_is_nested_comes_together() {
    let study = v1::Study::default()
        .with_objective(v1::Objective::maximize("accuracy"))
        .with_objective(v1::Objective { split: v1::Split::Train.into(), ..v1::Objective::minimize("loss") })
        .with_metric("seconds")
        .with_algorithm(Algorithm::Grid(v1::GridAlgorithm { default_levels: 3, ..Default::default() }))
        .with_max_trials(50)
        .with_lease(Duration::from_millis(1500));
    let goals: Vec<_> = study.objectives.iter().map(|objective| (objective.goal(), objective.split())).collect();
    assert_eq!(goals, [(v1::Goal::Maximize, v1::Split::Unspecified), (v1::Goal::Minimize, v1::Split::Train)]);
    assert_eq!(study.tracked_metrics[0].metric, "seconds");
    assert!(matches!(study.algorithm.unwrap().kind, Some(Algorithm::Grid(grid)) if grid.default_levels == 3));
    assert_eq!(study.stopping_rules.unwrap().max_trials, Some(50));
    let lease = study.lease_policy.unwrap().lease_duration.unwrap();
    assert_eq!((lease.seconds, lease.nanos), (1, 500_000_000));
    let longest = v1::Study::default().with_lease(Duration::MAX).lease_policy.unwrap().lease_duration.unwrap();
    assert!(longest.seconds > 1_000_000, "no lease is never taken for the default");
}

#[test]
fn every_collection_of_pairs_holds_values_by_name() {
    let want = BTreeMap::from([("loss".to_owned(), v1::Metric::from(0.5))]);
    assert_eq!([("loss", 0.5)].into_map(), want);
    assert_eq!(vec![("loss".to_owned(), 0.5_f32)].into_map(), want);
    assert_eq!(want.clone().into_map(), want);
    assert_eq!(Named::<v1::Metric>::into_map(NO_METRICS), BTreeMap::new());
    let metrics: BTreeMap<String, v1::Metric> = [("loss", v1::Metric::with_error(0.3, 0.01))].into_map();
    assert_eq!((metrics["loss"].value, metrics["loss"].standard_error), (0.3, Some(0.01)));
}

#[test]
fn trials_have_their_number_in_their_name() {
    assert_eq!(trial_number("projects/default/studies/s/trials/7"), Some(7));
    assert_eq!(trial_number("projects/default/studies/s"), None);
}

#[test]
fn long_reasons_are_cut_between_characters() {
    assert_eq!(shortened("größer"), "größer");
    let cut = shortened(&"ö".repeat(LONGEST_REASON + 1));
    assert_eq!(cut.chars().count(), LONGEST_REASON);
    assert!(cut.ends_with('…'));
}
