//! Settings of a process: built-in defaults < `--config FILE` (TOML) < environment < flags.
//!
//! The built-in defaults, `settings/defaults.toml`, are the reference: a key that is missing there does not exist. All mistakes are
//! reported at once, each with its key and its origin.

mod reader;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use config::{Config, Environment, File, FileFormat, Map, Value, ValueKind};
use url::Url;

pub use reader::Reader;

/// The built-in defaults, with a comment for each key.
pub const DEFAULTS: &str = include_str!("settings/defaults.toml");

/// The prefix of environment variables that are settings.
const PREFIX: &str = "XTSYNC";

/// What separates the parts of a variable's name.
const SEPARATOR: &str = "__";

/// The keys whose URLs may carry a password.
const URLS: [&str; 2] = ["bus", "store"];

/// The sources of settings besides the defaults.
#[derive(Debug, Default)]
pub struct Sources {
    /// The file of `--config`.
    pub file: Option<PathBuf>,
    /// The environment; only variables with the prefix of settings count.
    pub environment: BTreeMap<String, String>,
    /// The flags, by key.
    pub flags: BTreeMap<&'static str, Flag>,
}

/// The value of a flag.
#[derive(Debug, Clone)]
pub enum Flag {
    /// One value.
    One(String),
    /// The values of a flag that may be repeated.
    Many(Vec<String>),
}

/// All mistakes in the settings, one per line.
#[derive(Debug, PartialEq, Eq)]
pub struct Faults(Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings cannot be used:")?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for Faults {}

/// The settings in force: every key of the defaults, with the value of the source that overrides the others.
#[derive(Debug)]
pub struct Settings {
    values: BTreeMap<String, Value>,
}

impl Settings {
    /// Reads all sources.
    ///
    /// # Errors
    /// When a file cannot be read or is not TOML, and for each key that does not exist.
    pub fn load(sources: Sources) -> Result<Self, Faults> {
        let defaults = File::from_str(DEFAULTS, FileFormat::Toml);
        let known = flat(&Config::builder().add_source(defaults.clone()).build().expect("the built-in defaults are TOML"));
        let known: BTreeSet<String> = known.into_keys().collect();
        let variables: Map<String, String> = sources.environment.into_iter().filter(|(name, _)| is_setting(name)).collect();
        let mut faults: Vec<String> = unknown_variables(&variables, &known);
        let mut builder = Config::builder().add_source(defaults);
        if let Some(file) = &sources.file {
            builder = builder.add_source(File::from(file.as_path()).format(FileFormat::Toml).required(true));
        }
        let known_variables = variables.into_iter().filter(|(name, _)| known.contains(&key_of(name))).collect();
        let environment = Environment::with_prefix(PREFIX).prefix_separator(SEPARATOR).separator(SEPARATOR).source(Some(known_variables));
        builder = builder.add_source(environment);
        for (key, flag) in sources.flags {
            let value = match flag {
                Flag::One(text) => Value::new(Some(&"a flag".to_owned()), text),
                Flag::Many(texts) => Value::new(Some(&"a flag".to_owned()), texts),
            };
            builder = builder.set_override(key, value).expect("keys of flags are paths");
        }
        let merged = builder.build().map_err(|error| Faults(vec![error.to_string()]))?;
        let values = flat(&merged);
        let file = sources.file.as_deref().unwrap_or(Path::new("")).display();
        faults.extend(values.keys().filter(|key| !known.contains(*key)).map(|key| format!("{key}: there is no such setting (in {file})")));
        if faults.is_empty() { Ok(Self { values }) } else { Err(Faults(faults)) }
    }

    /// Reads values by their keys; see [`Reader::finish`].
    #[must_use]
    pub fn reader(&self) -> Reader<'_> {
        Reader::new(&self.values)
    }

    /// The settings as TOML, passwords in URLs hidden.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let (mut text, mut table) = (String::new(), "");
        // Keys without a table come first: in TOML the rest of the file belongs to the last table.
        let mut keys: Vec<&String> = self.values.keys().collect();
        keys.sort_by_key(|key| (key.contains('.'), *key));
        for key in keys {
            let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
            if section != table {
                write!(text, "\n[{section}]\n").expect("writing to a string does not fail");
                table = section;
            }
            writeln!(text, "{name} = {}", literal(key, &self.values[key])).expect("writing to a string does not fail");
        }
        text
    }
}

/// Whether an environment variable is a setting.
fn is_setting(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|rest| rest.starts_with(SEPARATOR))
}

/// The key that an environment variable sets.
fn key_of(variable: &str) -> String {
    variable[PREFIX.len() + SEPARATOR.len()..].to_lowercase().replace(SEPARATOR, ".")
}

fn unknown_variables(variables: &Map<String, String>, known: &BTreeSet<String>) -> Vec<String> {
    let mut names: Vec<&String> = variables.keys().filter(|name| !known.contains(&key_of(name))).collect();
    names.sort();
    names.into_iter().map(|name| format!("{}: there is no such setting (the environment variable {name})", key_of(name))).collect()
}

/// All values by their keys, tables joined by dots.
fn flat(config: &Config) -> BTreeMap<String, Value> {
    fn walk(prefix: &str, value: &Value, into: &mut BTreeMap<String, Value>) {
        match &value.kind {
            ValueKind::Table(table) => {
                for (name, value) in table {
                    let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                    walk(&key, value, into);
                }
            }
            _ => drop(into.insert(prefix.to_owned(), value.clone())),
        }
    }
    let mut values = BTreeMap::new();
    walk("", &config.cache, &mut values);
    values
}

/// A value in TOML syntax. JSON's strings, numbers and arrays are TOML's.
fn literal(key: &str, value: &Value) -> String {
    match &value.kind {
        ValueKind::Array(values) => format!("[{}]", values.iter().map(|value| literal(key, value)).collect::<Vec<_>>().join(", ")),
        ValueKind::String(text) if URLS.contains(&key) => quoted(&without_password(text)),
        ValueKind::String(text) => quoted(text),
        _ => value.to_string(),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A URL without its password. A text with an `@` that is no URL is hidden as a whole.
fn without_password(text: &str) -> String {
    match Url::parse(text) {
        Ok(mut url) if url.password().is_some() => match url.set_password(Some("hidden")) {
            Ok(()) => url.into(),
            Err(()) => "hidden".to_owned(),
        },
        Err(_) if text.contains('@') => "hidden".to_owned(),
        Ok(_) | Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: Option<&str>, environment: &[(&str, &str)], flags: &[(&'static str, &str)]) -> Result<Settings, Faults> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("xtsync.toml");
        file.iter().for_each(|text| std::fs::write(&path, text).unwrap());
        Settings::load(Sources {
            file: file.map(|_| path.clone()),
            environment: environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            flags: flags.iter().map(|(key, value)| (*key, Flag::One((*value).to_owned()))).collect(),
        })
        .map_err(|Faults(faults)| Faults(faults.into_iter().map(|fault| fault.replace(&path.display().to_string(), "FILE")).collect()))
    }

    #[test]
    fn a_flag_overrides_the_environment_which_overrides_the_file_which_overrides_the_defaults() {
        let file = "lease_ttl = '1s'\n[change_detector]\npoll = '1s'\nfull_cycle_every = '1s'\n";
        let environment =
            [("XTSYNC__CHANGE_DETECTOR__POLL", "2s"), ("XTSYNC__CHANGE_DETECTOR__FULL_CYCLE_EVERY", "2s"), ("XTSYNC_LOG", "x")];
        let settings = load(Some(file), &environment, &[("change_detector.full_cycle_every", "3s")]).unwrap();
        let mut reader = settings.reader();
        let got = ["republish_every", "lease_ttl", "change_detector.poll", "change_detector.full_cycle_every"]
            .map(|key| reader.duration(key).as_secs());
        assert_eq!(got, [24 * 60 * 60, 1, 2, 3]);
        reader.finish().unwrap();
    }

    #[test]
    fn every_unknown_key_is_reported_at_once() {
        let Faults(faults) = load(Some("pol = '1s'\n[provisioner]\npoll = '1s'\nx = 1\n"), &[("XTSYNC__A__B", "1")], &[]).unwrap_err();
        let want = [
            "a.b: there is no such setting (the environment variable XTSYNC__A__B)",
            "pol: there is no such setting (in FILE)",
            "provisioner.x: there is no such setting (in FILE)",
        ];
        assert_eq!(faults, want);
    }

    #[test]
    fn every_wrong_value_is_reported_at_once_with_its_key_and_source() {
        let file = "lease_ttl = 3\ndata_dir = 'http://x'\n[provisioner]\nin_flight_max = -1\n[control]\nlisten = ''\n";
        let settings = load(Some(file), &[("XTSYNC__PROVISIONER__POLL", "0s")], &[("change_detector.notify_listen", "here")]).unwrap();
        let mut reader = settings.reader();
        reader.positive("lease_ttl");
        reader.path("data_dir");
        reader.count("provisioner.in_flight_max");
        reader.address("control.listen");
        reader.positive("provisioner.poll");
        reader.optional_address("change_detector.notify_listen");
        let keys: Vec<String> = reader.finish().unwrap_err().0.iter().map(|fault| fault.split(':').next().unwrap().to_owned()).collect();
        let want =
            ["lease_ttl", "data_dir", "provisioner.in_flight_max", "control.listen", "provisioner.poll", "change_detector.notify_listen"];
        assert_eq!(keys, want);
    }

    #[test]
    fn what_is_printed_reads_back_and_hides_passwords() {
        let settings = load(None, &[("XTSYNC__STORE", "postgres://x:secret@db/x"), ("XTSYNC__ALLOW_HOSTS", "a,b")], &[]).unwrap();
        let printed = settings.to_toml();
        assert!(printed.contains("store = \"postgres://x:hidden@db/x\"") && !printed.contains("secret\""), "{printed}");
        assert!(load(Some(&printed), &[], &[]).is_ok(), "{printed}");
    }

    #[test]
    fn an_empty_file_a_missing_file_and_one_that_is_no_toml() {
        assert!(load(Some(""), &[], &[]).is_ok());
        assert!(load(Some("poll = "), &[], &[]).is_err());
        let missing = Sources { file: Some("/nowhere/xtsync.toml".into()), ..Sources::default() };
        assert!(Settings::load(missing).unwrap_err().to_string().contains("/nowhere/xtsync.toml"));
    }
}
