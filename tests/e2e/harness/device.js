// One browser with a profile of its own: its start and its end, its tabs, and the steps taken in it.
//
// What the product calls things is in person.js.

import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';

import { killBrowser, launch } from './browsers.js';
import { results } from './places.js';
import { PATIENCE, until, within } from './until.js';
import { Watch } from './watch.js';

/**
 * What a person's browser is like.
 *
 * @typedef {object} DeviceOptions
 * @property {import('./texts.js').Language} [language] of the browser
 * @property {boolean} [dark]
 * @property {{width: number, height: number}} [viewport]
 * @property {import('./browsers.js').Quirks} [quirks]
 * @property {string} [namespace] the network namespace in which the browser runs
 */

const DESKTOP = { width: 1280, height: 800 };

const alive = new Set();
process.on('exit', () => {
  for (const device of alive) killBrowser(device.profile);
});

let profiles = 0;

/** See the module. */
export class Device {
  /** @type {import('playwright-core').BrowserContext | null} */
  context = null;

  /**
   * The tab that the person looks at.
   *
   * @type {import('playwright-core').Page}
   */
  page;

  /**
   * All tabs, in the order they were opened.
   *
   * @type {import('playwright-core').Page[]}
   */
  tabs = [];

  watch = new Watch();

  /**
   * @param {import('./stage.js').Stage} stage
   * @param {string} who as the messages call the person
   * @param {import('./browsers.js').BrowserName} browser
   * @param {DeviceOptions} options
   */
  constructor(stage, who, browser, { language = 'en', dark = false, viewport = DESKTOP, quirks = {}, namespace }) {
    this.stage = stage;
    this.who = who;
    this.browser = browser;
    this.options = { language, dark, viewport, quirks, namespace };
    profiles += 1;
    this.profile = path.join(results, 'profiles', `${browser}-${process.pid}-${profiles}`);
    mkdirSync(this.profile, { recursive: true });
  }

  /** Starts the browser on the person's profile. */
  async start() {
    alive.add(this);
    const context = await launch(this.browser, this.profile, this.options);
    context.setDefaultTimeout(PATIENCE);
    this.watch.follow(context);
    const { chromiumInit } = this.options.quirks;
    if (chromiumInit && this.browser === 'chromium') await context.addInitScript(chromiumInit);
    this.context = context;
    this.tabs = [context.pages()[0] ?? await context.newPage()];
    [this.page] = this.tabs;
  }

  /** Ends the browser as a person does who closes its window. */
  async stop() {
    const { context } = this;
    this.context = null;
    if (!context) return;
    await within(`${this.who}'s browser ends`, context.close()).finally(() => killBrowser(this.profile));
    alive.delete(this);
  }

  /** Ends whatever runs, and takes the profile away. */
  async discard() {
    try {
      await this.stop();
    } finally {
      killBrowser(this.profile);
      rmSync(this.profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    }
  }

  /** The browser is killed with all its processes, in the middle of whatever it does. */
  async isKilled() {
    const { context } = this;
    this.context = null;
    const gone = new Promise((resolve) => { context.once('close', resolve); });
    killBrowser(this.profile);
    await within(`${this.who}'s browser is gone`, gone);
    alive.delete(this);
  }

  /**
   * Opens an address in the tab that the person looks at.
   *
   * @param {string} url
   */
  async goes(url) {
    this.watch.allow(new URL(url).origin);
    await this.page.goto(url);
  }

  /**
   * Opens an address in one more tab and looks at it.
   *
   * @param {string} url
   */
  async goesInNewTab(url) {
    this.page = await this.context.newPage();
    this.tabs.push(this.page);
    await this.goes(url);
  }

  /**
   * Something that a person does or sees: named in the message when it fails, and photographed.
   *
   * @template T
   * @param {string} what
   * @param {() => Promise<T>} act
   * @param {boolean} [photographed] whether there is time for it
   * @returns {Promise<T>}
   */
  async step(what, act, photographed = true) {
    let failed = false;
    try {
      return await act();
    } catch (error) {
      failed = true;
      throw new Error(`${this.who} ${what}: ${error.message}`, { cause: error });
    } finally {
      if (photographed || failed) await this.photograph(what);
    }
  }

  /**
   * Saves a picture of the tab under the next number. What cannot be photographed any more (a browser
   * that was killed) is no fault.
   *
   * @param {string} what
   */
  async photograph(what) {
    const file = this.stage.picture(`${this.who} ${what}`);
    await this.page?.screenshot({ path: file, caret: 'initial', animations: 'disabled', timeout: 10_000 }).catch(() => {});
  }

  /**
   * Waits until `look` is true of the tab.
   *
   * @param {string} what
   * @param {() => Promise<unknown>} look
   * @param {() => Promise<unknown>} [found]
   */
  async waits(what, look, found) {
    await until(`${this.who}: ${what}`, look, found);
  }

  /**
   * Waits for an element to be there and visible.
   *
   * @param {string} what
   * @param {import('playwright-core').Locator} locator
   */
  async finds(what, locator) {
    const shown = () => this.page.locator('body').innerText({ timeout: 1000 });
    await this.waits(`${what} is shown`, () => locator.isVisible(), shown);
    return locator;
  }

  /** The addresses of the tab's workers. */
  workers() {
    return this.page.workers().map((worker) => worker.url());
  }
}
