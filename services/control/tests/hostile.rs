//! Tests of hostile peers: the control API stays reachable, and reads no more than the headers of a call without the token.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use std::time::Duration;

use support::{Control, ORGANIZATION, apply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;
use xtsync_contract::control::GetStatusRequest;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The time limit of each test.
const LIMIT: Duration = Duration::from_secs(120);

/// Returns an HTTP/2 frame. Source: RFC 9113, section 4.1.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Returns the headers of a request: POST, http, `/`, from the static table of RFC 7541.
fn headers(stream: u32) -> Vec<u8> {
    frame(1, 0b101, stream, &[0x83, 0x86, 0x84])
}

async fn connect(control: &Control) -> TcpStream {
    TcpStream::connect(control.address().strip_prefix("http://").unwrap()).await.unwrap()
}

/// Reads until the server closes the connection.
async fn ended(stream: &mut TcpStream) {
    let mut rest = vec![0; 64 * 1024];
    while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
}

async fn answers(control: &Control) {
    control.client().await.get_status(GetStatusRequest {}).await.unwrap();
}

#[tokio::test]
async fn invalid_bytes_and_reset_floods_close_only_their_own_connection() {
    let control = Control::start().await;
    let tried = async {
        for bytes in [&b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"[..], &[0xff; 4096], &[PREFACE, &[0xff; 4096]].concat()] {
            let mut stream = connect(&control).await;
            stream.write_all(bytes).await.ok();
            ended(&mut stream).await;
        }
        answers(&control).await;
        let mut stream = connect(&control).await;
        stream.write_all(&[PREFACE, &frame(4, 0, 0, &[])].concat()).await.unwrap();
        let (mut read, mut write) = stream.into_split();
        let flood = async {
            for number in 0..200_000_u32 {
                let stream = 2 * number + 1;
                let reset = frame(3, 0, stream, &8_u32.to_be_bytes());
                if write.write_all(&[headers(stream), reset].concat()).await.is_err() {
                    return;
                }
            }
            panic!("the server accepted all streams");
        };
        let drain = async { while read.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {} };
        tokio::join!(flood, drain);
        answers(&control).await;
    };
    tokio::time::timeout(LIMIT, tried).await.unwrap();
    control.stop().await;
}

#[tokio::test]
async fn silent_connections_do_not_block_others() {
    let control = Control::start().await;
    let mut silent = Vec::new();
    for number in 0..200 {
        let mut stream = connect(&control).await;
        if number % 2 == 1 {
            stream.write_all(&PREFACE[..10]).await.unwrap();
        }
        silent.push(stream);
    }
    tokio::time::timeout(LIMIT, answers(&control)).await.unwrap();
    control.stop().await;
}

#[tokio::test]
async fn a_large_message_is_refused_and_not_read_without_the_token() {
    let control = Control::start().await;
    let large = apply("a.yaml", &format!("{ORGANIZATION}#{}", "x".repeat(5 << 20)));
    let refused = control.client().await.apply(large.clone()).await.unwrap_err();
    assert!([Code::OutOfRange, Code::ResourceExhausted].contains(&refused.code()), "{refused:?}");
    let refused = control.client_with(Some("Bearer guessed")).await.apply(large).await.unwrap_err();
    assert!(![Code::OutOfRange, Code::ResourceExhausted].contains(&refused.code()), "{refused:?}");
    let long = "x".repeat(64 * 1024);
    assert!(control.client_with(Some(&long)).await.get_status(GetStatusRequest {}).await.is_err());
    answers(&control).await;
    control.stop().await;
}
