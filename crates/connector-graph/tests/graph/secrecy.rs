//! `NoSecretLeak` (I-9): no secret, token, address, name or value is in an error or a log line, whatever fails.

use std::io;
use std::sync::Arc;
use std::thread::{self, ThreadId};
use std::time::Duration;

use parking_lot::Mutex;
use tracing::Level;
use xtsync_connector_graph::Options;
use xtsync_directory::{Cursor, Invitation, Source, Target};
use xtsync_domain::{Attributes, TargetId};

use crate::fake::{Fake, Reply, answer, json};

/// What may appear nowhere: the secrets, the tokens, and what is asked for and answered below.
const PERSONAL: &[&str] = &["secret", "token-", "ana", "emea.example", "salary", "graph.evil", "skiptoken"];

/// What was logged by one thread, which is where all of one test runs.
#[derive(Clone)]
struct Lines {
    thread: ThreadId,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if thread::current().id() == self.thread {
            self.bytes.lock().extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_error_and_no_log_line_holds_a_secret_an_address_or_a_value() {
    let lines = Lines { thread: thread::current().id(), bytes: Arc::default() };
    let writer = lines.clone();
    // For the whole process: a subscriber of one thread is not asked for what another thread met first.
    tracing_subscriber::fmt().with_max_level(Level::TRACE).with_ansi(false).with_writer(move || writer.clone()).init();
    let quoting = r#"{"error":{"code":"ana@emea.example","message":"ana@emea.example has salary 7","details":[{"target":"salary"}]}}"#;
    let link = r#"{"value":[{"city":"salary","displayName":"ana"}],"@odata.deltaLink":"https://graph.evil/?skiptoken=1"}"#;
    let replies = [
        json(400, quoting),
        json(403, quoting),
        json(404, quoting),
        json(500, quoting),
        json(401, quoting),
        json(401, quoting),
        answer(200, "text/html", "ana@emea.example"),
        answer(302, "text/html", "ana@emea.example"),
        Reply::HangUp,
        Reply::Nothing,
        json(200, link),
    ];
    let mut errors_text = String::new();
    for reply in replies {
        let fake = Fake::replying(vec![reply; 9]).await;
        errors_text += &failures(&fake).await;
    }
    let lines = String::from_utf8(lines.bytes.lock().clone()).unwrap();
    assert!(lines.contains("/invitations"), "the log is seen at all");
    for text in [errors_text, lines] {
        for personal in PERSONAL {
            let line = text.lines().find(|line| line.to_lowercase().contains(personal));
            assert_eq!(line, None, "{personal}");
        }
    }
}

/// Everything that is said of failures when all is tried once.
async fn failures(fake: &Fake) -> String {
    let options = || Options { timeout: Duration::from_millis(50), ..Options::default() };
    let reader = fake.reader(options());
    let writer = fake.writer(options());
    let id = TargetId::from("u");
    let attributes: Attributes = [("city", "salary".into()), ("mobilePhone", "salary".into())].into_iter().collect();
    let invitation = Invitation { address: "ana@emea.example".to_owned(), display_name: Some("ana".to_owned()) };
    let cursor = Cursor("https://graph.evil/?skiptoken=1".to_owned());
    let errors = [
        reader.users(&[], None).await.err(),
        reader.users(&[], Some(&cursor)).await.err(),
        reader.find_groups("ana").await.err(),
        writer.find("ana", "ana@emea.example").await.err(),
        writer.invite(&invitation).await.err(),
        writer.patch(&id, Some("ana"), &attributes).await.err(),
    ];
    errors.into_iter().flatten().map(|error| format!("{error} {error:?}\n")).collect()
}
