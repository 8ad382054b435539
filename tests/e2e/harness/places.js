// Where things are: the program and the app under test, and what the tests leave behind.
//
// `cargo xtask test` names the program and the app; without it, what lies in `target/` is taken.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const target = path.join(root, 'target');

/** Screenshots, profiles and changed copies of the app, all below this folder. */
export const results = path.join(target, 'e2e');

/** The finished app. */
export const appDirectory = path.resolve(root, process.env.BOCAGE_APP ?? 'target/app');

/** The texts of the interface. */
export const locales = path.join(root, 'client', 'locales');

/** @returns {string} the relay's program */
export const relayProgram = () => {
  const wanted = process.env.BOCAGE_RELAY;
  if (wanted) return path.resolve(root, wanted);
  const found = ['release', 'debug']
    .map((profile) => path.join(target, profile, 'bocage-relay'))
    .find(existsSync);
  if (!found) throw new Error('there is no relay: build one with `cargo build -p bocage-relay`');
  return found;
};
