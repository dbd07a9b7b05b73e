//! The entries of a file of tests: what each tests follows from its fields.

use std::path::Path;

use anyhow::{Context as _, bail};
use clap::ValueEnum as _;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::expression::ExpressionTest;
use super::filter::{FilterTest, OperatorTest};
use super::outcome::Outcome;
use super::scoping;
use super::synchronization::{Configurations, SynchronizationTest};

/// What an entry tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Kind {
    /// The value of an expression
    Expressions,
    /// Which users a scoping filter lets pass
    Scoping,
    /// What a synchronization decides
    Synchronizations,
}

/// One entry.
#[derive(Debug)]
pub(super) enum Entry {
    Expression(ExpressionTest),
    Filter(FilterTest),
    Operator(OperatorTest),
    /// An attribute that no filter may test.
    Unsupported(String),
    Synchronization(Box<SynchronizationTest>),
}

impl Entry {
    /// The entries of a file, each with its place.
    ///
    /// # Errors
    /// If the file is neither a list nor a document of scoping operators.
    pub(super) fn all(json: Json) -> anyhow::Result<Vec<(String, anyhow::Result<Self>)>> {
        match json {
            Json::Array(entries) => Ok((1..).map(|at: usize| at.to_string()).zip(entries.into_iter().map(Self::of)).collect()),
            Json::Object(_) => Ok(read::<scoping::Document>(json)?.entries().map(|(place, entry)| (place, Ok(entry))).collect()),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {
                bail!("a list of tests is expected, or an object with `operators`")
            }
        }
    }

    /// The entry of fields.
    fn of(json: Json) -> anyhow::Result<Self> {
        let has = |field: &str| json.get(field).is_some();
        if has("expression") {
            read(json).map(Self::Expression)
        } else if has("synchronization") {
            read(json).map(|test| Self::Synchronization(Box::new(test)))
        } else if has("filter") {
            read(json).map(Self::Filter)
        } else if has("clause") {
            read(json).map(Self::Operator)
        } else if has("rule") {
            bail!("rules of dynamic groups cannot be tested yet")
        } else {
            bail!("one of `expression`, `filter`, `clause` and `synchronization` is needed")
        }
    }

    /// The same if it is of a kind.
    pub(super) fn of_kind(self, kind: Option<Kind>) -> anyhow::Result<Self> {
        let is = match self {
            Self::Expression(_) => Kind::Expressions,
            Self::Filter(_) | Self::Operator(_) | Self::Unsupported(_) => Kind::Scoping,
            Self::Synchronization(_) => Kind::Synchronizations,
        };
        if kind.is_none_or(|kind| kind == is) {
            Ok(self)
        } else {
            bail!("it is of another kind: {}", is.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned()))
        }
    }

    /// Runs its tests. Files that it names are relative to the folder of the file of tests.
    pub(super) fn run(self, folder: &Path, configurations: &mut Configurations) -> Vec<Outcome> {
        match self {
            Self::Expression(test) => vec![test.run()],
            Self::Filter(test) => test.run(),
            Self::Operator(test) => test.run(),
            Self::Unsupported(text) => scoping::unsupported(&text),
            Self::Synchronization(test) => vec![test.run(folder, configurations)],
        }
    }
}

/// Fields as a test; the error names the field.
fn read<T: DeserializeOwned>(json: Json) -> anyhow::Result<T> {
    serde_path_to_error::deserialize(json).map_err(|error| anyhow::anyhow!("{}", error.into_inner())).context("a field is wrong")
}
