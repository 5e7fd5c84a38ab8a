// calls.js — the calls that are up, searched by number: at once among those that are here, then by the node among all.
import { askAll } from './api.js';
import { button, make, replace, setText } from './dom.js';
import { count, length, text, time, user, uri, utc, word } from './format.js';
import { repeat } from './live.js';
import { hangUp } from './call.js';
import { LiveTable } from './table.js';

const MOST = 10000;
const TYPING_MS = 250;
const TONES = { answered: 'good', ringing: 'warn', ending: 'faint' };
const digits = (value) => String(value ?? '').replace(/[\s().\-/]/g, '').toLowerCase();

// What a search looks in, once for each call. The numbers first: they may be written with spaces and dashes.
const kept = new WeakMap();
function haystack(call) {
  if (!kept.has(call)) {
    const numbers = [call.from, call.to, call.called_in, call.called_out].map(digits);
    const words = [call.id, call.peer_in, call.peer_out, call.route, ...call.legs.flatMap((leg) => [leg.call_id, leg.remote])];
    kept.set(call, [...numbers, ...words.map((one) => String(one ?? '').toLowerCase())].join('\n'));
  }
  return kept.get(call);
}

export function isFound(call, query) {
  const plain = query.trim().toLowerCase();
  return haystack(call).includes(plain) || haystack(call).includes(digits(plain) || plain);
}

const COLUMNS = [
  { name: 'State', width: '84px', phone: 2, text: (c) => word(c.state), tone: (c) => `pill ${TONES[c.state] ?? ''}` },
  { name: 'From', width: 'minmax(110px, 1.4fr)', phone: 1, text: (c) => user(c.from), title: (c) => uri(c.from) },
  { name: 'Called', width: 'minmax(110px, 1.4fr)', phone: 3, say: 'to', text: (c) => text(c.called_in), title: (c) => uri(c.to) },
  { name: 'Length', width: '72px', align: 'end', phone: 4, text: (c) => length(c.duration_ms), value: (c) => c.duration_ms ?? 0 },
  { name: 'Peer in', text: (c) => text(c.peer_in) },
  { name: 'Peer out', text: (c) => text(c.peer_out) },
  { name: 'Route', text: (c) => text(c.route) },
  { name: 'Codec', width: '84px', text: (c) => text(c.media[0]?.codec) },
  { name: 'Since', width: '90px', align: 'end', text: (c) => time(c.start), value: (c) => c.start ?? '', title: (c) => utc(c.start) },
  { name: 'End', width: '86px', align: 'end', act: { label: () => 'Hang up', run: (c) => hangUp(c) } },
];

export function calls() {
  const trouble = make('p', { class: 'trouble', role: 'alert' });
  const told = make('span', { class: 'faint', role: 'status' });
  const search = make('input', {
    type: 'search', 'aria-label': 'Search by number', title: 'Number, peer, route, address or Call-ID', autocomplete: 'off',
    spellcheck: 'false', autocapitalize: 'none', inputmode: 'search', maxlength: '128',
  });
  const ended = button('', () => {
    location.hash = `#/calls/${encodeURIComponent(search.value.trim())}`;
  }, { class: 'link', hidden: true });
  let active = 0;
  let isMore = false;
  let refreshing = null; // the signal of the view while it is shown
  let soon = 0;
  const table = new LiveTable({
    label: 'Calls that are up',
    columns: COLUMNS,
    key: (call) => call.id,
    open: (call) => {
      location.hash = `#/calls/${encodeURIComponent(call.id)}`;
    },
    empty: () => (search.value.trim() ? 'No call that is up has that.' : 'No call is up.'),
  });

  function tellCount() {
    const query = search.value.trim();
    const shown = table.rows.length;
    setText(told, query ? `${count(shown)} of ${count(active)}${isMore ? ', and more' : ''}` : `${count(active)} up${isMore ? `, the oldest ${count(shown)} shown` : ''}`);
    ended.hidden = !query || shown !== 0;
    setText(ended, `Look for ${query.slice(0, 60)} among calls that ended lately`);
  }
  function filter() {
    const query = search.value.trim();
    table.show(query ? (call) => isFound(call, query) : null);
    tellCount();
    clearTimeout(soon);
    soon = setTimeout(() => refreshing && refresh(refreshing), TYPING_MS);
  }
  async function refresh(signal) {
    refreshing = signal;
    const query = search.value.trim();
    try {
      const page = await askAll('/api/v1/calls', 'calls', { most: MOST, signal, query: query ? { search: query } : {} });
      if (query !== search.value.trim()) return; // another answer is on its way
      active = page.active;
      isMore = page.next !== null;
      table.set(page.calls);
      replace(trouble);
      tellCount();
    } catch (error) {
      if (!signal.aborted) replace(trouble, error.message);
    }
  }
  search.addEventListener('input', filter);
  search.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && table.rows.length === 1) table.open(table.rows[0]);
    else if (event.key === 'Enter' && !ended.hidden) ended.click();
    else if (event.key === 'ArrowDown') table.body.focus();
  });

  let stop;
  return {
    element: make('div', { class: 'view list' },
      make('div', { class: 'bar' }, make('h1', {}, 'Calls'), told,
        make('label', { class: 'search' }, make('span', {}, 'Number'), search)),
      trouble, ended, table.element),
    title: 'Calls',
    focus: search,
    start() {
      stop = repeat(refresh);
    },
    stop() {
      stop();
      refreshing = null;
      clearTimeout(soon);
      table.close();
    },
  };
}
