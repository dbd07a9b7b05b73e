//! What was measured: a table to read, a file for scripts.

use std::path::Path;

use anyhow::{Context as _, Result};
use comfy_table::{Cell, CellAlignment, Table, presets};
use serde::Serialize;

/// One figure.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    /// The name of the figure.
    name: String,
    value: f64,
    unit: &'static str,
    /// What it is compared with, in the same unit: measured in the same run, or the bound that is asked for.
    against: Option<f64>,
    /// `value` over `against`.
    ratio: Option<f64>,
    /// The conditions, for the table.
    #[serde(skip)]
    note: String,
}

impl Figure {
    /// A figure by itself.
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str, note: impl Into<String>) -> Self {
        Self { name: name.into(), value, unit, against: None, ratio: None, note: note.into() }
    }

    /// Compared with something.
    pub(crate) fn against(self, against: f64) -> Self {
        Self { against: Some(against), ratio: Some(self.value / against), ..self }
    }
}

/// Prints the figures and writes them as JSON.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn publish(figures: &[Figure], file: &Path) -> Result<()> {
    let folder = file.parent().context("a report lies in a folder")?;
    std::fs::create_dir_all(folder)?;
    std::fs::write(file, serde_json::to_vec_pretty(figures)?).with_context(|| format!("writing {}", file.display()))?;
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["figure", "value", "", "against", "ratio", "conditions"]);
    for figure in figures {
        let number = |value: Option<f64>| Cell::new(value.map_or(String::new(), rounded)).set_alignment(CellAlignment::Right);
        let (value, against, ratio) = (number(Some(figure.value)), number(figure.against), number(figure.ratio));
        table.add_row([Cell::new(&figure.name), value, Cell::new(figure.unit), against, ratio, Cell::new(&figure.note)]);
    }
    show(&table.to_string());
    Ok(())
}

/// To the terminal: what this program is for.
#[allow(clippy::print_stdout, reason = "it is a report")]
pub(crate) fn show(text: &str) {
    println!("{text}");
}

/// Three digits that matter.
fn rounded(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
