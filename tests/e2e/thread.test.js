// Three people from invitation to farewell: they share a page and a channel, see who is here and how
// far things have come, directly and through the relay.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';

import { browsers } from './harness/browsers.js';
import { Proxy } from './harness/proxy.js';
import { scenario } from './harness/scenario.js';

const DOCUMENT = readFileSync(new URL('fixtures/declaration.txt', import.meta.url), 'utf8').trimEnd();
const WORKSPACE = 'Conseil municipal';

/** Who uses which browser: all the same, and where there are two, mixed. */
const casts = browsers.map((browser) => ({ browser, editor: browser, name: browser }));
if (browsers.length > 1) casts.push({ browser: browsers[0], editor: browsers[1], name: 'mixed' });

/** Candidates that lead straight to a device: anything but `relay`. */
const DIRECT = ['host', 'srflx', 'prflx'];

/** Browsers that make no direct links. */
const NO_DIRECT = {
  chromiumInit: () => { delete globalThis.RTCPeerConnection; },
  firefoxPrefs: { 'media.peerconnection.enabled': false },
};

/** Browsers report a WebSocket that cannot connect as an error, whatever the page does about it. */
const GONE = /WebSocket|can’t establish a connection|was interrupted|ERR_INTERNET_DISCONNECTED/;

/** Says something over a WebSocket in the open, as nobody in a browser does. */
const proxySpeaks = (proxy, words) => new Promise((said, refuse) => {
  const { host } = new URL(proxy.origin);
  const headers = {
    connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'MDEyMzQ1Njc4OWFiY2RlZg==', origin: proxy.origin, host,
  };
  const asked = http.request(`${proxy.origin}/relay`, { headers, agent: false });
  asked.on('upgrade', (_, socket) => {
    const mask = Buffer.from([1, 2, 3, 4]);
    const frame = Buffer.concat([Buffer.from([0x82, 0x80 | words.length]), mask, Buffer.from(words).map((byte, i) => byte ^ mask[i % 4])]);
    socket.on('error', () => {});
    socket.write(frame, () => said(socket));
  });
  asked.on('error', refuse);
  asked.end();
});

/** A manager, an editor and a reader who are in. */
const three = async (stage, { editor: editorBrowser }, relay, quirks) => {
  const manager = await stage.person('the manager', { language: 'fr', quirks });
  await manager.opens(relay);
  await manager.givesName('Zoé');
  await manager.makesWorkspace(WORKSPACE);
  const editorLink = await manager.invites('editor');
  const readerLink = await manager.invites('reader');
  const editor = await stage.person('the editor', { browser: editorBrowser, quirks });
  await editor.comesBy(editorLink, 'Émile');
  await editor.arrivesIn(WORKSPACE);
  const reader = await stage.person('the reader', { quirks });
  await reader.comesBy(readerLink, 'Rosa');
  await reader.arrivesIn(WORKSPACE);
  for (const person of [manager, editor, reader]) person.expectsConsoleErrors(GONE);
  return { manager, editor, reader };
};

for (const cast of casts) {
  scenario(cast.browser, `three people share a page and a chat, ${cast.name}`, async (stage) => {
    const relay = await stage.relay();
    const { manager, editor, reader } = await three(stage, cast, relay);
    await manager.pastes(DOCUMENT);
    await manager.reads(DOCUMENT);
    await editor.reads(DOCUMENT);
    await reader.reads(DOCUMENT);
    await reader.cannotWrite();
    await manager.seesReach('3/3');
    await editor.writes('\nVu. – É.');
    await manager.reads(`${DOCUMENT}\nVu. – É.`);
    await reader.reads(`${DOCUMENT}\nVu. – É.`);

    for (const [person, others] of [[manager, ['Émile', 'Rosa']], [editor, ['Zoé', 'Rosa']], [reader, ['Zoé', 'Émile']]]) {
      for (const other of others) await person.seesMember(other, { presence: 'here', path: 'direct' });
      await person.opensTool('chat.tool');
    }
    // What the app shows is what the browser has chosen, and the relay carried none of it.
    for (const person of [manager, editor, reader]) {
      const links = await person.links();
      const open = links.filter(({ state }) => state === 'connected');
      assert.equal(open.length, 2, `${person.who}: ${JSON.stringify(links)}`);
      for (const { local, remote, bytesSent } of open) {
        assert.ok(DIRECT.includes(local) && DIRECT.includes(remote), `${local} to ${remote}`);
        assert.ok(bytesSent > 0);
      }
    }
    assert.equal(await relay.counts('pipe_bytes_total'), 0);
    await editor.says('Bonjour à tous 👋');
    await manager.readsMessage('Bonjour à tous 👋', 'Émile');
    await reader.readsMessage('Bonjour à tous 👋', 'Émile');
    await manager.says('Merci !');
    await editor.readsMessage('Merci !', 'Zoé');
    await manager.isAccessible('the chat');

    await editor.reloads();
    await editor.readsMessage('Merci !', 'Zoé');
    assert.deepEqual(await editor.messages(), ['Bonjour à tous 👋', 'Merci !']);
  });

  scenario(cast.browser, `without direct links the relay carries what it cannot read, ${cast.name}`, async (stage) => {
    const relay = await stage.relay();
    const proxy = await new Proxy(relay).start();
    stage.atEnd(() => proxy.stop());
    const { manager, editor, reader } = await three(stage, cast, proxy, NO_DIRECT);
    await manager.writes('Par le relais.');
    await editor.reads('Par le relais.');
    await reader.reads('Par le relais.');
    for (const other of ['Émile', 'Rosa']) await manager.seesMember(other, { presence: 'here', path: 'relay' });
    const links = await manager.links();
    assert.deepEqual(links.filter(({ state }) => state === 'connected'), []);
    assert.ok(await relay.counts('pipe_bytes_total') > 0);

    await manager.opensTool('chat.tool');
    await manager.says('Un mot en passant.');
    await editor.opensTool('chat.tool');
    await editor.readsMessage('Un mot en passant.', 'Zoé');
    await reader.leaves();
    await manager.says('Rosa le lira plus tard.');
    await manager.waits('the mailbox has it', async () => await relay.counts('mail_bytes') > 0);
    // Nothing of it could be read on the way, or can be where it lies.
    const socket = await proxySpeaks(proxy, 'the control');
    await manager.waits('what is said in the open is seen', () => proxy.spoken.includes('the control'));
    socket.destroy();
    const { spoken } = proxy;
    const kept = readdirSync(relay.data, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(path.join(entry.parentPath ?? entry.path, entry.name)));
    assert.ok(kept.length > 0 && kept.some((file) => file.length > 1024));
    for (const words of ['Par le relais.', 'Un mot en passant.', 'Rosa le lira', WORKSPACE, 'Zoé', 'Émile', 'Rosa']) {
      for (const place of [spoken, ...kept, Buffer.from(relay.log)]) {
        assert.ok(!place.includes(words) && !place.includes(Buffer.from(words, 'utf16le')), `the relay sees ${words}`);
      }
    }
  });

  scenario(cast.browser, `what was written for those who are away waits in the mailbox, ${cast.name}`, async (stage) => {
    const relay = await stage.relay();
    const { manager, editor, reader } = await three(stage, cast, relay);
    await manager.seesReach('3/3');
    await editor.leaves();
    await reader.leaves();
    await manager.writes('Pour plus tard.');
    await manager.seesReach('1/3');
    await manager.seesMailbox();
    await manager.leaves();

    await editor.returns(relay);
    await editor.opensWorkspace(WORKSPACE);
    await editor.reads('Pour plus tard.');
    await editor.seesReach('2/3');
    await reader.returns(relay);
    await reader.opensWorkspace(WORKSPACE);
    await reader.reads('Pour plus tard.');
    await editor.seesReach('3/3');
  });

  scenario(cast.browser, `whatever ends at once, nothing that was saved is missing or doubled, ${cast.name}`, async (stage) => {
    const relay = await stage.relay();
    const { manager, editor, reader } = await three(stage, cast, relay);
    let text = '';
    for (const [writer, other, victim] of [[manager, editor, editor], [editor, manager, manager], [manager, editor, reader]]) {
      const words = `${text.length}. `;
      text += words;
      await writer.writes(words, { photographed: false });
      await writer.seesSaved({ photographed: false });
      await victim.isKilled();
      await victim.returns(relay);
      await victim.opensWorkspace(WORKSPACE);
      for (const person of [writer, other, victim]) await person.reads(text);
    }
    await manager.writes('Avant la panne. ');
    await relay.restart();
    await editor.writes('Après la panne.');
    text += 'Avant la panne. Après la panne.';
    for (const person of [manager, editor, reader]) {
      await person.reads(text);
      await person.reloads();
      await person.reads(text);
    }
  });

  scenario(cast.browser, `whoever is removed reads nothing that comes after, ${cast.name}`, async (stage) => {
    const relay = await stage.relay();
    const { manager, editor, reader } = await three(stage, cast, relay);
    await manager.writes('Avant. ');
    await editor.reads('Avant. ');
    await manager.removesMember('Émile');
    await manager.writes('Après.');
    await reader.reads('Avant. Après.');
    await manager.seesReach('2/2');
    await editor.seesText('workspace.removed');
    await editor.reads('Avant. ');
    await editor.reloads();
    await editor.seesText('workspace.removed');
    await editor.reads('Avant. ');

    // By another link they are back, with what they had.
    const again = await manager.invites('editor');
    await editor.comesAgainBy(again);
    await editor.arrivesIn(WORKSPACE);
    await editor.reads('Avant. Après.');
    await editor.writes(' Encore.');
    await reader.reads('Avant. Après. Encore.');
    await manager.seesReach('3/3');
    await editor.reloads();
    await editor.reads('Avant. Après. Encore.');
  });
}
