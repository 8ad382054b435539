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
import { tour, tourTogether } from './harness/tour.js';

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

/** Who goes past the screens that others have a part in. */
const COMPANY = {
  chromium: [
    { language: 'en', viewport: DESK, others: [TABLET] },
    { language: 'fr', viewport: PHONE, others: [] },
  ],
  firefox: [{ language: 'fr', viewport: DESK, others: [] }],
};

/** Goes on a walk with people, and fails with everything that was wrong with any screen. */
const walk = async (browser, { language, viewport, others }, part, people, go) => {
  const sizes = [...others, viewport];
  const ways = sizes.flatMap((size) => [{ size, theme: 'dark' }, { size, theme: 'light' }]);
  // All screens are looked at before the test fails, so that one run says everything.
  const faults = [];
  const seen = [];
  const folderOf = ({ size, theme }) => path.join(results, 'gallery', browser, `${size.width}-${language}-${theme}`);
  const guideFor = (person) => ({
    prepare: async ({ size, theme }) => {
      if (sizes.length > 1) await person.page.setViewportSize(size);
      await wears(person.page, theme);
    },
    look: async (screen, way) => {
      const name = `${screen}, ${way.size.width} wide, ${way.theme}`;
      await person.isAccessible(name, { photographed: false }).catch(({ message }) => faults.push(message));
      const surplus = await person.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (surplus > 0) faults.push(`${name} is ${surplus} pixels too wide`);
      if (!seen.includes(screen)) seen.push(screen);
      mkdirSync(folderOf(way), { recursive: true });
      const file = `${part}${String(seen.length).padStart(2, '0')}-${screen.replaceAll(' ', '-')}.png`;
      await person.page.screenshot({ path: path.join(folderOf(way), file), caret: 'initial', animations: 'disabled' });
    },
  });
  await go(ways, ...people.map(guideFor));
  assert.deepEqual(faults, []);
};

for (const browser of browsers) {
  for (const way of WALKS[browser]) {
    const { language, viewport } = way;
    scenario(browser, `every screen, ${viewport.width} wide, in ${language}`, async (stage) => {
      const relay = await stage.relay();
      const somebody = await stage.person('somebody', { viewport, language });
      await walk(browser, way, '', [somebody], (ways, how) => tour(somebody, relay, ways, how));
    });
  }
  for (const way of COMPANY[browser]) {
    const { language, viewport } = way;
    scenario(browser, `every screen with others, ${viewport.width} wide, in ${language}`, async (stage) => {
      const relay = await stage.relay();
      const host = await stage.person('the host', { viewport, language });
      const guest = await stage.person('the guest', { viewport, language });
      await walk(browser, way, 'with-', [host, guest], (ways, ...hows) => tourTogether(host, guest, relay, ways, hows));
    });
  }
}
