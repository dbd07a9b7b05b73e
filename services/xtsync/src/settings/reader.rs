//! Reads settings as values of their types.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use config::{Value, ValueKind};
use xtsync_domain::duration;
use xtsync_runtime::private::is_url;

use super::Faults;

/// Reads settings as typed values, and collects mistakes.
#[derive(Debug)]
pub struct Reader<'a> {
    values: &'a BTreeMap<String, Value>,
    faults: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(values: &'a BTreeMap<String, Value>) -> Self {
        Self { values, faults: Vec::new() }
    }

    /// A text; empty where it is not set.
    pub fn text(&mut self, key: &str) -> String {
        let value = &self.values[key];
        match &value.kind {
            ValueKind::String(text) => text.clone(),
            ValueKind::Array(_) | ValueKind::Table(_) | ValueKind::Nil => self.fault(key, "it must be a text"),
            _ => self.fault(key, "it must be a text: put it in quotes"),
        }
    }

    /// A text that may be left empty.
    pub fn optional(&mut self, key: &str) -> Option<String> {
        Some(self.text(key)).filter(|text| !text.is_empty())
    }

    /// Texts: an array, or one text with commas, as an environment variable has it.
    pub fn texts(&mut self, key: &str) -> Vec<String> {
        match &self.values[key].kind {
            ValueKind::Array(values) => values.iter().map(ToString::to_string).collect(),
            _ => self.text(key).split(',').map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect(),
        }
    }

    /// A text that `parse` converts.
    pub fn parsed<T: Default>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> T {
        let text = self.text(key);
        parse(&text).unwrap_or_else(|error| self.fault(key, &error))
    }

    /// A duration.
    pub fn duration(&mut self, key: &str) -> Duration {
        self.parsed(key, duration::parse)
    }

    /// A duration longer than zero.
    pub fn positive(&mut self, key: &str) -> Duration {
        self.parsed(key, duration::parse_positive)
    }

    /// A path. A URL is a mistake, not a folder to create.
    pub fn path(&mut self, key: &str) -> PathBuf {
        self.parsed(key, |text| if is_url(text) { Err("it is a URL, not a path".to_owned()) } else { Ok(text.into()) })
    }

    /// A path that may be left empty.
    pub fn optional_path(&mut self, key: &str) -> Option<PathBuf> {
        Some(self.path(key)).filter(|path| !path.as_os_str().is_empty())
    }

    /// An address that may be left empty.
    pub fn optional_address(&mut self, key: &str) -> Option<SocketAddr> {
        let text = self.optional(key)?;
        let address = text.parse().map_err(|_| format!("'{text}' is not an address: write it as 127.0.0.1:8600"));
        address.map_err(|error| self.fault::<()>(key, &error)).ok()
    }

    /// An address.
    pub fn address(&mut self, key: &str) -> SocketAddr {
        let faults = self.faults.len();
        let address = self.optional_address(key);
        if address.is_none() && self.faults.len() == faults {
            self.fault::<()>(key, "it must be an address, such as 127.0.0.1:8600");
        }
        address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// A whole number of at least one.
    pub fn count(&mut self, key: &str) -> usize {
        let number = match &self.values[key].kind {
            ValueKind::I64(number) => usize::try_from(*number).ok(),
            ValueKind::String(text) => text.parse().ok(),
            _ => None,
        };
        number.filter(|number| *number > 0).unwrap_or_else(|| self.fault(key, "it must be a whole number of at least 1"))
    }

    /// Records the first mistake of a key; later ones are dropped.
    pub fn fault<T: Default>(&mut self, key: &str, what: &str) -> T {
        if self.faults.iter().any(|fault| fault.split_once(':').is_some_and(|(known, _)| known == key)) {
            return T::default();
        }
        let origin = self.values[key].origin().unwrap_or("the defaults");
        self.faults.push(format!("{key}: {what} (set by {origin})"));
        T::default()
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// All mistakes that were recorded.
    pub fn finish(self) -> Result<(), Faults> {
        if self.faults.is_empty() { Ok(()) } else { Err(Faults(self.faults)) }
    }
}
