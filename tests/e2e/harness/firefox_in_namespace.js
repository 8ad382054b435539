// Stands for Firefox where it runs in a network namespace: `node firefox_in_namespace.js NAMESPACE PROGRAM ARGUMENTS`.
//
// Firefox is driven over a port of the loopback network, and that of a namespace is its own. So the same port is
// opened out here as well, before whoever drives it reads which it is.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { forward } from './forward.js';
import { folderOf, inNamespace } from './namespaces.js';

const [, , namespace, program, ...args] = process.argv;

/** @param {string} port */
const lead = async (port) => {
  const socket = path.join(folderOf(namespace), `port-${port}`);
  const [command, ...before] = inNamespace(namespace, process.execPath);
  const inside = fileURLToPath(new URL('forward.js', import.meta.url));
  const forwarder = spawn(command, [...before, inside, socket, `127.0.0.1:${port}`], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(forwarder.stdout, 'data');
  await forward(`127.0.0.1:${port}`, socket);
};

const [command, ...before] = inNamespace(namespace, program);
const firefox = spawn(command, [...before, ...args], { stdio: ['ignore', 'inherit', 'pipe'] });
firefox.once('exit', (code) => process.exit(code ?? 1));
for await (const line of createInterface(firefox.stderr)) {
  const [, port] = /^WebDriver BiDi listening on ws:\/\/127\.0\.0\.1:(\d+)$/.exec(line) ?? [];
  if (port) await lead(port);
  process.stderr.write(`${line}\n`);
}
