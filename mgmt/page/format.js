// format.js — numbers, times and names as people read them.

export const DASH = '–';
const grouped = new Intl.NumberFormat('en', { useGrouping: true });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);

export const count = (value) => (isNumber(value) ? grouped.format(value) : DASH);
export const compact = (value) => (isNumber(value) ? short.format(value) : DASH);
export const fixed = (value, digits) => (isNumber(value) ? value.toFixed(digits) : DASH);
export const percent = (ratio) => (isNumber(ratio) ? `${(ratio * 100).toFixed(ratio < 0.1 ? 2 : 1)} %` : DASH);
export const text = (value) => (value === null || value === undefined || value === '' ? DASH : String(value));

const two = (value) => String(value).padStart(2, '0');

// 75000 as 1:15, from an hour on 1:00:00.
export function length(milliseconds) {
  if (!isNumber(milliseconds)) return DASH;
  const seconds = Math.floor(milliseconds / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes}:${two(seconds % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

// Days and hours of what lasts long.
export function span(seconds) {
  if (!isNumber(seconds)) return DASH;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor(seconds / 3600) % 24} h`;
}

// Local time of day, with the date when that is another day's.
export function time(iso, milliseconds = false) {
  const at = new Date(iso ?? NaN);
  if (Number.isNaN(at.getTime())) return DASH;
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const full = milliseconds ? `${clock}.${String(at.getMilliseconds()).padStart(3, '0')}` : clock;
  return at.toDateString() === new Date().toDateString() ? full : `${day} ${full}`;
}

// What stands behind a time: the same in UTC.
export const utc = (iso) => (iso ? `${iso.replace('T', ' ').replace('Z', '')} UTC` : '');

// "sip:+49301234@198.18.1.2;user=phone" as "+49301234@198.18.1.2".
export function uri(value) {
  if (!value) return DASH;
  return String(value).replace(/^(?:sips?|tel):/i, '').split(';')[0];
}

// The part before the @, where there is one.
export function user(value) {
  if (!value) return DASH;
  const plain = uri(value);
  const at = plain.lastIndexOf('@');
  return at > 0 ? plain.slice(0, at) : plain;
}

const WORDS = { set_aside: 'set aside', no_answer: 'no answer' };
export const word = (value) => text(WORDS[value] ?? String(value ?? '').replaceAll('_', ' '));
