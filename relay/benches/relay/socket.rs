//! A WebSocket with as little around it as can be: ten thousand of them must not be in the way.

use std::io;
use std::net::SocketAddr;

use bocage_wire::{ClientFrame, PROTOCOL_VERSION, RelayFrame};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

pub(crate) struct Socket(pub(crate) TcpStream);

/// One of the addresses of this machine.
pub(crate) fn address(n: usize) -> [u8; 4] {
    let [.., high, low] = n.to_be_bytes();
    [127, 1, high, low]
}

pub(crate) async fn connect(from: [u8; 4], to: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Socket {
    /// Opens one and is greeted.
    pub(crate) async fn greeted(from: [u8; 4], relay: SocketAddr) -> io::Result<Self> {
        let mut stream = connect(from, relay).await?;
        let request = "GET /relay HTTP/1.1\r\nHost: somewhere\r\nConnection: Upgrade\r\n\
            Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        if !head.starts_with(b"HTTP/1.1 101 ") {
            return Err(io::Error::other("no WebSocket"));
        }
        let mut socket = Self(stream);
        let version = PROTOCOL_VERSION;
        socket.say(&ClientFrame::Hello { version }).await?;
        match socket.frame().await? {
            RelayFrame::Greeting { .. } => Ok(socket),
            other => Err(io::Error::other(format!("not greeted: {other:?}"))),
        }
    }

    /// Enters a room. Gives the seat.
    pub(crate) async fn enter(&mut self, room: [u8; 16]) -> io::Result<u32> {
        self.say(&ClientFrame::Enter { room }).await?;
        loop {
            if let RelayFrame::Entered { seat, .. } = self.frame().await? {
                return Ok(seat);
            }
        }
    }

    /// Sends a short frame, with a mask of zeros.
    pub(crate) async fn say(&mut self, frame: &ClientFrame) -> io::Result<()> {
        let content = frame.encode();
        let len = u8::try_from(content.len()).ok().filter(|len| *len < 126);
        let len = len.ok_or_else(|| io::Error::other("a long frame"))?;
        let message = [&[0x82, 0x80 | len, 0, 0, 0, 0], content.as_slice()].concat();
        self.0.write_all(&message).await
    }

    /// The next short frame that is no ping.
    pub(crate) async fn frame(&mut self) -> io::Result<RelayFrame> {
        loop {
            let [kind, len] = [self.0.read_u8().await?, self.0.read_u8().await?];
            let len = match len {
                126 => usize::from(self.0.read_u16().await?),
                short => usize::from(short),
            };
            let mut content = vec![0; len];
            self.0.read_exact(&mut content).await?;
            if kind == 0x82 {
                return RelayFrame::decode(&content).map_err(io::Error::other);
            }
        }
    }
}
