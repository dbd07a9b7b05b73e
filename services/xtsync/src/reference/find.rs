//! Finds a field by what an administrator types: `Synchronization.spec.scope`, or `synchronization.scope`.

use thiserror::Error;

use super::field::Field;

/// Why there is no such field.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no {what} `{typed}`{hint}; there is: {known}", hint = near.as_ref().map(|near| format!(", did you mean `{near}`?")).unwrap_or_default())]
pub struct NotFound {
    /// What was looked for: a kind, or a field of what.
    what: String,
    typed: String,
    near: Option<String>,
    known: String,
}

/// A kind or field among those of all kinds, with the name of its kind. `spec` may be left out, as may what stands in brackets.
///
/// # Errors
/// When there is none of that name; the error names the nearest and all that there are.
pub fn find(kinds: &[Field], typed: &str) -> Result<(String, Field), NotFound> {
    let mut names = typed.split('.').map(|name| name.split_once('[').map_or(name, |(name, _)| name)).filter(|name| !name.is_empty());
    let name = names.next().unwrap_or_default();
    let kind = kinds.iter().find(|kind| kind.name.eq_ignore_ascii_case(name)).ok_or_else(|| not_found("kind", name, kinds))?;
    let names: Vec<&str> = names.collect();
    let mut at = kind.clone();
    if let (Some(first), Some(spec)) = (names.first(), child(kind, "spec"))
        && child(kind, first).is_none()
    {
        at = spec;
    }
    for name in names {
        let within = if at.path.is_empty() { at.name.clone() } else { format!("{}.{}", kind.name, at.path) };
        at = child(&at, name).ok_or_else(|| not_found(&format!("field of {within},"), name, &at.fields))?;
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

fn not_found(what: &str, typed: &str, known: &[Field]) -> NotFound {
    let near = known
        .iter()
        .map(|field| (distance(&typed.to_lowercase(), &field.name.to_lowercase()), field))
        .min_by_key(|(distance, _)| *distance);
    let near = near.filter(|(distance, field)| *distance <= field.name.len().div_ceil(3)).map(|(_, field)| field.name.clone());
    let names: Vec<&str> = known.iter().map(|field| field.name.as_str()).collect();
    let known = if names.is_empty() { "no field in it".to_owned() } else { names.join(", ") };
    NotFound { what: what.to_owned(), typed: typed.to_owned(), near, known }
}

/// How many letters must be added, removed or replaced to make one text of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        for (cell, same) in row.iter_mut().skip(1).zip(other.iter().map(|other| *other == letter)) {
            let best = (diagonal + usize::from(!same)).min(left + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_of_two_names_is_the_number_of_letters_that_differ() {
        for (one, other, want) in
            [("scope", "scope", 0), ("scop", "scope", 1), ("groups", "group", 1), ("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3)]
        {
            assert_eq!(distance(one, other), want, "{one} {other}");
        }
    }
}
