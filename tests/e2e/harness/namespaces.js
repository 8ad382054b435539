// Network namespaces (Linux, as root): networks of their own for programs that a test starts.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { within } from './until.js';

/** What the names of all begin with; the process that made them follows. */
const PREFIX = 'bocage-';

/** @type {Set<string>} */
const made = new Set();
process.on('exit', () => {
  for (const name of made) removeNamespace(name);
});

let swept = false;

/**
 * Where files about a namespace are, for as long as it is there. The path of a socket is at most 107 bytes long, so this
 * one is short.
 *
 * @param {string} name
 */
export const folderOf = (name) => path.join(tmpdir(), name);

/** @param {...string} args */
export const ip = (...args) => execFileSync('ip', args, { encoding: 'utf8' });

/** @param {number} pid */
const isAlive = (pid) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Removes what a run has left that was killed itself. */
const sweep = () => {
  for (const line of ip('netns', 'list').split('\n')) {
    const [name] = line.split(' ');
    const [pid] = name.startsWith(PREFIX) ? name.slice(PREFIX.length).split('-') : [];
    if (pid && !isAlive(Number(pid))) removeNamespace(name);
  }
};

/**
 * Makes a namespace with nothing in it but its own loopback network.
 *
 * @param {string} what
 * @returns {string} its name
 */
export const makeNamespace = (what) => {
  if (process.getuid?.() !== 0) throw new Error('network namespaces need Linux and root');
  if (!swept) sweep();
  swept = true;
  const name = `${PREFIX}${process.pid}-${what}`;
  ip('netns', 'add', name);
  made.add(name);
  mkdirSync(folderOf(name), { recursive: true });
  ip('-n', name, 'link', 'set', 'lo', 'up');
  return name;
};

/** @param {string} name */
export const removeNamespace = (name) => {
  made.delete(name);
  rmSync(folderOf(name), { recursive: true, force: true });
  ip('netns', 'delete', name);
};

/**
 * The command line for a program in a namespace, which is the program itself where there is none. The process is the
 * program's own, not one around it.
 *
 * @param {string | undefined} namespace
 * @param {string} program
 * @returns {[string, ...string[]]}
 */
export const inNamespace = (namespace, program) => (
  namespace ? ['ip', 'netns', 'exec', namespace, program] : [program]
);

/**
 * Starts a program in a namespace, and waits for the first line that it writes.
 *
 * @param {string} namespace
 * @param {string} program
 * @param {string[]} args
 * @returns {Promise<{stop: () => Promise<string>}>} `stop` ends its standard input, upon which it ends by itself, and
 *   gives what it has written from then on
 */
export const startInNamespace = async (namespace, program, args) => {
  const [command, ...before] = inNamespace(namespace, program);
  const running = spawn(command, [...before, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const name = path.basename(program);
  const ended = once(running, 'close');
  let said = '';
  running.stdout.setEncoding('utf8').on('data', (text) => { said += text; });
  const early = ended.then(([code]) => { throw new Error(`${name} ended with ${code}`); });
  // It ends one day, and then nobody waits for this.
  early.catch(() => {});
  await within(`${name} says that it is ready`, Promise.race([once(running.stdout, 'data'), early]));
  said = '';
  return {
    stop: async () => {
      running.stdin.end();
      const [code] = await within(`${name} ends`, ended);
      if (code !== 0) throw new Error(`${name} ended with ${code}`);
      return said;
    },
  };
};

const quoted = (word) => `'${word.replaceAll("'", "'\\''")}'`;

/**
 * One file that starts a browser in a namespace, for whoever can be given nothing else.
 *
 * @param {string | undefined} namespace
 * @param {import('./browsers.js').BrowserName} browser
 * @param {string} program the browser's
 * @returns {string}
 */
export const browserInNamespace = (namespace, browser, program) => {
  if (!namespace) return program;
  const outside = fileURLToPath(new URL('firefox_in_namespace.js', import.meta.url));
  const command = browser === 'firefox'
    ? [process.execPath, outside, namespace, program]
    : inNamespace(namespace, program);
  const file = path.join(folderOf(namespace), browser);
  writeFileSync(file, `#!/bin/sh\nexec ${command.map(quoted).join(' ')} "$@"\n`, { mode: 0o755 });
  return file;
};
