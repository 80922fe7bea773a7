/* Choosing the square of a picture that is kept: sliders for keys, dragging for pointers.
   The server cuts; without a script it keeps the middle. */
const { each } = window.gallery;

each('[data-crop]', (box) => {
  const file = box.closest('form').querySelector('input[type=file]');
  const canvas = box.querySelector('canvas');
  const fields = box.querySelector('fieldset');
  const [x, y, size] = ['x', 'y', 'size'].map((name) => box.querySelector(`[name=${name}]`));
  let picture = null;
  let side = 0;
  /* Kept, not computed from the sliders: half a pixel lost with every step would let the part wander. */
  let middle = { x: 0, y: 0 };

  const draw = () => {
    const pen = canvas.getContext('2d');
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(picture, +x.value, +y.value, side, side, 0, 0, canvas.width, canvas.height);
  };
  /* Sets the side around the middle; a slider keeps its value between its ends. */
  const resize = (wanted) => {
    size.value = wanted;
    side = +size.value;
    x.max = picture.width - side;
    y.max = picture.height - side;
    x.value = Math.round(middle.x - side / 2);
    y.value = Math.round(middle.y - side / 2);
    draw();
  };

  file.addEventListener('change', async () => {
    picture = null;
    try {
      if (file.files.length) picture = await createImageBitmap(file.files[0]);
    } catch { /* The server says what is wrong with it. */ }
    box.hidden = fields.disabled = !picture;
    if (!picture) return;
    size.max = Math.min(picture.width, picture.height);
    size.min = Math.max(1, Math.min(size.max, Math.round(size.max / 8)));
    middle = { x: picture.width / 2, y: picture.height / 2 };
    resize(size.max);
  });

  const moved = () => {
    middle = { x: +x.value + side / 2, y: +y.value + side / 2 };
    draw();
  };
  size.addEventListener('input', () => resize(size.value));
  x.addEventListener('input', moved);
  y.addEventListener('input', moved);

  canvas.addEventListener('pointerdown', (event) => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener('pointermove', (event) => {
    if (!picture || !canvas.hasPointerCapture(event.pointerId)) return;
    const step = side / canvas.clientWidth;
    x.value = +x.value - event.movementX * step;
    y.value = +y.value - event.movementY * step;
    moved();
  });
});
