// live.js — what comes by itself: server-sent events (WHATWG HTML §9.2) read with fetch, because only that can
// carry a token; where they can't be had, the counters are asked for every two seconds.
import { ask, send } from './api.js';

const AGAIN_MS = 2000;
const EVENTS_AGAIN_MS = 30000; // while there are none, that often they are looked for
const SILENCE_MS = 6000; // counters come every second; after that long the line is dead
const HIDDEN_MS = 60000; // a page that nobody sees for that long lets its stream go: a browser has few, a node too
const SAMPLES = 900; // a quarter of an hour

// Tells `stats`, `detection`, `alarm` (each with what came as detail) and `line` (how it goes).
export const live = new EventTarget();
export const samples = []; // of the counters, the oldest first
export const line = { state: 'connecting', why: '' };

const tell = (name, detail) => live.dispatchEvent(new CustomEvent(name, { detail }));
export const latest = () => samples.at(-1) ?? null;
let hiddenSince = document.hidden ? Date.now() : 0;
document.addEventListener('visibilitychange', () => {
  hiddenSince = document.hidden ? Date.now() : 0;
});
const isForgotten = () => hiddenSince !== 0 && Date.now() - hiddenSince > HIDDEN_MS;
const untilSeen = () => new Promise((done) => {
  if (document.hidden) document.addEventListener('visibilitychange', done, { once: true });
  else done();
});
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function setLine(state, why = '') {
  if (line.state === state && line.why === why) return;
  Object.assign(line, { state, why });
  tell('line');
}

function takeStats(stats) {
  const last = latest();
  // A restart begins to count anew: what was before belongs to another run.
  if (last && last.started !== stats.started) samples.length = 0;
  if (last && last.at === stats.at) return;
  samples.push(stats);
  if (samples.length > SAMPLES) samples.splice(0, samples.length - SAMPLES);
  tell('stats', stats);
}

function takeEvent(name, data) {
  const value = JSON.parse(data);
  if (name === 'stats') takeStats(value);
  else if (name === 'detection' || name === 'alarm') tell(name, value);
}

// Octets of the stream come in pieces of any size; an event ends with an empty line.
export class EventReader {
  constructor(take) {
    this.take = take;
    this.rest = '';
    this.name = '';
    this.data = [];
  }

  read(text) {
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop();
    for (const one of lines) this.line(one);
  }

  line(one) {
    if (one === '') {
      if (this.data.length) this.take(this.name || 'message', this.data.join('\n'));
      this.name = '';
      this.data = [];
      return;
    }
    const colon = one.indexOf(':');
    if (colon === 0) return; // a comment
    const field = colon < 0 ? one : one.slice(0, colon);
    const value = colon < 0 ? '' : one.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.name = value;
    else if (field === 'data') this.data.push(value);
  }
}

async function followEvents() {
  const cancel = new AbortController();
  let watch = setTimeout(() => cancel.abort(), SILENCE_MS * 5); // the user may have to type a token first
  try {
    const response = await send('/api/v1/events', { signal: cancel.signal });
    if (!(response.headers.get('Content-Type') ?? '').startsWith('text/event-stream'))
      throw new Error('The node sends no events.');
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const events = new EventReader(takeEvent);
    for (;;) {
      clearTimeout(watch);
      watch = setTimeout(() => cancel.abort(), SILENCE_MS);
      const { value, done } = await reader.read();
      if (done || isForgotten()) return;
      setLine('live');
      events.read(value);
    }
  } finally {
    clearTimeout(watch);
    cancel.abort();
  }
}

// Whether nobody answers, or whoever answers wants a token first.
const stateFor = (error) => (error.status === 401 || error.status === 403 ? 'shut' : 'lost');

async function followByAsking(until) {
  while (Date.now() < until && !isForgotten()) {
    try {
      takeStats(await ask('/api/v1/stats'));
      setLine('asking');
    } catch (error) {
      setLine(stateFor(error), error.message);
    }
    await pause(AGAIN_MS);
  }
}

export async function follow() {
  for (;;) {
    if (isForgotten()) await untilSeen();
    try {
      await followEvents();
      await pause(AGAIN_MS);
    } catch (error) {
      setLine(stateFor(error), error.message);
      if (error.status !== undefined) await followByAsking(Date.now() + EVENTS_AGAIN_MS);
      else await pause(AGAIN_MS);
    }
  }
}

// Does `work` again and again while the page is seen: every `ms`, but never more than a tenth of the time.
// The function it gives stops it.
export function repeat(work, ms = AGAIN_MS) {
  const cancel = new AbortController();
  let timer = 0;
  const turn = async () => {
    let took = 0;
    if (!document.hidden) {
      const begun = performance.now();
      await work(cancel.signal);
      took = performance.now() - begun;
    }
    if (!cancel.signal.aborted) timer = setTimeout(turn, Math.max(ms, took * 10));
  };
  turn();
  return () => {
    cancel.abort();
    clearTimeout(timer);
  };
}
