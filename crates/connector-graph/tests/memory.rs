//! What a hostile server can make us hold in memory, a parser each: the peak is bounded whatever is in an answer of the largest size.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[allow(dead_code, reason = "each binary uses a part")]
#[path = "graph/fake.rs"]
mod fake;
#[allow(dead_code, reason = "each binary uses a part")]
#[path = "graph/tenants.rs"]
mod tenants;

use peak_alloc::PeakAlloc;
use xtsync_connector_graph::Options;
use xtsync_directory::{Invitation, Source, Target};
use xtsync_domain::TargetId;

use crate::fake::{Fake, json};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MIB: usize = 1024 * 1024;

/// A JSON text of about so many bytes: `before`, the piece again and again, `after`.
fn text(bytes: usize, before: &str, piece: &str, after: &str) -> String {
    let pieces = vec![piece; (bytes - before.len() - after.len()) / (piece.len() + 1)].join(",");
    format!("{before}{pieces}{after}")
}

/// What is a small text and large values.
const PIECES: [&str; 4] = ["{}", r#"{"a":{}}"#, "[[[]]]", r#"{"id":"u","a":[1,2]}"#];

/// The peak while something is done, above what there was before it.
async fn peak<T>(work: impl Future<Output = T>) -> usize {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    drop(work.await);
    MEMORY.peak_usage().saturating_sub(before)
}

/// Pages of deltas, the largest answers that there are.
async fn pages(piece: &str) {
    const LINK: &str = r#"{"@odata.deltaLink":"http://127.0.0.1:00000/v1.0/users/delta?$deltatoken=1","value":["#;
    let page = text(30 * MIB, LINK, piece, "]}");
    let one = text(30 * MIB, &format!(r#"{LINK}{{"id":"u","members@delta":["#), piece, "]}]}");
    for (body, what) in [(page, "many objects"), (one, "one object")] {
        let fake = Fake::replying(vec![json(200, &body); 2]).await;
        let reader = fake.reader(Options::default());
        // The server makes no copy of what it says, and the client grows one.
        let limit = 3 * body.len() + 96 * MIB;
        for (by, took) in [("users", peak(reader.users(&[], None)).await), ("groups", peak(reader.groups(None)).await)] {
            assert!(took <= limit, "a page of {what} of {piece} by {by}: {} MiB", took / MIB);
        }
    }
}

/// All other answers.
async fn answers(piece: &str) {
    let page = text(MIB - 1_000, r#"{"value":["#, piece, "]}");
    let object = text(MIB - 1_000, r#"{"id":"u","invitedUser":{"id":"u"},"otherMails":["#, piece, "]}");
    let refusal = text(MIB - 1_000, r#"{"error":{"code":"x","message":"y","details":["#, piece, "]}}");
    for (what, status, body) in [("a page", 200, page), ("an object", 200, object), ("a refusal", 400, refusal)] {
        let fake = Fake::replying(vec![json(status, &body); 30]).await;
        let (reader, writer) = (fake.reader(Options::default()), fake.writer(Options::default()));
        let id = TargetId::from("u");
        let invitation = Invitation { address: "a@b.example".to_owned(), display_name: None };
        let limit = 12 * body.len() + 16 * MIB;
        for (by, took) in [
            ("find_groups", peak(reader.find_groups("g")).await),
            ("access_policy", peak(reader.access_policy()).await),
            ("find", peak(writer.find("a", "a@b.example")).await),
            ("read", peak(writer.read(&id)).await),
            ("invite", peak(writer.invite(&invitation)).await),
        ] {
            assert!(took <= limit, "{what} of {piece} by {by}: {} MiB", took / MIB);
        }
    }
}

/// In one test, since what others do at the same time would count.
#[tokio::test]
async fn any_answer_takes_bounded_memory() {
    for piece in PIECES {
        pages(piece).await;
        answers(piece).await;
    }
    batches().await;
    tokens().await;
}

/// Answers to a batch: one exchange at a time, so that requests go together.
async fn batches() {
    for piece in PIECES {
        for body in [
            text(8 * MIB - 1_000, r#"{"responses":["#, piece, "]}"),
            text(8 * MIB - 1_000, r#"{"responses":[{"id":"0","status":200,"headers":{"x":["#, piece, "]}}]}"),
            text(8 * MIB - 1_000, r#"{"responses":[{"id":"0","status":200,"body":["#, piece, "]}]}"),
        ] {
            let fake = Fake::replying(vec![json(200, &body); 4]).await;
            let writer = fake.writer(Options { exchanges_max: 1, ..Options::default() });
            let ids: Vec<TargetId> = (0..20).map(|n| TargetId::from(format!("u{n}").as_str())).collect();
            let took = peak(futures::future::join_all(ids.iter().map(|id| writer.set_enabled(id, false)))).await;
            assert!(took <= 64 * MIB + body.len() * 4, "a batch of {piece}: {} MiB", took / MIB);
        }
    }
}

async fn tokens() {
    for piece in PIECES {
        let body = text(8 * MIB, r#"{"access_token":"t","expires_in":3600,"more":["#, piece, "]}");
        let fake = Fake::replying_with_tokens([json(200, &body)], []).await;
        let took = peak(fake.reader(Options::default()).user_count()).await;
        assert!(took <= 8 * MIB + body.len() * 2, "a token of {piece}: {} MiB", took / MIB);
    }
}
