// The first minute of a new person: name, colour, workspace, words, and the promise that they are kept.

import assert from 'node:assert/strict';

import { browsers } from './harness/browsers.js';
import { scenario } from './harness/scenario.js';
import { languages } from './harness/texts.js';

const WORDS = {
  en: { workspace: 'Choir', text: 'Rehearsal on Thursday.\nBring the “Ave verum” – and 🎶!' },
  fr: { workspace: 'Chorale d’été', text: 'Répétition jeudi.\nApportez « Ave verum » – et 🎶 !' },
};

for (const browser of browsers) {
  for (const language of languages) {
    scenario(browser, `the first minute in the browser's language, ${language}`, async (stage) => {
      const { workspace, text } = WORDS[language];
      const relay = await stage.relay();
      const manager = await stage.person('the manager', { language });
      await manager.opens(relay);
      assert.equal(await manager.page.evaluate(() => document.documentElement.lang), language);
      await manager.givesName('Zoé', { colour: 'violet' });
      await manager.makesWorkspace(workspace);
      await manager.writes(text);
      await manager.seesSaved();

      await manager.reloads();
      await manager.reads(text);
      await manager.goesHome();
      await manager.sees(workspace);
      await manager.hasProfile('Zoé', 'violet');
    });
  }

  scenario(browser, 'the other language by setting', async (stage) => {
    const relay = await stage.relay();
    const manager = await stage.person('the manager', { language: 'fr' });
    await manager.opens(relay);
    await manager.givesName('Zoé');
    await manager.choosesLanguage('en');
    await manager.seesText('home.empty_title');
    assert.equal(await manager.page.evaluate(() => document.documentElement.lang), 'en');

    await manager.reloads();
    await manager.seesText('home.empty_title');
    assert.equal(await manager.page.evaluate(() => document.documentElement.lang), 'en');
  });

  scenario(browser, 'what is there survives the end of the browser', async (stage) => {
    const relay = await stage.relay();
    const manager = await stage.person('the manager');
    await manager.opens(relay);
    await manager.givesName('Zoé');
    await manager.makesWorkspace('Choir');
    await manager.writes('Kept.');
    await manager.seesSaved();

    await manager.leaves();
    await manager.returns(relay);
    await manager.opensWorkspace('Choir');
    await manager.reads('Kept.');
  });
}
