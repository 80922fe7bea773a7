/* The playground of other services: a question about a text, or a request of one's own and its raw answer. */
import { Turn, post, refusal, refused, say, words } from './asking.js';

const IMAGES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
const HEADERS = ['content-type', 'content-length', 'retry-after', 'x-ag-error', 'x-ag-seconds', 'x-ag-queue-seconds', 'x-request-id'];

function line(name, text, kind = 'p') {
  const made = document.createElement(kind);
  made.className = name;
  made.textContent = text;
  return made;
}

function answers(form) {
  const turn = new Turn(form);
  const place = form.querySelector('[data-answer]');
  const score = form.querySelector('[data-score]');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const empty = ['context', 'question'].find((name) => !form.elements[name].value.trim());
    if (turn.busy || empty) { if (empty) form.elements[empty].focus(); return; }
    const context = form.elements.context.value;
    const note = form.querySelector('[data-refused]');
    await turn.run(async (signal) => {
      place.replaceChildren(line('muted', words.waiting));
      note.replaceChildren();
      score.textContent = '';
      try {
        const answer = await post(form.dataset.answers, { question: form.elements.question.value, context }, signal);
        if (!answer.ok) throw new Error(await refusal(answer));
        const found = await answer.json();
        if (typeof found.score === 'number') score.textContent = say(words.score, { share: (found.score * 100).toFixed(1) });
        if (!found.answer) { place.replaceChildren(line('muted', words.none)); return; }
        /* Offsets count characters as Python does, which are not those of UTF-16. */
        const letters = [...context];
        const text = line('answered', letters.slice(0, found.start).join(''));
        text.append(line('', letters.slice(found.start, found.end).join(''), 'mark'), letters.slice(found.end).join(''));
        place.replaceChildren(text);
      } catch (error) {
        place.replaceChildren();
        if (error.name !== 'AbortError') refused(note, error.name === 'TypeError' ? words.failed : error.message);
      }
    });
  });
}

/* Returns the images inside an answer, as data: addresses; only kinds that are nothing but pixels. */
function images(value, found = []) {
  if (found.length >= 16) return found;
  if (typeof value === 'string') {
    const match = value.match(/^data:([\w/+.-]+);base64,[A-Za-z0-9+/=]+$/);
    if (match && IMAGES.has(match[1])) found.push(value);
  } else if (value && typeof value === 'object') {
    if (IMAGES.has(value.content_type) && /^[A-Za-z0-9+/=]+$/.test(value.data)) found.push(`data:${value.content_type};base64,${value.data}`);
    else Object.values(value).forEach((each) => images(each, found));
  }
  return found;
}

const address = (blob) => new Promise((done) => {
  const reader = new FileReader();
  reader.addEventListener('load', () => done(reader.result));
  reader.readAsDataURL(blob);
});

class Editor {
  constructor(form) {
    this.form = form;
    this.box = form.closest('.play');
    this.turn = new Turn(form);
    this.body = form.elements.body;
    form.addEventListener('submit', (event) => { event.preventDefault(); this.send(); });
    this.body.addEventListener('input', () => this.check());
    const save = this.box.querySelector('[data-save]');
    if (save) save.addEventListener('submit', () => { save.elements.body.value = this.body.value; });
    if (form.dataset.metadata) this.learn();
  }

  part(name) { return this.box.querySelector(`[data-${name}]`); }

  /* Says what is wrong with the JSON in the editor, and returns it where nothing is. */
  check() {
    const place = this.part('json-error');
    try {
      const found = JSON.parse(this.body.value);
      place.replaceChildren();
      this.body.removeAttribute('aria-invalid');
      return found;
    } catch (error) {
      place.replaceChildren(line('error-text', say(words.json, { reason: error.message }), 'div'));
      this.body.setAttribute('aria-invalid', 'true');
      return undefined;
    }
  }

  async send() {
    const file = this.form.elements.file.files[0];
    let options;
    if (file) {
      if (file.size > Number(this.form.dataset.most)) { refused(this.part('refused'), say(words.large, { size: `${Math.floor(this.form.dataset.most / 1e6)} MB` })); return; }
      const data = new FormData();
      const parameters = this.form.elements.parameters.value.trim();
      try { if (parameters) JSON.parse(parameters); } catch (error) { refused(this.part('refused'), say(words.json, { reason: error.message })); return; }
      if (parameters) data.append('parameters', parameters);
      data.append('file', file);
      options = { body: data };
    } else {
      if (this.check() === undefined) { this.body.focus(); return; }
      options = { body: this.body.value, headers: { 'Content-Type': 'application/json' } };
    }
    if (this.turn.busy) return;
    await this.turn.run((signal) => this.ask({ ...options, method: 'POST', signal }));
  }

  async ask(options) {
    const began = performance.now();
    this.part('refused').replaceChildren();
    this.part('images').replaceChildren();
    this.part('status').textContent = words.waiting;
    this.part('body').textContent = '';
    try {
      const answer = await fetch(this.form.dataset.request, { ...options, headers: { ...options.headers, Accept: 'application/json, */*;q=0.5' } });
      const blob = await answer.blob();
      const took = ((performance.now() - began) / 1000).toFixed(2);
      this.part('status').textContent = `${answer.status} · ${say(words.took, { seconds: took })} · ${say(words.bytes, { count: blob.size })}`;
      this.part('headers').replaceChildren(...HEADERS.filter((name) => answer.headers.has(name)).map((name) => {
        const row = document.createElement('div');
        row.append(line('mono', name, 'dt'), line('mono break', answer.headers.get(name), 'dd'));
        return row;
      }));
      await this.show(blob, answer);
    } catch (error) {
      this.part('status').textContent = error.name === 'AbortError' ? words.stopped : '';
      if (error.name !== 'AbortError') refused(this.part('refused'), words.failed);
    }
  }

  async show(blob, answer) {
    const kind = (answer.headers.get('content-type') || '').split(';')[0];
    if (IMAGES.has(kind)) { this.pictures([await address(blob)]); return; }
    const text = await blob.text();
    try {
      const found = JSON.parse(text);
      this.part('body').textContent = JSON.stringify(found, null, 2);
      this.pictures(images(found));
    } catch { this.part('body').textContent = text; }
  }

  pictures(found) {
    this.part('images').replaceChildren(...found.map((source, number) => {
      const image = document.createElement('img');
      image.className = 'answer-image';
      image.src = source;
      image.alt = say(words.image, { number: number + 1 });
      return image;
    }));
  }

  /* Asks the service which parameters its call takes, and offers a field for each. */
  async learn() {
    let found;
    try {
      const answer = await fetch(this.form.dataset.metadata);
      if (!answer.ok) return;
      found = await answer.json();
    } catch { return; }
    const list = this.part('parameters');
    this.part('signature').textContent = found.signature ? `${found.name || 'call'}${found.signature}` : '';
    if (found.documentation) list.append(line('small muted', found.documentation.slice(0, 2000)));
    const known = Array.isArray(found.parameters) ? found.parameters : [];
    if (!known.length && !found.any_parameter) list.append(line('small muted', words.nothing));
    known.slice(0, 40).forEach((parameter, number) => {
      const field = document.createElement('div');
      field.className = 'field';
      const label = line('mono', parameter.name, 'label');
      const usual = parameter.default === null || parameter.default === undefined ? '' : say(words.default, { value: JSON.stringify(parameter.default) });
      const either = typeof parameter.default === 'boolean';
      const input = document.createElement(either ? 'select' : 'input');
      input.className = either ? 'select mono' : 'input mono';
      input.id = label.htmlFor = `parameter-${number}`;
      if (either) input.append(new Option(usual, ''), new Option('true'), new Option('false'));
      else input.placeholder = usual || parameter.type || '';
      input.addEventListener('change', () => this.set(parameter.name, input.value));
      field.append(label, input);
      list.append(field);
    });
  }

  /* Puts a parameter into the request, or takes it out where its field is empty. */
  set(name, text) {
    let found = this.check();
    if (found === undefined) return;
    if (!found || typeof found !== 'object' || Array.isArray(found) || !('inputs' in found)) found = { inputs: found };
    const parameters = { ...(found.parameters || {}) };
    if (text.trim() === '') delete parameters[name];
    else try { parameters[name] = JSON.parse(text); } catch { parameters[name] = text; }
    found.parameters = parameters;
    if (!Object.keys(parameters).length) delete found.parameters;
    this.body.value = JSON.stringify(found, null, 2);
  }
}

document.querySelectorAll('[data-answers]').forEach(answers);
document.querySelectorAll('[data-request]').forEach((form) => new Editor(form));
