// A person at work, in the words of the product.
//
// Everything is found as a person finds it: by its role and the name it has in the person's language.
// How the browser is driven is in device.js.

import { checkAccessibility } from './accessibility.js';
import { Device } from './device.js';
import { text } from './texts.js';

/** The screens of `Trouble`, and where the words of each are. */
const TROUBLE = { trapped: 'trapped', newer: 'newer', storage: 'no_storage', full: 'no_room', silent: 'silent' };

/** See the module. */
export class Person extends Device {
  /** The language that the app speaks to the person. */
  language = this.options.language;

  /** A text of the interface in the person's language. */
  text(key, values) {
    return text(this.language, key, values);
  }

  /** The place for an action: a button, a field, a link ... by its key in the locale files. */
  #control(role, key, within = this.page) {
    return within.getByRole(role, { name: this.text(key), exact: true });
  }

  get #main() {
    return this.page.getByRole('main');
  }

  /** The field that a page is written in. */
  field(tab = this.page) {
    return this.#control('textbox', 'document.label', tab);
  }

  /** What stands in it. */
  fieldText() {
    return this.field().inputValue({ timeout: 1000 });
  }

  // Coming and going

  /**
   * @param {{origin: string}} relay
   */
  async opens(relay) {
    await this.step('opens the app', async () => {
      await this.goes(relay.origin);
      await this.#arrives();
    });
  }

  async reloads() {
    await this.step('reloads', async () => {
      await this.page.reload();
      await this.#arrives();
    });
  }

  /** Opens what the present tab shows in one more tab, and looks at that. */
  async opensSecondTab() {
    await this.step('opens one more tab', async () => {
      await this.goesInNewTab(this.page.url());
      await this.#arrives();
    });
  }

  /** @param {number} number of the tab, from 1, in the order they were opened */
  async looksAt(number) {
    await this.step(`looks at tab ${number}`, async () => {
      this.page = this.tabs[number - 1];
      await this.page.bringToFront();
    });
  }

  /** @param {number} number of the tab, from 1; the later ones count one less from then on */
  async closesTab(number) {
    const [closed] = this.tabs.splice(number - 1, 1);
    await closed.close();
    if (closed === this.page) {
      [this.page] = this.tabs;
      await this.page.bringToFront();
    }
    await this.photograph(`closes tab ${number}`);
  }

  /** Closes the browser. */
  async leaves() {
    await this.stop();
  }

  /** Starts the browser again, on the same profile. */
  async returns(relay) {
    await this.start();
    await this.opens(relay);
  }

  /** The first screen of the app is there, whichever it is. */
  async seesFirstScreen() {
    await this.step('sees the first screen', () => this.#arrives());
  }

  async #arrives() {
    await this.finds('the first screen', this.page.locator('main.first-run, main.main, main.notice, dialog.cover').first());
  }

  // Name and settings

  /**
   * @param {string} name
   * @param {{colour?: string}} [options] the colour's key
   */
  async givesName(name, { colour } = {}) {
    await this.step(`gives the name ${name}`, async () => {
      await this.#control('textbox', 'first.name').fill(name);
      if (colour) await this.#choose(`colour.${colour}`);
      await this.#control('button', 'first.begin').click();
      await this.finds('home', this.#control('heading', 'home.title'));
    });
  }

  /** @param {string} name @param {string} colour the colour's key */
  async hasProfile(name, colour) {
    await this.step('looks at the settings', async () => {
      const settings = await this.#opensSettings();
      await this.waits(`the name is ${name}`, async () => await this.#control('textbox', 'settings.name', settings).inputValue() === name);
      await this.waits(`the colour is ${colour}`, () => this.#control('radio', `colour.${colour}`, settings).isChecked());
      await this.#closesSettings(settings);
    });
  }

  async changesName(name, { photographed = true } = {}) {
    await this.step(`takes the name ${name}`, async () => {
      const settings = await this.#opensSettings();
      await this.#control('textbox', 'settings.name', settings).fill(name);
      await this.#closesSettings(settings);
      await this.finds('the name', (await this.launchbar()).getByRole('button', { name, exact: true }));
    }, photographed);
  }

  /** @param {import('./texts.js').Language} language */
  async choosesLanguage(language) {
    await this.step(`chooses the language ${language}`, async () => {
      const settings = await this.#opensSettings();
      await this.#choose(language === 'fr' ? 'settings.language_french' : 'settings.language_english');
      this.language = language;
      await this.#closesSettings(this.#control('dialog', 'settings.title'));
    });
  }

  /** @param {'system' | 'light' | 'dark'} theme */
  async choosesTheme(theme) {
    await this.step(`chooses the theme ${theme}`, async () => {
      const settings = await this.#opensSettings();
      await this.#choose(`settings.theme_${theme}`);
      await this.#closesSettings(settings);
    });
  }

  async #opensSettings() {
    await (await this.launchbar()).getByRole('button', { name: this.text('action.settings'), exact: true }).click();
    return this.finds('the settings', this.#control('dialog', 'settings.title'));
  }

  async #closesSettings(settings) {
    await this.#control('button', 'common.done', settings).click();
    await this.waits('the settings close', () => settings.isHidden());
  }

  /** A radio button is chosen by its label, which is what is to be seen of it. */
  async #choose(key) {
    await this.page.locator('label').filter({ has: this.#control('radio', key) }).click();
  }

  // Workspaces

  /** The bar with the workspaces; on a phone it is opened first. */
  async launchbar() {
    const bar = this.#control('navigation', 'launchbar.label');
    const opener = this.#control('button', 'frame.open_launchbar');
    if (await opener.isVisible() && await bar.isHidden()) await opener.click();
    return this.finds('the launchbar', bar);
  }

  async goesHome() {
    await this.step('goes home', async () => {
      await this.#control('link', 'launchbar.home', await this.launchbar()).click();
      await this.finds('home', this.#control('heading', 'home.title'));
    });
  }

  /** Makes a workspace from the list of workspaces, and is in it. */
  async makesWorkspace(name) {
    await this.step(`makes the workspace ${name}`, async () => {
      await this.#control('button', 'action.new_workspace', this.#main).click();
      const dialog = await this.finds('the dialog', this.#control('dialog', 'new_workspace.title'));
      await this.#control('textbox', 'new_workspace.name', dialog).fill(name);
      await this.#control('button', 'new_workspace.make', dialog).click();
      await this.#isIn(name);
    });
  }

  /** Opens a workspace from the list. */
  async opensWorkspace(name) {
    await this.step(`opens the workspace ${name}`, async () => {
      await this.#main.getByRole('link', { name, exact: true }).click();
      await this.#isIn(name);
    });
  }

  async renamesWorkspace(name, { photographed = true } = {}) {
    await this.step(`renames the workspace to ${name}`, async () => {
      await this.#main.getByRole('heading', { level: 1 }).getByRole('button').click();
      await this.#control('textbox', 'new_workspace.name', this.#main).fill(name);
      await this.page.keyboard.press('Enter');
      await this.#isIn(name);
    }, photographed);
  }

  async #isIn(name) {
    await this.finds(`the heading ${name}`, this.#main.getByRole('heading', { name, exact: true, level: 1 }));
    await this.finds('the page', this.field());
  }

  // Writing and reading

  /** Types at the end of the page, key by key. */
  async writes(words, { photographed = true } = {}) {
    await this.step(`writes ${words}`, async () => {
      const field = await this.finds('the page', this.field());
      await this.waits('the page can be written in', () => field.isEditable());
      await field.press('ControlOrMeta+End');
      await this.page.keyboard.type(words);
    }, photographed);
  }

  /** Puts words at the end of the page at once. */
  async pastes(words) {
    await this.step(`pastes ${words}`, async () => {
      await this.field().press('ControlOrMeta+End');
      await this.page.keyboard.insertText(words);
    });
  }

  /** Puts words in place of all that stands on the page. */
  async replacesText(words, { photographed = true } = {}) {
    await this.step(`writes ${words} instead`, async () => {
      await this.field().fill(words);
      await this.#hasText(words);
    }, photographed);
  }

  /** The page holds exactly this. */
  async reads(words) {
    await this.step(`reads ${words}`, () => this.#hasText(words));
  }

  async #hasText(words) {
    await this.waits(`the page holds ${JSON.stringify(words)}`, async () => await this.fieldText() === words, () => this.fieldText());
  }

  /** Notes what stands in the page's field at each key, for {@link rememberedField}. */
  async remembersField() {
    await this.page.evaluate(() => {
      document.addEventListener('input', ({ target }) => {
        if (target instanceof HTMLTextAreaElement) globalThis.rememberedField = target.value;
      }, true);
    });
  }

  rememberedField() {
    return this.page.evaluate(() => globalThis.rememberedField);
  }

  // Members

  /** One of the tools of the workspace. */
  async opensTool(key) {
    await this.step(`opens ${this.text(key)}`, () => this.#control('link', key, this.#main).click());
  }

  /**
   * Makes a link for one person.
   *
   * @param {'editor' | 'reader'} role
   * @returns {Promise<string>}
   */
  async invites(role) {
    return this.step(`invites a ${role}`, async () => {
      // On a phone the members have a place of their own.
      const members = this.#control('link', 'members.title', this.#main);
      if (await members.isVisible()) await members.click();
      await this.#control('button', 'action.invite', this.#main).click();
      const dialog = await this.finds('the dialog', this.#control('dialog', 'invite.title'));
      await this.#choose(`role.${role}`);
      await this.#control('button', 'invite.make', dialog).click();
      const link = await this.finds('the link', this.#control('textbox', 'invite.link', dialog));
      const url = await link.inputValue();
      await this.photograph(`sees the link for a ${role}`);
      await this.page.keyboard.press('Escape');
      await this.waits('the dialog closes', () => dialog.isHidden());
      return url;
    });
  }

  /** Opens an invitation's link, for the first time on this device. */
  async comesBy(link, name) {
    await this.step('opens an invitation', async () => {
      await this.goes(link);
      await this.#arrives();
    });
    await this.step(`gives the name ${name}`, async () => {
      await this.#control('textbox', 'first.name').fill(name);
      await this.#control('button', 'first.begin').click();
    });
  }

  /** Opens the link of another invitation, with the name that they have. */
  async comesAgainBy(link) {
    await this.step('opens another invitation', () => this.goes(link));
  }

  /** Is in the workspace, without having gone there. */
  async arrivesIn(name) {
    await this.step(`arrives in ${name}`, () => this.#isIn(name));
  }

  #member(name) {
    return this.page.locator('.member').filter({ has: this.page.getByText(name, { exact: true }) });
  }

  /**
   * A member is shown like this.
   *
   * @param {string} name
   * @param {{path?: 'direct' | 'relay' | 'none', presence?: 'here' | 'away', role?: string}} like
   */
  async seesMember(name, like) {
    await this.step(`sees ${name}: ${Object.values(like).join(', ')}`, async () => {
      const member = await this.finds(name, this.#member(name));
      const shown = async () => Object.fromEntries(await Promise.all(
        Object.keys(like).map(async (key) => [key, await member.getAttribute(`data-${key}`)]),
      ));
      const fits = async () => Object.entries(await shown()).every(([key, value]) => value === like[key]);
      await this.waits(`${name} is ${JSON.stringify(like)}`, fits, shown);
    });
  }

  async removesMember(name) {
    await this.step(`removes ${name}`, async () => {
      await this.page.getByRole('button', { name: this.text('members.remove', { name }), exact: true }).click();
      const title = this.text('members.remove_title', { name });
      const dialog = await this.finds('the question', this.page.getByRole('dialog', { name: title, exact: true }));
      await this.photograph(`is asked whether to remove ${name}`);
      await this.#control('button', 'members.remove_do', dialog).click();
      await this.waits(`${name} is gone`, async () => await this.#member(name).count() === 0);
    });
  }

  /** Takes words in that were left out. */
  async takesIn() {
    await this.step('takes words in', () => this.#control('button', 'left_out.bring_back', this.#main).click());
  }

  /** How far the last change to the page has come: `2/3`. */
  reach() {
    return this.page.locator('[data-reach]').first().getAttribute('data-reach', { timeout: 1000 });
  }

  async seesReach(reach) {
    await this.step(`sees that ${reach} have it`, () => this.waits(`${reach} have it`, async () => await this.reach() === reach, () => this.reach()));
  }

  /** What is not with everybody waits in the mailbox. */
  async seesMailbox() {
    await this.step('sees that it waits in the mailbox', () => this.finds('the mailbox', this.page.locator('[data-reach][data-mailbox]')));
  }

  /** The page can be read and not changed. */
  async cannotWrite() {
    await this.step('cannot write', async () => {
      const field = await this.finds('the page', this.field());
      await this.waits('the page cannot be written in', async () => !await field.isEditable());
      await this.finds('why', this.page.getByText(this.text('document.read_only'), { exact: true }));
    });
  }

  /**
   * How the browser itself says that this tab's direct links go: the kinds of the two candidates of
   * each chosen pair.
   *
   * @returns {Promise<{state: string, local?: string, remote?: string, bytesSent?: number}[]>}
   */
  links() {
    return this.page.evaluate(() => globalThis.bocage.links());
  }

  // Chat

  async says(words) {
    await this.step(`says ${words}`, async () => {
      await this.#control('textbox', 'chat.field').fill(words);
      await this.page.keyboard.press('Enter');
      await this.finds('the message', this.#message(words));
    });
  }

  #message(words) {
    return this.page.locator('.message').filter({ has: this.page.getByText(words, { exact: true }) });
  }

  async readsMessage(words, author) {
    await this.step(`reads the message ${words}`, async () => {
      const message = await this.finds('the message', this.#message(words));
      await this.finds('its author', message.getByText(author, { exact: true }));
    });
  }

  messages() {
    return this.page.locator('.message-text').allInnerTexts();
  }

  // What is to be seen

  /** Some words are on the screen. */
  async sees(words) {
    await this.step(`sees ${words}`, () => this.finds(words, this.page.getByText(words, { exact: true }).first()));
  }

  /** Words of the interface are on the screen. */
  async seesText(key, values) {
    await this.sees(this.text(key, values));
  }

  /** Everything written is stored, says the app. */
  async seesSaved(options) {
    await this.seesSaving('saved', options);
  }

  /** @param {'saved' | 'saving' | 'full' | 'unavailable'} state */
  async seesSaving(state, { photographed = true } = {}) {
    await this.step(`sees: ${state}`, () => this.finds(state, this.#control('button', `save.${state}`)), photographed);
  }

  /** Waits for a moment at which nothing is being stored, and says whether that is because nothing can be. */
  async hasNoRoom() {
    const full = this.#control('button', 'save.full');
    await this.finds('an end of saving', full.or(this.#control('button', 'save.saved')));
    return full.isVisible();
  }

  /** @param {'connected' | 'unreachable' | 'connecting' | 'incompatible'} state of the relay */
  async seesConnection(state) {
    await this.step(`sees: ${state}`, () => this.finds(state, this.#control('button', `relay.${state}`)));
  }

  /** Presses a button. */
  async presses(key) {
    await this.step(`presses ${this.text(key)}`, () => this.#control('button', key).click());
  }

  async isAccessible(screen, { photographed = true } = {}) {
    await this.step(`looks at ${screen}`, () => checkAccessibility(this, screen), photographed);
  }

  // Trouble

  #trouble(kind) {
    return this.#control('alertdialog', `${TROUBLE[kind]}.title`);
  }

  /**
   * The screen that says what is wrong.
   *
   * @param {keyof typeof TROUBLE} kind
   */
  async seesTrouble(kind) {
    await this.step(`sees the screen ${kind}`, () => this.finds(`the screen ${kind}`, this.#trouble(kind)));
  }

  /** Whether it is there at this moment. */
  isInTrouble(kind) {
    return this.#trouble(kind).isVisible();
  }

  /** Presses "Reload" on such a screen, and is back in the app. */
  async pressesReload() {
    await this.step('presses reload', async () => {
      await this.page.evaluate(() => { globalThis.isOld = true; });
      await this.#control('button', 'trouble.reload').click();
      await this.waits('the page is loaded anew', async () => !await this.page.evaluate(() => globalThis.isOld));
      await this.#arrives();
    });
  }

  /**
   * Copies the technical report of such a screen, and pastes it somewhere.
   *
   * @returns {Promise<string>} what was pasted
   */
  async copiesReport() {
    return this.step('copies the report', async () => {
      await this.#control('button', 'trouble.copy_report').click();
      await this.finds('the word that it is done', this.#control('button', 'copy.done'));
      const elsewhere = await this.context.newPage();
      await elsewhere.setContent('<textarea></textarea>');
      const paper = elsewhere.locator('textarea');
      await paper.press('ControlOrMeta+V');
      const pasted = await paper.inputValue();
      await elsewhere.close();
      await this.page.bringToFront();
      return pasted;
    });
  }

  /**
   * A screen that needs no program: it stands in index.html.
   *
   * @param {string} problem
   */
  async seesBootScreen(problem) {
    await this.step(`sees the screen ${problem}`, async () => {
      await this.finds(`the screen ${problem}`, this.#control('heading', `boot.${problem}.title`));
      // Some problems share their title.
      await this.finds('what it means', this.page.getByText(this.text(`boot.${problem}.meaning`), { exact: true }));
    });
    await this.isAccessible(`the screen ${problem}`);
  }

  // What a test provokes

  /** The browser makes no direct link in this tab from now on: one that does not allow them throws as well. */
  async losesDirectLinks() {
    await this.page.evaluate(() => {
      globalThis.givenConnection = globalThis.RTCPeerConnection;
      globalThis.RTCPeerConnection = function refused() { throw new DOMException('not allowed', 'NotAllowedError'); };
    });
  }

  /** Ends that. */
  async regainsDirectLinks() {
    await this.page.evaluate(() => { globalThis.RTCPeerConnection = globalThis.givenConnection; });
  }

  /** Errors on the console that match are part of the test. */
  expectsConsoleErrors(pattern) {
    this.watch.expect(pattern);
  }
}
