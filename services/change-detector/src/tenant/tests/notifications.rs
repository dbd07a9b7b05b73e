//! Subscriptions to a directory's notifications, and what arrives.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, Sender};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_service::wake::{self, Wake};

use super::fixture::emea;
use super::*;
use crate::trigger::{Registration, Trigger};
use crate::{Inbox, serve};

const URL: &str = "https://xtsync.example/notifications/emea";
const HOUR: Duration = Duration::from_secs(60 * 60);

async fn fixture() -> Fixture {
    Fixture::new(&["city"], &["all"]).await
}

/// Whether there was a trigger since this was last asked.
async fn triggered(registration: &Registration) -> bool {
    timeout(Duration::ZERO, registration.triggered()).await.is_ok()
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

async fn deliver(address: SocketAddr, tenant: &str, notification: &str) -> u16 {
    let answer = post(address, &format!("/notifications/{tenant}"), &format!(r#"{{"value":[{notification}]}}"#)).await;
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

fn change(client_state: &str) -> String {
    format!(r#"{{"clientState":"{client_state}","changeType":"updated","resource":"Users/1"}}"#)
}

fn lifecycle(client_state: &str, event: &str) -> String {
    format!(r#"{{"clientState":"{client_state}","lifecycleEvent":"{event}"}}"#)
}

/// Has the owner follow what replicas tell; passes on what that was.
fn follow(fixture: &Fixture, owner: &Trigger, passed_on: Sender<Wake>, shutdown: Shutdown) -> JoinHandle<()> {
    let (store, owner) = (fixture.store(), owner.clone());
    tokio::spawn(async move {
        let wake = |wake| {
            owner.wake(&wake);
            passed_on.try_send(wake).ok();
        };
        wake::follow(&store, wake, shutdown).await;
    })
}

#[tokio::test]
async fn subscriptions_are_made_renewed_halfway_and_made_anew_when_they_are_gone() {
    let fixture = fixture().await;
    let mut subscriber = fixture.subscriber(Some(URL));
    subscriber.step(true, fixture.now()).await.unwrap();
    assert_eq!(fixture.directory.requests(), [format!("subscribe Users {URL}"), format!("subscribe Groups {URL}")]);
    fixture.later(HOUR * 11);
    let next = subscriber.step(true, fixture.now()).await.unwrap();
    assert_eq!((fixture.directory.requests(), next), (vec![], Some(fixture.now().plus(Duration::from_secs(300)))));
    let mut successor = fixture.subscriber(Some(URL));
    fixture.later(HOUR);
    successor.step(true, fixture.now()).await.unwrap();
    assert_eq!(fixture.directory.requests(), ["renew s1", "renew s2"]);
    fixture.later(HOUR * 12);
    fixture.directory.fail(DirectoryError::NotFound);
    successor.step(true, fixture.now()).await.unwrap();
    assert_eq!(fixture.directory.requests(), ["renew s1".to_owned(), format!("subscribe Users {URL}"), "renew s2".to_owned()]);
    fixture.later(HOUR * 25);
    successor.step(true, fixture.now()).await.unwrap();
    assert_eq!(fixture.directory.requests().len(), 2, "what has expired is not renewed");
}

#[tokio::test]
async fn subscriptions_follow_the_url_and_end_with_the_need_for_them() {
    let fixture = fixture().await;
    fixture.subscriber(Some(URL)).step(true, fixture.now()).await.unwrap();
    fixture.directory.requests();
    let elsewhere = "https://elsewhere.example/notifications/emea";
    let mut subscriber = fixture.subscriber(Some(elsewhere));
    subscriber.step(true, fixture.now()).await.unwrap();
    let want = ["unsubscribe s1", "subscribe Users", "unsubscribe s2", "subscribe Groups"];
    assert!(fixture.directory.requests().iter().zip(want).all(|(asked, want)| asked.starts_with(want)));
    assert!(subscriber.step(false, fixture.now()).await.unwrap().is_some());
    assert_eq!(fixture.directory.requests(), ["unsubscribe s4", "unsubscribe s3"]);
    assert_eq!(subscriber.step(false, fixture.now()).await.unwrap(), None, "there is nothing more to do");
    assert_eq!(fixture.subscriber(None).step(true, fixture.now()).await.unwrap(), None);
    assert_eq!(fixture.directory.requests(), [""; 0]);
}

#[tokio::test]
async fn a_directory_that_refuses_is_a_warning_and_is_asked_again_later() {
    let fixture = fixture().await;
    let mut subscriber = fixture.subscriber(Some(URL));
    fixture.directory.fail(DirectoryError::Forbidden { code: "ExtensionError".into() });
    let error = subscriber.step(true, fixture.now()).await.unwrap_err();
    subscriber.failed(&error, fixture.now());
    assert_eq!(*subscriber.warning.borrow(), "notifications_forbidden");
    fixture.directory.requests();
    subscriber.step(true, fixture.now()).await.unwrap();
    assert_eq!(fixture.directory.requests(), [""; 0], "not at once");
    fixture.later(HOUR);
    subscriber.step(true, fixture.now()).await.unwrap();
    assert_eq!((fixture.directory.requests().len(), subscriber.warning.borrow().as_str()), (2, ""));
}

#[tokio::test]
async fn a_replica_without_the_lease_subscribes_to_nothing() {
    let fixture = fixture().await;
    let mut subscriber = fixture.subscriber(Some(URL));
    fixture.take_lease_away().await;
    assert!(subscriber.step(true, fixture.now()).await.is_err());
    assert_eq!(fixture.directory.requests(), [""; 0]);
}

#[tokio::test]
async fn only_a_known_client_state_triggers_a_cycle() {
    let fixture = fixture().await;
    fixture.subscriber(Some(URL)).step(true, fixture.now()).await.unwrap();
    let trigger = Trigger::default();
    let registration = trigger.register(&emea());
    let address = listen(fixture.inbox(&trigger)).await;
    let ours = fixture.directory.client_states()[0].clone();
    assert_eq!(deliver(address, "emea", &change(&ours)).await, 202);
    assert!(triggered(&registration).await);
    for foreign in [change("guessed"), change(&ours[1..]), change(""), r#"{"resource":"Users/1"}"#.to_owned()] {
        assert_eq!(deliver(address, "emea", &foreign).await, 202, "the answer does not say whether it was one of ours: {foreign}");
    }
    assert_eq!(deliver(address, "hub", &change(&ours)).await, 202, "it is another tenant's");
    assert_eq!(deliver(address, "no%20name", &change(&ours)).await, 404);
    assert_eq!(deliver(address, "emea", "{").await, 400);
    assert!(!triggered(&registration).await);
    assert_eq!(deliver(address, "emea", &lifecycle(&ours, "missed")).await, 202);
    assert!(triggered(&registration).await);
}

#[tokio::test]
async fn a_directory_that_asks_whether_the_endpoint_is_ours_is_answered_in_plain_text() {
    let address = listen(Inbox::default()).await;
    let answer = post(address, "/notifications/emea?validationToken=Validation%3A+%3Cb%3E%20x", "").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nValidation: <b> x"), "{answer}");
    assert!(answer.contains("content-type: text/plain"), "{answer}");
    let long = "x".repeat(5_000);
    assert!(post(address, &format!("/notifications/emea?validationToken={long}"), "").await.starts_with("HTTP/1.1 400 "));
    assert_eq!(deliver(address, "emea", &change("any")).await, 503, "no owner is there yet: it is to come again");
}

#[tokio::test]
async fn a_notification_to_another_replica_reaches_the_lease_holder() {
    for fixture in [fixture().await, Fixture::on_postgres(&["city"], &["all"]).await] {
        let mut subscriber = fixture.subscriber(Some(URL));
        let owner = subscriber.trigger.clone();
        let registration = owner.register(&emea());
        subscriber.step(true, fixture.now()).await.unwrap();
        assert!(triggered(&registration).await, "what happened before the subscription was notified to none");
        fixture.directory.requests();
        let (shutdown, (passed_on, mut wakes)) = (Shutdown::new(), mpsc::channel(16));
        let following = follow(&fixture, &owner, passed_on, shutdown.clone());
        // It begins, and on a server it begins to listen.
        for _ in 0..if fixture.is_on_postgres() { 2 } else { 1 } {
            assert_eq!(wakes.recv().await, Some(Wake::Anything));
        }
        triggered(&registration).await;
        timeout(Duration::ZERO, owner.subscription(&emea())).await.ok();

        let elsewhere = listen(fixture.inbox(&Trigger::default())).await;
        let states = fixture.directory.client_states();
        deliver(elsewhere, "emea", &change(&states[1])).await;
        registration.triggered().await;
        assert!(!triggered(&registration).await, "once is enough");

        let events = [lifecycle(&states[0], "subscriptionRemoved"), lifecycle(&states[1], "reauthorizationRequired")];
        deliver(elsewhere, "emea", &events.join(",")).await;
        registration.triggered().await;
        owner.subscription(&emea()).await;
        subscriber.step(true, fixture.now()).await.unwrap();
        assert_eq!(fixture.directory.requests(), [format!("subscribe Users {URL}"), "renew s2".to_owned()]);
        shutdown.begin();
        following.await.unwrap();
    }
}
