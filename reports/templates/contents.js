// The table of contents marks the section that is being read; printing opens what is folded and makes wide tables fit.
'use strict';
(() => {
  const links = [...document.querySelectorAll('.toc a')];
  const sections = links.map((link) => document.getElementById(decodeURIComponent(link.hash.slice(1))));
  const list = document.querySelector('.toc ol');
  let current = null, waiting = false;

  const mark = () => {
    waiting = false;
    const line = innerHeight * 0.3;
    const bottom = innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
    let place = sections.findLastIndex((section) => section && section.getBoundingClientRect().top <= line);
    if (bottom && scrollY > 0) place = links.length - 1;
    const link = links[scrollY < 8 ? 0 : Math.max(0, place)];
    if (!link || link === current) return;
    if (current) current.removeAttribute('aria-current');
    link.setAttribute('aria-current', 'true');
    current = link;
    const box = link.parentElement;
    list.scrollTo({
      left: box.offsetLeft - (list.clientWidth - box.offsetWidth) / 2,
      top: box.offsetTop - (list.clientHeight - box.offsetHeight) / 2,
    });
  };
  const later = () => {
    if (!waiting) requestAnimationFrame(mark);
    waiting = true;
  };
  if (links.length) {
    addEventListener('scroll', later, { passive: true });
    addEventListener('resize', later);
    mark();
  }

  const PAPER = 680; // CSS pixels between the margins of a portrait A4 page
  let opened = [], fitted = [];
  addEventListener('beforeprint', () => {
    opened = [...document.querySelectorAll('main details:not([open], .copy)')];
    opened.forEach((box) => { box.open = true; });
    fitted = [...document.querySelectorAll('main .scroll > table')].filter((table) => table.offsetWidth > 0);
    const sizes = fitted.map((table) => {
      table.classList.add('measured');
      const width = table.offsetWidth;
      table.classList.remove('measured');
      return width;
    });
    fitted.forEach((table, place) => {
      if (sizes[place] > PAPER) table.style.zoom = Math.max(0.4, PAPER / sizes[place]).toFixed(3);
    });
  });
  addEventListener('afterprint', () => {
    opened.forEach((box) => { box.open = false; });
    fitted.forEach((table) => { table.style.zoom = ''; });
    opened = [];
    fitted = [];
  });
})();
