/* Several values in one field: a text input of comma-separated values turns into chips and an entry. */
const { each, text } = window.gallery;

each('input[data-values]', (source) => {
  const box = document.createElement('div');
  box.className = 'multi';
  const entry = source.cloneNode();
  entry.removeAttribute('name');
  entry.removeAttribute('data-values');
  entry.removeAttribute('required');
  entry.className = '';
  entry.value = '';
  source.removeAttribute('id');
  source.type = 'hidden';
  source.after(box);
  box.append(entry);

  const values = () => source.value.split(/[,，、]/).map((value) => value.trim()).filter(Boolean);
  function write(list) {
    source.value = [...new Set(list)].join(', ');
    source.dispatchEvent(new Event('input', { bubbles: true }));
    draw();
  }
  function draw() {
    box.querySelectorAll('.chip').forEach((chip) => chip.remove());
    values().forEach((value) => {
      const chip = document.createElement('span');
      chip.className = 'chip chip-x';
      chip.append(value);
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'chip-b';
      button.setAttribute('aria-label', text.remove.replace('%(name)s', value));
      button.textContent = '×';
      button.addEventListener('click', () => { write(values().filter((other) => other !== value)); entry.focus(); });
      chip.append(button);
      box.insertBefore(chip, entry);
    });
  }
  function take() {
    if (!entry.value.trim()) return;
    write([...values(), ...entry.value.split(/[,，、]/).map((value) => value.trim()).filter(Boolean)]);
    entry.value = '';
  }
  entry.addEventListener('keydown', (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === ',' || (event.key === 'Enter' && entry.value.trim())) { event.preventDefault(); take(); }
    if (event.key === 'Backspace' && !entry.value) write(values().slice(0, -1));
  });
  entry.addEventListener('change', take);
  entry.addEventListener('blur', take);
  draw();
});
