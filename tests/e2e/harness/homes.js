// Two homes, each behind a NAT, with a relay and a STUN server out in public, and distance and loss between all.
//
// Each is a network namespace; what connects them is the program natbox (tests/nat).

import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { ip, makeNamespace, removeNamespace, startInNamespace } from './namespaces.js';
import { results } from './places.js';

/**
 * What a home's NAT does, in the words of RFC 4787.
 *
 * @typedef {object} Nat
 * @property {'endpoint-independent' | 'address-and-port-dependent'} mapping
 * @property {'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent'} filtering
 * @property {boolean} [withoutUdp] neither leaves nor enters
 */

/** How many of a hundred packets are lost. */
const LOSS = 2;

/** How long a packet takes from one home to the other, or to the relay, in milliseconds. */
const DELAY = 25;

/** Addresses that are for documentation (RFC 5737), and such as homes have (RFC 1918). */
const PUBLIC = '198.51.100.1';
const PLACES = [
  { name: 'home1', inside: '192.168.1.2', outside: '203.0.113.1' },
  { name: 'home2', inside: '192.168.2.2', outside: '203.0.113.2' },
];

const STUN_PORT = 3478;

let networks = 0;

/** `cargo xtask soak` names the program; without it, what lies in `target/` is taken. */
const natboxProgram = () => {
  const program = path.resolve(results, '../..', process.env.BOCAGE_NATBOX ?? 'target/debug/natbox');
  if (!existsSync(program)) throw new Error('there is no natbox: build it with `cargo build -p bocage-nat`');
  return program;
};

/** See the module. */
export class Homes {
  /**
   * The homes' namespaces.
   *
   * @type {string[]}
   */
  namespaces = [];

  /** @type {string} */
  #public;

  /** What is to be ended, the latest first. */
  #running = [];

  /** @type {Awaited<ReturnType<typeof startInNamespace>>} */
  #natbox;

  /**
   * @param {import('./stage.js').Stage} stage where it ends with everything else
   * @param {number} seed from which follows what is lost
   */
  constructor(stage, seed) {
    this.stage = stage;
    this.seed = seed;
  }

  /** @param {Nat[]} nats one for each home */
  async start(nats) {
    this.stage.atEnd(() => this.stop());
    networks += 1;
    this.#public = makeNamespace(`${networks}-public`);
    const args = ['--public', 'public', '--loss', `${LOSS}`, '--delay', `${DELAY}`, '--seed', `${this.seed}`];
    args.push('--stun', `0.0.0.0:${STUN_PORT}`);
    for (const [index, { name, outside }] of PLACES.entries()) {
      const { mapping, filtering, withoutUdp } = nats[index];
      args.push('--home', name, '--address', outside, '--mapping', mapping, '--filtering', filtering);
      if (withoutUdp) args.push('--without-udp', name);
    }
    this.#natbox = await startInNamespace(this.#public, natboxProgram(), args);
    this.#connect(this.#public, 'public', PUBLIC);
    for (const { name, inside } of PLACES) {
      const namespace = makeNamespace(`${networks}-${name}`);
      this.namespaces.push(namespace);
      ip('-n', this.#public, 'link', 'set', name, 'netns', namespace);
      this.#connect(namespace, name, inside);
    }
  }

  /**
   * A relay in public, which each home reaches as if it were on the device itself: browsers give the app what it needs
   * at such an address.
   */
  async relay() {
    const stun = `stun:${PUBLIC}:${STUN_PORT}`;
    const relay = await this.stage.relay({ host: PUBLIC, namespace: this.#public, args: ['--stun-uri', stun] });
    const forwarder = fileURLToPath(new URL('forward.js', import.meta.url));
    for (const namespace of this.namespaces) {
      const args = [forwarder, `127.0.0.1:${relay.port}`, `${PUBLIC}:${relay.port}`];
      this.#running.unshift(await startInNamespace(namespace, process.execPath, args));
    }
    return relay;
  }

  /** Cuts everything, and gives what came through. */
  async cut() {
    const said = await this.#natbox.stop();
    this.#natbox = undefined;
    const [, brought, betweenHomes, lost, refused] = /^brought (\d+), between homes (\d+), lost (\d+), refused (\d+)$/m.exec(said).map(Number);
    return { brought, betweenHomes, lost, refused };
  }

  /** Takes everything away. */
  async stop() {
    const running = this.#running.splice(0);
    if (this.#natbox) running.push(this.#natbox);
    this.#natbox = undefined;
    try {
      await Promise.all(running.map((one) => one.stop()));
    } finally {
      for (const namespace of [...this.namespaces.splice(0), this.#public]) if (namespace) removeNamespace(namespace);
    }
  }

  #connect(namespace, device, address) {
    ip('-n', namespace, 'address', 'add', `${address}/24`, 'dev', device);
    ip('-n', namespace, 'link', 'set', device, 'up');
    ip('-n', namespace, 'route', 'add', 'default', 'dev', device);
  }
}
