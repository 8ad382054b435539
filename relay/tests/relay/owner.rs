//! Somebody who holds a mailbox's key.

use bocage_wire::mailbox::{get_message, put_message};
use bocage_wire::{ClientFrame, RelayFrame};
use ed25519_dalek::{Signer as _, SigningKey};

use crate::client::Peer;

/// The holder of one mailbox's key, on one socket.
#[derive(Clone)]
pub(crate) struct Owner {
    key: SigningKey,
    pub(crate) challenge: [u8; 32],
}

/// What a Get without following came to: each item's cursor, id and bytes, and the cursor at the end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) items: Vec<(u64, [u8; 16], Vec<u8>)>,
    pub(crate) cursor: u64,
}

impl Got {
    pub(crate) fn ids(&self) -> Vec<u8> {
        self.items.iter().map(|(_, id, _)| id[0]).collect()
    }
}

impl Owner {
    pub(crate) fn new(seed: u8, challenge: [u8; 32]) -> Self {
        Self::from_seed([seed; 32], challenge)
    }

    pub(crate) fn from_seed(seed: [u8; 32], challenge: [u8; 32]) -> Self {
        Self {
            key: SigningKey::from_bytes(&seed),
            challenge,
        }
    }

    pub(crate) fn mailbox(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    pub(crate) fn put(&self, request: u32, id: u8, bytes: &[u8]) -> ClientFrame {
        let (mailbox, id) = (self.mailbox(), [id; 16]);
        let message = put_message(&self.challenge, &mailbox, &id, bytes);
        ClientFrame::Put {
            request,
            mailbox,
            id,
            bytes: bytes.to_vec(),
            signature: self.key.sign(&message).to_bytes(),
        }
    }

    pub(crate) fn get(&self, request: u32, after: u64, follow: bool) -> ClientFrame {
        let mailbox = self.mailbox();
        let message = get_message(&self.challenge, &mailbox, after, follow);
        ClientFrame::Get {
            request,
            mailbox,
            after,
            follow,
            signature: self.key.sign(&message).to_bytes(),
        }
    }

    pub(crate) fn unfollow(&self) -> ClientFrame {
        ClientFrame::Unfollow {
            mailbox: self.mailbox(),
        }
    }

    /// Puts an item and waits until it is kept.
    pub(crate) async fn keep(&self, peer: &mut Peer, id: u8, bytes: &[u8]) {
        peer.say(&self.put(7, id, bytes)).await;
        assert_eq!(peer.frame().await, RelayFrame::Kept { request: 7 });
    }

    /// Gets all items after a cursor; nothing else may come meanwhile.
    pub(crate) async fn got(&self, peer: &mut Peer, after: u64) -> Got {
        peer.say(&self.get(8, after, false)).await;
        self.until_the_end(peer, 8).await
    }

    /// The items that come until the end of the Get `request`.
    pub(crate) async fn until_the_end(&self, peer: &mut Peer, request: u32) -> Got {
        let mut items = Vec::new();
        loop {
            match peer.frame().await {
                RelayFrame::Item {
                    mailbox,
                    cursor,
                    id,
                    bytes,
                } if mailbox == self.mailbox() => {
                    items.push((cursor, id, bytes));
                }
                RelayFrame::UpToDate {
                    request: at,
                    cursor,
                } if at == request => {
                    return Got { items, cursor };
                }
                other => panic!("neither an item nor the end: {other:?}"),
            }
        }
    }
}

/// A greeted socket and the owner of the mailbox with this seed on it.
pub(crate) async fn owner(relay: std::net::SocketAddr, seed: u8) -> (Peer, Owner) {
    let (peer, challenge) = Peer::greeted(relay).await;
    (peer, Owner::new(seed, challenge))
}

/// The same from another address of this machine: somebody else's, as far as the relay can know.
pub(crate) async fn owner_from(
    from: [u8; 4],
    relay: std::net::SocketAddr,
    seed: u8,
) -> (Peer, Owner) {
    let (peer, challenge) = Peer::greeted_from(from, relay, &[]).await.unwrap();
    (peer, Owner::new(seed, challenge))
}
