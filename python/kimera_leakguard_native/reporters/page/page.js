"use strict";
(() => {
  const { size, element, fill, pairs } = Tables;
  const VERDICTS = ["leak", "native", "retention", "undecided", "warm-up", "bounded"];
  const COLOURS = { leak: "#d93025", native: "#a142f4", retention: "#e37400", undecided: "#f9ab00", "warm-up": "#4285f4", bounded: "#34a853" };
  const SHOWN = 200;
  const byId = (id) => document.getElementById(id);
  let state = { processes: [] };
  let chosen = null;
  let chosenSite = null;

  const dark = () => matchMedia("(prefers-color-scheme: dark)").matches;

  function theme(layout) {
    const ink = dark() ? "#e8eaed" : "#1c1d1f";
    const axis = { gridcolor: dark() ? "#3a3f45" : "#e4e4e0", zeroline: false };
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: ink, size: 12 },
      margin: { t: 8, l: 60, r: 12, b: 34 }, xaxis: { ...axis, type: "date" },
      yaxis: { ...axis, rangemode: "tozero", ticksuffix: "B", tickformat: ".3s" },
      legend: { orientation: "h", y: -0.2 }, ...layout,
    };
  }

  const process = () => state.processes.find((each) => each.pid === chosen) || state.processes[0];
  const when = (seconds) => new Date(seconds * 1000);

  function tabs() {
    const bar = byId("processes");
    const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.pid : undefined;
    bar.replaceChildren();
    for (const each of state.processes) {
      const selected = each === process();
      const button = element("button", `${each.name} ${each.pid}${each.alive ? "" : " (ended)"}`, {
        role: "tab", type: "button", "aria-selected": String(selected), tabindex: selected ? "0" : "-1",
      });
      button.dataset.pid = String(each.pid);
      button.addEventListener("click", () => { chosen = each.pid; chosenSite = null; draw(); });
      bar.append(button);
      if (focused === String(each.pid)) button.focus();
    }
  }

  byId("processes").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || !state.processes.length) return;
    const at = state.processes.indexOf(process());
    const next = state.processes[(at + step + state.processes.length) % state.processes.length];
    chosen = next.pid;
    chosenSite = null;
    draw();
    byId("processes").querySelector(`[data-pid="${next.pid}"]`).focus();
  });

  function summary(shown) {
    const sites = shown.sites || { sites: [], samples: 0, seconds: 0 };
    const worst = VERDICTS.find((name) => sites.sites.some((site) => site.verdict === name)) || "clean";
    pairs(byId("summary"), [
      ["process", `${shown.name}, pid ${shown.pid}`],
      ["verdict", shown.verdict || worst, shown.verdict || worst],
      ["resident", size(shown.resident_bytes)],
      ["headroom", shown.headroom_bytes ? size(shown.headroom_bytes) : "not known"],
      ["observed", `${Math.round(sites.seconds)} s, ${sites.samples} samples`],
      ["sites", String(sites.sites.length)],
    ]);
  }

  function memory(shown) {
    const history = shown.history || [];
    const times = history.map((point) => when(point.time));
    const traces = VERDICTS.map((name) => ({
      x: times, y: history.map((point) => (point.live || {})[name] || 0), name, stackgroup: "live",
      line: { width: 0.5, color: COLOURS[name] }, hovertemplate: "%{y:.4s}B",
    })).filter((trace) => trace.y.some((value) => value > 0));
    Plotly.react(byId("memory"), traces, theme({ hovermode: "x unified" }), { displayModeBar: false, responsive: true });
  }

  function forecast(shown) {
    const history = shown.history || [];
    const band = shown.forecast;
    byId("forecast-text").textContent = band && band.text ? band.text : "No exhaustion in sight.";
    const traces = [{
      x: history.map((point) => when(point.time)), y: history.map((point) => point.resident_bytes),
      name: "resident", mode: "lines", line: { color: "#4285f4" }, hovertemplate: "%{y:.4s}B",
    }];
    if (band && band.times && band.times.length) {
      const times = band.times.map(when);
      traces.push(
        { x: times, y: band.low, name: "low", mode: "lines", line: { width: 0 }, showlegend: false, hoverinfo: "skip" },
        { x: times, y: band.high, name: "interval", mode: "lines", fill: "tonexty", line: { width: 0 }, fillcolor: "rgba(217,48,37,.25)", hoverinfo: "skip" },
        { x: times, y: band.middle, name: "forecast", mode: "lines", line: { dash: "dot", color: "#d93025" }, hovertemplate: "%{y:.4s}B" },
      );
      if (band.limit_bytes) traces.push({ x: [times[0], times[times.length - 1]], y: [band.limit_bytes, band.limit_bytes], name: "limit", mode: "lines", line: { color: "#9aa0a6" } });
    }
    Plotly.react(byId("forecast"), traces, theme({}), { displayModeBar: false, responsive: true });
  }

  const place = (site) => (site.file ? `${site.file}:${site.line} in ${site.function}` : "native, no Python line");

  function sites(shown) {
    const all = shown.sites ? shown.sites.sites : [];
    const wanted = byId("filter").value.toLowerCase();
    const kept = wanted ? all.filter((site) => `${place(site)} ${site.verdict} ${site.finding || ""}`.toLowerCase().includes(wanted)) : all;
    fill(byId("sites"), [
      ["verdict", (site) => site.verdict, "verdict"],
      ["growth", (site) => `${size(site.growth_bytes_per_s)}/s`, "number"],
      ["live", (site) => size(site.live_bytes), "number"],
      ["site", place, "place"],
      ["finding", (site) => site.finding || ""],
    ], kept.slice(0, SHOWN), "No site has been sampled yet.", (site) => { chosenSite = place(site); detail(shown); });
    byId("sites-more").textContent = kept.length > SHOWN ? `${kept.length - SHOWN} more: filter to see them.` : "";
  }

  function detail(shown) {
    const target = byId("detail");
    const all = shown.sites ? shown.sites.sites : [];
    const site = all.find((each) => place(each) === chosenSite);
    if (!site) { target.replaceChildren(); return; }
    const stack = site.stack.map((frame) => `${frame.file}:${frame.line} in ${frame.function}`).join("\n");
    const parts = [element("h3", place(site)), element("p", `${site.verdict}, confidence ${site.confidence.toFixed(2)}. ${site.evidence || ""}`), element("pre", stack)];
    target.replaceChildren(...parts);
    if (site.file && byId("live")) source(target, site, shown.pid);
  }

  async function source(target, site, pid) {
    const answer = await fetch(`source?pid=${pid}&file=${encodeURIComponent(site.file)}&line=${site.line}`).catch(() => null);
    if (!answer || !answer.ok) return;
    const text = await answer.json();
    const block = element("pre");
    for (const row of text.lines) block.append(element("span", `${String(row.number).padStart(5)}  ${row.text}\n`, { class: row.number === site.line ? "here" : "" }));
    if (place(site) === chosenSite) target.append(block);
  }

  function rest(shown) {
    fill(byId("components"), [
      ["component", (row) => row.name], ["risk", (row) => row.leak_risk_score.toFixed(2), "number"],
      ["memory", (row) => `${row.memory_usage_mb.toFixed(1)} MiB`, "number"], ["performance", (row) => row.performance_impact],
      ["advice", (row) => row.recommendations.join("; ")],
    ], shown.components || [], "No component is registered.");
    fill(byId("pools"), [
      ["pool", (row) => row.name], ["used", (row) => `${row.used_slots} of ${row.total_slots}`, "number"],
      ["committed", (row) => size(row.committed_bytes), "number"], ["device", (row) => row.device],
    ], shown.pools || [], "No pool is registered.");
    fill(byId("alerts"), [
      ["time", (row) => when(row.time).toLocaleTimeString()], ["severity", (row) => row.severity, "verdict"], ["message", (row) => row.message],
    ], shown.alerts || [], "No alert.");
    fill(byId("recoveries"), [
      ["time", (row) => when(row.time).toLocaleTimeString()], ["action", (row) => row.action], ["outcome", (row) => row.outcome],
      ["freed", (row) => size(row.freed_bytes), "number"], ["took", (row) => `${row.seconds.toFixed(2)} s`, "number"], ["reason", (row) => row.reason],
    ], shown.recoveries || [], "No recovery.");
    const findings = byId("findings");
    findings.replaceChildren();
    for (const each of shown.findings || []) {
      const path = each.path.map((step) => `${step.file}:${step.line}: ${step.note}`).join("\n");
      findings.append(element("h3", `${each.code} ${each.message}`), element("p", `${each.file}:${each.line}`), element("pre", path));
    }
    if (!(shown.findings || []).length) findings.append(element("p", "No finding of klg check lies at a growing site.", { class: "empty" }));
  }

  function draw() {
    tabs();
    const shown = process();
    if (!shown) { byId("connection").textContent = "No process to show: klg.start() makes one."; return; }
    document.title = `${shown.name} - kimera-leakguard`;
    summary(shown);
    memory(shown);
    forecast(shown);
    const all = shown.sites ? shown.sites.sites : [];
    Icicle.draw(byId("icicle"), all, theme);
    sites(shown);
    detail(shown);
    rest(shown);
    document.body.dataset.drawn = String(Number(document.body.dataset.drawn || 0) + 1);
  }

  byId("filter").addEventListener("input", () => { const shown = process(); if (shown) sites(shown); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

  function show(next) { state = next; draw(); }

  const embedded = byId("state");
  if (embedded) {
    byId("connection").textContent = "a recorded run";
    show(JSON.parse(embedded.textContent));
  } else {
    const events = new EventSource("events");
    events.addEventListener("open", () => { byId("connection").textContent = "live"; });
    events.addEventListener("error", () => { byId("connection").textContent = "connection lost, trying again"; });
    events.addEventListener("state", (event) => { byId("connection").textContent = "live"; show(JSON.parse(event.data)); });
  }
})();
