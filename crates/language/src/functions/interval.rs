//! The interval of `DateAdd` and `DateDiff`, their first argument.

use crate::date::{INTERVALS, Interval};
use crate::error::Code;
use crate::evaluate::Failure;
use crate::function::{Arguments, Prepared, Problem, Written};

/// Reads a constant interval.
pub(super) fn prepare(written: &Written<'_>) -> Result<Prepared, Problem> {
    let Some(name) = written.text(0) else { return Ok(Prepared::Nothing) };
    let interval = Interval::new(&name).ok_or_else(|| Problem {
        argument: 0,
        code: Code::Constant,
        message: format!("there is no interval `{name}`; there are {INTERVALS}"),
    })?;
    Ok(Prepared::Interval(interval))
}

/// The interval of a call.
pub(super) fn interval(arguments: &Arguments<'_, '_>) -> Result<Interval, Failure> {
    if let Prepared::Interval(interval) = arguments.prepared() {
        return Ok(*interval);
    }
    let name = arguments.text(0)?.unwrap_or_default();
    Interval::new(&name).ok_or_else(|| arguments.invalid(0, "is no interval"))
}
