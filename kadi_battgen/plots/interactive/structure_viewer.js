widgets.structure_viewer = (live, data) => {
  const size = 380;
  const canvas = make("canvas", { width: 2 * size, height: 2 * size, tabIndex: 0, className: "turn" });
  canvas.setAttribute("role", "application");
  const formula = data.elements.map((element) => `${element.count} ${element.symbol}`).join(", ");
  canvas.setAttribute(
    "aria-label",
    `Crystal structure with ${formula} in a cell of ${data.cell.join(" by ")} Å; drag or use the arrow keys to turn it`,
  );
  const legend = make(
    "ul",
    { className: "legend" },
    ...data.elements.map((element) => {
      const mark = make("span", { className: "mark round" });
      mark.style.background = element.colour;
      return make("li", {}, mark, `${element.symbol}${element.working_ion ? " (working ion)" : ""}`);
    }),
  );
  live.append(make("div", { className: "panes" }, canvas, legend));

  const reach = Math.max(...data.corners.map((corner) => Math.hypot(...corner)), 1) + 0.3;
  // Rotation as a matrix: turning about the axes of the screen, not of the crystal.
  let rotation = [1, 0, 0, 0, 1, 0, 0, 0, 1];
  const multiply = (a, b) =>
    [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => [0, 1, 2].reduce((sum, k) => sum + a[3 * i + k] * b[3 * k + j], 0)));
  const turn = (about, angle) => {
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    rotation = multiply(about === "x" ? [1, 0, 0, 0, c, -s, 0, s, c] : [c, 0, s, 0, 1, 0, -s, 0, c], rotation);
  };
  const project = ([x, y, z]) => {
    const [u, v, w] = [0, 3, 6].map((row) => rotation[row] * x + rotation[row + 1] * y + rotation[row + 2] * z);
    const zoom = (0.5 * size) / reach / (1 - (0.25 * w) / reach);
    return [size / 2 + u * zoom, size / 2 - v * zoom, w, zoom];
  };
  const draw = () => {
    const context = canvas.getContext("2d");
    const style = getComputedStyle(live);
    context.setTransform(2, 0, 0, 2, 0, 0);
    context.clearRect(0, 0, size, size);
    const parts = [];
    const line = (from, to, colour, thickness) => {
      const [a, b] = [project(from), project(to)];
      parts.push([
        (a[2] + b[2]) / 2,
        () => {
          context.strokeStyle = colour;
          context.lineWidth = thickness;
          context.beginPath();
          context.moveTo(a[0], a[1]);
          context.lineTo(b[0], b[1]);
          context.stroke();
        },
      ]);
    };
    // Corners are numbered in binary: an edge joins two that differ in one digit.
    data.corners.forEach((corner, n) => {
      for (const digit of [1, 2, 4]) if (!(n & digit)) line(corner, data.corners[n | digit], style.getPropertyValue("--muted"), 1);
    });
    for (const [first, second] of data.bonds) {
      const [a, b] = [data.atoms[first].slice(1), data.atoms[second].slice(1)];
      const middle = a.map((value, axis) => (value + b[axis]) / 2);
      line(a, middle, data.elements[data.atoms[first][0]].colour, 4);
      line(middle, b, data.elements[data.atoms[second][0]].colour, 4);
    }
    for (const [kind, ...position] of data.atoms) {
      const [x, y, depth, zoom] = project(position);
      const element = data.elements[kind];
      const radius = element.radius * zoom;
      parts.push([
        depth,
        () => {
          const shade = context.createRadialGradient(x - radius / 3, y - radius / 3, radius / 8, x, y, radius);
          shade.addColorStop(0, "#ffffff");
          shade.addColorStop(0.35, element.colour);
          shade.addColorStop(1, element.colour);
          context.fillStyle = shade;
          context.strokeStyle = "#00000088";
          context.lineWidth = 1;
          context.beginPath();
          context.arc(x, y, radius, 0, 2 * Math.PI);
          context.fill();
          context.stroke();
        },
      ]);
    }
    parts.sort((a, b) => a[0] - b[0]);
    for (const [, paint] of parts) paint();
  };
  let last = null;
  canvas.addEventListener("pointerdown", (event) => {
    last = [event.clientX, event.clientY];
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    turn("y", (event.clientX - last[0]) / 120);
    turn("x", (event.clientY - last[1]) / 120);
    last = [event.clientX, event.clientY];
    draw();
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => (last = null));
  const keys = { ArrowLeft: ["y", -0.15], ArrowRight: ["y", 0.15], ArrowUp: ["x", -0.15], ArrowDown: ["x", 0.15] };
  canvas.addEventListener("keydown", (event) => {
    const step = keys[event.key];
    if (!step) return;
    event.preventDefault();
    turn(...step);
    draw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  turn("y", data.view[0]);
  turn("x", data.view[1]);
  draw();
};
