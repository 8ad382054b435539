// A changed copy of the finished app: what a test provokes that the real one does not do.

import { createHash } from 'node:crypto';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { appDirectory } from './places.js';

/**
 * One entry of `app.json`.
 *
 * @typedef {object} AppFile
 * @property {string} path
 * @property {string} file
 * @property {string} type
 * @property {string} etag
 * @property {boolean} immutable
 * @property {number} size
 * @property {string} [brotli]
 * @property {string} [gzip]
 */

/** @returns {{build: string, built_at: number, files: AppFile[]}} */
export const readManifest = (app = appDirectory) => JSON.parse(readFileSync(path.join(app, 'app.json'), 'utf8'));

/** See the module. */
export class AppCopy {
  /**
   * @param {import('./stage.js').Stage} stage whose folder it is made in
   * @param {string} name
   */
  constructor(stage, name) {
    this.directory = path.join(stage.folder, name);
    cpSync(appDirectory, this.directory, { recursive: true });
    stage.atEnd(() => rmSync(this.directory, { recursive: true, force: true }));
    this.manifest = readManifest(this.directory);
  }

  /**
   * @param {string} urlPath
   * @returns {Buffer}
   */
  read(urlPath) {
    return readFileSync(path.join(this.directory, this.#entry(urlPath).file));
  }

  /** @returns {string} what a `<meta>` of the page says */
  meta(name) {
    const found = metaPattern(name).exec(this.read('/index.html').toString());
    if (!found) throw new Error(`the page has no meta ${name}`);
    return found[2];
  }

  /** Makes a `<meta>` of the page say something else. */
  setMeta(name, content) {
    this.meta(name);
    const page = this.read('/index.html').toString();
    this.write('/index.html', page.replace(metaPattern(name), (_, head, old, tail) => head + content + tail));
  }

  /**
   * Gives a file another content. It is served uncompressed.
   *
   * @param {string} urlPath
   * @param {string | Uint8Array} content
   */
  write(urlPath, content) {
    const entry = this.#entry(urlPath);
    const bytes = Buffer.from(content);
    writeFileSync(path.join(this.directory, entry.file), bytes);
    entry.etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}"`;
    entry.size = bytes.length;
    delete entry.brotli;
    delete entry.gzip;
    this.#save();
  }

  /**
   * Replaces a file that a `<meta>` of the page names. The new content gets a name of its own, because
   * browsers keep hashed files for ever.
   *
   * @param {string} name of the `<meta>`
   * @param {(content: Buffer) => Uint8Array} change
   */
  replace(name, change) {
    const old = this.meta(name);
    const content = change(this.read(old));
    const entry = this.#entry(old);
    const { dir, ext } = path.posix.parse(entry.path);
    entry.path = path.posix.join(dir, `changed-${name}${ext}`);
    entry.file = entry.path.slice(1);
    this.write(entry.path, content);
    this.write('/index.html', this.read('/index.html').toString().replaceAll(old, entry.path));
  }

  /** Makes it another build, from another time. */
  setBuild(id, builtAt) {
    this.manifest.build = id;
    this.manifest.built_at = builtAt;
    this.setMeta('bocage-build', id);
    this.setMeta('bocage-built-at', String(builtAt));
  }

  #entry(urlPath) {
    const entry = this.manifest.files.find((file) => file.path === urlPath);
    if (!entry) throw new Error(`the app has no ${urlPath}`);
    return entry;
  }

  #save() {
    writeFileSync(path.join(this.directory, 'app.json'), JSON.stringify(this.manifest, null, 1));
  }
}

const metaPattern = (name) => new RegExp(`(<meta name="${name}" content=")([^"]*)(">)`);
