// Reads the error distributions off at an error: with the pointer on the figure, or with the slider.
'use strict';
(() => {
  document.querySelectorAll('.ced').forEach((box) => {
    const data = JSON.parse(box.querySelector('script[type="application/json"]').textContent);
    const readout = box.querySelector('.readout'), slider = box.querySelector('input'), at = box.querySelector('output');
    const list = box.querySelector('ol'), items = [...list.children];
    const names = items.map((item) => item.querySelector('bdi').textContent);
    const step = 10 ** Math.floor(Math.log10(data.end / 100)), decimals = Math.max(0, -Math.round(Math.log10(step)));
    const rounded = (error) => Number((Math.round(error / step) * step).toFixed(decimals));
    const written = (error) => (rounded(error) === error ? error.toFixed(decimals) : String(error));
    let current = data.start;
    const figures = [...box.querySelectorAll('svg.plot')].map((svg) => {
      const line = document.createElementNS('http://www.w3.org/2000/svg', 'path');
      line.setAttribute('class', 'cursor');
      svg.append(line);
      return { svg, line, area: svg.querySelector('[id$="-area"]') };
    });

    // The curves are steps: the last point at or before the error.
    const shareAt = (shares, error) => {
      let low = -1, high = data.x.length - 1;
      while (low < high) {
        const middle = Math.ceil((low + high) / 2);
        if (data.x[middle] <= error * (1 + 1e-12)) low = middle;
        else high = middle - 1;
      }
      return low < 0 ? 0 : shares[low];
    };

    const show = (error) => {
      current = error;
      const shares = data.shares.map((line) => shareAt(line, error));
      const order = shares.map((share, place) => place).sort((a, b) => shares[b] - shares[a] || a - b);
      order.forEach((place) => {
        items[place].querySelector('.share').textContent = `${(100 * shares[place]).toFixed(1)} %`;
        list.append(items[place]);
      });
      at.textContent = `${written(error)} ${data.unit}`;
      const best = order.slice(0, 8).map((place) => `${names[place]} ${(100 * shares[place]).toFixed(1)} %`);
      slider.setAttribute('aria-valuetext', `${written(error)} ${data.unit}: ${best.join(', ')}`);
      figures.filter(({ svg }) => getComputedStyle(svg).display !== 'none').forEach(({ line, area }) => {
        const frame = area.getBBox(), x = frame.x + frame.width * Math.min(1, error / data.end);
        line.setAttribute('d', `M${x.toFixed(2)} ${frame.y}V${frame.y + frame.height}`);
      });
    };

    const move = ({ svg, area }, event) => {
      const frame = area.getBBox(), matrix = svg.getScreenCTM();
      if (!matrix) return;
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
      slider.value = rounded(Math.min(1, Math.max(0, (point.x - frame.x) / frame.width)) * data.end);
      show(Number(slider.value));
    };

    figures.forEach((figure) => {
      figure.svg.addEventListener('pointermove', (event) => move(figure, event));
      figure.svg.addEventListener('pointerdown', (event) => move(figure, event));
    });
    slider.addEventListener('input', () => show(Number(slider.value)));
    addEventListener('resize', () => show(current));
    readout.hidden = false;
    slider.step = step;
    slider.max = (Math.ceil(data.end / step - 1e-9) * step).toFixed(decimals);
    slider.value = data.start;
    show(data.start);
  });
})();
