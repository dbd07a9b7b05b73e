//! `Replace(source, oldValue, regexPattern, regexGroupName, replacementValue, replacementAttributeName, template)`.
//!
//! Which arguments are given decides what it does: see [`Mode`]. A constant `""` is as good as none but for `replacementValue`. Texts compare
//! letter by letter.
//!
//! Nothing as the source gives nothing, except where another attribute takes its place. An empty source is a text: it may match.

mod mode;

use std::borrow::Cow;

use self::mode::{ATTRIBUTE, GROUP, Mode, OLD, PATTERN, SOURCE, TEMPLATE, VALUE};
use crate::error::Code;
use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter, Prepared, Problem, Written};
use crate::limits::TEXT_MAX;
use crate::pattern::{Found, Pattern, Substitution};
use crate::value::{Kind, Value};

const NO_GROUP: &str = "names no group of the pattern";

pub(crate) const REPLACE: Function = Function {
    prepare,
    ..Function::new(
        "Replace",
        &[
            Parameter::required("source", Accepts::Text),
            Parameter::optional("oldValue", Accepts::Text),
            Parameter::optional("regexPattern", Accepts::Text),
            Parameter::optional("regexGroupName", Accepts::Text),
            Parameter::optional("replacementValue", Accepts::Text),
            Parameter::optional("replacementAttributeName", Accepts::Text),
            Parameter::optional("template", Accepts::Text),
        ],
        Kind::Text,
        replace,
    )
};

fn prepare(written: &Written<'_>) -> Result<Prepared, Problem> {
    Mode::of(written)?;
    // A pattern that is no constant is known only when it is evaluated.
    let Some(pattern) = written.text(PATTERN).filter(|pattern| !pattern.is_empty()) else { return Ok(Prepared::Nothing) };
    let pattern = Pattern::new(&pattern).map_err(|message| Problem { argument: PATTERN, code: Code::Pattern, message })?;
    match written.text(GROUP) {
        Some(group) if !group.is_empty() && pattern.groups().named(&group).is_none() => {
            Err(Problem::constant(GROUP, format!("`regexGroupName` {NO_GROUP}")))
        }
        Some(_) | None => Ok(Prepared::Pattern(Box::new(pattern))),
    }
}

fn replace<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let mode = Mode::of(&arguments.written()).map_err(|_| arguments.invalid(SOURCE, "has no arguments that go together"))?;
    match (mode, arguments.text(SOURCE)?) {
        (Mode::ExtractGroup, source) => extract(arguments, source),
        (Mode::Literal | Mode::Template | Mode::Pattern | Mode::Group, None) => Ok(Value::Null),
        (Mode::Literal, Some(source)) => {
            let new = arguments.text(VALUE)?.unwrap_or_default();
            literal(arguments, source, &new)
        }
        (Mode::Template, Some(source)) => match arguments.text(TEMPLATE)? {
            Some(template) => literal(arguments, template, &source),
            None => Ok(Value::Null),
        },
        (Mode::Pattern, Some(source)) => by_pattern(arguments, source),
        (Mode::Group, Some(source)) => by_group(arguments, source),
    }
}

/// The text with the old value, wherever it stands, replaced.
fn literal<'a>(arguments: &Arguments<'_, 'a>, text: Cow<'a, str>, new: &str) -> Result<Value<'a>, Failure> {
    let old = arguments.text(OLD)?.unwrap_or_default();
    let count = if old.is_empty() { 0 } else { text.matches(&*old).count() };
    if count == 0 {
        return arguments.sized(text);
    }
    if text.len().saturating_add(count.saturating_mul(new.len())) > TEXT_MAX.saturating_add(count * old.len()) {
        return Err(arguments.too_large());
    }
    arguments.sized(text.replace(&*old, new))
}

/// Every match replaced by a text in which groups may stand.
fn by_pattern<'a>(arguments: &Arguments<'_, 'a>, source: Cow<'a, str>) -> Result<Value<'a>, Failure> {
    let Some(pattern) = pattern(arguments)? else { return arguments.sized(source) };
    let new = arguments.text(VALUE)?.unwrap_or_default();
    let substitution = Substitution::new(&new, pattern.groups());
    let matches = matches(arguments, &pattern, &source)?;
    let parts = matches.iter().map(|found| (found.whole(), substitution.parts(found, &source)));
    rebuilt(arguments, &source, parts)
}

/// What the group matched replaced by a text, which stands for itself.
fn by_group<'a>(arguments: &Arguments<'_, 'a>, source: Cow<'a, str>) -> Result<Value<'a>, Failure> {
    let Some(pattern) = pattern(arguments)? else { return arguments.sized(source) };
    let new = arguments.text(VALUE)?.unwrap_or_default();
    let group = group(arguments, &pattern)?;
    let matches = matches(arguments, &pattern, &source)?;
    let places = matches.iter().filter_map(|found| found.group(&group));
    rebuilt(arguments, &source, places.map(|place| (place, vec![&*new])))
}

/// The source if it has a value; otherwise what the group of the first match in another text holds, or nothing.
fn extract<'a>(arguments: &Arguments<'_, 'a>, source: Option<Cow<'a, str>>) -> Result<Value<'a>, Failure> {
    if let Some(source) = source.filter(|source| !source.is_empty()) {
        return arguments.sized(source);
    }
    let (Some(pattern), Some(text)) = (pattern(arguments)?, arguments.text(ATTRIBUTE)?) else { return Ok(Value::Null) };
    let group = group(arguments, &pattern)?;
    let found = pattern.first(&text).map_err(|reason| arguments.invalid(PATTERN, reason))?;
    let Some((from, to)) = found.and_then(|found| found.group(&group)) else { return Ok(Value::Null) };
    arguments.sized(crate::text::part(text, from, to))
}

/// The pattern: prepared, or of this user; `None` where it is empty.
fn pattern<'a>(arguments: &Arguments<'_, 'a>) -> Result<Option<Cow<'a, Pattern>>, Failure> {
    if let Prepared::Pattern(pattern) = arguments.prepared() {
        return Ok(Some(Cow::Borrowed(pattern)));
    }
    match arguments.text(PATTERN)?.filter(|pattern| !pattern.is_empty()) {
        Some(text) => Pattern::new(&text).map(|pattern| Some(Cow::Owned(pattern))).map_err(|_| arguments.invalid(PATTERN, "is no pattern")),
        None => Ok(None),
    }
}

/// The group that is named, by its places in the pattern.
fn group(arguments: &Arguments<'_, '_>, pattern: &Pattern) -> Result<Vec<usize>, Failure> {
    let name = arguments.text(GROUP)?.unwrap_or_default();
    pattern.groups().named(&name).map(<[usize]>::to_vec).ok_or_else(|| arguments.invalid(GROUP, NO_GROUP))
}

fn matches(arguments: &Arguments<'_, '_>, pattern: &Pattern, text: &str) -> Result<Vec<Found>, Failure> {
    pattern.all(text).map_err(|reason| arguments.invalid(PATTERN, reason))
}

/// The text with other parts at some places, which come in order.
fn rebuilt<'a, 't>(
    arguments: &Arguments<'_, 'a>,
    text: &Cow<'a, str>,
    places: impl Iterator<Item = ((usize, usize), Vec<&'t str>)>,
) -> Result<Value<'a>, Failure> {
    let (mut new, mut at) = (String::new(), 0);
    let mut push = |part: &str| match new.len() + part.len() > TEXT_MAX {
        true => Err(arguments.too_large()),
        false => {
            new.push_str(part);
            Ok(())
        }
    };
    for ((from, to), parts) in places {
        push(text.get(at..from).unwrap_or_default())?;
        parts.into_iter().try_for_each(&mut push)?;
        at = to;
    }
    push(text.get(at..).unwrap_or_default())?;
    arguments.sized(if new == *text { text.clone() } else { Cow::Owned(new) })
}

#[cfg(test)]
mod tests;
