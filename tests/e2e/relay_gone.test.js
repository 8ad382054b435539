// The relay ends and comes back: the person goes on working, and is told the truth.

import { browsers } from './harness/browsers.js';
import { scenario } from './harness/scenario.js';

for (const browser of browsers) {
  scenario(browser, 'the relay ends and comes back', async (stage) => {
    const relay = await stage.relay();
    const manager = await stage.person('the manager');
    // Browsers report a WebSocket that cannot connect as an error, whatever the page does about it.
    manager.expectsConsoleErrors(/WebSocket|can’t establish a connection|was interrupted/);
    await manager.opens(relay);
    await manager.givesName('Zoé');
    await manager.makesWorkspace('Choir');
    await manager.seesConnection('connected');

    await relay.kill();
    await manager.seesConnection('unreachable');
    await manager.writes('Written alone.');
    await manager.seesSaved();

    await relay.start();
    await manager.seesConnection('connected');
    await manager.reloads();
    await manager.reads('Written alone.');
  });
}
