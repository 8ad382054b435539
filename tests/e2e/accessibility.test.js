// axe on every screen, dialog and menu of an app at work; light and dark, wide and narrow. Screens of
// trouble are looked at where they are provoked.

import assert from 'node:assert/strict';

import { browsers } from './harness/browsers.js';
import { scenario } from './harness/scenario.js';
import { tour } from './harness/tour.js';

const VIEWPORTS = [{ width: 1280, height: 800 }, { width: 360, height: 720 }];

for (const browser of browsers) {
  for (const viewport of VIEWPORTS) {
    for (const dark of [false, true]) {
      const look = dark ? 'dark' : 'light';
      scenario(browser, `every screen is accessible, ${viewport.width} wide, ${look}`, async (stage) => {
        const relay = await stage.relay();
        const manager = await stage.person('the manager', { viewport, dark });
        // All of them are looked at before the test fails, so that one run says everything.
        const faults = [];
        await tour(manager, relay, (screen) => manager.isAccessible(screen).catch(({ message }) => faults.push(message)));
        assert.deepEqual(faults, []);
      });
    }
  }
}
