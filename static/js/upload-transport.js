/* How the upload page reaches the server, hashes a part and remembers files; no page is drawn here. */
export const page = document.querySelector('[data-upload]'), data = page.dataset;
export const setup = JSON.parse(document.getElementById('upload-setup').textContent), T = setup.text;
const TRIES = 5;

export const say = (key, words) => T[key].replace(/%\((\w+)\)s/g, (_, name) => words[name]);
export const wait = (ms) => new Promise((done) => setTimeout(done, ms));

/* What this browser remembers about files: size and date, so that only the same file goes on */
const memory = new Promise((done) => {
  if (!window.indexedDB) return done(null);
  const open = indexedDB.open('gallery-uploads', 1);
  open.onupgradeneeded = () => open.result.createObjectStore('files');
  open.onsuccess = () => done(open.result);
  open.onerror = open.onblocked = () => done(null);
});
export async function remember(path, value) {
  const base = await memory;
  if (!base) return undefined;
  return new Promise((done) => {
    const store = base.transaction('files', 'readwrite').objectStore('files'), key = data.api + '|' + path;
    const ask = value === undefined ? store.get(key) : value === null ? store.delete(key) : store.put(value, key);
    ask.onsuccess = () => done(ask.result);
    ask.onerror = () => done(undefined);
  });
}

/* HTTP: the server's sentence becomes the error; what may pass by itself is tried again with growing waits */
class Refused extends Error {
  constructor(status, body) { super(body.detail || say('status', { status })); this.status = status; this.body = body; }
}
const passing = (error) => !(error instanceof Refused) || error.status >= 500 && error.status !== 507 || error.status === 429 || error.status === 408
  || ['parts_in_flight', 'part_busy'].includes(error.body.code);
async function online() {
  while (!navigator.onLine) await new Promise((done) => window.addEventListener('online', done, { once: true }));
}
export async function again(work, alive) {
  for (let tries = 0; ; tries++) {
    await online();
    if (!alive()) throw new Refused(0, {});
    try { return await work(tries); } catch (error) {
      if (!alive() || error.fatal || !passing(error) && !error.again) throw error;
      if (!navigator.onLine) { tries = -1; continue; }
      if (tries >= TRIES) throw error;
      await wait(1000 * 2 ** tries * (0.75 + Math.random() / 2));
    }
  }
}
export async function call(method, path, body) {
  let response;
  try {
    response = await fetch(data.api + path, {
      method, credentials: 'same-origin', body: body && JSON.stringify(body),
      headers: { 'Content-Type': 'application/json', Accept: 'application/json', 'X-CSRFToken': data.csrf },
    });
  } catch (error) { throw new Error(T.unreachable); }
  const answer = response.status === 204 ? {} : await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}
export const ask = (method, path, body, alive) => again(() => call(method, path, body), alive || (() => true));
export function put(address, blob, hex, item, progressed) {
  return new Promise((done, fail) => {
    const x = new XMLHttpRequest(), flight = { loaded: 0 };
    const end = () => { item.flights.delete(x); };
    item.flights.set(x, flight);
    x.open('PUT', address.url);
    if (!address.confirm) x.setRequestHeader('X-Part-SHA256', hex);
    Object.entries(address.headers).forEach(([name, value]) => x.setRequestHeader(name, value));
    x.upload.onprogress = (event) => { flight.loaded = event.loaded; progressed(); };
    x.onload = () => {
      end();
      if (x.status < 300) return done(x.getResponseHeader('ETag') || '');
      let body = {};
      try { body = JSON.parse(x.responseText); } catch (error) { /* a proxy's own page */ }
      const error = new Refused(x.status, body);
      error.again = ['bad_part_address', 'part_sha256_mismatch', 'part_busy'].includes(body.code) || x.status === 403 && address.confirm;
      if (body.code === 'part_differs') { item.id = null; error.message = T.changed; }
      fail(error);
    };
    x.onerror = () => { end(); fail(new Error(T.unreachable)); };
    x.onabort = x.onerror;
    x.send(blob);
  });
}

/* SHA-256 of a part: WebCrypto, or our worker on pages that are plain http */
let worker = null, asked = 0;
const hashing = new Map();
export async function digest(blob) {
  if (window.crypto && crypto.subtle) {
    const hash = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer());
    return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
  }
  if (!worker) {
    worker = new Worker(data.worker);
    worker.onmessage = ({ data: answer }) => {
      const [done, fail] = hashing.get(answer.id);
      hashing.delete(answer.id);
      if (answer.hex) done(answer.hex); else fail(new Error(answer.error));
    };
  }
  return new Promise((done, fail) => { hashing.set(++asked, [done, fail]); worker.postMessage({ id: asked, blob }); });
}
