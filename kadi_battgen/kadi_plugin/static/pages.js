// What the previews share: the style sheet, and pages of samples that are asked for one at a time.
(() => {
  const script = new URL(document.currentScript.src);
  const style = document.createElement('link');
  style.rel = 'stylesheet';
  style.href = new URL('battgen.css' + script.search, script).href;
  document.head.appendChild(style);

  window.battgen = {};

  // A page shows page.samples; the controls ask the endpoint for others.
  window.battgen.pages = {
    props: {data: Object},
    data() {
      return {page: this.data.page, position: 1, busy: false, error: ''};
    },
    computed: {
      range() {
        const {start, samples, matching, total} = this.page;
        if (!matching) {
          return `None of the ${total} samples is like that.`;
        }
        const chosen = matching === total ? `${total}` : `${matching} chosen of ${total}`;
        return `Samples ${start + 1} to ${start + samples.length} of ${chosen}`;
      },
      last() {
        return this.page.start + this.page.count >= this.page.matching;
      },
    },
    methods: {
      async load(start) {
        const params = {start: Math.max(0, start)};
        for (const filter of this.page.filters) {
          if (filter.value) {
            params[filter.name] = filter.value;
          }
        }
        this.busy = true;
        this.error = '';
        try {
          const response = await axios.get(this.data.endpoint, {params});
          this.page = response.data;
        } catch (error) {
          const answer = error.response && error.response.data;
          this.error = (answer && answer.description) || 'These samples could not be loaded: reload the page.';
        }
        this.busy = false;
      },
      go() {
        const wanted = Number(this.position);
        if (Number.isFinite(wanted)) {
          this.load(Math.min(Math.max(1, wanted), Math.max(1, this.page.matching)) - 1);
        }
      },
    },
  };

  kadi.app.component('battgen-facts', {
    props: {facts: Array},
    template: `
      <dl class="battgen-facts">
        <div v-for="fact in facts" :key="fact.name"><dt>{$ fact.name $}</dt><dd>{$ fact.value $}</dd></div>
      </dl>`,
  });

  kadi.app.component('battgen-legend', {
    props: {entries: Array},
    template: `
      <ul class="battgen-legend">
        <li v-for="entry in entries" :key="entry.name">
          <span class="battgen-swatch" :style="{background: entry.colour}"></span>
          <span>{$ entry.name $}</span>
        </li>
      </ul>`,
  });

  // Buttons, filters and a number; pages is the component that has the mixin.
  kadi.app.component('battgen-controls', {
    props: {pages: Object},
    template: `
      <div>
        <form class="battgen-controls" @submit.prevent="pages.go()">
          <div class="btn-group btn-group-sm" role="group" aria-label="Pages of samples">
            <button type="button" class="btn btn-light border battgen-previous"
                    :disabled="pages.busy || !pages.page.start" @click="pages.load(pages.page.start - pages.page.count)">
              <i class="fa-solid fa-angle-left" aria-hidden="true"></i> Previous
            </button>
            <button type="button" class="btn btn-light border battgen-next"
                    :disabled="pages.busy || pages.last" @click="pages.load(pages.page.start + pages.page.count)">
              Next <i class="fa-solid fa-angle-right" aria-hidden="true"></i>
            </button>
          </div>
          <label>Go to number
            <input type="number" class="form-control form-control-sm battgen-position" min="1"
                   :max="pages.page.matching" v-model="pages.position" @change="pages.go()">
          </label>
          <label v-for="filter in pages.page.filters" :key="filter.name">{$ filter.label $}
            <select class="form-control form-control-sm" :name="filter.name" v-model="filter.value"
                    @change="pages.load(0)">
              <option value="">all</option>
              <option v-for="option in filter.options" :key="option.value" :value="option.value">
                {$ option.value $} ({$ option.count $})
              </option>
            </select>
          </label>
          <span role="status" class="text-muted battgen-range">{$ pages.busy ? 'Loading …' : pages.range $}</span>
        </form>
        <div v-if="pages.error" class="border rounded p-2 mb-2" role="alert">{$ pages.error $}</div>
      </div>`,
  });
})();
