//! What `Replace` does, by the arguments that it has.

use crate::error::Code;
use crate::function::{Problem, Written};

pub(super) const SOURCE: usize = 0;
pub(super) const OLD: usize = 1;
pub(super) const PATTERN: usize = 2;
pub(super) const GROUP: usize = 3;
pub(super) const VALUE: usize = 4;
pub(super) const ATTRIBUTE: usize = 5;
pub(super) const TEMPLATE: usize = 6;

/// The five ways that are documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// `oldValue`, `replacementValue`: each old value in the source becomes the replacement.
    Literal,
    /// `oldValue`, `template`: each old value in the template becomes the source.
    Template,
    /// `regexPattern`, `replacementValue`: each match becomes the replacement, in which `${name}` stands for a group.
    Pattern,
    /// `regexPattern`, `regexGroupName`, `replacementValue`: what the group matches becomes the replacement.
    Group,
    /// `regexPattern`, `regexGroupName`, `replacementAttributeName`: an empty source becomes what the group matches in the other attribute.
    ExtractGroup,
}

impl Mode {
    /// What is asked for.
    ///
    /// # Errors
    /// If nothing documented has these arguments.
    pub(super) fn of(written: &Written<'_>) -> Result<Self, Problem> {
        let given = |argument: usize| written.is_given(argument) && !written.text(argument).is_some_and(|text| text.is_empty());
        match (given(OLD), given(PATTERN), given(GROUP), written.is_given(VALUE), given(ATTRIBUTE), given(TEMPLATE)) {
            (true, false, false, true, false, false) => Ok(Self::Literal),
            (true, false, false, false, false, true) => Ok(Self::Template),
            (false, true, false, true, false, false) => Ok(Self::Pattern),
            (false, true, true, true, false, false) => Ok(Self::Group),
            (false, true, true, false, true, false) => Ok(Self::ExtractGroup),
            _ => Err(Problem { argument: SOURCE, code: Code::Arguments, message: MESSAGE.to_owned() }),
        }
    }
}

const MESSAGE: &str = "besides `source` it takes `oldValue` and `replacementValue`; `oldValue` and `template`; `regexPattern` and \
    `replacementValue`, also with `regexGroupName`; or `regexPattern`, `regexGroupName` and `replacementAttributeName`";
