//! Somebody who connects: HTTP written out by hand, because every byte matters there, and WebSocket
//! through tungstenite, or by hand where it would answer for us.

use std::collections::HashMap;
use std::net::SocketAddr;

use bocage_wire::{ClientFrame, PROTOCOL_VERSION, Refusal, RelayFrame};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Request};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::soon;

/// An HTTP answer. Header names are in lower case.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    fn parse(bytes: &[u8]) -> Self {
        let end = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .expect("no whole head");
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let mut headers = HashMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            let before = headers.insert(name.to_lowercase(), value.to_owned());
            assert_eq!(before, None, "{name} came twice");
        }
        Self {
            status,
            headers,
            body: bytes[end + 4..].to_vec(),
        }
    }
}

pub(crate) async fn connect(address: SocketAddr) -> TcpStream {
    soon(TcpStream::connect(address)).await.unwrap()
}

/// Connects from an address of this machine, of which it has many.
pub(crate) async fn connect_from(from: [u8; 4], address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    soon(socket.connect(address)).await.unwrap()
}

/// Sends one request with exactly these header lines besides the two that every one needs.
pub(crate) async fn request(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[&str],
) -> Answer {
    let mut stream = connect(address).await;
    let mut text =
        format!("{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for header in headers {
        text += header;
        text += "\r\n";
    }
    text += "\r\n";
    soon(stream.write_all(text.as_bytes())).await.unwrap();
    Answer::parse(&rest(&mut stream).await)
}

pub(crate) async fn get(address: SocketAddr, target: &str, headers: &[&str]) -> Answer {
    request(address, "GET", target, headers).await
}

/// All that still comes until the other end closes.
pub(crate) async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    soon(stream.read_to_end(&mut bytes)).await.unwrap();
    bytes
}

/// A WebSocket to the relay.
#[derive(Debug)]
pub(crate) struct Peer(pub(crate) WebSocketStream<TcpStream>);

impl Peer {
    /// Opens one the way a browser does from a page of `origin`, or a program without.
    pub(crate) async fn open(address: SocketAddr, origin: Option<&str>) -> Result<Self, Error> {
        let mut request = format!("ws://{address}{}", bocage_wire::PATH)
            .into_client_request()
            .unwrap();
        if let Some(origin) = origin {
            request
                .headers_mut()
                .insert("Origin", HeaderValue::from_str(origin).unwrap());
        }
        Self::open_on(connect(address).await, request).await
    }

    /// Opens one, says Hello, and lets the system hold back little for a reader who does
    /// not read.
    pub(crate) async fn narrow(address: SocketAddr) -> (Self, [u8; 32]) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(128 * 1024).unwrap();
        let stream = soon(socket.connect(address)).await.unwrap();
        let request = format!("ws://{address}{}", bocage_wire::PATH)
            .into_client_request()
            .unwrap();
        let mut peer = Self::open_on(stream, request).await.unwrap();
        peer.say(&ClientFrame::Hello {
            version: PROTOCOL_VERSION,
        })
        .await;
        match peer.frame().await {
            RelayFrame::Greeting { challenge, .. } => (peer, challenge),
            other => panic!("not greeted: {other:?}"),
        }
    }

    /// Opens one from an address of this machine, with these headers besides.
    pub(crate) async fn open_from(
        from: [u8; 4],
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Error> {
        let mut request = format!("ws://{address}{}", bocage_wire::PATH)
            .into_client_request()
            .unwrap();
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).unwrap();
            request.headers_mut().append(*name, value);
        }
        Self::open_on(connect_from(from, address).await, request).await
    }

    /// Opens one from there and says Hello. Gives whether it is greeted, and not refused as one too
    /// many.
    pub(crate) async fn greeted_from(
        from: [u8; 4],
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Option<(Self, [u8; 32])> {
        let mut peer = Self::open_from(from, address, headers).await.unwrap();
        let version = PROTOCOL_VERSION;
        peer.say(&ClientFrame::Hello { version }).await;
        match peer.frame().await {
            RelayFrame::Greeting { challenge, .. } => Some((peer, challenge)),
            RelayFrame::Refused {
                reason: Refusal::TooBusy,
            } => None,
            other => panic!("neither greeted nor refused: {other:?}"),
        }
    }

    async fn open_on(stream: TcpStream, request: Request<()>) -> Result<Self, Error> {
        soon(client_async(request, stream))
            .await
            .map(|(socket, _)| Self(socket))
    }

    /// Opens one and says Hello in `version`.
    pub(crate) async fn hello(address: SocketAddr, version: u32) -> Self {
        let mut peer = Self::open(address, None).await.unwrap();
        peer.send(Message::Binary(
            ClientFrame::Hello { version }.encode().into(),
        ))
        .await;
        peer
    }

    pub(crate) async fn send(&mut self, message: Message) {
        soon(self.0.send(message)).await.unwrap();
    }

    /// Opens one and is greeted. Gives the challenge, too.
    pub(crate) async fn greeted(address: SocketAddr) -> (Self, [u8; 32]) {
        let mut peer = Self::hello(address, PROTOCOL_VERSION).await;
        match peer.frame().await {
            RelayFrame::Greeting { challenge, .. } => (peer, challenge),
            other => panic!("not greeted: {other:?}"),
        }
    }

    /// Opens one, is greeted and enters the room. Gives the seat and the others there, too.
    pub(crate) async fn in_room(address: SocketAddr, room: [u8; 16]) -> (Self, u32, Vec<u32>) {
        let (mut peer, _) = Self::greeted(address).await;
        let (seat, others) = peer.enter(room).await;
        (peer, seat, others)
    }

    /// Enters the room; nothing else may come before the answer.
    pub(crate) async fn enter(&mut self, room: [u8; 16]) -> (u32, Vec<u32>) {
        self.say(&ClientFrame::Enter { room }).await;
        match self.frame().await {
            RelayFrame::Entered {
                room: entered,
                seat,
                others,
            } if entered == room => (seat, others),
            other => panic!("not entered: {other:?}"),
        }
    }

    pub(crate) async fn say(&mut self, frame: &ClientFrame) {
        self.send(Message::Binary(frame.encode().into())).await;
    }

    pub(crate) async fn next(&mut self) -> Option<Result<Message, Error>> {
        soon(self.0.next()).await
    }

    pub(crate) async fn frame(&mut self) -> RelayFrame {
        match self.next().await {
            Some(Ok(Message::Binary(bytes))) => RelayFrame::decode(&bytes).unwrap(),
            other => panic!("no frame: {other:?}"),
        }
    }

    /// The number with which the relay closes next.
    pub(crate) async fn close_code(&mut self) -> u16 {
        match self.next().await {
            Some(Ok(Message::Close(Some(close)))) => close.code.into(),
            other => panic!("no close frame: {other:?}"),
        }
    }
}

/// A WebSocket whose frames the test writes and reads itself, so that nothing is answered for it.
pub(crate) async fn raw_socket(relay: SocketAddr) -> TcpStream {
    raw_socket_offering(relay, "nothing-known").await
}

/// The same; the relay must not agree to the extension.
pub(crate) async fn raw_socket_offering(relay: SocketAddr, extension: &str) -> TcpStream {
    let mut stream = connect(relay).await;
    let request = format!(
        "GET /relay HTTP/1.1\r\nHost: somewhere\r\nConnection: Upgrade\r\n\
        Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Extensions: {extension}\r\n\
        Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon(stream.read_u8()).await.unwrap());
    }
    assert!(
        head.starts_with(b"HTTP/1.1 101 "),
        "{}",
        String::from_utf8_lossy(&head)
    );
    let head = String::from_utf8(head).unwrap().to_lowercase();
    assert!(!head.contains("extensions"), "{head}");
    stream
}

/// The first byte and the content of a short frame from the relay.
pub(crate) async fn raw_frame(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    soon(stream.read_exact(&mut head)).await.unwrap();
    assert!(head[1] < 126, "a long or masked frame");
    let mut content = vec![0; head[1].into()];
    soon(stream.read_exact(&mut content)).await.unwrap();
    (head[0], content)
}
