//! The layer that writes log lines, as text or as JSON. Ids and names come from directories; a line contains no character of theirs that a
//! terminal obeys.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::{DefaultFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use crate::escape;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Text, in colours or without.
    Text {
        /// Whether in colours.
        is_coloured: bool,
    },
    /// One JSON object per line.
    Json,
}

/// The layer.
pub(super) fn layer<S, W>(look: Look, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    // A failed log write, for example on a full disk, must not end the process, and a report on standard error would fail as well.
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).log_internal_errors(false);
    match look {
        Look::Text { is_coloured } => layer.with_ansi(is_coloured).fmt_fields(EscapedFields).boxed(),
        Look::Json => layer.json().flatten_event(true).with_span_list(false).map_event_format(EscapedJson).boxed(),
    }
}

/// Formats the message and the fields of an event or span as text, escaped and without colours of their own. The library escapes messages
/// and not fields.
struct EscapedFields;

impl<'writer> FormatFields<'writer> for EscapedFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut text = String::new();
        DefaultFields::new().format_fields(Writer::new(&mut text), fields)?;
        writer.write_str(&escape::plain(&text))
    }
}

/// Escapes in a JSON line what JSON allows in texts and terminals obey.
struct EscapedJson<E>(E);

impl<S, N, E> FormatEvent<S, N> for EscapedJson<E>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
    E: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        writer.write_str(&escape::json(&line))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io::{self, Write};

    use tracing::{info, info_span};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    thread_local! {
        static WRITTEN: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }

    struct Written;

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            WRITTEN.with_borrow_mut(|written| written.extend_from_slice(bytes));
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The line that is written of a name from a directory, shown in each way that a log can.
    fn logged(look: Look, name: &str) -> String {
        WRITTEN.take();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer(look, || Written)), || {
            let _span = info_span!("cycle", tenant = %name, ?name).entered();
            info!(display = %name, debug = ?name, text = name, "of {name}");
        });
        String::from_utf8(WRITTEN.take()).unwrap()
    }

    const HOSTILE: &str = "a\u{1b}[2J\u{1b}]0;owned\u{7}\n\r\t\0\u{8}\u{7f}\u{9b}2J\u{202e}\u{2066}\u{200b}\u{2028}b";

    #[test]
    fn no_control_character_of_a_directory_reaches_the_log() {
        for look in [Look::Text { is_coloured: false }, Look::Text { is_coloured: true }, Look::Json] {
            let plain = logged(look, "Ünit 日本");
            let line = logged(look, HOSTILE);
            let ours = |line: &str| line.matches('\u{1b}').count();
            assert_eq!(ours(&line), ours(&plain), "{look:?}: no colours but ours: {line:?}");
            assert!(line.ends_with('\n') && line.lines().count() == 1, "{look:?}: one line: {line:?}");
            let line = line.trim_end().replace('\u{1b}', "");
            let obeyed = |letter: &char| letter.is_control() || "\u{200b}\u{2028}\u{202e}\u{2066}".contains(*letter);
            assert_eq!(line.chars().find(obeyed), None, "{look:?}: {line:?}");
            assert!(plain.contains("Ünit 日本"), "{plain:?}");
        }
    }
}
