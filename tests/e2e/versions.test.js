// A newer version of the app is there while an older one is open: the newer one works, and the older
// one says what to do.

import { AppCopy } from './harness/app_copy.js';
import { browsers } from './harness/browsers.js';
import { scenario } from './harness/scenario.js';

const newerApp = (stage) => {
  const app = new AppCopy(stage, 'newer');
  app.setBuild('0123456789abcdef0123456789abcdef', app.manifest.built_at + 3600);
  return app.directory;
};

for (const browser of browsers) {
  scenario(browser, 'a newer version takes over from an older tab', async (stage) => {
    const relay = await stage.relay();
    const manager = await stage.person('the manager');
    // The relay ends for a moment.
    manager.expectsConsoleErrors(/WebSocket|can’t establish a connection|was interrupted/);
    await manager.opens(relay);
    await manager.givesName('Zoé');
    await manager.makesWorkspace('Choir');
    await manager.writes('From the older version.');
    await manager.seesSaved();

    await relay.restart({ app: newerApp(stage) });
    await manager.opensSecondTab();
    await manager.reads('From the older version.');
    await manager.writes(' And the newer.');
    await manager.seesSaved();

    await manager.looksAt(1);
    await manager.seesTrouble('newer');
    await manager.isAccessible('the screen of a newer version');
    await manager.pressesReload();
    await manager.reads('From the older version. And the newer.');
    await manager.writes(' Both.');
    await manager.looksAt(2);
    await manager.reads('From the older version. And the newer. Both.');
  });
}
