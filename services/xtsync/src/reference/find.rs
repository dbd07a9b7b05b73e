//! Finds a field by what an administrator types: `Synchronization.spec.scope`, or `synchronization.scope`.

use thiserror::Error;
use xtsync_language::nearest;

use super::field::Field;

/// Why there is no such field.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{missing}{hint}{known}", hint = self.hint(), known = self.known())]
pub struct NotFound {
    /// What there is not, as a clause.
    missing: String,
    typed: String,
    /// The names that there are instead.
    names: Vec<String>,
}

/// A kind or field among those of all kinds, with the name of its kind. `spec` may be left out, as may what stands in brackets.
///
/// # Errors
/// When there is none of that name; the error names the nearest and all that there are.
pub fn find(kinds: &[Field], typed: &str) -> Result<(String, Field), NotFound> {
    let mut names = typed.split('.').map(|name| name.split_once('[').map_or(name, |(name, _)| name)).filter(|name| !name.is_empty());
    let name = names.next().unwrap_or_default();
    let kind = kinds.iter().find(|kind| kind.name.eq_ignore_ascii_case(name)).ok_or_else(|| NotFound {
        missing: format!("there is no kind `{name}`"),
        typed: name.to_owned(),
        names: kinds.iter().map(|kind| kind.name.clone()).collect(),
    })?;
    let names: Vec<&str> = names.collect();
    let mut at = kind.clone();
    if let (Some(first), Some(spec)) = (names.first(), child(kind, "spec"))
        && child(kind, first).is_none()
    {
        at = spec;
    }
    for name in names {
        at = child(&at, name).ok_or_else(|| missing(&kind.name, &at, name))?;
    }
    Ok((kind.name.clone(), at))
}

/// A field of a field. The keys of a map are looked up, too.
fn child(parent: &Field, name: &str) -> Option<Field> {
    if let Some(field) = parent.fields.iter().find(|field| field.name == name) {
        return Some(field.clone());
    }
    let any = parent.fields.iter().find(|field| field.name.starts_with('<'))?;
    let key = parent.keys.iter().find(|key| key.value == name);
    let is_other = parent.key_prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()));
    let meaning = match key {
        Some(key) => key.meaning.clone(),
        None if is_other => any.meaning.clone(),
        None => return None,
    };
    let path = format!("{}.{name}", parent.path);
    Some(Field { name: name.to_owned(), path, meaning, ..any.clone() })
}

fn missing(kind: &str, parent: &Field, name: &str) -> NotFound {
    let within = if parent.path.is_empty() { kind.to_owned() } else { format!("{kind}.{}", parent.path) };
    let keys = parent.keys.iter().map(|key| key.value.clone());
    let fields =
        parent.fields.iter().filter(|field| parent.keys.is_empty() || !field.name.starts_with('<')).map(|field| field.name.clone());
    NotFound { missing: format!("{within} has no field `{name}`"), typed: name.to_owned(), names: keys.chain(fields).collect() }
}

impl NotFound {
    /// The nearest name, if one is near.
    fn hint(&self) -> String {
        let near = nearest(&self.typed, self.names.iter().map(String::as_str));
        near.map(|name| format!(", did you mean `{name}`?")).unwrap_or_default()
    }

    fn known(&self) -> String {
        if self.names.is_empty() { ": it has no fields".to_owned() } else { format!(" (there is: {})", self.names.join(", ")) }
    }
}
