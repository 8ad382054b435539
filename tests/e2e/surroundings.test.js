// Browsers and servers that the app cannot work with: each has its own screen, in both languages,
// and nothing else of the app is to be seen.
//
// Real: the untrusted host, the browser without WebAssembly, the lost headers, the broken program.
// Provoked by a script that runs before the page's own: no workers, no locks, no database, and the
// second language.

import assert from 'node:assert/strict';

import { AppCopy } from './harness/app_copy.js';
import { browsers, UNTRUSTED_HOST } from './harness/browsers.js';
import { Proxy } from './harness/proxy.js';
import { scenario } from './harness/scenario.js';
import { languages } from './harness/texts.js';

const WITHOUT_WEBASSEMBLY = {
  // Chromium has no switch for it alone; without its compiler there is none either.
  chromiumArgs: ['--js-flags=--jitless'],
  firefoxPrefs: { 'javascript.options.wasm': false },
};

/** What a browser lacks, by the name of the screen that says so. */
const MISSING = {
  worker: () => { delete globalThis.Worker; },
  locks: () => { Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined }); },
  storage: () => { IDBFactory.prototype.open = () => { throw new DOMException('denied', 'SecurityError'); }; },
};

/** Opens an address in a tab per language, each without what `remove` takes away, and sees the screen. */
const seesInBothLanguages = async (manager, url, screen, remove = () => {}) => {
  for (const language of languages) {
    await manager.goesInNewTab('about:blank');
    await manager.page.addInitScript((tag) => {
      Object.defineProperty(Navigator.prototype, 'languages', { get: () => [tag] });
    }, language);
    await manager.page.addInitScript(remove);
    manager.language = language;
    await manager.goes(url);
    await manager.seesBootScreen(screen);
    assert.deepEqual(manager.workers(), [], 'nothing was started');
  }
};

for (const browser of browsers) {
  scenario(browser, 'a browser without WebAssembly', async (stage) => {
    const relay = await stage.relay();
    const manager = await stage.person('the manager', { quirks: WITHOUT_WEBASSEMBLY });
    await seesInBothLanguages(manager, relay.origin, 'wasm');
  });

  scenario(browser, 'an address that is not secure', async (stage) => {
    const relay = await stage.relay();
    const manager = await stage.person('the manager');
    manager.expectsConsoleErrors(/Cross-Origin-Opener-Policy header has been ignored/);
    await seesInBothLanguages(manager, `http://${UNTRUSTED_HOST}:${relay.port}`, 'insecure');
  });

  scenario(browser, 'a browser that lacks something', async (stage) => {
    const relay = await stage.relay();
    const manager = await stage.person('the manager');
    for (const [screen, remove] of Object.entries(MISSING)) {
      await seesInBothLanguages(manager, relay.origin, screen, remove);
    }
  });

  scenario(browser, 'headers that get lost, until they do not', async (stage) => {
    const relay = await stage.relay();
    const proxy = await new Proxy(relay, { without: ['content-security-policy'] }).start();
    stage.atEnd(() => proxy.stop());
    const manager = await stage.person('the manager');
    await seesInBothLanguages(manager, proxy.origin, 'headers');
    proxy.without = [];
    await manager.presses('boot.headers.reload');
    await manager.seesFirstScreen();
  });

  scenario(browser, 'a program that arrives broken', async (stage) => {
    const app = new AppCopy(stage, 'broken');
    app.replace('bocage-page-wasm', (program) => program.subarray(0, program.length / 2));
    const relay = await stage.relay({ app: app.directory });
    const manager = await stage.person('the manager');
    // Firefox shows an error that a page logs without its text.
    manager.expectsConsoleErrors(/CompileError|^console: Error .*\/boot-/);
    await seesInBothLanguages(manager, relay.origin, 'failed');
  });
}
