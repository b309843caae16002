// Runs a TensorFlow.js graph model: node run_graph.js MODEL.json IMAGES HEIGHT WIDTH NODE OUT; IMAGES and OUT are float32.
const fs = require('fs');
const path = require('path');
const tf = require('@tensorflow/tfjs');

(async () => {
  const [model, images, height, width, node, out] = process.argv.slice(2);
  const content = JSON.parse(fs.readFileSync(model));
  const groups = content.weightsManifest;
  const bytes = Buffer.concat(groups.flatMap((group) => group.paths).map(
    (name) => fs.readFileSync(path.join(path.dirname(model), name))));
  const load = async () => ({
    modelTopology: content.modelTopology,
    weightSpecs: groups.flatMap((group) => group.weights),
    weightData: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
  });
  const graph = await tf.loadGraphModel({load});
  const raw = fs.readFileSync(images);
  const values = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
  const found = graph.execute(tf.tensor(values, [values.length / (height * width * 3), +height, +width, 3]), node);
  fs.writeFileSync(out, Buffer.from((await found.data()).buffer));
})();
