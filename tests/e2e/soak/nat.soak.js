// Two people, each at home behind a NAT, with distance and loss between them and the relay.
//
// Which kinds of NAT let devices reach each other directly follows from what the kinds are; that people can work
// together must not depend on it. BOCAGE_SOAK_SEED chooses which packets are lost.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';

import { browsers } from '../harness/browsers.js';
import { Homes } from '../harness/homes.js';
import { scenario } from '../harness/scenario.js';

const SEED = Number(process.env.BOCAGE_SOAK_SEED ?? randomInt(2 ** 31));

const WORKSPACE = 'Haie';

/** Firefox says so for each attempt, whatever the page does about it. */
const FAILED = /WebRTC: ICE failed/;

/**
 * The kinds of NAT, by the names of RFC 3489 that are still used.
 *
 * @type {Record<string, import('../harness/homes.js').Nat>}
 */
const NATS = {
  'full cone': { mapping: 'endpoint-independent', filtering: 'endpoint-independent' },
  'address-restricted': { mapping: 'endpoint-independent', filtering: 'address-dependent' },
  'port-restricted': { mapping: 'endpoint-independent', filtering: 'address-and-port-dependent' },
  symmetric: { mapping: 'address-and-port-dependent', filtering: 'address-and-port-dependent' },
  'UDP blocked': { mapping: 'endpoint-independent', filtering: 'endpoint-independent', withoutUdp: true },
};

/** The kinds at both ends, and how devices behind them reach each other. */
const PAIRS = [
  ['full cone', 'full cone', 'direct'],
  ['address-restricted', 'address-restricted', 'direct'],
  ['port-restricted', 'port-restricted', 'direct'],
  ['full cone', 'symmetric', 'direct'],
  // What comes from another port than was announced is let in, and shows which port that is.
  ['address-restricted', 'symmetric', 'direct'],
  ['symmetric', 'address-restricted', 'direct'],
  // Here it is not let in.
  ['port-restricted', 'symmetric', 'relay'],
  ['symmetric', 'port-restricted', 'relay'],
  ['symmetric', 'symmetric', 'relay'],
  ['UDP blocked', 'full cone', 'relay'],
  ['full cone', 'UDP blocked', 'relay'],
];

/** A direct link is looked for until it is given up; the relay is used meanwhile. */
const triesInVain = async (person) => {
  await person.waits('a direct link is looked for', async () => (await person.links()).length > 0);
  await person.waits('it is given up', async () => (await person.links()).length === 0, () => person.links());
};

/** Whoever begins the attempts is told that they failed. */
const knowsWhy = async (...people) => {
  const told = people.map((person) => person.page.getByText(person.text('members.link_failed')).isVisible());
  return (await Promise.all(told)).includes(true);
};

const casts = browsers.map((browser) => ({ browser, other: browser, name: browser }));
if (browsers.length > 1) casts.push({ browser: browsers[0], other: browsers[1], name: 'mixed' });

console.log(`seed ${SEED}`);
for (const cast of casts) {
  for (const [first, second, path] of PAIRS) {
    scenario(cast.browser, `${first} and ${second}, ${cast.name}`, async (stage) => {
      const homes = new Homes(stage, SEED);
      await homes.start([NATS[first], NATS[second]]);
      const relay = await homes.relay();
      const [one, other] = homes.namespaces;

      const ada = await stage.person('Ada', { namespace: one });
      await ada.opens(relay);
      await ada.givesName('Ada');
      await ada.makesWorkspace(WORKSPACE);
      const link = await ada.invites('editor');
      const bela = await stage.person('Béla', { browser: cast.other, namespace: other });
      const ends = [[ada, 'Béla'], [bela, 'Ada']];
      if (path === 'relay') for (const [person] of ends) person.expectsConsoleErrors(FAILED);
      await bela.comesBy(link, 'Béla');
      const came = performance.now();
      await bela.arrivesIn(WORKSPACE);
      const arrival = performance.now() - came;
      await ada.writes('From one home. ');
      await bela.reads('From one home. ');

      for (const [person, to] of ends) await person.seesMember(to, { path, presence: 'here' });
      if (path === 'relay') {
        await triesInVain(ada);
        await ada.waits('one of them is told that no direct way was found', () => knowsWhy(ada, bela));
      }

      await bela.writes('From the other. ');
      await ada.reads('From one home. From the other. ');
      await ada.writes('And back.');
      for (const [person, to] of ends) {
        await person.reads('From one home. From the other. And back.');
        await person.seesReach('2/2');
        await person.seesMember(to, { path, presence: 'here' });
      }
      for (const [person] of ends) await person.leaves();

      const { brought, betweenHomes, lost, refused } = await homes.cut();
      const packets = `${brought} packets, ${betweenHomes} of them between the homes, ${lost} lost, ${refused} refused`;
      console.log(`${first} and ${second}, ${cast.name}: ${path}, there after ${(arrival / 1000).toFixed(1)} s; ${packets}`);
      assert.ok(lost > 0, 'packets were lost');
      assert.equal(betweenHomes > 0, path === 'direct', 'what goes between the homes goes directly');
      if (path === 'relay') assert.ok(refused > 0, 'they tried');
    });
  }
}
