// The first thing that runs: looks whether this browser and this server are fit, and starts the page.
//
// It must work where nothing else does, so it is plain JavaScript, and its texts stand in the page
// as templates. It also installs the one Trusted Types policy there is.

const meta = (name) => document.querySelector(`meta[name="bocage-${name}"]`)?.content;

// Starting workers and building static views pass through this policy. Everything else that would
// turn text into code is refused.
const scripts = new Set([meta('engine-js'), meta('converter-boot')]);
const dangerous = /<(?:script|iframe|object|embed|base|meta|link|form|svg:script)\b|<[a-z][^>]*[\s/"']on[a-z]+\s*=|<[a-z][^>]*=\s*["']?\s*javascript:/i;
self.trustedTypes?.createPolicy('default', {
  createHTML: (html) => {
    if (dangerous.test(html)) throw new TypeError('refused by policy');
    return html;
  },
  createScriptURL: (url) => {
    const { origin, pathname } = new URL(url, location.href);
    if (origin !== location.origin || !scripts.has(pathname)) throw new TypeError('refused by policy');
    return url;
  },
});

// What of the settings shows, as the page left it (client/page/src/shell/remember.rs).
const look = () => {
  try { return (localStorage.getItem('bocage.look') ?? '').split(' '); } catch { return []; }
};

const theme = look().find((word) => word === 'light' || word === 'dark');
if (theme) document.documentElement.dataset.theme = theme;

// The person's language, as far as the app speaks it.
const language = [...look(), ...navigator.languages ?? []].map((tag) => tag.slice(0, 2).toLowerCase())
  .find((tag) => tag === 'en' || tag === 'fr') ?? 'en';

// Shows one of the page's templates instead of the app.
const show = (problem) => {
  const text = document.getElementById(`boot-${problem}`).content.querySelector(`[lang="${language}"]`);
  document.documentElement.lang = language;
  document.getElementById('app').replaceChildren(document.importNode(text, true));
  document.querySelector('[data-boot-reload]')?.addEventListener('click', () => location.reload());
};

// The smallest module with what the app's programs need: bulk memory and sign extension.
const SAMPLE = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 3, 1, 0, 1,
  10, 17, 1, 15, 0, 65, 0, 65, 0, 65, 0, 252, 11, 0, 65, 0, 192, 26, 11,
];

const storageAnswers = () => new Promise((answer) => {
  try {
    const request = indexedDB.open('bocage-check');
    request.onsuccess = () => { request.result.close(); answer(true); };
    request.onerror = () => answer(request.error?.name === 'QuotaExceededError');
    request.onblocked = () => answer(true);
  } catch { answer(false); }
});

// The app does not open without the headers that protect it (docs/threat-model.md, T13 and T14).
const isProtected = async () => {
  const { headers } = await fetch('/', { method: 'HEAD', cache: 'no-store' });
  const policy = headers.get('content-security-policy') ?? '';
  return ["default-src 'none'", "require-trusted-types-for 'script'"].every((part) => policy.includes(part));
};

const problem = async () => {
  if (!isSecureContext) return 'insecure';
  if (typeof WebAssembly !== 'object' || !WebAssembly.validate(new Uint8Array(SAMPLE))) return 'wasm';
  if (typeof Worker !== 'function') return 'worker';
  if (!navigator.locks || typeof BroadcastChannel !== 'function' || !crypto.subtle) return 'locks';
  if (typeof indexedDB !== 'object' || !indexedDB || !(await storageAnswers())) return 'storage';
  try {
    if (!(await isProtected())) return 'headers';
  } catch {
    return 'failed';
  }
  return null;
};

const start = async () => {
  // The page's program waits for no text: both come at the same time. A failure shows further down.
  const texts = fetch(meta(`texts-${language}`)).then((answer) => {
    if (!answer.ok) throw new Error(`the texts: ${answer.status}`);
    return answer.text();
  });
  texts.catch(() => {});
  const found = await problem();
  if (found) return show(found);
  try {
    const { default: run } = await import(meta('page-js'));
    self.bocageTexts = [language, await texts];
    await run({ module_or_path: fetch(meta('page-wasm')) });
  } catch (fault) {
    console.error(fault);
    show('failed');
  }
};
start();
