/* Uploads files in parts: three parts a file and two files at once, resumable after a reload, then one commit.
   Server: /api/v1/…/uploads and …/commits. Strings, limits and addresses come from the page. */
import { T, again, ask, call, data, digest, page, put, remember, say, setup, wait } from "./upload-transport.js";
const $ = (name) => page.querySelector('[data-up-' + name + ']');
const LANES = 6, PARTS = 3, BATCH = 500, ROWS = 200, OPEN = ['waiting', 'run', 'paused', 'verify'];
const items = new Map(), language = document.documentElement.lang;
let heads = setup.heads, lanes = 0, allPaused = false, committed = false, lastSaid = 0, serial = 0;

/* Words and numbers */
/* As core.numbers.size writes it: 742 B, 18.2 KB, 524 MB, 4.98 GB */
function size(n) {
  let i = 0;
  while (n >= 999.5 && i < 4) { n /= 1000; i++; }
  const fine = i === 0 ? 0 : i > 2 && n < 9.995 ? 2 : n < 99.95 ? 1 : 0;
  const number = new Intl.NumberFormat(language, { minimumFractionDigits: fine, maximumFractionDigits: fine }).format(n);
  return number + '\u00a0' + ['B', 'KB', 'MB', 'GB', 'TB'][i];
}
function time(seconds) {
  const [n, key] = seconds < 60 ? [seconds, 'seconds'] : seconds < 3600 ? [seconds / 60, 'minutes'] : [seconds / 3600, 'hours'];
  return say(key, { n: Math.max(1, Math.round(n)) });
}/* One file: begin (many in one request), parts, finish */
function begin(item) {
  if (!item.begun) {
    const fresh = (one) => one !== item && !one.id && !one.begun && one.file && one.state === 'waiting';
    const batch = [item, ...[...items.values()].filter(fresh).slice(0, BATCH - 1)], files = batch.map((one) => ({ path: one.path, size: one.size }));
    const asked = ask('POST', '/uploads', { files }).then((answer) => batch.forEach((one, index) => adopt(one, answer.uploads[index])));
    batch.forEach((one) => { one.begun = asked; });
    asked.catch(() => {}).then(() => batch.forEach((one) => { one.begun = null; }));
  }
  return item.begun;
}
function adopt(item, row) {
  if (row.error) return end(item, 'failed', row.error.detail);
  Object.assign(item, { id: row.id, partSize: row.part_size, parts: row.part_count, missing: row.missing || [], addresses: new Map() });
  (row.addresses || []).forEach((address) => item.addresses.set(address.number, address));
  item.confirmed = row.stored || row.state === 'finished' ? item.size : item.size - item.missing.reduce((sum, n) => sum + length(item, n), 0);
  if (row.stored || row.state === 'finished') end(item, 'done');
  else if (item.file) remember(item.path, { size: item.size, modified: item.file.lastModified });
}
const length = (item, number) => Math.min(item.partSize, item.size - (number - 1) * item.partSize);
const alive = (item, run) => item.state === 'run' && item.run === run;

async function sendPart(item, number, run) {
  const start = (number - 1) * item.partSize, blob = item.file.slice(start, start + length(item, number));
  let hex;
  try { hex = await digest(blob); } catch (error) { throw Object.assign(new Error(T.changed), { fatal: true }); }
  await again(async (tries) => {
    if (tries || !item.addresses.has(number)) {
      const wanted = [number, ...item.queue.slice(0, PARTS)].filter((n) => n === number || !item.addresses.has(n));
      const answer = await call('POST', '/uploads/' + item.id + '/parts', { numbers: wanted });
      answer.addresses.forEach((address) => item.addresses.set(address.number, address));
    }
    const address = item.addresses.get(number);
    item.addresses.delete(number);
    const etag = await put(address, blob, hex, item, soon);
    if (address.confirm) await call('POST', '/uploads/' + item.id + '/parts', { confirm: [{ number, sha256: hex, etag }] });
  }, () => alive(item, run));
  item.confirmed += length(item, number);
  item.missing = item.missing.filter((n) => n !== number);
}
async function send(item, run) {
  if (!item.id) await begin(item);
  if (!alive(item, run)) return;
  item.queue = item.missing.slice();
  await Promise.all(Array.from({ length: PARTS }, async () => {
    while (alive(item, run) && item.queue.length) await sendPart(item, item.queue.shift(), run);
  }));
  if (!alive(item, run)) return;
  set(item, 'verify');
  await settle(item, await ask('POST', '/uploads/' + item.id + '/finish', {}, () => item.state === 'verify'));
}
async function settle(item, answer) {
  for (let pause = 500; answer.state === 'finishing'; pause = Math.min(5000, pause * 1.5)) {
    await wait(pause);
    if (item.state !== 'verify') return;
    answer = await ask('GET', '/uploads/' + item.id, undefined, () => item.state === 'verify');
  }
  if (answer.state !== 'finished') throw Object.assign(new Error(answer.detail || T.failed), { body: { code: 'upload_failed' } });
  item.confirmed = item.size;
  end(item, 'done');
}
function broken(item, error) {
  if (item.state !== 'run' && item.state !== 'verify') return;
  if (error.status === 404 || error.body && error.body.code === 'upload_failed') item.id = null;
  end(item, 'failed', error.message);
}
function pump() {
  for (const item of items.values()) {
    if (item.state !== 'waiting' || !item.file || allPaused) continue;
    const weight = item.size > 8388608 ? PARTS : 1;
    if (lanes + weight > LANES) { if (weight === 1) return; continue; }
    lanes += weight;
    set(item, 'run');
    const run = item.run = ++serial;
    send(item, run).catch((error) => { if (item.run === run) broken(item, error); }).finally(() => { lanes -= weight; pump(); });
  }
  soon();
}
function set(item, state, reason) {
  item.state = state;
  item.reason = reason || '';
  soon();
}
function end(item, state, reason) {
  stop(item);
  set(item, state, reason);
}
function stop(item) {
  item.queue = [];
  [...item.flights.keys()].forEach((x) => x.abort());
}
function pause(item) { if (item.state === 'run' || item.state === 'waiting') { set(item, 'paused'); stop(item); } }
function resume(item) {
  if (item.final) return;
  if (!item.file || item.reason === T.changed) return $('pick').click();
  if (item.state === 'paused' || item.state === 'failed') { set(item, 'waiting'); pump(); }
}
function drop(item) {
  const { id, path } = item;
  end(item, 'gone');
  items.delete(path);
  if (item.li) item.li.remove();
  remember(path, null);
  if (id) call('DELETE', '/uploads/' + id).catch(() => {});
  pump();
}

/* Choosing */
async function entries(list) {
  const found = [];
  async function walk(entry, folder) {
    if (entry.isFile) return found.push([await new Promise((done, fail) => entry.file(done, fail)), folder + entry.name]);
    const reader = entry.createReader();
    for (let some; (some = await new Promise((done, fail) => reader.readEntries(done, fail))).length;) for (const one of some) await walk(one, folder + entry.name + '/');
  }
  const roots = [...list].filter((item) => item.kind === 'file').map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry() || item.getAsFile());
  for (const root of roots) if (root instanceof File) found.push([root, root.name]); else if (root) await walk(root, '');
  return found;
}
async function add(files) {
  problem('');
  const useful = files.filter(([, path]) => !/(^|\/)(\.git(\/|$)|\.DS_Store$|Thumbs\.db$|desktop\.ini$)/.test(path));
  useful.sort(([, a], [, b]) => (a < b ? -1 : 1));
  const folders = new Map(), maxEntries = +data.maxEntries;
  let total = [...items.values()].reduce((sum, item) => sum + item.size, 0);
  for (const [file, path] of useful) {
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    folders.set(folder, (folders.get(folder) || 0) + 1);
    if (folders.get(folder) > maxEntries) return problem(say('tooMany', { folder: folder || '/', limit: maxEntries.toLocaleString(language) }));
    if (!items.has(path)) total += file.size;
  }
  if (total > +data.maxSelection) return problem(say('tooLarge', { size: size(total), limit: size(+data.maxSelection) }));
  for (const [file, chosen] of useful) {
    const path = items.has(chosen) ? chosen : unfinished(file, chosen), old = items.get(path);
    if (old && old.state === 'done' || old && old.file && old.state !== 'failed' && old.state !== 'paused') continue;
    const known = await remember(path);
    const same = old && old.id && old.size === file.size && (!known || known.modified === file.lastModified && known.size === file.size);
    if (old && old.id && !same) { call('DELETE', '/uploads/' + old.id).catch(() => {}); }
    const item = same ? old : { path, id: null, size: file.size, missing: [], confirmed: 0, flights: new Map(), queue: [] };
    if (!same && old && old.li) old.li.remove();
    item.file = file;
    item.final = file.size > +data.maxFile;
    items.set(path, item);
    set(item, item.final ? 'failed' : 'waiting', item.final ? say('fileTooLarge', { limit: size(+data.maxFile) }) : '');
  }
  if (files.length && !useful.length) problem(T.nothing);
  $('queue-panel').hidden = !items.size;
  pump();
}
/* A single file picked again belongs to the unfinished upload of the same name and size, whatever its folder */
function unfinished(file, path) {
  const matches = [...items.values()].filter((item) => !item.file && item.id && item.size === file.size && item.path.split('/').pop() === file.name);
  return matches.length === 1 ? matches[0].path : path;
}
function problem(text) { $('problem').hidden = !text; $('problem-text').textContent = text; }

/* Drawing: at most four times a second, and a bounded number of rows */
let drawing = false;
function soon() { if (!drawing) { drawing = true; setTimeout(() => { drawing = false; draw(); }, 250); } }
const sent = (item) => Math.min(item.size, item.confirmed + [...item.flights.values()].reduce((sum, flight) => sum + flight.loaded, 0));
function row(item) {
  const li = item.li = $('row').content.firstElementChild.cloneNode(true);
  li.querySelector('.q-n').textContent = item.path;
  li.querySelector('.faint').textContent = size(item.size);
  li.querySelector('progress').setAttribute('aria-label', say('progress', item));
  li.querySelector('[data-up-remove]').setAttribute('aria-label', say('remove', item));
  li.querySelector('[data-up-toggle]').onclick = () => (item.state === 'run' || item.state === 'waiting' ? pause : resume)(item);
  li.querySelector('[data-up-retry]').onclick = () => resume(item);
  li.querySelector('[data-up-remove]').onclick = () => { const next = (li.nextElementSibling || li.previousElementSibling || $('pick')); drop(item); (next.querySelector ? next.querySelector('[data-up-remove]') || next : next).focus(); };
  return li;
}
function drawRow(item) {
  const li = item.li, share = item.size ? Math.floor(100 * sent(item) / item.size) : item.state === 'done' ? 100 : 0;
  const bar = li.querySelector('progress'), status = li.querySelector('.status'), toggle = li.querySelector('[data-up-toggle]');
  const running = item.state === 'run' || item.state === 'waiting', key = [item.state, share, item.reason, item.speed].join();
  if (item.drawn === key) return;
  item.drawn = key;
  li.dataset.state = { verify: 'run' }[item.state] || item.state;
  bar.value = share;
  bar.className = { paused: 'warn', failed: 'danger' }[item.state] || '';
  status.className = 'status status-' + { run: 'running', verify: 'running', waiting: 'waiting', paused: 'stopped', failed: 'failed', done: 'ok' }[item.state];
  status.textContent = item.state === 'failed' ? item.reason : item.state === 'run' && item.parts > 1 && item.speed ? say('running', {
    speed: size(item.speed) + '/s', left: time((item.size - sent(item)) / item.speed), part: item.parts - item.missing.length, parts: item.parts,
  }) : item.state === 'paused' && !item.file ? T.again : T[item.state];
  li.querySelector('.num').textContent = share + '%';
  toggle.hidden = !(running || item.state === 'paused') || item.state === 'verify';
  toggle.setAttribute('aria-label', say(running ? 'pause' : 'resume', item));
  toggle.querySelector('[data-pause]').toggleAttribute('hidden', !running);
  toggle.querySelector('[data-play]').toggleAttribute('hidden', running);
  li.querySelector('[data-up-retry]').hidden = item.state !== 'failed' || item.final;
}
const samples = [];
function draw() {
  const list = [...items.values()], open = list.filter((item) => OPEN.includes(item.state)), done = list.filter((item) => item.state === 'done');
  const failed = list.filter((item) => item.state === 'failed'), total = list.reduce((sum, item) => sum + item.size, 0), now = Date.now();
  const up = list.reduce((sum, item) => sum + (item.state === 'done' ? item.size : sent(item)), 0), moving = list.some((item) => item.state === 'run');
  let rows = list.filter((item) => item.li && item.li.isConnected).length;
  for (const item of [...list.filter((one) => one.state !== 'done' && one.state !== 'waiting'), ...list.filter((one) => one.state === 'waiting'), ...done]) {
    if (item.li && item.li.isConnected) continue;
    if (rows >= ROWS) {
      const finished = done.find((one) => one.li && one.li.isConnected);
      if (!finished || item.state === 'done') break;
      finished.li.remove();
    } else rows++;
    $('queue').append(item.li || row(item));
  }
  for (const item of list) {
    if (item.state === 'run') {
      item.speed = item.marks && now - item.marks[0] > 900 ? Math.max(0, (sent(item) - item.marks[1]) / (now - item.marks[0]) * 1000) : item.speed;
      if (!item.marks || now - item.marks[0] > 5000) item.marks = [now, sent(item)];
    } else item.marks = item.speed = null;
    if (item.li && item.li.isConnected) drawRow(item);
  }
  samples.push([now, up]);
  while (samples.length > 2 && now - samples[0][0] > 10000) samples.shift();
  const speed = moving && now - samples[0][0] > 1000 ? Math.max(0, (up - samples[0][1]) / (now - samples[0][0]) * 1000) : 0;
  const words = { done: done.length, total: list.length, up: size(up), size: size(total), speed: size(speed) + '/s', left: speed ? time((total - up) / speed) : '' };
  const text = !navigator.onLine ? T.offline : say(speed && open.length ? 'summarySpeed' : 'summary', words);
  $('summary').textContent = text;
  $('total').value = total ? 100 * up / total : 0;
  $('more').hidden = list.length <= rows;
  $('more').textContent = say('more', { n: (list.length - rows).toLocaleString(language) });
  $('all').hidden = !open.some((item) => item.file);
  $('all-text').textContent = allPaused ? T.resumeAll : T.pauseAll;
  const old = list.filter((item) => !item.file && item.state === 'paused');
  $('unfinished').hidden = !old.length;
  if (old.length) {
    $('unfinished-text').textContent = old.slice(0, 3).map((item) => say('stopped', { path: item.path, sent: size(item.confirmed), size: size(item.size) })).join(' ')
      + (old.length > 3 ? ' ' + say('moreStopped', { n: old.length - 3 }) : '');
  }
  const ready = done.length && !open.length && !failed.length && !committed;
  $('commit').setAttribute('aria-disabled', String(!ready));
  $('why').textContent = ready || committed ? '' : !list.length ? T.choose : failed.length && !open.length ? say('someFailed', { n: failed.length }) : say('notFinished', { n: open.length + failed.length });
  if (list.length && (now - lastSaid > 10000 || !open.length && $('live').textContent !== text)) { lastSaid = now; $('live').textContent = text; }
  if (moving) soon();
}

/* Committing: a separate, deliberate step */
async function commit(parent) {
  if ($('commit').getAttribute('aria-disabled') === 'true') return $('why').focus();
  const branch = $('branch').value, folder = $('folder').value.trim().replace(/^\/+|\/+$/g, '');
  const operations = [...items.values()].map((item) => ({ op: 'put', path: (folder ? folder + '/' : '') + item.path, upload: item.id }));
  $('commit').setAttribute('aria-busy', 'true');
  problem('');
  $('conflict').hidden = true;
  try {
    await ask('POST', '/commits', { branch, parent: parent || heads[branch], message: $('message').value, operations });
    committed = true;
    await Promise.all([...items.keys()].map((path) => remember(path, null)));
    location.href = data.files + '/' + branch.split('/').map(encodeURIComponent).join('/') + (folder ? '/' + folder.split('/').map(encodeURIComponent).join('/') : '');
  } catch (error) {
    if (error.body && error.body.code === 'head_moved') {
      $('conflict').hidden = false;
      $('conflict-text').textContent = error.message;
      $('conflict-look').href = data.history + '/' + branch.split('/').map(encodeURIComponent).join('/');
      $('conflict-go').onclick = () => commit(error.body.head);
      $('conflict-go').focus();
    } else problem(error.message);
  }
  $('commit').removeAttribute('aria-busy');
}

/* Wiring */
const area = $('drop');
['dragenter', 'dragover'].forEach((type) => area.addEventListener(type, (event) => { event.preventDefault(); area.setAttribute('data-over', ''); }));
['dragleave', 'drop'].forEach((type) => area.addEventListener(type, (event) => { event.preventDefault(); area.removeAttribute('data-over'); }));
area.addEventListener('drop', (event) => { entries(event.dataTransfer.items).then(add, () => problem(T.unreadable)); });
[$('pick'), $('pick-folder')].forEach((input) => input.addEventListener('change', () => {
  add([...input.files].map((file) => [file, file.webkitRelativePath || file.name]));
  input.value = '';
}));
$('choose').onclick = () => $('pick').click();
$('all').onclick = () => { allPaused = !allPaused; items.forEach(allPaused ? pause : (item) => { if (item.file) resume(item); }); soon(); };
$('discard').onclick = () => [...items.values()].filter((item) => !item.file && item.state === 'paused').forEach(drop);
$('commit').onclick = () => commit();
window.addEventListener('offline', () => { items.forEach((item) => [...item.flights.keys()].forEach((x) => x.abort())); soon(); });
window.addEventListener('online', soon);
window.addEventListener('beforeunload', (event) => { if (!committed && [...items.values()].some((item) => item.state === 'run' && item.file)) { event.preventDefault(); event.returnValue = ''; } });

ask('GET', '/uploads').then(({ uploads }) => {
  uploads.forEach(async (upload) => {
    if (upload.state === 'failed' || upload.state === 'finished' && !await remember(upload.path) || items.has(upload.path)) return;
    const item = { path: upload.path, size: upload.size, file: null, flights: new Map(), queue: [], missing: [], confirmed: 0 };
    items.set(upload.path, item);
    set(item, 'paused');
    adopt(item, upload);
    if (upload.state === 'finishing') { set(item, 'verify'); settle(item, upload).catch((error) => broken(item, error)); }
  });
  $('queue-panel').hidden = !items.size;
  soon();
}, (error) => problem(error.message));
document.querySelectorAll('[data-plain]').forEach((form) => form.remove());
page.hidden = false;
