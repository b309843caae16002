// The image browser: filters, one landmark close up, truth, predictions and heatmaps drawn or not.
(() => {
  'use strict';
  const root = document.querySelector('.browser');
  const source = root && root.querySelector('script[type="application/json"]');
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const [strip, stage, count] = ['.strip', '.stage', '.count'].map((name) => root.querySelector(name));
  const control = (name) => root.querySelector(`[name="${name}"]`);
  const number = (name) => (control(name).value === '' ? null : Number(control(name).value));
  let chosen = data.images[0];

  const html = (tag, text, className) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  const svg = (tag, attributes, ...children) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    element.append(...children);
    return element;
  };
  const written = (value) => (value === null || value === undefined ? '–' : value.toFixed(2));
  const known = (point) => point && point[0] !== null && point[1] !== null;

  // What is asked for: null stands for all methods, all landmarks.
  const asked = () => ({ why: control('why').value, method: number('method'), landmark: number('landmark') });

  const fits = (image, wish) => {
    if (wish.landmark !== null && !image.landmarks.includes(wish.landmark)) return false;
    if (wish.method !== null && !image.nets[wish.method]) return false;
    return !wish.why || image.why.some((reason) => reason.filter === wish.why
      && (wish.method === null || reason.method === null || reason.method === wish.method)
      && (wish.landmark === null || reason.landmark === null || reason.landmark === wish.landmark));
  };

  // The error that analysis.json has for the wish: of the image, of a network, or of a network at a landmark.
  const errorOf = (image, method, landmark) => {
    if (method === null) return landmark === null ? image.error : null;
    const net = image.nets[method];
    return landmark === null ? net.error : net.errors[image.landmarks.indexOf(landmark)];
  };
  const rank = (image, wish) => {
    if (wish.method !== null || wish.landmark === null) return errorOf(image, wish.method, wish.landmark);
    return Math.max(...image.nets.map((net, method) => (net ? errorOf(image, method, wish.landmark) : 0)));
  };

  // Left, top, width, height: the picture, or a square around a landmark and its predictions.
  const view = (image, landmark, nets) => {
    if (landmark === null) return image.box;
    const place = image.landmarks.indexOf(landmark);
    const [x, y] = image.truth[place];
    const far = nets.map((net) => net && net.points[place]).filter(known)
      .map((point) => Math.max(Math.abs(point[0] - x), Math.abs(point[1] - y)));
    const side = Math.min(image.box[2], image.box[3], Math.max(0.2 * image.box[2], 2.6 * Math.max(0, ...far)));
    // Within the picture: there is nothing to see outside.
    const start = (middle, low, length) => Math.max(low, Math.min(middle - side / 2, low + length - side));
    return [start(x, image.box[0], image.box[2]), start(y, image.box[1], image.box[3]), side, side];
  };

  const strokes = (d, ...pairs) => pairs.map(([stroke, width]) => svg('path', {
    d, stroke, 'stroke-width': width, fill: 'none', 'stroke-linecap': 'round',
  }));

  const face = (image, method, box, wish, show, label) => {
    const [net, size] = [method === null ? null : image.nets[method], box[2] / 100];
    const element = svg('svg', { class: 'face', viewBox: box.join(' '), role: 'img', 'aria-label': label });
    element.append(svg('use', { href: `#${image.face}` }));
    if (!net) return element;
    if (show.heat && net.heat) element.append(svg('use', { href: `#${net.heat}` }));
    const marks = image.landmarks.map((_, place) => place)
      .filter((place) => wish.landmark === null || image.landmarks[place] === wish.landmark);
    const truth = marks.map((place) => image.truth[place]).filter(known);
    const points = marks.map((place) => net.points[place]).filter(known);
    if (show.truth && show.points) {
      element.append(...strokes(marks.filter((place) => known(net.points[place]) && known(image.truth[place]))
        .map((place) => `M${image.truth[place]}L${net.points[place]}`).join(''), ['#fff', 0.5 * size]));
    }
    if (show.truth) {
      const arm = 2.1 * size;
      const cross = ([x, y]) => `M${x - arm} ${y}H${x + arm}M${x} ${y - arm}V${y + arm}`;
      element.append(...strokes(truth.map(cross).join(''), ['#0009', 1.6 * size], [data.true, 0.8 * size]));
    }
    if (show.points) {
      element.append(...strokes(points.map((point) => `M${point}h0`).join(''), ['#fff', 3.2 * size],
        [data.methods[method].colour, 2.3 * size]));
    }
    return element;
  };

  const drawStage = (wish) => {
    const show = Object.fromEntries(['truth', 'points', 'heat'].map((name) => [name, control(name).checked]));
    const methods = data.methods.map((_, place) => place)
      .filter((place) => chosen.nets[place] && (wish.method === null || place === wish.method));
    const box = view(chosen, wish.landmark, methods.map((place) => chosen.nets[place]));
    const tiles = html('div', undefined, wish.method === null ? 'tiles' : 'tiles one');
    methods.forEach((method) => {
      const [label, tile] = [data.methods[method].label, html('div')];
      tile.append(face(chosen, method, box, wish, show, `${label} on ${chosen.name}`), html('bdi', label), ' ',
        html('b', written(errorOf(chosen, method, wish.landmark))));
      tiles.append(tile);
    });
    const where = wish.landmark === null ? '' : ` at ${data.landmarks[wish.landmark]}`;
    stage.replaceChildren(html('h4', `${chosen.name}${where}`),
      html('p', chosen.about, 'reasons'), tiles);
  };

  const drawStrip = (images, wish) => {
    strip.replaceChildren(...images.map((image) => {
      const [button, error] = [html('button'), errorOf(image, wish.method, wish.landmark)];
      button.type = 'button';
      button.setAttribute('aria-pressed', image === chosen);
      button.tabIndex = image === chosen ? 0 : -1;
      button.append(face(image, null, image.box, wish, {}, image.name), error === null ? '' : written(error));
      button.addEventListener('click', () => { chosen = image; draw(true); });
      return button;
    }));
  };

  const draw = (focus) => {
    const wish = asked();
    const images = data.images.filter((image) => fits(image, wish));
    images.sort((a, b) => rank(b, wish) - rank(a, wish));
    if (!images.includes(chosen)) chosen = images[0] || chosen;
    const sorted = wish.method === null && wish.landmark !== null ? 'error of any method' : 'error';
    count.textContent = images.length
      ? `${images.length} of ${data.images.length} images, the largest ${sorted} first`
      : 'No chosen image fits; ask for less.';
    drawStrip(images, wish);
    if (images.length) drawStage(wish); else stage.replaceChildren();
    const current = strip.querySelector('[aria-pressed="true"]');
    if (focus && current) current.focus();
  };

  strip.addEventListener('keydown', (event) => {
    const buttons = [...strip.children];
    const at = buttons.findIndex((button) => button.tabIndex === 0);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined || !buttons[to]) return;
    event.preventDefault();
    buttons[to].click();
  });
  root.addEventListener('change', () => draw(false));
  root.hidden = false;
  draw(false);
})();
