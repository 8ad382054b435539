// Storage that is damaged, full or locked up: the person is told, nothing that can be read is hidden,
// and nothing is lost that need not be.

import assert from 'node:assert/strict';

import { browsers } from './harness/browsers.js';
import { scenario } from './harness/scenario.js';
import {
  besides, damageKey, damageRecords, fillDisk, freeDisk, limitDisk, SMALL_DISK,
} from './harness/storage.js';

/** Goes to an address of the relay where the app does not run. */
const leavesTheApp = async (manager, relay) => {
  // Chromium asks for one there, and the app has another.
  manager.expectsConsoleErrors(/favicon\.ico/);
  await manager.goes(besides(relay.origin));
};

/** Runs `act` in the only tab while the app does not run. */
const withoutTheApp = (manager, relay, what, act) => manager.step(what, async () => {
  await leavesTheApp(manager, relay);
  return act(manager.page);
});

for (const browser of browsers) {
  scenario(browser, 'a page whose last record is damaged shows what comes before it', async (stage) => {
    const relay = await stage.relay();
    const manager = await stage.person('the manager');
    await manager.opens(relay);
    await manager.givesName('Zoé');
    await manager.makesWorkspace('Choir');
    for (const words of ['One. ', 'Two. ', 'Three.']) {
      await manager.writes(words);
      await manager.seesSaved();
      // Each in a record of its own: what is typed while a record is written waits for the next.
      await manager.reloads();
    }
    assert.equal(await withoutTheApp(manager, relay, 'damages the last record', (page) => damageRecords(page, 'end of the longest journal')), 1);

    await manager.opens(relay);
    await manager.opensWorkspace('Choir');
    await manager.seesText('document.damaged');
    await manager.isAccessible('a damaged page');
    const left = await manager.fieldText();
    assert.ok('One. Two. Three.'.startsWith(left) && left.startsWith('One. '), `the page shows ${JSON.stringify(left)}`);
    assert.equal(await manager.field().getAttribute('readonly') === null, false, 'a damaged page cannot be changed');

    await manager.presses('document.go_on');
    await manager.writes('Four.');
    await manager.seesSaved();
    await manager.reloads();
    await manager.reads(`${left}Four.`);
  });

  scenario(browser, 'a profile whose every record is damaged can go on', async (stage) => {
    const relay = await stage.relay();
    const manager = await stage.person('the manager');
    await manager.opens(relay);
    await manager.givesName('Zoé');
    await manager.makesWorkspace('Choir');
    await manager.writes('Lost.');
    await manager.seesSaved();
    const damaged = await withoutTheApp(manager, relay, 'damages every record', (page) => damageRecords(page, 'all'));
    assert.ok(damaged >= 3, `${damaged} records`);

    await manager.goes(relay.origin);
    await manager.seesText('damage.person_title');
    await manager.isAccessible('damaged name and settings');
    await manager.presses('damage.go_on');
    await manager.givesName('Zoé again');
    await manager.seesText('damage.list');
    await manager.isAccessible('a damaged list of workspaces');
    await manager.presses('damage.go_on');
    await manager.makesWorkspace('Choir again');
    await manager.writes('Kept.');
    await manager.seesSaved();
    await manager.reloads();
    await manager.reads('Kept.');
  });

  scenario(browser, 'a storage whose key is damaged is not opened, and not overwritten', async (stage) => {
    const relay = await stage.relay();
    const manager = await stage.person('the manager');
    await manager.opens(relay);
    await manager.givesName('Zoé');
    await manager.makesWorkspace('Choir');
    await manager.writes('Sealed.');
    await manager.seesSaved();
    await withoutTheApp(manager, relay, 'damages the key', damageKey);

    await manager.goes(relay.origin);
    await manager.seesTrouble('storage');
    await manager.isAccessible('the screen of a storage that does not open');
    assert.match(await manager.copiesReport(), /does not unwrap/);

    // The same bit once more is the key as it was.
    await withoutTheApp(manager, relay, 'repairs the key', damageKey);
    await manager.opens(relay);
    await manager.opensWorkspace('Choir');
    await manager.reads('Sealed.');
  });

  scenario(browser, 'a disk that becomes full is said, and everything is stored once there is room', async (stage) => {
    const relay = await stage.relay();
    const manager = await stage.person('the manager', { quirks: SMALL_DISK });
    await limitDisk(manager, relay.origin);
    await manager.opens(relay);
    await manager.givesName('Zoé');
    await manager.makesWorkspace('Choir');
    await manager.writes('Before. ');
    await manager.seesSaved();

    await manager.goesInNewTab('about:blank');
    await leavesTheApp(manager, relay);
    assert.equal(await fillDisk(manager.page), 'QuotaExceededError');
    await manager.looksAt(1);
    // Databases have room left inside their files, which grow by large steps; how much, nobody says, and
    // Firefox finds some more of it once a write has failed.
    const page = 'While full. '.repeat(8000);
    let words = '';
    await manager.waits('it is full, also when the person has it tried again', async () => {
      await manager.pastes(page);
      words += page;
      if (!await manager.hasNoRoom()) return false;
      await manager.presses('storage.retry');
      return manager.hasNoRoom();
    });
    await manager.isAccessible('a full disk');
    await manager.reads(`Before. ${words}`);

    await manager.looksAt(2);
    await freeDisk(manager.page);
    await manager.looksAt(1);
    // Whether the person or the engine by itself is the first to try again.
    await manager.seesSaved();
    await manager.reloads();
    await manager.reads(`Before. ${words}`);
  });

  scenario(browser, 'a disk that is full before the first start', async (stage) => {
    const relay = await stage.relay();
    const manager = await stage.person('the manager', { quirks: SMALL_DISK });
    await limitDisk(manager, relay.origin);
    await leavesTheApp(manager, relay);
    assert.equal(await fillDisk(manager.page), 'QuotaExceededError');
    await manager.goes(relay.origin);
    await manager.seesTrouble('full');
    await manager.isAccessible('the screen of a disk that is full at the start');

    await manager.goesInNewTab('about:blank');
    await leavesTheApp(manager, relay);
    await freeDisk(manager.page);
    await manager.looksAt(1);
    await manager.pressesReload();
    await manager.givesName('Zoé');
    await manager.makesWorkspace('Choir');
  });
}
