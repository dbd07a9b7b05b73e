//! What anonymous posts can make the listener for notifications hold in memory, by many posts of the largest size at once.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use peak_alloc::PeakAlloc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use xtsync_change_detector::{Inbox, serve};
use xtsync_runtime::shutdown::Shutdown;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MIB: usize = 1024 * 1024;

/// The status that a body gets; none where the connection ends before it is read.
async fn post(address: SocketAddr, body: Arc<str>) -> Option<u16> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("POST /notifications/emea HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.ok()?;
    // A server that refuses a body need not read it.
    stream.write_all(body.as_bytes()).await.ok();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.ok()?;
    std::str::from_utf8(&answer[9..]).ok()?.parse().ok()
}

#[tokio::test]
async fn many_large_posts_take_bounded_memory_and_each_is_answered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, shutdown) = (listener.local_addr().unwrap(), Shutdown::new());
    let serving = tokio::spawn(serve(listener, Inbox::default(), shutdown.clone()));
    for (bytes, want) in [(MIB - 100, 400), (2 * MIB, 413)] {
        for piece in ["{},", "[],", r#"{"clientState":"x"},"#] {
            let body: Arc<str> = format!(r#"{{"value":[{}{{}}]}}"#, piece.repeat(bytes / piece.len())).into();
            let before = MEMORY.current_usage();
            MEMORY.reset_peak_usage();
            let posts = (0..150).map(|_| tokio::spawn(post(address, Arc::clone(&body))));
            for posted in posts.collect::<Vec<_>>() {
                let status = tokio::time::timeout(Duration::from_secs(120), posted).await.unwrap().unwrap();
                assert!(status.is_none_or(|status| status == want || status == 408), "{bytes} of {piece}: {status:?}");
            }
            let took = MEMORY.peak_usage().saturating_sub(before);
            assert!(took <= 256 * MIB, "{bytes} of {piece}: {} MiB", took / MIB);
        }
    }
    shutdown.begin();
    serving.await.unwrap();
}
