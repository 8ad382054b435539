// Passes connections on from one place to another: `node forward.js FROM TO`.
//
// A place is `address:port`, or the path of a Unix socket. Those are the same in every network namespace, so two of
// these lead from one namespace into another.

import net from 'node:net';
import { fileURLToPath } from 'node:url';

/** @param {string} place */
const options = (place) => {
  const [, host, port] = /^([^/]+):(\d+)$/.exec(place) ?? [];
  return host ? { host, port: Number(port) } : { path: place };
};

/**
 * Passes on what comes to `from`, until the process ends.
 *
 * @param {string} from
 * @param {string} to
 */
export const forward = async (from, to) => {
  const server = net.createServer({ allowHalfOpen: true }, (near) => {
    const far = net.connect({ ...options(to), allowHalfOpen: true });
    near.pipe(far).pipe(near);
    for (const [end, other] of [[near, far], [far, near]]) end.on('error', () => other.destroy());
  });
  await new Promise((listening, refuse) => {
    server.once('error', refuse);
    server.listen(options(from), listening);
  });
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , from, to] = process.argv;
  await forward(from, to);
  console.log('listening');
  // Whoever started it holds the other end, and may end without a word.
  process.stdin.resume().once('end', () => process.exit());
}
