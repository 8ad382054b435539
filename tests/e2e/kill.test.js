// "Saved" is a promise: it holds although the browser is killed in the very next moment.

import { browsers } from './harness/browsers.js';
import { scenario } from './harness/scenario.js';

const KILLS = 3;

for (const browser of browsers) {
  scenario(browser, 'the browser is killed as soon as it says saved', async (stage) => {
    const relay = await stage.relay();
    const manager = await stage.person('the manager');
    await manager.opens(relay);
    await manager.givesName('Zoé');
    await manager.makesWorkspace('Choir');
    let text = '';
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const words = `Before kill ${kill}. `;
      text += words;
      await manager.writes(words, { photographed: false });
      await manager.seesSaved({ photographed: false });
      await manager.isKilled();

      await manager.returns(relay);
      await manager.opensWorkspace('Choir');
      await manager.reads(text);
    }
  });
}
