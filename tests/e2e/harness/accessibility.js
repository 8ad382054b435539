// axe-core on whatever a person sees, under the app's own content security policy.

import { readFileSync } from 'node:fs';

import { within } from './until.js';

const axe = readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

/** Impacts that fail a test. The others are advice. */
const GRAVE = ['serious', 'critical'];

/** How often a screen may move while axe looks at it. */
const LOOKS = 10;

/**
 * Lets everything arrive where it is moving to: what is fading in has not got its colours yet.
 *
 * @param {import('./device.js').Device} person
 */
const standsStill = ({ page }) => page.evaluate(async () => {
  const moving = () => document.getAnimations()
    .filter(({ effect, playState }) => playState === 'running' && effect.getTiming().iterations !== Infinity);
  do {
    for (const animation of moving()) animation.finish();
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  } while (moving().length > 0);
});

/**
 * What axe finds, and whether the screen stood still while it looked: colours of what moved are not those
 * that people see.
 *
 * @param {import('./device.js').Device} person
 */
const look = ({ page }) => page.evaluate(async () => {
  let moved = false;
  const notice = () => { moved = true; };
  for (const begun of ['transitionrun', 'animationstart']) document.addEventListener(begun, notice, { once: true });
  // What has begun since the screen stood still.
  const moves = ({ effect, playState }) => playState === 'running' && effect.getTiming().iterations !== Infinity;
  if (document.getAnimations().some(moves)) notice();
  const { violations } = await globalThis.axe.run(document, {
    resultTypes: ['violations'],
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  });
  // axe's own reading of styles may have begun something, which is said with the next picture.
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  for (const begun of ['transitionrun', 'animationstart']) document.removeEventListener(begun, notice);
  return {
    moved,
    violations: violations.map(({ id, impact, help, nodes }) => ({
      id, impact, help, nodes: nodes.map((node) => `${node.target.join(' ')}: ${node.failureSummary}`).slice(0, 5),
    })),
  };
});

/**
 * Fails when axe finds something grave in the tab that the person looks at.
 *
 * @param {import('./device.js').Device} person
 * @param {string} screen for the message
 */
export const checkAccessibility = async (person, screen) => {
  const { page } = person;
  // The browser's own tools may evaluate what the page itself may not.
  if (!await page.evaluate(() => typeof globalThis.axe === 'object')) await page.evaluate(axe);
  for (let left = LOOKS; ; left -= 1) {
    await within(`${screen} stands still`, standsStill(person));
    const { moved, violations } = await look(person);
    if (moved && left > 1) continue;
    if (moved) throw new Error(`${screen} (${person.who}) never stands still`);
    const grave = violations.filter(({ impact }) => GRAVE.includes(impact));
    if (grave.length === 0) return;
    throw new Error(`${screen} (${person.who}, ${person.options.language}) is not accessible:\n${JSON.stringify(grave, null, 1)}`);
  }
};
