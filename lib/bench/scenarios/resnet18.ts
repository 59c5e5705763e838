import { classifier } from '../models/classifier.js';
import { resnet } from '../models/resnet.js';

/** The 18-layer network with a stem for small images: a 3x3 convolution and no pooling. */
export const resnet18 = classifier({
  name: 'resnet18',
  title: '4 x 2 basic blocks of 64, 128, 256, 512 maps, batch norm',
  batchSize: 32,
  shape: [32, 32, 3],
  classes: 10,
  model: () => resnet({ widths: [64, 128, 256, 512], blocks: 2, classes: 10 }),
});
