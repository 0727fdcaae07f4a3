"use strict";
// Distances of one quantised descriptor to all of a view, in levels; steps are sizes of a level. Plain loops over bytes: 65,536 pixels of 32
// channels take a few milliseconds.
PixBench.distances = (source, sourcePixel, target, channels, p) => {
  const count = target.length / channels;
  const found = new Float32Array(count);
  const query = source.subarray(sourcePixel * channels, (sourcePixel + 1) * channels);
  let at = 0;
  if (p === "inf") {
    for (let pixel = 0; pixel < count; pixel += 1) {
      let largest = 0;
      for (let channel = 0; channel < channels; channel += 1, at += 1) {
        const apart = query[channel] - target[at];
        const size = apart < 0 ? -apart : apart;
        if (size > largest) largest = size;
      }
      found[pixel] = largest;
    }
  } else if (p === "1") {
    for (let pixel = 0; pixel < count; pixel += 1) {
      let sum = 0;
      for (let channel = 0; channel < channels; channel += 1, at += 1) {
        const apart = query[channel] - target[at];
        sum += apart < 0 ? -apart : apart;
      }
      found[pixel] = sum;
    }
  } else {
    for (let pixel = 0; pixel < count; pixel += 1) {
      let sum = 0;
      for (let channel = 0; channel < channels; channel += 1, at += 1) {
        const apart = query[channel] - target[at];
        sum += apart * apart;
      }
      found[pixel] = Math.sqrt(sum);
    }
  }
  return found;
};

PixBench.nearest = (distances) => {
  let best = 0;
  for (let pixel = 1; pixel < distances.length; pixel += 1) if (distances[pixel] < distances[best]) best = pixel;
  return best;
};
