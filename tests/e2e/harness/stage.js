// Where a test plays: relays and people are started on demand, and all of it ends with the test.

import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';

import { Person } from './person.js';
import { results } from './places.js';
import { startRelay } from './relay.js';

const slug = (words) => words
  .normalize('NFKD')
  .replace(/[^\p{L}\p{N}]+/gu, '-')
  .replace(/^-+|-+$/g, '')
  .slice(0, 70)
  .toLowerCase();

/** See the module. */
export class Stage {
  /** @type {(() => unknown)[]} */
  #endings = [];

  /** @type {Person[]} */
  #people = [];

  /** @type {import('./relay.js').Relay[]} */
  #relays = [];

  #pictures = 0;

  /**
   * @param {string} name
   * @param {import('./browsers.js').BrowserName} browser
   */
  constructor(name, browser) {
    this.browser = browser;
    this.folder = path.join(results, `${slug(name)}-${browser}`);
    rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(this.folder, { recursive: true });
  }

  /**
   * A running relay.
   *
   * @param {Parameters<typeof startRelay>[0]} [options]
   */
  async relay(options) {
    const relay = await startRelay(options);
    this.#relays.push(relay);
    this.atEnd(() => relay.kill());
    return relay;
  }

  /**
   * Somebody with a browser of their own, which is started.
   *
   * @param {string} who
   * @param {import('./device.js').DeviceOptions & {browser?: import('./browsers.js').BrowserName}} [options]
   */
  async person(who, { browser = this.browser, ...options } = {}) {
    const person = new Person(this, who, browser, options);
    this.#people.push(person);
    this.atEnd(() => person.discard());
    await person.start();
    return person;
  }

  /** Runs `end` when the scenario is over; the latest first. */
  atEnd(end) {
    this.#endings.unshift(end);
  }

  /** The file for the next screenshot. */
  picture(what) {
    this.#pictures += 1;
    return path.join(this.folder, `${String(this.#pictures).padStart(2, '0')}-${slug(what)}.png`);
  }

  /** What went wrong beside the test's own assertions. */
  problems() {
    return this.#people.flatMap((person) => person.watch.problems.map((what) => `${person.who}: ${what}`));
  }

  /** What the relays have written, for the message of a failure. */
  log() {
    return this.#relays.map((relay) => relay.log).join('\n');
  }

  /** Ends everything. */
  async end() {
    const faults = [];
    for (const end of this.#endings.splice(0)) {
      await Promise.resolve().then(end).catch((fault) => faults.push(fault));
    }
    if (faults.length > 0) throw new AggregateError(faults, 'what the test had started did not end');
  }
}
