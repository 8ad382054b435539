// axe-core on whatever a person sees, under the app's own content security policy.

import { readFileSync } from 'node:fs';

import { until } from './until.js';

const axe = readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

/** Impacts that fail a test. The others are advice. */
const GRAVE = ['serious', 'critical'];

/**
 * Fails when axe finds something grave in the tab that the person looks at.
 *
 * @param {import('./device.js').Device} person
 * @param {string} screen for the message
 */
export const checkAccessibility = async (person, screen) => {
  const { page } = person;
  // What is fading in has not got its colours yet.
  await until(`${screen} stands still`, () => page.evaluate(() => document.getAnimations()
    .every(({ effect, playState }) => playState !== 'running' || effect.getTiming().iterations === Infinity)));
  // The browser's own tools may evaluate what the page itself may not.
  if (!await page.evaluate(() => typeof globalThis.axe === 'object')) await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    const result = await globalThis.axe.run(document, {
      resultTypes: ['violations'],
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return result.violations.map(({ id, impact, help, nodes }) => ({
      id, impact, help, nodes: nodes.map((node) => `${node.target.join(' ')}: ${node.failureSummary}`).slice(0, 5),
    }));
  });
  const grave = violations.filter(({ impact }) => GRAVE.includes(impact));
  if (grave.length > 0) {
    throw new Error(`${screen} (${person.who}, ${person.options.language}) is not accessible:\n${JSON.stringify(grave, null, 1)}`);
  }
};
