// registrations.js — phones that are registered, searched by name, address or kind of phone.
import { askAll } from './api.js';
import { make, replace, setText } from './dom.js';
import { count, span, text, time, uri, utc } from './format.js';
import { repeat } from './live.js';
import { LiveTable } from './table.js';

const MOST = 10000;
const keyOf = (one) => `${one.registrar} ${one.aor} ${one.contact} ${one.remote}`;

const COLUMNS = [
  { name: 'Phone', width: 'minmax(120px, 1.6fr)', phone: 1, text: (r) => uri(r.aor), title: (r) => r.aor },
  { name: 'Expires in', width: '96px', align: 'end', phone: 2, say: 'for', text: (r) => span(r.expires_in_s), value: (r) => r.expires_in_s, title: (r) => utc(r.expires) },
  { name: 'From', width: 'minmax(120px, 1.2fr)', phone: 3, text: (r) => text(r.remote) },
  { name: 'Transport', width: '84px', align: 'end', phone: 4, text: (r) => text(r.transport) },
  { name: 'NAT', width: '56px', text: (r) => (r.nat ? 'yes' : 'no') },
  { name: 'Registrar', text: (r) => text(r.registrar) },
  { name: 'Contact', width: 'minmax(0, 1.4fr)', text: (r) => uri(r.contact), title: (r) => r.contact },
  { name: 'User agent', width: 'minmax(0, 1.2fr)', text: (r) => text(r.user_agent), title: (r) => r.user_agent ?? '' },
  { name: 'Since', width: '90px', align: 'end', text: (r) => time(r.since), value: (r) => r.since ?? '', title: (r) => utc(r.since) },
];

export function registrations() {
  const trouble = make('p', { class: 'trouble', role: 'alert' });
  const told = make('span', { class: 'faint', role: 'status' });
  const search = make('input', { type: 'search', 'aria-label': 'Search registrations', autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none' });
  const table = new LiveTable({
    label: 'Registrations',
    columns: COLUMNS,
    key: keyOf,
    empty: () => (search.value.trim() ? 'No phone that is registered has that.' : 'No phone is registered.'),
  });
  let active = 0;
  const tell = () => setText(told, `${count(table.rows.length)} of ${count(active)}`);
  search.addEventListener('input', () => {
    const query = search.value.trim().toLowerCase();
    const has = (one) => [one.aor, one.contact, one.remote, one.user_agent, one.registrar].some((value) =>
      String(value ?? '').toLowerCase().includes(query));
    table.show(query ? has : null);
    tell();
  });
  let stop;
  return {
    element: make('div', { class: 'view list' }, make('div', { class: 'bar' }, make('h1', {}, 'Registrations'), told,
      make('label', { class: 'search' }, make('span', {}, 'Search'), search)), trouble, table.element),
    title: 'Registrations',
    focus: search,
    start() {
      stop = repeat(async (signal) => {
        try {
          const page = await askAll('/api/v1/registrations', 'registrations', { most: MOST, signal });
          active = page.active;
          table.set(page.registrations);
          tell();
          replace(trouble);
        } catch (error) {
          if (!signal.aborted) replace(trouble, error.message);
        }
      }, 5000);
    },
    stop() {
      stop();
      table.close();
    },
  };
}
