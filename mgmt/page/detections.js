// detections.js — what looked like an attack and why, as it is found; and all that is known of one source.
import { ask, askAll } from './api.js';
import { button, make, replace, replaceIfOther, setText } from './dom.js';
import { blockPrefix } from './blocked.js';
import { count, text, time, utc, word } from './format.js';
import { icon } from './icons.js';
import { live, repeat } from './live.js';
import { LiveTable } from './table.js';

const MOST = 2000;
const keyOf = (one) => `${one.detector} ${one.source} ${one.realm} ${one.call} ${one.first}`;
const TONES = { block: 'bad', drop: 'bad', refuse: 'warn', log: '' };

const COLUMNS = [
  { name: 'Detector', width: 'minmax(110px, 1fr)', phone: 1, text: (d) => word(d.detector) },
  { name: 'Source', width: 'minmax(110px, 1fr)', phone: 2, text: (d) => d.source },
  { name: 'Action', width: '90px', text: (d) => word(d.action), tone: (d) => `pill ${TONES[d.action] ?? ''}` },
  { name: 'Times', width: '68px', align: 'end', text: (d) => count(d.count), value: (d) => d.count },
  { name: 'Sure', width: '76px', align: 'end', text: (d) => `${d.confidence} %`, value: (d) => d.confidence, title: (d) => (d.proved ? 'the source is proved' : 'the source may be forged') },
  { name: 'Source is', width: '92px', text: (d) => (d.proved ? 'proved' : 'unproved') },
  { name: 'Why', width: 'minmax(0, 3fr)', phone: 3, text: (d) => text(d.evidence), title: (d) => d.evidence },
  { name: 'Realm', width: '90px', text: (d) => text(d.realm) },
  { name: 'Last', width: '90px', align: 'end', phone: 4, text: (d) => time(d.last), value: (d) => d.last, title: (d) => utc(d.last) },
];

export function detections() {
  const trouble = make('p', { class: 'trouble', role: 'alert' });
  const told = make('span', { class: 'faint', role: 'status' });
  const search = make('input', { type: 'search', 'aria-label': 'Search detections', autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none' });
  const table = new LiveTable({
    label: 'Detections',
    columns: COLUMNS,
    key: keyOf,
    open: (one) => {
      location.hash = `#/sources/${encodeURIComponent(one.source)}`;
    },
    empty: () => (search.value.trim() ? 'Nothing that was found has that.' : 'Nothing has looked like an attack.'),
  });
  search.addEventListener('input', () => {
    const query = search.value.trim().toLowerCase();
    table.show(query ? (one) => [one.detector, word(one.detector), one.source, one.action, one.evidence, one.realm].some((value) =>
      String(value ?? '').toLowerCase().includes(query)) : null);
  });
  function take(event) {
    const found = event.detail;
    table.set([found, ...table.all.filter((one) => keyOf(one) !== keyOf(found))].slice(0, MOST));
  }
  async function refresh(signal) {
    try {
      const page = await askAll('/api/v1/detections', 'detections', { most: MOST, signal });
      table.set(page.detections);
      setText(told, `${count(page.kept)} kept${page.forgotten ? `, ${count(page.forgotten)} older ones forgotten` : ''}`);
      replace(trouble);
    } catch (error) {
      if (!signal.aborted) replace(trouble, error.message);
    }
  }
  let stop;
  return {
    element: make('div', { class: 'view list' }, make('div', { class: 'bar' }, make('h1', {}, 'Detections'), told,
      make('label', { class: 'search' }, make('span', {}, 'Search'), search)), trouble, table.element),
    title: 'Detections',
    focus: search,
    start() {
      live.addEventListener('detection', take);
      stop = repeat(refresh, 5000);
    },
    stop() {
      live.removeEventListener('detection', take);
      stop();
      table.close();
    },
  };
}

const rowOf = (...cells) => make('tr', {}, cells.map((value) => make('td', { class: 'wrap' }, value)));
const tableOf = (heads, rows) => make('table', {}, make('thead', {}, make('tr', {}, heads.map((head) =>
  make('th', { scope: 'col' }, head)))), make('tbody', {}, rows));
const section = (title, heads, rows) => rows.length > 0 && make('section', { class: 'card scroll' }, make('h3', {}, title), tableOf(heads, rows));

// All that is known of one address: the chain of reasons, its blocks, what it did, what of it was dropped.
export function source(address) {
  const trouble = make('p', { class: 'trouble', role: 'alert' });
  const body = make('div', { class: 'stack' });
  const block = button('Block', () => blockPrefix(address), { class: 'danger' });
  const show = (known) => replaceIfOther(body, known, () => [
    make('section', { class: 'card' }, make('h3', {}, 'Why it is treated as it is'),
      make('ol', { class: 'reasons' }, known.reasons.map((one) => make('li', {}, one.text)))),
    section('Blocks', ['Prefix', 'By', 'Why', 'Since', 'Until', 'Dropped'], known.blocks.map((one) => rowOf(one.prefix, one.origin,
      text(one.reason), time(one.since), one.until ? time(one.until) : 'unblocked', count(one.hits)))),
    section('Detections', ['Last', 'Detector', 'Times', 'What was done', 'Why'], known.detections.map((one) => rowOf(time(one.last),
      word(one.detector), count(one.count), word(one.action), text(one.evidence)))),
    section('Dropped', ['Port', 'Reason', 'Packets', 'Since', 'Last'], known.drops.map((one) => rowOf(one.port, word(one.reason),
      count(one.packets), time(one.since), time(one.last)))),
    section('Realms', ['Realm', 'Taken for', 'Peer', 'Blocked'], known.realms.map((one) => rowOf(one.realm, word(one.class),
      text(one.peer), one.blocked ? 'yes' : 'no')))]);
  let stop;
  return {
    element: make('div', { class: 'view' }, make('div', { class: 'bar' },
      make('a', { href: '#/detections', class: 'back', 'aria-label': 'All detections' }, icon('back')), make('h1', {}, address), block),
    trouble, body),
    title: address,
    start() {
      stop = repeat(async (signal) => {
        try {
          show(await ask(`/api/v1/explain?of=${encodeURIComponent(address)}`, { signal }));
          replace(trouble);
        } catch (error) {
          if (!signal.aborted) replace(trouble, error.message);
        }
      }, 5000);
    },
    stop: () => stop(),
  };
}
