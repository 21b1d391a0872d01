// Candidates: sorted by any column, filtered by words, and for one of them the target against what was obtained.
kadi.app.component('battgen-candidates', {
  props: {data: Object},
  data() {
    return {all: false, words: '', column: -1, descending: false, shown: 50, chosen: 0};
  },
  computed: {
    columns() {
      return this.data.columns
        .map((column, index) => ({...column, index}))
        .filter((column) => this.all || column.main);
    },
    rows() {
      const words = this.words.toLowerCase().split(/\s+/).filter(Boolean);
      // Formulas are shown with subscripts and searched without.
      const plain = (text) => text.replace(/[₀-₉]/g, (digit) => String(digit.charCodeAt(0) - 0x2080)).toLowerCase();
      const found = this.data.rows
        .map((cells, index) => ({cells, index}))
        .filter((row) => words.every((word) => row.cells.some((cell) => plain(cell).includes(word))));
      if (this.column < 0) {
        return found;
      }
      const {numeric} = this.data.columns[this.column];
      const sign = this.descending ? -1 : 1;
      return found.sort((first, second) => {
        const [left, right] = [first.cells[this.column], second.cells[this.column]];
        // What is missing comes last either way.
        if (left === '' || right === '') {
          return (left === '') - (right === '') || first.index - second.index;
        }
        const order = numeric ? Number(left) - Number(right) : left.localeCompare(right, 'en', {numeric: true});
        return sign * order || first.index - second.index;
      });
    },
    comparison() {
      return this.data.comparisons[this.chosen];
    },
    formula() {
      const index = this.data.columns.findIndex((column) => column.name === 'formula');
      return this.data.rows[this.chosen] ? this.data.rows[this.chosen][index] : '';
    },
  },
  methods: {
    sort(index) {
      this.descending = this.column === index && !this.descending;
      this.column = index;
    },
    direction(index) {
      return this.column === index ? (this.descending ? 'descending' : 'ascending') : 'none';
    },
    arrow(index) {
      return {ascending: ' ▲', descending: ' ▼', none: ''}[this.direction(index)];
    },
  },
  template: `
    <section class="battgen battgen-candidates" aria-label="Candidates of the table">
      <h5>{$ data.title $} <small class="text-muted">{$ data.total $}{$ data.truncated ? ' first ones of more' : '' $}</small></h5>
      <form class="battgen-controls" @submit.prevent>
        <label>Filter
          <input type="search" class="form-control form-control-sm battgen-filter" v-model="words"
                 placeholder="such as Li or Fe">
        </label>
        <label><input type="checkbox" class="battgen-all" v-model="all"> All {$ data.columns.length $} columns</label>
        <span role="status" class="text-muted">
          {$ rows.length $} of {$ data.total $} candidates{$ all ? '; the table scrolls sideways' : '' $}
        </span>
      </form>
      <div class="battgen-scroll" tabindex="0" role="region" aria-label="Table of candidates">
        <table class="table table-sm small mb-2">
          <thead>
            <tr>
              <th v-for="column in columns" :key="column.index" scope="col" :aria-sort="direction(column.index)">
                <button type="button" @click="sort(column.index)">
                  {$ column.label $}<span v-if="column.unit" class="font-weight-normal"> / {$ column.unit $}</span
                  ><span aria-hidden="true">{$ arrow(column.index) $}</span>
                </button>
              </th>
            </tr>
          </thead>
          <tbody>
            <tr v-for="row in rows.slice(0, shown)" :key="row.index" :aria-current="row.index === chosen ? 'true' : null">
              <td v-for="column in columns" :key="column.index" :class="{'battgen-number': column.numeric, 'battgen-formula': column.name.includes('formula')}">
                <button v-if="column.name === 'formula'" type="button" class="battgen-choose"
                        title="Compare with the target" @click="chosen = row.index">{$ row.cells[column.index] || '(none)' $}</button>
                <template v-else>{$ row.cells[column.index] || '–' $}</template>
              </td>
            </tr>
          </tbody>
        </table>
      </div>
      <button v-if="rows.length > shown" type="button" class="btn btn-sm btn-light border mb-2" @click="shown += 200">
        Show {$ Math.min(200, rows.length - shown) $} more
      </button>
      <div v-if="comparison" class="battgen-comparison" aria-live="polite">
        <h6 class="mt-2">Target against obtained: {$ formula || '(no formula)' $}</h6>
        <p class="mb-1 small">
          <template v-if="comparison.explanation">{$ comparison.explanation $}. </template>
          Nearest known electrode: {$ comparison.nearest $}.
        </p>
        <div class="battgen-scroll">
          <table class="table table-sm battgen-properties">
            <thead>
              <tr>
                <th scope="col">Property</th><th scope="col">Target</th><th scope="col">Asked of the model</th>
                <th scope="col">Predicted</th><th scope="col">From its formula</th>
                <th scope="col">Nearest known</th><th scope="col">Obtained is</th>
              </tr>
            </thead>
            <tbody>
              <tr v-for="entry in comparison.properties" :key="entry.name">
                <th scope="row" class="font-weight-normal">{$ entry.name $} / {$ entry.unit $}</th>
                <td>{$ entry.target $}</td><td>{$ entry.asked $}</td><td>{$ entry.predicted $}</td>
                <td>{$ entry.formula $}</td><td>{$ entry.nearest $}</td>
                <td>
                  <template v-if="entry.met === 'inside'">✓ inside the target</template>
                  <template v-else-if="entry.met === 'outside'">✗ outside the target</template>
                  <template v-else>–</template>
                </td>
              </tr>
            </tbody>
          </table>
        </div>
        <p class="small text-muted">
          Obtained is what is predicted; where nothing is, what follows from the formula, else the nearest known electrode.
        </p>
      </div>
    </section>`,
});
