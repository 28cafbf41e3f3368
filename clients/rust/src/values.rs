//! Values of parameters and metrics.

use std::collections::BTreeMap;
use std::ops::Index;

use crate::error::{Error, Result};
use crate::v1;
use crate::v1::parameter_value::Kind;

/// One value of a parameter: an int stays an int, and 0.1 stays 0.1.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A real number.
    Float(f64),
    /// A whole number.
    Int(i64),
    /// One of a categorical parameter's names.
    Category(String),
    /// True or false.
    Bool(bool),
}

macro_rules! from {
    ($($kind:ident: $($from:ty),+;)+) => {
        $($(impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$kind(value.into())
            }
        })+)+
    };
}

from! {
    Float: f32, f64;
    Int: i8, i16, i32, i64, u8, u16, u32;
    Category: &str, String;
    Bool: bool;
}

impl Value {
    pub(crate) fn to_wire(&self) -> v1::ParameterValue {
        let kind = match self {
            Self::Float(value) => Kind::DoubleValue(*value),
            Self::Int(value) => Kind::IntValue(*value),
            Self::Category(value) => Kind::StringValue(value.clone()),
            Self::Bool(value) => Kind::BoolValue(*value),
        };
        v1::ParameterValue { kind: Some(kind), ..Default::default() }
    }

    /// `None` for a kind that is newer than this client.
    pub(crate) fn from_wire(wire: v1::ParameterValue) -> Option<Self> {
        Some(match wire.kind? {
            Kind::DoubleValue(value) => Self::Float(value),
            Kind::IntValue(value) => Self::Int(value),
            Kind::StringValue(value) => Self::Category(value),
            Kind::BoolValue(value) => Self::Bool(value),
        })
    }
}

/// A configuration: a value for each parameter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params(BTreeMap<String, Value>);

impl Params {
    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// A number: of a float, int or discrete parameter.
    ///
    /// # Errors
    ///
    /// [`Error::WrongParameter`], of this method and the next three: the program does not know its space.
    pub fn float(&self, name: &str) -> Result<f64> {
        match self.get(name) {
            Some(Value::Float(value)) => Ok(*value),
            #[allow(clippy::cast_precision_loss)] // ints of a space are within ±2^53
            Some(Value::Int(value)) => Ok(*value as f64),
            found => Err(wrong(name, "a number", found)),
        }
    }

    /// A whole number: of an int or discrete parameter.
    pub fn int(&self, name: &str) -> Result<i64> {
        match self.get(name) {
            Some(Value::Int(value)) => Ok(*value),
            found => Err(wrong(name, "an int", found)),
        }
    }

    /// The value of a categorical parameter.
    pub fn category(&self, name: &str) -> Result<&str> {
        match self.get(name) {
            Some(Value::Category(value)) => Ok(value),
            found => Err(wrong(name, "a category", found)),
        }
    }

    /// The value of a bool parameter.
    pub fn bool(&self, name: &str) -> Result<bool> {
        match self.get(name) {
            Some(Value::Bool(value)) => Ok(*value),
            found => Err(wrong(name, "a bool", found)),
        }
    }

    pub(crate) fn to_wire(&self) -> BTreeMap<String, v1::ParameterValue> {
        self.0.iter().map(|(name, value)| (name.clone(), value.to_wire())).collect()
    }

    pub(crate) fn from_wire(wire: BTreeMap<String, v1::ParameterValue>) -> Self {
        wire.into_iter().filter_map(|(name, value)| Some((name, Value::from_wire(value)?))).collect()
    }
}

fn wrong(name: &str, wanted: &'static str, found: Option<&Value>) -> Error {
    let found = found.map_or_else(|| "there is no such parameter".to_owned(), |value| format!("{value:?}"));
    Error::WrongParameter { name: name.to_owned(), wanted, found }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Params {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl<K: Into<String>, V: Into<Value>, const N: usize> From<[(K, V); N]> for Params {
    fn from(pairs: [(K, V); N]) -> Self {
        pairs.into_iter().collect()
    }
}

/// A measured value. NaN and infinities are for the server to refuse, in the same words everywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Metric {
    /// The value.
    pub value: f64,
    /// Its standard error, where that is known.
    pub standard_error: Option<f64>,
}

impl Metric {
    /// A value whose standard error is known.
    pub fn with_error(value: f64, standard_error: f64) -> Self {
        Self { value, standard_error: Some(standard_error) }
    }
}

impl From<f64> for Metric {
    fn from(value: f64) -> Self {
        Self { value, standard_error: None }
    }
}

impl From<f32> for Metric {
    fn from(value: f32) -> Self {
        f64::from(value).into()
    }
}

/// Measured values by name: `[("val_loss", 0.3)]` is taken wherever metrics are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics(BTreeMap<String, Metric>);

impl Metrics {
    /// No metrics.
    pub fn new() -> Self {
        Self::default()
    }

    /// A metric by its name; `metrics["val_loss"]` is its value.
    pub fn get(&self, name: &str) -> Option<&Metric> {
        self.0.get(name)
    }

    /// Names and metrics, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Metric)> {
        self.0.iter().map(|(name, metric)| (name.as_str(), metric))
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn to_wire(&self) -> BTreeMap<String, v1::Metric> {
        let encoded = |metric: &Metric| v1::Metric {
            value: metric.value,
            standard_error: metric.standard_error,
            ..Default::default()
        };
        self.0.iter().map(|(name, metric)| (name.clone(), encoded(metric))).collect()
    }

    pub(crate) fn from_wire(wire: BTreeMap<String, v1::Metric>) -> Self {
        let decoded = |metric: v1::Metric| Metric { value: metric.value, standard_error: metric.standard_error };
        Self(wire.into_iter().map(|(name, metric)| (name, decoded(metric))).collect())
    }
}

/// Panics, as a map does, when there is no metric of that name.
impl Index<&str> for Metrics {
    type Output = f64;

    fn index(&self, name: &str) -> &f64 {
        &self.0[name].value
    }
}

impl<K: Into<String>, V: Into<Metric>> FromIterator<(K, V)> for Metrics {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, metric)| (name.into(), metric.into())).collect())
    }
}

impl<K: Into<String>, V: Into<Metric>, const N: usize> From<[(K, V); N]> for Metrics {
    fn from(pairs: [(K, V); N]) -> Self {
        pairs.into_iter().collect()
    }
}
