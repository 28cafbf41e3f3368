//! The digits, split by row as examples/data/README.md says. The last 20 % are a test set that tuning never looks at.

use std::sync::Arc;
use std::{fs, io};

pub const PIXELS: usize = 64;
pub const CLASSES: usize = 10;
const BRIGHTEST: f64 = 16.0;

/// One image: brightnesses from 0 to 1.
pub struct Row {
    pub pixels: [f64; PIXELS],
    pub label: usize,
}

/// Clones share the rows.
#[derive(Clone)]
pub struct Dataset {
    rows: Arc<[Row]>,
}

impl Dataset {
    pub fn read(path: &str) -> io::Result<Self> {
        let text =
            fs::read_to_string(path).map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))?;
        let mut rows = Vec::new();
        for (line, record) in text.lines().enumerate().skip(1) {
            let mistake =
                || io::Error::new(io::ErrorKind::InvalidData, format!("{path}:{}: no row of digits", line + 1));
            rows.push(parse(record).ok_or_else(mistake)?);
        }
        Ok(Self { rows: rows.into() })
    }

    pub fn training(&self) -> &[Row] {
        &self.rows[..self.rows.len() * 60 / 100]
    }

    pub fn validation(&self) -> &[Row] {
        &self.rows[self.rows.len() * 60 / 100..self.rows.len() * 80 / 100]
    }
}

fn parse(record: &str) -> Option<Row> {
    let values = record.split(',').map(|text| text.parse().ok()).collect::<Option<Vec<u8>>>()?;
    let (label, pixels) = values.split_last()?;
    if pixels.len() != PIXELS || usize::from(*label) >= CLASSES {
        return None;
    }
    Some(Row { pixels: std::array::from_fn(|i| f64::from(pixels[i]) / BRIGHTEST), label: usize::from(*label) })
}
