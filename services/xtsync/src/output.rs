//! Output of commands: text and tables, JSON for scripts, and progress on terminals only.

pub mod condition;

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use comfy_table::{Table, presets::NOTHING};
use indicatif::{ProgressBar, ProgressStyle};
use owo_colors::{OwoColorize as _, Stream, Style};
use xtsync_contract::control::{Notice, Pending};
use xtsync_runtime::escape::{self, Lines, visible};

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text.
    Text,
    /// JSON.
    Json,
}

/// The flag that selects the format.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct FormatArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl FormatArgs {
    /// The format that the flag selects.
    #[must_use]
    pub fn get(self) -> Format {
        if self.json { Format::Json } else { Format::Text }
    }
}

/// Prints text to standard output. A closed pipe, as `head` leaves it, is no error.
///
/// # Errors
/// When standard output cannot be written.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(visible(text, Lines::Kept).as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Prints a line to standard output.
///
/// # Errors
/// As [`print()`].
pub fn line(text: &str) -> io::Result<()> {
    print(&format!("{text}\n"))
}

/// Prints a remark to standard error, so that standard output holds only the result. A closed standard error is ignored.
pub fn note(text: &str) {
    io::stderr().write_all(format!("note: {}\n", visible(text, Lines::Kept)).as_bytes()).ok();
}

/// Prints JSON to standard output, on lines of its own.
///
/// # Errors
/// As [`print()`].
pub fn json(value: &serde_json::Value) -> io::Result<()> {
    print(&format!("{}\n", escape::json(&format!("{value:#}"))))
}

/// A table without lines, so that tools such as `awk` can parse it.
#[must_use]
pub fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.iter().copied());
    table.add_rows(rows.into_iter().map(|row| row.iter().map(|cell| visible(cell, Lines::Escaped).into_owned()).collect::<Vec<_>>()));
    let lines = table.to_string();
    let trimmed: Vec<&str> = lines.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect();
    format!("{}\n", trimmed.join("\n"))
}

/// A notice as JSON.
#[must_use]
pub fn notice(notice: &Notice) -> serde_json::Value {
    let condition = notice.condition.as_ref().map(condition::as_json);
    serde_json::json!({"path": notice.path, "condition": condition, "needs_action": notice.needs_action})
}

/// A pending field as JSON.
#[must_use]
pub fn pending(pending: &Pending) -> serde_json::Value {
    let condition = pending.condition.as_ref().map(condition::as_json);
    serde_json::json!({"path": pending.path, "condition": condition, "needs_action": pending.needs_action})
}

/// Text in green, where the output supports colours: a good state.
#[must_use]
pub fn good(text: &str) -> String {
    coloured(text, Style::new().green())
}

/// Text in yellow, where the output supports colours: a state to check.
#[must_use]
pub fn notable(text: &str) -> String {
    coloured(text, Style::new().yellow())
}

fn coloured(text: &str, style: Style) -> String {
    text.if_supports_color(Stream::Stdout, |text| text.style(style)).to_string()
}

/// A progress line that names what the command waits for; on standard error, on terminals only.
#[derive(Debug)]
pub struct Waiting(Option<ProgressBar>);

impl Waiting {
    /// Shows the progress line.
    #[must_use]
    pub fn begin() -> Self {
        const TICK: Duration = Duration::from_millis(120);
        if !io::stderr().is_terminal() {
            return Self(None);
        }
        let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})").expect("a constant template");
        let bar = ProgressBar::new_spinner().with_style(style);
        bar.enable_steady_tick(TICK);
        Self(Some(bar))
    }

    /// Sets what the command waits for.
    pub fn waits_for(&self, what: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(format!("waiting for {}", visible(what, Lines::Escaped)));
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_one_line_without_control_characters() {
        let table = table(&["GROUP"], [vec!["a\u{1b}[2J\nforged".to_owned()]]);
        assert_eq!(table, "GROUP\na\\u{1b}[2J\\u{a}forged\n");
    }

    #[test]
    fn a_table_has_no_lines_and_no_blanks_at_its_edges() {
        let table = table(&["NAME", "N"], [vec!["to-hub".to_owned(), "12".to_owned()]]);
        assert_eq!(table, "NAME    N\nto-hub  12\n");
    }
}
