//! Regular expressions as .NET writes them: a linear engine first, and one that goes back, with a limit, for look-around and back-references.
//!
//! The pattern is read as .NET reads it and said anew in the syntax of the engines ([`dialect`]), so that classes, anchors and the numbers of
//! groups are .NET's. `\d` is every decimal digit of Unicode, `\w` every letter, non-spacing mark, decimal digit and connector of Unicode, and `$`
//! also matches before a line feed that ends the text. What differs: a character is a whole one and never half of a surrogate pair, `\b` also counts
//! spacing marks among the word characters, letters pair by simple folding where case does not count, and of what a group captured several times
//! only the last is known.

mod blocks;
mod brackets;
mod class;
mod dialect;
mod escape;
mod groups;
mod reader;
mod substitution;
#[cfg(test)]
mod tests;

use self::dialect::Translation;
use self::groups::Groups;
pub(crate) use self::substitution::Substitution;
use crate::limits::{BACKTRACKS_MAX, CHARS_MAX, MATCHES_MAX, PATTERN_SIZE_MAX, PATTERN_STEPS_MAX, PATTERN_TEXT_MAX};

/// A compiled regular expression.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    engine: Engine,
    /// The engine for a text that ends with a line feed, if that makes a difference.
    before_newline: Option<Box<fancy_regex::Regex>>,
    groups: Groups,
}

#[derive(Debug, Clone)]
enum Engine {
    /// Its time grows with the text.
    Linear(regex::Regex),
    /// Its steps back are limited.
    Backtracking(Box<fancy_regex::Regex>),
}

/// Where a pattern matches: the whole and each group, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    places: Vec<Option<(usize, usize)>>,
}

impl Found {
    /// The whole match.
    pub(crate) fn whole(&self) -> (usize, usize) {
        self.places.first().copied().flatten().unwrap_or_default()
    }

    /// What a group matched, if it did, by its places in the pattern.
    pub(crate) fn group(&self, places: &[usize]) -> Option<(usize, usize)> {
        places.iter().rev().find_map(|place| self.places.get(*place).copied().flatten())
    }
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// Why neither engine can run it, with the place where that is known.
    pub(crate) fn new(pattern: &str) -> Result<Self, String> {
        if pattern.chars().count() > CHARS_MAX {
            return Err(format!("the pattern has more than {CHARS_MAX} characters"));
        }
        let Translation { pieces, groups } = Translation::new(pattern)?;
        let (at_end, before_end) = (dialect::render(&pieces, r"\z"), dialect::render(&pieces, r"(?=\n?\z)"));
        let (engine, before_newline) = match linear(&at_end)? {
            Some(engine) if at_end == before_end => (Engine::Linear(engine), None),
            Some(engine) => (Engine::Linear(engine), Some(Box::new(backtracking(&before_end)?))),
            None => (Engine::Backtracking(Box::new(backtracking(&before_end)?)), None),
        };
        Ok(Self { engine, before_newline, groups })
    }

    /// Its groups.
    pub(crate) fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Whether any part of a text matches.
    ///
    /// # Errors
    /// Why that cannot be known.
    pub(crate) fn is_match(&self, text: &str) -> Result<bool, &'static str> {
        match (&self.engine, &self.before_newline) {
            (Engine::Linear(engine), None) if text.len() <= PATTERN_TEXT_MAX => Ok(engine.is_match(text)),
            (Engine::Linear(_) | Engine::Backtracking(_), _) => self.first(text).map(|found| found.is_some()),
        }
    }

    /// The first match in a text.
    ///
    /// # Errors
    /// Why it cannot be found.
    pub(crate) fn first(&self, text: &str) -> Result<Option<Found>, &'static str> {
        self.search(text, 0)
    }

    /// All matches in a text, as .NET finds them: after an empty match the search goes on one character later, and an empty match may follow
    /// another one directly.
    ///
    /// # Errors
    /// Why they cannot be found.
    pub(crate) fn all(&self, text: &str) -> Result<Vec<Found>, &'static str> {
        let matches_max = match self.engine {
            Engine::Linear(_) => MATCHES_MAX,
            // Each search may take all its steps.
            Engine::Backtracking(_) => MATCHES_MAX / 10,
        };
        let (mut all, mut at) = (Vec::new(), 0);
        while let Some(found) = self.search(text, at)? {
            let (from, to) = found.whole();
            all.push(found);
            if all.len() > matches_max {
                return Err("has too many matches in this value");
            }
            at = match text.get(to..).and_then(|rest| rest.chars().next()) {
                Some(next) if from == to => to + next.len_utf8(),
                None if from == to => break,
                Some(_) | None => to,
            };
        }
        Ok(all)
    }

    fn search(&self, text: &str, at: usize) -> Result<Option<Found>, &'static str> {
        if text.len() > PATTERN_TEXT_MAX {
            return Err("is not applied to so long a value");
        }
        let places = match (&self.engine, &self.before_newline) {
            (_, Some(engine)) if text.ends_with('\n') => places(engine, text, at)?,
            (Engine::Backtracking(engine), _) => places(engine, text, at)?,
            (Engine::Linear(engine), _) => engine
                .captures_at(text, at)
                .map(|captures| captures.iter().map(|group| group.map(|group| (group.start(), group.end()))).collect()),
        };
        Ok(places.map(|places| Found { places }))
    }
}

type Places = Vec<Option<(usize, usize)>>;

fn places(engine: &fancy_regex::Regex, text: &str, at: usize) -> Result<Option<Places>, &'static str> {
    let captures = engine.captures_from_pos(text, at).map_err(|_| "takes too many steps on this value")?;
    Ok(captures.map(|captures| captures.iter().map(|group| group.map(|group| (group.start(), group.end()))).collect()))
}

/// `None` where the linear engine cannot run it.
fn linear(pattern: &str) -> Result<Option<regex::Regex>, String> {
    match regex::RegexBuilder::new(pattern).size_limit(PATTERN_SIZE_MAX).build() {
        Ok(engine) => Ok(Some(engine)),
        Err(regex::Error::CompiledTooBig(_)) => Err("the pattern is too large".to_owned()),
        Err(_) => Ok(None),
    }
}

fn backtracking(pattern: &str) -> Result<fancy_regex::Regex, String> {
    use fancy_regex::{CompileError, Error};
    let mut builder = fancy_regex::RegexBuilder::new(pattern);
    builder.backtrack_limit(BACKTRACKS_MAX).delegate_size_limit(PATTERN_SIZE_MAX).max_prog_size(PATTERN_STEPS_MAX);
    let engine = builder.build();
    engine.map_err(|error| match error {
        Error::CompileError(error) => match *error {
            CompileError::LookBehindNotConst | CompileError::VariableLookBehindRequiresFeature => {
                "what stands before a match must have one length".to_owned()
            }
            _ => "the pattern is too large".to_owned(),
        },
        Error::ParseError(_, error) => format!("the pattern cannot be run: {error}"),
        _ => "the pattern cannot be run".to_owned(),
    })
}
