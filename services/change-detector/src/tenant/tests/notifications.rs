//! Subscriptions to a directory's notifications, and what arrives.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use xtsync_runtime::shutdown::Shutdown;

use super::stage::emea;
use super::*;
use crate::nudge::{Holding, Nudge};
use crate::{Inbox, serve};

const URL: &str = "https://xtsync.example/notifications/emea";
const HOUR: Duration = Duration::from_secs(60 * 60);

async fn stage() -> Stage {
    Stage::new(&["city"], &["all"]).await
}

/// Whether there was a nudge since this was last asked.
async fn nudged(held: &Holding) -> bool {
    timeout(Duration::ZERO, held.nudged()).await.is_ok()
}

async fn listen(inbox: Inbox) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, inbox, Shutdown::new()));
    address
}

async fn post(address: SocketAddr, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn deliver(address: SocketAddr, tenant: &str, notice: &str) -> u16 {
    let answer = post(address, &format!("/notifications/{tenant}"), &format!(r#"{{"value":[{notice}]}}"#)).await;
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

fn change(client_state: &str) -> String {
    format!(r#"{{"clientState":"{client_state}","changeType":"updated","resource":"Users/1"}}"#)
}

fn lifecycle(client_state: &str, event: &str) -> String {
    format!(r#"{{"clientState":"{client_state}","lifecycleEvent":"{event}"}}"#)
}

#[tokio::test]
async fn subscriptions_are_made_renewed_halfway_and_made_anew_when_they_are_gone() {
    let stage = stage().await;
    let mut subscriber = stage.subscriber(Some(URL));
    assert!(!subscriber.step(true, stage.now()).await.unwrap());
    assert_eq!(stage.directory.asked(), [format!("subscribe Users {URL}"), format!("subscribe Groups {URL}")]);
    stage.later(HOUR * 11);
    subscriber.step(true, stage.now()).await.unwrap();
    assert_eq!(stage.directory.asked(), [""; 0]);
    let mut successor = stage.subscriber(Some(URL));
    stage.later(HOUR);
    successor.step(true, stage.now()).await.unwrap();
    assert_eq!(stage.directory.asked(), ["renew s1", "renew s2"]);
    stage.later(HOUR * 12);
    stage.directory.fail(DirectoryError::NotFound);
    successor.step(true, stage.now()).await.unwrap();
    assert_eq!(stage.directory.asked(), ["renew s1".to_owned(), format!("subscribe Users {URL}"), "renew s2".to_owned()]);
    stage.later(HOUR * 25);
    successor.step(true, stage.now()).await.unwrap();
    assert_eq!(stage.directory.asked().len(), 2, "what has expired is not renewed");
}

#[tokio::test]
async fn subscriptions_follow_the_url_and_end_with_the_need_for_them() {
    let stage = stage().await;
    stage.subscriber(Some(URL)).step(true, stage.now()).await.unwrap();
    stage.directory.asked();
    let elsewhere = "https://elsewhere.example/notifications/emea";
    let mut subscriber = stage.subscriber(Some(elsewhere));
    subscriber.step(true, stage.now()).await.unwrap();
    let want = ["unsubscribe s1", "subscribe Users", "unsubscribe s2", "subscribe Groups"];
    assert!(stage.directory.asked().iter().zip(want).all(|(asked, want)| asked.starts_with(want)));
    assert!(!subscriber.step(false, stage.now()).await.unwrap());
    assert_eq!(stage.directory.asked(), ["unsubscribe s4", "unsubscribe s3"]);
    assert!(subscriber.step(false, stage.now()).await.unwrap(), "there is nothing more to do");
    assert!(stage.subscriber(None).step(true, stage.now()).await.unwrap());
    assert_eq!(stage.directory.asked(), [""; 0]);
}

#[tokio::test]
async fn a_directory_that_refuses_is_a_warning_and_is_asked_again_later() {
    let stage = stage().await;
    let mut subscriber = stage.subscriber(Some(URL));
    stage.directory.fail(DirectoryError::Forbidden { code: "ExtensionError".into() });
    let error = subscriber.step(true, stage.now()).await.unwrap_err();
    subscriber.failed(&error, stage.now());
    assert_eq!(*subscriber.warning.borrow(), "notifications_forbidden");
    stage.directory.asked();
    subscriber.step(true, stage.now()).await.unwrap();
    assert_eq!(stage.directory.asked(), [""; 0], "not at once");
    stage.later(HOUR);
    subscriber.step(true, stage.now()).await.unwrap();
    assert_eq!((stage.directory.asked().len(), subscriber.warning.borrow().as_str()), (2, ""));
}

#[tokio::test]
async fn whoever_lost_the_lease_subscribes_to_nothing() {
    let stage = stage().await;
    let mut subscriber = stage.subscriber(Some(URL));
    stage.fence().await;
    assert!(subscriber.step(true, stage.now()).await.is_err());
    assert_eq!(stage.directory.asked(), [""; 0]);
}

#[tokio::test]
async fn what_bears_our_client_state_nudges_and_nothing_else_does() {
    let stage = stage().await;
    stage.subscriber(Some(URL)).step(true, stage.now()).await.unwrap();
    let nudge = Nudge::default();
    let held = nudge.hold(&emea());
    let address = listen(stage.inbox(&nudge)).await;
    let ours = stage.directory.client_states()[0].clone();
    assert_eq!(deliver(address, "emea", &change(&ours)).await, 202);
    assert!(nudged(&held).await);
    for foreign in [change("guessed"), change(&ours[1..]), change(""), r#"{"resource":"Users/1"}"#.to_owned()] {
        assert_eq!(deliver(address, "emea", &foreign).await, 202, "nobody is told whether it was one of ours: {foreign}");
    }
    assert_eq!(deliver(address, "hub", &change(&ours)).await, 202, "it is another tenant's");
    assert_eq!(deliver(address, "no%20name", &change(&ours)).await, 404);
    assert_eq!(deliver(address, "emea", "{").await, 400);
    assert!(!nudged(&held).await);
    assert_eq!(deliver(address, "emea", &lifecycle(&ours, "missed")).await, 202);
    assert!(nudged(&held).await);
}

#[tokio::test]
async fn a_directory_that_asks_whether_the_endpoint_is_ours_is_answered_in_plain_text() {
    let address = listen(Inbox::default()).await;
    let answer = post(address, "/notifications/emea?validationToken=Validation%3A+%3Cb%3E%20x", "").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nValidation: <b> x"), "{answer}");
    assert!(answer.contains("content-type: text/plain"), "{answer}");
    let long = "x".repeat(5_000);
    assert!(post(address, &format!("/notifications/emea?validationToken={long}"), "").await.starts_with("HTTP/1.1 400 "));
    assert_eq!(deliver(address, "emea", &change("any")).await, 503, "nobody is there yet: it is to come again");
}

#[tokio::test]
async fn what_another_replica_hears_reaches_the_holder() {
    for stage in [stage().await, Stage::on_postgres(&["city"], &["all"]).await] {
        let mut subscriber = stage.subscriber(Some(URL));
        let held = subscriber.nudge.hold(&emea());
        subscriber.step(true, stage.now()).await.unwrap();
        subscriber.step(true, stage.now()).await.unwrap();
        assert!(nudged(&held).await, "what happened before the subscription was told to nobody");
        stage.directory.asked();
        let elsewhere = listen(stage.inbox(&Nudge::default())).await;
        let states = stage.directory.client_states();
        deliver(elsewhere, "emea", &change(&states[1])).await;
        assert!(!nudged(&held).await);
        subscriber.step(true, stage.now()).await.unwrap();
        assert!(nudged(&held).await);
        subscriber.step(true, stage.now()).await.unwrap();
        assert!(!nudged(&held).await, "once is enough");

        let events = [lifecycle(&states[0], "subscriptionRemoved"), lifecycle(&states[1], "reauthorizationRequired")];
        deliver(elsewhere, "emea", &events.join(",")).await;
        subscriber.step(true, stage.now()).await.unwrap();
        assert!(nudged(&held).await);
        assert_eq!(stage.directory.asked(), [format!("subscribe Users {URL}"), "renew s2".to_owned()]);
    }
}
