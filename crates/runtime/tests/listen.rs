//! Connections that send nothing, send slowly, or do not read their response: each listener stays reachable.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use xtsync_runtime::listen::{Limits, serve};
use xtsync_runtime::shutdown::Shutdown;

const LIMITS: Limits = Limits { connections: 4, head_timeout: Duration::from_millis(300), idle_timeout: Duration::from_millis(600) };

/// The time limit of each test.
const LIMIT: Duration = Duration::from_secs(60);

async fn served() -> (SocketAddr, Shutdown, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, shutdown) = (listener.local_addr().unwrap(), Shutdown::new());
    let large = "x".repeat(16 << 20);
    let router = Router::new().route("/", get(|| async { "here" })).route("/large", get(|| async move { large }));
    let serving = tokio::spawn(serve(listener, router, LIMITS, shutdown.clone(), Duration::from_secs(1)));
    (address, shutdown, serving)
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

/// Returns the response to a request on a new connection.
async fn ask(address: SocketAddr) -> String {
    let mut stream = connect(address).await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Waits until the server has closed a connection.
async fn ended(stream: &mut TcpStream) {
    let mut rest = [0; 4096];
    while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
}

#[tokio::test]
async fn idle_and_slow_connections_free_their_permits() {
    let (address, shutdown, serving) = served().await;
    let tried = async {
        let mut silent = Vec::new();
        for _ in 0..40 {
            silent.push(connect(address).await);
        }
        assert!(ask(address).await.ends_with("here"), "with ten times as many idle connections as permits");
        for stream in &mut silent {
            ended(stream).await;
        }
        for first in ["GET", "GET / HTTP/1.1\r\nhost: x\r\nx-a: 1\r\nx-b: 2\r\n", "GET / HTTP/1.1\r\nhost: x\r\n\r\n"] {
            let mut streams = Vec::new();
            for _ in 0..8 {
                let mut stream = connect(address).await;
                stream.write_all(first.as_bytes()).await.unwrap();
                streams.push(stream);
            }
            assert!(ask(address).await.ends_with("here"), "{first:?}");
        }
    };
    tokio::time::timeout(LIMIT, tried).await.unwrap();
    shutdown.begin();
    serving.await.unwrap();
}

#[tokio::test]
async fn a_slow_head_and_an_unread_answer_time_out() {
    let (address, shutdown, serving) = served().await;
    let tried = async {
        let (mut read, mut write) = connect(address).await.into_split();
        let drops = async {
            for byte in "GET / HTTP/1.1\r\nx: ".bytes().chain(std::iter::repeat(b'x')) {
                if write.write_all(&[byte]).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let end = async { while read.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {} };
        tokio::select! { () = drops => {} () = end => {} }
        let mut streams = Vec::new();
        for _ in 0..8 {
            let mut stream = connect(address).await;
            stream.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
            streams.push(stream);
        }
        assert!(ask(address).await.ends_with("here"));
    };
    tokio::time::timeout(LIMIT, tried).await.unwrap();
    shutdown.begin();
    serving.await.unwrap();
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let (address, shutdown, serving) = served().await;
    for head in [format!("x: {}\r\n", "y".repeat(20_000)), "x: y\r\n".repeat(100)] {
        let mut stream = connect(address).await;
        stream.write_all(format!("GET / HTTP/1.1\r\nhost: x\r\n{head}\r\n").as_bytes()).await.ok();
        let mut answer = Vec::new();
        tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await.unwrap().ok();
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", head.len());
    }
    assert!(ask(address).await.ends_with("here"));
    shutdown.begin();
    serving.await.unwrap();
}
