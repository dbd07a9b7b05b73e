//! What was measured: tables to read, a file for scripts.

use std::path::Path;

use anyhow::{Context as _, Result};
use comfy_table::{Cell, CellAlignment, Table, presets};
use serde::Serialize;

/// What some measurements gave.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// The figures, in the order of the measurements.
    pub(crate) figures: Vec<Figure>,
    /// Where the time of some of them goes.
    pub(crate) breakdowns: Vec<Breakdown>,
}

/// One figure.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    /// The name of the figure.
    name: String,
    value: f64,
    unit: &'static str,
    /// What it is compared with, in the same unit and measured in the same run.
    against: Option<f64>,
    /// `value` over `against`.
    ratio: Option<f64>,
    goal: Option<Goal>,
    /// Whether the goal is met; none without a goal.
    met: Option<bool>,
    conditions: String,
}

/// What a figure should be.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    /// The value is at least this.
    AtLeast(f64),
    /// The value is at most this.
    AtMost(f64),
    /// The ratio is at least this.
    RatioAtLeast(f64),
    /// The ratio is at most this.
    RatioAtMost(f64),
}

/// The parts of a measurement.
#[derive(Debug, Serialize)]
pub(crate) struct Breakdown {
    /// What is divided, and its unit.
    pub(crate) name: String,
    pub(crate) columns: Vec<&'static str>,
    /// Each part, with one number a column.
    pub(crate) parts: Vec<(String, Vec<f64>)>,
}

impl Figure {
    /// A figure by itself.
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str, conditions: impl Into<String>) -> Self {
        Self { name: name.into(), value, unit, against: None, ratio: None, goal: None, met: None, conditions: conditions.into() }
    }

    /// Compared with what was measured beside it.
    pub(crate) fn against(self, against: f64) -> Self {
        Self { against: Some(against), ratio: Some(self.value / against), ..self }
    }

    /// With a goal. A goal for the ratio is missed where there is none.
    pub(crate) fn goal(self, goal: Goal) -> Self {
        let met = match goal {
            Goal::AtLeast(least) => self.value >= least,
            Goal::AtMost(most) => self.value <= most,
            Goal::RatioAtLeast(least) => self.ratio.is_some_and(|ratio| ratio >= least),
            Goal::RatioAtMost(most) => self.ratio.is_some_and(|ratio| ratio <= most),
        };
        Self { goal: Some(goal), met: Some(met), ..self }
    }

    fn row(&self) -> [Cell; 8] {
        let number = |value: Option<f64>| Cell::new(value.map_or(String::new(), rounded)).set_alignment(CellAlignment::Right);
        let goal = match self.goal {
            Some(Goal::AtLeast(least)) => format!("≥ {}", rounded(least)),
            Some(Goal::AtMost(most)) => format!("≤ {}", rounded(most)),
            Some(Goal::RatioAtLeast(least)) => format!("ratio ≥ {}", rounded(least)),
            Some(Goal::RatioAtMost(most)) => format!("ratio ≤ {}", rounded(most)),
            None => String::new(),
        };
        let met = self.met.map_or("", |met| if met { "met" } else { "missed" });
        let (value, against, ratio) = (number(Some(self.value)), number(self.against), number(self.ratio));
        [Cell::new(&self.name), value, Cell::new(self.unit), against, ratio, Cell::new(goal), Cell::new(met), Cell::new(&self.conditions)]
    }
}

impl From<Vec<Figure>> for Report {
    fn from(figures: Vec<Figure>) -> Self {
        Self { figures, breakdowns: Vec::new() }
    }
}

impl Report {
    /// Adds what another measurement gave.
    pub(crate) fn extend(&mut self, other: Self) {
        self.figures.extend(other.figures);
        self.breakdowns.extend(other.breakdowns);
    }

    /// Prints the tables and writes everything as JSON.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn publish(&self, file: &Path) -> Result<()> {
        let folder = file.parent().context("a report lies in a folder")?;
        std::fs::create_dir_all(folder)?;
        std::fs::write(file, serde_json::to_vec_pretty(self)?).with_context(|| format!("writing {}", file.display()))?;
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(["figure", "value", "", "against", "ratio", "goal", "", "conditions"]);
        table.add_rows(self.figures.iter().map(Figure::row));
        show(&table.to_string());
        self.breakdowns.iter().for_each(Breakdown::show);
        Ok(())
    }
}

impl Breakdown {
    fn show(&self) {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header([&[self.name.as_str()][..], &self.columns].concat());
        for (part, numbers) in &self.parts {
            let numbers = numbers.iter().map(|number| Cell::new(rounded(*number)).set_alignment(CellAlignment::Right));
            table.add_row([Cell::new(part)].into_iter().chain(numbers));
        }
        show(&format!("\n{table}"));
    }
}

/// To the terminal: what this program is for.
#[allow(clippy::print_stdout, reason = "it is a report")]
pub(crate) fn show(text: &str) {
    println!("{text}");
}

/// A number of users as names of figures have it: `1m`, `100k`, `500`.
pub(crate) fn short(users: usize) -> String {
    match users {
        users if users > 0 && users.is_multiple_of(1_000_000) => format!("{}m", users / 1_000_000),
        users if users > 0 && users.is_multiple_of(1_000) => format!("{}k", users / 1_000),
        users => users.to_string(),
    }
}

/// Three digits that matter.
fn rounded(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_by_the_value_or_by_the_ratio() {
        let figure = |value| Figure::new("speed", value, "users/s", "").against(100.0);
        for (value, goal, met) in [
            (12.0, Goal::AtMost(12.0), true),
            (12.1, Goal::AtMost(12.0), false),
            (50.0, Goal::RatioAtLeast(0.5), true),
            (49.0, Goal::RatioAtLeast(0.5), false),
            (110.0, Goal::RatioAtMost(1.1), true),
            (111.0, Goal::RatioAtMost(1.1), false),
        ] {
            assert_eq!(figure(value).goal(goal).met, Some(met), "{value} {goal:?}");
        }
        assert_eq!(Figure::new("speed", 1.0, "users/s", "").goal(Goal::RatioAtLeast(0.5)).met, Some(false), "compared with nothing");
    }

    #[test]
    fn users_in_names_are_short() {
        assert_eq!([1_000_000, 100_000, 1_500, 0].map(short), ["1m", "100k", "1500", "0"]);
    }
}
