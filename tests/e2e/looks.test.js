// Every screen of the app: looked at by axe, and photographed for people in light and dark, in three
// widths, in both languages. The pictures are the gallery in target/e2e/gallery.
//
// A test fails when axe finds something grave, or when a screen does not fit into the window. Screens
// of trouble are looked at where they are provoked.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';

import { browsers } from './harness/browsers.js';
import { results } from './harness/places.js';
import { scenario } from './harness/scenario.js';
import { tour } from './harness/tour.js';

const DESK = { width: 1280, height: 800 };
const TABLET = { width: 768, height: 1024 };
const PHONE = { width: 360, height: 720 };

/**
 * A walk past all screens: in which language, in which window, and in which others each screen is
 * looked at as well. The phone has a walk of its own, because one gets about differently there.
 */
const WALKS = {
  chromium: [
    { language: 'en', viewport: DESK, others: [TABLET] },
    { language: 'fr', viewport: DESK, others: [TABLET] },
    { language: 'en', viewport: PHONE, others: [] },
    { language: 'fr', viewport: PHONE, others: [] },
  ],
  // Enough to see what differs from Chromium.
  firefox: [
    { language: 'fr', viewport: DESK, others: [] },
    { language: 'en', viewport: PHONE, others: [] },
  ],
};

/** The theme as the page itself sets it for those who have chosen one (client/page/src/shell/look.rs). */
const wears = (page, theme) => page.evaluate((name) => { document.documentElement.dataset.theme = name; }, theme);

for (const browser of browsers) {
  for (const { language, viewport, others } of WALKS[browser]) {
    scenario(browser, `every screen, ${viewport.width} wide, in ${language}`, async (stage) => {
      const relay = await stage.relay();
      const somebody = await stage.person('somebody', { viewport, language });
      // All screens are looked at before the test fails, so that one run says everything.
      const faults = [];
      let number = 0;
      await tour(somebody, relay, async (screen) => {
        number += 1;
        const file = `${String(number).padStart(2, '0')}-${screen.replaceAll(' ', '-')}.png`;
        const { page } = somebody;
        for (const size of [...others, viewport]) {
          if (others.length > 0) await page.setViewportSize(size);
          for (const theme of ['dark', 'light']) {
            await wears(page, theme);
            const name = `${screen}, ${size.width} wide, ${theme}`;
            await somebody.isAccessible(name, { photographed: false }).catch(({ message }) => faults.push(message));
            const surplus = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
            if (surplus > 0) faults.push(`${name} is ${surplus} pixels too wide`);
            const folder = path.join(results, 'gallery', browser, `${size.width}-${language}-${theme}`);
            mkdirSync(folder, { recursive: true });
            await page.screenshot({ path: path.join(folder, file), caret: 'initial', animations: 'disabled' });
          }
        }
      });
      assert.deepEqual(faults, []);
    });
  }
}
