/**
 * What options of other frameworks that have no counterpart come to here, by their names in small letters without
 * separators: an error says so in place of a list of all options.
 */
export const notesElsewhere: Readonly<Record<string, string>> = {
  // Where and how tensors are kept
  device: 'there is one device, the CPU',
  inplace: 'no tensor is changed in place',
  requiresgrad: 'freeze() excludes parameters from training',
  trainable: 'freeze() excludes parameters from training',
  out: 'the result is returned',
  pinmemory: 'there is one device, the CPU',
  // The layout of inputs
  inputshape: 'the arguments give the numbers of inputs, and the rest is read from the input',
  inputdim: 'the arguments give the numbers of inputs',
  batchinputshape: 'the arguments give the numbers of inputs, and the rest is read from the input',
  dataformat: 'channels are the last axis',
  channelslast: 'channels are the last axis always',
  memoryformat: 'channels are the last axis',
  batchfirst: 'the batch is the first axis always',
  timemajor: 'the batch is the first axis',
  // Layers
  activation: 'the activation is a layer of its own, such as nn.ReLU',
  activityregularizer: 'penalties are part of the loss; the optimizer has weightDecay',
  kernelregularizer: 'penalties are part of the loss; the optimizer has weightDecay',
  biasregularizer: 'penalties are part of the loss; the optimizer has weightDecay',
  kernelconstraint: 'weights have no constraints',
  biasconstraint: 'weights have no constraints',
  returnsequences: 'forward returns all steps, and run also the final state',
  returnstate: 'run returns all steps and the final state',
  gobackwards: 'bidirectional reads both ways; x.flip reverses an axis',
  stateful: 'run takes the state and returns it',
  recurrentdropout: 'dropout is between the layers alone',
  projsize: 'there are no projections of the state',
  returnindices: 'there are no indices of the largest values',
  needweights: 'the weights of attention are not returned',
  sparse: 'gradients are dense',
  scalegradbyfreq: 'gradients are not scaled by frequency',
};
