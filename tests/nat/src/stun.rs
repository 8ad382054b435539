//! Tells whoever asks from which address they do: the one method of STUN that browsers need (RFC 8489).

use std::net::SocketAddrV4;

const HEADER: usize = 20;
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const XOR_MAPPED_ADDRESS: [u8; 2] = [0x00, 0x20];
const IPV4: [u8; 2] = [0x00, 0x01];

/// The answer to a Binding request; nothing if it is none. Attributes are not looked at.
pub(crate) fn answer(request: &[u8], from: SocketAddrV4) -> Option<Vec<u8>> {
    let (header, attributes) = request.split_first_chunk::<HEADER>()?;
    let [a, b, c, d, rest @ ..] = *header;
    let [cookie @ .., _, _, _, _, _, _, _, _, _, _, _, _] = rest;
    let is_request = [a, b] == BINDING_REQUEST
        && usize::from(u16::from_be_bytes([c, d])) == attributes.len()
        && cookie == MAGIC_COOKIE;
    if !is_request {
        return None;
    }
    let [high, low, ..] = MAGIC_COOKIE;
    let port = from.port() ^ u16::from_be_bytes([high, low]);
    let address = from.ip().to_bits() ^ u32::from_be_bytes(MAGIC_COOKIE);
    let mut answer = BINDING_SUCCESS.to_vec();
    answer.extend(12_u16.to_be_bytes());
    // The cookie and the transaction's id.
    answer.extend(rest);
    answer.extend(XOR_MAPPED_ADDRESS);
    answer.extend(8_u16.to_be_bytes());
    answer.extend(IPV4);
    answer.extend(port.to_be_bytes());
    answer.extend(address.to_be_bytes());
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &[u8] = b"twelve bytes";

    fn request(kind: [u8; 2], length: u8, attributes: &[u8]) -> Vec<u8> {
        [&kind[..], &[0, length], &MAGIC_COOKIE, ID, attributes].concat()
    }

    #[test]
    fn whoever_asks_is_told_their_address() {
        let from = "192.0.2.1:32853".parse().unwrap();
        let answer = answer(&request(BINDING_REQUEST, 0, &[]), from).unwrap();
        // The address and the port of RFC 5769, section 2.2.
        let mapped = [
            0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
        ];
        let expected = [&BINDING_SUCCESS[..], &[0, 12], &MAGIC_COOKIE, ID, &mapped].concat();
        assert_eq!(answer, expected);
    }

    #[test]
    fn only_binding_requests_are_answered() {
        let from = "192.0.2.1:32853".parse().unwrap();
        assert!(answer(&request(BINDING_REQUEST, 4, &[0x80, 0x22, 0, 0]), from).is_some());
        assert_eq!(answer(&request(BINDING_SUCCESS, 0, &[]), from), None);
        assert_eq!(answer(&request(BINDING_REQUEST, 4, &[]), from), None);
        let mut old = request(BINDING_REQUEST, 0, &[]);
        old[4] = 0;
        assert_eq!(answer(&old, from), None);
        assert_eq!(answer(&[], from), None);
    }
}
