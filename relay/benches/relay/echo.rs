//! A WebSocket server that does nothing but send back what comes, with what the relay uses too.

use std::io::Write as _;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpListener;

/// Serves until it is killed.
pub(crate) async fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("listening on http://{}", listener.local_addr().unwrap());
    std::io::stdout().flush().unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            stream.set_nodelay(true).unwrap();
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            while let Some(Ok(message)) = socket.next().await {
                if !message.is_binary() || socket.send(message).await.is_err() {
                    return;
                }
            }
        });
    }
}
