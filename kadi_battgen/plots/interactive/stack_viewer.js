widgets.stack_viewer = (live, data) => {
  const choice = make("select", {}, ...data.samples.map((sample, n) => make("option", { value: n }, sample.label)));
  const slider = make("input", { type: "range", min: 0, max: data.heights.length - 1, step: 1, value: 0 });
  const distance = make("output");
  const picture = (caption) => {
    const image = make("img", { width: 224, height: 224 });
    const text = make("figcaption", {}, caption);
    return { image, text, figure: make("figure", {}, image, text) };
  };
  const slice = picture("");
  const maps = data.samples[0].descriptors.map(([caption]) => picture(caption));
  live.append(
    make(
      "div",
      { className: "controls" },
      make("label", {}, "Material ", choice),
      make("label", {}, "Tip-sample distance ", slider, " ", distance),
    ),
    make("div", { className: "panes" }, slice.figure, ...maps.map((map) => map.figure)),
  );
  const show = () => {
    const sample = data.samples[choice.value];
    const height = `${data.heights[slider.value]} Å`;
    const [low, high] = sample.range;
    slice.image.src = sample.slices[slider.value];
    slice.image.alt = `AFM image of ${sample.label} at a tip-sample distance of ${height}`;
    slice.text.textContent = `frequency shift, black ${low} to white ${high} ${data.unit}; ${data.edge} Å wide`;
    distance.textContent = height;
    slider.setAttribute("aria-valuetext", height);
    sample.descriptors.forEach(([caption, source], n) => {
      maps[n].image.src = source;
      maps[n].image.alt = `${caption} of ${sample.label}`;
    });
  };
  choice.addEventListener("change", show);
  slider.addEventListener("input", show);
  show();
};
