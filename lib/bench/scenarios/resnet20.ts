import { classifier } from '../models/classifier.js';
import { resnet } from '../models/resnet.js';

/**
 * The 20-layer network that He et al. (2016) trained on CIFAR-10: narrow convolutions with much batch normalisation.
 */
export const resnet20 = classifier({
  name: 'resnet20',
  title: '3 x 3 basic blocks of 16, 32, 64 maps, batch norm',
  batchSize: 64,
  shape: [32, 32, 3],
  classes: 10,
  model: () => resnet({ widths: [16, 32, 64], blocks: 3, classes: 10 }),
});
