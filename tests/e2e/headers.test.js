// What the relay says with every answer, and what it answers with: the protection of the page begins
// here, so it is compared to the letter.

import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';

import { readManifest } from './harness/app_copy.js';
import { browsers } from './harness/browsers.js';
import { startRelay } from './harness/relay.js';
import { scenario } from './harness/scenario.js';

const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "font-src 'self'",
  "connect-src 'self' wss:",
  "worker-src 'self'",
  "frame-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "object-src 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types default',
].join('; ');

/** Asks as a browser does, and gives the answer as it came: nothing decoded, nothing followed. */
const ask = (origin, path, headers = {}) => new Promise((resolve, refuse) => {
  http.get(new URL(path, origin), { headers, agent: false }, (answer) => {
    const chunks = [];
    answer.on('data', (chunk) => chunks.push(chunk));
    answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) }));
  }).on('error', refuse);
});

const { files } = readManifest();

test('every answer that runs or is shown carries exactly the policy', async (t) => {
  const relay = await startRelay();
  t.after(() => relay.kill());
  const paths = ['/', '/healthz', '/nothing-here', ...files.map(({ path }) => path)];
  for (const path of paths) {
    const { headers } = await ask(relay.origin, path);
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin', path);
    // Style sheets and WebAssembly run under the policy of what loads them; texts do not run.
    if (/\.(css|wasm|txt)$/.test(path)) continue;
    // Pictures, opened by themselves, may do nothing at all.
    if (/\.(svg|png|webmanifest)$/.test(path)) {
      assert.equal(headers['content-security-policy'], "default-src 'none'; sandbox", path);
      continue;
    }
    assert.equal(headers['content-security-policy'], POLICY, path);
    assert.equal(headers['referrer-policy'], 'no-referrer', path);
    if (path.endsWith('.js')) continue;
    assert.equal(headers['cross-origin-opener-policy'], 'same-origin', path);
  }
});

test('the page holds no script or style of its own, and loads nothing from elsewhere', async (t) => {
  const relay = await startRelay();
  t.after(() => relay.kill());
  const page = (await ask(relay.origin, '/')).body.toString();
  const scripts = page.match(/<script\b[^>]*>[^<]*/g);
  assert.equal(scripts?.length, 1, 'one script starts everything');
  assert.match(scripts[0], /^<script type="module" src="\/boot-[0-9a-f]{16}\.js">$/);
  assert.doesNotMatch(page, /<style|\sstyle=|\son[a-z]+=|javascript:/i);
  assert.doesNotMatch(page, /(?:src|href)="(?!\/[^/])/i);
});

test('programs are served as WebAssembly, compressed with brotli, and may be kept for ever', async (t) => {
  const relay = await startRelay();
  t.after(() => relay.kill());
  const programs = files.filter(({ path }) => path.endsWith('.wasm'));
  assert.ok(programs.length >= 2, 'the page and the engine are programs of their own');
  for (const { path, size } of programs) {
    const { headers, body } = await ask(relay.origin, path, { 'accept-encoding': 'gzip, deflate, br, zstd' });
    assert.equal(headers['content-type'], 'application/wasm');
    assert.equal(headers['content-encoding'], 'br');
    assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable');
    assert.ok(body.length < size / 2, `${path} is compressed`);
  }
});

test('the page is asked for anew each time, and sent only when it has changed', async (t) => {
  const relay = await startRelay();
  t.after(() => relay.kill());
  const first = await ask(relay.origin, '/', { 'accept-encoding': 'br' });
  assert.equal(first.headers['cache-control'], 'no-cache');
  const again = await ask(relay.origin, '/', { 'accept-encoding': 'br', 'if-none-match': first.headers.etag });
  assert.equal(again.status, 304);
  assert.equal(again.body.length, 0);
});

for (const browser of browsers) {
  scenario(browser, 'a browser gets both programs compressed', async (stage) => {
    const relay = await stage.relay();
    const manager = await stage.person('the manager');
    const answers = new Map();
    manager.context.on('response', (answer) => answers.set(new URL(answer.url()).pathname, answer.headers()));
    await manager.opens(relay);
    const programs = [...answers].filter(([path]) => path.endsWith('.wasm'));
    assert.equal(programs.length, 2, [...answers.keys()].join());
    for (const [path, headers] of programs) {
      assert.equal(headers['content-type'], 'application/wasm', path);
      assert.equal(headers['content-encoding'], 'br', path);
    }
  });
}
