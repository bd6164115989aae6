// Walks every page that a customer sees, in a real browser, with script switched off, with the keyboard alone, on a
// screen of 320 pixels, in both languages. Each page is then looked at by axe-core. Merchant and signatures are made
// here, from the published rules alone.
//
// node walk.mjs <path of the gerbang executable>
import { spawn } from 'node:child_process';
import { createHash, randomUUID, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, watch } from 'node:fs';
import { createServer, request as ask } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe from 'axe-core';
import { chromium } from 'playwright-core';

const SCREEN = { width: 320, height: 640 };
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const READY_WITHIN_MS = 60_000;
const PAGES_PER_VISIT_MAX = 20;
const MOVE_WITHIN_MS = 20_000;
const TABS_MAX = 40;
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const MERCHANT_PAGE = '<!doctype html><html lang="en"><head><title>Shop</title></head><body>shop</body></html>';

const samples = new URL('../../crates/contract/samples/', import.meta.url);
const sample = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, samples), 'utf8'));

const faults = [];
const looked = new Map();
const fault = (where, what) => faults.push(`${where}: ${what}`);

/** Starts a sandbox in a folder of its own; resolves when it says that it is ready. */
async function startSandbox(program) {
  const folder = mkdtempSync(join(tmpdir(), 'gerbang-pages-'));
  const readyFile = join(folder, 'ready-to-walk.json');
  const child = spawn(
    program,
    ['sandbox', '--listen', '127.0.0.1:0', '--data-dir', join(folder, 'data'), '--ready-file', readyFile],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, GERBANG_LOG: process.env.GERBANG_LOG ?? 'warn' } },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += bytes));
  const read = () => {
    try {
      return JSON.parse(readFileSync(readyFile, 'utf8'));
    } catch {
      return undefined; // Not there, or not whole yet.
    }
  };
  const ready = await new Promise((resolve, reject) => {
    const watcher = watch(folder, () => look());
    const limit = setTimeout(() => end(() => reject(new Error(`the sandbox was not ready:\n${output}`))), READY_WITHIN_MS);
    const end = (then) => {
      watcher.close();
      clearTimeout(limit);
      then();
    };
    const look = () => {
      const ready = read();
      if (ready) end(() => resolve(ready));
    };
    child.once('exit', (code) => end(() => reject(new Error(`the sandbox ended with ${code}:\n${output}`))));
    look();
  });
  const stop = () =>
    new Promise((resolve) => {
      child.removeAllListeners('exit');
      child.once('exit', () => {
        rmSync(folder, { recursive: true, force: true });
        resolve();
      });
      child.kill('SIGTERM');
    });
  return { ready, stop, said: () => output };
}

const REFRESH = /<meta http-equiv="refresh"[^>]*>/i;

/** Stands between browser and pages and holds on to pages that go on by themselves: the walk takes their links instead. */
async function startProxy() {
  const proxy = createServer((incoming, answer) => {
    const { method, headers, url } = incoming;
    const onward = ask(url, { method, headers }, async (response) => {
      const pieces = [];
      for await (const piece of response) pieces.push(piece);
      let body = Buffer.concat(pieces);
      const kept = { ...response.headers };
      if (kept['content-type']?.includes('text/html')) {
        const html = body.toString();
        if (REFRESH.test(html)) kept['x-goes-on'] = 'yes';
        body = Buffer.from(html.replace(REFRESH, ''));
      }
      delete kept['transfer-encoding'];
      kept['content-length'] = body.length;
      answer.writeHead(response.statusCode, kept).end(body);
    });
    onward.on('error', (error) => answer.writeHead(502).end(String(error)));
    incoming.pipe(onward);
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return { server: `http://127.0.0.1:${proxy.address().port}`, close: () => proxy.close() };
}

/** A merchant's back office: signs and sends. */
class Merchant {
  constructor(ready) {
    this.ready = ready;
    this.key = readFileSync(ready.merchant.private_key_file);
  }

  async call(method, path, body) {
    const text = body === undefined ? '' : JSON.stringify(body);
    const hash = createHash('sha256').update(text).digest('hex');
    const time = `${new Date(Date.now() + 7 * 3_600_000).toISOString().slice(0, 19)}+07:00`;
    const signature = sign('RSA-SHA256', Buffer.from(`${method}:${path}:${hash}:${time}`), this.key).toString('base64');
    const response = await fetch(this.ready.base_url + path, {
      method,
      headers: {
        'Content-Type': 'application/json',
        'X-TIMESTAMP': time,
        'X-SIGNATURE': signature,
        'X-EXTERNAL-ID': randomUUID(),
        'X-PARTNER-ID': this.ready.merchant.partner_id,
        'CHANNEL-ID': 'ESPAY',
      },
      ...(body === undefined ? {} : { body: text }),
    });
    const reply = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(reply)}`);
    return reply;
  }

  async authCode(scopes, lang, returnTo) {
    const query = new URLSearchParams({
      redirectURL: returnTo,
      scopes,
      state: `state-${lang}`,
      merchantId: this.ready.merchant.partner_id,
      lang,
    });
    const reply = await this.call('GET', `/apidirectdebit/v1.0/get-auth-code?${query}`);
    return { code: reply.authCode, page: reply.additionalInfo.redirectUrl };
  }

  /** A payment without a linked account: the customer chooses on our page. */
  async checkout(rupiah, returnTo) {
    const body = sample('payment_host_to_host');
    body.partnerReferenceNo = `WALK${randomUUID().slice(0, 12)}`;
    body.merchantId = this.ready.merchant.partner_id;
    body.subMerchantId = this.ready.merchant.api_key;
    body.amount.value = `${rupiah}.00`;
    body.payOptionDetails.transAmount.value = `${rupiah}.00`;
    body.urlParam.url = returnTo;
    delete body.payOptionDetails.payOption;
    for (const name of ['bankCardToken', 'productCode', 'userPhone']) delete body.additionalInfo[name];
    delete body.validUpTo;
    return (await this.call('POST', '/apimerchant/v1.0/debit/payment-host-to-host', body)).webRedirectUrl;
  }

  async newAccount(phone) {
    const body = sample('account_creation');
    body.partnerReferenceNo = `WALK${randomUUID().slice(0, 12)}`;
    body.phoneNo = phone;
    return (await this.call('POST', '/apidirectdebit/v1.0/registration-account-creation', body)).additionalInfo.originalUrl;
  }
}

/** A page as axe-core sees it: the same bytes, in a context where axe may run. */
async function accessibility(inspector, page, where) {
  const html = await page.content();
  const url = page.url();
  await inspector.route(url, (route) => route.fulfill({ body: html, contentType: 'text/html; charset=utf-8' }));
  await inspector.goto(url);
  await inspector.unroute(url);
  await inspector.evaluate(axe.source);
  const result = await inspector.evaluate(
    (rules) => globalThis.axe.run(document, { runOnly: { type: 'tag', values: rules } }),
    RULES,
  );
  for (const violation of result.violations) {
    const nodes = violation.nodes.map((node) => node.html).join(' | ');
    fault(where, `axe ${violation.id} (${violation.impact}): ${violation.help}: ${nodes}`);
  }
  if (result.passes.length === 0) fault(where, 'axe found nothing to look at');
}

/** What must hold for every page. */
async function look(walk, page, response) {
  const facts = await page.evaluate(() => ({
    title: document.title,
    lang: document.documentElement.lang,
    width: document.documentElement.scrollWidth,
    headings: document.querySelectorAll('h1').length,
    scripts: document.querySelectorAll('script').length,
    handlers: [...document.querySelectorAll('*')].some((node) => [...node.attributes].some((a) => a.name.startsWith('on'))),
    unlabelled: [...document.querySelectorAll('input:not([type=hidden])')].filter((i) => i.labels.length === 0).length,
    links: document.querySelectorAll('a').length,
  }));
  const where = `${walk.name} [${walk.lang}] "${facts.title}"`;
  if (facts.lang !== walk.lang) fault(where, `is written in ${facts.lang}`);
  if (facts.width > SCREEN.width) fault(where, `is ${facts.width} pixels wide on a screen of ${SCREEN.width}`);
  if (facts.headings !== 1) fault(where, `has ${facts.headings} main headings`);
  if (facts.scripts > 0 || facts.handlers) fault(where, 'has script');
  if (facts.unlabelled > 0) fault(where, `has ${facts.unlabelled} fields without a label`);
  if (response?.headers()['x-goes-on'] && facts.links === 0) fault(where, 'goes on by itself and has no link for those who cannot wait');
  const policy = response?.headers()['content-security-policy'] ?? '';
  if (!policy.includes("default-src 'none'") || policy.includes('unsafe')) fault(where, `has the policy "${policy}"`);
  await accessibility(walk.inspector, page, where);
  looked.set(`${walk.lang} ${facts.title}`, (looked.get(`${walk.lang} ${facts.title}`) ?? 0) + 1);
}

/** Moves the focus with the Tab key until it is on what is wanted; what has it must be seen to have it. */
async function tabTo(page, selector) {
  for (let presses = 0; presses < TABS_MAX; presses += 1) {
    await page.keyboard.press('Tab');
    const state = await page.evaluate((wanted) => {
      const focused = document.activeElement;
      if (!focused?.matches(wanted)) return 'elsewhere';
      const style = getComputedStyle(focused);
      return style.outlineStyle !== 'none' || style.boxShadow !== 'none' ? 'there' : 'invisible';
    }, selector);
    if (state === 'there') return;
    if (state === 'invisible') throw new Error(`nobody sees that ${selector} has the focus on "${await page.title()}"`);
  }
  throw new Error(`the Tab key does not reach ${selector} on "${await page.title()}" (${page.url()})`);
}

async function fill(page, name, text) {
  await tabTo(page, `[name=${name}]`);
  await page.keyboard.press('Control+A');
  await page.keyboard.type(text);
}

async function choose(page, product) {
  await tabTo(page, 'input[type=radio]');
  await page.keyboard.press('Space');
  const count = await page.locator('input[type=radio]').count();
  for (let presses = 0; presses < count; presses += 1) {
    if ((await page.evaluate(() => document.querySelector('input:checked')?.value)) === product) return;
    await page.keyboard.press('ArrowDown');
  }
  throw new Error(`${product} is not offered on "${await page.title()}"`);
}

/** Fills in the form of a page, in the order of its fields; a field with several answers gets the next one each time. */
async function fillIn(walk, page) {
  const names = await page.evaluate(() => [
    ...new Set([...document.querySelector('form').querySelectorAll('input')].map((input) => input.name)),
  ]);
  for (const name of names) {
    const answer = walk.answers[name];
    if (answer === undefined) throw new Error(`"${await page.title()}" asks for ${name}`);
    const text = Array.isArray(answer) ? (answer.length > 1 ? answer.shift() : answer[0]) : answer;
    if (name === 'product') await choose(page, text);
    else await fill(page, name, text);
  }
}

/** Goes from page to page until the shop is reached or a page leads nowhere. */
async function visit(walk, start) {
  const page = await walk.context.newPage();
  let last;
  page.on('response', (response) => {
    if (response.request().isNavigationRequest() && response.status() < 300) last = response;
    if (response.request().isNavigationRequest() && response.status() >= 400) last = response;
  });
  const titles = [];
  try {
    await page.goto(start);
    for (let pages = 0; pages < PAGES_PER_VISIT_MAX; pages += 1) {
      if (page.url().startsWith(walk.shop)) return { url: new URL(page.url()), titles };
      // The protocol tells a wallet's payment page no language; its switch is for that.
      const elsewhere = !page.url().startsWith(ready.base_url);
      const other = `a[hreflang=${walk.lang}]`;
      if (elsewhere && (await page.evaluate((wanted) => document.querySelector(wanted) !== null, other))) {
        const switched = page.waitForNavigation({ timeout: MOVE_WITHIN_MS });
        switched.catch(() => undefined); // Reported where it is awaited.
        await tabTo(page, other);
        await page.keyboard.press('Enter');
        await switched;
      }
      await look(walk, page, last);
      titles.push(await page.title());
      const has = (selector) => page.evaluate((wanted) => document.querySelector(wanted) !== null, selector);
      const moved = page.waitForNavigation({ timeout: MOVE_WITHIN_MS });
      moved.catch(() => undefined); // Reported where it is awaited.
      if (walk.cancel && (await has(walk.cancel))) await tabTo(page, walk.cancel);
      else if (await has('form')) {
        await fillIn(walk, page);
        await tabTo(page, 'form button');
      } else if (await has('main a')) await tabTo(page, 'main a');
      else return { url: new URL(page.url()), titles };
      await page.keyboard.press('Enter');
      await moved;
      await page.waitForLoadState();
    }
    throw new Error(`${walk.name}: no end after ${PAGES_PER_VISIT_MAX} pages: ${titles.join(' > ')}`);
  } finally {
    await page.close();
  }
}

function expect(walk, holds, what) {
  if (!holds) fault(`${walk.name} [${walk.lang}]`, what);
}

const program = process.argv[2];
if (!program) throw new Error('usage: node walk.mjs <path of the gerbang executable>');
const shopServer = createServer((_, answer) => answer.writeHead(200, { 'content-type': 'text/html' }).end(MERCHANT_PAGE));
await new Promise((resolve) => shopServer.listen(0, '127.0.0.1', resolve));
const shop = `http://localhost:${shopServer.address().port}/`;
const { ready, stop, said } = await startSandbox(program);
const proxy = await startProxy();
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
const merchant = new Merchant(ready);
const { phone_no: phone, otp, pin } = ready.customer;
const password = 'Rahasia2024';

async function walks(lang) {
  const screen = { viewport: SCREEN, locale: lang === 'id' ? 'id-ID' : 'en-US' };
  const context = await browser.newContext({ ...screen, javaScriptEnabled: false, proxy: { server: proxy.server } });
  context.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol !== 'http:' || !['127.0.0.1', 'localhost'].includes(hostname)) fault(lang, `a page loads ${request.url()}`);
  });
  const inspecting = await browser.newContext({ ...screen, bypassCSP: true });
  const inspector = await inspecting.newPage();
  const walk = (name, answers, more = {}) => ({ name, lang, context, inspector, shop, answers, ...more });
  const linkable = [];

  const number = lang === 'id' ? '62821380000002' : '62821380000001';
  const opening = walk('create a PIN', { pin: ['135790', '135790'], pin_again: ['135791', '135790'], password, password_again: password });
  const opened = await visit(opening, `${await merchant.newAccount(number)}&lang=${lang}`);
  expect(opening, opened.titles.length >= 3, `saw only ${opened.titles.join(' > ')}`);

  // Which wallets the picker offers is what it shows.
  const first = await merchant.authCode('DEFAULT', lang, `${shop}linked`);
  const peek = await context.newPage();
  await peek.goto(first.page);
  linkable.push(...(await peek.evaluate(() => [...document.querySelectorAll('input[type=radio]')].map((i) => i.value))));
  await peek.close();
  if (linkable.length === 0) throw new Error('the picker offers no wallet');

  for (const product of linkable) {
    const way = walk(`link ${product}`, { product, phone, otp, pin });
    const { page, code } = await merchant.authCode('DEFAULT', lang, `${shop}linked`);
    const { url } = await visit(way, page);
    expect(way, url.searchParams.get('authCode') === code, `came back to the shop as ${url}`);
    expect(way, url.searchParams.get('state') === `state-${lang}`, 'the shop did not get its state back');
  }

  const slips = walk('link with slips', { product: linkable[0], phone: ['12', phone], otp: ['000000', otp], pin: ['000000', pin] });
  const slipped = await visit(slips, (await merchant.authCode('DEFAULT', lang, `${shop}linked`)).page);
  expect(slips, slipped.url.searchParams.has('authCode'), `came back to the shop as ${slipped.url}`);

  const declined = walk('decline at the wallet', { product: linkable[0], phone, otp, pin }, { cancel: 'button[value=cancel]' });
  const refused = await visit(declined, (await merchant.authCode('DEFAULT', lang, `${shop}linked`)).page);
  expect(declined, !refused.url.searchParams.has('authCode') || refused.titles.length > 0, 'declining gave a code');

  const payable = await context.newPage();
  await payable.goto(await merchant.checkout(20_000, `${shop}paid`));
  const offered = await payable.evaluate(() => [...document.querySelectorAll('input[type=radio]')].map((i) => i.value));
  await payable.close();
  for (const product of offered) {
    const way = walk(`pay with ${product}`, { product, phone, otp, pin });
    const { url, titles } = await visit(way, await merchant.checkout(21_000, `${shop}paid`));
    expect(way, url.href.startsWith(`${shop}paid`), `ended at ${url} after ${titles.join(' > ')}`);
  }
  const poor = walk('pay without money', { product: offered[0], phone, otp, pin });
  await visit(poor, await merchant.checkout(10_014, `${shop}paid`));
  const left = walk('leave the checkout', {}, { cancel: 'form button.quiet' });
  await visit(left, await merchant.checkout(22_000, `${shop}paid`));

  for (const path of ['/pay/nobody', '/linkage/nobody', '/binding/nobody/return', '/user/account/account-creation-create-pin?auth=nobody']) {
    const lost = walk('an address that nobody has', {});
    const { titles } = await visit(lost, `${ready.base_url}${path}${path.includes('?') ? '&' : '?'}lang=${lang}`);
    expect(lost, titles.length === 1, `led on to ${titles.join(' > ')}`);
  }
  await context.close();
  await inspecting.close();
}

try {
  for (const lang of ['id', 'en']) await walks(lang);
} catch (error) {
  faults.push(error.stack);
} finally {
  await browser.close();
  await stop();
  proxy.close();
  shopServer.close();
}
for (const [page, times] of looked) console.log(`${page} (${times})`);
if (faults.length > 0) {
  console.error(`what the sandbox said last:\n${said().split('\n').slice(-40).join('\n')}`);
  console.error(`\n${[...new Set(faults)].join('\n')}`);
  process.exitCode = 1;
} else {
  console.log(`\n${[...looked.values()].reduce((a, b) => a + b, 0)} pages looked at, nothing found`);
}
