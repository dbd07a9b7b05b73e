//! The directory extensions of users that a target has registered, the anchor among them.
//!
//! The anchor is `extension_{app}_xtsyncAnchor`, registered once in the target by an operator (pitfall R5). Without it nothing that we make
//! could be distinguished from objects of others, so nothing is done.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::Mutex;
use xtsync_directory::{Error, Result};
use xtsync_domain::Attributes;

use super::extensions::{self, Kinds, Property};
use super::http::Http;

/// What the anchor's name ends in; in between is the id of the application that registered it.
const SUFFIX: &str = "_xtsyncAnchor";
/// What every extension's name begins with.
const PREFIX: &str = "extension_";
/// Further extensions that are read with a user; a query has room for about so many.
const EXTENSIONS_MAX: usize = 50;

/// The extensions of users in one target.
#[derive(Debug)]
pub(super) struct Extensions {
    /// The anchor's full name.
    pub(super) anchor: String,
    /// The others that are read; first those that are written.
    pub(super) others: Vec<String>,
    /// What they hold.
    pub(super) kinds: Kinds,
}

/// The extensions as they were read last. They are read at the first need of them, and anew where one is written that they lack: it may have
/// been registered since.
#[derive(Debug, Default)]
pub(super) struct KnownExtensions(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    read: Option<Arc<Extensions>>,
    /// The extensions that were written.
    written: BTreeSet<String>,
}

impl KnownExtensions {
    /// The extensions.
    pub(super) async fn get(&self, http: &Http) -> Result<Arc<Extensions>> {
        self.0.lock().await.get(http).await
    }

    /// Likewise, where these attributes are to be written.
    pub(super) async fn get_to_write(&self, http: &Http, attributes: &Attributes) -> Result<Arc<Extensions>> {
        let mut state = self.0.lock().await;
        let names = attributes.iter().map(|(name, _)| name).filter(|name| name.starts_with(PREFIX));
        let news: Vec<String> = names.filter(|name| !state.written.contains(*name)).map(str::to_owned).collect();
        if state.read.as_ref().is_some_and(|read| news.iter().any(|name| !read.others.contains(name))) {
            state.read = None;
        }
        state.written.extend(news);
        state.get(http).await
    }
}

impl State {
    async fn get(&mut self, http: &Http) -> Result<Arc<Extensions>> {
        if let Some(read) = &self.read {
            return Ok(read.clone());
        }
        let read = Arc::new(choose(&extensions::list(http).await?, &self.written)?);
        self.read = Some(read.clone());
        Ok(read)
    }
}

fn choose(listed: &[Property], written: &BTreeSet<String>) -> Result<Extensions> {
    let names = listed.iter().map(|property| property.name.clone());
    let (anchors, mut others): (Vec<_>, Vec<_>) = names.partition(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
    others.sort_by_key(|name| !written.contains(name));
    others.truncate(EXTENSIONS_MAX);
    let unprepared = |code: &str| Err(Error::Forbidden { code: code.into() });
    match <[String; 1]>::try_from(anchors) {
        Ok([anchor]) => Ok(Extensions { anchor, others, kinds: extensions::kinds(listed) }),
        Err(none) if none.is_empty() => unprepared("anchor_not_registered"),
        Err(_) => unprepared("anchor_registered_twice"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(names: &[&str]) -> Vec<Property> {
        serde_json::from_value(names.iter().map(|name| serde_json::json!({"name": name})).collect()).unwrap()
    }

    #[test]
    fn the_anchor_is_registered_once_or_nothing_is_done() {
        for (names, want) in [
            (vec!["extension_1_xtsyncAnchor", "extension_1_cost"], Ok("extension_1_xtsyncAnchor")),
            (vec!["extension_1_cost"], Err("anchor_not_registered")),
            (vec![], Err("anchor_not_registered")),
            (vec!["extension_1_xtsyncAnchor", "extension_2_xtsyncAnchor"], Err("anchor_registered_twice")),
        ] {
            let chosen = choose(&listed(&names), &BTreeSet::new());
            let want = want.map(str::to_owned).map_err(|code| Error::Forbidden { code: code.into() });
            assert_eq!(chosen.map(|extensions| extensions.anchor), want, "{names:?}");
        }
    }

    #[test]
    fn of_many_extensions_those_that_are_written_are_read() {
        let names: Vec<String> =
            (0..60).map(|number| format!("extension_1_{number}")).chain(["extension_1_xtsyncAnchor".to_owned()]).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let chosen = choose(&listed(&names), &["extension_1_59".to_owned()].into()).unwrap();
        assert_eq!((chosen.others.len(), chosen.others[0].as_str(), chosen.others[1].as_str()), (50, "extension_1_59", "extension_1_0"));
    }
}
