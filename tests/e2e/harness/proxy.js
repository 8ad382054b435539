// A proxy in front of the relay: counts what each answer weighs on the wire, can change heads, and keeps
// what goes over WebSockets for those who look whether the relay could read it.

import http from 'node:http';
import net from 'node:net';

/**
 * What is in the frames that a browser sent (RFC 6455, section 5.2); the last may be cut off.
 *
 * @param {Buffer} wire
 */
const unmasked = (wire) => {
  const parts = [];
  for (let at = 0; at + 6 <= wire.length;) {
    let size = wire[at + 1] & 0x7f;
    at += 2;
    if (size === 126) {
      size = wire.readUInt16BE(at);
      at += 2;
    } else if (size === 127) {
      size = Number(wire.readBigUInt64BE(at));
      at += 8;
    }
    const mask = wire.subarray(at, at + 4);
    at += 4;
    parts.push(Buffer.from(wire.subarray(at, at + size)).map((byte, i) => byte ^ mask[i % 4]));
    at += size;
  }
  return Buffer.concat(parts);
};

/** See the module. */
export class Proxy {
  /**
   * Bytes of the answers by path, heads included, as the relay sent them.
   *
   * @type {Map<string, number>}
   */
  bytes = new Map();

  /**
   * What browsers sent over each WebSocket, as it was on the wire.
   *
   * @type {Buffer[][]}
   */
  #sent = [];

  /** @type {Buffer[]} */
  #received = [];

  #server;

  #sockets = new Set();

  /**
   * @param {import('./relay.js').Relay} relay
   * @param {{without?: string[]}} [options] names of headers that get lost
   */
  constructor(relay, { without = [] } = {}) {
    this.relay = relay;
    this.without = without;
    this.#server = http.createServer((request, response) => this.#answer(request, response));
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#server.on('connection', (socket) => this.#keep(socket));
  }

  get origin() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  /** All bytes so far. */
  get total() {
    return [...this.bytes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** All that went over WebSockets, both ways, as the relay sees it. */
  get spoken() {
    return Buffer.concat([...this.#sent.map((chunks) => unmasked(Buffer.concat(chunks))), ...this.#received]);
  }

  async start() {
    await new Promise((listening) => { this.#server.listen(0, '127.0.0.1', listening); });
    return this;
  }

  async stop() {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((closed) => { this.#server.close(closed); });
  }

  #answer(request, response) {
    // A connection of its own for each request, so that what it reads is this answer and no other.
    const asked = http.request({
      host: '127.0.0.1', port: this.relay.port, path: request.url, method: request.method, headers: request.headers, agent: false,
    }, (answer) => {
      // The start line and each header as they came, kept apart from what Node makes of them.
      const headers = [];
      for (let i = 0; i < answer.rawHeaders.length; i += 2) {
        const [name, value] = answer.rawHeaders.slice(i, i + 2);
        if (!this.without.includes(name.toLowerCase())) headers.push(name, value);
      }
      response.writeHead(answer.statusCode, headers);
      answer.pipe(response);
      const { socket } = answer;
      answer.on('end', () => this.#count(request.url, socket.bytesRead));
    });
    asked.on('error', () => response.destroy());
    request.pipe(asked);
  }

  #upgrade(request, socket, head) {
    const upstream = net.connect(this.relay.port, '127.0.0.1', () => {
      const lines = [`${request.method} ${request.url} HTTP/1.1`];
      for (let i = 0; i < request.rawHeaders.length; i += 2) lines.push(request.rawHeaders.slice(i, i + 2).join(': '));
      upstream.write(`${lines.join('\r\n')}\r\n\r\n`);
      upstream.write(head);
      socket.pipe(upstream).pipe(socket);
    });
    this.#keep(upstream);
    const sent = [];
    this.#sent.push(sent);
    socket.on('data', (bytes) => sent.push(bytes));
    upstream.on('data', (bytes) => {
      this.#received.push(bytes);
      this.#count(request.url, bytes.length);
    });
    for (const [end, other] of [[socket, upstream], [upstream, socket]]) {
      end.on('error', () => other.destroy());
      end.on('close', () => other.destroy());
    }
  }

  #count(path, bytes) {
    this.bytes.set(path, (this.bytes.get(path) ?? 0) + bytes);
  }

  #keep(socket) {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
