// How Chromium and Firefox are started, and how they are killed.
//
// Each start uses a profile on the disk, because a private window stores nothing and cannot be
// killed and returned to. What a test provokes (no WebAssembly, a full disk ...) comes as `quirks`.

import { execFileSync } from 'node:child_process';

import { chromium, firefox } from 'playwright-core';

import { browserInNamespace } from './namespaces.js';

/** @typedef {'chromium' | 'firefox'} BrowserName */

/** @type {BrowserName[]} */
const all = ['chromium', 'firefox'];

/**
 * The browsers that every scenario runs in. `BOCAGE_BROWSERS=chromium` runs one only, while working
 * on a test.
 *
 * @type {BrowserName[]}
 */
export const browsers = all.filter((name) => (process.env.BOCAGE_BROWSERS ?? all.join()).includes(name));

/**
 * What a test changes in a browser.
 *
 * @typedef {object} Quirks
 * @property {string[]} [chromiumArgs]
 * @property {() => void} [chromiumInit] run in each page before the app
 * @property {Record<string, string | number | boolean>} [firefoxPrefs]
 */

/** A host that both browsers take for this machine, though they do not trust it as they trust 127.0.0.1. */
export const UNTRUSTED_HOST = 'office.test';

const CHROMIUM_ARGS = [
  // Chromium's own sandbox does not work for root.
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--hide-crash-restore-bubble',
  `--host-resolver-rules=MAP ${UNTRUSTED_HOST} 127.0.0.1`,
];

const FIREFOX_PREFS = {
  'network.dns.localDomains': UNTRUSTED_HOST,
  // Preferences stay in the profile, so those that a test sets must be set back by the next start.
  'dom.quotaManager.temporaryStorage.fixedLimit': -1,
  'javascript.options.wasm': true,
};

const LOCALES = { en: 'en-GB', fr: 'fr-FR' };

/**
 * Starts a browser on a profile.
 *
 * @param {BrowserName} browser
 * @param {string} profile a folder, made if there is none
 * @param {{language: import('./texts.js').Language, dark: boolean,
 *   viewport: {width: number, height: number}, quirks: Quirks, namespace?: string}} options
 * @returns {Promise<import('playwright-core').BrowserContext>}
 */
export const launch = async (browser, profile, { language, dark, viewport, quirks, namespace }) => {
  const common = {
    headless: true,
    locale: LOCALES[language],
    viewport,
    timeout: 60_000,
  };
  if (browser === 'chromium') {
    return chromium.launchPersistentContext(profile, {
      ...common,
      executablePath: browserInNamespace(namespace, browser, '/usr/bin/chromium'),
      colorScheme: dark ? 'dark' : 'light',
      args: [...CHROMIUM_ARGS, ...(quirks.chromiumArgs ?? [])],
    });
  }
  return firefox.launchPersistentContext(profile, {
    ...common,
    channel: 'moz-firefox',
    executablePath: browserInNamespace(namespace, browser, '/usr/bin/firefox-esr'),
    firefoxUserPrefs: {
      ...FIREFOX_PREFS,
      // Playwright cannot tell the stock Firefox, and the preference can: 0 is dark, 1 is light.
      'layout.css.prefers-color-scheme.content-override': dark ? 0 : 1,
      ...quirks.firefoxPrefs,
    },
  });
};

/**
 * The process group of the browser that runs on a profile: Playwright makes the browser its leader.
 *
 * @param {string} profile
 * @returns {number | undefined}
 */
const processGroup = (profile) => {
  const lines = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,pgid=,args='], { encoding: 'utf8' }).split('\n');
  for (const line of lines) {
    const [, pid, parent, group, command] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    if (Number(parent) === process.pid && pid === group && command.includes(profile)) return Number(group);
  }
  return undefined;
};

/**
 * Kills the browser that runs on a profile with all its processes, as a crash of the machine would.
 * Nothing happens when there is none.
 *
 * @param {string} profile
 */
export const killBrowser = (profile) => {
  const group = processGroup(profile);
  if (group === undefined) return;
  try {
    process.kill(-group, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
};
