// The gallery: every screen in light and dark, in three widths, in both languages, for people to look
// at. It fails only when a screen is not there, or does not fit into the window.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';

import { browsers } from './harness/browsers.js';
import { results } from './harness/places.js';
import { scenario } from './harness/scenario.js';
import { languages } from './harness/texts.js';
import { tour } from './harness/tour.js';

const SIZES = [{ width: 1280, height: 800 }, { width: 768, height: 1024 }, { width: 360, height: 720 }];

const combinations = SIZES.flatMap((viewport) => languages.flatMap((language) => [false, true]
  .map((dark) => ({ viewport, language, dark }))));

/** One pass in Firefox shows what differs there; all of them would show it again and again. */
const wanted = (browser) => (browser === 'chromium' ? combinations : combinations.filter(({ viewport, language, dark }) => viewport.width === 1280 && language === 'fr' && !dark));

for (const browser of browsers) {
  for (const { viewport, language, dark } of wanted(browser)) {
    const look = `${viewport.width}-${language}-${dark ? 'dark' : 'light'}`;
    scenario(browser, `gallery ${look}`, async (stage) => {
      const folder = path.join(results, 'gallery', browser, look);
      mkdirSync(folder, { recursive: true });
      const relay = await stage.relay();
      const manager = await stage.person('somebody', { viewport, language, dark });
      let number = 0;
      await tour(manager, relay, async (screen) => {
        number += 1;
        const file = `${String(number).padStart(2, '0')}-${screen.replaceAll(' ', '-')}.png`;
        await manager.page.screenshot({ path: path.join(folder, file), caret: 'initial', animations: 'disabled' });
        const surplus = await manager.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(surplus <= 0, `${screen} is ${surplus} pixels too wide`);
      });
    });
  }
}
