//! The directory extensions of users that a target has registered, the anchor among them.
//!
//! The anchor is `extension_{app}_xtsyncAnchor`, registered once in the target by an operator (pitfall R5). Without it nothing that we make
//! could be distinguished from objects of others, so nothing is done.

use serde::Deserialize;
use serde_json::json;

use super::http::Http;
use super::limit::Size;
use super::odata::Listed;
use xtsync_directory::{Error, Result};

/// What the anchor's name ends in; in between is the id of the application that registered it.
const SUFFIX: &str = "_xtsyncAnchor";
/// Further extensions that are read with a user; a query has room for about so many.
const EXTENSIONS_MAX: usize = 50;

/// The extensions of users in one target.
#[derive(Debug)]
pub(super) struct Extensions {
    /// The anchor's full name.
    pub(super) anchor: String,
    /// The others.
    pub(super) others: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Property {
    name: String,
    #[serde(default)]
    target_objects: Vec<String>,
}

/// Asks for the extensions.
pub(super) async fn extensions(http: &Http) -> Result<Extensions> {
    let request = http.post("/directoryObjects/getAvailableExtensionProperties", &[])?;
    let listed: Listed<Property> = http.json(&request.body(json!({"isSyncedFromOnPremises": false})).read_only().sized(Size::List)).await?;
    let users = listed.value.into_iter().filter(|property| property.target_objects.iter().any(|object| object == "User"));
    choose(users.map(|property| property.name).collect())
}

fn choose(names: Vec<String>) -> Result<Extensions> {
    let (anchors, mut others): (Vec<_>, Vec<_>) =
        names.into_iter().partition(|name| name.starts_with("extension_") && name.ends_with(SUFFIX));
    others.truncate(EXTENSIONS_MAX);
    let unprepared = |code: &str| Err(Error::Forbidden { code: code.into() });
    match <[String; 1]>::try_from(anchors) {
        Ok([anchor]) => Ok(Extensions { anchor, others }),
        Err(none) if none.is_empty() => unprepared("anchor_not_registered"),
        Err(_) => unprepared("anchor_registered_twice"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_anchor_is_registered_once_or_nothing_is_done() {
        for (names, want) in [
            (vec!["extension_1_xtsyncAnchor", "extension_1_cost"], Ok("extension_1_xtsyncAnchor")),
            (vec!["extension_1_cost"], Err("anchor_not_registered")),
            (vec![], Err("anchor_not_registered")),
            (vec!["extension_1_xtsyncAnchor", "extension_2_xtsyncAnchor"], Err("anchor_registered_twice")),
        ] {
            let chosen = choose(names.iter().map(|name| (*name).to_owned()).collect());
            let want = want.map(str::to_owned).map_err(|code| Error::Forbidden { code: code.into() });
            assert_eq!(chosen.map(|extensions| extensions.anchor), want, "{names:?}");
        }
    }
}
