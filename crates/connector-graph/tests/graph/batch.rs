//! Requests that gather while all exchanges are under way go together, and each has its own answer.

use std::cell::Cell;
use std::time::Duration;

use futures::FutureExt as _;
use serde_json::{Value as Json, json};
use xtsync_connector_graph::{Options, Writer};
use xtsync_directory::{Error, Target};
use xtsync_domain::TargetId;

use crate::fake::{self, Fake, Reply};
use crate::tenants::Tenants;

const NO_CONTENT: &str = "HTTP/1.1 204 X\r\n\r\n";

/// One exchange at a time.
fn narrow() -> Options {
    Options { exchanges_max: 1, timeout: Duration::from_secs(5), ..Options::default() }
}

/// A writer whose token is there already, to a server that then says this.
async fn writer(replies: impl IntoIterator<Item = Reply>) -> (Fake, Writer) {
    writer_with(narrow(), replies).await
}

async fn writer_with(options: Options, replies: impl IntoIterator<Item = Reply>) -> (Fake, Writer) {
    let fake = Fake::replying([done()].into_iter().chain(replies)).await;
    let writer = fake.writer(options);
    writer.set_enabled(&id("first"), false).await.unwrap();
    (fake, writer)
}

fn id(id: &str) -> TargetId {
    TargetId::from(id)
}

fn done() -> Reply {
    Reply::Raw(NO_CONTENT.to_owned())
}

fn batch_reply(responses: &Json) -> Reply {
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
async fn waiting_requests_share_a_batch_and_each_has_its_own_answer() {
    let throttled = json!({"id": "1", "status": 429, "headers": {"Retry-After": "0.5"}, "body": {"error": {"code": "TooManyRequests"}}});
    let answers = batch_reply(&json!([throttled, {"id": "0", "status": 204, "headers": {}}]));
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
async fn a_failed_batch_leaves_a_write_unknown_and_a_read_failing() {
    let incomplete = batch_reply(&json!([]));
    for (what, reply, reading) in [("no answer", Reply::HangUp, "failing"), ("an answer without a request", incomplete, "malformed")] {
        let (_fake, writer) = writer([done(), reply]).await;
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
async fn a_throttle_warning_of_a_batch_or_single_answer_is_reported_once() {
    let warned = json!({"id": "0", "status": 204, "headers": {"x-ms-throttle-limit-percentage": "0.9"}});
    let single = Reply::Raw("HTTP/1.1 204 X\r\nx-ms-throttle-limit-percentage: 0.8\r\n\r\n".to_owned());
    let (_fake, writer) = writer([done(), batch_reply(&json!([warned])), single]).await;
    assert!(!writer.take_throttle_warning());
    let (a, b) = (id("a"), id("b"));
    assert_eq!(tokio::join!(writer.set_enabled(&a, true), writer.set_enabled(&b, false)), (Ok(()), Ok(())));
    assert!(writer.take_throttle_warning());
    assert!(!writer.take_throttle_warning());
    writer.set_enabled(&a, true).await.unwrap();
    assert!(writer.take_throttle_warning());
}

#[tokio::test]
async fn a_batch_that_is_throttled_as_a_whole_throttles_each() {
    let throttled = "HTTP/1.1 429 X\r\nretry-after: 3\r\ncontent-length: 0\r\n\r\n";
    let (_fake, writer) = writer([done(), Reply::Raw(throttled.to_owned())]).await;
    let (a, b, c) = (id("a"), id("b"), id("c"));
    let (_, two, three) = tokio::join!(writer.set_enabled(&a, true), writer.set_enabled(&b, false), writer.revoke_sessions(&c));
    for answer in [two, three] {
        assert_eq!(answer, Err(Error::Throttled { wait: Duration::from_secs(3) }));
    }
}

#[tokio::test]
async fn a_cancelled_request_is_not_sent() {
    let (fake, writer) = writer([done(), batch_reply(&json!([{"id": "0", "status": 204}]))]).await;
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
async fn a_batched_request_does_not_poll_until_its_batch_is_answered() {
    let options = Options { exchanges_max: 2, timeout: Duration::from_millis(500), ..Options::default() };
    let (_fake, writer) = writer_with(options, [done(), done(), Reply::Nothing]).await;
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
async fn a_batched_request_holds_no_permit() {
    let options = Options { exchanges_max: 2, timeout: Duration::from_secs(2), ..Options::default() };
    let (fake, writer) = writer_with(options, [done(), done(), Reply::Nothing, done()]).await;
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
