// Browsers and servers that the app cannot work with: each has its own screen, in both languages,
// and nothing else of the app is to be seen.
//
// Real: the untrusted host, the browser without WebAssembly, the lost headers, the broken program.
// Provoked by a script that runs before the page's own: no workers, no locks, no database.

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

const MISSING = {
  worker: () => { delete globalThis.Worker; },
  locks: () => { Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined }); },
  storage: () => { IDBFactory.prototype.open = () => { throw new DOMException('denied', 'SecurityError'); }; },
};

for (const browser of browsers) {
  for (const language of languages) {
    scenario(browser, `a browser without WebAssembly, in ${language}`, async (stage) => {
      const relay = await stage.relay();
      const manager = await stage.person('the manager', { language, quirks: WITHOUT_WEBASSEMBLY });
      await manager.goes(relay.origin);
      await manager.seesBootScreen('wasm');
    });

    scenario(browser, `unfit surroundings, in ${language}`, async (stage) => {
      const relay = await stage.relay();
      const manager = await stage.person('the manager', { language });

      manager.expectsConsoleErrors(/Cross-Origin-Opener-Policy header has been ignored/);
      await manager.goes(`http://${UNTRUSTED_HOST}:${relay.port}`);
      await manager.seesBootScreen('insecure');

      const stripped = await new Proxy(relay, { without: ['content-security-policy'] }).start();
      stage.atEnd(() => stripped.stop());
      await manager.goes(stripped.origin);
      await manager.seesBootScreen('headers');

      for (const [screen, remove] of Object.entries(MISSING)) {
        await manager.goesInNewTab('about:blank');
        await manager.page.addInitScript(remove);
        await manager.goes(relay.origin);
        await manager.seesBootScreen(screen);
      }
      for (const tab of manager.tabs) assert.deepEqual(tab.workers(), [], 'nothing was started');
    });

    scenario(browser, `a program that arrives broken, in ${language}`, async (stage) => {
      const app = new AppCopy(stage, 'broken');
      app.replace('bocage-page-wasm', (program) => program.subarray(0, program.length / 2));
      const relay = await stage.relay({ app: app.directory });
      const manager = await stage.person('the manager', { language });
      // Firefox shows an error that a page logs without its text.
      manager.expectsConsoleErrors(/CompileError|^console: Error .*\/boot-/);
      await manager.goes(relay.origin);
      await manager.seesBootScreen('failed');
    });
  }

  scenario(browser, 'an app served again with its headers opens after a reload', async (stage) => {
    const relay = await stage.relay();
    const proxy = await new Proxy(relay, { without: ['content-security-policy'] }).start();
    stage.atEnd(() => proxy.stop());
    const manager = await stage.person('the manager');
    await manager.goes(proxy.origin);
    await manager.seesBootScreen('headers');
    proxy.without = [];
    await manager.step('reloads', () => manager.page.locator('[data-boot-reload]').click());
    await manager.seesFirstScreen();
  });
}
