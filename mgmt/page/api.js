// api.js — asks the REST interface. The token is typed by the user and kept for this tab alone.
import { askToken } from './dialogs.js';

const KEY = 'sallyport.token';
let token = read();
let asking = null; // the dialog that is open: one for all requests that need a token
let declined = false; // the user closed it: only what the user does himself opens it again

function read() {
  try {
    return sessionStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}

export const tokens = new EventTarget(); // tells `changed`

export function setToken(value) {
  token = value.trim();
  declined = false;
  try {
    if (token) sessionStorage.setItem(KEY, token);
    else sessionStorage.removeItem(KEY);
  } catch {
    // kept in this page alone
  }
  tokens.dispatchEvent(new Event('changed'));
}

export const hasToken = () => token !== '';

// What the server said against it: RFC 9457.
export class Refusal extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

async function refusal(response) {
  let detail = `The answer was ${response.status}.`;
  try {
    const problem = await response.json();
    if (typeof problem.detail === 'string') detail = problem.detail;
    if (Array.isArray(problem.problems)) detail += ` ${problem.problems.join(' ')}`;
  } catch {
    // no problem details: the status has to do
  }
  return new Refusal(response.status, detail);
}

// A 403 without a challenge is of a node that knows no token at all: none would help. RFC 6750 §3
const wantsToken = (response) =>
  response.status === 401 || (response.status === 403 && response.headers.has('WWW-Authenticate'));

export async function tokenFromUser(why) {
  asking ??= askToken(why).finally(() => {
    asking = null;
  });
  const given = await asking;
  if (given === null) declined = true;
  else if (given !== token) setToken(given);
  return given !== null;
}

// options: method, body, signal; byUser: it may ask for a token even if one was declined before.
export async function send(path, options = {}) {
  const { method = 'GET', body, signal, byUser = method !== 'GET' } = options;
  for (;;) {
    const used = token;
    const headers = {};
    if (used) headers.Authorization = `Bearer ${used}`;
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    const response = await fetch(path, {
      method, headers, signal, cache: 'no-store', credentials: 'omit', redirect: 'error',
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (response.ok) return response;
    const why = await refusal(response);
    if (!wantsToken(response)) throw why;
    if (used !== token) continue; // another request has asked meanwhile
    if (declined && !byUser) throw why;
    if (!(await tokenFromUser(why.message))) throw why;
  }
}

export const ask = async (path, options) => (await send(path, options)).json();

// All pages of a list, at most `most` members of it. next: there is more. query: what is asked besides.
export async function askAll(path, member, { most = 10000, query: asked = {}, ...options } = {}) {
  const members = [];
  let cursor = null;
  let page;
  do {
    const query = new URLSearchParams({ ...asked, limit: String(Math.min(1000, most - members.length)) });
    if (cursor !== null) query.set('cursor', cursor);
    page = await ask(`${path}?${query}`, options);
    members.push(...page[member]);
    cursor = page.next;
  } while (cursor !== null && members.length < most);
  return { ...page, [member]: members };
}
