// Waiting for a state: asks again and again, never longer than it may, and says what it waited for.

/** The longest wait for anything, in milliseconds: a machine may have other work to do than this. */
export const PATIENCE = 40_000;

const PAUSE = 40;

/**
 * Waits until `look` gives something that is true, and returns it.
 *
 * @template T
 * @param {string} what for the message when it never does
 * @param {() => Promise<T> | T} look
 * @param {() => Promise<unknown> | unknown} [found] what was there instead, for the message
 * @returns {Promise<T>}
 */
export const until = async (what, look, found) => {
  const end = performance.now() + PATIENCE;
  let thrown;
  while (performance.now() < end) {
    try {
      const seen = await look();
      if (seen) return seen;
      thrown = undefined;
    } catch (error) {
      thrown = error;
    }
    await new Promise((resume) => { setTimeout(resume, PAUSE); });
  }
  const instead = found ? `; there was ${JSON.stringify(await Promise.resolve().then(found).catch(String))}` : '';
  throw new Error(`waited ${PATIENCE / 1000} s in vain: ${what}${instead}`, { cause: thrown });
};

/**
 * Waits for a promise, but not longer than anything may take.
 *
 * @template T
 * @param {string} what for the message when it is not settled in time
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
export const within = async (what, promise) => {
  let timer;
  const late = new Promise((_, refuse) => {
    timer = setTimeout(() => refuse(new Error(`waited ${PATIENCE / 1000} s in vain: ${what}`)), PATIENCE);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};
