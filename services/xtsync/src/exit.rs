//! How a command ends: exit codes and the words on standard error.
//!
//! 0 done, 1 failed, 2 usage, 3 refused, 4 not settled in time. Errors are one line each; the chain of causes is for `--verbose`.

use std::fmt::Write as _;
use std::process::ExitCode;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    /// What its exit code says.
    pub code: Code,
    /// What happened.
    pub error: anyhow::Error,
}

/// The exit codes of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// It failed.
    Failed = 1,
    /// It was asked wrongly.
    Usage = 2,
    /// It was refused: a limit, a role.
    Refused = 3,
    /// It was not settled in time.
    Unsettled = 4,
}

/// What a command gives.
pub type Result<T = ()> = std::result::Result<T, Failure>;

impl Code {
    /// A failure with this code.
    pub fn because(self, error: impl Into<anyhow::Error>) -> Failure {
        Failure { code: self, error: error.into() }
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Code::Failed.because(error)
    }
}

/// The words for standard error: one line, or every cause on a line of its own.
#[must_use]
pub fn words(failure: &Failure, verbose: bool) -> String {
    let mut words = format!("error: {}\n", failure.error);
    let causes = failure.error.chain().skip(1);
    if verbose {
        causes.for_each(|cause| writeln!(words, "  because {cause}").expect("writing to a string does not fail"));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_and_its_causes_are_for_who_asks() {
        let failure = Code::Failed.because(anyhow::anyhow!("refused").context("connecting to control"));
        assert_eq!(words(&failure, false), "error: connecting to control\n");
        assert_eq!(words(&failure, true), "error: connecting to control\n  because refused\n");
    }
}
