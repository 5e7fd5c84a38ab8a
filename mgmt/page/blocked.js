// blocked.js — prefixes from which nothing is taken: who blocked them, why and how long; to block and to unblock.
import { ask, askAll } from './api.js';
import { confirmAction, note } from './dialogs.js';
import { button, make, replace, setText } from './dom.js';
import { compact, count, span, text, time, utc, word } from './format.js';
import { repeat } from './live.js';
import { LiveTable } from './table.js';

const MOST = 10000;
const TIMES = [['10m', '10 minutes'], ['1h', 'an hour'], ['24h', 'a day'], ['168h', 'a week'], ['', 'until it is unblocked']];

export const blockPrefix = (prefix = '') => confirmAction({
  title: 'Block a prefix?',
  text: 'Nothing is taken from it any more, on no port; calls of it lose their voice.',
  fields: [{ name: 'prefix', label: 'Address or prefix', value: prefix, required: true, hint: 'as 198.51.100.7 or 2001:db8:7::/48' },
    { name: 'for', label: 'For', value: '1h', choices: TIMES }, { name: 'reason', label: 'Why', hint: 'for whoever looks later' }],
  action: 'Block',
  run: async (given) => {
    const body = { prefix: given.prefix.trim() };
    if (given.for) body.for = given.for;
    if (given.reason.trim()) body.reason = given.reason.trim();
    const done = await ask('/api/v1/blocked', { method: 'POST', body });
    note([`${done.block.prefix} is blocked.`, ...done.warnings].join(' '));
  },
});

const unblock = (block) => confirmAction({
  title: 'Unblock this prefix?',
  text: `${block.prefix} may send again${block.reason ? `; it was blocked for: ${block.reason}` : ''}.`,
  action: 'Unblock',
  run: async () => {
    const done = await ask(`/api/v1/blocked?prefix=${encodeURIComponent(block.prefix)}`, { method: 'DELETE' });
    note([`${done.prefix} is no longer blocked.`, ...done.warnings].join(' '));
  },
});

export function blocked() {
  const trouble = make('p', { class: 'trouble', role: 'alert' });
  const told = make('span', { class: 'faint', role: 'status' });
  const search = make('input', { type: 'search', 'aria-label': 'Search blocked prefixes', autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none' });
  let running = null;
  const again = async (done) => {
    if ((await done) && running) refresh(running);
  };
  const columns = [
    { name: 'Prefix', width: 'minmax(130px, 1.4fr)', phone: 1, text: (b) => b.prefix },
    { name: 'Ends in', width: '110px', align: 'end', phone: 2, text: (b) => (b.until ? span(b.expires_in_s) : 'stays'), value: (b) => b.expires_in_s ?? Infinity, title: (b) => utc(b.until) },
    { name: 'By', width: '84px', text: (b) => word(b.origin), tone: () => 'pill' },
    { name: 'Why', width: 'minmax(0, 2fr)', phone: 3, text: (b) => text(b.reason), title: (b) => b.reason ?? '' },
    { name: 'Touches', width: '104px', text: (b) => word(b.touches) },
    { name: 'Dropped', width: '86px', align: 'end', text: (b) => count(b.hits), value: (b) => b.hits },
    { name: 'Last hit', width: '90px', align: 'end', text: (b) => time(b.last_hit), value: (b) => b.last_hit ?? '', title: (b) => utc(b.last_hit) },
    { name: 'Since', width: '90px', align: 'end', text: (b) => time(b.since), value: (b) => b.since, title: (b) => utc(b.since) },
    { name: 'End', width: '92px', align: 'end', phone: 4, act: { label: () => 'Unblock', run: (b) => again(unblock(b)) } },
  ];
  const table = new LiveTable({
    label: 'Blocked prefixes',
    columns,
    key: (one) => `${one.origin} ${one.prefix} ${one.since}`,
    open: (one) => {
      location.hash = `#/sources/${encodeURIComponent(one.prefix.replace(/\/(32|128)$/, ''))}`;
    },
    empty: () => (search.value.trim() ? 'No blocked prefix has that.' : 'Nothing is blocked.'),
  });
  search.addEventListener('input', () => {
    const query = search.value.trim().toLowerCase();
    table.show(query ? (one) => [one.prefix, one.reason, one.origin].some((value) => String(value ?? '').toLowerCase().includes(query)) : null);
  });
  async function refresh(signal) {
    try {
      const page = await askAll('/api/v1/blocked', 'blocked', { most: MOST, signal });
      table.set(page.blocked);
      setText(told, `${count(page.prefixes)} of ${compact(page.capacity)}${page.next === null ? '' : `, ${count(page.blocked.length)} shown`}`);
      replace(trouble);
    } catch (error) {
      if (!signal.aborted) replace(trouble, error.message);
    }
  }
  let stop;
  return {
    element: make('div', { class: 'view list' }, make('div', { class: 'bar' }, make('h1', {}, 'Blocked'), told,
      make('label', { class: 'search' }, make('span', {}, 'Search'), search),
      button('Block…', () => again(blockPrefix()), { class: 'danger' })), trouble, table.element),
    title: 'Blocked',
    focus: search,
    start() {
      stop = repeat((signal) => {
        running = signal;
        return refresh(signal);
      }, 5000);
    },
    stop() {
      stop();
      table.close();
    },
  };
}
