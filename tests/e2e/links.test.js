// How devices reach each other while people work: without a relay, and by the direct way once there is one.

import assert from 'node:assert/strict';

import { browsers } from './harness/browsers.js';
import { scenario } from './harness/scenario.js';

const WORKSPACE = 'Quartett';

const casts = browsers.map((browser) => ({ browser, other: browser, name: browser }));
if (browsers.length > 1) casts.push({ browser: browsers[0], other: browsers[1], name: 'mixed' });

/** Browsers report a WebSocket that cannot connect as an error, whatever the page does about it. */
const GONE = /WebSocket|can’t establish a connection|was interrupted/;

/** A manager and as many editors as there are names. */
const together = async (stage, cast, relay, names, prepare = async () => {}) => {
  const manager = await stage.person('the manager');
  await manager.opens(relay);
  await prepare(manager);
  await manager.givesName('Ada');
  await manager.makesWorkspace(WORKSPACE);
  const people = [manager];
  for (const name of names) {
    const link = await manager.invites('editor');
    const editor = await stage.person(name, { browser: people.length === 1 ? cast.other : cast.browser });
    await editor.comesBy(link, name);
    await editor.arrivesIn(WORKSPACE);
    people.push(editor);
  }
  for (const person of people) person.expectsConsoleErrors(GONE);
  return people;
};

for (const cast of casts) {
  scenario(cast.browser, `the relay is killed while people work, ${cast.name}`, async (stage) => {
    const relay = await stage.relay();
    const people = await together(stage, cast, relay, ['Béla', 'Cleo']);
    const [ada, bela, cleo] = people;
    await ada.writes('Together. ');
    await ada.seesReach('3/3');
    for (const other of ['Béla', 'Cleo']) await ada.seesMember(other, { path: 'direct' });
    await bela.seesMember('Cleo', { path: 'direct' });

    await relay.kill();
    let text = 'Together. ';
    for (const person of people) {
      await person.seesConnection('unreachable');
      const words = `${person.who} goes on. `;
      text += words;
      await person.writes(words);
      for (const reader of people) await reader.reads(text);
      await person.seesReach('3/3');
    }
    for (const other of ['Béla', 'Cleo']) await ada.seesMember(other, { path: 'direct', presence: 'here' });

    await relay.start();
    for (const person of people) await person.seesConnection('connected');
    await cleo.writes('It is back.');
    text += 'It is back.';
    for (const person of people) {
      await person.reads(text);
      await person.reloads();
      await person.reads(text);
    }
    await bela.seesMember('Ada', { path: 'direct' });
  });

  scenario(cast.browser, `the relay has no room while people work, ${cast.name}`, async (stage) => {
    const relay = await stage.relay();
    const [ada, bela, cleo] = await together(stage, cast, relay, ['Béla', 'Cleo']);
    await ada.writes('Together. ');
    await ada.seesReach('3/3');
    await cleo.leaves();

    relay.setRoom(false);
    await ada.writes('Without room. ');
    await ada.seesConnection('no_room');
    await bela.reads('Together. Without room. ');
    await ada.seesReach('2/3');
    await ada.isAccessible('a relay without room');
    await bela.writes('It goes on. ');
    await ada.reads('Together. Without room. It goes on. ');
    // Who comes back has it from those who are here.
    await cleo.returns(relay);
    await cleo.opensWorkspace(WORKSPACE);
    await cleo.reads('Together. Without room. It goes on. ');
    await cleo.leaves();
    await ada.writes('Later.');

    relay.setRoom(true);
    await ada.seesConnection('connected');
    await ada.seesMailbox();
    await ada.leaves();
    await bela.leaves();
    await cleo.returns(relay);
    await cleo.opensWorkspace(WORKSPACE);
    await cleo.reads('Together. Without room. It goes on. Later.');
  });

  scenario(cast.browser, `a direct way that opens later is taken, ${cast.name}`, async (stage) => {
    const relay = await stage.relay();
    const [ada, bela] = await together(stage, cast, relay, ['Béla'], (person) => person.losesDirectLinks());
    await ada.writes('Through the relay. ');
    await bela.reads('Through the relay. ');
    for (const [person, other] of [[ada, 'Béla'], [bela, 'Ada']]) await person.seesMember(other, { path: 'relay', presence: 'here' });
    assert.ok(await relay.counts('pipe_bytes_total') > 0);

    await ada.regainsDirectLinks();
    for (const [person, other] of [[ada, 'Béla'], [bela, 'Ada']]) await person.seesMember(other, { path: 'direct', presence: 'here' });
    const piped = await relay.counts('pipe_bytes_total');
    await bela.writes('Directly.');
    await ada.reads('Through the relay. Directly.');
    await bela.seesReach('2/2');
    assert.equal(await relay.counts('pipe_bytes_total'), piped, 'the pipe is not used any more');
    for (const person of [ada, bela]) {
      await person.reloads();
      await person.reads('Through the relay. Directly.');
    }
  });
}
