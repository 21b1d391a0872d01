// SEI configurations in the colours of their species; a click or Enter shows one with all its numbers.
kadi.app.component('battgen-lattices', {
  mixins: [window.battgen.pages],
  data() {
    return {chosen: 0};
  },
  computed: {
    sample() {
      return this.page.samples[Math.min(this.chosen, this.page.samples.length - 1)];
    },
  },
  template: `
    <section class="battgen battgen-sei" :aria-busy="busy" aria-label="Configurations of the file">
      <h5>{$ page.title $}</h5>
      <battgen-facts :facts="page.facts"></battgen-facts>
      <battgen-legend :entries="page.legend"></battgen-legend>
      <battgen-controls :pages="this"></battgen-controls>
      <div class="battgen-lattices mb-3">
        <button v-for="(sample, position) in page.samples" :key="sample.index" type="button" class="battgen-lattice"
                :aria-pressed="String(position === chosen)" @click="chosen = position">
          <img :src="sample.src" :alt="sample.alt">
          <strong>{$ sample.title $}</strong><span>{$ sample.subtitle $}</span>
          <span class="text-muted">{$ sample.caption $}</span>
        </button>
      </div>
      <div v-if="sample" class="battgen-detail" aria-live="polite">
        <figure class="mb-0">
          <img :src="sample.src" :alt="sample.alt">
          <figcaption class="small text-muted">{$ sample.title $}, electrode at the bottom</figcaption>
        </figure>
        <div>
          <h6>{$ sample.title $}</h6>
          <table class="table table-sm table-borderless battgen-properties">
            <caption class="sr-only">Observables of the configuration</caption>
            <tbody>
              <tr v-for="fact in sample.facts" :key="fact.name">
                <th scope="row" class="font-weight-normal text-muted">{$ fact.name $}</th><td>{$ fact.value $}</td>
              </tr>
              <tr v-for="entry in sample.observables" :key="entry.key" class="battgen-observable">
                <th scope="row" class="font-weight-normal">{$ entry.name $}</th><td>{$ entry.value $}</td>
              </tr>
            </tbody>
          </table>
        </div>
        <div v-if="sample.barriers.length">
          <h6>Reaction barriers</h6>
          <table class="table table-sm table-borderless battgen-properties">
            <caption class="sr-only">Reaction barriers of the run</caption>
            <tbody>
              <tr v-for="entry in sample.barriers" :key="entry.key">
                <th scope="row" class="font-weight-normal">{$ entry.name $}</th><td>{$ entry.value $}</td>
              </tr>
            </tbody>
          </table>
        </div>
      </div>
    </section>`,
});
