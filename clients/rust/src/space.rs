//! Short ways to write search spaces.

use crate::v1;
use crate::v1::parameter::Domain;

macro_rules! domains {
    ($($domain:ident: $default:ty;)+) => {
        $(impl v1::$domain {
            /// A parameter with this domain and a value known to work: the search starts from it, and enqueued trials
            /// may leave the parameter out.
            #[must_use]
            pub fn with_default(self, value: $default) -> v1::Parameter {
                v1::Parameter::from(self).with_default(value)
            }

            /// A parameter with this domain that exists only while another one has one of the values; see
            /// [`Parameter::when`](v1::Parameter::when).
            #[must_use]
            pub fn when<T: Into<v1::ParameterValue>>(
                self,
                parent: impl Into<String>,
                values: impl IntoIterator<Item = T>,
            ) -> v1::Parameter {
                v1::Parameter::from(self).when(parent, values)
            }

            /// A parameter with this domain that the server never chooses; see
            /// [`Parameter::as_context`](v1::Parameter::as_context).
            #[must_use]
            pub fn as_context(self) -> v1::Parameter {
                v1::Parameter::from(self).as_context()
            }

            /// A parameter with this domain, whose good values are believed to lie where the prior says.
            #[must_use]
            pub fn with_prior(self, prior: v1::Prior) -> v1::Parameter {
                v1::Parameter::from(self).with_prior(prior)
            }
        }

        /// A parameter that has no name yet.
        impl From<v1::$domain> for v1::Parameter {
            fn from(domain: v1::$domain) -> Self {
                Self { domain: Some(Domain::$domain(domain)), ..Self::default() }
            }
        })+
    };
}

domains! {
    FloatDomain: f64;
    IntDomain: i64;
    DiscreteDomain: impl Into<v1::ParameterValue>;
    CategoricalDomain: &str;
    BoolDomain: bool;
}

impl v1::Parameter {
    /// A value known to work: the search starts from it, and enqueued trials may leave the parameter out.
    #[must_use]
    pub fn with_default(self, value: impl Into<v1::ParameterValue>) -> Self {
        Self { default_value: Some(value.into()), ..self }
    }

    /// Lets the parameter exist only while another one has one of the values: `.when("opt", ["sgd"])`. Configurations of
    /// other values do not have it. The other one has finitely many values, and may itself have a condition.
    #[must_use]
    pub fn when<T: Into<v1::ParameterValue>>(
        self,
        parent: impl Into<String>,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        Self { condition: Some(v1::Condition { parent: parent.into(), values, ..Default::default() }), ..self }
    }

    /// Makes it one that the server never chooses: every ask states it (see
    /// [`AskRequest::with_fixed`](v1::AskRequest::with_fixed)), and so do queued and imported trials.
    #[must_use]
    pub fn as_context(self) -> Self {
        Self { context: true, ..self }
    }

    /// Says where good values are believed to lie: the search begins there, and results outweigh it as they come.
    #[must_use]
    pub fn with_prior(self, prior: v1::Prior) -> Self {
        Self { prior: Some(prior), ..self }
    }
}

impl v1::Prior {
    /// Good values lie around `mean`: for float, int and discrete parameters. The standard deviation is a fraction of the
    /// range on the parameter's own scale, in (0, 1].
    pub fn normal(mean: f64, relative_standard_deviation: f64) -> Self {
        let normal = v1::NormalPrior { mean, relative_standard_deviation, ..Default::default() };
        Self { kind: Some(v1::prior::Kind::Normal(normal)), ..Self::default() }
    }

    /// How likely each value is to be a good one, in the domain's order (false before true): for discrete, categorical and
    /// bool parameters. Weights are at least 0 and need not sum to 1.
    pub fn weights(weights: impl Into<Vec<f64>>) -> Self {
        let weights = v1::WeightsPrior { weights: weights.into(), ..Default::default() };
        Self { kind: Some(v1::prior::Kind::Weights(weights)), ..Self::default() }
    }
}

macro_rules! numbers {
    ($($domain:ident: $number:ty;)+) => {
        $(impl v1::$domain {
            /// A number in [min, max]; equal differences matter equally, unless another method says otherwise.
            pub fn new(min: $number, max: $number) -> Self {
                Self { min, max, ..Self::default() }
            }

            /// Equal ratios matter equally. For learning rates and the like; `min` must be greater than 0.
            #[must_use]
            pub fn log(self) -> Self {
                Self { scale: v1::Scale::Log.into(), ..self }
            }

            /// Only min, min + step … up to max.
            #[must_use]
            pub fn with_step(self, step: $number) -> Self {
                Self { step: Some(step), ..self }
            }
        })+
    };
}

numbers! {
    FloatDomain: f64;
    IntDomain: i64;
}

impl v1::FloatDomain {
    /// Resolves values near the maximum. For momentum and the like; `min` must be greater than 0.
    #[must_use]
    pub fn reverse_log(self) -> Self {
        Self { scale: v1::Scale::ReverseLog.into(), ..self }
    }
}

impl v1::DiscreteDomain {
    /// One of 2 to 1,000 numbers in rising order, whose distances do not matter: all ints or all floats.
    pub fn new<T: Into<v1::ParameterValue>>(values: impl IntoIterator<Item = T>) -> Self {
        Self { values: values.into_iter().map(Into::into).collect(), ..Self::default() }
    }
}

impl v1::CategoricalDomain {
    /// One of 2 to 1,000 names without an order.
    pub fn new<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Self {
        Self { values: values.into_iter().map(Into::into).collect(), ..Self::default() }
    }
}

macro_rules! problems {
    ($($message:ident),+) => {
        $(impl v1::$message {
            /// Adds a parameter: `.with_parameter("lr", Float::new(1e-5, 1e-3).log())`.
            #[must_use]
            pub fn with_parameter(mut self, name: impl Into<String>, domain: impl Into<v1::Parameter>) -> Self {
                let parameter = v1::Parameter { name: name.into(), ..domain.into() };
                self.search_space.get_or_insert_default().parameters.push(parameter);
                self
            }

            /// Adds a linear constraint on numeric parameters, such as `"width + 2*depth <= 64"` or `"low <= high"`: no
            /// configuration breaks it; see [`v1::SearchSpace`] for what it may say.
            #[must_use]
            pub fn with_parameter_constraint(mut self, constraint: impl Into<String>) -> Self {
                self.search_space.get_or_insert_default().parameter_constraints.push(constraint.into());
                self
            }

            /// Adds a value that follows from other parameters by arithmetic, such as `"batch_size * accumulate"`, and is
            /// delivered with the configuration; see [`v1::DerivedParameter`] for what an expression may say.
            #[must_use]
            pub fn with_derived(mut self, name: impl Into<String>, expression: impl Into<String>) -> Self {
                let derived = v1::DerivedParameter { name: name.into(), expression: expression.into() };
                self.search_space.get_or_insert_default().derived_parameters.push(derived);
                self
            }

            /// Adds an objective.
            #[must_use]
            pub fn with_objective(mut self, objective: v1::Objective) -> Self {
                self.objectives.push(objective);
                self
            }

            /// Names the metric that says what a trial cost, so that asks may look for improvement per cost.
            #[must_use]
            pub fn with_cost(self, metric: impl Into<String>) -> Self {
                Self { cost_metric: metric.into(), ..self }
            }

            /// Sets how configurations are found. Default: the server chooses.
            #[must_use]
            pub fn with_algorithm(self, kind: v1::algorithm::Kind) -> Self {
                Self { algorithm: Some(v1::Algorithm { kind: Some(kind), ..Default::default() }), ..self }
            }
        })+
    };
}

problems!(Study, Problem);
