"use strict";
const Icicle = (() => {
  const MOST = 200;

  // Plotly takes parallel lists; ids are numbers of ours, so that no name can be taken for one.
  function tree(sites) {
    const ids = ["0"], labels = ["all"], parents = [""], values = [0];
    const known = new Map();
    for (const site of sites.slice(0, MOST)) {
      if (!(site.live_bytes > 0)) continue;
      const frames = site.stack.length ? [...site.stack].reverse() : [{ file: site.file || "native", line: site.line, function: site.function }];
      let parent = "0", key = "";
      values[0] += site.live_bytes;
      for (const frame of frames) {
        const name = `${frame.function || "?"} ${String(frame.file).split("/").pop()}:${frame.line}`;
        key += `\u0000${frame.file}:${frame.line}:${frame.function}`;
        let index = known.get(key);
        if (index === undefined) {
          index = ids.length;
          known.set(key, index);
          ids.push(String(index)); labels.push(plain(name)); parents.push(parent); values.push(0);
        }
        values[index] += site.live_bytes;
        parent = String(index);
      }
    }
    return { ids, labels, parents, values };
  }

  // Plotly reads a few tags in labels: what a file name has of them must stay text.
  function plain(text) {
    return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  }

  function draw(target, sites, theme) {
    const { ids, labels, parents, values } = tree(sites);
    const trace = {
      type: "icicle", ids, labels, parents, values, branchvalues: "total",
      tiling: { orientation: "v" }, maxdepth: 12,
      hovertemplate: "%{label}<br>%{value:.4s}B<extra></extra>", texttemplate: "%{label}",
    };
    return Plotly.react(target, [trace], theme({ margin: { t: 4, l: 4, r: 4, b: 4 } }), { displayModeBar: false, responsive: true });
  }

  return { draw, tree, plain, MOST };
})();
