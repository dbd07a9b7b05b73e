//! How many requests of each kind were made. Items of a `$batch` count one by one.

use std::collections::BTreeMap;

use axum::http::Method;
use parking_lot::{Mutex, MutexGuard};
use uuid::Uuid;

/// How many different (method, path template) pairs are counted; further ones are counted together.
const TEMPLATES_MAX: usize = 1_000;

/// The counts by (method, path template).
#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<BTreeMap<(String, String), u64>>);

impl Counts {
    pub(crate) fn note(&self, method: &Method, path: &str) {
        let key = (method.to_string(), template(path));
        let mut counts = self.counts();
        let key = if counts.len() < TEMPLATES_MAX || counts.contains_key(&key) { key } else { Default::default() };
        *counts.entry(key).or_default() += 1;
    }

    pub(crate) fn of(&self, method: &str, template: &str) -> u64 {
        self.counts().get(&(method.to_owned(), template.to_owned())).copied().unwrap_or(0)
    }

    pub(crate) fn all(&self) -> BTreeMap<(String, String), u64> {
        self.counts().clone()
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<(String, String), u64>> {
        self.0.lock()
    }
}

/// The path with `{id}` for everything that names one object, so that requests of one kind are counted together.
pub(crate) fn template(path: &str) -> String {
    let keyed = |segment: &str| Uuid::try_parse(segment).is_ok() || segment.contains(['@', '%']);
    let segments = path.split('/').map(|segment| if keyed(segment) { "{id}" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}
