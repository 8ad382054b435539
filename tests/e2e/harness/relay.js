// The real relay as a process of its own.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

import { inNamespace } from './namespaces.js';
import { appDirectory, relayProgram, results } from './places.js';
import { within } from './until.js';

let relays = 0;

/**
 * Where a relay runs, and what else it is told.
 *
 * @typedef {object} Surroundings
 * @property {string} [host] where it listens; `origin` leads there only from the same machine
 * @property {string} [namespace] the network namespace in which it runs
 * @property {string[]} [args]
 */

/** A running relay, which can be ended and started again at the same address. */
export class Relay {
  /** What it has written to its error stream, for the message of a failed test. */
  log = '';

  /** @type {import('node:child_process').ChildProcess | null} */
  #process = null;

  #metrics = '';

  /**
   * @param {string} app the folder of a finished app
   * @param {string} data where mail is kept
   * @param {Surroundings} [surroundings]
   */
  constructor(app, data, { host = '127.0.0.1', namespace, args = [] } = {}) {
    this.app = app;
    this.data = data;
    this.surroundings = { host, namespace, args };
  }

  /** Where the app is served: `http://127.0.0.1:<port>`. */
  get origin() {
    return `http://127.0.0.1:${this.port}`;
  }

  /**
   * Starts it at the port it had before, or at a free one.
   *
   * @param {number} [port]
   */
  async start(port = this.port ?? 0) {
    const { host, namespace, args } = this.surroundings;
    const options = ['--listen', `${host}:${port}`, '--app', this.app, '--data', this.data, '--metrics', '127.0.0.1:0', ...args];
    const [program, ...before] = inNamespace(namespace, 'bash');
    // The system ends a program whose file may not grow, unless it ignores the signal: then it sees the error.
    const running = spawn(program, [...before, '-c', 'trap "" XFSZ; exec "$0" "$@"', relayProgram(), ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = running;
    running.stderr.setEncoding('utf8').on('data', (text) => { this.log += text; });
    this.port = await within('the relay says where it listens', new Promise((resolve, refuse) => {
      let said = '';
      running.stdout.setEncoding('utf8').on('data', (text) => {
        said += text;
        const found = /^listening on http:\/\/[\d.]+:(\d+)\nmetrics on (\S+)\n/.exec(said);
        if (!found) return;
        [, , this.#metrics] = found;
        resolve(Number(found[1]));
      });
      running.once('error', refuse);
      running.once('exit', (code) => refuse(new Error(`the relay ended with ${code}:\n${this.log}`)));
    }));
  }

  /**
   * What it has counted since it was started.
   *
   * @param {string} name without `bocage_`
   * @returns {Promise<number>}
   */
  async counts(name) {
    const text = await (await fetch(this.#metrics)).text();
    const found = new RegExp(`^bocage_${name} (\\d+)$`, 'm').exec(text);
    if (!found) throw new Error(`the relay does not count ${name}`);
    return Number(found[1]);
  }

  /** Nothing can be written to its disk any more, or it can again. */
  setRoom(room) {
    const limit = room ? 'unlimited' : '0';
    execFileSync('prlimit', [`--fsize=${limit}:unlimited`, '--pid', String(this.#process.pid)]);
  }

  /** Ends it at once, as a loss of power would. */
  async kill() {
    const running = this.#process;
    this.#process = null;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, 'exit');
    running.kill('SIGKILL');
    await ended;
  }

  /**
   * Ends it and starts it again at the same address.
   *
   * @param {{app?: string}} [options] another app to serve from now on
   */
  async restart({ app = this.app } = {}) {
    await this.kill();
    this.app = app;
    await this.start();
  }

  /** For the moment when nothing can be waited for any more. */
  killNow() {
    this.#process?.kill('SIGKILL');
  }
}

/**
 * @param {{app?: string, port?: number, data?: string} & Surroundings} [options]
 * @returns {Promise<Relay>}
 */
export const startRelay = async ({ app = appDirectory, port, data, ...surroundings } = {}) => {
  relays += 1;
  const relay = new Relay(app, data ?? path.join(results, 'mail', `${process.pid}-${relays}`), surroundings);
  await relay.start(port);
  return relay;
};
