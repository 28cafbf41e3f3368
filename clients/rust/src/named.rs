//! Values by name, as programs write them and as they read them.

use std::collections::BTreeMap;
use std::fmt;

use crate::error::{Error, Result};
use crate::v1;
use crate::v1::parameter_value::Kind;

/// Values by name: every collection of pairs, such as `[("val_loss", 0.3)]`, a vector or a map.
pub trait Named<T> {
    /// The values in a map, as messages have them.
    fn into_map(self) -> BTreeMap<String, T>;
}

impl<T, K: Into<String>, V: Into<T>, I: IntoIterator<Item = (K, V)>> Named<T> for I {
    fn into_map(self) -> BTreeMap<String, T> {
        self.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
    }
}

/// For calls that may go without metrics: `trial.fail("diverged", NO_METRICS)`.
pub const NO_METRICS: [(&str, f64); 0] = [];

macro_rules! values {
    ($($kind:ident: $($from:ty),+;)+) => {
        $($(impl From<$from> for v1::ParameterValue {
            fn from(value: $from) -> Self {
                Self { kind: Some(Kind::$kind(value.into())), ..Self::default() }
            }
        })+)+
    };
}

values! {
    DoubleValue: f32, f64;
    IntValue: i8, i16, i32, i64, u8, u16, u32;
    StringValue: &str, String;
    BoolValue: bool;
}

/// A configuration with its derived parameters, read by programs that know its space. It is a view of the maps that messages have.
///
/// ```
/// use asktell::v1;
///
/// let suggestion = v1::Suggestion { parameters: [("lr".to_owned(), 0.1.into())].into(), ..Default::default() };
/// assert_eq!(suggestion.params().float("lr")?, 0.1);
/// # Ok::<(), asktell::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq)]
pub struct Params<'a> {
    parameters: &'a BTreeMap<String, v1::ParameterValue>,
    derived: Option<&'a BTreeMap<String, v1::ParameterValue>>,
}

/// The values of any map that messages have.
impl<'a> From<&'a BTreeMap<String, v1::ParameterValue>> for Params<'a> {
    fn from(parameters: &'a BTreeMap<String, v1::ParameterValue>) -> Self {
        Self { parameters, derived: None }
    }
}

macro_rules! configurations {
    ($($message:ident),+) => {
        $(impl v1::$message {
            /// The configuration, with its derived parameters.
            pub fn params(&self) -> Params<'_> {
                Params { parameters: &self.parameters, derived: Some(&self.derived_parameters) }
            }
        })+
    };
}

configurations!(Trial, Suggestion);

impl<'a> Params<'a> {
    /// The names and values, derived parameters last.
    pub fn iter(self) -> impl Iterator<Item = (&'a String, &'a v1::ParameterValue)> {
        self.parameters.iter().chain(self.derived.into_iter().flatten())
    }

    /// A number, of a float, int or discrete parameter.
    ///
    /// # Errors
    ///
    /// [`Error::WrongParameter`], here and in the next three methods: there is no such parameter, or it is of another
    /// kind.
    pub fn float(self, name: &str) -> Result<f64> {
        match self.kind(name) {
            Some(Kind::DoubleValue(value)) => Ok(*value),
            #[allow(clippy::cast_precision_loss)] // ints of a space are within ±2^53
            Some(Kind::IntValue(value)) => Ok(*value as f64),
            _ => Err(self.wrong(name, "a number")),
        }
    }

    /// A whole number, of an int or discrete parameter.
    pub fn int(self, name: &str) -> Result<i64> {
        match self.kind(name) {
            Some(Kind::IntValue(value)) => Ok(*value),
            _ => Err(self.wrong(name, "an int")),
        }
    }

    /// The value of a categorical parameter.
    pub fn string(self, name: &str) -> Result<&'a str> {
        match self.kind(name) {
            Some(Kind::StringValue(value)) => Ok(value),
            _ => Err(self.wrong(name, "a string")),
        }
    }

    /// The value of a bool parameter.
    pub fn bool(self, name: &str) -> Result<bool> {
        match self.kind(name) {
            Some(Kind::BoolValue(value)) => Ok(*value),
            _ => Err(self.wrong(name, "a bool")),
        }
    }

    fn kind(self, name: &str) -> Option<&'a Kind> {
        self.parameters.get(name).or_else(|| self.derived?.get(name))?.kind.as_ref()
    }

    fn wrong(self, name: &str, wanted: &'static str) -> Error {
        let found = self.kind(name).map_or_else(|| "there is no such parameter".to_owned(), |kind| format!("{kind:?}"));
        Error::WrongParameter { name: name.to_owned(), wanted, found }
    }
}

impl fmt::Debug for Params<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().filter_map(|(name, value)| Some((name, value.kind.as_ref()?)))).finish()
    }
}
