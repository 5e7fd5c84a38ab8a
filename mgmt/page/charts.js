// charts.js — graphs of the last minutes, drawn by uPlot: lines over time with what they say now beside them.
import { compact } from './format.js';
import { make, replace, setText } from './dom.js';

/* global uPlot */
const HEIGHT = 180;
const SPAN_LEAST = 60; // seconds
const COLOURS = 8;
const STEPS = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((one) => one * 10 ** power)).flat();
const dark = matchMedia('(prefers-color-scheme: dark)');

// A colour of the style sheet as the canvas takes it.
function tone(name) {
  const probe = make('i', {});
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
const thin = (colour) => colour.replace(/^rgb\((.*)\)$/, 'rgba($1, 0.13)');

// A graph whose lines may come and go. set(times, lines): lines are [{name, values}] with as many values as times.
export class LineChart {
  constructor(title, unit) {
    this.unit = unit;
    this.names = null;
    this.plot = null;
    this.box = make('div', { class: 'plot', role: 'img', 'aria-label': title });
    this.legend = make('ul', { class: 'legend' });
    this.element = make('section', { class: 'card chart' },
      make('h3', {}, title, make('span', { class: 'faint' }, ` ${unit}`)), this.box, this.legend);
    this.sizes = new ResizeObserver(() => this.plot?.setSize(this.size()));
    this.sizes.observe(this.box);
    this.onTheme = () => {
      this.names = null; // other colours: made anew with the next values
    };
    dark.addEventListener('change', this.onTheme);
    document.addEventListener('theme', this.onTheme);
  }

  close() {
    this.sizes.disconnect();
    dark.removeEventListener('change', this.onTheme);
    document.removeEventListener('theme', this.onTheme);
    this.plot?.destroy();
  }

  size() {
    return { width: Math.max(200, this.box.clientWidth), height: HEIGHT };
  }

  set(times, lines) {
    const names = lines.map((one) => one.name).join('\n');
    if (names !== this.names) this.build(lines, names);
    this.plot.setData([times, ...lines.map((one) => one.values)]);
    lines.forEach((one, i) => setText(this.latest[i], compact(one.values.at(-1))));
  }

  build(lines, names) {
    this.names = names;
    this.plot?.destroy();
    const axis = { stroke: tone('--faint'), grid: { stroke: tone('--line'), width: 1 }, ticks: { show: false } };
    const font = '11px system-ui, sans-serif';
    this.plot = new uPlot({
      ...this.size(),
      legend: { show: false },
      cursor: { y: false, points: { size: 6 } },
      scales: { x: { range: (_, first, last) => [Math.min(first ?? 0, (last ?? 0) - SPAN_LEAST), last ?? 0] },
        y: { range: (_, low, high) => [0, Math.max(1, (high ?? 0) * 1.1)] } },
      axes: [{ ...axis, font, size: 28, space: 70, values: (_, ticks) => ticks.map(clock) },
        { ...axis, font, size: 44, incrs: STEPS, values: (_, ticks) => ticks.map((one) => compact(one)) }],
      series: [{}, ...lines.map((one, i) => ({
        label: one.name, stroke: tone(`--series${i % COLOURS}`), width: 1.5, points: { show: false },
        fill: lines.length === 1 ? thin(tone('--series0')) : undefined,
      }))],
    }, [[], ...lines.map(() => [])], this.box);
    this.latest = lines.map(() => make('b', {}));
    replace(this.legend, lines.map((one, i) =>
      make('li', {}, make('i', { class: `series${i % COLOURS}` }), one.name, this.latest[i])));
    if (!lines.length) replace(this.legend, make('li', { class: 'faint' }, 'nothing yet'));
  }
}

// Local time of day.
function clock(seconds) {
  return new Date(seconds * 1000).toTimeString().slice(0, 8);
}

const sum = (group, field, classes) => classes.reduce((all, name) => all + (group[name]?.[field] ?? 0), 0);
export const CLASSES = ['media', 'signalling', 'exception', 'unclassified'];

// Of a counter, how much it grew a second between neighbouring samples. count(sample) may be undefined.
export function rates(samples, count) {
  return samples.map((sample, i) => {
    if (i === 0) return null;
    const seconds = (Date.parse(sample.at) - Date.parse(samples[i - 1].at)) / 1000;
    const grown = (count(sample) ?? 0) - (count(samples[i - 1]) ?? 0);
    return seconds > 0 ? Math.max(0, grown) / seconds : null;
  });
}

export const packetsOf = (sample, port, direction) => {
  const found = sample.ports?.find((one) => one.name === port);
  return found && sum(found[direction], 'packets', CLASSES);
};

// {reason: packets} of everything that was dropped: at the ports, by SIP, by the media relay.
export function dropsOf(sample) {
  const all = {};
  const add = (reasons) => {
    for (const [reason, packets] of Object.entries(reasons ?? {})) all[reason] = (all[reason] ?? 0) + packets;
  };
  for (const port of sample.ports ?? []) add(port.dropped?.reasons);
  for (const realm of sample.realms ?? []) add(realm.dropped);
  for (const realm of sample.media?.realms ?? []) add(realm.dropped);
  return all;
}
