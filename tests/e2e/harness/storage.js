// What a browser has stored of the app, looked at and damaged from outside of it.
//
// Works in a tab on an address of the relay that is no page of the app, while no tab of the app runs.

/** An address of the relay's origin where the app does not run. */
export const besides = (origin) => `${origin}/healthz`;

/**
 * Damages stored records: one bit in the middle of each is turned.
 *
 * @param {import('playwright-core').Page} page on {@link besides}
 * @param {'all' | 'end of the longest journal'} which
 * @returns {Promise<number>} how many
 */
export const damageRecords = (page, which) => page.evaluate(async (chosen) => {
  const done = (request) => new Promise((resolve, refuse) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => refuse(request.error);
  });
  const database = await done(indexedDB.open('bocage'));
  const records = database.transaction('records', 'readwrite').objectStore('records');
  const keys = await done(records.getAllKeys());
  const values = await done(records.getAll());
  const entries = keys.map((key, i) => ({ key, value: new Uint8Array(values[i]), family: new Uint8Array(key).slice(0, 16).join() }));
  const families = Object.values(Object.groupBy(entries, ({ family }) => family));
  // Beside each record of a journal another says in a few bytes what it holds.
  const bytes = (family) => family.reduce((sum, { value }) => sum + value.length, 0);
  const [longest] = families.sort((a, b) => b.length - a.length || bytes(b) - bytes(a));
  const damaged = chosen === 'all' ? entries : longest.slice(-1);
  for (const { key, value } of damaged) {
    value[value.length >> 1] ^= 1;
    await done(records.put(value, key));
  }
  database.close();
  return damaged.length;
}, which);

/**
 * Damages what the key of the storage is kept in.
 *
 * @param {import('playwright-core').Page} page on {@link besides}
 */
export const damageKey = (page) => page.evaluate(async () => {
  const done = (request) => new Promise((resolve, refuse) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => refuse(request.error);
  });
  const database = await done(indexedDB.open('bocage'));
  const meta = database.transaction('meta', 'readwrite').objectStore('meta');
  const wrapped = await done(meta.get('storage-key'));
  wrapped.sealed[0] ^= 1;
  await done(meta.put(wrapped, 'storage-key'));
  database.close();
});

const SMALL = 3 * 1024 * 1024;

/** How a browser starts that shall have little room; {@link limitDisk} does the rest. */
export const SMALL_DISK = { firefoxPrefs: { 'dom.quotaManager.temporaryStorage.fixedLimit': SMALL / 1024 } };

/**
 * Leaves an origin little room.
 *
 * @param {import('./device.js').Device} person started with {@link SMALL_DISK}
 * @param {string} origin
 */
export const limitDisk = async (person, origin) => {
  if (person.browser !== 'chromium') return;
  // Holds for as long as this session does.
  const session = await person.context.newCDPSession(person.page);
  await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: SMALL });
};

/**
 * Writes ballast into the origin's storage until nothing more fits.
 *
 * @param {import('playwright-core').Page} page on {@link besides}
 * @returns {Promise<string>} what the browser refused the last of it with
 */
export const fillDisk = (page) => page.evaluate(async () => {
  const opened = await new Promise((resolve, refuse) => {
    const request = indexedDB.open('ballast', 1);
    request.onupgradeneeded = () => request.result.createObjectStore('ballast', { autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => refuse(request.error);
  });
  const put = (size) => new Promise((resolve) => {
    const bytes = new Uint8Array(size);
    // Browsers compress what they store.
    for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
    const transaction = opened.transaction('ballast', 'readwrite', { durability: 'strict' });
    transaction.oncomplete = () => resolve(null);
    transaction.onabort = () => resolve(transaction.error?.name ?? 'aborted');
    try {
      transaction.objectStore('ballast').put(bytes);
    } catch {
      // Firefox: the first transaction after one that was too large may only delete.
    }
  });
  let refused = null;
  for (let size = 1 << 20; size >= 64; size >>= 1) {
    for (let n = 0; n < 200; n += 1) {
      refused = await put(size);
      if (refused) break;
    }
  }
  opened.close();
  return refused;
});

/**
 * Takes the ballast out again.
 *
 * @param {import('playwright-core').Page} page on {@link besides}
 */
export const freeDisk = (page) => page.evaluate(() => new Promise((resolve, refuse) => {
  const request = indexedDB.deleteDatabase('ballast');
  request.onsuccess = () => resolve();
  request.onerror = () => refuse(request.error);
  request.onblocked = () => refuse(new Error('the ballast is in use'));
}));
