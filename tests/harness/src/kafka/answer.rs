//! Whether a broker serves: asked in Kafka's own protocol, since an open port says little.

use anyhow::ensure;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A Metadata request, version 1, for no topic.
const METADATA: [u8; 18] = [
    0, 0, 0, 14, // length of what follows
    0, 3, // Metadata
    0, 1, // version
    0, 0, 0, 7, // correlation id
    0xff, 0xff, // no client id
    0, 0, 0, 0, // no topics
];

/// `Some` once the broker lists itself: it does so when the controller has let it take work.
pub(super) async fn broker_listed(port: u16) -> anyhow::Result<Option<()>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(&METADATA).await?;
    let _length = stream.read_u32().await?;
    let correlation = stream.read_u32().await?;
    ensure!(correlation == 7, "the answer's correlation id is {correlation}");
    Ok((stream.read_i32().await? > 0).then_some(()))
}
