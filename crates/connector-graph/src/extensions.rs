//! The directory extensions that are registered for users, and what they hold.
//!
//! Source: Microsoft Graph v1.0, `directoryObject: getAvailableExtensionProperties`, which takes `Directory.Read.All` of an application, and
//! the resource `extensionProperty`. It lists none in a tenant of more than 1,000 service principals, which is a known issue of it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;
use xtsync_directory::Result;
use xtsync_domain::extension::{self, DataType, EXTENSIONS_MAX, Extension, Extensions};

use super::attribute::{self, Kind};
use super::http::Http;
use super::limit::Size;
use super::odata;

/// The longest name that is taken.
const NAME_MAX: usize = 256;

/// An extension as Graph lists it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Property {
    pub(super) name: String,
    #[serde(default)]
    data_type: String,
    #[serde(default)]
    is_multi_valued: bool,
    #[serde(default)]
    target_objects: Vec<String>,
}

/// What values of extensions are, where their JSON alone does not tell it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Kinds(BTreeMap<String, Kind>);

/// Asks for the extensions of users, those that are synchronized from on-premises among them.
pub(super) async fn list(http: &Http) -> Result<Vec<Property>> {
    let request = http.post("/directoryObjects/getAvailableExtensionProperties", &[])?.body(json!({}));
    let all: Vec<Property> = odata::list(http, request.read_only().sized(Size::List)).await?;
    Ok(all.into_iter().filter(|property| property.target_objects.iter().any(|object| object == "User")).collect())
}

/// The extensions by name. A name that is of another form cannot be mapped.
pub(super) fn known(listed: &[Property]) -> Extensions {
    let known = listed.iter().filter(|property| property.name.len() <= NAME_MAX && extension::is_extension(&property.name));
    let sorted: BTreeMap<_, _> = known.map(|property| (property.name.clone(), property.extension())).collect();
    Extensions(sorted.into_iter().take(EXTENSIONS_MAX).collect())
}

/// What their values are.
pub(super) fn kinds(listed: &[Property]) -> Kinds {
    let kind = |property: &Property| match (property.extension().data_type, property.is_multi_valued) {
        (DataType::DateTime, false) => Some(Kind::Time),
        (DataType::String, true) => Some(Kind::Set),
        (_, _) => None,
    };
    Kinds(listed.iter().filter_map(|property| Some((property.name.clone(), kind(property)?))).collect())
}

impl Property {
    fn extension(&self) -> Extension {
        let data_type = match self.data_type.as_str() {
            "Binary" => DataType::Binary,
            "Boolean" => DataType::Boolean,
            "DateTime" => DataType::DateTime,
            "Integer" => DataType::Integer,
            "LargeInteger" => DataType::LargeInteger,
            "String" => DataType::String,
            _ => DataType::Other,
        };
        Extension { data_type, is_multi_valued: self.is_multi_valued }
    }
}

impl Kinds {
    /// What an attribute holds.
    pub(super) fn of(&self, name: &str) -> Kind {
        self.0.get(name).copied().unwrap_or_else(|| attribute::kind(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_known_by_name_and_type() {
        let name = |own: &str| format!("extension_0123456789abcdef0123456789abcdef_{own}");
        let property = |own: &str, data_type: &str, is_multi_valued| Property {
            name: if own.is_empty() { "badge".to_owned() } else { name(own) },
            data_type: data_type.to_owned(),
            is_multi_valued,
            target_objects: vec!["User".to_owned()],
        };
        let listed = [
            property("cost", "String", false),
            property("skills", "String", true),
            property("since", "DateTime", false),
            property("days", "DateTime", true),
            property("shape", "Polygon", false),
            property("", "String", false),
            property(&"x".repeat(NAME_MAX), "String", false),
        ];
        let known = known(&listed);
        let shown: Vec<_> = known.0.iter().map(|(name, one)| (name[43..].to_owned(), one.data_type, one.is_multi_valued)).collect();
        use DataType::{DateTime, Other, String};
        let want = [("cost", String, false), ("days", DateTime, true), ("shape", Other, false), ("since", DateTime, false)];
        let want = want.into_iter().chain([("skills", String, true)]).map(|(name, kind, several)| (name.to_owned(), kind, several));
        assert_eq!(shown, want.collect::<Vec<_>>());
        let kinds = kinds(&listed);
        for (attribute, want) in
            [(name("since"), Kind::Time), (name("skills"), Kind::Set), (name("cost"), Kind::Open), ("city".to_owned(), Kind::Text)]
        {
            assert_eq!(kinds.of(&attribute), want, "{attribute}");
        }
    }
}
