//! Typed access to YAML: every complaint names the place and what should be there.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::{Read, StudyFileError};
use crate::yaml::{Content, Node};

/// A place in a study file.
#[derive(Clone, Debug)]
pub(super) struct Field {
    node: Node,
    /// The keys that lead to it.
    path: String,
}

/// The entries of a mapping, in the file's order.
#[derive(Default)]
pub(super) struct Fields {
    entries: Vec<(String, Field)>,
}

impl Field {
    pub(super) fn root(node: Node) -> Self {
        Self { node, path: String::new() }
    }

    pub(super) fn mistake(&self, message: impl Into<String>) -> StudyFileError {
        self.node.mistake(&self.path, message)
    }

    pub(super) fn is_mapping(&self) -> bool {
        matches!(self.node.content, Content::Mapping(_))
    }

    /// Refuses keys that are not known (`None` = all are), come twice, or are required and missing.
    pub(super) fn mapping(&self, known: Option<&[&str]>, required: &[&str]) -> Read<Fields> {
        let Content::Mapping(entries) = &self.node.content else {
            return Err(self.mistake(format!("must be a mapping (key: value), got {}", self.node.shown())));
        };
        let mut found = Fields::default();
        for (key_node, value) in entries {
            let place = Self { node: key_node.clone(), path: self.path.clone() };
            let key = place.text()?;
            let path = if self.path.is_empty() { key.clone() } else { format!("{}.{key}", self.path) };
            if found.get(&key).is_some() {
                return Err(key_node.mistake(&path, "stands here twice"));
            }
            if let Some(known) = known.filter(|known| !known.contains(&key.as_str())) {
                return Err(place.mistake(format!("unknown key {key:?}; known are {}", known.join(", "))));
            }
            found.entries.push((key, Self { node: value.clone(), path }));
        }
        match required.iter().find(|key| found.get(key).is_none()) {
            Some(missing) => Err(self.mistake(format!("{missing} is missing"))),
            None => Ok(found),
        }
    }

    pub(super) fn items(&self) -> Read<Vec<Self>> {
        let Content::List(items) = &self.node.content else {
            return Err(self.mistake(format!("must be a list, got {}", self.node.shown())));
        };
        let item = |(i, node): (usize, &Node)| Self { node: node.clone(), path: format!("{}[{i}]", self.path) };
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// A plain word is a string even where YAML takes it for a bool, as in [on, off].
    pub(super) fn text(&self) -> Read<String> {
        let (text, plain) = self.scalar("a string")?;
        if plain && (is_whole(text) || is_real(text)) {
            return Err(
                self.mistake(format!("must be a string, got the number {text}; write {text:?} if you mean the text"))
            );
        }
        Ok(text.to_owned())
    }

    pub(super) fn texts(&self) -> Read<BTreeMap<String, String>> {
        let pairs = self.mapping(None, &[])?.each(|key, value| Ok((key.to_owned(), value.text()?)))?;
        Ok(pairs.into_iter().collect())
    }

    pub(super) fn is_integer(&self) -> bool {
        matches!(&self.node.content, Content::Scalar { text, plain: true } if is_whole(text))
    }

    pub(super) fn integer(&self) -> Read<i64> {
        let (text, _) = self.scalar("a whole number")?;
        if !self.is_integer() {
            return Err(self.mistake(format!("must be a whole number, got {}", self.node.shown())));
        }
        text.replace('_', "").parse().map_err(|_| self.mistake(format!("must fit 64 bits, got {text}")))
    }

    pub(super) fn count(&self) -> Read<u32> {
        let whole = self.integer()?;
        u32::try_from(whole).map_err(|_| self.mistake(format!("must be a count, got {whole}")))
    }

    /// 1e-5 is a number, though YAML 1.1 takes it for a string.
    pub(super) fn number(&self) -> Read<f64> {
        let (text, plain) = self.scalar("a number")?;
        if !plain || !(is_whole(text) || is_real(text)) {
            return Err(self.mistake(format!("must be a number, got {}", self.node.shown())));
        }
        let real = text.replace('_', "").parse().ok().filter(|real: &f64| real.is_finite());
        real.ok_or_else(|| self.mistake(format!("must fit a double, got {text}")))
    }

    /// Zero means for ever, as on the wire.
    pub(super) fn seconds(&self) -> Read<Duration> {
        let seconds = self.number()?;
        Duration::try_from_secs_f64(seconds).map_err(|error| self.mistake(format!("{error}, got {seconds} s")))
    }

    pub(super) fn boolean(&self) -> Read<bool> {
        let (text, plain) = self.scalar("true or false")?;
        match text.to_lowercase().as_str() {
            "true" | "yes" | "on" if plain => Ok(true),
            "false" | "no" | "off" if plain => Ok(false),
            _ => Err(self.mistake(format!("must be true or false, got {}", self.node.shown()))),
        }
    }

    pub(super) fn choice<'a>(&self, allowed: &[&'a str]) -> Read<&'a str> {
        let (text, _) = self.scalar(&format!("one of {}", allowed.join(", ")))?;
        let found = allowed.iter().find(|word| **word == text);
        found.copied().ok_or_else(|| self.mistake(format!("must be one of {}, got {text:?}", allowed.join(", "))))
    }

    pub(super) fn one_of<T: Copy>(&self, allowed: &[T], name: impl Fn(T) -> &'static str) -> Read<T> {
        let names: Vec<_> = allowed.iter().map(|value| name(*value)).collect();
        let chosen = self.choice(&names)?;
        Ok(allowed[names.iter().position(|name| *name == chosen).unwrap_or_default()])
    }

    pub(super) fn time(&self) -> Read<SystemTime> {
        let (text, _) = self.scalar("a time")?;
        let wrong = || self.mistake(format!("must be a time with its zone, as in 2026-12-01T12:00:00Z, got {text:?}"));
        // The parser takes a time without a zone for one in UTC.
        let clock =
            text.get("2026-12-01".len()..).filter(|clock| clock.ends_with(['Z', 'z']) || clock.contains(['+', '-']));
        let parsed = clock.and_then(|_| text.parse::<prost_types::Timestamp>().ok());
        parsed.and_then(|time| time.try_into().ok()).ok_or_else(wrong)
    }

    fn scalar(&self, wanted: &str) -> Read<(&str, bool)> {
        match &self.node.content {
            Content::Scalar { text, plain } if !(*plain && matches!(text.as_str(), "" | "~" | "null")) => {
                Ok((text, *plain))
            }
            Content::Scalar { plain: true, .. } => Err(self.mistake(format!("must be {wanted}, got nothing"))),
            _ => Err(self.mistake(format!("must be {wanted}, got {}", self.node.shown()))),
        }
    }
}

impl Fields {
    pub(super) fn get(&self, key: &str) -> Option<&Field> {
        self.entries.iter().find(|(name, _)| name == key).map(|(_, field)| field)
    }

    /// For keys that `mapping` has required.
    pub(super) fn must(&self, key: &str) -> Read<&Field> {
        let missing =
            || StudyFileError { file: String::new(), line: 0, column: 0, message: format!("{key} is missing") };
        self.get(key).ok_or_else(missing)
    }

    pub(super) fn only(&self) -> Option<(&str, &Field)> {
        match self.entries.as_slice() {
            [(key, value)] => Some((key, value)),
            _ => None,
        }
    }

    pub(super) fn part(&self, key: &str, known: &[&str]) -> Read<Self> {
        self.get(key).map_or_else(|| Ok(Self::default()), |field| field.mapping(Some(known), &[]))
    }

    pub(super) fn optional<T>(&self, key: &str, read: impl Fn(&Field) -> Read<T>) -> Read<Option<T>> {
        self.get(key).map(read).transpose()
    }

    /// `target` with `key`'s value set, if it is there.
    pub(super) fn apply<T, V>(
        &self,
        key: &str,
        read: impl Fn(&Field) -> Read<V>,
        target: T,
        set: impl Fn(T, V) -> T,
    ) -> Read<T> {
        Ok(match self.optional(key, read)? {
            Some(value) => set(target, value),
            None => target,
        })
    }

    pub(super) fn each<T>(&self, read: impl Fn(&str, &Field) -> Read<T>) -> Read<Vec<T>> {
        self.entries.iter().map(|(key, field)| read(key, field)).collect()
    }
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `1_000` is a number, as in the other clients; `_1` is not.
fn is_grouped(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
}

fn is_whole(text: &str) -> bool {
    is_grouped(unsigned(text))
}

fn is_real(text: &str) -> bool {
    let text = unsigned(text);
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(left, right)| (left, Some(right)));
    let sound = match mantissa.split_once('.') {
        None => is_grouped(mantissa) && !mantissa.ends_with('_'),
        Some((whole, "")) => is_grouped(whole),
        Some((whole, part)) => (whole.is_empty() || is_grouped(whole)) && is_digits(part),
    };
    sound && exponent.is_none_or(|exponent| is_digits(unsigned(exponent)))
}
