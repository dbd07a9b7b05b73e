//! Expressions, filters and decisions without a bus, against the same written by hand.

use xtsync_rules_bench::{MEASUREMENTS, Measured};

use crate::report::{Figure, Goal};

/// Measures all of it, on this thread.
pub(crate) fn measure() -> Vec<Figure> {
    MEASUREMENTS.iter().flat_map(|(_, measure)| measure()).map(figure).collect()
}

fn figure(measured: Measured) -> Figure {
    let Measured { name, value, unit, against, goal, conditions } = measured;
    let figure = Figure::new(name, value, unit, conditions);
    let figure = match against {
        Some(against) => figure.against(against),
        None => figure,
    };
    match goal {
        Some(xtsync_rules_bench::Goal::AtLeast(least)) => figure.goal(Goal::AtLeast(least)),
        Some(xtsync_rules_bench::Goal::AtMost(most)) => figure.goal(Goal::AtMost(most)),
        Some(xtsync_rules_bench::Goal::RatioAtLeast(least)) => figure.goal(Goal::RatioAtLeast(least)),
        None => figure,
    }
}
