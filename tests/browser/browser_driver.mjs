// browser_driver.mjs — a Chromium that a test leads: one JSON line in for each thing to do, one out when it is done.
//
// Every wait is for a condition, with a deadline. Whatever the page says on its console, throws, loads from elsewhere or
// shows as an alert is kept until it is asked for (`trouble`).
import { readFile } from 'node:fs/promises';
import readline from 'node:readline';
import { chromium } from 'playwright-core';

const WAIT_MS = 20000;
const BASE = process.env.SALLYPORT_PAGE ?? 'http://127.0.0.1:8080';

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
});
let context = null;
let page = null;
let trouble = [];
let asked = [];

function listen() {
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) trouble.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on('pageerror', (error) => trouble.push(`thrown: ${error.message}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${BASE}/`)) trouble.push(`elsewhere: ${request.url()}`);
  });
  page.on('dialog', (dialog) => {
    trouble.push(`alert: ${dialog.message()}`);
    dialog.dismiss().catch(() => {});
  });
}

function found({ selector, text }) {
  const all = page.locator(selector);
  return (text === undefined ? all : all.filter({ hasText: text })).first();
}

// How long the frames took while the page lived and was scrolled, and the tasks that kept it from drawing.
async function frames({ seconds, scroll }) {
  return page.evaluate(async ([length, selector]) => {
    const gaps = [];
    const tasks = [];
    const watch = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((one) => one.duration)));
    watch.observe({ type: 'longtask' });
    const box = selector && document.querySelector(selector);
    const begun = performance.now();
    let last = begun;
    let down = true;
    await new Promise((done) => {
      const turn = (now) => {
        gaps.push(now - last);
        last = now;
        if (box) {
          const before = box.scrollTop;
          box.scrollTop += down ? 40 : -40;
          if (box.scrollTop === before) down = !down;
        }
        if (now - begun < length * 1000) requestAnimationFrame(turn);
        else done();
      };
      requestAnimationFrame(turn);
    });
    watch.disconnect();
    gaps.shift();
    gaps.sort((a, b) => a - b);
    const at = (part) => gaps[Math.min(gaps.length - 1, Math.floor(gaps.length * part))];
    return { frames: gaps.length, median: at(0.5), p95: at(0.95), p99: at(0.99), longest: gaps.at(-1), tasks: tasks.length,
      longest_task: Math.max(0, ...tasks) };
  }, [seconds, scroll]);
}

const DOES = {
  // A page of its own, with nothing kept from before.
  async open({ path = '/', width = 1280, height = 800, scheme = 'light', phone = false }) {
    await context?.close();
    trouble = [];
    context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, isMobile: phone, hasTouch: phone });
    context.setDefaultTimeout(WAIT_MS);
    page = await context.newPage();
    listen();
    await page.goto(BASE + path);
  },
  async reload() {
    await page.reload();
  },
  async go({ path }) {
    await page.goto(BASE + path);
  },
  see: (what) => found(what).waitFor({ state: 'visible', timeout: what.ms ?? WAIT_MS }),
  gone: (what) => found(what).waitFor({ state: 'hidden', timeout: what.ms ?? WAIT_MS }),
  // From now on that path answers so, whatever the node would say.
  async answer({ path, status }) {
    await context.route(`**${path}`, (route) => route.fulfill({ status, contentType: 'application/problem+json', body: '{"detail":"by the test"}' }));
  },
  click: (what) => found(what).click(),
  fill: ({ selector, value }) => page.locator(selector).first().fill(value),
  async choose({ selector, value }) {
    await page.locator(selector).first().selectOption(value);
  },
  // Presses what makes the browser write a file; its name and octets.
  async download({ selector, text, ms = WAIT_MS }) {
    const [file] = await Promise.all([page.waitForEvent('download', { timeout: ms }), found({ selector, text }).click()]);
    return { name: file.suggestedFilename(), octets: (await readFile(await file.path())).toString('base64') };
  },
  // From now on requests to that path are kept until they are asked for (`asked`).
  note({ path }) {
    asked = [];
    page.on('request', (request) => {
      if (new URL(request.url()).pathname === path) asked.push(request.url());
    });
  },
  asked: () => asked,
  press: ({ key }) => page.keyboard.press(key),
  text: (what) => found(what).innerText(),
  texts: ({ selector }) => page.locator(selector).evaluateAll((nodes) => nodes.map((node) => node.innerText ?? node.textContent)),
  count: ({ selector }) => page.locator(selector).count(),
  isShut: (what) => found(what).isDisabled(),
  attribute: ({ selector, name }) => page.locator(selector).first().getAttribute(name),
  title: () => page.title(),
  kept: () => page.evaluate(() => ({ session: { ...sessionStorage }, local: { ...localStorage }, cookie: document.cookie })),
  colour: ({ selector, property }) => page.locator(selector).first().evaluate((node, name) =>
    getComputedStyle(node).getPropertyValue(name), property),
  // How far it reaches beyond the right edge of the window.
  overflow: () => page.evaluate(() => Math.max(document.documentElement.scrollWidth, document.getElementById('main').scrollWidth) -
    document.documentElement.clientWidth),
  // Whether strings may become markup.
  markup: () => page.evaluate(() => {
    try {
      document.createElement('p')['inner' + 'HTML'] = '<b>x</b>';
      return 'allowed';
    } catch (error) {
      return error.name;
    }
  }),
  frames,
  shot: async ({ path }) => {
    await page.screenshot({ path });
  },
  trouble: () => trouble.splice(0),
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { does, ...what } = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await DOES[does](what)) ?? null };
  } catch (error) {
    answer = { error: error.message };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
