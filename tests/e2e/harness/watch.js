// Watches a person's browser for what must never happen: errors on the console, errors that nobody
// caught, and requests to any other place than the relay.

import { createHash } from 'node:crypto';

// Before a screenshot Playwright adds this empty style sheet, which the app's policy refuses as it
// should. Firefox names the refused sheet by its hash.
const OF_SCREENSHOTS = createHash('sha256').update('body {}').digest('base64');

/** What was seen in one browser. */
export class Watch {
  /** @type {string[]} */
  #seen = [];

  /** @type {RegExp[]} */
  #expected = [];

  /** @type {Set<string>} */
  #origins = new Set();

  /** Requests to this origin are fine. */
  allow(origin) {
    this.#origins.add(origin);
  }

  /** From now on, and looking back, errors that match are part of what the test provokes. */
  expect(pattern) {
    this.#expected.push(pattern);
  }

  /** @param {import('playwright-core').BrowserContext} context */
  follow(context) {
    context.on('console', (message) => {
      if (message.type() === 'error') this.#see(`console: ${message.text()} (${message.location().url})`);
    });
    context.on('weberror', (event) => {
      const error = event.error();
      this.#see(`uncaught: ${error?.stack || error}`);
    });
    context.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (['http:', 'https:', 'ws:', 'wss:'].includes(protocol) && !this.#origins.has(origin)) {
        this.#see(`request: ${request.url()}`);
      }
    });
  }

  /** What was seen and not expected. */
  get problems() {
    return this.#seen.filter((seen) => !this.#expected.some((pattern) => pattern.test(seen)));
  }

  #see(what) {
    if (!what.includes(OF_SCREENSHOTS)) this.#seen.push(what);
  }
}
