// Texts that try to be more than texts. Whatever is typed is shown as it is: nothing of it runs, and
// nothing is fetched.

import assert from 'node:assert/strict';
import http from 'node:http';

import { browsers } from './harness/browsers.js';
import { scenario } from './harness/scenario.js';

/** Thirty texts, each of which would be noticed: by a request to `elsewhere`, or by `window.ran`. */
const payloads = (elsewhere) => [
  '<script>window.ran=1</script>',
  '<img src=x onerror="window.ran=1">',
  `<img src="${elsewhere}/img">`,
  '<svg onload="window.ran=1">',
  '<svg><script>window.ran=1</script></svg>',
  '<body onload="window.ran=1">',
  '"><script>window.ran=1</script>',
  '\'><img src=x onerror=window.ran=1>',
  '</textarea><script>window.ran=1</script>',
  '</title><img src=x onerror=window.ran=1>',
  `<iframe src="${elsewhere}/frame"></iframe>`,
  '<iframe srcdoc="<script>parent.ran=1</script>">',
  '<a href="javascript:window.ran=1">press</a>',
  'javascript:window.ran=1',
  'data:text/html,<script>parent.ran=1</script>',
  '<details open ontoggle=window.ran=1>',
  '<input autofocus onfocus=window.ran=1>',
  `<link rel=stylesheet href="${elsewhere}/css">`,
  `<style>@import "${elsewhere}/style"</style>`,
  `<base href="${elsewhere}/">`,
  '<meta http-equiv=refresh content="0;url=javascript:window.ran=1">',
  `<object data="${elsewhere}/object"></object>`,
  '<math><mtext><img src=x onerror=window.ran=1>',
  '{{constructor.constructor("window.ran=1")()}}',
  '${window.ran=1}',
  '&lt;script&gt;window.ran=1&lt;/script&gt;',
  '<!--<img src="--><img src=x onerror=window.ran=1>',
  '<form action=javascript:window.ran=1><button>press',
  '__proto__[ran]=1',
  '%3Cscript%3Ewindow.ran=1%3C/script%3E',
];

/** A place that nobody may ask for anything. */
const listenElsewhere = async (stage) => {
  const asked = [];
  const server = http.createServer((request, response) => {
    asked.push(request.url);
    response.end();
  });
  await new Promise((listening) => { server.listen(0, '127.0.0.1', listening); });
  stage.atEnd(() => server.close());
  return { origin: `http://127.0.0.1:${server.address().port}`, asked };
};

for (const browser of browsers) {
  scenario(browser, 'hostile texts stay texts', async (stage) => {
    const elsewhere = await listenElsewhere(stage);
    const relay = await stage.relay();
    const texts = payloads(elsewhere.origin);
    assert.equal(texts.length, 30);
    const manager = await stage.person('the manager');
    await manager.opens(relay);
    await manager.givesName(texts[0]);
    await manager.makesWorkspace(texts[1]);
    for (const text of texts) {
      await manager.changesName(text, { photographed: false });
      await manager.renamesWorkspace(text, { photographed: false });
      await manager.replacesText(text, { photographed: false });
    }
    await manager.replacesText(texts.join('\n'));
    await manager.seesSaved();

    // What is drawn first from storage goes another way than what was typed.
    await manager.reloads();
    await manager.reads(texts.join('\n'));
    await manager.goesHome();
    await manager.sees(texts.at(-1));
    for (const page of manager.tabs) {
      assert.equal(await page.evaluate(() => window.ran ?? Object.prototype.ran), undefined, 'something ran');
    }
    assert.deepEqual(elsewhere.asked, []);
  });
}
