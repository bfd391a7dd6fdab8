// What a page looks like to somebody who reads it, in sentences about what is wrong. Nothing here changes the page.
(() => {
  const wrong = [];
  const width = document.documentElement.clientWidth;
  const smallest = matchMedia('print').matches ? 10 : 12;
  const said = (node) => JSON.stringify(node.textContent.trim().slice(0, 40));
  const hidden = (element) => element.closest('.skip') || !element.checkVisibility({ visibilityProperty: true });

  // From where to where something in an element can be seen: tables scroll by themselves.
  const frames = new Map([[document.body, [-Infinity, Infinity]]]);
  const frame = (element) => {
    if (!frames.has(element)) {
      const [left, right] = frame(element.parentElement);
      const box = element.getBoundingClientRect();
      const scrolls = getComputedStyle(element).overflowX !== 'visible';
      frames.set(element, scrolls ? [Math.max(left, box.left), Math.min(right, box.right)] : [left, right]);
    }
    return frames.get(element);
  };

  const boxes = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || hidden(element)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      const [left, right] = [Math.max(box.left, frame(element)[0]), Math.min(box.right, frame(element)[1])];
      if (right - left > 1) boxes.push({ left, right, top: box.top, bottom: box.bottom, node: element, text: node });
    }
    if (parseFloat(getComputedStyle(element).fontSize) < smallest) wrong.push(`too small to read: ${said(element)}`);
  }

  if (document.documentElement.scrollWidth > width) {
    wrong.push(`the page scrolls sideways: ${document.documentElement.scrollWidth} in ${width}`);
  }
  for (const box of boxes) {
    if (box.left < -1 || box.right > width + 1) wrong.push(`outside of the window: ${said(box.node)}`);
  }
  boxes.sort((a, b) => a.top - b.top);
  boxes.forEach((box, at) => {
    for (let next = at + 1; next < boxes.length && boxes[next].top < box.bottom - 4; next += 1) {
      const other = boxes[next];
      if (other.text !== box.text && Math.min(box.right, other.right) - Math.max(box.left, other.left) > 2) {
        wrong.push(`one over the other: ${said(box.node)} and ${said(other.node)}`);
      }
    }
  });
  for (const element of document.querySelectorAll('body *')) {
    const style = getComputedStyle(element);
    const cut = ['hidden', 'clip'].includes(style.overflowX) && element.scrollWidth > element.clientWidth + 1;
    if (cut && !(element instanceof SVGElement)) wrong.push(`cut off: ${said(element)}`);
  }
  if (!boxes.length) wrong.push('nothing can be seen');
  return wrong;
})()
