//! Directory extensions of users: their types, and what values of them are.
//!
//! Source: the `extensionProperty` resource of Microsoft Graph v1.0.

use serde_json::{Value as Json, json};

use crate::directory::ANCHOR_APP_ID;
use crate::error::Failure;
use crate::value::{Kind, Value};

/// A registered directory extension.
#[derive(Debug, Clone)]
pub(crate) struct Extension {
    pub(crate) name: String,
    data_type: &'static str,
    is_multi_valued: bool,
}

/// The types, and what a single value is.
const TYPES: [(&str, Kind); 6] = [
    ("Binary", Kind::Text),
    ("Boolean", Kind::Flag),
    ("DateTime", Kind::Time),
    ("Integer", Kind::Number),
    ("LargeInteger", Kind::Number),
    ("String", Kind::Text),
];

impl Extension {
    /// An extension of that type.
    pub(crate) fn new(name: &str, data_type: &str, is_multi_valued: bool) -> Result<Self, Failure> {
        let known = TYPES.iter().find(|(known, _)| *known == data_type);
        let (data_type, _) = known.ok_or_else(|| Failure::bad_request("Invalid value specified for property 'dataType'."))?;
        Ok(Self { name: name.to_owned(), data_type, is_multi_valued })
    }

    /// What its property holds. Lists of anything but texts are kept as they come.
    pub(crate) fn kind(&self) -> Kind {
        match (self.data_type, self.is_multi_valued) {
            ("String", true) => Kind::Texts,
            (_, true) => Kind::Complex,
            (data_type, false) => TYPES.iter().find(|(known, _)| *known == data_type).map_or(Kind::Text, |(_, kind)| *kind),
        }
    }

    /// Whether a value that fits its kind fits its type.
    pub(crate) fn holds(&self, value: &Value) -> bool {
        match value {
            Value::Number(number) => self.data_type != "Integer" || i32::try_from(*number).is_ok(),
            Value::Json(json) => json.is_array(),
            Value::Null | Value::Flag(_) | Value::Time(_) | Value::Text(_) | Value::Texts(_) => true,
        }
    }

    /// The extension as Graph lists it.
    pub(crate) fn to_json(&self) -> Json {
        json!({
            "@odata.type": "#microsoft.graph.extensionProperty",
            "id": ANCHOR_APP_ID.to_string(),
            "deletedDateTime": null,
            "appDisplayName": "xtsync",
            "dataType": self.data_type,
            "isMultiValued": self.is_multi_valued,
            "isSyncedFromOnPremises": false,
            "name": self.name,
            "targetObjects": ["User"],
        })
    }
}
