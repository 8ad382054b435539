// Measures the app as the relay serves it, in real browsers: one line of JSON for each row.
//
//     node bench.js [--only PREFIX] [--reduced]
//
// What the rows are held against, `cargo xtask bench` knows.

import { parseArgs } from 'node:util';

import { browsers } from './harness/browsers.js';
import { Proxy } from './harness/proxy.js';
import { Stage } from './harness/stage.js';

const { values: { only, reduced } } = parseArgs({
  options: { only: { type: 'string', default: '' }, reduced: { type: 'boolean', default: false } },
});

/** Bytes on the wire until a new person can write in an empty workspace. */
const firstLoad = async () => withNewPerson('first load', async (manager, proxy) => {
  await manager.opens(proxy);
  await manager.givesName('Zoé');
  await manager.makesWorkspace('Choir');
  await manager.reads('');
  return {
    what: 'bytes on the wire until an empty workspace can be used',
    value: proxy.total,
    unit: 'bytes',
    detail: { browser: manager.browser, answers: Object.fromEntries(proxy.bytes) },
  };
});

/**
 * Bytes of what the first screen is made of: the page, its styles, the boot script, the page's program.
 * The engine's files are fetched by then or not, but nothing of them is to be seen; icons are the browser's.
 */
const shell = async () => withNewPerson('shell', async (manager, proxy) => {
  await manager.opens(proxy);
  await manager.waits('the browser reports its first paint', () => manager.page.evaluate(() => performance.getEntriesByName('first-contentful-paint').length));
  const [needed, painted] = await manager.page.evaluate(() => {
    const named = (name) => document.querySelector(`meta[name="bocage-${name}"]`).content;
    const linked = [...document.querySelectorAll('link[rel=stylesheet], script[src]')];
    const [paint] = performance.getEntriesByName('first-contentful-paint');
    return [
      ['/', named('page-js'), named('page-wasm'), named(`texts-${document.documentElement.lang}`), ...linked.map((element) => new URL(element.href ?? element.src).pathname)],
      paint.startTime,
    ];
  });
  const answers = needed.map((path) => [path, proxy.bytes.get(path)]);
  return {
    what: 'bytes on the wire that the first screen is made of',
    value: answers.reduce((sum, [, bytes]) => sum + bytes, 0),
    unit: 'bytes',
    detail: { browser: manager.browser, first_paint_ms: Math.round(painted), answers: Object.fromEntries(answers) },
  };
});

/** Microseconds from the page to the engine in its worker and back. */
const roundtrip = async () => {
  // Browsers round the time that a page may see, Firefox to a millisecond: runs of many trips are long
  // enough for it.
  const perRun = 50;
  const runs = reduced ? 4 : 40;
  const medians = {};
  for (const browser of browsers) {
    medians[browser] = await withNewPerson(`roundtrip ${browser}`, async (manager, proxy) => {
      await manager.opens(proxy);
      return manager.page.evaluate(async ([count, each]) => {
        const took = [];
        for (let run = 0; run < count + 2; run += 1) {
          const start = performance.now();
          for (let trip = 0; trip < each; trip += 1) await globalThis.bocage.ping();
          took.push((performance.now() - start) * 1000 / each);
        }
        // The first runs warm up.
        return Math.round(took.slice(2).sort((a, b) => a - b)[count >> 1]);
      }, [runs, perRun]);
    }, browser);
  }
  return {
    what: 'from the page to the engine and back, median',
    value: medians[browsers[0]],
    unit: 'us',
    detail: { ...medians, pings: perRun * runs },
  };
};

/** Runs `measure` with somebody who has never been here, behind a proxy that counts. */
const withNewPerson = async (name, measure, browser = browsers[0]) => {
  const stage = new Stage(`bench ${name}`, browser);
  try {
    const relay = await stage.relay();
    const proxy = await new Proxy(relay).start();
    stage.atEnd(() => proxy.stop());
    return await measure(await stage.person('somebody'), proxy);
  } finally {
    await stage.end();
  }
};

const rows = {
  'app.first_load_bytes': firstLoad,
  'app.shell_bytes': shell,
  'app.worker_roundtrip_us': roundtrip,
};
for (const [id, measure] of Object.entries(rows)) {
  if (id.startsWith(only)) console.log(JSON.stringify({ id, ...await measure() }));
}
