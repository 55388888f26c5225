// The charts without lines: who is visible when, the heat map, and the plane of two continuous labels.
"use strict";

// One row per track, coloured by the most probable class, empty where the track is not visible.
const ribbon = (host, task) => {
  const rows = state.tracks.slice(0, 16), high = 20;
  const top = (track) => (track.top ||= track.times.map((_, index) => {
    let best = -1, most = -1;
    (task ? task.labels : []).forEach((label, at) => {
      const value = track.main(label)[index];
      if (value !== null && value > most) { most = value; best = at; }
    });
    return task ? best : track.line("middle", state.report.labels[0])[index] === null ? -1 : 1;
  }));
  const node = canvas(host, rows.length * high + 22, (context, width) => {
    const GUTTER = state.gutter(width);
    const paints = Array.from({ length: 8 }, (_, index) => colour(index));
    context.textBaseline = "middle";
    rows.forEach((track, row) => {
      const y = row * high + 3, classes = top(track), times = track.times;
      context.fillStyle = css("--grid"); context.fillRect(GUTTER, y, width - GUTTER - RIGHT, high - 6);
      context.save(); context.beginPath(); context.rect(GUTTER, y, width - GUTTER - RIGHT, high - 6); context.clip();
      for (let index = 0, next; index < times.length; index = next) {
        for (next = index + 1; next < times.length && classes[next] === classes[index];) next++;
        if (classes[index] < 0) continue;
        const from = index && classes[index - 1] >= 0 ? (times[index - 1] + times[index]) / 2 : times[index];
        const to = next < times.length && classes[next] >= 0 ? (times[next - 1] + times[next]) / 2 : times[next - 1];
        if (to < state.range[0] || from > state.range[1]) continue;
        const x = across(width, from);
        context.fillStyle = paints[classes[index] % 8];
        context.fillRect(x, y, Math.max(across(width, to) - x, 1), high - 6);
      }
      context.restore();
      context.fillStyle = track === state.track ? css("--ink") : css("--soft");
      context.textAlign = "right";
      context.font = (track === state.track ? "600 " : "") + "12px system-ui, sans-serif";
      context.fillText(fitted(context, track.name, GUTTER - 8), GUTTER - 6, y + (high - 6) / 2);
    });
    times(context, width, rows.length * high + 12);
  }, (context, width) => cursor(context, width, rows.length * high));
  pointed(node);
  node.addEventListener("click", (event) => {
    const row = Math.floor((event.clientY - node.getBoundingClientRect().top) / high);
    if (rows[row]) state.choose(row);
  });
  node.style.cursor = "pointer";
  keyed(host, "Who is visible when");
};

const times = (context, width, y) => {
  const length = state.range[1] - state.range[0], step = STEPS.find((each) => length / each <= inner(width) / 80) || 14400;
  context.fillStyle = css("--soft"); context.textAlign = "center"; context.font = "12px system-ui, sans-serif";
  for (let at = Math.ceil(state.range[0] / step) * step; at <= state.range[1]; at += step)
    context.fillText(clock(at, length < 8 ? 1 : 0), Math.min(across(width, at), width - 16), y);
};

const cursor = (context, width, high) => {
  if (state.hover === null || state.hover < state.range[0] || state.hover > state.range[1]) return;
  const x = Math.round(across(width, state.hover)) + 0.5;
  context.strokeStyle = css("--soft"); context.lineWidth = 1; context.beginPath(); context.moveTo(x, 0); context.lineTo(x, high); context.stroke();
};

// Labels x time. If several points share a column of the screen, it shows the highest, so that no peak is lost.
const heatmap = (host, labels, readout) => {
  const high = labels.length > 24 ? 14 : 18;
  let row = null;
  const stops = () => [0, 1, 2].map((index) => css(`--heat${index}`).split(",").map(Number));
  const paint = (context, width) => {
    const [zero, half, one] = stops(), GUTTER = state.gutter(width), wide = Math.max(1, Math.round(inner(width))), track = state.track;
    const ramp = Array.from({ length: 256 }, (_, index) => {
      const at = index / 127.5, [from, to, share] = at < 1 ? [zero, half, at] : [half, one, at - 1];
      return `rgb(${from.map((value, channel) => Math.round(value + share * (to[channel] - value))).join(",")})`;
    });
    context.fillStyle = hatch(context); context.fillRect(GUTTER, 0, wide, labels.length * high);
    const columns = Array.from({ length: wide }, (_, x) => {
      const from = moment(width, GUTTER + x), to = moment(width, GUTTER + x + 1);
      if (track.at(from) === null && track.at(to) === null) return [0, -1];
      let low = track.nearest(from), top = track.nearest(to);
      return [low, top > low ? top - 1 : low];
    });
    labels.forEach((label, at) => {
      const values = state.report.kinds.includes("smooth") ? track.main(label) : track.line("high", label) || track.main(label);
      let start = 0, last = null;
      for (let x = 0; x <= wide; x++) {
        let value = null;
        if (x < wide) for (let index = columns[x][0]; index <= columns[x][1]; index++) if (values[index] !== null && (value === null || values[index] > value)) value = values[index];
        const shade = value === null ? null : Math.round(255 * Math.min(Math.max(value, 0), 1));
        if (x === wide || shade !== last) {
          if (last !== null) { context.fillStyle = ramp[last]; context.fillRect(GUTTER + start, at * high, x - start, high - 1); }
          start = x; last = shade;
        }
      }
      context.fillStyle = css("--soft"); context.textAlign = "right"; context.textBaseline = "middle"; context.font = "12px system-ui, sans-serif";
      context.fillText(fitted(context, label, GUTTER - 8), GUTTER - 6, at * high + high / 2);
    });
  };
  const node = canvas(host, labels.length * high + 22, (context, width) => {
    paint(context, width);
    times(context, width, labels.length * high + 12);
  }, (context, width) => cursor(context, width, labels.length * high));
  pointed(node, (y) => { row = y === null ? null : Math.floor(y / high); describe(); });
  const describe = () => {
    const index = state.track ? state.track.at(state.hover) : null;
    const label = row === null ? null : labels[row], value = index === null || !label ? null : state.track.main(label)[index];
    readout.textContent = state.hover === null ? "" : `${clock(index === null ? state.hover : state.track.times[index], 2)}` + (label ? `  ${label} ${value === null ? "not visible" : value.toFixed(2)}  ${state.report.meanings[label] || ""}` : "");
  };
  keyed(host, "Heat map");
  state.on("hover", describe);
};

// The plane of two labels in [-1, 1]: the path through it, from pale (early) to strong (late), or a cloud of faces.
const plane = (host, axes, cloud) => {
  const at = (width, side) => {
    const start = (width - side) / 2, radius = side / 2 - 22, middle = [start + side / 2, side / 2];
    return { start, radius, middle, place: (x, y) => [middle[0] + x * radius, middle[1] - y * radius] };
  };
  canvas(host, (width) => Math.min(width, 360), (context, width, side) => {
    const { start, radius, middle, place } = at(width, side);
    context.strokeStyle = css("--line"); context.lineWidth = 1;
    context.strokeRect(middle[0] - radius, middle[1] - radius, 2 * radius, 2 * radius);
    context.beginPath(); context.arc(...middle, radius, 0, 7); context.moveTo(...place(-1, 0)); context.lineTo(...place(1, 0)); context.moveTo(...place(0, -1)); context.lineTo(...place(0, 1)); context.stroke();
    context.fillStyle = css("--soft"); context.textAlign = "center"; context.textBaseline = "middle";
    context.fillText(`${axes[0]} →`, middle[0], side - 9);
    context.save(); context.translate(start + 9, middle[1]); context.rotate(-Math.PI / 2); context.fillText(`${axes[1]} →`, 0, 0); context.restore();
    if (cloud) {
      context.globalAlpha = cloud.length > 500 ? 0.45 : 0.8;
      for (const [x, y, at] of cloud) { context.fillStyle = colour(at); context.beginPath(); context.arc(...place(x, y), 3.2, 0, 7); context.fill(); }
      context.globalAlpha = 1;
      return;
    }
    if (!state.track) return;
    const view = new View(state.track, state.range, 240), lines = axes.map((axis) => view.reduced(state.track.main(axis)));
    const strong = css("--c2"), [from, to] = state.range, pieces = 48;
    context.lineWidth = 1.6; context.lineJoin = context.lineCap = "round";
    let index = 0;
    for (let piece = 0; piece < pieces; piece++) {
      const until = from + ((piece + 1) / pieces) * (to - from) + 1e-9;
      context.strokeStyle = tint(strong, 0.12 + (0.8 * (piece + 1)) / pieces);
      context.beginPath();
      let drawn = false;
      for (index = Math.max(0, index - 1); index < view.times.length && view.times[index] <= until; index++) {
        if (view.times[index] < from || lines[0][index] === null) { drawn = false; continue; }
        const at = place(lines[0][index], lines[1][index]);
        if (drawn) context.lineTo(...at); else context.moveTo(...at);
        drawn = true;
      }
      context.stroke();
    }
  }, (context, width, side) => {
    const here = cloud || !state.track ? null : state.track.at(state.hover);
    if (here === null) return;
    const [x, y] = axes.map((axis) => state.track.main(axis)[here]);
    if (x === null) return;
    context.beginPath(); context.arc(...at(width, side).place(x, y), 6, 0, 7);
    context.fillStyle = css("--c4"); context.fill(); context.strokeStyle = css("--card"); context.lineWidth = 2; context.stroke();
  });
};
