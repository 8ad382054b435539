// Browsers killed at any moment, again and again, for as many minutes as BOCAGE_SOAK_MINUTES says.
//
// After each kill: what had been saved is there, what is there was typed, and nothing is there twice.
// The moments come from a seed, which is printed; BOCAGE_SOAK_SEED repeats a run as far as the
// machine's own timing lets it.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';

import { browsers } from '../harness/browsers.js';
import { scenario } from '../harness/scenario.js';

const MINUTES = Number(process.env.BOCAGE_SOAK_MINUTES ?? 1);
const SEED = Number(process.env.BOCAGE_SOAK_SEED ?? randomInt(2 ** 31));

/** The longest text a run goes on with before it begins a new page. */
const TEXT_MAX = 20_000;

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
const numbers = (seed) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

const time = (MINUTES * 60_000) / browsers.length;

for (const browser of browsers) {
  scenario(browser, 'killed again and again', async (stage) => {
    const random = numbers(SEED);
    console.log(`seed ${SEED}`);
    const end = performance.now() + time;
    const relay = await stage.relay();
    const manager = await stage.person('the manager');
    await manager.opens(relay);
    await manager.givesName('Zoé');
    let kept = '';
    let kills = 0;
    for (let workspace = 1; performance.now() < end; workspace += 1) {
      await manager.goesHome();
      await manager.makesWorkspace(`Workspace ${workspace}`);
      kept = '';
      while (performance.now() < end && kept.length < TEXT_MAX) {
        let typed = kept;
        let saved = kept;
        const bursts = 1 + Math.floor(random() * 4);
        for (let burst = 1; burst <= bursts; burst += 1) {
          const words = `${kills}.${burst} ${'word '.repeat(1 + Math.floor(random() * 10))}`;
          await manager.writes(words, { photographed: false });
          typed += words;
          if (random() < 0.5) {
            await manager.seesSaved({ photographed: false });
            saved = typed;
          }
        }
        await manager.isKilled();
        kills += 1;
        await manager.returns(relay);
        await manager.opensWorkspace(`Workspace ${workspace}`);
        await manager.waits('the page is there', async () => (await manager.fieldText()).length >= saved.length);
        kept = await manager.fieldText();
        assert.ok(kept.startsWith(saved), `kill ${kills}: saved ${JSON.stringify(saved)}, found ${JSON.stringify(kept)}`);
        assert.ok(typed.startsWith(kept), `kill ${kills}: typed ${JSON.stringify(typed)}, found ${JSON.stringify(kept)}`);
      }
    }
    console.log(`${browser}: ${kills} kills`);
    assert.ok(kills > 0);
  }, { timeout: time + 120_000 });
}
