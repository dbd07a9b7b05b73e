//! What `show` prints of an unknown user: where the user may be, and how to look.

use serde_json::{Value, json};
use xtsync_contract::control::{SearchedScope, SearchedSource};
use xtsync_contract::convert::time;

/// The message: what is known, and how to check it.
pub(super) fn text(user: &str, searched: &[SearchedSource]) -> String {
    const FORMS: &str = "a user is named by SOURCE/ID, an id, a principal name or a mail address";
    let lines: Vec<String> = searched.iter().map(source).collect();
    let possible = match searched {
        [] => return format!("nothing is known of {user}: no synchronization reads a tenant yet"),
        [one] => format!("{} has no such user, or the user was never in any of its scopes", one.source),
        _ => "no source has such a user, or the user was never in any of its scopes".to_owned(),
    };
    format!(
        "nothing is known of {user}: {possible}; nothing is kept of users outside every scope\n{}  to check, look in the source's directory \
         for the user and for the user's membership in these groups; {FORMS}",
        lines.concat()
    )
}

fn source(searched: &SearchedSource) -> String {
    let read = match time("read_at", searched.read_at) {
        Ok(at) => format!("last read completely at {at}"),
        Err(_) => "not read completely yet, see `xtsync status`".to_owned(),
    };
    let scopes: Vec<String> = searched.scopes.iter().map(scope).collect();
    let scopes = if scopes.is_empty() { "no synchronization reads its users".to_owned() } else { scopes.join("; ") };
    format!("  {}: {read}; {scopes}\n", searched.source)
}

fn scope(scope: &SearchedScope) -> String {
    let name = &scope.synchronization;
    if scope.everyone { format!("{name} has everyone in scope") } else { format!("{name} has in scope: {}", scope.groups.join(", ")) }
}

/// The sources as JSON.
pub(super) fn as_json(searched: &[SearchedSource]) -> Value {
    let scope = |one: &SearchedScope| json!({"synchronization": one.synchronization, "everyone": one.everyone, "groups": one.groups});
    let source = |one: &SearchedSource| {
        let read_at = time("read_at", one.read_at).map(|at| at.to_string()).ok();
        json!({"source": one.source, "read_at": read_at, "scopes": one.scopes.iter().map(scope).collect::<Value>()})
    };
    searched.iter().map(source).collect()
}

#[cfg(test)]
mod tests {
    use xtsync_contract::convert::wire_time;
    use xtsync_domain::Timestamp;

    use super::*;

    #[test]
    fn the_message_says_what_is_possible_and_how_to_check_it() {
        let scope = |groups: &[&str]| SearchedScope {
            synchronization: "to-hub".into(),
            everyone: groups.is_empty(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        };
        let source = |name: &str, read_at: Option<i64>, scopes| SearchedSource {
            source: name.into(),
            read_at: read_at.map(|at| wire_time(Timestamp(at))),
            scopes,
        };
        let emea = source("emea", Some(0), vec![scope(&["A (7c1e…)", "B"])]);
        let us = source("us", None, vec![scope(&[])]);
        for (searched, want) in [
            (vec![], vec!["nothing is known of ana: no synchronization reads a tenant yet"]),
            (
                vec![emea.clone()],
                vec![
                    "nothing is known of ana: emea has no such user, or the user was never in any of its scopes; nothing is kept",
                    "  emea: last read completely at 1970-01-01T00:00:00",
                    "; to-hub has in scope: A (7c1e…), B\n  to check, look",
                ],
            ),
            (
                vec![emea, us],
                vec!["no source has such a user, or", "  us: not read completely yet, see `xtsync status`; to-hub has everyone in scope\n"],
            ),
            (vec![source("hub", None, vec![])], vec!["hub: not read", "no synchronization reads its users\n"]),
        ] {
            let text = text("ana", &searched);
            assert!(want.iter().all(|want| text.contains(want)), "{want:?} in\n{text}");
        }
    }
}
