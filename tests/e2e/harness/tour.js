// A walk past every screen of the app, for those who look at all of them.

const LONG = [
  'Autumn concert',
  '',
  'Saturday 14 November, 19:30, St Mary’s. Doors open at 18:45; the choir meets at 17:00 for the warm-up.',
  '',
  '1. Ave verum corpus – Mozart',
  '2. Locus iste – Bruckner',
  '3. The lamb – Tavener, with the children from the primary school, who have to be home by nine',
  '',
  'Who brings the stands? Who can drive the piano stool back on Sunday?',
].join('\n');

/**
 * Walks past every screen and calls `look` with the name of each.
 *
 * @param {import('./person.js').Person} person who has never been here
 * @param {{origin: string}} relay
 * @param {(screen: string) => Promise<void>} look
 */
export const tour = async (person, relay, look) => {
  const control = (role, key, within = person.page) => within.getByRole(role, { name: person.text(key), exact: true });
  /** Opens something with a press, looks at it, and closes it with Escape. */
  const lookAt = async (screen, opener, opened) => {
    await opener.click();
    await person.finds(screen, opened);
    await look(screen);
    await person.page.keyboard.press('Escape');
    await person.waits(`${screen} closes`, () => opened.isHidden());
  };
  const launchbarControl = async (role, key) => control(role, key, await person.launchbar());

  await person.opens(relay);
  await look('first run');
  await control('button', 'first.begin').click();
  await person.seesText('name.empty');
  await look('first run without a name');
  await person.givesName('Zoé Lefèvre');
  await look('home without workspaces');
  await lookAt('new workspace', control('button', 'action.new_workspace', person.page.getByRole('main')), control('dialog', 'new_workspace.title'));
  await person.makesWorkspace('Choir');
  await look('workspace without words');
  await person.writes(LONG, { photographed: false });
  await person.seesSaved();
  await look('workspace');
  await lookAt('state of saving', control('button', 'save.saved'), control('dialog', 'save.saved'));
  await person.seesConnection('connected');
  await lookAt('state of the relay', control('button', 'relay.connected'), control('dialog', 'relay.connected'));
  await lookAt('menu of a workspace', control('button', 'workspace.menu'), control('menu', 'workspace.menu'));
  await control('button', 'workspace.menu').click();
  await control('menuitem', 'action.rename_workspace').click();
  await person.finds('the field for the name', control('textbox', 'new_workspace.name'));
  await look('renaming a workspace');
  await person.page.keyboard.press('Escape');
  for (const name of ['Garden at the old mill', 'A workspace whose name is so long that it does not fit on one line of anything']) {
    await person.goesHome();
    await person.makesWorkspace(name);
  }
  await look('workspace with a long name');
  await person.goesHome();
  await look('home with workspaces');
  await lookAt('settings', await launchbarControl('button', 'action.settings'), control('dialog', 'settings.title'));
  await lookAt('shortcuts', await launchbarControl('button', 'action.help'), control('dialog', 'help.title'));
  const menu = person.text('launchbar.me', { name: 'Zoé Lefèvre' });
  const bar = await person.launchbar();
  await look('launchbar');
  await lookAt('own menu', bar.getByRole('button', { name: 'Zoé Lefèvre', exact: true }), person.page.getByRole('menu', { name: menu, exact: true }));
  await person.goes(`${relay.origin}/#/nowhere`);
  await person.seesText('nowhere.heading');
  await look('nowhere');
};
