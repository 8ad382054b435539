// Somebody is removed while they and another go on without the manager: what they wrote is left out, shown to those
// who stay, and taken in again.

import assert from 'node:assert/strict';

import { browsers } from './harness/browsers.js';
import { scenario } from './harness/scenario.js';

const WORKSPACE = 'Chorale';

/** Browsers that make no direct links. */
const NO_DIRECT = {
  chromiumInit: () => { delete globalThis.RTCPeerConnection; },
  firefoxPrefs: { 'media.peerconnection.enabled': false },
};

/** Browsers report a WebSocket that cannot connect as an error, whatever the page does about it. */
const GONE = /WebSocket|can’t establish a connection|was interrupted/;

for (const browser of browsers) {
  scenario(browser, 'words that were left out are taken in again', async (stage) => {
    const relay = await stage.relay();
    // Without the relay the manager reaches nobody, and the two others reach each other.
    const manager = await stage.person('the manager', { quirks: NO_DIRECT });
    await manager.opens(relay);
    await manager.givesName('Zoé');
    await manager.makesWorkspace(WORKSPACE);
    const links = [await manager.invites('editor'), await manager.invites('editor')];
    const leaving = await stage.person('who leaves');
    await leaving.comesBy(links[0], 'Émile');
    await leaving.arrivesIn(WORKSPACE);
    const staying = await stage.person('who stays', { language: 'fr' });
    await staying.comesBy(links[1], 'Rosa');
    await staying.arrivesIn(WORKSPACE);
    for (const person of [manager, leaving, staying]) person.expectsConsoleErrors(GONE);
    await manager.writes('Before. ');
    await leaving.reads('Before. ');
    await staying.reads('Before. ');
    await leaving.seesMember('Rosa', { presence: 'here', path: 'direct' });

    await relay.kill();
    await manager.seesConnection('unreachable');
    await leaving.writes('Meanwhile.');
    await staying.reads('Before. Meanwhile.');
    await manager.removesMember('Émile');
    await relay.start();
    for (const person of [manager, staying]) {
      await person.reads('Before. ');
      await person.seesText('left_out.ended', { name: 'Émile' });
      await person.sees('Meanwhile.');
      await person.isAccessible('words that were left out');
    }
    await staying.takesIn();
    for (const person of [manager, staying]) {
      await person.reads('Before. Meanwhile.');
      await person.waits('nothing is offered any more', async () => await person.page.locator('.left-out').count() === 0);
    }
    await leaving.seesText('workspace.removed');
    assert.equal(await leaving.page.locator('.left-out button').count(), 0);
  });
}
