//! Answers that are not from Graph: how each is classified, for a reading and for a write.

use std::time::Duration;

use xtsync_connector_graph::{Options, Writer};
use xtsync_directory::{Collection, Cursor, Error, Next, Source, Subscribe, Subscription, Target};
use xtsync_domain::{TargetId, Timestamp};

use crate::fake::{Fake, Reply, SELF, answer, json};

fn options() -> Options {
    Options {
        body_bytes_max: 10_000,
        decorate: Some(|headers| drop(headers.insert("traceparent", "00-trace-span-01".parse().unwrap()))),
        ..Options::default()
    }
}

/// Patience is short only where it is to be tried.
fn options_for(reply: &Reply) -> Options {
    match reply {
        Reply::Nothing => Options { timeout: Duration::from_millis(300), ..options() },
        Reply::Raw(_) | Reply::Cut(_) | Reply::HangUp => options(),
    }
}

async fn read(reply: Reply) -> Result<usize, Error> {
    let options = options_for(&reply);
    let fake = Fake::replying([reply]).await;
    let page = fake.reader(options).users(&[], None).await?;
    Ok(page.changes.len())
}

async fn write(reply: Reply) -> Result<(), Error> {
    let options = options_for(&reply);
    let fake = Fake::replying([reply]).await;
    fake.writer(options).set_enabled(&TargetId::from("u"), false).await
}

fn error_kind(error: &Error) -> &'static str {
    match error {
        Error::Throttled { .. } => "throttled",
        Error::Unavailable { .. } => "unavailable",
        Error::Failing { .. } => "failing",
        Error::Unknown { .. } => "unknown",
        Error::Unauthorized { .. } => "unauthorized",
        Error::Forbidden { .. } => "forbidden",
        Error::NotFound => "not found",
        Error::Refused { .. } => "refused",
        Error::Unsupported { .. } => "unsupported",
        Error::Resync => "resync",
        Error::Malformed { .. } => "malformed",
    }
}

#[tokio::test]
async fn an_answer_that_is_not_graphs_is_classified_by_whether_a_write_may_have_happened() {
    let html = "<html><body>Sign in to the hotel</body></html>";
    let refusal = |code: &str| format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
    let redirect = "HTTP/1.1 302 X\r\nlocation: http://127.0.0.1:9/elsewhere\r\ncontent-length: 0\r\n\r\n";
    let cut = "HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"value\":[";
    for (what, reply, reading, writing) in [
        ("html", answer(200, "text/html; charset=utf-8", html), "malformed", "unknown"),
        ("html that says not found", answer(404, "text/html", html), "malformed", "malformed"),
        ("html that says forbidden", answer(403, "text/html", html), "malformed", "malformed"),
        ("broken json", json(200, r#"{"value":[{"id":"#), "malformed", "done"),
        ("json of another shape", json(200, r#"{"value":7}"#), "malformed", "done"),
        ("no link to go on", json(200, r#"{"value":[]}"#), "malformed", "done"),
        ("too large an answer", json(200, &"x".repeat(10_001)), "malformed", "unknown"),
        ("half an answer", Reply::Cut(cut.to_owned()), "failing", "unknown"),
        ("no answer", Reply::Nothing, "failing", "unknown"),
        ("the connection ends", Reply::HangUp, "failing", "unknown"),
        ("a redirect", Reply::Raw(redirect.to_owned()), "malformed", "malformed"),
        ("a concurrent write", json(409, &refusal("Directory_ConcurrencyViolation")), "failing", "failing"),
        ("a gateway's timeout", answer(504, "text/html", html), "failing", "unknown"),
        ("a void cursor", json(400, &refusal("resyncRequired")), "resync", "refused"),
        ("an expired page", json(400, &refusal("Directory_ExpiredPageToken")), "resync", "refused"),
        ("a code that quotes an address", json(400, &refusal("ana@emea.example")), "refused", "refused"),
    ] {
        let read = read(reply.clone()).await.unwrap_err();
        assert_eq!(error_kind(&read), reading, "reading {what}: {read}");
        let write = write(reply).await;
        assert_eq!(write.as_ref().map_or_else(error_kind, |()| "done"), writing, "writing {what}: {write:?}");
    }
}

#[tokio::test]
async fn an_unreachable_directory_did_nothing() {
    let fake = Fake::replying([]).await;
    let mut graph = fake.graph();
    let writer = Writer::new(&graph, fake.with_secrets(options())).unwrap();
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    // Tokens come from where they came; Graph itself is away.
    graph.endpoint = format!("http://{gone}").parse().unwrap();
    let unavailable = Writer::new(&graph, fake.with_secrets(options())).unwrap();
    assert_eq!(error_kind(&unavailable.purge(&TargetId::from("u")).await.unwrap_err()), "unavailable");
    assert_eq!(error_kind(&writer.purge(&TargetId::from("u")).await.unwrap_err()), "unknown");
}

#[tokio::test]
async fn a_link_to_another_host_is_not_followed() {
    let link = "https://graph.evil.example/v1.0/users/delta?$deltatoken=1";
    let fake = Fake::replying([json(200, &format!(r#"{{"value":[],"@odata.deltaLink":"{link}"}}"#))]).await;
    let reader = fake.reader(options());
    let error = reader.users(&[], None).await.unwrap_err();
    assert_eq!(error, Error::Malformed { reason: "a link to another host, or one that cannot be followed".to_owned() });
    let port = fake.address.port();
    for foreign in [
        link.to_owned(),
        format!("https://127.0.0.1:{port}/v1.0/users/delta"),
        format!("http://127.0.0.1:{}/v1.0/users/delta", port ^ 1),
        format!("http://127.0.0.1:{port}@evil.example/v1.0/users/delta"),
        format!("http://user@127.0.0.1:{port}/v1.0/users/delta"),
        "/v1.0/users/delta".to_owned(),
    ] {
        let seen = fake.seen().len();
        let error = reader.users(&[], Some(&Cursor(foreign))).await.unwrap_err();
        assert_eq!(error, Error::Resync, "a cursor of another endpoint is void");
        assert_eq!(fake.seen().len(), seen);
    }
}

#[tokio::test]
async fn k_08_an_empty_link_is_no_link_and_a_page_without_any_is_malformed() {
    let delta = format!("http://{SELF}/v1.0/users/delta?$deltatoken=1");
    for (links, want) in [
        (format!(r#""@odata.nextLink":"","@odata.deltaLink":"{delta}""#), Some(true)),
        (format!(r#""@odata.nextLink":"{delta}","@odata.deltaLink":"""#), Some(false)),
        (r#""@odata.nextLink":"","@odata.deltaLink":"""#.to_owned(), None),
    ] {
        let fake = Fake::replying([json(200, &format!(r#"{{"value":[],{links}}}"#))]).await;
        let page = fake.reader(options()).users(&[], None).await;
        assert_eq!(page.ok().map(|page| matches!(page.next, Next::Complete(_))), want, "{links}");
    }
}

#[tokio::test]
async fn an_unsendable_token_is_not_cached_and_an_everlasting_one_is() {
    let page = || json(200, &format!(r#"{{"value":[],"@odata.deltaLink":"http://{SELF}/x"}}"#));
    let token = |token: &str, lasts: &str| json(200, &format!(r#"{{"access_token":"{token}","expires_in":{lasts}}}"#));
    let fake = Fake::replying_with_tokens([token("a\\nb", "3600"), token("good", "9223372036854775807")], [page(), page()]).await;
    let reader = fake.reader(options());
    let error = reader.users(&[], None).await.unwrap_err();
    assert_eq!(error, Error::Malformed { reason: "a token that cannot be a header".to_owned() });
    reader.users(&[], None).await.unwrap();
    reader.users(&[], None).await.unwrap();
    assert_eq!(fake.seen().iter().filter(|request| request.contains("/oauth2/")).count(), 2);
}

#[tokio::test]
async fn a_link_that_no_store_or_server_takes_is_no_link() {
    for link in [r"http://127.0.0.1:00000/x\u0000y".to_owned(), format!("http://127.0.0.1:00000/{}", "x".repeat(65_536))] {
        let fake = Fake::replying([json(200, &format!(r#"{{"value":[],"@odata.nextLink":"{link}"}}"#))]).await;
        let error = fake.reader(Options::default()).users(&[], None).await.unwrap_err();
        assert_eq!(error_kind(&error), "malformed");
    }
}

#[tokio::test]
async fn an_object_that_makes_no_sense_is_rejected_alone_with_its_place() {
    let body = r#"{"value":[{"id":"u"},{"city":"Rome"},{"id":"v","city":7}],"@odata.deltaLink":"http://127.0.0.1:00000/x"}"#;
    let fake = Fake::replying([json(200, body)]).await;
    let page = fake.reader(options()).users(&[], None).await.unwrap();
    assert_eq!(page.changes.len(), 2);
    let rejected: Vec<(usize, &str)> = page.rejected.iter().map(|rejected| (rejected.index, rejected.reason.as_str())).collect();
    assert_eq!(rejected, [(1, "it has no id"), (2, "city of user v is of another type")]);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_and_each_request_carries_its_trace() {
    let unauthorized = r#"{"error":{"code":"InvalidAuthenticationToken","message":"m"}}"#;
    let fake = Fake::replying([json(401, unauthorized), json(204, "")]).await;
    let writer = fake.writer(options());
    writer.revoke_sessions(&TargetId::from("u")).await.unwrap();
    let requests: Vec<String> = fake.seen().into_iter().filter(|request| !request.contains("/oauth2/")).collect();
    assert_eq!(requests.len(), 2);
    for (request, token) in requests.iter().zip(["Bearer token-1", "Bearer token-2"]) {
        assert!(request.contains(token) && request.contains("traceparent: 00-trace-span-01"), "{request}");
        assert!(request.contains("client-request-id: "));
    }
}

#[tokio::test]
async fn many_callers_ask_for_one_token() {
    let page = r#"{"value":[],"@odata.deltaLink":"http://127.0.0.1:00000/x"}"#;
    let fake = Fake::replying(vec![json(200, page); 20]).await;
    let reader = fake.reader(Options::default());
    let all = (0..20).map(|_| reader.users(&[], None));
    futures::future::try_join_all(all).await.unwrap();
    assert_eq!(fake.seen().iter().filter(|request| request.contains("/oauth2/")).count(), 1);
}

#[tokio::test]
async fn a_subscription_is_asked_for_renewed_and_ended() {
    let made = r#"{"id":"s-1","expirationDateTime":"2026-11-22T08:00:00Z"}"#;
    let gone = r#"{"error":{"code":"ResourceNotFound","message":"The object was not found."}}"#;
    let replies = [json(201, made), json(200, made), json(404, gone), json(204, ""), json(404, gone), json(201, r#"{"id":"s-2"}"#)];
    let fake = Fake::replying(replies).await;
    let reader = fake.reader(Options::default());
    let until = Timestamp::parse("2026-11-22T08:00:00Z").unwrap();
    let sooner = Timestamp::parse("2026-11-22T07:00:00Z").unwrap();
    let url = "https://xtsync.example/notifications/emea".parse().unwrap();
    let asked = Subscribe { of: Collection::Groups, url, client_state: "hush".to_owned().into(), until };
    assert_eq!(reader.subscribe(&asked).await, Ok(Subscription { id: "s-1".to_owned(), expires: until }));
    assert_eq!(reader.renew("s-1", sooner).await, Ok(sooner), "never longer than was asked for, or it would not be renewed in time");
    assert_eq!(reader.renew("s-1", until).await, Err(Error::NotFound));
    assert_eq!(reader.unsubscribe("s-1").await, Ok(()));
    assert_eq!(reader.unsubscribe("s-1").await, Ok(()), "one that is gone already");
    assert!(matches!(reader.subscribe(&asked).await, Err(Error::Unknown { .. })), "it may exist");
    let asked: Vec<String> = fake.seen().into_iter().filter(|request| !request.contains("/oauth2/")).collect();
    assert!(asked[0].starts_with("POST /v1.0/subscriptions "), "{}", asked[0]);
    for part in
        [r#""resource":"groups""#, r#""clientState":"hush""#, r#""lifecycleNotificationUrl":"https://xtsync.example/notifications/emea""#]
    {
        assert!(asked[0].contains(part), "{part} in {}", asked[0]);
    }
    assert!(asked[1].starts_with("PATCH /v1.0/subscriptions/s-1 ") && asked[3].starts_with("DELETE /v1.0/subscriptions/s-1 "));
}
