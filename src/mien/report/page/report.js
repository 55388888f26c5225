// Puts the charts into the page and connects the toolbar.
"use strict";

(() => {
  const report = JSON.parse(document.getElementById("data").textContent);
  report.meanings = Object.fromEntries(report.tasks.flatMap((task) => task.labels.map((label, index) => [label, task.meanings[index]])));
  state.start(report);
  const at = (name) => document.getElementById(name);
  const of = (kind) => report.tasks.filter((task) => task.kind === kind);
  const classes = of("classes"), attributes = of("attributes").flatMap((task) => task.labels);
  const continuous = of("continuous").flatMap((task) => task.labels);

  if (at("plane")) plane(at("plane"), continuous, report.timed ? null : report.cloud);
  if (report.timed && state.track) {
    ribbon(at("ribbon"), classes[0]);
    classes.forEach((task, index) => timeline(at(`classes${index}`), {
      name: task.name, labels: task.labels, meanings: report.meanings, span: [0, 1], height: 220, shown: task.labels, colours: (label) => task.labels.indexOf(label),
    }));
    if (continuous.length) timeline(at("continuous"), {
      name: continuous.join(" and "), labels: continuous, meanings: report.meanings, span: [-1, 1], height: 200, shown: continuous.slice(0, 2), colours: (label) => [2, 4, 6, 3][continuous.indexOf(label) % 4],
    });
    if (attributes.length) {
      timeline(at("attributes"), { name: "Attributes", labels: attributes, meanings: report.meanings, span: [0, 1], height: 220, shown: report.initial });
      heatmap(at("heat"), attributes, at("heatread"));
    }
    tools();
  }

  function tools() {
    const select = at("track");
    state.tracks.forEach((track, index) => select.append(make("option", { value: index }, track.title)));
    select.onchange = () => state.choose(Number(select.value));
    const range = () => { at("range").textContent = state.range.map((time) => clock(time, state.range[1] - state.range[0] < 60 ? 1 : 0)).join(" – "); };
    const share = () => {
      select.value = state.tracks.indexOf(state.track);
      const bars = (host, labels, values, hue) => host && host.replaceChildren(...labels.flatMap((label, index) => {
        const value = values[index] || 0, bar = make("i", { style: hue(index) });
        bar.style.width = `${100 * value}%`;
        return [make("span", {}, label), make("div", { className: "bar" }, bar), make("span", {}, `${(100 * value).toFixed(1)}%`)];
      }));
      if (classes.length) bars(at("shares"), classes[0].labels, classes[0].labels.map((label) => state.track.share[label]), (index) => `var(--c${index % 8})`);
      bars(at("quadrants"), report.quadrants, state.track.quadrants, () => "var(--c2)");
    };
    const actions = {
      "zoom-in": () => state.zoom(0.5), "zoom-out": () => state.zoom(2), earlier: () => state.shift(-0.5), later: () => state.shift(0.5), all: () => state.show(...state.whole()),
    };
    for (const [name, action] of Object.entries(actions)) at(name).onclick = action;
    for (const name of ["raw", "band"]) if (at(name)) at(name).onchange = (event) => { state[name] = event.target.checked; state.emit("style"); };
    document.querySelectorAll("button.peak").forEach((node) => (node.onclick = () => {
      const index = state.tracks.findIndex((track) => track.name === node.dataset.track && track.input === node.dataset.input), time = Number(node.dataset.time);
      if (index >= 0) state.choose(index);
      if (time < state.range[0] || time > state.range[1]) state.show(time - (state.range[1] - state.range[0]) / 2, time + (state.range[1] - state.range[0]) / 2);
      state.jump(time);
      at("ribbon").scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth", block: "center" });
    }));
    state.on("range", range); state.on("track", share);
    range(); share();
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => state.emit("style"));
  addEventListener("beforeprint", () => { document.documentElement.dataset.print = ""; state.emit("style"); });
  addEventListener("afterprint", () => { delete document.documentElement.dataset.print; state.emit("style"); });
})();
