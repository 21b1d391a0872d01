// A model card: what was measured, the curves of its training, its architecture and where its data came from.
kadi.app.component('battgen-rows', {
  props: {rows: Array},
  template: `
    <div class="battgen-scroll">
      <table class="table table-sm battgen-properties">
        <tbody>
          <tr v-for="(row, index) in rows" :key="index">
            <th scope="row" class="font-weight-normal">{$ row.name $}</th><td class="text-break">{$ row.value $}</td>
          </tr>
        </tbody>
      </table>
    </div>`,
});

kadi.app.component('battgen-model', {
  props: {data: Object},
  template: `
    <section class="battgen battgen-model" aria-label="Model card">
      <h5>{$ data.title $}</h5>
      <battgen-facts :facts="data.facts"></battgen-facts>
      <p v-if="!data.card" class="text-muted">
        No card.json of kadi-battgen lies beside these weights: they are shown as they are.
      </p>
      <p v-if="data.sources.length">
        Trained on
        <span v-for="(source, index) in data.sources" :key="source.url"
          >{$ index ? ', ' : '' $}<a :href="source.url">{$ source.title $}</a> ({$ source.role $})</span>
      </p>
      <template v-if="data.measured.length">
        <h6>Measured results</h6>
        <div class="battgen-scroll">
          <table class="table table-sm battgen-properties battgen-measured mb-3">
            <thead><tr><th scope="col">Metric</th><th scope="col">Measured on</th><th scope="col">Value</th></tr></thead>
            <tbody>
              <tr v-for="(row, index) in data.measured" :key="index">
                <th scope="row" class="font-weight-normal">{$ row.name $}</th><td>{$ row.part || '–' $}</td>
                <td>{$ row.value $}</td>
              </tr>
            </tbody>
          </table>
        </div>
      </template>
      <template v-if="data.curves.length">
        <h6>Learning curves</h6>
        <div class="battgen-curves mb-3">
          <battgen-curve v-for="panel in data.curves" :key="panel.name" :panel="panel"></battgen-curve>
        </div>
      </template>
      <details v-for="(section, index) in data.sections" :key="section.title" class="mb-2" :open="index < 1">
        <summary><strong>{$ section.title $}</strong></summary>
        <battgen-rows :rows="section.rows"></battgen-rows>
      </details>
      <details v-if="data.tensors" class="mb-2" :open="!data.card">
        <summary>
          <strong>Weights</strong> ({$ data.tensors.total $} tensors, {$ data.tensors.values $} values)
        </summary>
        <battgen-rows v-if="data.tensors.metadata.length" :rows="data.tensors.metadata"></battgen-rows>
        <div class="battgen-scroll">
          <table class="table table-sm battgen-properties battgen-tensors">
            <thead><tr><th scope="col">Tensor</th><th scope="col">Type</th><th scope="col">Shape</th></tr></thead>
            <tbody>
              <tr v-for="tensor in data.tensors.tensors" :key="tensor.name">
                <th scope="row" class="font-weight-normal text-break">{$ tensor.name $}</th><td>{$ tensor.type $}</td>
                <td>{$ tensor.shape || 'scalar' $}</td>
              </tr>
            </tbody>
          </table>
        </div>
      </details>
    </section>`,
});
