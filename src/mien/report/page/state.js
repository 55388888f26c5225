// What all charts share: the data, the selected track, the time range shown, and the time at the pointer.
"use strict";

const RIGHT = 10, GAP = -32768;

const make = (tag, settings = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(settings)) {
    if (name === "style") node.style.setProperty("--colour", value);
    else if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
};

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const colour = (index) => css(`--c${index % 8}`);
const tint = (hex, alpha) => hex + Math.round(255 * alpha).toString(16).padStart(2, "0");

const clock = (seconds, digits) => {
  const sign = seconds < 0 ? "-" : "", whole = Math.abs(seconds);
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  const fine = 10 ** digits, rest = (Math.floor((whole % 60) * fine + 1e-6) / fine).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return sign + (hours ? `${hours}:${String(minutes).padStart(2, "0")}` : minutes) + ":" + rest;
};

const numbers = (text, Kind) => {
  const raw = atob(text), bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return new Kind(bytes.buffer);
};

// The curves of a track: `line(kind, label)` is an array with null in the gaps, for the kinds in the data.
class Track {
  constructor(data, report) {
    Object.assign(this, data);
    this.report = report;
    this.times = Array.from(numbers(data.times, Int32Array), (ms) => report.first + ms / 1000);
    this.table = numbers(data.values, Int16Array);
    this.lines = new Map();
  }
  line(kind, label) {
    const place = this.report.kinds.indexOf(kind) * this.report.labels.length + this.report.labels.indexOf(label);
    if (!this.report.kinds.includes(kind)) return null;
    if (!this.lines.has(place)) {
      const count = this.times.length;
      const part = this.table.subarray(place * count, (place + 1) * count);
      this.lines.set(place, Array.from(part, (value) => (value === GAP ? null : value / 10000)));
    }
    return this.lines.get(place);
  }
  // The smoothed line, or the raw one if there is none.
  main(label) { return this.line("smooth", label) || this.line("middle", label); }
  // The first point at or after a time.
  from(time) {
    let low = 0, high = this.times.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times[middle] < time) low = middle + 1; else high = middle;
    }
    return low;
  }
  // The nearest point, or null outside the time span of the track.
  at(time) {
    const edge = this.report.edge, last = this.times.length - 1;
    return time === null || time < this.times[0] - edge || time > this.times[last] + edge ? null : this.nearest(time);
  }
  nearest(time) {
    const low = this.from(time);
    return low > 0 && time - this.times[low - 1] < this.times[low] - time ? low - 1 : low;
  }
}

// The points of a time range, merged if there are more than the screen can show: `times`, and `reduced(values, how)` for
// any line. Gaps stay gaps.
class View {
  constructor(track, [from, to], most) {
    const low = Math.max(0, track.from(from) - 1), high = Math.min(track.times.length - 1, track.from(to) + 1);
    const gaps = track.line("middle", state.report.labels[0]), width = (to - from) / most;
    this.coarse = high - low + 1 > 2 * most;
    this.times = this.coarse ? [] : track.times.slice(low, high + 1);
    this.starts = [];
    this.low = low; this.stop = high + 1;
    let last = null;
    for (let index = low; this.coarse && index <= high; index++) {
      const bucket = Math.floor((track.times[index] - from) / width) * 2 + (gaps[index] === null);
      if (bucket !== last) { this.starts.push(index); this.times.push(track.times[index]); }
      else if (index + 1 > high || this.times.length) this.times[this.times.length - 1] = (track.times[this.starts.at(-1)] + track.times[index]) / 2;
      last = bucket;
    }
  }
  reduced(values, how) {
    if (!this.coarse) return values.slice(this.low, this.stop);
    return this.starts.map((start, at) => {
      const stop = this.starts[at + 1] ?? this.stop;
      let whole = values[start];
      if (whole === null) return null;
      for (let index = start + 1; index < stop; index++) {
        const value = values[index];
        whole = how === "low" ? Math.min(whole, value) : how === "high" ? Math.max(whole, value) : whole + value;
      }
      return how ? whole : whole / (stop - start);
    });
  }
}

const state = {
  report: null, tracks: [], track: null, range: [0, 1], hover: null, raw: false, band: true, held: 0, listeners: {},
  on(what, listener) { (this.listeners[what] ||= []).push(listener); },
  emit(what) { for (const listener of this.listeners[what] || []) listener(); },
  start(report) {
    this.report = report;
    report.labels = report.tasks.flatMap((task) => task.labels);
    this.tracks = (report.tracks || []).map((track) => new Track(track, report));
    this.track = this.tracks[0] || null;
    this.range = this.whole();
    const context = make("canvas").getContext("2d");
    context.font = "12px system-ui, sans-serif";
    const names = [...report.tasks.filter((task) => task.kind === "attributes").flatMap((task) => task.labels), ...this.tracks.map((track) => track.name)];
    this.widest = Math.max(0, ...names.map((name) => context.measureText(name).width)) + 14;
  },
  // The space for names on the left of every chart, so that all charts share the same time axis.
  gutter(width) { return Math.round(Math.min(Math.max(58, this.widest), Math.max(58, width / 5))); },
  whole() { return [this.report.first, Math.max(this.report.last, this.report.first + 1e-3)]; },
  choose(index) { this.track = this.tracks[index]; this.emit("track"); },
  show(from, to) {
    const [first, last] = this.whole(), least = Math.min(last - first, Math.max(0.2, 5 * this.report.bin));
    let length = Math.min(Math.max(to - from, least), last - first);
    let start = Math.min(Math.max((from + to - length) / 2, first), last - length);
    if (start === this.range[0] && start + length === this.range[1]) return;
    this.range = [start, start + length];
    this.emit("range");
  },
  zoom(factor) {
    const [from, to] = this.range, within = this.hover !== null && this.hover >= from && this.hover <= to;
    const centre = within ? this.hover : (from + to) / 2, half = ((to - from) / 2) * factor;
    this.show(centre - half, centre + half);
  },
  shift(share) { const by = (this.range[1] - this.range[0]) * share; this.show(this.range[0] + by, this.range[1] + by); },
  point(time) { if (time !== this.hover) { this.hover = time; this.emit("hover"); } },
  // Ignores the pointer for a moment after a jump, while the page scrolls under it.
  touch(time) { if (performance.now() > this.held) this.point(time); },
  jump(time) { this.held = performance.now() + 1200; this.point(time); },
  step(by) {
    if (!this.track) return;
    const times = this.track.times, here = this.hover === null ? -1 : this.track.nearest(this.hover);
    const next = Math.min(Math.max(here + by, 0), times.length - 1);
    if (times[next] < this.range[0] || times[next] > this.range[1]) this.shift(by > 0 ? 0.5 : -0.5);
    this.point(times[next]);
  },
};

// Keyboard control of a chart that has the focus.
const keyed = (node, name) => {
  node.tabIndex = 0;
  node.setAttribute("role", "group");
  node.setAttribute("aria-label", `${name}. Arrow keys move through time, plus and minus zoom, Escape shows everything.`);
  node.addEventListener("keydown", (event) => {
    const far = event.shiftKey ? 10 : 1;
    const actions = {
      ArrowLeft: () => state.step(-far), ArrowRight: () => state.step(far), "+": () => state.zoom(0.5), "=": () => state.zoom(0.5),
      "-": () => state.zoom(2), Escape: () => state.show(...state.whole()), PageUp: () => state.shift(-0.5), PageDown: () => state.shift(0.5),
    };
    if (actions[event.key] && !event.ctrlKey && !event.metaKey) { actions[event.key](); event.preventDefault(); }
  });
};

// Calls `then` when the width of a node has changed, after the browser has laid out the page.
const resized = (node, then) => {
  let known = 0;
  new ResizeObserver(() => requestAnimationFrame(() => {
    if (node.clientWidth !== known) { known = node.clientWidth; then(); }
  })).observe(node);
};

// A canvas as wide as its host and sharp on every screen. `paint(context, width, height)` is called when the content
// changes, and `point`, which draws the time at the pointer over it, at every move.
const canvas = (host, height, paint, point) => {
  const node = make("canvas"), buffer = make("canvas"), context = node.getContext("2d"), behind = buffer.getContext("2d");
  let width = 0, high = 0, sharp = 1, waiting = false;
  host.append(node);
  const show = () => {
    if (!width) return;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, node.width, node.height);
    context.drawImage(buffer, 0, 0);
    context.setTransform(sharp, 0, 0, sharp, 0, 0);
    point(context, width, high);
  };
  const draw = () => {
    width = host.clientWidth; sharp = devicePixelRatio || 1;
    if (!width) return;
    high = typeof height === "function" ? height(width) : height;
    for (const each of [node, buffer]) { each.width = Math.round(width * sharp); each.height = Math.round(high * sharp); }
    node.style.width = width + "px"; node.style.height = high + "px";
    behind.setTransform(sharp, 0, 0, sharp, 0, 0);
    behind.font = "12px system-ui, sans-serif";
    paint(behind, width, high);
    show();
  };
  resized(host, draw);
  for (const what of ["range", "track", "style"]) state.on(what, draw);
  state.on("hover", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; show(); });
  });
  return node;
};

const inner = (width) => width - state.gutter(width) - RIGHT;
const across = (width, time) => state.gutter(width) + ((time - state.range[0]) / (state.range[1] - state.range[0])) * inner(width);
const moment = (width, x) => state.range[0] + ((x - state.gutter(width)) / inner(width)) * (state.range[1] - state.range[0]);

// The pointer on a canvas with a time axis.
const pointed = (node, also) => {
  node.addEventListener("pointermove", (event) => {
    const box = node.getBoundingClientRect(), x = event.clientX - box.left;
    state.touch(x < state.gutter(box.width) || x > box.width - RIGHT ? null : moment(box.width, x));
    if (also) also(event.clientY - box.top);
  });
  node.addEventListener("pointerleave", () => { state.touch(null); if (also) also(null); });
};

const hatch = (context) => {
  const tile = make("canvas"); tile.width = tile.height = 8;
  const paint = tile.getContext("2d");
  paint.fillStyle = css("--gap"); paint.fillRect(0, 0, 8, 8);
  paint.strokeStyle = css("--line"); paint.beginPath();
  for (const at of [-4, 4, 12]) { paint.moveTo(at - 6, 10); paint.lineTo(at + 6, -2); }
  paint.stroke();
  return context.createPattern(tile, "repeat");
};

const fitted = (context, text, width) => {
  if (context.measureText(text).width <= width) return text;
  while (text.length > 1 && context.measureText(text + "…").width > width) text = text.slice(0, -1);
  return text + "…";
};
