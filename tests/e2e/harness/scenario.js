// One test in one browser. It fails when anything went wrong that it did not provoke, too.

import { test } from 'node:test';

import { Stage } from './stage.js';

/** The longest a test may take, in milliseconds. */
const TEST_TIME = 300_000;

/**
 * Declares a test.
 *
 * @param {import('./browsers.js').BrowserName} browser
 * @param {string} name
 * @param {(stage: Stage) => Promise<void>} play
 * @param {{timeout?: number}} [options]
 */
export const scenario = (browser, name, play, { timeout = TEST_TIME } = {}) => {
  test(`${name} (${browser})`, { timeout }, async (t) => {
    const stage = new Stage(name, browser);
    t.after(() => stage.end());
    try {
      await play(stage);
    } catch (error) {
      for (const problem of stage.problems()) t.diagnostic(problem);
      if (stage.log()) t.diagnostic(`relay: ${stage.log().slice(-2000)}`);
      throw error;
    }
    // Errors of the last moments reach the watch only when the browsers have ended.
    await stage.end();
    const problems = stage.problems();
    if (problems.length > 0) throw new Error(`this must not happen:\n${problems.join('\n')}`);
  });
};
