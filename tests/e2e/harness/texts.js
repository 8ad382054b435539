// The words of the interface, read from the files that the app is built from, so that the tests
// follow them.
//
// Plurals and numbers are written as the page writes them (client/page/src/i18n.rs).

import { readFileSync } from 'node:fs';
import path from 'node:path';

import { locales } from './places.js';

/** @typedef {'en' | 'fr'} Language */

/** @type {Language[]} */
export const languages = ['en', 'fr'];

/** @type {Record<Language, Record<string, string | {one: string, other: string}>>} */
const texts = Object.fromEntries(languages.map((language) => [
  language,
  JSON.parse(readFileSync(path.join(locales, `${language}.json`), 'utf8')),
]));

/**
 * A text as the page shows it.
 *
 * @param {Language} language
 * @param {string} key as in the locale files
 * @param {Record<string, string | number>} [values] for its placeholders
 * @returns {string}
 */
export const text = (language, key, values = {}) => {
  const entry = texts[language][key];
  if (entry === undefined) throw new Error(`no text has the key ${key}`);
  const wording = typeof entry === 'string' ? entry : entry[plural(language, Number(values.count))];
  return wording.replace(/\{(\w+)\}/g, (_, name) => {
    if (!(name in values)) throw new Error(`the text ${key} wants a value for ${name}`);
    const value = values[name];
    return typeof value === 'number' ? value.toLocaleString(language) : value;
  });
};

/** All keys that begin with `prefix`. */
export const keys = (prefix) => Object.keys(texts.en).filter((key) => key.startsWith(prefix));

const plural = (language, count) => (count === 1 || (language === 'fr' && count === 0) ? 'one' : 'other');
