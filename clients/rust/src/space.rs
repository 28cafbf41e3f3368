//! What may be varied.

use crate::enums::Scale;
use crate::v1;
use crate::v1::parameter::Domain as Wire;
use crate::values::Value;

/// One hyperparameter.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Parameter {
    /// Unique in the space.
    pub name: String,
    /// The values that it may take.
    pub domain: Domain,
}

/// The values that a parameter may take. A default is a value known to work: the search starts from it, and enqueued
/// trials may leave the parameter out.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Domain {
    /// A real number.
    Float(Float),
    /// A whole number.
    Int(Int),
    /// One of a list of numbers.
    Discrete(Discrete),
    /// One of a set of names.
    Categorical(Categorical),
    /// True or false.
    Bool(Bool),
}

/// A real number in [min, max].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Float {
    min: f64,
    max: f64,
    scale: Scale,
    step: Option<f64>,
    default: Option<f64>,
}

impl Float {
    /// Linear, unless [`Float::log`] or [`Float::reverse_log`] says otherwise.
    pub fn new(min: f64, max: f64) -> Self {
        Self { min, max, scale: Scale::Linear, step: None, default: None }
    }

    /// Equal ratios matter equally.
    #[must_use]
    pub fn log(self) -> Self {
        self.scale(Scale::Log)
    }

    /// Resolves values near the maximum.
    #[must_use]
    pub fn reverse_log(self) -> Self {
        self.scale(Scale::ReverseLog)
    }

    /// Which differences count as equal steps.
    #[must_use]
    pub fn scale(self, scale: Scale) -> Self {
        Self { scale, ..self }
    }

    /// Only min, min + step … .
    #[must_use]
    pub fn step(self, step: f64) -> Self {
        Self { step: Some(step), ..self }
    }

    /// A value known to work.
    #[must_use]
    pub fn default_value(self, value: f64) -> Self {
        Self { default: Some(value), ..self }
    }
}

/// A whole number in [min, max], both ends within ±2^53.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Int {
    min: i64,
    max: i64,
    scale: Scale,
    step: Option<i64>,
    default: Option<i64>,
}

impl Int {
    /// Linear, unless [`Int::log`] says otherwise.
    pub fn new(min: i64, max: i64) -> Self {
        Self { min, max, scale: Scale::Linear, step: None, default: None }
    }

    /// Equal ratios matter equally.
    #[must_use]
    pub fn log(self) -> Self {
        self.scale(Scale::Log)
    }

    /// Which differences count as equal steps; not reverse_log.
    #[must_use]
    pub fn scale(self, scale: Scale) -> Self {
        Self { scale, ..self }
    }

    /// Only min, min + step … .
    #[must_use]
    pub fn step(self, step: i64) -> Self {
        Self { step: Some(step), ..self }
    }

    /// A value known to work.
    #[must_use]
    pub fn default_value(self, value: i64) -> Self {
        Self { default: Some(value), ..self }
    }
}

/// One of 2 to 1,000 numbers in rising order, whose distances do not matter: all ints or all floats.
#[derive(Clone, Debug, PartialEq)]
pub struct Discrete {
    values: Vec<Value>,
    default: Option<Value>,
}

impl Discrete {
    /// The numbers.
    pub fn new<T: Into<Value>>(values: impl IntoIterator<Item = T>) -> Self {
        Self { values: values.into_iter().map(Into::into).collect(), default: None }
    }

    /// A value known to work.
    #[must_use]
    pub fn default_value(self, value: impl Into<Value>) -> Self {
        Self { default: Some(value.into()), ..self }
    }
}

/// One of 2 to 1,000 names without an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Categorical {
    values: Vec<String>,
    default: Option<String>,
}

impl Categorical {
    /// The names.
    pub fn new<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Self {
        Self { values: values.into_iter().map(Into::into).collect(), default: None }
    }

    /// A value known to work.
    #[must_use]
    pub fn default_value(self, value: impl Into<String>) -> Self {
        Self { default: Some(value.into()), ..self }
    }
}

/// True or false.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bool {
    default: Option<bool>,
}

impl Bool {
    /// Without a default.
    pub fn new() -> Self {
        Self::default()
    }

    /// A value known to work.
    #[must_use]
    pub fn default_value(self, value: bool) -> Self {
        Self { default: Some(value) }
    }
}

macro_rules! domains {
    ($($kind:ident),+) => {
        $(impl From<$kind> for Domain {
            fn from(domain: $kind) -> Self {
                Self::$kind(domain)
            }
        })+
    };
}

domains!(Float, Int, Discrete, Categorical, Bool);

impl Parameter {
    /// A parameter: `Parameter::new("lr", Float::new(1e-5, 1e-1).log())`.
    pub fn new(name: impl Into<String>, domain: impl Into<Domain>) -> Self {
        Self { name: name.into(), domain: domain.into() }
    }

    fn to_wire(&self) -> v1::Parameter {
        let (domain, default) = match &self.domain {
            Domain::Float(float) => {
                let scale = float.scale.to_wire();
                let wire =
                    v1::FloatDomain { min: float.min, max: float.max, scale, step: float.step, ..Default::default() };
                (Wire::FloatDomain(wire), float.default.map(Value::from))
            }
            Domain::Int(int) => {
                let wire = v1::IntDomain {
                    min: int.min,
                    max: int.max,
                    scale: int.scale.to_wire(),
                    step: int.step,
                    ..Default::default()
                };
                (Wire::IntDomain(wire), int.default.map(Value::from))
            }
            Domain::Discrete(discrete) => {
                let values = discrete.values.iter().map(Value::to_wire).collect();
                (Wire::DiscreteDomain(v1::DiscreteDomain { values, ..Default::default() }), discrete.default.clone())
            }
            Domain::Categorical(categorical) => {
                let wire = v1::CategoricalDomain { values: categorical.values.clone(), ..Default::default() };
                (Wire::CategoricalDomain(wire), categorical.default.clone().map(Value::from))
            }
            Domain::Bool(bool) => (Wire::BoolDomain(v1::BoolDomain::default()), bool.default.map(Value::from)),
        };
        v1::Parameter {
            name: self.name.clone(),
            domain: Some(domain),
            default_value: default.as_ref().map(Value::to_wire),
            ..v1::Parameter::default()
        }
    }

    /// `None` for a domain that is newer than this client.
    fn from_wire(wire: v1::Parameter) -> Option<Self> {
        let default = wire.default_value.and_then(Value::from_wire);
        let domain = match wire.domain? {
            Wire::FloatDomain(float) => Domain::Float(Float {
                min: float.min,
                max: float.max,
                scale: scale(float.scale),
                step: float.step,
                default: default.as_ref().and_then(number),
            }),
            Wire::IntDomain(int) => Domain::Int(Int {
                min: int.min,
                max: int.max,
                scale: scale(int.scale),
                step: int.step.filter(|step| *step != 1), // every whole number, which is what no step means
                default: default.and_then(|value| if let Value::Int(value) = value { Some(value) } else { None }),
            }),
            Wire::DiscreteDomain(discrete) => Domain::Discrete(Discrete {
                values: discrete.values.into_iter().filter_map(Value::from_wire).collect(),
                default,
            }),
            Wire::CategoricalDomain(categorical) => Domain::Categorical(Categorical {
                values: categorical.values,
                default: default.and_then(|value| if let Value::Category(value) = value { Some(value) } else { None }),
            }),
            Wire::BoolDomain(_) => Domain::Bool(Bool {
                default: default.and_then(|value| if let Value::Bool(value) = value { Some(value) } else { None }),
            }),
        };
        Some(Self { name: wire.name, domain })
    }
}

fn scale(wire: i32) -> Scale {
    Scale::from_wire(wire).unwrap_or(Scale::Linear)
}

/// The contract allows an int as the default of a float.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Float(value) => Some(*value),
        #[allow(clippy::cast_precision_loss)]
        Value::Int(value) => Some(*value as f64),
        _ => None,
    }
}

pub(crate) fn to_wire(space: &[Parameter]) -> v1::SearchSpace {
    v1::SearchSpace { parameters: space.iter().map(Parameter::to_wire).collect(), ..Default::default() }
}

pub(crate) fn from_wire(space: Option<v1::SearchSpace>) -> Vec<Parameter> {
    space.unwrap_or_default().parameters.into_iter().filter_map(Parameter::from_wire).collect()
}
