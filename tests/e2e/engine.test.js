// The engine: in a worker of its own, one for all tabs, and handed on when the tab that runs it closes.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { AppCopy, readManifest } from './harness/app_copy.js';
import { browsers } from './harness/browsers.js';
import { appDirectory } from './harness/places.js';
import { scenario } from './harness/scenario.js';

const program = (name) => {
  const page = readFileSync(path.join(appDirectory, 'index.html'), 'utf8');
  const file = new RegExp(`<meta name="${name}" content="/([^"]+)">`).exec(page)[1];
  return readFileSync(path.join(appDirectory, file));
};

/** Words by which parts of the app are found in a module: one of automerge's errors, the name of the handshake, a screen's style. */
const MARKS = { documents: 'bad change chunk', encryption: 'Noise_XXpsk3', screens: 'launchbar' };

test('the page holds nothing of the document engine, and the engine nothing of the screens', () => {
  const held = (name) => {
    const module = program(name);
    return Object.keys(MARKS).filter((part) => module.includes(MARKS[part]));
  };
  assert.deepEqual(held('bocage-page-wasm'), ['screens']);
  assert.deepEqual(held('bocage-worker-wasm'), ['documents', 'encryption']);
  assert.ok(readManifest().files.every(({ file }) => file !== 'automerge.wasm'));
});

for (const browser of browsers) {
  scenario(browser, 'the engine runs in a worker', async (stage) => {
    const relay = await stage.relay();
    const manager = await stage.person('the manager');
    await manager.opens(relay);
    const boot = new AppCopy(stage, 'unchanged').meta('bocage-engine-js');
    assert.deepEqual(manager.workers(), [relay.origin + boot]);

    await manager.opensSecondTab();
    assert.deepEqual(manager.workers(), [], 'the second tab runs no engine');
  });

  scenario(browser, 'two tabs edit at once', async (stage) => {
    const relay = await stage.relay();
    const manager = await stage.person('the manager');
    await manager.opens(relay);
    await manager.givesName('Zoé');
    await manager.makesWorkspace('Choir');
    await manager.writes('One.');

    await manager.opensSecondTab();
    await manager.reads('One.');
    await manager.writes(' Two.');
    await manager.looksAt(1);
    await manager.reads('One. Two.');
    await manager.writes(' Three.');
    await manager.seesSaved();

    // Both type at the same moment, one at the start and one at the end.
    await manager.step('types in both tabs at once', async () => {
      const [first, second] = manager.tabs.map((tab) => manager.field(tab));
      await first.press('ControlOrMeta+Home');
      await second.press('ControlOrMeta+End');
      await Promise.all([
        first.pressSequentially('(at the start) '),
        second.pressSequentially(' (at the end)'),
      ]);
    });
    for (const tab of [1, 2]) {
      await manager.looksAt(tab);
      await manager.reads('(at the start) One. Two. Three. (at the end)');
      await manager.seesSaved();
    }
  });

  scenario(browser, 'the tab that runs the engine closes and the other goes on', async (stage) => {
    const relay = await stage.relay();
    const manager = await stage.person('the manager');
    await manager.opens(relay);
    await manager.givesName('Zoé');
    await manager.makesWorkspace('Choir');
    await manager.writes('Written in the first tab.');
    await manager.opensSecondTab();
    await manager.reads('Written in the first tab.');
    await manager.writes(' And in the second.');
    await manager.closesTab(1);
    await manager.waits('the second tab runs the engine', () => manager.workers().length === 1);
    await manager.writes(' And after.');
    await manager.seesSaved();

    await manager.reloads();
    await manager.reads('Written in the first tab. And in the second. And after.');
  });

  scenario(browser, 'five tabs close in any order', async (stage) => {
    const relay = await stage.relay();
    const manager = await stage.person('the manager');
    await manager.opens(relay);
    await manager.givesName('Zoé');
    await manager.makesWorkspace('Choir');
    let text = '1';
    await manager.writes(text);
    for (let tab = 2; tab <= 5; tab += 1) {
      await manager.opensSecondTab();
      await manager.reads(text);
      await manager.writes(` ${tab}`);
      text += ` ${tab}`;
      await manager.seesSaved();
    }
    // The middle, the one that runs the engine, the last, and again the one that runs it.
    for (const [close, then] of [[3, 1], [1, 2], [3, 1], [1, 1]]) {
      await manager.closesTab(close);
      await manager.looksAt(then);
      await manager.reads(text);
      await manager.writes(` then ${close}`);
      text += ` then ${close}`;
      await manager.reads(text);
      // What a tab has not seen stored goes with it.
      await manager.seesSaved();
    }
    await manager.reloads();
    await manager.reads(text);
  });
}
