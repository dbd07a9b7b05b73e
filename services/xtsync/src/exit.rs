//! How a command ends: its exit code and its message on standard error.
//!
//! 0 done, 1 failed, 2 usage, 3 refused, 4 not converged in time. An error is one line that ends with its root cause; `--verbose`
//! also prints the causes in between.

use std::fmt::Write as _;
use std::process::ExitCode;

use xtsync_runtime::escape::{Lines, visible};

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: Code,
    /// The error.
    pub error: anyhow::Error,
}

/// The exit codes of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// It failed.
    Failed = 1,
    /// The arguments or settings are invalid.
    Usage = 2,
    /// It was refused: not authorized, or a limit.
    Refused = 3,
    /// It was not converged in time.
    NotConverged = 4,
}

/// The result of a command.
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

/// The exit codes, for the help of the command line.
pub const CODES: &str = "Exit codes: 0 done; 1 failed; 2 wrong usage; 3 refused: not authorized, or a limit; 4 not converged in time.";

/// The message for standard error: one line that ends with the root cause, or every cause on a line of its own.
#[must_use]
pub fn render(failure: &Failure, verbose: bool) -> String {
    visible(&message(failure, verbose), Lines::Kept).into_owned()
}

fn message(failure: &Failure, verbose: bool) -> String {
    let error = &failure.error;
    if verbose {
        let mut words = format!("error: {error}\n");
        error.chain().skip(1).for_each(|cause| writeln!(words, "  because {cause}").expect("writing to a string does not fail"));
        return words;
    }
    let (message, root) = (error.to_string(), error.root_cause().to_string());
    // Many errors of libraries repeat their cause in their own text.
    if message.contains(&root) { format!("error: {message}\n") } else { format!("error: {message}: {root}\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_with_its_root_cause_and_the_causes_between_are_for_verbose() {
        let failure = Code::Failed.because(anyhow::anyhow!("refused").context("tcp connect").context("connecting to control"));
        assert_eq!(render(&failure, false), "error: connecting to control: refused\n");
        assert_eq!(render(&failure, true), "error: connecting to control\n  because tcp connect\n  because refused\n");
        let repeated = Code::Failed.because(anyhow::anyhow!("refused").context("connecting to control: refused"));
        assert_eq!(render(&repeated, false), "error: connecting to control: refused\n");
        assert_eq!(render(&Code::Failed.because(anyhow::anyhow!("no tenant")), false), "error: no tenant\n");
    }
}
