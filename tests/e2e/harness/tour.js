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

/** How one person looks at things in each way. */
const guide = (person, ways, { prepare, look }) => {
  const control = (role, key, within = person.page) => within.getByRole(role, { name: person.text(key), exact: true });

  /** Looks at what is there. */
  const lookHere = async (screen) => {
    for (const way of ways) {
      await prepare(way);
      await look(screen, way);
    }
  };
  /** Opens something with a press, looks at it, and closes it with Escape. */
  const lookAt = async (screen, opener, opened) => {
    for (const way of ways) {
      await prepare(way);
      await (await opener()).click();
      await person.finds(screen, opened);
      await look(screen, way);
      await person.page.keyboard.press('Escape');
      await person.waits(`${screen} closes`, () => opened.isHidden());
    }
  };
  return { control, lookHere, lookAt };
};

/**
 * Walks past every screen that one person sees alone, and looks at each in each way.
 *
 * @template Way
 * @param {import('./person.js').Person} person who has never been here
 * @param {{origin: string}} relay
 * @param {Way[]} ways
 * @param {{prepare: (way: Way) => Promise<void>, look: (screen: string, way: Way) => Promise<void>}} how
 *   `prepare` is called before a dialog or menu opens, as open ones do not follow every change
 */
export const tour = async (person, relay, ways, how) => {
  const { control, lookHere, lookAt } = guide(person, ways, how);
  const launchbarControl = async (role, key) => control(role, key, await person.launchbar());

  await person.opens(relay);
  await lookHere('first run');
  await control('button', 'first.begin').click();
  await person.seesText('name.empty');
  await lookHere('first run without a name');
  await person.givesName('Zoé Lefèvre');
  await lookHere('home without workspaces');
  await lookAt('new workspace', () => control('button', 'action.new_workspace', person.page.getByRole('main')), control('dialog', 'new_workspace.title'));
  await person.makesWorkspace('Choir');
  await lookHere('workspace without words');
  await person.writes(LONG, { photographed: false });
  await person.seesSaved();
  await lookHere('workspace');
  await lookAt('state of saving', () => control('button', 'save.saved'), control('dialog', 'save.saved'));
  await person.seesConnection('connected');
  await lookAt('state of the relay', () => control('button', 'relay.connected'), control('dialog', 'relay.connected'));
  await lookAt('menu of a workspace', () => control('button', 'workspace.menu'), control('menu', 'workspace.menu'));
  await control('button', 'workspace.menu').click();
  await control('menuitem', 'action.rename_workspace').click();
  await person.finds('the field for the name', control('textbox', 'new_workspace.name'));
  await lookHere('renaming a workspace');
  await person.page.keyboard.press('Escape');
  for (const name of ['Garden at the old mill', 'A workspace whose name is so long that it does not fit on one line of anything']) {
    await person.goesHome();
    await person.makesWorkspace(name);
  }
  await lookHere('workspace with a long name');
  await person.goesHome();
  await lookHere('home with workspaces');
  await lookAt('settings', () => launchbarControl('button', 'action.settings'), control('dialog', 'settings.title'));
  await lookAt('shortcuts', () => launchbarControl('button', 'action.help'), control('dialog', 'help.title'));
  const menu = person.text('launchbar.me', { name: 'Zoé Lefèvre' });
  const me = async () => (await person.launchbar()).getByRole('button', { name: 'Zoé Lefèvre', exact: true });
  await lookAt('own menu', me, person.page.getByRole('menu', { name: menu, exact: true }));
  await person.launchbar();
  await lookHere('launchbar');
  await person.goes(`${relay.origin}/#/nowhere`);
  await person.seesText('nowhere.heading');
  await lookHere('nowhere');
};

/**
 * Walks past the screens that others have a part in: the host has a workspace, the guest comes by a link.
 *
 * @template Way
 * @param {import('./person.js').Person} host who has made no workspace yet
 * @param {import('./person.js').Person} guest who has never been here
 * @param {{origin: string}} relay
 * @param {Way[]} ways
 * @param {{prepare: (way: Way) => Promise<void>, look: (screen: string, way: Way) => Promise<void>}[]} hows
 *   how the host looks, and how the guest
 */
export const tourTogether = async (host, guest, relay, ways, [hostLooks, guestLooks]) => {
  const { control, lookHere, lookAt } = guide(host, ways, hostLooks);
  await host.opens(relay);
  await host.givesName('Zoé Lefèvre');
  await host.makesWorkspace('Choir');
  await host.writes('Autumn concert', { photographed: false });
  const link = await host.invites('editor');
  // The dialog with an open link and one that was ended.
  const main = host.page.getByRole('main');
  const dialog = control('dialog', 'invite.title');
  await lookAt('links', () => control('button', 'action.invite', main), dialog);

  const name = 'Émile Okafor-Lindqvist';
  await host.leaves();
  await guest.comesBy(link, name);
  await guest.seesText('joining.waiting');
  const visit = guide(guest, ways, guestLooks);
  await visit.lookHere('waiting to be let in');
  await host.returns(relay);
  await host.opensWorkspace('Choir');
  await guest.arrivesIn('Choir');
  await host.seesReach('2/2');

  await host.opensTool('chat.tool');
  await lookHere('chat without messages');
  for (const words of ['Who has the key?', 'I do. I come at half past six and open the side door, the one beside the bicycle stands.']) {
    await host.says(words);
  }
  await guest.opensTool('chat.tool');
  await guest.says('👍 https://example.org/a-very-long-address-that-does-not-fit-on-one-line-of-any-telephone/2026/11/23');
  await host.readsMessage('👍 https://example.org/a-very-long-address-that-does-not-fit-on-one-line-of-any-telephone/2026/11/23', name);
  await lookHere('chat');
  const hash = await host.page.evaluate(() => location.hash.replace(/\/chat$/, ''));
  await host.goes(`${relay.origin}/${hash}/members`);
  await host.seesMember(name, { presence: 'here' });
  await lookHere('members');
  const question = host.page.getByRole('dialog', { name: host.text('members.remove_title', { name }), exact: true });
  const remove = () => host.page.getByRole('button', { name: host.text('members.remove', { name }), exact: true });
  await lookAt('whether to remove somebody', remove, question);
  await host.goes(`${relay.origin}/${hash}`);
  await lookAt('how far it has come', () => control('button', 'reach.all'), control('dialog', 'reach.all'));
  await host.goes(`${relay.origin}/${hash}/members`);
  await host.removesMember(name);
  await guest.seesText('workspace.removed');
  await guest.seesText('chat.read_only');
  await visit.lookHere('removed');
};
