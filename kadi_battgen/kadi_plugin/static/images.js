// A montage: AFM slices beside descriptors, with the electrode and its conditions.
kadi.app.component('battgen-images', {
  mixins: [window.battgen.pages],
  template: `
    <section class="battgen battgen-images" :aria-busy="busy" aria-label="Samples of the file">
      <h5>{$ page.title $}</h5>
      <battgen-facts :facts="page.facts"></battgen-facts>
      <battgen-controls :pages="this"></battgen-controls>
      <battgen-legend :entries="page.legend" class="mt-2"></battgen-legend>
      <article v-for="sample in page.samples" :key="sample.index" class="battgen-sample">
        <h6 class="mb-1">
          {$ sample.title $} <small class="text-muted">sample {$ sample.index $}</small>
        </h6>
        <p class="mb-2 small text-muted">{$ sample.subtitle $}</p>
        <div class="battgen-body">
          <div v-if="sample.stack" class="battgen-stack">
            <div class="small mb-1"><strong>AFM stack</strong>, farthest slice first, by tip–sample distance</div>
            <div class="battgen-pictures">
              <figure v-for="picture in sample.stack.pictures" :key="picture.caption">
                <img :src="picture.src" :alt="picture.alt">
                <figcaption>{$ picture.caption $}</figcaption>
              </figure>
            </div>
            <div class="small text-muted mt-1">{$ sample.stack.range $}</div>
          </div>
          <div class="battgen-descriptors">
            <div class="small mb-1"><strong>Descriptors</strong>, bright is high; colours of the type map above</div>
            <div class="battgen-pictures">
              <figure v-for="picture in sample.descriptors" :key="picture.caption">
                <img :src="picture.src" :alt="picture.alt">
                <figcaption>{$ picture.caption $}</figcaption>
              </figure>
            </div>
          </div>
        </div>
        <dl v-if="sample.properties.length || sample.facts.length" class="battgen-facts small mt-2 mb-0">
          <div v-for="entry in sample.properties" :key="entry.name">
            <dt>{$ entry.name $}</dt>
            <dd>{$ entry.value $}<span v-if="entry.scaled" class="text-muted">; condition {$ entry.scaled $}</span></dd>
          </div>
          <div v-for="fact in sample.facts" :key="fact.name"><dt>{$ fact.name $}</dt><dd>{$ fact.value $}</dd></div>
        </dl>
      </article>
    </section>`,
});
