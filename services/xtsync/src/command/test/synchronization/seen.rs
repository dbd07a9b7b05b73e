//! A decision field by field, to be compared with what is expected.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};
use xtsync_domain::decide::Decided;
use xtsync_domain::resource::Synchronization;
use xtsync_domain::{Attributes, Value};

use super::super::outcome::Difference;

/// The fields of a decision, such as `attributes.city`.
#[derive(Debug)]
pub(super) struct Seen {
    fields: BTreeMap<String, Json>,
    /// The attributes whose values are not to be shown.
    sensitive: BTreeSet<String>,
}

/// The fields of a decision by a synchronization.
pub(super) fn seen(decided: &Decided, synchronization: &Synchronization) -> Seen {
    let desired = &decided.decision.desired;
    let mut fields = BTreeMap::from([
        ("decision".to_owned(), json!(desired.wanted.code())),
        ("reason".to_owned(), json!(desired.wanted.reason())),
        ("signInBlocked".to_owned(), json!(desired.sign_in_blocked)),
    ]);
    if let Some(shape) = desired.shape() {
        fields.insert("address".to_owned(), json!(shape.address));
        put("attributes", &shape.attributes, &mut fields);
        put("onCreate", &shape.on_create, &mut fields);
    }
    fields.extend(decided.invalid.iter().map(|invalid| (format!("invalid.{}", invalid.attribute), json!(invalid.code))));
    let sensitive = synchronization.sensitive().map(|(name, _)| name.clone()).collect();
    Seen { fields, sensitive }
}

fn put(map: &str, attributes: &Attributes, fields: &mut BTreeMap<String, Json>) {
    fields.extend(attributes.iter().map(|(name, value)| (format!("{map}.{name}"), as_json(value))));
}

fn as_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Text(text) => json!(text),
        Value::Flag(flag) => json!(flag),
        Value::Number(number) => json!(number),
        Value::Texts(texts) => json!(texts),
        Value::Time(time) => json!(time.to_string()),
        Value::Reference(reference) => json!(format!("{}/{}", reference.tenant, reference.user)),
        Value::Binary(bytes) => json!(format!("{} bytes", bytes.len())),
    }
}

impl Seen {
    /// How a field differs from what is expected of it; `None` as the expectation means that it is not written.
    pub(super) fn difference(&self, field: &str, want: Option<&Json>) -> Option<Difference> {
        let seen = self.fields.get(field);
        let is_sensitive = field.split_once('.').is_some_and(|(_, name)| self.sensitive.contains(name));
        let shown = |value: Option<&Json>| match value {
            None => "not written".to_owned(),
            Some(_) if is_sensitive => "(sensitive)".to_owned(),
            Some(value) => value.to_string(),
        };
        (seen != want).then(|| Difference::new(field, shown(want), shown(seen)))
    }
}
