//! Changes of a JSON answer at a pointer (RFC 6901), where `*` stands for every entry and `[name=value]` for the entries that have it.
//!
//! A place that is not there is passed over. In texts, `{base}` becomes the address that the client asks, for links that lead back.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::error::Failure;

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Edit {
    /// Puts a value there, in place of what is there or as a new member; `-` as the last part appends to an array.
    Set {
        /// Where.
        at: String,
        /// What.
        value: Json,
    },
    /// Takes away what is there.
    Remove {
        /// Where.
        at: String,
    },
    /// Takes away what is at `from` and puts it to `to`.
    Move {
        /// From where; the last of several.
        from: String,
        /// Where to.
        to: String,
    },
    /// Repeats the entries of the array there after the last one.
    Repeat {
        /// Where.
        at: String,
    },
    /// Reverses the order of the array there.
    Reverse {
        /// Where.
        at: String,
    },
}

impl Edit {
    /// Puts a value there.
    pub fn set(at: &str, value: impl Into<Json>) -> Self {
        Self::Set { at: at.to_owned(), value: value.into() }
    }

    /// Takes away what is there.
    pub fn remove(at: &str) -> Self {
        Self::Remove { at: at.to_owned() }
    }

    /// Moves a value.
    pub fn moved(from: &str, to: &str) -> Self {
        Self::Move { from: from.to_owned(), to: to.to_owned() }
    }

    /// Repeats the entries of an array.
    pub fn repeat(at: &str) -> Self {
        Self::Repeat { at: at.to_owned() }
    }

    /// Reverses the order of an array.
    pub fn reverse(at: &str) -> Self {
        Self::Reverse { at: at.to_owned() }
    }

    pub(super) fn check(&self) -> Result<(), Failure> {
        let pointers = match self {
            Self::Set { at, .. } | Self::Remove { at } | Self::Repeat { at } | Self::Reverse { at } => [at, at],
            Self::Move { from, to } => [from, to],
        };
        match pointers.iter().find(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
            Some(pointer) => Err(Failure::bad_request(format!("'{pointer}' is no JSON pointer."))),
            None => Ok(()),
        }
    }

    pub(super) fn apply(&self, body: &mut Json, base: &str) {
        // The body within a box, so that the whole of it has a place like everything else.
        let mut whole = Json::Array(vec![std::mem::take(body)]);
        match self {
            Self::Set { at, value } => put(&mut whole, at, &filled(value, base)),
            Self::Remove { at } => at_each(&mut whole, &parts(at), &mut |parent, key| drop(take(parent, key))),
            Self::Move { from, to } => {
                let mut taken = None;
                at_each(&mut whole, &parts(from), &mut |parent, key| {
                    if taken.is_none() {
                        taken = take(parent, key);
                    }
                });
                if let Some(value) = taken {
                    put(&mut whole, to, &value);
                }
            }
            Self::Repeat { at } => each_array(&mut whole, at, &|entries| entries.extend_from_within(..)),
            Self::Reverse { at } => each_array(&mut whole, at, &|entries| entries.reverse()),
        }
        *body = whole.get_mut(0).map(Json::take).unwrap_or_default();
    }
}

/// The value with `{base}` filled in.
pub(super) fn filled(value: &Json, base: &str) -> Json {
    match value {
        Json::String(text) => text.replace("{base}", base).into(),
        Json::Array(entries) => entries.iter().map(|entry| filled(entry, base)).collect(),
        Json::Object(members) => members.iter().map(|(name, value)| (name.clone(), filled(value, base))).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) => value.clone(),
    }
}

/// The parts of a pointer, the place in the box first.
fn parts(pointer: &str) -> Vec<String> {
    let plain = |part: &str| part.replace("~1", "/").replace("~0", "~");
    std::iter::once("0".to_owned()).chain(pointer.split('/').skip(1).map(plain)).collect()
}

/// Calls for each place that the parts name, with what holds it and the key in it.
fn at_each(json: &mut Json, parts: &[String], act: &mut dyn FnMut(&mut Json, &str)) {
    let Some((part, rest)) = parts.split_first() else {
        return;
    };
    // From the end, since what is taken away moves what follows.
    for key in keys(json, part).into_iter().rev() {
        match child(json, &key) {
            _ if rest.is_empty() => act(json, &key),
            Some(child) => at_each(child, rest, act),
            None => {}
        }
    }
}

fn keys(json: &Json, part: &str) -> Vec<String> {
    let chosen = part.strip_prefix('[').and_then(|part| part.strip_suffix(']')).and_then(|part| part.split_once('='));
    match (json, chosen) {
        (Json::Array(entries), Some((name, value))) => {
            let has = |entry: &Json| entry.get(name).and_then(Json::as_str).is_some_and(|text| text.eq_ignore_ascii_case(value));
            entries.iter().enumerate().filter(|(_, entry)| has(entry)).map(|(place, _)| place.to_string()).collect()
        }
        (Json::Array(entries), None) if part == "*" => (0..entries.len()).map(|place| place.to_string()).collect(),
        (Json::Array(entries), None) if part == "-" => vec![entries.len().to_string()],
        (Json::Object(members), None) if part == "*" => members.keys().cloned().collect(),
        _ => vec![part.to_owned()],
    }
}

fn child<'a>(json: &'a mut Json, key: &str) -> Option<&'a mut Json> {
    match json {
        Json::Array(entries) => entries.get_mut(key.parse::<usize>().ok()?),
        Json::Object(members) => members.get_mut(key),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => None,
    }
}

fn take(parent: &mut Json, key: &str) -> Option<Json> {
    match parent {
        Json::Array(entries) => key.parse().ok().filter(|place| *place < entries.len()).map(|place: usize| entries.remove(place)),
        Json::Object(members) => members.remove(key),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => None,
    }
}

fn put(json: &mut Json, at: &str, value: &Json) {
    at_each(json, &parts(at), &mut |parent, key| match parent {
        Json::Array(entries) => match key.parse::<usize>() {
            Ok(place) if place < entries.len() => entries[place] = value.clone(),
            Ok(place) if place == entries.len() => entries.push(value.clone()),
            Ok(_) | Err(_) => {}
        },
        Json::Object(members) => drop(members.insert(key.to_owned(), value.clone())),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    });
}

fn each_array(json: &mut Json, at: &str, act: &dyn Fn(&mut Vec<Json>)) {
    at_each(json, &parts(at), &mut |parent, key| {
        if let Some(Json::Array(entries)) = child(parent, key) {
            act(entries);
        }
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Edit;

    #[test]
    fn each_edit_changes_what_its_pointer_names_and_nothing_else() {
        let page = json!({"value": [{"id": "a", "n": 1}, {"id": "b", "n": 2}], "link": "here"});
        for (edit, want) in [
            (Edit::set("/link", ""), json!({"value": [{"id": "a", "n": 1}, {"id": "b", "n": 2}], "link": ""})),
            (Edit::set("/value", json!([])), json!({"value": [], "link": "here"})),
            (Edit::set("/value/*/n", "x"), json!({"value": [{"id": "a", "n": "x"}, {"id": "b", "n": "x"}], "link": "here"})),
            (Edit::set("/value/[id=B]/n", 9), json!({"value": [{"id": "a", "n": 1}, {"id": "b", "n": 9}], "link": "here"})),
            (Edit::set("/value/-", 3), json!({"value": [{"id": "a", "n": 1}, {"id": "b", "n": 2}, 3], "link": "here"})),
            (Edit::set("/next", "{base}/users"), json!({"value": page["value"], "link": "here", "next": "http://x/v1.0/users"})),
            (Edit::set("/absent/n", 1), page.clone()),
            (Edit::set("", "whole"), json!("whole")),
            (Edit::remove("/value/*/n"), json!({"value": [{"id": "a"}, {"id": "b"}], "link": "here"})),
            (Edit::remove("/value/*"), json!({"value": [], "link": "here"})),
            (Edit::moved("/link", "/next"), json!({"value": page["value"], "next": "here"})),
            (Edit::moved("/absent", "/next"), page.clone()),
            (
                Edit::repeat("/value"),
                json!({"value": [page["value"][0], page["value"][1], page["value"][0], page["value"][1]], "link": "here"}),
            ),
            (Edit::reverse("/value"), json!({"value": [page["value"][1], page["value"][0]], "link": "here"})),
        ] {
            let mut body = page.clone();
            edit.apply(&mut body, "http://x/v1.0");
            assert_eq!(body, want, "{edit:?}");
        }
    }
}
