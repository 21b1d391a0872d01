// One quantity of a training over its epochs: training and validation in one panel.
(() => {
  const WIDTH = 340, HEIGHT = 220, LEFT = 56, RIGHT = 10, TOP = 10, BOTTOM = 40;
  const COLOURS = {training: '#0072B2', validation: '#D55E00'};

  // Two to five round numbers from low to high.
  function ticks(low, high) {
    const raw = (high - low) / 5;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw);
    const found = [];
    for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-9 && found.length < 9; value += step) {
      found.push(Number(value.toPrecision(12)));
    }
    return found;
  }

  function shown(value) {
    const size = Math.abs(value);
    return size && (size < 1e-3 || size >= 1e5) ? value.toExponential() : String(value);
  }

  function limits(values) {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const half = (Math.abs(low) || 1) / 2;
    return high > low ? [low, high] : [low - half, low + half];
  }

  kadi.app.component('battgen-curve', {
    props: {panel: Object},
    computed: {
      drawing() {
        const epochs = this.panel.curves.flatMap((curve) => curve.epochs);
        const [first, last] = limits(epochs);
        const [low, high] = limits(
          this.panel.curves.flatMap((curve) => curve.values).filter((value) => value !== null));
        const x = (epoch) => LEFT + (epoch - first) / (last - first) * (WIDTH - LEFT - RIGHT);
        const y = (value) => HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - BOTTOM - TOP);
        const lines = this.panel.curves.map((curve) => {
          const points = curve.values
            .map((value, index) => ({value, across: x(curve.epochs[index]).toFixed(1)}))
            .filter((point) => point.value !== null)
            .map((point) => ({across: point.across, up: y(point.value).toFixed(1)}));
          return {
            name: curve.name,
            colour: COLOURS[curve.name],
            path: points.map((point, index) => `${index ? 'L' : 'M'}${point.across} ${point.up}`).join(''),
            points: points.length <= 40 ? points : [],
          };
        });
        return {
          lines,
          across: ticks(first, last).filter(Number.isInteger).map((value) => ({text: shown(value), place: x(value)})),
          up: ticks(low, high).map((value) => ({text: shown(value), place: y(value)})),
        };
      },
      description() {
        return this.panel.curves.map((curve) => {
          const values = curve.values.filter((value) => value !== null);
          const [first, last] = [values[0], values[values.length - 1]].map((value) => Number(value.toPrecision(3)));
          return `${this.panel.name}, ${curve.name}: from ${first} to ${last} over ${curve.epochs.length} epochs`;
        }).join('; ');
      },
    },
    created() {
      Object.assign(this, {WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM});
    },
    template: `
      <figure>
        <svg :viewBox="'0 0 ' + WIDTH + ' ' + HEIGHT" role="img" :aria-label="description" font-size="11">
          <g v-for="tick in drawing.up" :key="'u' + tick.text">
            <line :x1="LEFT" :x2="WIDTH - RIGHT" :y1="tick.place" :y2="tick.place" stroke="#DADCE0"></line>
            <text :x="LEFT - 5" :y="tick.place + 4" text-anchor="end" fill="#1A1A1A">{$ tick.text $}</text>
          </g>
          <g v-for="tick in drawing.across" :key="'a' + tick.text">
            <line :x1="tick.place" :x2="tick.place" :y1="HEIGHT - BOTTOM" :y2="HEIGHT - BOTTOM + 4" stroke="#5F6368"></line>
            <text :x="tick.place" :y="HEIGHT - BOTTOM + 16" text-anchor="middle" fill="#1A1A1A">{$ tick.text $}</text>
          </g>
          <line :x1="LEFT" :x2="WIDTH - RIGHT" :y1="HEIGHT - BOTTOM" :y2="HEIGHT - BOTTOM" stroke="#5F6368"></line>
          <text :x="(LEFT + WIDTH - RIGHT) / 2" :y="HEIGHT - 6" text-anchor="middle" fill="#1A1A1A">Epoch</text>
          <g v-for="line in drawing.lines" :key="line.name">
            <path :d="line.path" fill="none" :stroke="line.colour" stroke-width="1.8"
                  :stroke-dasharray="line.name === 'validation' ? '6 3' : null"></path>
            <circle v-for="(point, index) in line.points" :key="index" :cx="point.across" :cy="point.up" r="2.2"
                    :fill="line.colour"></circle>
          </g>
        </svg>
        <figcaption class="small">
          <strong>{$ panel.name $}</strong>
          <span v-for="line in drawing.lines" :key="line.name" class="ml-2 text-nowrap">
            <span class="battgen-swatch" :style="{background: line.colour}"></span>
            {$ line.name $}{$ line.name === 'validation' ? ' (dashed)' : '' $}
          </span>
        </figcaption>
      </figure>`,
  });
})();
