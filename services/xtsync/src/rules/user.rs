//! The user that an expression or a filter is evaluated for: a JSON object of attributes, or the newest state of a user of a tenant.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};
use xtsync_domain::mapping::{self, AttributeTable, Known};
use xtsync_domain::{Attributes, Timestamp, Value};
use xtsync_language::date::DateTime;
use xtsync_language::{Kind, Read, Schema, Source, Value as Evaluated};

/// A user.
#[derive(Debug, Clone, Default)]
pub struct User {
    attributes: Attributes,
    /// Whether what is not among the attributes is empty; else it was not read.
    is_whole: bool,
    sensitive: BTreeSet<String>,
}

impl User {
    /// A user with these attributes and no others. Objects, such as `manager`, and annotations are left out: no rule reads them.
    #[must_use]
    pub fn of_json(attributes: &Map<String, Json>) -> Self {
        let known = attributes.iter().filter(|(name, _)| !name.contains(['@', '$']));
        let attributes = known.filter_map(|(name, json)| Some((mapping::name(name), value(name, json)?))).collect();
        Self { attributes, is_whole: true, sensitive: BTreeSet::new() }
    }

    /// A user of a tenant, with the attributes that were read and no others.
    #[must_use]
    pub fn of_tenant(attributes: Attributes, sensitive: impl IntoIterator<Item = String>) -> Self {
        Self { attributes, is_whole: false, sensitive: sensitive.into_iter().collect() }
    }

    /// The attributes.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }
}

impl Source for User {
    fn read(&self, name: &str) -> Read<'_> {
        if self.is_whole && self.attributes.get(name).is_none() {
            return Read::Value(Evaluated::Null);
        }
        Known(&self.attributes).value(name)
    }

    fn is_sensitive(&self, name: &str) -> bool {
        self.sensitive.contains(name)
    }
}

/// The attributes that mappings know, and those that the user has.
impl Schema for User {
    fn kind(&self, name: &str) -> Option<Kind> {
        AttributeTable::default().kind(name).or_else(|| match self.attributes.get(name)? {
            Value::Texts(_) => Some(Kind::List),
            Value::Null | Value::Text(_) | Value::Flag(_) | Value::Number(_) | Value::Time(_) | Value::Reference(_) | Value::Binary(_) => {
                Some(Kind::Any)
            }
        })
    }

    fn names(&self) -> Vec<&str> {
        let known = mapping::known().iter().filter(|attribute| attribute.source).map(|attribute| attribute.name);
        known.chain(self.attributes.names()).collect()
    }
}

/// An attribute's value in JSON, as the directory would give it.
fn value(name: &str, json: &Json) -> Option<Value> {
    Some(match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Flag(*flag),
        Json::Number(number) => number.as_i64().map_or_else(|| Value::Text(number.to_string()), Value::Number),
        Json::String(text) => match DateTime::parse(text).filter(|_| AttributeTable::default().kind(name) == Some(Kind::Time)) {
            Some(time) => Value::Time(Timestamp(time.to_unix_micros())),
            None => Value::Text(text.clone()),
        },
        Json::Array(items) => {
            Value::Texts(items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect())
        }
        Json::Object(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn user(json: Json) -> User {
        User::of_json(json.as_object().unwrap())
    }

    #[test]
    fn json_is_read_as_the_directory_gives_it() {
        let user = user(json!({
            "@odata.context": "x", "displayName": "Ana", "accountEnabled": true, "level": 3, "share": 0.5, "mail": null,
            "otherMails": ["a@x.com", 7], "createdDateTime": "2026-01-02T03:04:05Z", "manager": {"id": "1"},
        }));
        let mut names: Vec<&str> = user.attributes().iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        assert_eq!(names, ["accountEnabled", "createdDateTime", "displayName", "level", "mail", "otherMails", "share"]);
        assert_eq!(user.read("displayName"), Read::Value("Ana".into()));
        assert_eq!(user.read("level"), Read::Value(3.into()));
        assert_eq!(user.read("share"), Read::Value("0.5".into()));
        assert_eq!(user.read("city"), Read::Value(Evaluated::Null));
        let Read::Value(Evaluated::Time(created)) = user.read("createdDateTime") else { panic!("a moment") };
        assert_eq!(created.to_string(), "1/2/2026 3:04:05 AM");
    }

    #[test]
    fn an_attribute_is_known_where_mappings_know_it_or_the_user_has_it() {
        let user = user(json!({"level": 3, "badges": ["a"]}));
        for (name, want) in
            [("city", Some(Kind::Text)), ("level", Some(Kind::Any)), ("badges", Some(Kind::List)), ("userType", None), ("citty", None)]
        {
            assert_eq!(user.kind(name), want, "{name}");
        }
        assert!(user.names().contains(&"level") && user.names().contains(&"city"));
    }

    #[test]
    fn what_is_not_read_of_a_user_of_a_tenant_is_not_empty() {
        let attributes = [("city", Value::from("Paris"))].into_iter().collect();
        let user = User::of_tenant(attributes, ["city".to_owned()]);
        assert_eq!(user.read("city"), Read::Value("Paris".into()));
        assert_eq!(user.read("department"), Read::Unread);
        assert!(user.is_sensitive("city") && !user.is_sensitive("department"));
    }
}
