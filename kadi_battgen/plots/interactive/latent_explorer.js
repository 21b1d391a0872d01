widgets.latent_explorer = (live, data) => {
  const [width, height, margin] = [600, 440, 46];
  const canvas = make("canvas", { width: 2 * width, height: 2 * height, tabIndex: 0 });
  canvas.setAttribute("role", "application");
  canvas.setAttribute(
    "aria-label",
    `${data.points.length} points in ${data.axes[0]} and ${data.axes[1]}; the arrow keys move to the nearest point in a direction`,
  );
  const choice = make("select", {}, ...data.properties.map((entry, n) => make("option", { value: n }, entry.label)));
  const image = make("img", { width: 250, height: 250, className: "crisp" });
  const facts = make("dl");
  const legend = make(
    "ul",
    { className: "legend" },
    ...Object.entries(data.legend).map(([label, colour]) => {
      const mark = make("span", { className: "mark" });
      mark.style.background = colour;
      return make("li", {}, mark, label);
    }),
  );
  const details = make("div", { className: "details" }, image, facts, legend);
  facts.setAttribute("aria-live", "polite");
  live.append(
    make("div", { className: "controls" }, make("label", {}, "Colour by ", choice)),
    make("div", { className: "panes" }, canvas, details),
  );

  const ranges = [0, 1].map((axis) => {
    const values = data.points.map((point) => point[axis]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const room = 0.04 * (high - low || 1);
    return [low - room, high + room];
  });
  const scale = (value, [low, high], from, to) => from + ((value - low) / (high - low)) * (to - from);
  const places = data.points.map(([x, y]) => [
    scale(x, ranges[0], margin, width - 12),
    scale(y, ranges[1], height - margin, 34),
  ]);
  let chosen = 0;
  const written = (value, unit) => (value === null ? "–" : `${Number(value.toPrecision(4))}${unit ? ` ${unit}` : ""}`);

  const draw = () => {
    const context = canvas.getContext("2d");
    const style = getComputedStyle(live);
    const [ink, line] = [style.getPropertyValue("--ink"), style.getPropertyValue("--line")];
    const property = data.properties[choice.value];
    const known = property.values.filter((value) => value !== null);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    const colour = (value) => {
      if (value === null) return line;
      const share = high > low ? (value - low) / (high - low) : 0.5;
      return data.colours[Math.round(share * (data.colours.length - 1))];
    };
    context.setTransform(2, 0, 0, 2, 0, 0);
    context.clearRect(0, 0, width, height);
    context.strokeStyle = line;
    context.strokeRect(margin, 34, width - 12 - margin, height - margin - 34);
    context.strokeStyle = style.getPropertyValue("--muted");
    context.lineWidth = 0.6;
    places.forEach(([x, y], n) => {
      context.fillStyle = colour(property.values[n]);
      context.beginPath();
      context.arc(x, y, 3.2, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
    });
    const [x, y] = places[chosen];
    context.strokeStyle = ink;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(x, y, 7, 0, 2 * Math.PI);
    context.stroke();
    context.lineWidth = 1;
    context.fillStyle = ink;
    context.font = "13px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText(data.axes[0], (margin + width) / 2, height - 14);
    context.save();
    context.translate(18, height / 2);
    context.rotate(-Math.PI / 2);
    context.fillText(data.axes[1], 0, 0);
    context.restore();
    const [bar, right] = [160, width - 70];
    data.colours.forEach((shade, n) => {
      context.fillStyle = shade;
      context.fillRect(right - bar + (n * bar) / data.colours.length, 10, bar / data.colours.length + 1, 10);
    });
    context.fillStyle = ink;
    context.textAlign = "left";
    context.fillText(`${property.label}${property.unit ? ` / ${property.unit}` : ""}`, margin, 20);
    context.fillText(written(high, ""), right + 6, 20);
    context.textAlign = "right";
    context.fillText(written(low, ""), right - bar - 6, 20);
  };
  const tell = () => {
    image.src = data.pictures[chosen];
    image.alt = `Picture of ${data.labels[chosen]}`;
    const entries = data.properties.map((entry) => [entry.label, written(entry.values[chosen], entry.unit)]);
    facts.replaceChildren(
      ...[["Point", data.labels[chosen]], ...entries].flatMap(([name, text]) => [
        make("dt", {}, name),
        make("dd", {}, text),
      ]),
    );
  };
  const choose = (n) => {
    if (n === chosen) return;
    chosen = n;
    draw();
    tell();
  };
  const nearest = (cost) => {
    let [best, least] = [chosen, Infinity];
    places.forEach((place, n) => {
      const value = cost(place, n);
      if (value < least) [best, least] = [n, value];
    });
    return best;
  };
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [((event.clientX - box.left) * width) / box.width, ((event.clientY - box.top) * height) / box.height];
    choose(nearest(([px, py]) => Math.hypot(px - x, py - y)));
  });
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const [x, y] = places[chosen];
    choose(
      nearest(([px, py], n) => {
        const along = (px - x) * step[0] + (py - y) * step[1];
        const aside = Math.abs((px - x) * step[1]) + Math.abs((py - y) * step[0]);
        return n === chosen || along <= 0.5 || aside > 2 * along ? Infinity : along + 2 * aside;
      }),
    );
  });
  choice.addEventListener("change", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
  tell();
};
