//! Words that only write messages.

use crate::v1::EarlyStopping;
use crate::v1::early_stopping::Rule;
use crate::{Bool, Categorical, v1};

#[test]
fn rules_of_early_stopping() {
    let any = EarlyStopping::any([
        EarlyStopping { grace_trials: 10, ..EarlyStopping::median(3) },
        EarlyStopping::percentile(25.0, 2),
        EarlyStopping::above(0.0, 0),
        EarlyStopping::below(1.0, 4),
        EarlyStopping::patience(5, 0.5),
        EarlyStopping::successive_halving(2),
        EarlyStopping::hyperband(1, 81),
    ]);
    assert!(matches!(EarlyStopping::auto(5).rule, Some(Rule::Auto(v1::AutoStopping { min_steps: 5, .. }))));
    assert!(matches!(EarlyStopping::wilcoxon().rule, Some(Rule::Wilcoxon(_))));
    let study = v1::Study::default().with_cost("train_s").with_early_stopping(any);
    assert_eq!(study.cost_metric, "train_s");
    let Some(Rule::Any(v1::AnyStopping { rules, .. })) = study.early_stopping.unwrap().rule else {
        panic!("not several rules");
    };
    assert_eq!(rules[0].grace_trials, 10);
    let kinds: Vec<_> = rules.into_iter().filter_map(|each| each.rule).collect();
    let [
        Rule::Median(median),
        Rule::Percentile(percentile),
        Rule::Threshold(above),
        Rule::Threshold(below),
        Rule::Patience(patience),
        Rule::SuccessiveHalving(halving),
        Rule::Hyperband(hyperband),
    ] = &kinds[..]
    else {
        panic!("{kinds:?}");
    };
    assert_eq!((median.min_steps, percentile.percentile, percentile.min_steps), (3, 25.0, 2));
    assert_eq!((above.max, above.min, below.max, below.min, below.min_steps), (Some(0.0), None, None, Some(1.0), 4));
    assert_eq!((patience.patience_steps, patience.min_gain, halving.min_steps), (5, 0.5, 2));
    assert_eq!((hyperband.min_steps, hyperband.max_steps), (1, 81));
}

#[test]
fn fixed_values_and_context() {
    let request = v1::AskRequest::default().with_fixed([("batch", 8)]).with_fixed([("data", "flowers")]);
    let request = request.with_cost_awareness();
    assert_eq!(request.fixed_parameters["batch"], 8.into());
    assert_eq!(request.fixed_parameters["data"], "flowers".into());
    assert!(request.cost_aware);
    assert!(Categorical::new(["a", "b"]).as_context().context);
    assert!(!v1::Parameter::from(Bool::default()).context);
}
