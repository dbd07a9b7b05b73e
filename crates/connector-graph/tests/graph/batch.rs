//! Requests that gather while all exchanges are under way go together, and each has its own answer.

use std::cell::Cell;
use std::time::Duration;

use futures::FutureExt as _;
use serde_json::{Value as Json, json};
use xtsync_connector_graph::{Options, Writer};
use xtsync_directory::{Error, Target};
use xtsync_domain::TargetId;

use crate::fake::{self, Fake, Say};
use crate::tenants::Tenants;

const NO_CONTENT: &str = "HTTP/1.1 204 X\r\n\r\n";

/// One exchange at a time.
fn narrow() -> Options {
    Options { exchanges_max: 1, timeout: Duration::from_secs(5), ..Options::default() }
}

/// A writer whose token is there already, to a server that then says this.
async fn writer(says: impl IntoIterator<Item = Say>) -> (Fake, Writer) {
    writer_with(narrow(), says).await
}

async fn writer_with(options: Options, says: impl IntoIterator<Item = Say>) -> (Fake, Writer) {
    let fake = Fake::that_says([done()].into_iter().chain(says)).await;
    let writer = fake.writer(options);
    writer.set_enabled(&id("first"), false).await.unwrap();
    (fake, writer)
}

fn id(id: &str) -> TargetId {
    TargetId::from(id)
}

fn done() -> Say {
    Say::Raw(NO_CONTENT.to_owned())
}

fn said(responses: &Json) -> Say {
    fake::json(200, &json!({"responses": responses}).to_string())
}

/// The requests of the batches that were sent.
fn batches(fake: &Fake) -> Vec<Json> {
    let body = |request: &String| request.split_once("\r\n\r\n").map(|(_, body)| serde_json::from_str::<Json>(body).unwrap());
    let seen = fake.seen();
    let batches = seen.iter().filter(|request| request.starts_with("POST /v1.0/$batch "));
    batches.filter_map(body).map(|mut batch| batch["requests"].take()).collect()
}

#[tokio::test]
async fn who_waits_goes_together_and_each_is_answered_alone() {
    let throttled = json!({"id": "1", "status": 429, "headers": {"Retry-After": "0.5"}, "body": {"error": {"code": "TooManyRequests"}}});
    let answers = said(&json!([throttled, {"id": "0", "status": 204, "headers": {}}]));
    let (fake, writer) = writer([done(), answers]).await;
    let (a, b, c) = (id("a"), id("b"), id("c"));
    let (one, two, three) = tokio::join!(writer.set_enabled(&a, true), writer.set_enabled(&b, false), writer.revoke_sessions(&c));
    assert_eq!((one, two), (Ok(()), Ok(())));
    assert_eq!(three, Err(Error::Throttled { wait: Duration::from_millis(500) }));
    let batches = batches(&fake);
    let [batch] = batches.as_slice() else { panic!("{batches:?}") };
    let line = |place: usize| format!("{} {} {}", batch[place]["id"], batch[place]["method"], batch[place]["url"]);
    assert_eq!([line(0), line(1)], [r#""0" "PATCH" "/users/b""#, r#""1" "POST" "/users/c/revokeSignInSessions""#]);
    assert_eq!(batch[0]["body"], json!({"accountEnabled": false}));
    assert_eq!(batch[0]["headers"]["content-type"], "application/json");
}

#[tokio::test]
async fn where_a_batch_fails_a_write_is_unknown_and_a_reading_is_not() {
    let incomplete = said(&json!([]));
    for (what, say, reading) in [("no answer", Say::HangUp, "failing"), ("an answer to nobody", incomplete, "senseless")] {
        let (_fake, writer) = writer([done(), say]).await;
        let (a, b, c) = (id("a"), id("b"), id("c"));
        let (one, two, three) = tokio::join!(writer.set_enabled(&a, true), writer.set_enabled(&b, false), writer.read(&c));
        assert_eq!(one, Ok(()));
        assert!(matches!(two, Err(Error::Unknown { .. })), "{what}: {two:?}");
        match reading {
            "failing" => assert!(matches!(three, Err(Error::Failing { .. })), "{what}: {three:?}"),
            _ => assert!(matches!(three, Err(Error::Malformed { .. })), "{what}: {three:?}"),
        }
    }
}

#[tokio::test]
async fn a_warning_is_taken_from_a_batch_as_from_a_single_answer_and_told_once() {
    let warned = json!({"id": "0", "status": 204, "headers": {"x-ms-throttle-limit-percentage": "0.9"}});
    let single = Say::Raw("HTTP/1.1 204 X\r\nx-ms-throttle-limit-percentage: 0.8\r\n\r\n".to_owned());
    let (_fake, writer) = writer([done(), said(&json!([warned])), single]).await;
    assert!(!writer.take_warning());
    let (a, b) = (id("a"), id("b"));
    assert_eq!(tokio::join!(writer.set_enabled(&a, true), writer.set_enabled(&b, false)), (Ok(()), Ok(())));
    assert!(writer.take_warning());
    assert!(!writer.take_warning());
    writer.set_enabled(&a, true).await.unwrap();
    assert!(writer.take_warning());
}

#[tokio::test]
async fn a_batch_that_is_throttled_as_a_whole_throttles_each() {
    let throttled = "HTTP/1.1 429 X\r\nretry-after: 3\r\ncontent-length: 0\r\n\r\n";
    let (_fake, writer) = writer([done(), Say::Raw(throttled.to_owned())]).await;
    let (a, b, c) = (id("a"), id("b"), id("c"));
    let (_, two, three) = tokio::join!(writer.set_enabled(&a, true), writer.set_enabled(&b, false), writer.revoke_sessions(&c));
    for answer in [two, three] {
        assert_eq!(answer, Err(Error::Throttled { wait: Duration::from_secs(3) }));
    }
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_sent() {
    let (fake, writer) = writer([done(), said(&json!([{"id": "0", "status": 204}]))]).await;
    let (a, b, c) = (id("a"), id("b"), id("c"));
    let dropped = async {
        let mut call = Box::pin(writer.set_enabled(&b, false));
        // Once is enough to wait.
        assert!(futures::poll!(&mut call).is_pending());
    };
    let (one, (), three) = tokio::join!(writer.set_enabled(&a, true), dropped, writer.revoke_sessions(&c));
    assert_eq!((one, three), (Ok(()), Ok(())));
    assert!(!fake.seen().iter().any(|request| request.contains("/users/b")));
}

#[tokio::test]
async fn who_was_taken_along_rests_until_the_batch_is_answered() {
    let options = Options { exchanges_max: 2, timeout: Duration::from_millis(500), ..Options::default() };
    let (_fake, writer) = writer_with(options, [done(), done(), Say::Nothing]).await;
    let ids = ["a", "b", "c", "d", "e"].map(id);
    let mut all = futures::future::join_all(ids.iter().map(|id| writer.set_enabled(id, false))).boxed_local();
    let mut polls = 0;
    let answers = std::future::poll_fn(|context| {
        polls += 1;
        all.poll_unpin(context)
    });
    let answers = answers.await;
    assert!(answers[2..].iter().all(Result::is_err), "{answers:?}");
    assert!(polls < 100, "asked for {polls} times while a place was free");
}

#[tokio::test]
async fn who_was_taken_along_keeps_no_place_from_others() {
    let options = Options { exchanges_max: 2, timeout: Duration::from_secs(2), ..Options::default() };
    let (fake, writer) = writer_with(options, [done(), done(), Say::Nothing, done()]).await;
    let ids = ["a", "b", "c", "d", "e"].map(id);
    let answered = Cell::new(0);
    let count = |_: &Result<(), Error>| answered.set(answered.get() + 1);
    let all = futures::future::join_all(ids.iter().map(|id| writer.set_enabled(id, false).inspect(count)));
    let latecomer = async {
        while answered.get() < 2 || batches(&fake).is_empty() {
            tokio::task::yield_now().await;
        }
        writer.set_enabled(&id("f"), false).await
    };
    let (answers, late) = tokio::join!(all, latecomer);
    assert!(answers[2..].iter().all(Result::is_err), "the batch was not to be answered: {answers:?}");
    assert_eq!(late, Ok(()));
}

#[tokio::test]
async fn a_tenant_does_what_a_batch_asks_for() {
    let tenants = Tenants::with_people(60).await;
    let writer = Writer::new(&tenants.graph("emea"), Options { secrets: tenants.options("emea").secrets, ..narrow() }).unwrap();
    let people: Vec<TargetId> = tenants.tenant("emea").users().into_iter().map(|user| id(&user.to_string())).collect();
    let all = people.iter().map(|person| writer.set_enabled(person, false));
    for answer in futures::future::join_all(all).await {
        assert_eq!(answer, Ok(()));
    }
    let read = people.iter().map(|person| writer.read(person));
    for object in futures::future::join_all(read).await {
        assert!(!object.unwrap().unwrap().enabled);
    }
}
