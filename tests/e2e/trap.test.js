// A fault of the engine. The program is changed so that it really stops, in the middle of the work:
// the person is told, can hand on a report that holds none of their words, and loses nothing.

import assert from 'node:assert/strict';

import { AppCopy } from './harness/app_copy.js';
import { browsers } from './harness/browsers.js';
import { appDirectory } from './harness/places.js';
import { scenario } from './harness/scenario.js';
import { trapAfter } from './harness/trap.js';
import { PATIENCE } from './harness/until.js';

// Enough for an engine to start and take over what is not stored, and soon reached by typing.
const CALLS = 400;

// A word of the person's that no report may hold.
const SECRET = 'heron';

const trappingApp = (stage) => {
  const app = new AppCopy(stage, 'trapping');
  app.replace('bocage-worker-wasm', (program) => trapAfter(program, CALLS));
  return app.directory;
};

/** Types until the engine stops; gives what the field held at that moment. */
const typesUntilFault = async (manager) => {
  manager.expectsConsoleErrors(/RuntimeError: unreachable/);
  await manager.remembersField();
  await manager.step('types until the engine stops', async () => {
    await manager.field().focus();
    const end = performance.now() + 2 * PATIENCE;
    for (let n = 1; !await manager.isInTrouble('trapped'); n += 1) {
      if (performance.now() > end) throw new Error('the engine did not stop');
      // Without spaces: the screen that says so takes the focus, and a space would press its button.
      await manager.page.keyboard.type(`${SECRET}-${n}-`);
    }
  });
  return manager.rememberedField();
};

for (const browser of browsers) {
  scenario(browser, 'a fault of the engine loses nothing', async (stage) => {
    const relay = await stage.relay({ app: trappingApp(stage) });
    const manager = await stage.person('the manager');
    await manager.opens(relay);
    await manager.givesName('Zoé');
    await manager.makesWorkspace('Choir');
    const typed = await typesUntilFault(manager);
    await manager.isAccessible('the screen of a fault');

    const report = await manager.copiesReport();
    assert.match(report, /^engine stopped: RuntimeError/);
    for (const word of [SECRET, 'Zoé', 'Choir']) assert.ok(!report.includes(word), `the report holds ${word}`);

    await manager.pressesReload();
    await manager.reads(typed);

    await relay.restart({ app: appDirectory });
    await manager.reloads();
    await manager.reads(typed);
    await manager.writes(' and on');
    await manager.seesSaved();
    await manager.reloads();
    await manager.reads(`${typed} and on`);
  });

  scenario(browser, 'a fault of the engine leaves the other tab at work', async (stage) => {
    const relay = await stage.relay({ app: trappingApp(stage) });
    const manager = await stage.person('the manager');
    await manager.opens(relay);
    await manager.givesName('Zoé');
    await manager.makesWorkspace('Choir');
    await manager.opensSecondTab();
    await manager.looksAt(1);
    const typed = await typesUntilFault(manager);
    await manager.pressesReload();
    await manager.reads(typed);

    await manager.looksAt(2);
    await manager.reads(typed);
  });
}
