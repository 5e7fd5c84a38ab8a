// peers.js — carriers, PBXs and trunks: whether they can be reached, what they carry, where they are registered.
import { askAll } from './api.js';
import { captureButton } from './capture.js';
import { make, replace, replaceIfOther, setText } from './dom.js';
import { count, fixed, text, time, utc, word } from './format.js';
import { icon } from './icons.js';
import { repeat } from './live.js';
import { LiveTable } from './table.js';

const stateOf = (peer) => {
  if (peer.retired) return 'retired';
  if (!peer.up) return 'down';
  return peer.targets.some((one) => one.state === 'down' || one.state === 'unresolved') ? 'partly up' : 'up';
};
const TONES = { up: 'good', 'partly up': 'warn', down: 'bad', unresolved: 'bad', set_aside: 'warn', registered: 'good' };
const tone = (state) => `pill ${TONES[state] ?? ''}`;
const used = (calls) => (calls.limit ? `${count(calls.active)} of ${count(calls.limit)}` : count(calls.active));
const usedTone = (calls) => (calls.limit && calls.active >= calls.limit * 0.85 ? 'warn' : '');
const upOf = (peer) => peer.targets.filter((one) => one.state === 'up' || one.state === 'unknown').length;
const nearest = (peer) => Math.min(...peer.targets.map((one) => one.round_trip_ms ?? Infinity));

const COLUMNS = [
  { name: 'State', width: '96px', phone: 2, text: stateOf, tone: (p) => tone(stateOf(p)) },
  { name: 'Peer', width: 'minmax(100px, 1.5fr)', phone: 1, text: (p) => p.name },
  { name: 'Realm', text: (p) => p.realm },
  { name: 'Calls in', align: 'end', phone: 3, say: 'in', text: (p) => used(p.calls.in), value: (p) => p.calls.in.active, tone: (p) => usedTone(p.calls.in) },
  { name: 'Calls out', align: 'end', phone: 4, say: 'out', text: (p) => used(p.calls.out), value: (p) => p.calls.out.active, tone: (p) => usedTone(p.calls.out) },
  { name: 'Targets up', align: 'end', text: (p) => `${upOf(p)} of ${p.targets.length}`, value: upOf },
  { name: 'Round trip ms', align: 'end', text: (p) => fixed(nearest(p), 1), value: nearest },
  { name: 'Registered', text: (p) => word(p.registration?.state), tone: (p) => (p.registration ? tone(p.registration.state) : '') },
  { name: 'Profile', text: (p) => text(p.profile) },
];

export function peers() {
  const trouble = make('p', { class: 'trouble', role: 'alert' });
  const told = make('span', { class: 'faint', role: 'status' });
  const table = new LiveTable({
    label: 'Peers',
    columns: COLUMNS,
    key: (peer) => peer.name,
    open: (peer) => {
      location.hash = `#/peers/${encodeURIComponent(peer.name)}`;
    },
    empty: () => 'No peer is configured.',
  });
  let stop;
  return {
    element: make('div', { class: 'view list' }, make('div', { class: 'bar' }, make('h1', {}, 'Peers'), told), trouble, table.element),
    title: 'Peers',
    start() {
      stop = repeat(async (signal) => {
        try {
          const page = await askAll('/api/v1/peers', 'peers', { signal });
          table.set(page.peers);
          const down = page.peers.filter((peer) => stateOf(peer) === 'down').length;
          setText(told, `${count(page.peers.length)}, ${down ? `${count(down)} down` : 'none down'}`);
          replace(trouble);
        } catch (error) {
          if (!signal.aborted) replace(trouble, error.message);
        }
      });
    },
    stop() {
      stop();
      table.close();
    },
  };
}

const when = (at) => (at ? make('time', { datetime: at, title: utc(at) }, time(at)) : text(null));
const targetRow = (one) => make('tr', {}, make('td', {}, one.target), make('td', {}, text(one.address)), make('td', {}, text(one.transport)),
  make('td', {}, make('span', { class: tone(one.state) }, word(one.state))), make('td', {}, when(one.since)),
  make('td', { class: 'end' }, fixed(one.round_trip_ms, 1)), make('td', { class: 'end' }, text(one.last_code)),
  make('td', { class: 'end' }, count(one.calls)), make('td', { class: 'end' }, count(one.weight)));
const TARGET_HEADS = ['Target', 'Address', 'Transport', 'State', 'Since', 'Round trip ms', 'Last answer', 'Calls', 'Weight'];

function factsOf(peer) {
  const registration = peer.registration;
  const facts = [['Realm', peer.realm], ['Profile', text(peer.profile)], ['Transport', text(peer.transport)], ['Balance', word(peer.balance)],
    ['Calls in', used(peer.calls.in)], ['Calls out', used(peer.calls.out)], ['Probed', peer.probed ? 'yes' : 'no']];
  if (registration)
    facts.push(['Registered as', registration.aor], ['Registration', word(registration.state)], ['Registrar', text(registration.registrar)],
      ['Expires', when(registration.expires)], ['Next', when(registration.next)], ['Last answer', text(registration.last_code)]);
  return facts.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]);
}

export function peer(name) {
  const state = make('span', { class: 'pill' });
  const trouble = make('p', { class: 'trouble', role: 'alert' });
  const facts = make('dl', { class: 'facts' });
  const targets = make('tbody', {});
  const capture = captureButton(() => ({ peer: name }), `What ${name} and this node say to each other`);
  let stop;
  return {
    element: make('div', { class: 'view' },
      make('div', { class: 'bar' }, make('a', { href: '#/peers', class: 'back', 'aria-label': 'All peers' }, icon('back')),
        make('h1', {}, name), state, make('div', { class: 'acts' }, capture.node)),
      trouble, make('section', { class: 'card' }, make('h3', {}, 'What it is'), facts),
      make('section', { class: 'card scroll' }, make('h3', {}, 'Targets'), make('table', {}, make('thead', {}, make('tr', {},
        TARGET_HEADS.map((head, i) => make('th', { scope: 'col', class: i > 4 ? 'end' : '' }, head)))), targets))),
    title: name,
    start() {
      stop = repeat(async (signal) => {
        try {
          const page = await askAll('/api/v1/peers', 'peers', { signal });
          const found = page.peers.find((one) => one.name === name);
          if (!found) throw new Error('No peer has that name.');
          setText(state, stateOf(found));
          state.className = tone(stateOf(found));
          replaceIfOther(facts, { ...found, targets: [] }, () => factsOf(found));
          replaceIfOther(targets, found.targets, () => found.targets.map(targetRow));
          replace(trouble);
        } catch (error) {
          if (!signal.aborted) replace(trouble, error.message);
        }
      });
    },
    stop() {
      stop();
      capture.close();
    },
  };
}
