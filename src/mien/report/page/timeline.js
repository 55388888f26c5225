// Lines over time (uPlot), with chips that show or hide labels and display the values at the pointer.
"use strict";

const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

const timeline = (host, { name, labels, meanings, span, height, shown, colours }) => {
  const on = new Set(shown), chips = new Map(), values = new Map();
  const row = make("div", { className: "chips" }), plot = make("div", { className: "plot" });
  let chart = null, busy = false, points = new Set();
  labels.forEach((label) => {
    const value = make("b"), mark = make("i");
    const chip = make("button", { type: "button", className: "chip", title: meanings[label] || label }, mark, label, value);
    chip.onclick = () => { on.has(label) ? on.delete(label) : on.add(label); build(); };
    chips.set(label, chip); values.set(label, value); row.append(chip);
  });
  host.append(row, plot);
  keyed(plot, name);
  plot.addEventListener("dblclick", () => state.show(...state.whole()));

  const hue = (label) => colour(colours ? colours(label) : [...on].sort((a, b) => labels.indexOf(a) - labels.indexOf(b)).indexOf(label) + 1);

  const lines = () => {
    const view = new View(state.track, state.range, Math.max(50, Math.round((plot.clientWidth - state.gutter(plot.clientWidth)) / 3)));
    const series = [{}], data = [view.times], bands = [], main = new Set(), many = on.size > 3;
    labels.filter((label) => on.has(label)).forEach((label, index) => {
      const paint = hue(label), dash = labels.indexOf(label) >= 8 && colours ? [6, 4] : undefined;
      if (state.band && (view.coarse || state.track.line("high", label))) {
        bands.push({ series: [data.length, data.length + 1], fill: tint(paint, many ? 0.1 : 0.2) });
        for (const kind of ["high", "low"]) {
          data.push(view.reduced(state.track.line(kind, label) || state.track.line("middle", label), kind));
          series.push({ stroke: "transparent", width: 0, points: { show: false } });
        }
      }
      if (state.raw && state.track.line("smooth", label)) {
        data.push(view.reduced(state.track.line("middle", label)));
        series.push({ stroke: tint(paint, 0.45), width: 1, points: { show: false } });
      }
      if (!view.coarse) main.add(data.length); // merged points have no marker at the pointer
      data.push(view.reduced(state.track.main(label)));
      series.push({ stroke: paint, width: 1.8, dash, points: { size: 4, width: 0, fill: paint } });
    });
    return { series, data, bands, main };
  };

  const build = () => {
    if (chart) chart.destroy();
    chart = null;
    for (const [label, chip] of chips) {
      chip.setAttribute("aria-pressed", on.has(label));
      chip.style.setProperty("--colour", on.has(label) ? hue(label) : "transparent");
    }
    if (!state.track || !plot.clientWidth) return;
    const { series, data, bands, main } = lines(), soft = css("--soft"), grid = { stroke: css("--grid"), width: 1 };
    const axis = { stroke: soft, grid, ticks: { show: false }, font: "12px system-ui, sans-serif", border: { show: false } };
    points = main;
    busy = true;
    chart = new uPlot({
      width: plot.clientWidth, height, series, bands, legend: { show: false }, padding: [8, RIGHT, 0, 0],
      scales: { x: { time: false, min: state.range[0], max: state.range[1] }, y: { range: span } },
      axes: [
        { ...axis, incrs: STEPS, space: 70, size: 30, gap: 8, values: (u, at) => at.map((t) => clock(t, u.scales.x.max - u.scales.x.min < 8 ? 1 : 0)) },
        { ...axis, size: state.gutter(plot.clientWidth), gap: 6, splits: () => (span[0] < 0 ? [-1, -0.5, 0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1]) },
      ],
      cursor: { y: false, points: { size: (u, index) => (points.has(index) ? 7 : 0), width: 0 }, drag: { x: true, y: false, dist: 6 } },
      hooks: {
        setCursor: [(u) => { if (!busy) state.touch(u.cursor.left < 0 ? null : u.posToVal(u.cursor.left, "x")); }],
        setScale: [(u, key) => { if (!busy && key === "x") state.show(u.scales.x.min, u.scales.x.max); }],
        drawAxes: [(u) => {
          if (span[0] >= 0) return;
          const y = Math.round(u.valToPos(0, "y", true)), { left, width } = u.bbox;
          u.ctx.save(); u.ctx.strokeStyle = soft; u.ctx.lineWidth = devicePixelRatio || 1; u.ctx.beginPath(); u.ctx.moveTo(left, y); u.ctx.lineTo(left + width, y); u.ctx.stroke(); u.ctx.restore();
        }],
      },
    }, data, plot);
    busy = false;
    hover();
  };

  const range = () => {
    if (!chart) return;
    const { data, main } = lines();
    points = main;
    busy = true;
    chart.batch(() => { chart.setData(data, false); chart.setScale("x", { min: state.range[0], max: state.range[1] }); });
    busy = false;
    hover();
  };

  const hover = () => {
    const away = state.hover === null, index = away || !state.track ? null : state.track.at(state.hover);
    for (const [label, node] of values) {
      const value = !state.track ? null : away ? state.track.mean[label] : index === null ? null : state.track.main(label)[index];
      node.textContent = value === null || value === undefined ? "–" : value.toFixed(2);
    }
    if (!chart || busy) return;
    busy = true;
    const left = state.hover === null ? -10 : chart.valToPos(state.hover, "x");
    if (Math.abs(left - chart.cursor.left) > 0.6) chart.setCursor({ left, top: state.hover === null ? -10 : 10 }, false);
    busy = false;
  };

  state.on("track", build); state.on("style", build); state.on("range", range); state.on("hover", hover);
  resized(plot, build);
};
