// A proxy in front of the relay: counts what each answer weighs on the wire, and can change heads.

import http from 'node:http';
import net from 'node:net';

/** See the module. */
export class Proxy {
  /**
   * Bytes of the answers by path, heads included, as the relay sent them.
   *
   * @type {Map<string, number>}
   */
  bytes = new Map();

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
    upstream.on('data', (bytes) => this.#count(request.url, bytes.length));
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
