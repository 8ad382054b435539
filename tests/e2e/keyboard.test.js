// The first minute without a mouse: only keys are pressed, and what has focus is always to be seen.

import assert from 'node:assert/strict';

import { browsers } from './harness/browsers.js';
import { scenario } from './harness/scenario.js';

/** The most times Tab is pressed before something is held to be out of reach. */
const FAR = 60;

/** Presses Tab, or Shift and Tab to go back, until the control has focus. */
const tabsTo = (manager, role, key, { back = false } = {}) => manager.step(`tabs to ${manager.text(key)}`, async () => {
  const control = manager.page.getByRole(role, { name: manager.text(key), exact: true });
  for (let n = 0; n < FAR; n += 1) {
    if (await control.evaluateAll((all) => all.includes(document.activeElement))) {
      assert.ok(await focusIsVisible(manager), `${manager.text(key)} has focus, and it is not to be seen`);
      return;
    }
    await manager.page.keyboard.press(back ? 'Shift+Tab' : 'Tab');
  }
  throw new Error(`${manager.text(key)} is out of reach`);
});

const focusIsVisible = (manager) => manager.page.evaluate(() => {
  const { activeElement } = document;
  // In a field of several lines the caret shows it.
  if (activeElement.localName === 'textarea') return getComputedStyle(activeElement).caretColor !== 'transparent';
  // A hidden radio button shows its focus on the label around it.
  const shown = [activeElement, activeElement.closest('label')].filter(Boolean);
  return activeElement.matches(':focus-visible') && shown.some((element) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
    return (outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) || boxShadow !== 'none';
  });
});

/** The role and name of what has focus. */
const focused = (manager) => manager.page.evaluate(() => document.activeElement?.getAttribute('role') ?? document.activeElement?.localName);

for (const browser of browsers) {
  scenario(browser, 'the first minute without a mouse', async (stage) => {
    const relay = await stage.relay();
    const manager = await stage.person('the manager');
    const { keyboard } = manager.page;
    await manager.opens(relay);

    await tabsTo(manager, 'textbox', 'first.name');
    await keyboard.type('Zoé');
    await manager.step('chooses a colour with the arrow keys', async () => {
      await keyboard.press('Tab');
      await keyboard.press('ArrowRight');
      assert.ok(await manager.page.evaluate(() => document.activeElement.matches('[type=radio]:checked')));
      assert.ok(await focusIsVisible(manager), 'the colour has focus, and it is not to be seen');
    });
    await tabsTo(manager, 'button', 'first.begin');
    await keyboard.press('Enter');
    await manager.seesText('home.empty_title');

    await tabsTo(manager, 'button', 'action.new_workspace');
    await keyboard.press('Enter');
    await manager.finds('the dialog', manager.page.getByRole('dialog', { name: manager.text('new_workspace.title') }));
    await manager.step('leaves the dialog with Escape, and focus is where it was', async () => {
      await keyboard.press('Escape');
      await manager.waits('focus is on the button again', () => manager.page.evaluate(
        (name) => document.activeElement.textContent.trim() === name,
        manager.text('action.new_workspace'),
      ));
    });
    await manager.step('makes a workspace with its shortcut', async () => {
      await keyboard.press('c');
      const name = manager.page.getByRole('textbox', { name: manager.text('new_workspace.name') });
      await manager.finds('the dialog', name);
      await manager.waits('the name has focus', () => name.evaluate((field) => field === document.activeElement));
      await keyboard.type('Choir');
      await keyboard.press('Enter');
      await manager.finds('the page', manager.field());
    });

    await tabsTo(manager, 'textbox', 'document.label');
    await keyboard.type('Written without a mouse.');
    await manager.seesSaved();

    await manager.step('renames the workspace through its menu', async () => {
      await tabsTo(manager, 'button', 'workspace.menu', { back: true });
      await keyboard.press('Enter');
      await manager.waits('the first line has focus', async () => await focused(manager) === 'menuitem');
      await manager.isAccessible('the open menu of a workspace');
      await keyboard.press('Enter');
      await manager.waits('the name can be changed', async () => await focused(manager) === 'input');
      await keyboard.type('Singers');
      await keyboard.press('Enter');
      await manager.finds('the new name', manager.page.getByRole('heading', { name: 'Singers', level: 1 }));
    });
    await manager.step('opens the shortcuts with ? and closes them with Escape', async () => {
      await manager.waits('focus is on the name', async () => await focused(manager) === 'button');
      await keyboard.press('?');
      const help = manager.page.getByRole('dialog', { name: manager.text('help.title') });
      await manager.finds('the shortcuts', help);
      await keyboard.press('Escape');
      await manager.waits('they close', () => help.isHidden());
    });
    await manager.step('goes home with g and h', async () => {
      await keyboard.press('g');
      await keyboard.press('h');
      await manager.finds('home', manager.page.getByRole('heading', { name: manager.text('home.title'), level: 1 }));
    });
    await tabsTo(manager, 'link', 'launchbar.home', { back: true });
    await manager.reloads();
    await manager.sees('Singers');
  });
}
