// overview.js — how the node is: figures, alarms, and graphs of calls, packets and drops.
import { ask } from './api.js';
import { CLASSES, LineChart, dropsOf, packetsOf, rates } from './charts.js';
import { make, onceAFrame, replaceIfOther, setText } from './dom.js';
import { compact, count, fixed, percent, span, time, utc, word } from './format.js';
import { latest, live, repeat, samples } from './live.js';
import { nodeActs } from './node.js';

const LINES_MOST = 8; // of one graph
const isFull = (used, room) => room > 0 && used / room >= 0.85;

// name, what it says, what stands below, whether it is worth a look, where it leads
const TILES = [
  ['Calls', (s) => count(s.calls.active), (s) => `of ${count(s.calls.capacity)}`,
    (s) => isFull(s.calls.active, s.calls.capacity), '#/calls'],
  ['Registrations', (s) => count(s.registrations.active), (s) => `of ${count(s.registrations.capacity)}`,
    (s) => isFull(s.registrations.active, s.registrations.capacity), '#/registrations'],
  ['Media streams', (s) => count(s.media.streams.active), (s) => `${count(s.media.streams.secured)} secured`, () => false],
  ['Quality', (s) => fixed(s.media.quality?.mos, 2),
    ({ media: { quality } }) => (quality?.directions
      ? `MOS; ${percent(quality.lost_ratio)} lost, ${fixed(quality.jitter_ms, 1)} ms jitter` : 'no call with media has ended'),
    (s) => (s.media.quality?.mos ?? 5) < 3.1],
  ['Detections', (s) => count(s.detections?.total), () => 'since the start', () => false, '#/detections'],
  ['Blocked', (s) => count(s.blocked?.prefixes), (s) => `prefixes of ${compact(s.blocked?.capacity)}`,
    (s) => isFull(s.blocked?.prefixes, s.blocked?.capacity), '#/blocked'],
  ['Busy', (s) => percent(Math.max(0, ...s.lcores.map((one) => one.busy_ratio))),
    (s) => (s.lcores.length === 1 ? 'the lcore' : `busiest of ${count(s.lcores.length)} lcores`), (s) => s.lcores.some((one) => one.busy_ratio >= 0.9)],
  ['Running', (s) => span(s.uptime_s), (s) => `version ${s.version}`, () => false],
];

function makeTile([name, value, below, , href]) {
  const big = make('b', {});
  const small = make('span', { class: 'faint' });
  const node = make(href ? 'a' : 'div', { class: 'card tile', href }, make('span', { class: 'name' }, name), big, small);
  return { node, big, small, value, below };
}

function portRow(port) {
  const packets = (group) => CLASSES.reduce((all, name) => all + (group[name]?.packets ?? 0), 0);
  return make('tr', {}, make('th', { scope: 'row' }, port.name),
    make('td', {}, make('span', { class: port.link === 'up' ? 'good' : 'bad' }, port.link)),
    make('td', { class: 'end' }, count(packets(port.received))), make('td', { class: 'end' }, count(packets(port.sent))),
    make('td', { class: 'end' }, count(port.dropped.total)));
}

const alarmItem = (alarm) => make('li', {},
  make('span', { class: `pill ${alarm.severity === 'critical' || alarm.severity === 'major' ? 'bad' : 'warn'}` }, alarm.severity),
  make('b', {}, word(alarm.name)), alarm.subject && make('span', {}, alarm.subject),
  make('span', {}, alarm.detail || alarm.meaning),
  make('time', { class: 'faint', datetime: alarm.since, title: utc(alarm.since) }, `since ${time(alarm.since)}`));

// The reasons that grew most in what is shown; the others are one line.
function dropLines(seen) {
  const last = dropsOf(seen.at(-1));
  const first = dropsOf(seen[0]);
  const grown = Object.keys(last).map((name) => [name, last[name] - (first[name] ?? 0)]).filter(([, n]) => n > 0);
  grown.sort((a, b) => b[1] - a[1]);
  const named = grown.slice(0, LINES_MOST - 1).map(([name]) => name).sort();
  const lines = named.map((name) => ({ name: word(name), values: rates(seen, (sample) => dropsOf(sample)[name]) }));
  const others = grown.slice(LINES_MOST - 1).map(([name]) => name);
  const all = (sample) => others.reduce((total, name) => total + (dropsOf(sample)[name] ?? 0), 0);
  if (others.length) lines.push({ name: 'others', values: rates(seen, all) });
  return lines;
}

export function overview() {
  const tiles = TILES.map(makeTile);
  const alarms = make('ul', { class: 'alarms' });
  const ports = make('tbody', {});
  const calls = new LineChart('Calls', 'up');
  const packets = new LineChart('Packets', 'a second');
  const drops = new LineChart('Drops', 'packets a second, by reason');
  const charts = [calls, packets, drops];

  const show = onceAFrame(() => {
    const stats = latest();
    if (!stats || document.hidden) return;
    tiles.forEach((tile, i) => {
      setText(tile.big, tile.value(stats));
      setText(tile.small, tile.below(stats));
      tile.node.classList.toggle('warn', Boolean(TILES[i][3](stats)));
    });
    replaceIfOther(ports, stats.ports ?? [], () => (stats.ports ?? []).map(portRow));
    if (samples.length < 2) return; // one alone is no line
    const times = samples.map((sample) => Date.parse(sample.at) / 1000);
    calls.set(times, [{ name: 'calls', values: samples.map((sample) => sample.calls.active) }]);
    packets.set(times, (stats.ports ?? []).slice(0, LINES_MOST / 2).flatMap(({ name }) => [
      { name: `${name} in`, values: rates(samples, (sample) => packetsOf(sample, name, 'received')) },
      { name: `${name} out`, values: rates(samples, (sample) => packetsOf(sample, name, 'sent')) }]));
    drops.set(times, dropLines(samples));
  });

  const acts = nodeActs(() => showAlarms());
  async function showAlarms(signal) {
    try {
      const { alarms: up } = await ask('/api/v1/alarms', { signal });
      acts.isUnconfirmed(up.some((alarm) => alarm.name === 'config_unconfirmed'));
      replaceIfOther(alarms, up, () => (up.length ? up.map(alarmItem) : make('li', { class: 'faint' }, 'No alarm is up.')));
    } catch (error) {
      if (!signal?.aborted) replaceIfOther(alarms, error.message, () => make('li', { class: 'trouble' }, error.message));
    }
  }

  const element = make('div', { class: 'view overview' },
    make('div', { class: 'bar' }, make('h1', {}, 'Overview'), acts.element),
    make('div', { class: 'tiles' }, tiles.map((tile) => tile.node)),
    make('section', { class: 'card' }, make('h3', {}, 'Alarms'), alarms),
    make('div', { class: 'charts' }, charts.map((chart) => chart.element)),
    make('section', { class: 'card scroll' }, make('h3', {}, 'Ports'),
      make('table', {}, make('thead', {}, make('tr', {}, ['Port', 'Link', 'Received', 'Sent', 'Dropped'].map((name, i) =>
        make('th', { scope: 'col', class: i > 1 ? 'end' : '' }, name)))), ports)));

  let stop;
  return {
    element,
    title: 'Overview',
    start() {
      live.addEventListener('stats', show);
      document.addEventListener('visibilitychange', show);
      const onAlarm = () => showAlarms();
      live.addEventListener('alarm', onAlarm);
      const stopAsking = repeat(showAlarms, 10000);
      show();
      stop = () => {
        live.removeEventListener('stats', show);
        live.removeEventListener('alarm', onAlarm);
        document.removeEventListener('visibilitychange', show);
        stopAsking();
        charts.forEach((chart) => chart.close());
        acts.close();
      };
    },
    stop: () => stop(),
  };
}
