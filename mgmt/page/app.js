// app.js — the frame around the views: which one the address names (#/calls/ID), the line to the node, the keys.
import { hasToken, setToken, tokenFromUser } from './api.js';
import { blocked } from './blocked.js';
import { call } from './call.js';
import { calls } from './calls.js';
import { detections, source } from './detections.js';
import { make, replace, setText } from './dom.js';
import { count } from './format.js';
import { icon, logo } from './icons.js';
import { follow, latest, line, live } from './live.js';
import { overview } from './overview.js';
import { peer, peers } from './peers.js';
import { registrations } from './registrations.js';
import { user } from './roles.js';

// name -> [what it is called, all of them, one of them]
const VIEWS = {
  overview: ['Overview', overview],
  calls: ['Calls', calls, call],
  peers: ['Peers', peers, peer],
  registrations: ['Registrations', registrations],
  detections: ['Detections', detections],
  blocked: ['Blocked', blocked],
  sources: ['Detections', detections, source],
};
const TABS = ['overview', 'calls', 'peers', 'registrations', 'detections', 'blocked'];
const THEMES = { '': 'light', light: 'dark', dark: '' };

const main = document.getElementById('main');
let view = null;

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // no percent encoding: as it stands
  }
}

function go() {
  const [name, ...rest] = location.hash.replace(/^#\/?/, '').split('/');
  const one = rest.join('/');
  const key = Object.hasOwn(VIEWS, name) ? name : 'overview';
  const [, many, single] = VIEWS[key];
  view?.stop();
  view = one && single ? single(decoded(one)) : many();
  replace(main, view.element);
  view.start();
  main.scrollTop = 0;
  showTitle();
  for (const tab of tabs) {
    const isHere = tab.dataset.view === (key === 'sources' ? 'detections' : key);
    if (isHere) tab.setAttribute('aria-current', 'page');
    else tab.removeAttribute('aria-current');
  }
}

function showTitle() {
  const node = latest()?.node;
  document.title = [view?.title, node, 'Sallyport'].filter(Boolean).join(' · ');
}

const tabs = TABS.map((name) => {
  const link = make('a', { href: `#/${name}` }, icon(name), make('span', {}, VIEWS[name][0]), make('b', { class: 'badge' }));
  link.dataset.view = name;
  return link;
});
const badges = Object.fromEntries(tabs.map((tab) => [tab.dataset.view, tab.querySelector('.badge')]));
const nodeName = make('span', { class: 'node' });
const lineState = make('span', { class: 'pill line', role: 'status' }, 'connecting');
const alarmPill = make('a', { class: 'pill bad', href: '#/overview' });
alarmPill.hidden = true;

function switchTheme() {
  const next = THEMES[document.documentElement.dataset.theme ?? ''];
  if (next) document.documentElement.dataset.theme = next;
  else delete document.documentElement.dataset.theme;
  try {
    localStorage.setItem('sallyport.theme', next);
  } catch {
    // it holds until the page is loaded again
  }
  setText(themeWord, next || 'as the system');
  document.dispatchEvent(new Event('theme'));
}
const themeWord = make('span', { class: 'hidden', role: 'status' });

async function changeToken() {
  if (hasToken()) setToken('');
  await tokenFromUser('Another token takes the place of the one that was used until now.');
  go();
}

const keyButton = make('button', { type: 'button', class: 'plain', 'aria-label': 'Token', title: 'Another token', onclick: changeToken }, icon('key'));

const LINES = { live: ['live', 'good'], asking: ['every 2 s', 'warn'], lost: ['no answer', 'bad'], shut: ['no token', 'warn'], connecting: ['connecting', ''] };
function showLine() {
  const [words, tone] = LINES[line.state];
  const isDraining = line.state !== 'lost' && latest()?.is_draining;
  setText(lineState, isDraining ? 'draining' : words);
  lineState.className = `pill line ${isDraining ? 'warn' : tone}`;
  lineState.title = line.why;
}

function showStats() {
  const stats = latest();
  setText(nodeName, stats.node ?? '');
  setText(badges.calls, stats.calls.active ? count(stats.calls.active) : '');
  setText(badges.blocked, stats.blocked?.prefixes ? count(stats.blocked.prefixes) : '');
  const alarms = stats.alarms?.active ?? 0;
  alarmPill.hidden = alarms === 0;
  alarmPill.className = `pill ${stats.alarms?.critical || stats.alarms?.major ? 'bad' : 'warn'}`;
  setText(alarmPill, alarms === 1 ? '1 alarm' : `${count(alarms)} alarms`);
  showLine();
  showTitle();
}

// 1 to 6 are the views, / is the search; not while something is typed.
function onKey(event) {
  const isTyped = event.target.closest('input, select, textarea, dialog');
  if (isTyped || event.ctrlKey || event.metaKey || event.altKey) return;
  const tab = TABS[Number(event.key) - 1];
  if (tab) location.hash = `#/${tab}`;
  else if (event.key === '/' && view?.focus) {
    event.preventDefault();
    view.focus.focus();
  }
}

document.getElementById('top').append(
  make('a', { class: 'brand', href: '#/overview', 'aria-label': 'Sallyport' }, logo(), make('b', {}, 'Sallyport')), nodeName,
  make('nav', { 'aria-label': 'Views' }, tabs),
  make('div', { class: 'state' }, alarmPill, lineState,
    make('button', { type: 'button', class: 'plain', 'aria-label': 'Light or dark', title: 'Light, dark, or as the system', onclick: switchTheme }, icon('theme')),
    keyButton, themeWord));
function showUser() {
  keyButton.title = user.role ? `${user.name ?? 'without a token'}: ${user.role}. Another token` : 'Another token';
}
user.addEventListener('changed', showUser);
live.addEventListener('stats', showStats);
live.addEventListener('line', showLine);
addEventListener('hashchange', go);
addEventListener('keydown', onKey);
go();
follow();
